"""What the phone shows from us: widgets and Live Activities, and which Live Activities have a slot. No I/O."""

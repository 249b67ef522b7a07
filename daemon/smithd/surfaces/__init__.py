"""Words it for the phone; no I/O."""

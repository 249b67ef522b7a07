"""The local page. It reads the state, and decides nothing."""

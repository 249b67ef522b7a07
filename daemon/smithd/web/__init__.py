"""The local page: reads, never decides."""

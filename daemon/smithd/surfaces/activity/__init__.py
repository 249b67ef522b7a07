"""Live Activities: what all types share, and one file for each type."""

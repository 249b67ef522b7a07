"""Remembers samples: for relative thresholds, for functions over a window, and for replay."""

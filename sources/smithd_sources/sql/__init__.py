"""The source that asks databases."""

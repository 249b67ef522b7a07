"""The state's history: one step for each version of its tables."""

"""The engine: one queue, and steps that compute, commit and apply what waits in it."""

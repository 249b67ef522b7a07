"""Builds the daemon, runs it, reloads it, and stops it; owns every task, and the control socket."""

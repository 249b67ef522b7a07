"""Polling: which types of sources exist, when each source is due, its polls, and what it hands over."""

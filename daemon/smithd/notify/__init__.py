"""Decides which alerts a notification is about, when it is sent, and what it says."""

"""Asks: which sources there are, when each is due, and what it hands over."""

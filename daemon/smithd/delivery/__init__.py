"""Sends it; the only room that knows the wire."""

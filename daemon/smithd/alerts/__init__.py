"""Decides: from readings to alert states."""

"""Tests for a user's rules: series go in, and what becomes of alerts and of the Lock Screen is compared."""

"""Tests for a user's rules: series go in, and what alerts and the Lock Screen become is compared."""

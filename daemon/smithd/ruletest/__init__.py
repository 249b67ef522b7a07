"""Tests for a user's rules: series go in, and the resulting alerts and messages are compared with expected ones."""

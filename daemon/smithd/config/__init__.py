"""Reads the configuration, and reports its mistakes."""

"""Reads the configuration, and says where it is wrong."""

"""The demo: a small shop, its configuration, and everything around it in one process."""

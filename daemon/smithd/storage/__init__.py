"""The state on disk: opened, migrated, and written one transaction at a time."""

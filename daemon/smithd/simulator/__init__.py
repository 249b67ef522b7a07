"""A stand-in for the ActivitySmith service."""

"""What the service takes: its endpoints, the shape of each request, and what is wrong with one. Pure."""

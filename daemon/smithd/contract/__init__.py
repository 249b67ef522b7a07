"""What the service accepts: its endpoints, the shape of each request, and what is wrong with one. No I/O."""

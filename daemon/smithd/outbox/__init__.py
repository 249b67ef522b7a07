"""Makes it durable: what the phone should be told, and what it was told."""

"""Messages that wait to be sent, and what the service last accepted: kept across restarts."""

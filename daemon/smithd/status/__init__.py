"""The read model of the running daemon: what page, API, metrics and ``smithd status`` show."""

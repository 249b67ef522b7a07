"""The log: for a terminal, the journal, or programs."""

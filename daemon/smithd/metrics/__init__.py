"""What smithd says of itself to Prometheus: counters of events, and what is so at the moment of a scrape.

No label has a value from outside: the names of sources and accounts, and the types of sources, are those of the
configuration; all others are words of smithd's own.
"""

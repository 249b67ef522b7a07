"""The state on disk: opened, migrated, and written one transaction at a time.

Rooms declare their tables with ``tables`` and are handed connections; ``database`` opens the state. What only one
kind of database knows (how an upsert is written, pragmas, error codes) stands in a file named after it: ``sqlite``.
Another kind is one more such file.
"""

from smithd.storage.tables import (
    IDS_USED_ONCE,
    ORDERED_BY_KEY,
    delete_by_key,
    execute_many,
    key_parameters,
    labels_of_text,
    metadata,
    text_of_labels,
    upsert,
)

__all__ = [
    "IDS_USED_ONCE",
    "ORDERED_BY_KEY",
    "delete_by_key",
    "execute_many",
    "key_parameters",
    "labels_of_text",
    "metadata",
    "text_of_labels",
    "upsert",
]

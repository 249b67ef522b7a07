"""``python -m smithd.storage.migrations``: write ``head.sql`` anew after a migration was added."""

from smithd.storage.migration import write_head

if __name__ == "__main__":
    write_head()

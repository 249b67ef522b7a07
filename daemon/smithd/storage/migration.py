"""Brings the tables of a state up to date: a new file at once, an old one by the migrations it has not seen."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from smithd.errors import DatabaseError
from smithd.storage import sqlite

HEAD = "0024"
"""The newest revision in ``migrations/versions``."""

_MIGRATIONS = Path(__file__).with_name("migrations")
_HEAD_SCHEMA = _MIGRATIONS / "head.sql"
"""What all migrations together make; a test compares the two, and ``write_head`` writes it anew."""


def bring_up_to_date(connection: Connection, path: Path) -> None:
    """Make or migrate the tables. DatabaseError where the file is another program's, or a newer smithd's."""
    tables = sqlite.tables(connection)
    if not tables:
        # As the migrations would have made them, without running one after another.
        for statement in _HEAD_SCHEMA.read_text().split(";"):
            if statement.strip():
                connection.exec_driver_sql(statement)
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (HEAD,))
        return
    version: str | None = None
    if "alembic_version" in tables:
        version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    if version is None:
        raise DatabaseError(f"{path} belongs to another program: it has tables, but none of smithd's")
    if version == HEAD:
        return
    if not any(file.name.startswith(f"{version}_") for file in (_MIGRATIONS / "versions").iterdir()):
        raise DatabaseError(
            f"{path} was written by a newer smithd (its version is {version}, this one knows {HEAD}): "
            "install that one again, or give 'state' another file"
        )
    upgrade(connection)


def upgrade(connection: Connection, to: str = HEAD) -> None:
    """Run the migrations that a file has not seen, up to a revision. Only for an old file: alembic takes longer to
    import than all of the state to open.
    """
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    # A % has a meaning in the options of configparser, which alembic uses.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    command.upgrade(config, to)


def write_head() -> None:
    """Write ``head.sql`` anew, from what all migrations make of an empty state."""
    with sqlite.engine(Path(":memory:")).begin() as connection:
        upgrade(connection, "head")
        made = sqlite.schema(connection).values()
    statements = ["\n".join(line.rstrip() for line in sql.expandtabs(4).splitlines()).strip() for sql in made]
    _HEAD_SCHEMA.write_text(";\n\n".join(statements) + ";\n")

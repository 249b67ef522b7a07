"""Brings the tables of a state up to date: a new file at once, an old one by the migrations it has not seen."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from smithd import __version__
from smithd.errors import DatabaseError
from smithd.storage import owner, sqlite
from smithd.storage.backup import before_upgrades

HEAD = "0026"
"""The newest revision in ``migrations/versions``."""

_MIGRATIONS = Path(__file__).with_name("migrations")
_HEAD_SCHEMA = _MIGRATIONS / "head.sql"
"""What all migrations together make; a test compares the two, and ``write_head`` writes it anew."""


def is_earlier(path: Path) -> bool:
    """Whether the file at ``path`` is a state that opening it will upgrade."""
    found = sqlite.look(path, "SELECT version_num FROM alembic_version") or []
    return any(version in _versions() - {HEAD} for (version,) in found)


def _versions() -> set[str]:
    """Those that this smithd knows."""
    return {file.name.partition("_")[0] for file in (_MIGRATIONS / "versions").glob("*.py")}


def found_version(connection: Connection, path: Path) -> str | None:
    """The version of the tables in a file; None where it has none yet. DatabaseError where it is another program's, or
    a newer smithd's.
    """
    tables = sqlite.tables(connection)
    if not tables:
        return None
    versions: list[str] = []
    if "alembic_version" in tables:
        versions += connection.exec_driver_sql("SELECT version_num FROM alembic_version ORDER BY 1").scalars()
    if not versions:
        raise DatabaseError(f"{path} belongs to another program: it has tables, but none of smithd's")
    if len(versions) > 1:
        raise DatabaseError(
            f"{path} says of its tables that they are of several versions ({', '.join(versions)}): its table "
            "alembic_version must have one row. Restore a backup (docs/state.md)"
        )
    (version,) = versions
    if version not in _versions():
        raise DatabaseError(_newer(path, version, owner.version(connection)))
    return version


def _newer(path: Path, version: str, smithd: str) -> str:
    """What to do about a state of a newer smithd."""
    kept = before_upgrades(path)
    earlier = "restore a backup"
    if kept:
        earlier = f"go back to the state from before the upgrade: rm -f {path}-wal {path}-shm; cp {kept[-1]} {path}"
    wrote = f"{smithd}, with " if smithd else ""
    return (
        f"{path} was written by a newer smithd ({wrote}tables of version {version}; this is {__version__}, which knows "
        f"{HEAD}). Do one of these:\n"
        f"  - install smithd {smithd or 'of that version'} again\n"
        f"  - {earlier}\n"
        "    (what was notified since then may be notified again: docs/state.md)\n"
        "  - give 'state' another file, to start afresh"
    )


def head_schema() -> dict[str, str]:
    """What makes each table and index of the newest version."""
    with sqlite.engine(Path(":memory:")).begin() as connection:
        make(connection)
        return sqlite.schema(connection)


def make(connection: Connection) -> None:
    """Make the tables in an empty file, as the migrations would have made them one after another."""
    for statement in _HEAD_SCHEMA.read_text().split(";"):
        if statement.strip():
            connection.exec_driver_sql(statement)
    connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (HEAD,))


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

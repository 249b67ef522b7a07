"""The silences, remembered: their table, and every statement on it."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Column, Connection, Float, Integer, Table, Text, select

from smithd.notify.silence import Silence, parse_matchers
from smithd.storage import IDS_USED_ONCE, metadata

_SILENCES = Table(
    "silences",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("matchers", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("starts", Float, nullable=False),
    Column("ends", Float, nullable=False),
    **IDS_USED_ONCE,  # a person has seen them
)


class Silences:
    """The silences that have not ended."""

    def __init__(self) -> None:
        self._known: dict[int, Silence] = {}

    @classmethod
    def load(cls, connection: Connection) -> Silences:
        """What the last run left."""
        silences = cls()
        for row in connection.execute(select(_SILENCES).order_by(_SILENCES.c.id)):
            matchers = parse_matchers(row.matchers)
            silences._known[row.id] = Silence(row.id, matchers, row.comment, row.author, row.starts, row.ends)
        return silences

    def active(self, now: float) -> list[Silence]:
        """Those that have not ended, the oldest first."""
        return [silence for silence in self._known.values() if silence.ends > now]

    def add(self, connection: Connection, silence: Silence, now: float) -> Silence:
        """Keep a new silence, and forget those that have ended; returns it with its id."""
        for ended in [known for known in self._known.values() if known.ends <= now]:
            self._forget(connection, ended.id)
        values = {
            "matchers": silence.text,
            "comment": silence.comment,
            "author": silence.author,
            "starts": silence.starts,
            "ends": silence.ends,
        }
        (row,) = connection.execute(_SILENCES.insert(), values).inserted_primary_key or (0,)
        self._known[row] = replace(silence, id=row)
        return self._known[row]

    def expire(self, connection: Connection, id_: int, now: float) -> bool:
        """End a silence; False where there is none with this id that has not ended."""
        if all(silence.id != id_ for silence in self.active(now)):
            return False
        self._forget(connection, id_)
        return True

    def _forget(self, connection: Connection, id_: int) -> None:
        connection.execute(_SILENCES.delete().where(_SILENCES.c.id == id_))
        del self._known[id_]

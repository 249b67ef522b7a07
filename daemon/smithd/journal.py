"""The journal: what was decided about each alert, and why; its table, and every statement on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Column, Connection, Float, Index, Integer, Select, Table, Text, select

from smithd.storage import labels_of_text, metadata, text_of_labels

KEPT_FOR = 30 * 86400.0
"""Seconds for which a decision is remembered."""

KEPT_OF_A_RULE = 2_000
"""How many decisions are remembered of each rule: one that flaps does not push out those of others."""

PRUNE_EVERY = 500
"""Entries after which those that are too old or too many are looked for again."""

Labels = tuple[tuple[str, str], ...]

_JOURNAL = Table(
    "journal",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("rule", Text, nullable=False),
    Column("labels", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("value", Float),
    Column("evidence", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("notification", Text, nullable=False),
    Index("journal_by_rule", "rule", "id"),
)
_ADD = _JOURNAL.insert()


@dataclass(frozen=True, slots=True)
class Entry:
    """A decision about an alert at ``at`` (seconds since 1970).

    ``change``: what happened to it ("" where only its notification changed), at ``value``, with ``evidence`` (as JSON);
    ``reason``: why that was notified or was not (a stable identifier), ``detail`` what that is about; ``notification``:
    its key in the outbox.
    """

    at: float
    rule: str
    labels: Labels
    change: str
    severity: str
    value: float | None
    evidence: str
    reason: str
    detail: str
    notification: str


_FIELDS = [field.name for field in fields(Entry)]


class Journal:
    """Writes entries in the caller's transaction, and now and then removes those that are too old or too many."""

    def __init__(self) -> None:
        # None: nothing was pruned by this run, and what earlier runs have left is not known.
        self._pruned_at: float | None = None
        self._written: dict[str, int] = {}

    def write(self, connection: Connection, entries: Iterable[Entry], now: float) -> None:
        """Keep these entries."""
        rows = [
            {name: getattr(entry, name) for name in _FIELDS} | {"labels": text_of_labels(entry.labels)}
            for entry in entries
        ]
        if not rows:
            return
        connection.execute(_ADD, rows)
        for row in rows:
            self._written[row["rule"]] = self._written.get(row["rule"], 0) + 1
        if self._pruned_at is None:
            prune(connection, now)
            self._pruned_at = now
        # Only rules that were written to can have too many entries. The clock may have been set back.
        if sum(self._written.values()) >= PRUNE_EVERY or abs(now - self._pruned_at) >= 86400:
            _prune(connection, self._written, now)
            self._written.clear()
            self._pruned_at = now


def read(connection: Connection, rule: str) -> list[Entry]:
    """What is remembered of a rule, the oldest first."""
    return list(_entries(connection, select(_JOURNAL).where(_JOURNAL.c.rule == rule).order_by(_JOURNAL.c.id)))


def newest(connection: Connection, rule: str | None, limit: int) -> list[Entry]:
    """The last that is remembered of a rule, or of all (None), the newest first."""
    of_rule = select(_JOURNAL) if rule is None else select(_JOURNAL).where(_JOURNAL.c.rule == rule)
    return list(_entries(connection, of_rule.order_by(_JOURNAL.c.id.desc()).limit(limit)))


def read_all(connection: Connection) -> Iterator[Entry]:
    """All that is remembered, the oldest first, row by row."""
    return _entries(connection, select(_JOURNAL).order_by(_JOURNAL.c.id))


def _entries(connection: Connection, wanted: Select[Any]) -> Iterator[Entry]:
    for row in connection.execute(wanted):
        yield Entry(
            row.at,
            row.rule,
            labels_of_text(row.labels),
            row.change,
            row.severity,
            row.value,
            row.evidence,
            row.reason,
            row.detail,
            row.notification,
        )


def prune(connection: Connection, now: float) -> None:
    """Remove what is too old, or too much of a rule."""
    _prune(connection, connection.execute(select(_JOURNAL.c.rule).distinct()).scalars().all(), now)


def _prune(connection: Connection, rules: Iterable[str], now: float) -> None:
    connection.execute(_JOURNAL.delete().where(_JOURNAL.c.at < now - KEPT_FOR))
    for rule in rules:
        newest = select(_JOURNAL.c.id).where(_JOURNAL.c.rule == rule).order_by(_JOURNAL.c.id.desc())
        last = connection.execute(newest.offset(KEPT_OF_A_RULE).limit(1)).scalar()
        if last is not None:
            connection.execute(_JOURNAL.delete().where(_JOURNAL.c.rule == rule, _JOURNAL.c.id <= last))

"""The journal: what it keeps of each rule, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from smithd import journal
from smithd.storage.database import Database

NOW = 1_763_906_400.0
DAY = 86400.0


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    database = Database.open(tmp_path / "state.db")
    with database.transaction() as connection:
        yield connection
    database.close()


def entry(rule: str, at: float, series: str = "a") -> journal.Entry:
    return journal.Entry(at, rule, (("series", series),), "fired", "warning", 2.0, "why", "notified", "", "push:x")


def test_it_returns_a_rule_s_entries_in_order(connection: Connection) -> None:
    book = journal.Journal()
    entries = [entry("low", NOW, "a"), entry("high", NOW + 1), entry("low", NOW + 2, "b"), entry("low", NOW + 3, "a")]
    book.write(connection, entries, NOW + 3)
    assert journal.read(connection, "low") == [entries[0], entries[2], entries[3]]
    assert journal.read(connection, "none") == []


def test_a_rule_that_flaps_pushes_out_its_own_past_only(connection: Connection) -> None:
    book = journal.Journal()
    book.write(connection, [entry("steady", NOW)], NOW)
    for start in range(0, journal.KEPT_OF_A_RULE + 2 * journal.PRUNE_EVERY, 100):
        book.write(connection, [entry("flaps", NOW + start + n) for n in range(100)], NOW + start)
    found = journal.read(connection, "flaps")
    assert journal.KEPT_OF_A_RULE <= len(found) < journal.KEPT_OF_A_RULE + journal.PRUNE_EVERY
    assert found[-1].at == NOW + start + 99
    assert journal.read(connection, "steady") == [entry("steady", NOW)]


def test_what_is_too_old_is_forgotten(connection: Connection) -> None:
    book = journal.Journal()
    book.write(connection, [entry("low", NOW)], NOW)
    later = NOW + journal.KEPT_FOR + DAY
    book.write(connection, [entry("low", later)], later)
    assert journal.read(connection, "low") == [entry("low", later)]


def test_what_earlier_runs_have_left_is_forgotten_too(connection: Connection) -> None:
    journal.Journal().write(connection, [entry("low", NOW), entry("old", NOW)], NOW)
    for run in range(5):
        start = NOW + 1000 * run
        entries = [entry("low", start + number) for number in range(journal.PRUNE_EVERY - 1)]
        journal.Journal().write(connection, entries, start)
    journal.Journal().write(connection, [entry("other", NOW + 9000)], NOW + 9000)
    assert len(journal.read(connection, "low")) == journal.KEPT_OF_A_RULE
    later = NOW + journal.KEPT_FOR + DAY
    journal.Journal().write(connection, [entry("low", later)], later)
    assert journal.read(connection, "old") == []

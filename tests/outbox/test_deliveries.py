"""The journal of deliveries: what it keeps of each key, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from smithd.outbox import deliveries
from smithd.outbox.delivered import Delivered
from smithd.outbox.deliveries import read_deliveries, rename_account, write_deliveries
from smithd.storage.database import Database

NOW = 1_763_906_400.0
DAY = 86400.0


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    database = Database.open(tmp_path / "state.db")
    with database.transaction() as connection:
        yield connection
    database.close()


def entry(key: str, at: float, account: str = "default") -> Delivered:
    return Delivered(at, account, key, "metric-value", "rejected", "", 404, 0.25, "no", is_final=False)


def test_it_returns_the_entries_of_a_key_in_order(connection: Connection) -> None:
    entries = [entry("widget a", NOW), entry("widget b", NOW + 1), entry("widget a", NOW + 2)]
    write_deliveries(connection, entries, NOW + 2)
    assert read_deliveries(connection, "widget a", NOW + 2) == [entries[0], entries[2]]
    assert read_deliveries(connection, "widget c", NOW + 2) == []


def test_a_week_is_kept(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    write_deliveries(connection, [entry("widget a", NOW)], NOW)
    assert len(read_deliveries(connection, "widget a", NOW + 7 * DAY)) == 1
    assert read_deliveries(connection, "widget a", NOW + 7 * DAY + 1) == []
    monkeypatch.setattr(deliveries, "PRUNE_EVERY", 1)
    write_deliveries(connection, [entry("widget b", NOW + 8 * DAY)], NOW + 8 * DAY)
    # Read as of then: it is not only left out.
    assert read_deliveries(connection, "widget a", NOW) == []


@pytest.mark.parametrize(
    ("account", "before", "name", "after"),
    [
        ("team", "widget a of team", "ops", "widget a of ops"),
        ("default", "widget a", "ops", "widget a of ops"),
        ("team", "widget a of team", "default", "widget a"),
    ],
)
def test_what_is_remembered_of_an_account_is_found_by_its_new_name(
    connection: Connection, account: str, before: str, name: str, after: str
) -> None:
    of_another = entry("widget a of other", NOW, "other")
    write_deliveries(connection, [entry(before, NOW, account), of_another], NOW)
    rename_account(connection, account, name)
    assert read_deliveries(connection, before, NOW) == []
    assert read_deliveries(connection, after, NOW) == [entry(after, NOW, name)]
    assert read_deliveries(connection, of_another.key, NOW) == [of_another]


def test_a_widget_that_changes_all_the_time_pushes_out_its_own_past_only(connection: Connection) -> None:
    write_deliveries(connection, [entry("widget steady", NOW)], NOW)
    for step in range(12):
        write_deliveries(connection, [entry("widget busy", NOW + step + at / 100) for at in range(100)], NOW + step)
    assert len(read_deliveries(connection, "widget steady", NOW)) == 1
    kept = read_deliveries(connection, "widget busy", NOW)
    assert (len(kept), kept[-1].at) == (deliveries.KEPT_OF_A_KEY, NOW + 11.99)


def test_so_many_are_kept_of_all(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "KEPT", 100)
    write_deliveries(connection, [entry(f"widget {count}", NOW) for count in range(500)], NOW)
    kept = [count for count in range(500) if read_deliveries(connection, f"widget {count}", NOW)]
    assert kept == list(range(400, 500))

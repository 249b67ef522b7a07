"""When rules fired on a series: what is kept of it, for how long, and that the state has the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from smithd.plugin.sample import Series
from smithd.series import rows
from smithd.series.intervals import (
    KEPT_FOR,
    FiringInterval,
    FiringIntervals,
    IntervalChanges,
    close_all_but,
    closed,
    opened,
    prune,
)
from smithd.storage.database import Database

T = 1_800_000_000.0
STOCK = Series("shop.stock", (("house", "a"),))
DEPOT = Series("depot.stock")


def test_an_interval_is_open_while_the_rule_fires() -> None:
    intervals, changes = opened(FiringIntervals(), "low", STOCK, T)
    assert changes.written == (FiringInterval("low", STOCK, T),)
    assert opened(intervals, "low", STOCK, T + 1) == (intervals, IntervalChanges())
    assert intervals.of(STOCK, T - 100, T + 50) == [(T, T + 50)]
    intervals, changes = closed(intervals, "low", STOCK, T + 60)
    assert changes.written == (FiringInterval("low", STOCK, T, T + 60),)
    assert closed(intervals, "low", STOCK, T + 70) == (intervals, IntervalChanges())
    assert intervals.of(STOCK, T + 30, T + 100) == [(T + 30, T + 60)]
    assert intervals.of(STOCK, T + 61, T + 100) == []
    assert intervals.of(DEPOT, T, T + 100) == []


def test_rules_on_one_series_have_intervals_of_their_own() -> None:
    intervals, _ = opened(FiringIntervals(), "low", STOCK, T)
    intervals, _ = opened(intervals, "odd", STOCK, T + 10)
    intervals, _ = closed(intervals, "low", STOCK, T + 20)
    assert intervals.of(STOCK, T, T + 30) == [(T, T + 20), (T + 10, T + 30)]


def test_a_start_closes_what_fires_no_more() -> None:
    intervals, _ = opened(FiringIntervals(), "low", STOCK, T)
    intervals, _ = opened(intervals, "dropped", DEPOT, T)
    intervals, changes = close_all_but(intervals, {("low", STOCK)}, T + 60)
    assert changes.written == (FiringInterval("dropped", DEPOT, T, T + 60),)
    assert intervals.of(STOCK, T, T + 90) == [(T, T + 90)]


def test_what_ended_31_days_ago_is_forgotten_and_what_is_open_never() -> None:
    intervals, _ = opened(FiringIntervals(), "low", STOCK, T)
    intervals, _ = closed(intervals, "low", STOCK, T + 60)
    intervals, _ = opened(intervals, "odd", DEPOT, T)
    assert prune(intervals, T + 60 + KEPT_FOR) == (intervals, IntervalChanges())
    pruned, changes = prune(intervals, T + 61 + KEPT_FOR)
    assert changes.removed == (FiringInterval("low", STOCK, T, T + 60),)
    assert pruned.all() == [FiringInterval("odd", DEPOT, T)]


def test_the_state_has_what_memory_has(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "smithd.db")
    intervals = FiringIntervals()
    steps: list[Callable[[FiringIntervals], tuple[FiringIntervals, IntervalChanges]]] = [
        lambda before: opened(before, "low", STOCK, T),
        lambda before: opened(before, "odd", STOCK, T + 1),
        lambda before: closed(before, "low", STOCK, T + 60),
        lambda before: opened(before, "low", STOCK, T + 70),
        lambda before: prune(before, T + 61 + KEPT_FOR),
    ]
    for step in steps:
        intervals, changes = step(intervals)
        with database.transaction() as connection:
            rows.write_intervals(connection, changes)
        with database.transaction() as connection:
            assert rows.load_intervals(connection) == intervals
    with database.transaction() as connection:
        rows.write_all_intervals(connection, intervals)
        assert rows.load_intervals(connection) == intervals
    database.close()

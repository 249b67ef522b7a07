"""The memory of samples: what it keeps, for how long, and what of it a restart, a crash or a clock can take."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from campaign import rounds
from smithd.errors import DatabaseError
from smithd.plugin.sample import Sample, Series
from smithd.series import history as store
from smithd.series.history import BATCH_FOR, History
from smithd.storage.database import Database

DAY = 86400.0
START = 1_800_000_000.0
WATCHED = {"shop.orders": DAY, "prod.visits": 600.0}
ORDERS = Series("shop.orders")
VISITS = Series("prod.visits", (("host", "a"),))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.open(tmp_path / "smithd.db")
    yield database
    database.close()


def remembered(database: Database, now: float = START, kept_for: dict[str, float] | None = None) -> History:
    return History(database, WATCHED if kept_for is None else kept_for, 8 * DAY, now)


def feed(history: History, series: Series, seconds: float, every: float = 60.0, start: float = START) -> float:
    """Values that count up from 0; returns the time of the last."""
    at = start
    for number in range(int(seconds / every) + 1):
        at = start + number * every
        history.take([Sample(series, float(number), at)], at)
    return at


def on_disk(database: Database) -> tuple[int, int]:
    with database.transaction() as connection:
        series = connection.exec_driver_sql("SELECT count(*) FROM series").scalar_one()
        return series, connection.exec_driver_sql("SELECT count(*) FROM samples").scalar_one()


def limit_disk(database: Database, pages: int) -> None:
    """As if the disk were full; SQLite takes the file's own size for the least."""
    with database.transaction() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")


def test_only_what_something_looks_back_on_is_remembered(database: Database) -> None:
    history = remembered(database)
    history.take([Sample(ORDERS, 1.0, START), Sample(Series("shop.stock"), 2.0, START)], START)
    assert history.past(ORDERS, 0, START) == [(START, 1.0)]
    assert history.past(Series("shop.stock"), 0, START) == []
    assert history.series("shop.orders") == [()]


def test_the_next_start_remembers_what_was_flushed(database: Database) -> None:
    history = remembered(database)
    now = max(feed(history, ORDERS, 2 * DAY), feed(history, VISITS, 3600, 15, START + 2 * DAY - 3600))
    history.flush(now)
    again = remembered(database, now)
    for series, since in ((ORDERS, now - DAY), (ORDERS, now - 3600), (VISITS, now - 600)):
        assert history.past(series, since, now)
        assert again.past(series, since, now) == history.past(series, since, now)


def test_a_crash_takes_what_came_since_the_last_flush_and_no_more(database: Database) -> None:
    history = remembered(database)
    flushed = feed(history, ORDERS, 600)
    history.flush(flushed)
    feed(history, ORDERS, 300, start=flushed + 60)
    assert remembered(database, flushed).past(ORDERS, 0, flushed) == history.past(ORDERS, 0, flushed + 360)[:11]


def test_a_poll_is_no_reason_to_write(database: Database) -> None:
    history = remembered(database)
    history.take([Sample(ORDERS, 1.0, START)], START)
    assert not history.is_due(START + BATCH_FOR - 1)
    assert history.is_due(START + BATCH_FOR)
    history.flush(START + BATCH_FOR)
    assert not history.is_due(START + BATCH_FOR)
    assert history.is_due(START - 1000)  # a clock that was set back must not put it off for ever


def test_many_samples_are_not_kept_waiting(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "BATCH", 3)
    history = remembered(database)
    feed(history, ORDERS, 2, every=1)
    assert history.is_due(START + 2)


def test_disk_and_memory_hold_the_same_and_let_go_of_the_same(database: Database) -> None:
    history = remembered(database)
    now = START
    for minute in range(3000):
        now = START + minute * 60
        history.take([Sample(ORDERS, 1.0, now), Sample(VISITS, 1.0, now)], now)
        if minute % 100 == 0:
            history.flush(now)
    history.flush(now)
    series, samples = on_disk(database)
    assert series == 2
    assert samples == len(history.past(ORDERS, now - DAY, now)) + len(history.past(VISITS, now - 600, now))
    history.flush(now + 2 * DAY)
    assert on_disk(database) == (0, 0)
    assert history.series("shop.orders") == []


def test_a_metric_that_nobody_looks_back_on_any_more_is_forgotten(database: Database) -> None:
    history = remembered(database)
    now = max(feed(history, ORDERS, 3600), feed(history, VISITS, 3600))
    history.flush(now)
    history.watch({"prod.visits": DAY}, 8 * DAY)
    history.flush(now)
    assert history.past(ORDERS, 0, now) == []
    assert on_disk(database)[0] == 1
    again = remembered(database, now, {})
    again.flush(now)
    assert on_disk(database) == (0, 0)


def test_no_memory_is_longer_than_the_configuration_allows(database: Database) -> None:
    history = History(database, {"shop.orders": 30 * DAY}, 2 * DAY, START)
    now = feed(history, ORDERS, 5 * DAY, every=3600)
    history.flush(now)
    assert history.past(ORDERS, 0, now)[0][0] >= now - 2 * DAY


def test_what_cannot_be_written_now_is_written_later(database: Database) -> None:
    history = remembered(database)
    now = feed(history, ORDERS, 6000, every=5)
    limit_disk(database, 1)
    with pytest.raises(DatabaseError, match="full"):
        history.flush(now)
    limit_disk(database, 1_000_000)
    history.flush(now)
    assert remembered(database, now).past(ORDERS, 0, now) == history.past(ORDERS, 0, now)


def test_a_clock_that_was_wrong_costs_what_was_noted_by_it(database: Database) -> None:
    history = remembered(database)
    good = feed(history, ORDERS, 600)
    ahead = feed(history, ORDERS, 600, start=good + DAY / 2)
    history.flush(ahead)
    now = good + 60
    history.take([Sample(ORDERS, 99.0, now)], now)
    history.flush(now)
    for seen in (history, remembered(database, now)):
        assert seen.past(ORDERS, 0, now)[-2:] == [(good, 10.0), (now, 99.0)]


def test_series_for_which_there_is_no_room_are_named(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_SAMPLES", 150)
    history = remembered(database)
    hosts = [Series("prod.visits", (("host", str(number)),)) for number in range(4)]
    history.take([Sample(series, 1.0, START) for series in hosts], START)
    assert len(history.series("prod.visits")) == 2
    assert history.refused == {"prod.visits"}


@pytest.mark.parametrize(
    ("at", "tolerance", "value"),
    [(600, 0, 10), (630, 60, 10), (630, 20, None), (-30, 60, 0), (-90, 60, None), (1260, 60, 20)],
)
def test_a_value_in_the_past_is_that_of_the_sample_before_or_of_one_near(
    database: Database, at: float, tolerance: float, value: float | None
) -> None:
    history = remembered(database)
    now = feed(history, ORDERS, 1200)
    assert history.value_at(ORDERS, START + at, tolerance, now) == value


def test_an_average_needs_a_memory_that_is_long_enough(database: Database) -> None:
    history = remembered(database)
    now = feed(history, ORDERS, 1200)
    assert history.average(ORDERS, now - 600, now, 60, now) == 15.0
    assert history.average(ORDERS, now - 3600, now, 600, now) is None
    assert history.average(VISITS, now - 600, now, 60, now) is None


class Remembering(RuleBasedStateMachine):
    """Readings in any order, clock steps, crashes and restarts, against a list of what was given."""

    @initialize()
    def begin(self) -> None:
        self.folder = TemporaryDirectory()
        self.database = Database.open(Path(self.folder.name) / "smithd.db")
        self.now = START
        self.history = remembered(self.database)
        self.given: set[tuple[float, float]] = set()

    @rule(age=st.sampled_from([0.0, 0.0, 10.0, 700.0]))
    def read(self, age: float) -> None:
        sample = (self.now - age, float(len(self.given)))
        self.given.add(sample)
        self.history.take([Sample(VISITS, sample[1], sample[0])], self.now)

    @rule(seconds=st.sampled_from([1.0, 15.0, 60.0, 601.0, -30.0, -3600.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def flush(self) -> None:
        self.history.flush(self.now)

    @rule(clean=st.booleans())
    def restart(self, clean: bool) -> None:
        if clean:
            self.history.flush(self.now)
        before = self.history.past(VISITS, self.now - 600, self.now)
        self.history = remembered(self.database, self.now)
        after = self.history.past(VISITS, self.now - 600, self.now)
        assert after == before if clean else set(after) <= self.given

    @invariant()
    def nothing_is_made_up_or_out_of_order(self) -> None:
        if hasattr(self, "history"):
            past = self.history.past(VISITS, self.now - 600, self.now)
            assert set(past) <= self.given
            assert [at for at, _ in past] == sorted({at for at, _ in past})

    def teardown(self) -> None:
        self.history.flush(self.now + 5 * DAY)
        assert on_disk(self.database) == (0, 0)
        self.database.close()
        self.folder.cleanup()


TestRemembering = Remembering.TestCase
TestRemembering.settings = settings(max_examples=rounds(40, 2000), stateful_step_count=30)


def test_the_last_word_of_a_moment_counts_for_what_is_worked_out(database: Database) -> None:
    history = remembered(database)
    for value in (1.0, 2.0):
        history.take_derived([Sample(ORDERS, value, START - 600)], START)
    history.flush(START)
    history.take_derived([Sample(ORDERS, 3.0, START - 600)], START)
    history.flush(START)
    assert history.past(ORDERS, 0, START) == [(START, 3.0)]
    assert remembered(database).past(ORDERS, 0, START) == [(START, 3.0)]

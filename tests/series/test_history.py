"""The memory of samples: what it keeps, for how long, and what of it a restart, a crash or a clock can take."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from campaign import rounds
from smithd.errors import DatabaseError
from smithd.plugin.sample import Sample, Series
from smithd.series import history as store
from smithd.series import rows
from smithd.series.history import BATCH_FOR, History, HistoryDraft
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
    with database.resuming() as connection:
        return rows.load(connection, WATCHED if kept_for is None else kept_for, 8 * DAY, now)


def take(history: History, samples: list[Sample], now: float) -> None:
    """One step that brings samples."""
    draft = HistoryDraft(history)
    draft.take(samples, now)
    history.apply(draft.changes(), now)


def flush(history: History, database: Database, now: float) -> None:
    """One transaction that writes all that waits."""
    history.forget(now)
    if (unwritten := history.unwritten()) is not None:
        with database.transaction() as connection:
            rows.write(connection, unwritten)
        history.written(now)


def feed(history: History, series: Series, seconds: float, every: float = 60.0, start: float = START) -> float:
    """Values that count up from 0; returns the time of the last."""
    at = start
    for number in range(int(seconds / every) + 1):
        at = start + number * every
        take(history, [Sample(series, float(number), at)], at)
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
    take(history, [Sample(ORDERS, 1.0, START), Sample(Series("shop.stock"), 2.0, START)], START)
    assert history.past(ORDERS, 0, START) == [(START, 1.0)]
    assert history.past(Series("shop.stock"), 0, START) == []


def test_the_next_start_remembers_what_was_flushed(database: Database) -> None:
    history = remembered(database)
    now = max(feed(history, ORDERS, 2 * DAY), feed(history, VISITS, 3600, 15, START + 2 * DAY - 3600))
    flush(history, database, now)
    again = remembered(database, now)
    for series, since in ((ORDERS, now - DAY), (ORDERS, now - 3600), (VISITS, now - 600)):
        assert history.past(series, since, now)
        assert again.past(series, since, now) == history.past(series, since, now)


def test_a_crash_loses_the_samples_that_were_not_written_and_no_more(database: Database) -> None:
    history = remembered(database)
    flushed = feed(history, ORDERS, 600)
    flush(history, database, flushed)
    feed(history, ORDERS, 300, start=flushed + 60)
    assert remembered(database, flushed).past(ORDERS, 0, flushed) == history.past(ORDERS, 0, flushed + 360)[:11]


def test_a_poll_is_no_reason_to_write(database: Database) -> None:
    history = remembered(database)
    take(history, [Sample(ORDERS, 1.0, START)], START)
    assert history.pending(START + BATCH_FOR - 1) is None
    assert history.pending(START + BATCH_FOR) is not None
    assert history.pending(START - 1000) is not None  # a clock that was set back must not put it off for ever
    flush(history, database, START + BATCH_FOR)
    assert history.pending(START + 2 * BATCH_FOR) is None  # nothing came meanwhile


def test_many_samples_are_not_kept_waiting(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "BATCH", 3)
    history = remembered(database)
    feed(history, ORDERS, 2, every=1)
    assert history.pending(START + 2) is not None


def test_disk_and_memory_hold_the_same_and_let_go_of_the_same(database: Database) -> None:
    history = remembered(database)
    now = START
    for minute in range(3000):
        now = START + minute * 60
        take(history, [Sample(ORDERS, 1.0, now), Sample(VISITS, 1.0, now)], now)
        if minute % 100 == 0:
            flush(history, database, now)
    flush(history, database, now)
    series, samples = on_disk(database)
    assert series == 2
    assert samples == len(history.past(ORDERS, now - DAY, now)) + len(history.past(VISITS, now - 600, now))
    flush(history, database, now + 2 * DAY)
    assert on_disk(database) == (0, 0)


def test_a_metric_that_nobody_looks_back_on_any_more_is_forgotten(database: Database) -> None:
    history = remembered(database)
    now = max(feed(history, ORDERS, 3600), feed(history, VISITS, 3600))
    flush(history, database, now)
    history.watch({"prod.visits": DAY}, 8 * DAY)
    flush(history, database, now)
    assert history.past(ORDERS, 0, now) == []
    assert on_disk(database)[0] == 1
    again = remembered(database, now, {})
    flush(again, database, now)
    assert on_disk(database) == (0, 0)


def test_no_memory_is_longer_than_the_configuration_allows(database: Database) -> None:
    history = History({"shop.orders": 30 * DAY}, 2 * DAY, START)
    now = feed(history, ORDERS, 5 * DAY, every=3600)
    flush(history, database, now)
    assert history.past(ORDERS, 0, now)[0][0] >= now - 2 * DAY


def test_what_cannot_be_written_now_is_written_later(database: Database) -> None:
    history = remembered(database)
    now = feed(history, ORDERS, 6000, every=5)
    limit_disk(database, 1)
    with pytest.raises(DatabaseError, match="full"):
        flush(history, database, now)
    limit_disk(database, 1_000_000)
    flush(history, database, now)
    assert remembered(database, now).past(ORDERS, 0, now) == history.past(ORDERS, 0, now)


def test_a_clock_that_was_wrong_costs_what_was_noted_by_it(database: Database) -> None:
    history = remembered(database)
    good = feed(history, ORDERS, 600)
    ahead = feed(history, ORDERS, 600, start=good + DAY / 2)
    flush(history, database, ahead)
    now = good + 60
    take(history, [Sample(ORDERS, 99.0, now)], now)
    flush(history, database, now)
    for seen in (history, remembered(database, now)):
        assert seen.past(ORDERS, 0, now)[-2:] == [(good, 10.0), (now, 99.0)]


def test_series_for_which_there_is_no_room_are_named(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_SAMPLES", 150)
    history = remembered(database)
    hosts = [Series("prod.visits", (("host", str(number)),)) for number in range(4)]
    take(history, [Sample(series, 1.0, START) for series in hosts], START)
    assert [bool(history.past(series, 0, START)) for series in hosts] == [True, True, False, False]
    assert history.refused == {"prod.visits"}


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
        take(self.history, [Sample(VISITS, sample[1], sample[0])], self.now)

    @rule(seconds=st.sampled_from([1.0, 15.0, 60.0, 601.0, -30.0, -3600.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def flush(self) -> None:
        flush(self.history, self.database, self.now)

    @rule(clean=st.booleans())
    def restart(self, clean: bool) -> None:
        if clean:
            flush(self.history, self.database, self.now)
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
        flush(self.history, self.database, self.now + 5 * DAY)
        assert on_disk(self.database) == (0, 0)
        self.database.close()
        self.folder.cleanup()


TestRemembering = Remembering.TestCase
TestRemembering.settings = settings(max_examples=rounds(40, 2000), stateful_step_count=30)


def test_of_several_values_of_one_moment_the_last_counts_for_what_is_worked_out(database: Database) -> None:
    history = remembered(database)
    draft = HistoryDraft(history)
    for value in (1.0, 2.0):
        draft.take_derived([Sample(ORDERS, value, START - 600)], START)
    history.apply(draft.changes(), START)
    flush(history, database, START)
    draft = HistoryDraft(history)
    draft.take_derived([Sample(ORDERS, 3.0, START - 600)], START)
    assert draft.past(ORDERS, 0, START) == [(START, 3.0)]
    history.apply(draft.changes(), START)
    flush(history, database, START)
    assert history.past(ORDERS, 0, START) == [(START, 3.0)]
    assert remembered(database).past(ORDERS, 0, START) == [(START, 3.0)]


@given(
    st.lists(st.sampled_from([0.0, 5.0, 60.0, 900.0, DAY / 2, -700.0]), max_size=40),
    st.lists(st.tuples(st.sampled_from([1.0, 50.0, 60.0, 700.0, -90.0]), st.booleans()), max_size=8),
    st.sampled_from([600.0, 3600.0, DAY]),
)
def test_a_draft_answers_as_the_history_does_once_it_is_applied(
    before: list[float], steps: list[tuple[float, bool]], window: float
) -> None:
    history, now = History(WATCHED, 8 * DAY, START), START
    for step in before:
        now += step
        take(history, [Sample(ORDERS, now, now), Sample(VISITS, now, now)], now)
    untouched = [history.past(series, 0, now + DAY) for series in (ORDERS, VISITS)]
    draft = HistoryDraft(history)
    for number, (step, is_derived) in enumerate(steps):
        now += step
        samples = [Sample(ORDERS, float(number), now), Sample(VISITS, float(number), now)]
        (draft.take_derived if is_derived else draft.take)(samples, now)
    assert [history.past(series, 0, now + DAY) for series in (ORDERS, VISITS)] == untouched
    since = {series: now - min(window, WATCHED[series.metric]) for series in (ORDERS, VISITS)}
    seen = [draft.past(series, at, now) for series, at in since.items()]
    history.apply(draft.changes(), now)
    assert [history.past(series, at, now) for series, at in since.items()] == seen


def test_a_step_in_which_the_configuration_changes_remembers_what_is_looked_back_on_after_it() -> None:
    history = History({ORDERS.metric: 600.0}, 8 * DAY, START)
    draft = HistoryDraft(history)
    draft.take([Sample(ORDERS, 1.0, START), Sample(VISITS, 1.0, START)], START)
    draft.watch({VISITS.metric: 600.0}, 8 * DAY)
    draft.take([Sample(ORDERS, 2.0, START + 60), Sample(VISITS, 2.0, START + 60)], START + 60)
    history.watch({VISITS.metric: 600.0}, 8 * DAY)
    history.apply(draft.changes(), START + 60)
    assert history.past(ORDERS, 0, START + 60) == []
    assert history.past(VISITS, 0, START + 60) == [(START + 60, 2.0)]


def test_a_long_time_without_commits_fills_no_memory(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST_WAITING", 50)
    history = remembered(database)
    feed(history, ORDERS, 600)
    flush(history, database, START + 600)
    now = feed(history, ORDERS, 2 * DAY, start=START + 660)
    assert len(history._new) <= 50
    flush(history, database, now)
    assert remembered(database, now).past(ORDERS, now - DAY, now) == history.past(ORDERS, now - DAY, now)
    assert on_disk(database) == (1, len(list(history.samples())))


def test_all_that_is_remembered_can_be_written_anew(database: Database) -> None:
    history = remembered(database)
    now = max(feed(history, ORDERS, 2 * DAY), feed(history, VISITS, 600, start=START + 2 * DAY))
    for _ in range(2):
        with database.transaction() as connection:
            rows.write_all(connection, history)
        history.written(now)
        assert history.unwritten() is None
        again = remembered(database, now)
        for series in (ORDERS, VISITS):
            assert again.past(series, 0, now) == history.past(series, 0, now) != []


def test_a_series_that_comes_again_before_its_end_was_written_is_a_new_one(database: Database) -> None:
    history = remembered(database)
    take(history, [Sample(ORDERS, 1.0, START)], START)
    flush(history, database, START)
    history.watch({}, 8 * DAY)
    history.watch(WATCHED, 8 * DAY)
    take(history, [Sample(ORDERS, 2.0, START + 60)], START + 60)
    flush(history, database, START + 60)
    assert remembered(database, START + 60).past(ORDERS, 0, START + 60) == [(START + 60, 2.0)]

"""The newest samples and the sources' health: what a poll makes of the state, and what can be said of it then."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from smithd.plugin.sample import Labels, Sample, Series
from smithd.series.expected import Expected, ExpectedSource
from smithd.series.health import Health, SourceHealth
from smithd.series.state import (
    Freshness,
    Recorded,
    SeriesState,
    adopt,
    begin,
    expect_back,
    forget_missing,
    record,
    record_derived,
    set_clock,
)

T = 1_800_000_000.0
FRESH_FOR = 100.0
STOCK, ERRORS = "shop.stock", "shop.errors"
A, B = (("house", "a"),), (("house", "b"),)
EXPECTED = Expected(
    frozenset({STOCK, ERRORS, "ratio", "depot.stock"}),
    frozenset({STOCK, "ratio"}),
    {"shop": ExpectedSource(FRESH_FOR, 20.0), "depot": ExpectedSource(40.0, 30.0)},
    {"ratio": frozenset({"shop", "depot"})},
)


def sample(labels: Labels = A, value: float = 1.0, at: float = T, metric: str = STOCK, lasting: bool = False) -> Sample:
    return Sample(Series(metric, labels), value, at, at, lasting)


def poll(
    state: SeriesState, *samples: Sample, at: float = T, failure: str | None = None, complete: bool = True
) -> Recorded:
    return record(state, "shop", samples, failure, complete, FRESH_FOR, at)


class Poll(NamedTuple):
    """A poll of the shop, ``after`` seconds: the labels of its series, its failure, and whether it is complete."""

    after: float
    series: tuple[Labels, ...] = ()
    failure: str | None = None
    complete: bool = True


F, S, M, U = Freshness.FRESH, Freshness.STALE, Freshness.MISSING, Freshness.UNSEEN
SITUATIONS = [
    # polls, seconds after the start, the metric then, where its series a is then
    ([], 0, U, "nowhere"),
    ([], 1000, U, "nowhere"),
    ([Poll(0, (A,))], 0, F, "fresh"),
    ([Poll(0, (A,))], 100, F, "fresh"),
    ([Poll(0, (A,))], 101, S, "stale"),
    ([Poll(0)], 0, M, "nowhere"),
    ([Poll(0)], 101, S, "nowhere"),  # the answer is too old to say what there is
    ([Poll(0, (B,))], 0, F, "nowhere"),
    ([Poll(0, (A,)), Poll(50, (B,))], 50, F, "missing"),
    ([Poll(0, (A,)), Poll(50, (B,)), Poll(60, (A,))], 60, F, "fresh"),
    ([Poll(0, (A,)), Poll(50, (B,), complete=False)], 50, F, "fresh"),  # a partial answer says nothing of the others
    ([Poll(0, (A,)), Poll(50, (B,), "one query failed")], 50, F, "fresh"),
    ([Poll(0, (A,)), Poll(120, (B,), complete=False)], 120, F, "missing"),  # it is stale, and may be forgotten
    ([Poll(0, (), complete=False)], 0, S, "nowhere"),
    ([Poll(0, (), "refused")], 0, U, "nowhere"),
    ([Poll(0, (A,)), Poll(50)], 50, M, "missing"),  # a metric that an answer lacks altogether has no series
    ([Poll(0, (A,)), Poll(50)], 101, M, "missing"),
    ([Poll(0, (A,)), Poll(50, complete=False)], 50, F, "fresh"),  # a partial answer does not say that
    ([Poll(0, (A,)), Poll(50), Poll(60, (), "refused")], 60, S, "missing"),
    ([Poll(0, (A,)), Poll(50), Poll(60, (A,))], 60, F, "fresh"),
    ([Poll(0), Poll(10, (), "refused")], 10, S, "nowhere"),  # after the failure it is not known what there is
    ([Poll(0, (A,)), Poll(101, (), "refused")], 101, S, "stale"),
]


@pytest.mark.parametrize(("polls", "after", "freshness", "place"), SITUATIONS)
def test_a_metric_is_fresh_stale_missing_or_unseen(
    polls: list[Poll], after: float, freshness: Freshness, place: str
) -> None:
    state, now = begin(EXPECTED, T), T + after
    for each in polls:
        samples = [sample(labels, at=T + each.after) for labels in each.series]
        state = poll(state, *samples, at=T + each.after, failure=each.failure, complete=each.complete).state
    assert state.freshness(STOCK, now) is freshness
    known = state.get(STOCK, A)
    if known is not None:
        assert ("fresh" if state.is_fresh(known, now) else "stale") == place
    else:
        assert ("missing" if A in state.missing(STOCK) else "nowhere") == place
    assert (A in state.fresh(STOCK, now)) is (place == "fresh")


def test_a_poll_changes_nothing_in_the_state_before_it() -> None:
    first = poll(begin(EXPECTED, T), sample(A), sample(B)).state
    second = poll(first, sample(A, 2.0, T + 60), at=T + 60).state
    assert first.samples(STOCK) == {A: sample(A), B: sample(B)}
    assert not first.missing(STOCK)
    assert second.samples(STOCK) == {A: sample(A, 2.0, T + 60)}
    assert second.missing(STOCK) == {B: sample(B)}


@pytest.mark.parametrize(
    ("samples", "changed"),
    [
        ((sample(A, 1.0, T + 60), sample(B, 1.0, T + 60)), []),
        ((sample(A, 2.0, T + 60), sample(B, 1.0, T + 60)), [STOCK]),
        ((sample(A, 1.0, T + 60),), [STOCK]),
        ((sample(A), sample(B), sample(())), [STOCK]),
        ((sample((), metric=ERRORS),), [ERRORS, STOCK]),
        ((sample((), metric="shop.unwatched"),), [STOCK]),
        ((), [STOCK]),
    ],
)
def test_other_values_and_other_series_are_changes(samples: tuple[Sample, ...], changed: list[str]) -> None:
    state = poll(begin(EXPECTED, T), sample(A), sample(B)).state
    recorded = poll(state, *samples, at=T + 60)
    assert recorded.changed == changed
    assert recorded.reported == {STOCK, ERRORS}
    part = poll(state, *samples, at=T + 60, complete=False)
    assert part.reported == {each.series.metric for each in samples} & EXPECTED.watched


def test_only_a_metric_with_a_rule_keeps_what_is_missing_until_it_is_let_go() -> None:
    state = poll(begin(EXPECTED, T), sample(A), sample(A, metric=ERRORS)).state
    state = poll(state, sample(B), sample(B, metric=ERRORS)).state
    assert state.missing(STOCK).keys() == {A}
    assert not state.missing(ERRORS)
    assert not poll(state, sample(A), sample(B)).state.missing(STOCK)
    assert not forget_missing(state, [Series(STOCK, A), Series(STOCK, B), Series("depot.stock")]).missing(STOCK)


def test_partial_answers_with_ever_new_labels_fill_no_memory() -> None:
    state = poll(begin(EXPECTED, T), sample((), lasting=True)).state
    for number in range(50):
        at = T + 60.0 * number
        new = sample((("job", str(number)),), at=at)
        state = poll(state, new, new._replace(series=Series(ERRORS, new.series.labels)), at=at, complete=False).state
        state = forget_missing(state, [each.series for each in state.stale(STOCK, at)])
    assert len(state.samples(ERRORS)) == 2
    assert len(state.samples(STOCK)) == 3
    assert () in state.samples(STOCK), "a lasting sample is nowhere else"


NEWS = [
    (None, 0, True, (Health.UP, 0)),
    (None, 60, False, (Health.UP, 0)),
    ("refused", 60, True, (Health.FAILING, 60)),
    ("reset", 120, False, (Health.FAILING, 60)),
    (None, 180, True, (Health.UP, 180)),
    (None, 400, True, (Health.UP, 180)),  # it was silent meanwhile
]


def test_the_health_of_a_source_and_when_it_is_news() -> None:
    state = begin(EXPECTED, T)
    assert state.health("shop", T) is None
    for failure, after, news, (health, since) in NEWS:
        recorded = poll(state, at=T + after, failure=failure)
        state = recorded.state
        assert recorded.news is news
        assert state.health("shop", T + after) == SourceHealth(health, T + since, failure or "")
    assert state.health("shop", T + 501) == SourceHealth(Health.SILENT, T + 400, "no answer in time")
    failing = poll(begin(EXPECTED, T), failure="refused")
    assert failing.news
    assert failing.state.failing_source(STOCK, T) == "shop"


def test_why_and_since_when_values_are_absent() -> None:
    state = poll(begin(EXPECTED, T), sample(A), at=T).state
    assert state.failing_source(STOCK, T + 50) == ""
    assert state.failing_source("ratio", T + 50) == "depot", "silent"
    state = poll(state, at=T + 60, failure="refused").state
    assert state.failing_source(STOCK, T + 60) == "shop"
    assert state.unknown_since(STOCK, T - 20) == T
    assert state.unknown_since("ratio", T - 20) == T, "the depot never succeeded: since the start"


def test_what_becomes_stale_next() -> None:
    state = begin(EXPECTED, T)
    assert state.next_stale_at(STOCK, T) == T + 100
    state = poll(state, sample(A, at=T - 50), sample(B, at=T), at=T).state
    assert state.stale_at(STOCK) == T + 50
    assert state.next_stale_at(STOCK, T) == T + 100, "a sample from before the start counts from the start"
    assert state.next_stale_at(STOCK, T + 100) is None
    assert state.next_stale_at("shop", T) == T + 100


def test_a_first_answer_may_take_its_time() -> None:
    state = begin(EXPECTED, T)
    for name in (STOCK, "shop", "ratio"):
        assert state.is_unseen(name, T + 20)
    assert not state.is_unseen(STOCK, T + 21)
    assert state.first_answer_by("ratio") == T + 30, "as long as the slowest of its sources"
    assert not poll(state, at=T + 1).state.is_unseen(STOCK, T + 2)
    assert poll(state, at=T + 1, failure="refused").state.is_unseen(STOCK, T + 2)


def test_a_derived_metric_is_a_source_of_its_own() -> None:
    state, changed = record_derived(begin(EXPECTED, T), "ratio", [], False, 10.0, T)
    assert not changed
    assert state.freshness("ratio", T) is Freshness.UNSEEN
    state, changed = record_derived(state, "ratio", [sample(A, metric="ratio")], False, 10.0, T)
    assert changed
    assert state.fresh("ratio", T) == {A: 1.0}
    state, changed = record_derived(state, "ratio", [], True, 10.0, T + 1)
    assert changed
    assert state.freshness("ratio", T + 1) is Freshness.MISSING
    assert state.missing("ratio").keys() == {A}


def test_a_series_that_an_alert_is_open_on_is_expected_back() -> None:
    state = expect_back(begin(EXPECTED, T), [sample(A, at=T - 500)])
    assert state.has_series(STOCK)
    assert state.freshness(STOCK, T) is Freshness.UNSEEN
    assert not state.stale(STOCK, T + 100)
    assert state.stale(STOCK, T + 101) == [sample(A, at=T - 500)]
    assert not poll(state, sample(A)).state.missing(STOCK)


def test_after_the_clock_was_set_nothing_is_from_the_future() -> None:
    state = set_clock(poll(begin(EXPECTED, T), sample(A)).state, T - 1000)
    assert state.samples(STOCK) == {A: sample(A, at=T - 1000)}
    assert not state.is_polled(STOCK)
    assert state.next_stale_at("shop", T - 1000) == T - 900


@pytest.mark.parametrize(("watched", "unseen"), [({STOCK}, False), ({STOCK, ERRORS}, True)])
def test_a_reload_goes_on_unless_more_is_watched_of_a_source(watched: set[str], unseen: bool) -> None:
    before = Expected(frozenset({STOCK}), frozenset({STOCK}), EXPECTED.sources, {})
    after = Expected(frozenset(watched), frozenset({STOCK}), EXPECTED.sources, {})
    old = poll(begin(before, T), sample(A)).state
    new = adopt(begin(after, T + 50), old, ["shop"])
    assert new.fresh(STOCK, T + 50) == {A: 1.0}
    assert new.is_unseen(ERRORS, T + 60) is unseen
    assert new.is_polled(STOCK) is not unseen

"""Laws of the step: it changes nothing until it is applied, however entries are cut, and disk equals memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaign import rounds
from engine.harness import HEAD, PLUGIN, DrivenEngine, DrivenOutbox, poll_of
from smithd.alerts import rows as alert_rows
from smithd.config.load import load
from smithd.config.model import Config
from smithd.engine.entries import AddSilence, ClockSet, Entry, Tick
from smithd.engine.step import Changes
from smithd.keys import DEFAULT_ACCOUNT
from smithd.notify import rows as notify_rows
from smithd.notify.group import GroupKey, Groups
from smithd.outbox import rows as outbox_rows
from smithd.outbox.message import ActivityEnd, Push, PushUpdate
from smithd.outbox.settlement import Accept, DeliveryReason, Retry
from smithd.outbox.shown import unknown
from smithd.poll.intake import Poll
from smithd.state import State
from smithd.storage.database import Database
from smithd.surfaces import rows as slot_rows

START = 1_763_906_400.0
RULES = """
rules:
  errors: {metric: shop.errors, warning: "> 1", critical: "> 3", for: 2m, push: {repeat: 10m}, damping: 20m}
  stock: {metric: shop.stock, warning: "< 2", push: {group_by: [], group_wait: 1m, group_interval: 3m}, mute: [tea]}
  both: {when: shop.errors > 2 and shop.orders > 0, severity: critical, push: true, unless_firing: [errors]}
  gone: {metric: depot.orders, warning: "> 9", no_data: critical, on_error: warning, push: true}
derived: {total: sum(shop.stock)}
time_windows: {tea: {from: "14:05", to: "14:12"}}
widgets:
  shop.orders: shop.orders
  all: {text: "{{ count }} fire"}
live_activities:
  a: {type: stats, title: A, show: {while_firing: [errors]}, stats: [{label: E, value: shop.errors}]}
  b: {type: stats, title: B, show: always, end: {cool_down: 2m}, stats: [{label: T, value: total}]}
"""

values = st.integers(0, 4).map(float)
polls = st.fixed_dictionaries(
    {}, optional={"errors": values, "orders": values, "stock": st.dictionaries(st.sampled_from("ab"), values)}
)
actions = st.one_of(
    st.tuples(st.just("poll"), st.sampled_from(["shop", "depot"]), polls),
    st.tuples(st.just("fail"), st.sampled_from(["shop", "depot"])),
    st.tuples(st.just("wait")),
    st.tuples(st.just("silence"), st.sampled_from(["rule=errors", "severity=critical"])),
    st.tuples(st.just("clock"), st.sampled_from([-120.0, 300.0])),
)
stories = st.lists(st.tuples(st.sampled_from([1.0, 30.0, 60.0, 200.0]), actions), min_size=1, max_size=25)
LAW = settings(
    max_examples=rounds(60, 3000),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module")
def config() -> Iterator[Config]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "shop.py").write_text(PLUGIN)
        (Path(folder) / "smithd.yaml").write_text(HEAD + RULES)
        yield load(Path(folder) / "smithd.yaml", secrets_required=True)


@contextmanager
def driven(config: Config) -> Iterator[DrivenEngine]:
    database = Database.in_memory()
    try:
        yield DrivenEngine(config, database, [], START)
    finally:
        database.close()


def entries(story: Sequence[tuple[float, Any]]) -> list[Entry]:
    """What a story puts into the queue, with a tick after each entry."""
    found: list[Entry] = []
    now = START
    for seconds, action in story:
        now += seconds
        match action:
            case ("poll", source, given):
                found.append(poll_of(now, source, **given))
            case ("fail", source):
                found.append(Poll(source, now, 160.0, failure="no answer"))
            case ("silence", matchers):
                found.append(AddSilence(now, matchers, 300.0, "", "ann"))
            case ("clock", step):
                now += step
                found.append(ClockSet(now, step))
        found.append(Tick(now))
    return found


def known(state: State) -> tuple[Any, ...]:
    """What a state means for people."""
    messages = sorted(map(str, (each.message for each in state.outbox.waiting.values())))
    groups = {key: (dict(group.alerts), group.log) for key, group in state.groups.by_key.items()}
    return list(state.alerts), groups, messages, state.slots, state.silences.active(0.0)


@LAW
@given(story=stories)
def test_however_entries_are_cut_into_steps_they_come_to_the_same(config: Config, story: list[Any]) -> None:
    with driven(config) as one_by_one, driven(config) as at_once:
        journal = [entry for each in entries(story) for entry in one_by_one.step(each).stored.entries]
        together = at_once.step(*entries(story))
        assert together.stored.entries == journal
        assert known(at_once.engine.state) == known(one_by_one.engine.state)


@LAW
@given(story=stories)
def test_what_is_computed_changes_nothing_and_is_the_same_when_it_is_computed_again(
    config: Config, story: list[Any]
) -> None:
    with driven(config) as engine:
        for entry in entries(story):
            timers, state = list(engine.engine._timers._heap), engine.engine.state
            remembered = {series: list(track.points()) for series, track in engine.engine.history._tracks.items()}
            first, second = (engine.engine.compute((entry,), 0.0) for _ in range(2))
            assert engine.engine.state is state
            assert engine.engine._timers._heap == timers
            assert remembered == {
                series: list(track.points()) for series, track in engine.engine.history._tracks.items()
            }
            assert known(first.state) == known(second.state)
            assert (first.stored.entries, first.events) == (second.stored.entries, second.events)
            assert first.timers.added == second.timers.added
            engine.finish(second)


@LAW
@given(story=stories, accepts=st.lists(st.booleans(), max_size=25), degraded=st.sets(st.integers(0, 24)))
def test_what_is_on_disk_is_what_is_remembered(
    config: Config, story: list[Any], accepts: list[bool], degraded: set[int]
) -> None:
    """``accepts``: how the service answers after each entry; ``degraded``: entries whose step is not committed, after
    which all of memory is written.
    """
    with driven(config) as engine:
        outbox = DrivenOutbox(engine)
        for number, entry in enumerate(entries(story)):
            changes: Changes = engine.engine.compute((entry,), 0.0)
            if number in degraded:
                engine.engine.apply(changes, committed=False)
                with engine.database.transaction() as connection:
                    engine.engine.write_all(connection, changes.now)
                engine.engine.history.written(changes.now)
            else:
                engine.finish(changes)
            if number < len(accepts):
                send(outbox, changes.now, accepts[number])
            assert_on_disk(engine)


def send(outbox: DrivenOutbox, now: float, accepted: bool) -> None:
    """One message is sent; where it is not accepted, its answer is cut off."""
    queued = next(outbox.ready(now), None)
    if queued is None:
        return
    claim = outbox.claim(queued, "metrics", now)
    message = queued.message
    named = f"n-{claim.sent}" if isinstance(message, Push | PushUpdate) else None
    cut_off = Retry(now + 60, DeliveryReason.NO_ANSWER, sent=True)
    outbox.settle(claim, Accept(named, ended=isinstance(message, ActivityEnd)) if accepted else cut_off, now)


def contents(groups: Groups) -> dict[GroupKey, tuple[Any, ...]]:
    """What a start must know of each group; that a reminder is suppressed is found out anew."""
    return {
        key: (dict(group.alerts), replace(group.log, remind_not_before=0.0)) for key, group in groups.by_key.items()
    }


def assert_on_disk(engine: DrivenEngine) -> None:
    state = engine.engine.state
    with engine.database.transaction() as connection:
        kept = alert_rows.load(connection)
        groups = notify_rows.load_groups(connection)
        silences = notify_rows.load_silences(connection)
        outbox = outbox_rows.load(connection)
        slots = slot_rows.load(connection, DEFAULT_ACCOUNT)
    assert sorted(kept.alerts, key=lambda alert: alert.key) == sorted(state.alerts, key=lambda alert: alert.key)
    assert dict(kept.flapping) == dict(state.alerts.flapping)
    assert contents(groups) == contents(state.groups)
    assert dict(silences.by_id) == dict(state.silences.by_id)
    assert {key: (each.id, each.message) for key, each in outbox.waiting.items()} == {
        key: (each.id, each.message) for key, each in state.outbox.waiting.items()
    }
    assert dict(outbox.shown) == {
        key: unknown(shown) if key in state.outbox.claimed else shown for key, shown in state.outbox.shown.items()
    }
    assert slots == state.slots

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
from smithd.engine.engine import Engine
from smithd.engine.entries import AddSilence, ClockSet, Entry, ExpireSilence, Reconfigure, Tick
from smithd.engine.step import Changes
from smithd.keys import DEFAULT_ACCOUNT
from smithd.notify import rows as notify_rows
from smithd.notify.group import GroupKey, Groups
from smithd.outbox import rows as outbox_rows
from smithd.outbox.message import ActivityEnd, Push, PushUpdate
from smithd.outbox.settlement import Accept, DeliveryReason, Retry
from smithd.outbox.shown import unknown
from smithd.plugin.sample import Series
from smithd.poll.intake import Poll
from smithd.series import rows as series_rows
from smithd.series.history import History
from smithd.setup import set_up
from smithd.state import State
from smithd.storage.database import Database
from smithd.surfaces import rows as slot_rows
from smithd.surfaces.slots.memory import Slots

START = 1_763_906_400.0
RULES = """
rules:
  errors: {metric: shop.errors, warning: "> 1", critical: "> 3", for: 2m, push: {repeat: 10m}, damping: 20m}
  stock: {metric: shop.stock, warning: "< 2", push: {group_by: [], group_wait: 1m, group_interval: 3m}, mute: [tea]}
  both: {when: shop.errors > 2 and shop.orders > 0, severity: critical, push: true, unless_firing: [errors]}
  gone: {metric: depot.orders, warning: "> 9", no_data: critical, on_error: warning, push: true}
  grown: {metric: shop.orders, warning: rises > 50% over 5m, push: true}
derived: {total: sum(shop.stock)}
time_windows: {tea: {from: "14:05", to: "14:12"}}
widgets:
  shop.orders: shop.orders
  all: {text: "{{ count }} fire"}
live_activities:
  a: {type: stats, title: A, show: {while_firing: [errors]}, stats: [{label: E, value: shop.errors}]}
  b: {type: stats, title: B, show: always, end: {cool_down: 2m}, stats: [{label: T, value: total}]}
"""
OTHER_RULES = (
    RULES.replace("for: 2m, ", "")
    .replace("  gone: {", "  lost: {")
    .replace("orders, warning: rises", "stock, warning: rises")
)

values = st.integers(0, 4).map(float)
polls = st.fixed_dictionaries(
    {}, optional={"errors": values, "orders": values, "stock": st.dictionaries(st.sampled_from("ab"), values)}
)
actions = st.one_of(
    st.tuples(st.just("poll"), st.sampled_from(["shop", "depot"]), polls),
    st.tuples(st.just("fail"), st.sampled_from(["shop", "depot"])),
    st.tuples(st.just("wait")),
    st.tuples(st.just("silence"), st.sampled_from(["rule=errors", "severity=critical"])),
    st.tuples(st.just("expire"), st.integers(1, 2)),
    st.tuples(st.just("reload"), st.booleans()),
    st.tuples(st.just("clock"), st.sampled_from([-120.0, 300.0])),
)
stories = st.lists(st.tuples(st.sampled_from([1.0, 30.0, 60.0, 200.0]), actions), min_size=1, max_size=25)
LAW = settings(
    max_examples=rounds(60, 3000),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module")
def configs() -> Iterator[list[Config]]:
    """What the engine runs on, and what it may be reconfigured to."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "shop.py").write_text(PLUGIN)
        loaded = []
        # With the other one, a storm begins at the second push in a minute.
        for text in (HEAD + RULES, HEAD.replace("ask_test", "ask_test, storm: 1") + OTHER_RULES):
            (Path(folder) / "smithd.yaml").write_text(text)
            loaded.append(load(Path(folder) / "smithd.yaml", secrets_required=True))
        yield loaded


@contextmanager
def driven(configs: list[Config]) -> Iterator[DrivenEngine]:
    database = Database.in_memory()
    try:
        yield DrivenEngine(configs[0], database, [], START)
    finally:
        database.close()


def entries(configs: list[Config], scenario: Sequence[tuple[float, Any]]) -> list[Entry]:
    """What a scenario puts into the queue, with a tick after each entry."""
    found: list[Entry] = []
    now = START
    for seconds, action in scenario:
        now += seconds
        match action:
            case ("poll", source, given):
                found.append(poll_of(now, source, **given))
            case ("fail", source):
                found.append(Poll(source, now, 160.0, failure="no answer"))
            case ("silence", matchers):
                found.append(AddSilence(now, matchers, 300.0, "", "ann"))
            case ("expire", id_):
                found.append(ExpireSilence(now, id_))
            case ("reload", is_other):
                found.append(Reconfigure(now, set_up(configs[is_other], now), {"shop"}))
            case ("clock", step):
                now += step
                found.append(ClockSet(now, step))
        found.append(Tick(now))
    return found


def known(state: State) -> tuple[Any, ...]:
    """What a state means for people."""
    messages = sorted((each.id, str(each.message)) for each in state.outbox.waiting.values())
    groups = {key: (dict(group.alerts), group.log) for key, group in state.groups[DEFAULT_ACCOUNT].by_key.items()}
    return list(state.alerts), groups, messages, state.slots, state.silences.active(0.0), state.intervals


@LAW
@given(scenario=stories)
def test_however_entries_are_cut_into_steps_they_come_to_the_same(configs: list[Config], scenario: list[Any]) -> None:
    with driven(configs) as one_by_one, driven(configs) as at_once:
        steps = [one_by_one.step(each) for each in entries(configs, scenario)]
        together = at_once.step(*entries(configs, scenario))
        assert together.stored.entries == [entry for step in steps for entry in step.stored.entries]
        assert together.events == [event for step in steps for event in step.events]
        assert samples(at_once.engine.history) == samples(one_by_one.engine.history)
        assert known(at_once.engine.state) == known(one_by_one.engine.state)


@LAW
@given(scenario=stories)
def test_what_is_computed_changes_nothing_and_is_the_same_when_it_is_computed_again(
    configs: list[Config], scenario: list[Any]
) -> None:
    with driven(configs) as engine:
        for entry in entries(configs, scenario):
            timers, state = list(engine.engine._timers._heap), engine.engine.state
            remembered = samples(engine.engine.history)
            first, second = (engine.engine.compute((entry,), 0.0) for _ in range(2))
            assert engine.engine.state is state
            assert engine.engine._timers._heap == timers
            assert samples(engine.engine.history) == remembered
            assert known(first.state) == known(second.state)
            assert (first.stored.entries, first.events) == (second.stored.entries, second.events)
            assert first.timers.added == second.timers.added
            engine.finish(second)


@LAW
@given(scenario=stories, accepts=st.lists(st.booleans(), max_size=25), degraded=st.sets(st.integers(0, 24)))
def test_what_is_on_disk_is_what_is_remembered(
    configs: list[Config], scenario: list[Any], accepts: list[bool], degraded: set[int]
) -> None:
    """``accepts``: how the service answers after each entry; ``degraded``: entries whose step is not committed, after
    which all of memory is written.
    """
    with driven(configs) as engine:
        outbox = DrivenOutbox(engine)
        for number, entry in enumerate(entries(configs, scenario)):
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
            assert_on_disk(engine.engine, engine.database)
        engine.close(changes.now)
        assert_history_on_disk(engine.engine, engine.database)


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


def assert_history_on_disk(engine: Engine, database: Database) -> None:
    """After all was written: a start would find the samples that are remembered."""
    with database.transaction() as connection:
        found = series_rows.load(connection, engine.history.kept_for, engine.setup.config.history, 0.0)
    assert samples(found) == samples(engine.history)


def samples(history: History) -> dict[Series, list[Any]]:
    return {series: list(track.points()) for series, track in history._tracks.items()}


def assert_on_disk(engine: Engine, database: Database) -> None:
    """What a start would find is what is remembered."""
    state = engine.state
    with database.transaction() as connection:
        kept = alert_rows.load(connection)
        groups = notify_rows.load_groups(connection)
        silences = notify_rows.load_silences(connection)
        slots = slot_rows.load(connection)
        intervals = series_rows.load_intervals(connection)
        # In a transaction that is undone: to load the outbox is to take up what was in flight.
        with connection.begin_nested() as nested:
            outbox = outbox_rows.load(connection)
            nested.rollback()
    assert sorted(kept.alerts, key=lambda alert: alert.key) == sorted(state.alerts, key=lambda alert: alert.key)
    assert dict(kept.flapping) == dict(state.alerts.flapping)
    assert contents(groups.get(DEFAULT_ACCOUNT, Groups())) == contents(state.groups[DEFAULT_ACCOUNT])
    assert dict(silences.by_id) == dict(state.silences.by_id)
    in_flight = {claim.queued.message.key: claim.queued for claim in state.outbox.claimed.values()}
    assert {key: (each.id, each.message) for key, each in outbox.waiting.items()} == {
        key: (each.id, each.message) for key, each in (in_flight | dict(state.outbox.waiting)).items()
    }
    assert dict(outbox.shown) == {
        key: unknown(shown) if key in state.outbox.claimed else shown for key, shown in state.outbox.shown.items()
    }
    assert dict(outbox.sent) == dict(state.outbox.sent)
    assert dict(outbox.accounts) == dict(state.outbox.accounts)
    assert slots.get(DEFAULT_ACCOUNT, Slots()) == state.slots.get(DEFAULT_ACCOUNT, Slots())
    assert intervals == state.intervals

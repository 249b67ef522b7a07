"""How often a Live Activity is updated, and for how long it lives."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.harness import HEAD, Harness
from smithd.keys import DEFAULT_ACCOUNT, StreamKey
from smithd.outbox.message import ActivityEnd, ActivityState
from smithd.outbox.settlement import Accept, DeliveryReason, Retry
from smithd.outbox.shown import ShownActivity

T = 1_800_000_000.0
HOUR = 3600.0
CONFIG = """
rules:
  errors: {metric: shop.errors, warning: "> 1", critical: "> 5"}
  stock: {metric: shop.stock, warning: "> 1"}
live_activities:
  shop:
    type: stats
    title: "{{ count }} firing"
    update_every: 5s
    stats: [{label: Orders, value: shop.orders}]
    show: %s
    end: {when_no_data: 1d}
"""
ALWAYS = CONFIG % "always"
KEY = StreamKey(DEFAULT_ACCOUNT, "shop")


def sent(harness: Harness, until: float, accept: Accept | None = None) -> Iterator[tuple[float, ActivityState]]:
    """What is sent of the Live Activity until then, looked at every five seconds."""
    while harness.now < until:
        harness.pass_time(harness.now + 5)
        while (queued := next(harness.outbox.ready(harness.now), None)) is not None:
            claim = harness.outbox.claim(queued, "any", harness.now)
            is_end = isinstance(queued.message, ActivityEnd)
            harness.outbox.settle(claim, accept or Accept(ended=is_end), harness.now)
            if isinstance(queued.message, ActivityState):
                yield harness.now - T, queued.message


def updates(harness: Harness, seconds: float, accept: Accept | None = None, **values: float) -> list[float]:
    """When it was updated, while orders change every five seconds."""
    found: list[float] = []
    for number in range(int(seconds // 5)):
        harness.poll(harness.now, orders=number, **values)
        found += [at for at, _ in sent(harness, harness.now + 5, accept)]
    return found


def shown(harness: Harness) -> ShownActivity:
    found = harness.outbox.status(KEY).activity
    assert found is not None
    return found


def test_cosmetic_updates_leave_half_of_the_budget_and_come_every_five_minutes_then(tmp_path: Path) -> None:
    with Harness(tmp_path, ALWAYS, T) as harness:
        start, *rest = updates(harness, HOUR)
        assert start == 5
        # Six at once, and a seventh while they last; then one as often as iOS allows for hours.
        assert len([at for at in rest if at < 60]) == 6
        later = [at for at in rest if at > 60]
        assert 10 <= len(later) <= 12
        assert all(after - before >= 300 for before, after in itertools.pairwise(later))


def test_a_change_of_meaning_may_use_the_whole_budget_and_a_rise_goes_beyond_it(tmp_path: Path) -> None:
    with Harness(tmp_path, ALWAYS, T) as harness:
        updates(harness, 120)
        # Whether it fires changes the headline: the rise and the fall again and again.
        rises, falls = [], []
        for _ in range(10):
            harness.poll(harness.now, errors=9, orders=1)
            rises.append(len(list(sent(harness, harness.now + 5))))
            harness.poll(harness.now, errors=0, orders=1)
            falls.append(len(list(sent(harness, harness.now + 5))))
        assert sum(falls) < 6
        # After a fall that was not sent, the phone shows the severity already.
        assert [rise for rise, fall in zip(rises, [1, *falls], strict=False) if fall] == [1] * (sum(falls) + 1)


def test_a_rise_is_sent_at_once_with_nothing_left_and_after_a_warning(tmp_path: Path) -> None:
    with Harness(tmp_path, ALWAYS, T) as harness:
        harness.poll(T, orders=1, errors=0)
        list(sent(harness, T + 10))
        harness.poll(T + 10, orders=2)
        assert len(list(sent(harness, T + 20, Accept(warned=True)))) == 1
        assert updates(harness, 600) == []
        harness.poll(harness.now, orders=3, errors=3)
        assert [at for at, _ in sent(harness, T + 630)] == [625.0]
        harness.poll(harness.now, orders=4, errors=0)
        # The fall is a change of meaning, which waits until an hour after the warning.
        after = [at for at, _ in sent(harness, T + 2 * HOUR)]
        assert after == [3615.0]


def test_what_waits_when_the_warning_comes_waits_too(tmp_path: Path) -> None:
    with Harness(tmp_path, ALWAYS, T) as harness:
        harness.poll(T, orders=1)
        list(sent(harness, T + 5))
        harness.poll(T + 10, orders=2)
        queued = next(harness.outbox.ready(T + 10))
        claim = harness.outbox.claim(queued, "any", T + 10)
        harness.poll(T + 11, orders=3)
        harness.outbox.settle(claim, Accept(warned=True), T + 12)
        assert [at for at, _ in sent(harness, T + 2 * HOUR)] == [3616.0]


def test_the_budget_is_kept_over_a_restart(tmp_path: Path) -> None:
    with Harness(tmp_path, ALWAYS, T) as harness:
        updates(harness, 60)
        now, used = harness.now, shown(harness).updates
    with Harness(tmp_path, ALWAYS, now) as harness:
        assert shown(harness).updates == used
        assert used.used_at(now) > 5


def test_another_limit_is_used(tmp_path: Path) -> None:
    more = HEAD.replace("{api_key: ask_test}", "{api_key: ask_test, limits: {updates_at_once: 1000}}")
    with Harness(tmp_path, ALWAYS, T, more) as harness:
        assert len(updates(harness, 600)) > 100


@pytest.mark.parametrize("at_once", [4, 40])
def test_changes_of_meaning_keep_to_another_limit_too(tmp_path: Path, at_once: int) -> None:
    head = HEAD.replace("{api_key: ask_test}", f"{{api_key: ask_test, limits: {{updates_at_once: {at_once}}}}}")
    with Harness(tmp_path, ALWAYS, T, head) as harness:
        found = []
        for number in range(60):
            # Two rules take turns: which fire is another meaning each time, and nothing fires more severely.
            harness.poll(harness.now, orders=1, errors=3 if number < 2 else 3 - number % 2 * 2.5, stock=0)
            found += [at for at, _ in sent(harness, harness.now + 5)]
        falls = [at for at in found if at > 15]
        assert len(falls) <= at_once + 1


def test_a_constant_activity_is_sent_again_after_eight_hours_and_only_then(tmp_path: Path) -> None:
    with Harness(tmp_path, ALWAYS, T) as harness:
        harness.poll(T, orders=1)
        times = []
        for minute in range(17 * 60):
            harness.poll(T + minute * 60, orders=1)
            times += [at for at, _ in sent(harness, T + minute * 60 + 60, Accept(started=True))]
        first, *renewals = times
        assert first < 10
        assert len(renewals) == 2
        for before, after in zip(times, renewals, strict=False):
            assert 8 * HOUR < after - before < 8 * HOUR + 600


def test_it_is_sent_again_though_it_changed_while_it_was_up_and_though_smithd_restarted(tmp_path: Path) -> None:
    with Harness(tmp_path, ALWAYS, T) as harness:
        harness.poll(T, orders=1)
        list(sent(harness, T + 10))
        harness.poll(T + HOUR, orders=2)
        list(sent(harness, T + HOUR + 10))
    with Harness(tmp_path, ALWAYS, T + 2 * HOUR) as harness:
        harness.poll(T + 2 * HOUR, orders=2)
        found = []
        for _minute in range(7 * 60):
            harness.poll(harness.now, orders=2)
            found += [at for at, _ in sent(harness, harness.now + 60)]
        assert [round(at / HOUR, 1) for at in found] == [8.0]


def test_streams_that_began_together_are_renewed_a_minute_apart(tmp_path: Path) -> None:
    row = "stats: [{label: Orders, value: shop.orders}]"
    config = "live_activities:\n" + "".join(f"  s{n}: {{type: stats, title: S, {row}}}\n" for n in range(4))
    with Harness(tmp_path, config, T) as harness:
        for minute in range(8 * 60):
            harness.poll(T + minute * 60, orders=1)
            list(sent(harness, T + minute * 60 + 60))
        times = []
        for minute in range(8 * 60, 8 * 60 + 15):
            harness.poll(T + minute * 60, orders=1)
            times += [at for at, _ in sent(harness, T + minute * 60 + 60)]
        assert len(times) == 4
        assert all(after - before >= 60 for before, after in itertools.pairwise(times))
        assert times[-1] < 8 * HOUR + 600


def test_a_renewal_that_is_not_sent_is_asked_for_again_and_does_not_hold_up_the_others(tmp_path: Path) -> None:
    row = "stats: [{label: Orders, value: shop.orders}]"
    config = "live_activities:\n" + "".join(f"  s{n}: {{type: stats, title: S, {row}}}\n" for n in range(2))
    with Harness(tmp_path, config, T) as harness:
        for minute in range(8 * 60 + 30):
            harness.poll(T + minute * 60, orders=1)
            harness.pass_time(T + minute * 60 + 60)
            while (queued := next(harness.outbox.ready(harness.now), None)) is not None:
                claim = harness.outbox.claim(queued, "any", harness.now)
                refused = minute > 60 and queued.message.key.name == "s0"  # type: ignore[union-attr]
                late = Retry(harness.now + 300, DeliveryReason.SLOTS_FULL)
                harness.outbox.settle(claim, late if refused else Accept(), harness.now)
        state = harness.outbox.status(StreamKey(DEFAULT_ACCOUNT, "s1")).activity
        assert state is not None
        assert state.since > T + 8 * HOUR


@pytest.mark.parametrize("seconds", [-30 * 86400.0, 86400.0])
def test_a_clock_that_was_set_changes_neither(tmp_path: Path, seconds: float) -> None:
    with Harness(tmp_path, ALWAYS, T) as harness:
        updates(harness, 60)
        before = shown(harness)
        harness.now += seconds
        harness.engine.replan(harness.now, seconds)
        after = shown(harness)
        assert after.since == before.since + seconds
        assert after.updates.used_at(harness.now) == pytest.approx(before.updates.used_at(harness.now - seconds))
        assert replace(after, since=0.0, updates=before.updates) == replace(before, since=0.0)


def test_it_is_sent_again_in_time_though_the_budget_is_used_up(tmp_path: Path) -> None:
    with Harness(tmp_path, ALWAYS, T) as harness:
        harness.poll(T, orders=1, errors=0)
        list(sent(harness, T + 5))
        for _minute in range(8 * 60 - 10):
            harness.poll(harness.now, orders=1, errors=0)
            list(sent(harness, harness.now + 60))
        harness.poll(harness.now, orders=2, errors=9)
        assert len(list(sent(harness, harness.now + 60, Accept(warned=True)))) == 1
        found = []
        for _minute in range(15):
            # Its headline changes, which waits for an hour after the warning.
            harness.poll(harness.now, orders=2, errors=0)
            found += [at for at, _ in sent(harness, harness.now + 60)]
        assert [8 * HOUR < at < 8 * HOUR + 600 for at in found] == [True]


def test_streams_that_change_are_renewed_a_minute_apart_too(tmp_path: Path) -> None:
    row = "stats: [{label: Orders, value: shop.orders}]"
    config = "live_activities:\n" + "".join(f"  s{n}: {{type: stats, title: S, {row}}}\n" for n in range(4))
    with Harness(tmp_path, config, T) as harness:
        starts: dict[StreamKey, float] = {}
        for minute in range(8 * 60 + 15):
            harness.poll(T + minute * 60, orders=minute)
            for at, message in sent(harness, T + minute * 60 + 60):
                if at >= 8 * HOUR:
                    starts.setdefault(message.key, at)
        times = sorted(starts.values())
        assert len(times) == 4
        assert all(after - before >= 60 for before, after in itertools.pairwise(times))
        assert times[-1] < 8 * HOUR + 600

"""The law of limits: in no 60 seconds do more requests reach the service than it allows, whatever happens."""

from __future__ import annotations

import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from answers import Answer, ok, reply_to
from campaign import rounds
from delivery.inline import InlineSender
from outbox.stored import StoredOutbox
from smithd.clock import SystemClock
from smithd.contract.endpoint import Endpoint, Family
from smithd.delivery.account import AccountOptions, Limits
from smithd.delivery.budget import Budget
from smithd.delivery.gate import Gate, Go
from smithd.delivery.outcome import Pace
from smithd.delivery.reply import Reply, Unknown
from smithd.delivery.wire import Request
from smithd.events import Events
from smithd.keys import DEFAULT_ACCOUNT, BadgeKey, PushKey, StreamKey, WidgetKey
from smithd.outbox.message import (
    ActivityContent,
    ActivityState,
    BadgeCount,
    Message,
    Priority,
    Push,
    PushContent,
    WidgetValue,
)
from smithd.storage.database import Database
from virtual_time import run_virtual, step_clock

LIMITS = {
    "badges_per_minute": 1,
    "notifications_per_minute": 5,
    "metrics_per_minute": 7,
    "live_activities_per_minute": 20,
}
BEGIN = datetime(2026, 11, 2, tzinfo=UTC)
START = BEGIN.timestamp()


def most_within_a_minute(arrivals: Sequence[float]) -> int:
    times = sorted(arrivals)
    return max((sum(start <= time <= start + 60 for time in times) for start in times), default=0)


@pytest.mark.campaign
@settings(max_examples=rounds(100, 10_000))
@given(
    st.lists(st.tuples(st.floats(0, 20), st.floats(0, 1), st.floats(0, 20), st.booleans()), max_size=60),
    st.integers(1, 12),
)
def test_the_budget_keeps_the_limit_as_the_service_sees_it(
    sends: list[tuple[float, float, float, bool]], limit: int
) -> None:
    """Each send: the pause before it, where between claim and answer it arrives, how long its answer takes."""
    budget = Budget({Family.METRICS: limit})
    now, arrivals, answers = 0.0, list[float](), list[float]()

    def settle(until: float) -> None:
        while answers and min(answers) <= until:
            budget.settle(Family.METRICS, min(answers))
            answers.remove(min(answers))

    for pause, part, took, first in sends:
        now += pause
        settle(now)
        while (free_at := budget.free_at(Family.METRICS, now, first=first)) > now:
            now = min([free_at, *answers])
            settle(now)
        budget.take(Family.METRICS)
        arrivals.append(now + part * took)
        answers.append(now + took)
    assert most_within_a_minute(arrivals) <= limit


def test_a_part_of_the_limit_is_kept_for_what_comes_first() -> None:
    budget = Budget({Family.LIVE_ACTIVITIES: 20})
    for _ in range(18):
        assert budget.free_at(Family.LIVE_ACTIVITIES, 0.0) == 0.0
        budget.take(Family.LIVE_ACTIVITIES)
        budget.settle(Family.LIVE_ACTIVITIES, 0.0)
    assert budget.free_at(Family.LIVE_ACTIVITIES, 1.0) > 60
    assert budget.free_at(Family.LIVE_ACTIVITIES, 1.0, first=True) == 1.0


def test_the_critical_pushes_that_follow_others_of_their_rule_leave_room_for_another_rules() -> None:
    gate, now = Gate(Limits()), 0.0
    for priority, count in ((Priority.PUSH, 54), (Priority.LATER_CRITICAL_PUSH, 3), (Priority.CRITICAL_PUSH, 3)):
        for _ in range(count):
            assert gate.decide(Endpoint.SEND, priority, now) == Go()
            gate.send(Endpoint.SEND)
        assert gate.decide(Endpoint.SEND, priority, now) != Go()


def test_the_service_can_lower_the_pace_but_not_raise_it() -> None:
    budget = Budget({Family.BADGES: 2})
    budget.take(Family.BADGES)
    budget.lower(Family.BADGES, Pace(1, 30), 0.0)  # the one on its way may be the one that is left
    assert budget.free_at(Family.BADGES, 0.0) == 30
    budget.lower(Family.BADGES, Pace(50, 60), 40.0)
    budget.take(Family.BADGES)
    assert budget.free_at(Family.BADGES, 41.0) > 60


def test_the_service_can_name_a_smaller_limit_but_not_a_larger_one() -> None:
    for quota, fits in ((2, 2), (0, 1), (100, 4)):
        budget = Budget({Family.BADGES: 4})
        budget.lower(Family.BADGES, Pace(60, 1, quota), 0.0)
        sent = 0
        while budget.free_at(Family.BADGES, 2.0) == 2.0:
            budget.take(Family.BADGES)
            budget.settle(Family.BADGES, 2.0)
            sent += 1
        assert sent == fits


class World:
    """A service that records what reaches it, and daemons that live one after another on one state."""

    def __init__(self, path: Path, chance: Random, limits: Mapping[str, int] = LIMITS) -> None:
        self.path = path
        self.chance = chance
        self.limits = limits
        self.clock = SystemClock()
        self.arrivals: dict[Family, list[float]] = defaultdict(list)
        self.pushes: list[str] = []

    async def transport(self, request: Request) -> Reply:
        there, back = self.chance.uniform(0, 3), self.chance.uniform(0, 3)
        asyncio.get_running_loop().call_later(there, self.arrive, request)  # on its way, whoever dies meanwhile
        await asyncio.sleep(there + back)
        return Unknown("cut off") if self.chance.random() < 0.1 else reply_to(request, ok())

    def arrive(self, request: Request) -> None:
        self.arrivals[request.family].append(self.clock.monotonic())
        if request.endpoint is Endpoint.SEND:
            self.pushes.append(str(request.key))

    async def live(self, messages: Sequence[Message], seconds: float | None) -> None:
        """One life of the daemon: killed after so many seconds, or ended when all is sent."""
        database = Database.open(self.path)
        outbox = StoredOutbox(database)
        account = AccountOptions.model_validate({"api_key": "ask_test", "limits": self.limits})
        sender = InlineSender(
            outbox, self.transport, account, self.clock, Events(), ZoneInfo("UTC"), chance=lambda: 0.5
        )
        with database.transaction() as connection:
            for message in messages:
                outbox.put(connection, message)
        task = asyncio.create_task(sender.run())
        if seconds is not None:
            await asyncio.sleep(seconds)
        else:
            await asyncio.sleep(7200)
            assert outbox.waiting() == 0
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()  # without any grace
        with suppress(asyncio.CancelledError):
            await task
        database.close()


def message(kind: str, number: int, life: int) -> Message:
    """A message of this kind; the streams have few keys, for only four fit on the phone."""
    name = f"{life}-{number}"
    if kind == "stream":
        state = {"title": "x", "type": "value", "value": life}
        key = StreamKey(DEFAULT_ACCOUNT, str(number % 4))
        return ActivityState(key, ActivityContent(state), Priority.ROUTINE, START)
    if kind in ("push", "critical"):
        priority = Priority.PUSH if kind == "push" else Priority.CRITICAL_PUSH
        return Push(PushKey(DEFAULT_ACCOUNT, name, 0.0, 1), PushContent("x"), priority, START)
    return WidgetValue(WidgetKey(DEFAULT_ACCOUNT, name), life, Priority.ROUTINE, START)


def burst(kinds: Sequence[str], life: int) -> list[Message]:
    return [message(kind, number, life) for number, kind in enumerate(kinds)]


bursts = st.lists(st.sampled_from(["push", "widget", "stream"]), max_size=25)
lives = st.lists(st.tuples(bursts, st.floats(0, 90), st.floats(0, 20)), max_size=4)


@pytest.mark.campaign
@settings(max_examples=rounds(30, 1000), suppress_health_check=list(HealthCheck))
@given(lives, st.randoms(use_true_random=True))
def test_the_limits_hold_through_bursts_slow_answers_and_kills_and_no_push_is_lost(
    lives: list[tuple[list[str], float, float]], chance: Random
) -> None:
    """Each life of the daemon: what is put, after how many seconds it is killed, how long nobody is there."""

    async def scenario(world: World) -> None:
        for number, (kinds, seconds, rest) in enumerate(lives):
            await world.live(burst(kinds, number), seconds)
            await asyncio.sleep(rest)
        await world.live([], None)

    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder) / "state.db", chance)
        run_virtual(lambda: scenario(world), BEGIN)
    assert most_within_a_minute(world.arrivals[Family.NOTIFICATIONS]) <= 5
    assert most_within_a_minute(world.arrivals[Family.METRICS]) <= 7
    assert most_within_a_minute(world.arrivals[Family.LIVE_ACTIVITIES]) <= 20
    wanted = {message.key for number, (kinds, _, _) in enumerate(lives) for message in burst(kinds, number)}
    assert set(world.pushes) == {str(key) for key in wanted if isinstance(key, PushKey)}


def test_a_request_that_arrives_after_its_sender_died_counts_too(tmp_path: Path) -> None:
    class Slow(Random):
        def uniform(self, a: float, b: float) -> float:
            return 3.0

        def random(self) -> float:
            return 0.5

    async def scenario(world: World) -> None:
        await world.live([BadgeCount(BadgeKey(DEFAULT_ACCOUNT), 1, Priority.ROUTINE, START)], 1)
        await world.live([BadgeCount(BadgeKey(DEFAULT_ACCOUNT), 2, Priority.ROUTINE, START)], None)

    world = World(tmp_path / "state.db", Slow())
    run_virtual(lambda: scenario(world), BEGIN)
    assert len(world.arrivals[Family.BADGES]) == 2
    assert most_within_a_minute(world.arrivals[Family.BADGES]) == 1


@pytest.mark.parametrize("seconds", [3600.0, -3600.0, 90_000.0, -90_000.0, 30.0, -30.0])
@pytest.mark.parametrize("is_set", ["while it is dead", "while it runs"])
def test_a_clock_that_is_set_lets_nothing_more_go_and_delays_nothing(
    tmp_path: Path, seconds: float, is_set: str
) -> None:
    """58 criticals, kill -9, and 58 more; the second life knows what the first one sent."""
    began = 0.0

    async def scenario(world: World) -> None:
        nonlocal began
        life = asyncio.create_task(world.live(burst(["critical"] * 58, 0), 40.0))
        await asyncio.sleep(35)
        if is_set == "while it runs":
            step_clock(seconds)
        await life
        if is_set == "while it is dead":
            step_clock(seconds)
        began = world.clock.monotonic()
        await world.live(burst(["critical"] * 58, 1), None)

    world = World(tmp_path / "state.db", Quick(), {})
    run_virtual(lambda: scenario(world), BEGIN)
    arrivals = world.arrivals[Family.NOTIFICATIONS]
    assert len(arrivals) == 116
    assert most_within_a_minute(arrivals) <= 60
    assert max(arrivals) <= began + 62


class Quick(Random):
    """Each way takes a tenth of a second, and nothing is cut off."""

    def uniform(self, a: float, b: float) -> float:
        return 0.1

    def random(self) -> float:
        return 0.5


def test_after_a_reboot_the_younger_of_both_ages_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wall clock says that an hour has passed, the new boot that it is 20 seconds old."""
    boots: list[Callable[[], tuple[str, float]]] = []
    monkeypatch.setattr("delivery.inline.boot", lambda _: boots[-1]())

    async def scenario(world: World) -> None:
        boots.append(lambda: ("one", 5000.0 + world.clock.monotonic()))
        await world.live(burst(["critical"] * 58, 0), 30.0)
        rebooted = world.clock.monotonic() - 20.0
        boots.append(lambda: ("two", world.clock.monotonic() - rebooted))
        step_clock(3600)
        await world.live(burst(["critical"] * 58, 1), None)

    world = World(tmp_path / "state.db", Quick(), {})
    run_virtual(lambda: scenario(world), BEGIN)
    assert most_within_a_minute(world.arrivals[Family.NOTIFICATIONS]) <= 60


def test_a_service_with_one_limit_for_everything_is_survived() -> None:
    """The older rule: 60 a minute over all endpoints, in windows of its own, and a 429 that names no time."""
    windows: dict[int, int] = defaultdict(int)

    async def scenario(folder: str) -> int:
        clock = SystemClock()

        async def service(request: Request) -> Reply:
            window = int(clock.monotonic() // 60)
            windows[window] += 1
            return reply_to(request, ok() if windows[window] <= 60 else Answer(429))

        database = Database.open(Path(folder) / "state.db")
        outbox = StoredOutbox(database)
        account = AccountOptions.model_validate({"api_key": "ask_test"})
        sender = InlineSender(outbox, service, account, clock, Events(), ZoneInfo("UTC"), chance=lambda: 0.5)
        with database.transaction() as connection:
            for number in range(150):
                outbox.put(connection, message("push", number, 0))
                outbox.put(connection, message("widget", number, 0))
        task = asyncio.create_task(sender.run())
        await asyncio.sleep(1200)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        waiting = outbox.waiting()
        database.close()
        return waiting

    with tempfile.TemporaryDirectory() as folder:
        assert run_virtual(lambda: scenario(folder), BEGIN) == 0
    assert sum(max(0, count - 60) for count in windows.values()) < 40, "refused again and again"

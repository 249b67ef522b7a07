"""Scenarios of a timer: its window is started once, whatever happens to answers, streams and the daemon.

The service is the simulator's own idea of a stream with a timer: a duration starts the window anew, without one it goes
on, and a countdown that is to start needs one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from answers import Answer, no, ok, reply_to
from campaign import rounds
from delivery.inline import InlineSender
from outbox.stored import StoredOutbox
from smithd.clock import SystemClock
from smithd.contract.endpoint import Endpoint
from smithd.delivery.account import AccountOptions
from smithd.delivery.reply import Reply, Unknown
from smithd.delivery.wire import Request
from smithd.events import Events
from smithd.keys import DEFAULT_ACCOUNT, StreamKey
from smithd.outbox.message import ActivityContent, ActivityEnd, ActivityState, Message, Priority
from smithd.storage.database import Database
from virtual_time import run_virtual

BEGIN = datetime(2026, 11, 2, tzinfo=UTC)
START = BEGIN.timestamp()
KEY = StreamKey(DEFAULT_ACCOUNT, "t")


class Phone:
    """A service with one stream: when its window ends, and the durations that it was sent."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.sent: list[float | None] = []
        self.shows = ""
        """The type of what it shows."""
        self.is_paused = False
        self.ends_at: float | None = None
        self.left: float | None = None
        self.lost: list[str] = []
        """What happens to the next requests: "before" they take effect they are lost, or "after"."""

    def take(self, request: Request) -> Answer | Reply:
        fate = self.lost.pop(0) if self.lost else ""
        if fate == "before":
            return Unknown("cut off")
        answer = self.end() if request.endpoint is Endpoint.STREAM_DELETE else self.show(request.body["content_state"])
        return Unknown("cut off") if fate == "after" else answer

    def end(self) -> Answer:
        self.shows, self.ends_at, self.left = "", None, None
        return ok(operation="ended")

    def show(self, state: Mapping[str, Any]) -> Answer:
        if state["type"] != "timer":
            self.end()
            self.shows = state["type"]
            return ok(operation="rotated")
        duration = state.get("duration_seconds")
        self.sent.append(duration)
        if self.is_paused:
            return ok(operation="paused")
        if self.shows != "timer" and duration is None:
            return no(400, error="a countdown needs duration_seconds")
        operation = {"": "started", "timer": "updated"}.get(self.shows, "rotated")
        now, self.shows = self.clock.now(), "timer"
        left = duration if duration is not None else self.remaining()
        running = state["is_running"]
        self.ends_at, self.left = (now + left, None) if running else (None, left)
        return ok(operation=operation, activity_id="a")

    def dismiss(self) -> None:
        """A finger swipes it away."""
        self.end()

    def remaining(self) -> float:
        if self.left is not None:
            return self.left
        return max(0.0, (self.ends_at or 0.0) - self.clock.now())


class Scenario:
    """A daemon beside a phone, through restarts."""

    def __init__(self, path: Path) -> None:
        self.path, self.phone, self.clock = path, Phone(), SystemClock()
        self.hangs = False

    async def transport(self, request: Request) -> Reply:
        answer = self.phone.take(request)
        if self.hangs:
            await asyncio.Event().wait()
        return reply_to(request, answer, self.clock.now())

    async def live(self, *messages: Message, seconds: float = 10) -> None:
        """One life of the daemon, which begins with these messages."""
        database = Database.open(self.path)
        outbox = StoredOutbox(database)
        account = AccountOptions(api_key="ask_test")
        sender = InlineSender(outbox, self.transport, account, self.clock, Events(), ZoneInfo("UTC"), lambda: 0.5)
        task = asyncio.create_task(sender.run())
        for message in messages:
            with database.transaction() as connection:
                outbox.put(connection, message)
            sender.wake()
            await asyncio.sleep(1)
        await asyncio.sleep(seconds - len(messages))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        database.close()


def timer(duration: float | None = 300, subtitle: str = "a", window: str | None = None, **state: Any) -> ActivityState:
    content = {"title": "T", "type": "timer", "subtitle": subtitle, **state}
    if duration is not None:
        content["duration_seconds"] = duration
    return ActivityState(KEY, ActivityContent(content, window=window), Priority.MEANING, START)


END = ActivityEnd(KEY, ActivityContent({}), START)
OTHER = ActivityState(KEY, ActivityContent({"title": "T", "type": "alert", "message": "x"}), Priority.MEANING, START)


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    return Scenario(tmp_path / "state.db")


def test_an_update_and_a_restart_keep_the_window_and_another_duration_or_name_starts_another(
    scenario: Scenario,
) -> None:
    async def play() -> None:
        await scenario.live(timer(), timer(subtitle="b"))
        await scenario.live(timer(subtitle="c"))
        assert round(scenario.phone.remaining()) == 280
        await scenario.live(timer(180, "c"), timer(180, "d"))
        assert round(scenario.phone.remaining()) == 170
        await scenario.live(timer(180, "d", window="second"), timer(None, "e"))
        assert round(scenario.phone.remaining()) == 170

    run_virtual(play, BEGIN)
    assert scenario.phone.sent == [300, None, None, 180, None, 180, None]


def test_an_ended_timer_starts_with_its_whole_window_again(scenario: Scenario) -> None:
    async def play() -> None:
        end = ActivityEnd(KEY, timer().content, START)
        await scenario.live(timer(), end, timer())

    run_virtual(play, BEGIN)
    assert scenario.phone.sent == [300, 300]


@pytest.mark.parametrize(("fate", "sent"), [("after", [300, None]), ("before", [None, 299])])
def test_after_a_lost_answer_it_is_retried_without_and_if_refused_with_what_remains(
    scenario: Scenario, fate: str, sent: list[float | None]
) -> None:
    scenario.phone.lost = [fate]
    run_virtual(lambda: scenario.live(timer()), BEGIN)
    assert scenario.phone.sent == sent


@pytest.mark.parametrize(("fate", "sent"), [("after", [300, None]), ("before", [None, 200])])
def test_a_daemon_that_died_with_a_request_on_its_way_does_the_same(
    scenario: Scenario, fate: str, sent: list[float | None]
) -> None:
    async def play() -> None:
        scenario.hangs, scenario.phone.lost = True, [fate]
        await scenario.live(timer(), seconds=97)  # and three of grace
        scenario.hangs = False
        await scenario.live()

    run_virtual(play, BEGIN)
    assert scenario.phone.sent == sent


def test_a_timer_that_was_swiped_away_comes_back_with_what_remains(scenario: Scenario) -> None:
    async def play() -> None:
        await scenario.live(timer(), seconds=100)
        scenario.phone.dismiss()
        await scenario.live(timer(subtitle="b"))
        assert round(scenario.phone.remaining()) == 190

    run_virtual(play, BEGIN)
    assert scenario.phone.sent == [300, None, 200]


def test_a_frozen_timer_does_not_run_out_and_its_state_is_always_said(scenario: Scenario) -> None:
    async def play() -> None:
        await scenario.live(timer(), timer(is_running=False), seconds=500)
        scenario.phone.dismiss()
        await scenario.live(timer(is_running=False, subtitle="b"), timer(subtitle="c"))
        assert round(scenario.phone.remaining()) == 290

    run_virtual(play, BEGIN)
    assert scenario.phone.sent == [300, None, None, 299, None]


def test_a_window_that_came_while_the_stream_was_paused_is_sent_when_it_is_resumed(scenario: Scenario) -> None:
    async def play() -> None:
        await scenario.live(timer(), seconds=10)
        scenario.phone.is_paused = True
        await scenario.live(timer(180), seconds=100)
        scenario.phone.is_paused = False
        await scenario.live(seconds=600)

    run_virtual(play, BEGIN)
    assert scenario.phone.sent == [300, 180, 80]


def test_a_window_that_has_run_out_is_not_begun_anew(scenario: Scenario) -> None:
    async def play() -> None:
        await scenario.live(timer(), seconds=1000)
        scenario.phone.dismiss()
        await scenario.live(timer(subtitle="b"))

    run_virtual(play, BEGIN)
    assert scenario.phone.sent == [300, None, 1]


def test_a_clock_that_counts_up_needs_no_window(scenario: Scenario) -> None:
    async def play() -> None:
        scenario.phone.shows = "timer"
        await scenario.live(timer(None, counts_down=False), timer(None, "b", counts_down=False))

    run_virtual(play, BEGIN)
    assert scenario.phone.sent == [None, None]


@pytest.mark.parametrize("departure", [END, OTHER])
@pytest.mark.parametrize(("fate", "sent"), [("before", [300, None]), ("after", [300, None, 289])])
def test_a_window_is_kept_while_nobody_knows_whether_what_ends_it_has_arrived(
    scenario: Scenario, departure: Message, fate: str, sent: list[float | None]
) -> None:
    async def play() -> None:
        await scenario.live(timer())
        scenario.phone.lost = [fate]
        await scenario.live(departure, timer())

    run_virtual(play, BEGIN)
    assert scenario.phone.sent == sent


@pytest.mark.parametrize("departure", [END, OTHER])
@pytest.mark.parametrize(("fate", "sent"), [("before", [300, None]), ("after", [300, None, 200])])
def test_so_it_is_by_a_daemon_that_died_meanwhile(
    scenario: Scenario, departure: Message, fate: str, sent: list[float | None]
) -> None:
    async def play() -> None:
        await scenario.live(timer())
        scenario.hangs, scenario.phone.lost = True, [fate]
        await scenario.live(departure, seconds=87)  # and three of grace
        scenario.hangs = False
        await scenario.live(timer())

    run_virtual(play, BEGIN)
    assert scenario.phone.sent == sent


@pytest.mark.parametrize("departure", [END, OTHER])
def test_a_window_is_forgotten_once_what_ends_it_was_taken(scenario: Scenario, departure: Message) -> None:
    async def play() -> None:
        await scenario.live(timer(), departure, timer())
        await scenario.live(departure, departure, timer())

    run_virtual(play, BEGIN)
    assert scenario.phone.sent == [300, 300, 300]


fates = st.lists(st.sampled_from(["", "before", "after"]), max_size=6)
lives = st.lists(st.tuples(st.lists(st.sampled_from("abc"), max_size=3), st.booleans(), fates), min_size=1, max_size=4)


@pytest.mark.campaign
@settings(max_examples=rounds(20, 1000), suppress_health_check=list(HealthCheck), deadline=None)
@given(lives)
def test_whatever_is_lost_the_phone_never_counts_longer_than_it_should(
    tmp_path_factory: pytest.TempPathFactory, lives: list[tuple[list[str], bool, list[str]]]
) -> None:
    """Each life of the daemon: the subtitles it tells, whether the timer is swiped away before, what happens to its
    requests. The window begins when its duration is first sent.
    """
    scenario = Scenario(tmp_path_factory.mktemp("scenario") / "state.db")

    async def play() -> float:
        await scenario.live(timer(3000), seconds=20)
        began = scenario.clock.now() - 20
        for subtitles, dismissed, fates in lives:
            if dismissed:
                scenario.phone.dismiss()
            scenario.phone.lost = list(fates)
            await scenario.live(*(timer(3000, subtitle) for subtitle in subtitles), seconds=400)
            if scenario.phone.shows:
                assert abs(began + 3000 - (scenario.clock.now() + scenario.phone.remaining())) < 2
        return began

    run_virtual(play, BEGIN)
    assert scenario.phone.sent[0] == 3000
    assert scenario.phone.sent.count(3000) == 1


def counting(left: float, subtitle: str = "a", **state: Any) -> ActivityState:
    """A timer that reaches zero so many seconds after the start."""
    content = {"title": "T", "type": "timer", "subtitle": subtitle, "counts_down": True, "is_running": True, **state}
    return ActivityState(KEY, ActivityContent(content, window="w", ends_at=START + left), Priority.MEANING, START)


def test_the_duration_is_what_is_left_when_it_is_sent(scenario: Scenario) -> None:
    async def play() -> None:
        await scenario.live(seconds=60)
        await scenario.live(counting(300))
        await scenario.live(counting(300, "b"))
        left = START + 300 - scenario.clock.now()
        assert abs(scenario.phone.remaining() - left) < 2

    run_virtual(play, BEGIN)
    assert scenario.phone.sent == [240, None]


def test_a_timer_that_goes_on_after_a_pause_is_not_restarted(scenario: Scenario) -> None:
    async def play() -> None:
        paused = counting(300, is_running=False, duration_seconds=299)
        paused = replace(paused, content=replace(paused.content, ends_at=None))
        await scenario.live(counting(300), paused, seconds=100)
        await scenario.live(counting(400))
        assert round(scenario.phone.remaining()) == 289

    run_virtual(play, BEGIN)
    assert scenario.phone.sent == [300, None, None]

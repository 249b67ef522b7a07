"""Scenarios of the sender, against a service that is an ordinary function, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from answers import Answer, no, ok, reply_to
from delivery.inline import InlineSender
from outbox.stored import StoredOutbox
from smithd.clock import SystemClock
from smithd.contract.endpoint import Endpoint
from smithd.delivery.account import AccountOptions
from smithd.delivery.reply import NotSent, Reply, Unknown
from smithd.delivery.wire import Request
from smithd.errors import DatabaseError
from smithd.events import (
    DeliveryBlocked,
    DeliveryResumed,
    Event,
    Events,
    SendAccepted,
    SendDelayed,
    SendDropped,
    SurfaceNotRenderable,
)
from smithd.keys import DEFAULT_ACCOUNT, PushKey, StreamKey, WidgetKey
from smithd.outbox.message import (
    ActivityContent,
    ActivityEnd,
    ActivityState,
    Message,
    Priority,
    Push,
    PushContent,
    PushUpdate,
    WidgetValue,
)
from smithd.outbox.shown import ShownActivity, ShownPush, ShownWidget
from smithd.storage.database import Database
from virtual_time import run_virtual, step_clock

BEGIN = datetime(2026, 11, 2, tzinfo=UTC)
START = BEGIN.timestamp()
Service = Callable[[Request], Awaitable[Answer | Reply]]


class Harness:
    """A sender on a real outbox; ``answers`` are given in turn, then the service takes everything."""

    def __init__(self, path: Path, *answers: Answer | Reply, **limits: int) -> None:
        self.path = path
        self.account = AccountOptions.model_validate({"api_key": "ask_test", "limits": limits})
        self.answers = list(answers)
        self.clock = SystemClock()
        self.events: list[Event] = []
        self.seen: list[tuple[float, Request]] = []
        self.service: Service = self.take

    async def take(self, request: Request) -> Answer | Reply:
        return self.answers.pop(0) if self.answers else ok(operation="updated", notification_id="n-1")

    async def transport(self, request: Request) -> Reply:
        self.seen.append((self.clock.monotonic(), request))
        return reply_to(request, await self.service(request), self.clock.now())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self.database = Database.open(self.path)
        self.outbox = StoredOutbox(self.database)
        self.sender = InlineSender(
            self.outbox,
            self.transport,
            self.account,
            self.clock,
            Events([self.events.append]),
            ZoneInfo("Europe/Berlin"),
            lambda: 0.5,
        )
        task = asyncio.create_task(self.sender.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            self.database.close()

    def put(self, *messages: Message) -> None:
        with self.database.transaction() as connection:
            for message in messages:
                self.outbox.put(connection, message)
        self.sender.wake()

    def keys(self) -> list[str]:
        return [request.key.subject for _, request in self.seen]

    def times(self) -> list[float]:
        return [at for at, _ in self.seen]

    def published(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def push_key(name: str) -> PushKey:
    return PushKey(DEFAULT_ACCOUNT, name, START, 1)


def widget_key(name: str) -> WidgetKey:
    return WidgetKey(DEFAULT_ACCOUNT, name)


def push(name: str = "cpu", *, priority: Priority = Priority.PUSH, **content: Any) -> Push:
    text = PushContent(**{"title": f"{name} fires", **content})
    return Push(push_key(name), text, priority, START, expires=START + 86400)


def update(name: str = "cpu", *, only_in_place: bool = False, **content: Any) -> PushUpdate:
    text = PushContent(**{"title": f"{name} fires", **content})
    expires = START + 86400
    return PushUpdate(push_key(name), text, Priority.PUSH, START, expires=expires, only_in_place=only_in_place)


def widget(name: str, value: float = 1) -> WidgetValue:
    return WidgetValue(widget_key(name), value, Priority.ROUTINE, START)


def stream(name: str, value: int = 1) -> ActivityState:
    state = {"title": name, "type": "stats", "metrics": [{"label": "Load", "value": value}]}
    return ActivityState(StreamKey(DEFAULT_ACCOUNT, name), ActivityContent(state), Priority.MEANING, START)


def end(name: str) -> ActivityEnd:
    return ActivityEnd(StreamKey(DEFAULT_ACCOUNT, name), ActivityContent({}), START)


def test_what_is_put_goes_out_at_once_and_is_remembered_as_shown(path: Path) -> None:
    harness = Harness(path, ok(), ok(operation="started"), ok(notification_id="n-7"))

    async def scenario() -> None:
        async with harness.running():
            await asyncio.sleep(1)
            harness.put(push())
            await asyncio.sleep(0)
            harness.put(widget("orders", 3))
            harness.put(stream("prod", 4))
            await asyncio.sleep(1)
            shown = harness.outbox.shown()
            assert shown[widget_key("orders")] == ShownWidget(widget_key("orders"), 3, START + 1)
            activity = ShownActivity(stream("prod").key, stream("prod", 4).content, START + 1, since=START + 1)
            assert shown[stream("prod").key] == activity
            assert harness.outbox.status(push_key("cpu")).push == ShownPush(push_key("cpu"), push().content, START + 1)
            assert harness.outbox.waiting() == 0

    run_virtual(scenario, BEGIN)
    assert set(harness.times()) == {1.0}
    assert harness.published(SendAccepted) == [
        SendAccepted(push_key("cpu"), "sent", "cpu fires"),
        SendAccepted(StreamKey(DEFAULT_ACCOUNT, "prod"), "started", "prod, Load 4"),
        SendAccepted(widget_key("orders"), "set", "3"),
    ]


def test_most_urgent_first_few_at_once_and_a_place_is_kept_for_pushes(path: Path) -> None:
    harness = Harness(path)
    on_way, most = 0, 0

    async def slow(request: Request) -> Answer | Reply:
        nonlocal on_way, most
        on_way += 1
        most = max(most, on_way)
        await asyncio.sleep(10)
        on_way -= 1
        return ok()

    async def scenario() -> None:
        async with harness.running():
            harness.put(*(widget(f"w{number}") for number in range(9)))
            await asyncio.sleep(1)
            assert len(harness.seen) == 3
            harness.put(push("a"), push("b", priority=Priority.CRITICAL_PUSH))
            await asyncio.sleep(1)
            assert harness.keys()[3:] == ["push b"]
            await asyncio.sleep(60)

    harness.service = slow
    run_virtual(scenario, BEGIN)
    assert harness.keys()[4] == "push a"
    assert most == 4
    assert len(harness.seen) == 11


def test_one_request_for_a_key_at_a_time_and_only_the_newest_value(path: Path) -> None:
    harness = Harness(path)

    async def slow(request: Request) -> Answer | Reply:
        await asyncio.sleep(5)
        return ok()

    async def scenario() -> None:
        async with harness.running():
            for value in range(4):
                harness.put(widget("orders", value))
                await asyncio.sleep(1)
            await asyncio.sleep(20)

    harness.service = slow
    run_virtual(scenario, BEGIN)
    assert [request.body["value"] for _, request in harness.seen] == [0, 3]


@pytest.mark.parametrize("trouble", [Unknown("cut"), no(500), no(503), Answer(200, {}, b"<html>"), Answer(302)])
def test_what_may_have_been_taken_is_sent_again_soon_and_said_once_for_a_level(
    path: Path, trouble: Answer | Reply
) -> None:
    harness = Harness(path, trouble, trouble, trouble)

    async def scenario() -> None:
        async with harness.running():
            harness.put(widget("orders"))
            await asyncio.sleep(20)

    run_virtual(scenario, BEGIN)
    assert [round(at) for at in harness.times()] == [0, 1, 3, 7]
    assert len(harness.published(SendDelayed)) == 1


def test_a_refused_key_stops_everything_says_so_once_and_is_probed_slowly(path: Path) -> None:
    harness = Harness(path, no(401), no(401))

    async def scenario() -> None:
        async with harness.running():
            harness.put(push(), widget("a"), widget("b"), end("x"))
            await asyncio.sleep(1)
            count = len(harness.seen)
            await asyncio.sleep(1190)
            assert len(harness.seen) <= count + 1
            await asyncio.sleep(100)

    harness.answers = [no(401)] * 4
    run_virtual(scenario, BEGIN)
    reason = "the service refuses the key (HTTP 401, no)"
    assert harness.published(DeliveryBlocked) == [DeliveryBlocked("everything", reason)]
    assert harness.published(DeliveryResumed) == [DeliveryResumed("everything")]
    assert sorted({round(at) for at in harness.times()}) == [0, 600, 1200]
    assert len(harness.published(SendAccepted)) == 3


def test_an_unpaid_account_still_ends_streams_and_sets_metrics(path: Path) -> None:
    harness = Harness(path)
    paid = True

    async def service(request: Request) -> Answer | Reply:
        billed = request.endpoint in (Endpoint.SEND, Endpoint.STREAM_PUT)
        return no(402, error="trial_expired") if billed and not paid else ok()

    async def scenario() -> None:
        nonlocal paid
        async with harness.running():
            harness.put(stream("x"))
            await asyncio.sleep(1)
            paid = False
            harness.put(push("a"))
            await asyncio.sleep(1)
            harness.put(push("b"), stream("y"), end("x"), widget("w"))
            await asyncio.sleep(7100)
            assert harness.keys() == ["Live Activity x", "push a", "Live Activity x", "widget w", "push a"]
            paid = True
            await asyncio.sleep(3600)
            assert harness.outbox.waiting() == 0

    harness.service = service
    run_virtual(scenario, BEGIN)
    assert len(harness.published(DeliveryBlocked)) == 1
    assert harness.published(DeliveryResumed) == [DeliveryResumed("pushes, Live Activities and the badge")]


@pytest.mark.parametrize(("refusals", "expected"), [(1, [0, 0]), (2, [0, 0, 3600]), (3, [0, 0, 3600, 7200])])
def test_after_a_live_activity_that_must_be_paid_for_one_is_tried_at_once(
    path: Path, refusals: int, expected: list[int]
) -> None:
    """Another may have made room for it; where that is refused as well, they wait for an hour."""
    harness = Harness(path)

    async def service(_: Request) -> Answer | Reply:
        return no(402, error="trial_expired") if len(harness.seen) <= refusals else ok()

    async def scenario() -> None:
        async with harness.running():
            harness.put(stream("x"))
            await asyncio.sleep(8000)

    harness.service = service
    run_virtual(scenario, BEGIN)
    assert [round(at) for at in harness.times()] == expected
    assert len(harness.published(DeliveryBlocked)) == len(harness.published(DeliveryResumed)) == 1


def test_a_pause_that_the_service_asks_for_is_kept_by_its_family_alone(path: Path) -> None:
    harness = Harness(path)

    async def service(request: Request) -> Answer | Reply:
        early = harness.clock.monotonic() < 30
        return no(429, {"retry-after": "30"}) if request.endpoint is Endpoint.METRIC and early else ok()

    async def scenario() -> None:
        async with harness.running():
            harness.put(widget("a"))
            await asyncio.sleep(1)
            harness.put(widget("b"), push())
            await asyncio.sleep(40)

    harness.service = service
    run_virtual(scenario, BEGIN)
    assert [(request.key.subject, round(at)) for at, request in harness.seen] == [
        ("widget a", 0),
        ("push cpu", 1),
        ("widget a", 30),
        ("widget b", 30),
    ]


@pytest.mark.parametrize("wait", ["0", "Wed, 21 Oct 2015 07:28:00 GMT", "5"])
def test_a_pause_that_is_never_long_enough_gets_longer_until_a_request_is_taken(path: Path, wait: str) -> None:
    limited = no(429, {"retry-after": wait})
    harness = Harness(path, *[limited] * 30, ok(notification_id="n-1"), limited)

    async def scenario() -> None:
        async with harness.running():
            harness.put(push())
            await asyncio.sleep(3600)
            harness.put(push("disk"))
            await asyncio.sleep(60)

    run_virtual(scenario, BEGIN)
    gaps = [round(later - earlier) for earlier, later in pairwise(harness.times())]
    first = 5 if wait == "5" else 1
    assert gaps[:7] == [max(first, 2**number) if number < 6 else 60 for number in range(7)]
    assert (len(gaps), gaps[-1]) == (32, first)


def test_a_stream_that_found_no_slot_holds_nothing_else_back(path: Path) -> None:
    full = no(429, error="Live Activity limit reached", limit=5, active=5)
    harness = Harness(path, ok(), full, ok(), full)

    async def scenario() -> None:
        async with harness.running():
            harness.put(stream("a"))
            await asyncio.sleep(1)
            harness.put(stream("b"))
            await asyncio.sleep(1)
            harness.put(widget("w"))  # the limits of others are not touched
            harness.put(end("a"))
            await asyncio.sleep(1)

    run_virtual(scenario, BEGIN)
    assert harness.keys() == ["Live Activity a", "Live Activity b", "Live Activity a", "widget w"]


def test_a_paused_stream_is_probed_slowly_with_its_newest_state(path: Path) -> None:
    harness = Harness(path, ok(operation="paused"), ok(operation="started"))

    async def scenario() -> None:
        async with harness.running():
            harness.put(stream("a", 1))
            await asyncio.sleep(60)
            harness.put(stream("a", 2))
            harness.put(stream("a", 3))
            await asyncio.sleep(600)

    run_virtual(scenario, BEGIN)
    assert [round(at) for at in harness.times()] == [0, 600]
    assert harness.seen[1][1].body["content_state"]["metrics"][0]["value"] == 3


def test_a_push_that_nobody_can_receive_is_probed_until_it_expires_and_then_says_so(path: Path) -> None:
    harness = Harness(path)

    async def nobody(request: Request) -> Answer | Reply:
        return no(422, error="No recipients found")

    async def scenario() -> None:
        async with harness.running():
            harness.put(push())
            await asyncio.sleep(86400 + 60)
            assert harness.outbox.waiting() == 0

    harness.service = nobody
    run_virtual(scenario, BEGIN)
    assert len(harness.seen) == 144
    reason = "it was not accepted in time (nobody to send to (HTTP 422, No recipients found))"
    assert harness.published(SendDropped) == [SendDropped(push_key("cpu"), reason, expired=True)]


@pytest.mark.parametrize("status", [404, 409])
def test_a_notification_that_cannot_be_replaced_comes_as_a_new_one(path: Path, status: int) -> None:
    harness = Harness(path, ok(notification_id="n-1"), no(status), ok(notification_id="n-2"))

    async def scenario() -> None:
        async with harness.running():
            harness.put(push())
            await asyncio.sleep(1)
            harness.put(update(title="resolved"))
            await asyncio.sleep(1)
            shown = harness.outbox.status(push_key("cpu")).push
            assert shown is not None
            assert shown.notification_id == "n-2"

    run_virtual(scenario, BEGIN)
    assert [request.method for _, request in harness.seen] == ["POST", "PUT", "POST"]


def test_an_end_that_is_refused_is_asked_for_without_its_last_state_and_frees_its_slot(path: Path) -> None:
    harness = Harness(path, ok(), no(400), no(400), ok())
    last = {"content_state": {"title": "x", "type": "value", "value": 1, "auto_dismiss_seconds": 60}}

    async def scenario() -> None:
        async with harness.running():
            harness.put(stream("a"))
            await asyncio.sleep(1)
            harness.put(ActivityEnd(stream("a").key, ActivityContent(last["content_state"]), START))
            await asyncio.sleep(1)
            assert harness.outbox.streams_on_phone() == {stream("a").key}
        async with harness.running():  # a restart knows it too
            await asyncio.sleep(3600)
            assert harness.outbox.streams_on_phone() == set()

    run_virtual(scenario, BEGIN)
    assert [request.body for _, request in harness.seen[1:]] == [last, {}, {}]


def test_a_message_that_cannot_be_built_is_dropped_with_every_reason(path: Path) -> None:
    harness = Harness(path)
    state = {"title": "x", "type": "stats", "metrics": [{"label": "a", "value": -1}], "color": "red"}

    async def scenario() -> None:
        async with harness.running():
            harness.put(replace(stream("a"), content=ActivityContent(state)))
            harness.put(widget("A B"))
            harness.put(widget("good"))
            await asyncio.sleep(1)
            assert harness.outbox.waiting() == 0

    run_virtual(scenario, BEGIN)
    assert harness.keys() == ["widget good"]
    said = "expected a number, 0 or more, or a text of 1 to 64 characters that is not blank"
    assert harness.published(SendDropped)[0] == SendDropped(
        stream("a").key, f"content_state.metrics.0.value: {said}; content_state.color: this field is not known here"
    )


def test_a_push_that_no_request_can_be_made_of_is_kept_with_a_word_and_nothing_else_suffers(path: Path) -> None:
    harness = Harness(path)

    async def scenario() -> None:
        async with harness.running():
            harness.put(push(channels=[]), push("other"))
            await asyncio.sleep(1)
            assert harness.outbox.waiting() == 1
            await asyncio.sleep(3600)

    run_virtual(scenario, BEGIN)
    assert harness.keys() == ["push other"]
    reason = "its list of channels is empty: it would go to everybody"
    first, then = "refused, so its plainest text is sent: ", "refused, even as its plainest text: "
    assert harness.published(SendDelayed) == [
        SendDelayed(push_key("cpu"), how + reason, after) for how, after in ((first, 0), (then, 3600), (then, 3600))
    ]


def test_an_answer_with_half_a_letter_in_its_names_stops_nothing(path: Path) -> None:
    half = "n\ud800"
    harness = Harness(path, ok(notification_id=half), ok(operation=half, activity_id=half), no(404), ok())

    async def scenario() -> None:
        async with harness.running():
            harness.put(push(), stream("prod"))
            await asyncio.sleep(1)
            shown = harness.outbox.status(push_key("cpu")).push
            assert shown is not None
            assert shown.notification_id == "n?"
            harness.put(update(title="again"))
            await asyncio.sleep(1)

    run_virtual(scenario, BEGIN)
    assert harness.keys() == ["push cpu", "Live Activity prod", "push cpu", "push cpu"]


def test_a_warning_of_the_service_is_published_once(path: Path) -> None:
    harness = Harness(path, *[ok(operation="updated", warning="too many updates")] * 2)

    async def scenario() -> None:
        async with harness.running():
            for value in (1, 2):
                harness.put(stream("a", value))
                await asyncio.sleep(1)

    run_virtual(scenario, BEGIN)
    assert harness.published(SurfaceNotRenderable) == [
        SurfaceNotRenderable(stream("a").key, "the service warns: too many updates")
    ]


def test_a_request_on_its_way_is_given_a_moment_at_the_end_and_comes_back_if_that_is_not_enough(path: Path) -> None:
    harness = Harness(path)

    async def slow(request: Request) -> Answer | Reply:
        await asyncio.sleep(2 if request.key.subject == "push quick" else 20)
        return ok()

    async def scenario() -> None:
        harness.service = slow
        async with harness.running():
            harness.put(push("quick"), push("slow"))
            await asyncio.sleep(1)
            before = harness.clock.monotonic()
        assert harness.clock.monotonic() - before < 4
        harness.service = harness.take
        async with harness.running():
            await asyncio.sleep(1)

    run_virtual(scenario, BEGIN)
    assert harness.keys() == ["push quick", "push slow", "push slow"]


def test_a_clock_that_is_set_back_delays_nothing(path: Path) -> None:
    harness = Harness(path, NotSent("refused"), NotSent("refused"), NotSent("refused"))

    async def scenario() -> None:
        async with harness.running():
            harness.put(push())
            await asyncio.sleep(4)
            step_clock(-86400)
            await asyncio.sleep(60)

    run_virtual(scenario, BEGIN)
    assert harness.published(SendAccepted) == [SendAccepted(push_key("cpu"), "sent", "cpu fires")]


@pytest.mark.parametrize("broken", ["transport", "database"])
def test_what_is_no_everyday_end_stops_the_sender(path: Path, broken: str) -> None:
    harness = Harness(path)

    async def breaking(request: Request) -> Answer | Reply:
        if broken == "transport":
            raise ZeroDivisionError
        with harness.database.transaction() as connection:
            connection.exec_driver_sql("PRAGMA query_only=1")
        return ok()

    async def scenario() -> None:
        async with harness.running():
            harness.put(push())
            await asyncio.sleep(1)

    harness.service = breaking
    with pytest.raises(ZeroDivisionError if broken == "transport" else DatabaseError):
        run_virtual(scenario, BEGIN)


def test_what_is_worth_saying_in_place_only_is_dropped_where_the_phone_has_nothing_of_it(path: Path) -> None:
    harness = Harness(path, ok(notification_id="n-1"), ok(notification_id="n-1"))

    async def scenario() -> None:
        async with harness.running():
            harness.put(update("past", only_in_place=True))
            await asyncio.sleep(1)
            assert harness.keys() == []
            assert harness.outbox.waiting() == 0
            harness.put(push("past"))
            await asyncio.sleep(1)
            harness.put(update("past", only_in_place=True, title="Earlier: past"))
            await asyncio.sleep(1)

    run_virtual(scenario, BEGIN)
    assert [request.method for _, request in harness.seen] == ["POST", "PUT"]
    assert harness.published(SendDropped) == []

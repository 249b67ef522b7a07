"""Stories of the sender, against a service that is an ordinary function, in virtual time."""

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

from answers import Answer, heard, no, ok
from smithd.clock import SystemClock
from smithd.contract.endpoint import Endpoint
from smithd.delivery.account import AccountOptions
from smithd.delivery.inline import InlineSender
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
    SurfaceHeld,
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
from smithd.outbox.stored import StoredOutbox
from smithd.storage.database import Database
from virtual_time import run_virtual, step_clock

BEGIN = datetime(2026, 11, 2, tzinfo=UTC)
START = BEGIN.timestamp()
Service = Callable[[Request], Awaitable[Answer | Reply]]


class Stage:
    """A sender on a real outbox; ``answers`` are given in turn, then the service takes everything."""

    def __init__(self, path: Path, *answers: Answer | Reply, **limits: int) -> None:
        self.path = path
        self.account = AccountOptions.model_validate({"api_key": "ask_test", "limits": limits})
        self.answers = list(answers)
        self.clock = SystemClock()
        self.facts: list[Event] = []
        self.seen: list[tuple[float, Request]] = []
        self.service: Service = self.take

    async def take(self, request: Request) -> Answer | Reply:
        return self.answers.pop(0) if self.answers else ok(operation="updated", notification_id="n-1")

    async def transport(self, request: Request) -> Reply:
        self.seen.append((self.clock.monotonic(), request))
        return heard(request, await self.service(request), self.clock.now())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self.database = Database.open(self.path)
        self.outbox = StoredOutbox(self.database)
        self.sender = InlineSender(
            self.outbox,
            self.transport,
            self.account,
            self.clock,
            Events([self.facts.append]),
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

    def told(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.facts if isinstance(event, kind)]


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
    stage = Stage(path, ok(), ok(operation="started"), ok(notification_id="n-7"))

    async def story() -> None:
        async with stage.running():
            await asyncio.sleep(1)
            stage.put(push())
            await asyncio.sleep(0)
            stage.put(widget("orders", 3))
            stage.put(stream("prod", 4))
            await asyncio.sleep(1)
            shown = stage.outbox.shown()
            assert shown[widget_key("orders")] == ShownWidget(widget_key("orders"), 3, START + 1)
            assert shown[stream("prod").key] == ShownActivity(stream("prod").key, stream("prod", 4).content, START + 1)
            assert stage.outbox.standing(push_key("cpu")).push == ShownPush(push_key("cpu"), push().content, START + 1)
            assert stage.outbox.waiting() == 0

    run_virtual(story, BEGIN)
    assert set(stage.times()) == {1.0}
    assert stage.told(SendAccepted) == [
        SendAccepted(push_key("cpu"), "sent", "cpu fires"),
        SendAccepted(StreamKey(DEFAULT_ACCOUNT, "prod"), "started", "prod, Load 4"),
        SendAccepted(widget_key("orders"), "set", "3"),
    ]


def test_most_urgent_first_few_at_once_and_a_place_is_kept_for_pushes(path: Path) -> None:
    stage = Stage(path)
    on_way, most = 0, 0

    async def slow(request: Request) -> Answer | Reply:
        nonlocal on_way, most
        on_way += 1
        most = max(most, on_way)
        await asyncio.sleep(10)
        on_way -= 1
        return ok()

    async def story() -> None:
        async with stage.running():
            stage.put(*(widget(f"w{number}") for number in range(9)))
            await asyncio.sleep(1)
            assert len(stage.seen) == 3
            stage.put(push("a"), push("b", priority=Priority.CRITICAL_PUSH))
            await asyncio.sleep(1)
            assert stage.keys()[3:] == ["push b"]
            await asyncio.sleep(60)

    stage.service = slow
    run_virtual(story, BEGIN)
    assert stage.keys()[4] == "push a"
    assert most == 4
    assert len(stage.seen) == 11


def test_one_request_for_a_key_at_a_time_and_only_the_newest_value(path: Path) -> None:
    stage = Stage(path)

    async def slow(request: Request) -> Answer | Reply:
        await asyncio.sleep(5)
        return ok()

    async def story() -> None:
        async with stage.running():
            for value in range(4):
                stage.put(widget("orders", value))
                await asyncio.sleep(1)
            await asyncio.sleep(20)

    stage.service = slow
    run_virtual(story, BEGIN)
    assert [request.body["value"] for _, request in stage.seen] == [0, 3]


def test_during_an_outage_tries_get_rarer_and_when_it_ends_everything_goes_at_once(path: Path) -> None:
    stage = Stage(path)
    down = True

    async def service(request: Request) -> Answer | Reply:
        return NotSent("connection refused") if down else ok()

    async def story() -> None:
        nonlocal down
        async with stage.running():
            stage.put(push("a"), push("b"))
            await asyncio.sleep(3600)
            count = len(stage.seen)
            down = False
            stage.put(push("c"))
            await asyncio.sleep(1)
            assert sorted(stage.keys()[count:]) == ["push a", "push b", "push c"]

    stage.service = service
    run_virtual(story, BEGIN)
    tries = [at for at, request in stage.seen if request.key.subject == "push a"]
    gaps = [round(later - earlier) for earlier, later in pairwise(tries)]
    assert gaps[:10] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert str(stage.told(SendDelayed)[0]).endswith("connection refused; next try in 1 s")


@pytest.mark.parametrize("trouble", [Unknown("cut"), no(500), no(503), Answer(200, {}, b"<html>"), Answer(302)])
def test_what_may_have_been_taken_is_sent_again_soon_and_said_once_for_a_level(
    path: Path, trouble: Answer | Reply
) -> None:
    stage = Stage(path, trouble, trouble, trouble)

    async def story() -> None:
        async with stage.running():
            stage.put(widget("orders"))
            await asyncio.sleep(20)

    run_virtual(story, BEGIN)
    assert [round(at) for at in stage.times()] == [0, 1, 3, 7]
    assert len(stage.told(SendDelayed)) == 1


def test_a_refused_key_stops_everything_says_so_once_and_is_probed_slowly(path: Path) -> None:
    stage = Stage(path, no(401), no(401))

    async def story() -> None:
        async with stage.running():
            stage.put(push(), widget("a"), widget("b"), end("x"))
            await asyncio.sleep(1)
            count = len(stage.seen)
            await asyncio.sleep(1190)
            assert len(stage.seen) <= count + 1
            await asyncio.sleep(100)

    stage.answers = [no(401)] * 4
    run_virtual(story, BEGIN)
    reason = "the service refuses the key (HTTP 401, no)"
    assert stage.told(DeliveryBlocked) == [DeliveryBlocked("everything", reason)]
    assert stage.told(DeliveryResumed) == [DeliveryResumed("everything")]
    assert sorted({round(at) for at in stage.times()}) == [0, 600, 1200]
    assert len(stage.told(SendAccepted)) == 3


def test_an_unpaid_account_still_ends_streams_and_sets_metrics(path: Path) -> None:
    stage = Stage(path)
    paid = True

    async def service(request: Request) -> Answer | Reply:
        billed = request.endpoint in (Endpoint.SEND, Endpoint.STREAM_PUT)
        return no(402, error="trial_expired") if billed and not paid else ok()

    async def story() -> None:
        nonlocal paid
        async with stage.running():
            stage.put(stream("x"))
            await asyncio.sleep(1)
            paid = False
            stage.put(push("a"))
            await asyncio.sleep(1)
            stage.put(push("b"), stream("y"), end("x"), widget("w"))
            await asyncio.sleep(7100)
            assert stage.keys() == ["Live Activity x", "push a", "Live Activity x", "widget w", "push a"]
            paid = True
            await asyncio.sleep(3600)
            assert stage.outbox.waiting() == 0

    stage.service = service
    run_virtual(story, BEGIN)
    assert len(stage.told(DeliveryBlocked)) == 1
    assert stage.told(DeliveryResumed) == [DeliveryResumed("pushes, Live Activities and the badge")]


def test_a_pause_that_the_service_asks_for_is_kept_by_its_family_alone(path: Path) -> None:
    stage = Stage(path)

    async def service(request: Request) -> Answer | Reply:
        early = stage.clock.monotonic() < 30
        return no(429, {"retry-after": "30"}) if request.endpoint is Endpoint.METRIC and early else ok()

    async def story() -> None:
        async with stage.running():
            stage.put(widget("a"))
            await asyncio.sleep(1)
            stage.put(widget("b"), push())
            await asyncio.sleep(40)

    stage.service = service
    run_virtual(story, BEGIN)
    assert [(request.key.subject, round(at)) for at, request in stage.seen] == [
        ("widget a", 0),
        ("push cpu", 1),
        ("widget a", 30),
        ("widget b", 30),
    ]


@pytest.mark.parametrize("wait", ["0", "Wed, 21 Oct 2015 07:28:00 GMT", "5"])
def test_a_pause_that_is_never_long_enough_gets_longer_until_a_request_is_taken(path: Path, wait: str) -> None:
    limited = no(429, {"retry-after": wait})
    stage = Stage(path, *[limited] * 30, ok(notification_id="n-1"), limited)

    async def story() -> None:
        async with stage.running():
            stage.put(push())
            await asyncio.sleep(3600)
            stage.put(push("disk"))
            await asyncio.sleep(60)

    run_virtual(story, BEGIN)
    gaps = [round(later - earlier) for earlier, later in pairwise(stage.times())]
    first = 5 if wait == "5" else 1
    assert gaps[:7] == [max(first, 2**number) if number < 6 else 60 for number in range(7)]
    assert (len(gaps), gaps[-1]) == (32, first)


def test_a_stream_that_found_no_slot_waits_for_an_end_of_ours_or_a_quarter_of_an_hour(path: Path) -> None:
    full = no(429, error="Live Activity limit reached", limit=5, active=5)
    stage = Stage(path, ok(), full, ok(), full)

    async def story() -> None:
        async with stage.running():
            stage.put(stream("a"))
            await asyncio.sleep(1)
            stage.put(stream("b"))
            await asyncio.sleep(1)
            stage.put(widget("w"))  # the limits of others are not touched
            await asyncio.sleep(902)
            assert stage.keys() == ["Live Activity a", "Live Activity b", "widget w", "Live Activity b"]
            stage.put(end("a"))
            await asyncio.sleep(1)

    run_virtual(story, BEGIN)
    assert stage.keys()[4:] == ["Live Activity a", "Live Activity b"]


def test_a_paused_stream_is_probed_slowly_with_its_newest_state(path: Path) -> None:
    stage = Stage(path, ok(operation="paused"), ok(operation="started"))

    async def story() -> None:
        async with stage.running():
            stage.put(stream("a", 1))
            await asyncio.sleep(60)
            stage.put(stream("a", 2))
            stage.put(stream("a", 3))
            await asyncio.sleep(600)

    run_virtual(story, BEGIN)
    assert [round(at) for at in stage.times()] == [0, 600]
    assert stage.seen[1][1].body["content_state"]["metrics"][0]["value"] == 3


def test_a_push_that_nobody_can_receive_is_probed_until_it_expires_and_then_says_so(path: Path) -> None:
    stage = Stage(path)

    async def nobody(request: Request) -> Answer | Reply:
        return no(422, error="No recipients found")

    async def story() -> None:
        async with stage.running():
            stage.put(push())
            await asyncio.sleep(86400 + 60)
            assert stage.outbox.waiting() == 0

    stage.service = nobody
    run_virtual(story, BEGIN)
    assert len(stage.seen) == 144
    reason = "it was not accepted in time (nobody to send to (HTTP 422, No recipients found))"
    assert stage.told(SendDropped) == [SendDropped(push_key("cpu"), reason)]


@pytest.mark.parametrize("status", [404, 409])
def test_a_notification_that_cannot_be_replaced_comes_as_a_new_one(path: Path, status: int) -> None:
    stage = Stage(path, ok(notification_id="n-1"), no(status), ok(notification_id="n-2"))

    async def story() -> None:
        async with stage.running():
            stage.put(push())
            await asyncio.sleep(1)
            stage.put(update(title="resolved"))
            await asyncio.sleep(1)
            shown = stage.outbox.standing(push_key("cpu")).push
            assert shown is not None
            assert shown.notification_id == "n-2"

    run_virtual(story, BEGIN)
    assert [request.method for _, request in stage.seen] == ["POST", "PUT", "POST"]


def test_an_end_that_is_refused_is_asked_for_without_its_last_state_and_frees_its_slot(path: Path) -> None:
    stage = Stage(path, ok(), no(400), no(400), ok())
    last = {"content_state": {"title": "x", "type": "value", "value": 1, "auto_dismiss_seconds": 60}}

    async def story() -> None:
        async with stage.running():
            stage.put(stream("a"))
            await asyncio.sleep(1)
            stage.put(ActivityEnd(stream("a").key, ActivityContent(last["content_state"]), START))
            await asyncio.sleep(1)
            assert stage.outbox.streams_on_phone() == {stream("a").key}
        async with stage.running():  # a restart knows it too
            await asyncio.sleep(3600)
            assert stage.outbox.streams_on_phone() == set()

    run_virtual(story, BEGIN)
    assert [request.body for _, request in stage.seen[1:]] == [last, {}, {}]


def test_a_message_that_cannot_be_built_is_dropped_with_every_reason(path: Path) -> None:
    stage = Stage(path)
    state = {"title": "x", "type": "stats", "metrics": [{"label": "a", "value": -1}], "color": "red"}

    async def story() -> None:
        async with stage.running():
            stage.put(replace(stream("a"), content=ActivityContent(state)))
            stage.put(widget("A B"))
            stage.put(widget("good"))
            await asyncio.sleep(1)
            assert stage.outbox.waiting() == 0

    run_virtual(story, BEGIN)
    assert stage.keys() == ["widget good"]
    said = "expected a number, 0 or more, or a text of 1 to 64 characters that is not blank"
    assert stage.told(SendDropped)[0] == SendDropped(
        stream("a").key, f"content_state.metrics.0.value: {said}; content_state.color: this field is not known here"
    )


def test_what_no_request_can_say_is_dropped_with_a_word_and_nothing_else_suffers(path: Path) -> None:
    stage = Stage(path)

    async def story() -> None:
        async with stage.running():
            stage.put(push(channels=[]), push("other"))
            await asyncio.sleep(1)
            assert stage.outbox.waiting() == 0

    run_virtual(story, BEGIN)
    assert stage.keys() == ["push other"]
    reason = "its list of channels is empty: it would go to everybody"
    assert stage.told(SendDropped) == [SendDropped(push_key("cpu"), reason)]


def test_an_answer_with_half_a_letter_in_its_names_stops_nothing(path: Path) -> None:
    half = "n\ud800"
    stage = Stage(path, ok(notification_id=half), ok(operation=half, activity_id=half), no(404), ok())

    async def story() -> None:
        async with stage.running():
            stage.put(push(), stream("prod"))
            await asyncio.sleep(1)
            shown = stage.outbox.standing(push_key("cpu")).push
            assert shown is not None
            assert shown.notification_id == "n?"
            stage.put(update(title="again"))
            await asyncio.sleep(1)

    run_virtual(story, BEGIN)
    assert stage.keys() == ["push cpu", "Live Activity prod", "push cpu", "push cpu"]


def test_a_warning_of_the_service_is_told_once(path: Path) -> None:
    stage = Stage(path, *[ok(operation="updated", warning="too many updates")] * 2)

    async def story() -> None:
        async with stage.running():
            for value in (1, 2):
                stage.put(stream("a", value))
                await asyncio.sleep(1)

    run_virtual(story, BEGIN)
    assert stage.told(SurfaceHeld) == [SurfaceHeld(stream("a").key, "the service warns: too many updates")]


def test_a_request_on_its_way_is_given_a_moment_at_the_end_and_comes_back_if_that_is_not_enough(path: Path) -> None:
    stage = Stage(path)

    async def slow(request: Request) -> Answer | Reply:
        await asyncio.sleep(2 if request.key.subject == "push quick" else 20)
        return ok()

    async def story() -> None:
        stage.service = slow
        async with stage.running():
            stage.put(push("quick"), push("slow"))
            await asyncio.sleep(1)
            before = stage.clock.monotonic()
        assert stage.clock.monotonic() - before < 4
        stage.service = stage.take
        async with stage.running():
            await asyncio.sleep(1)

    run_virtual(story, BEGIN)
    assert stage.keys() == ["push quick", "push slow", "push slow"]


def test_a_clock_that_is_set_back_delays_nothing(path: Path) -> None:
    stage = Stage(path, NotSent("refused"), NotSent("refused"), NotSent("refused"))

    async def story() -> None:
        async with stage.running():
            stage.put(push())
            await asyncio.sleep(4)
            step_clock(-86400)
            await asyncio.sleep(60)

    run_virtual(story, BEGIN)
    assert stage.told(SendAccepted) == [SendAccepted(push_key("cpu"), "sent", "cpu fires")]


@pytest.mark.parametrize("broken", ["transport", "database"])
def test_what_is_no_everyday_end_stops_the_sender(path: Path, broken: str) -> None:
    stage = Stage(path)

    async def breaking(request: Request) -> Answer | Reply:
        if broken == "transport":
            raise ZeroDivisionError
        with stage.database.transaction() as connection:
            connection.exec_driver_sql("PRAGMA query_only=1")
        return ok()

    async def story() -> None:
        async with stage.running():
            stage.put(push())
            await asyncio.sleep(1)

    stage.service = breaking
    with pytest.raises(ZeroDivisionError if broken == "transport" else DatabaseError):
        run_virtual(story, BEGIN)


def test_what_is_worth_saying_in_place_only_is_dropped_where_the_phone_has_nothing_of_it(path: Path) -> None:
    stage = Stage(path, ok(notification_id="n-1"), ok(notification_id="n-1"))

    async def story() -> None:
        async with stage.running():
            stage.put(update("past", only_in_place=True))
            await asyncio.sleep(1)
            assert stage.keys() == []
            assert stage.outbox.waiting() == 0
            stage.put(push("past"))
            await asyncio.sleep(1)
            stage.put(update("past", only_in_place=True, title="Earlier: past"))
            await asyncio.sleep(1)

    run_virtual(story, BEGIN)
    assert [request.method for _, request in stage.seen] == ["POST", "PUT"]
    assert stage.told(SendDropped) == []

"""After an outage of the service: how soon the critical is on the wire, and what the outage costs of the budget."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import pytest

from answers import Answer, no, ok
from delivery.test_sender import BEGIN, START, Harness, end, push, stream, widget
from smithd.contract.endpoint import Endpoint
from smithd.delivery.client import (
    CONNECT_TIMEOUT,
    PROBE_CONNECT_TIMEOUT,
    PROBE_TIMEOUT,
    SILENCE_TIMEOUT,
)
from smithd.delivery.reply import NotSent, Reply, Unknown
from smithd.delivery.wire import Request
from smithd.events import DeliveryBlocked, DeliveryResumed, SendAccepted, SendDelayed, SendDropped
from smithd.outbox.message import Message, Priority
from smithd.outbox.shown import ShownWidget
from virtual_time import run_virtual

AT = 100.0
"""When an outage begins."""

PROBES = 12.0
CRITICAL = push("critical", priority=Priority.CRITICAL_PUSH)
WARNINGS = [push(f"w{number}") for number in range(40)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@dataclass
class Network:
    """Between us and the service, with an outage of one kind; ``effects``: the keys of what the service has done."""

    kind: str
    seconds: float
    harness: Harness
    effects: list[tuple[float, str]] = field(default_factory=list)
    probes: list[float] = field(default_factory=list)

    async def __call__(self, request: Request) -> Answer | Reply:
        now = self.harness.clock.monotonic()
        is_down = AT <= now < AT + self.seconds
        if request.is_probe:
            self.probes.append(now)
        if not is_down or self.kind == "resets after the effect":
            self.effects.append((now, request.key.subject))
        if not is_down:
            return ok(operation="updated", notification_id="n-1")
        match self.kind:
            case "refused":
                return NotSent("connection refused")
            case "no connection":
                await asyncio.sleep(PROBE_CONNECT_TIMEOUT if request.is_probe else CONNECT_TIMEOUT)
                return NotSent("no connection within the time-out")
            case "black hole":
                # What went into it never comes out, though the outage ends meanwhile.
                await asyncio.sleep(PROBE_TIMEOUT if request.is_probe else SILENCE_TIMEOUT)
                return Unknown("no answer within the time-out")
            case "503":
                return no(503)
        return Unknown("it closed the connection without an answer")


def lived_through(path: Path, kind: str, seconds: float, waiting: list[Message], *before: Message) -> Network:
    """An outage in which these come, after the others were sent; then an hour."""
    harness = Harness(path)
    network = Network(kind, seconds, harness)
    harness.service = network

    async def scenario() -> None:
        async with harness.running():
            harness.put(*before)
            await asyncio.sleep(AT + 1)
            harness.put(*waiting)
            await asyncio.sleep(seconds + 3600)
            assert harness.outbox.waiting() == 0

    run_virtual(scenario, BEGIN)
    return network


def delay(network: Network, name: str = "push critical") -> float:
    """Seconds from the recovery to when the service has it."""
    first = min(at for at, subject in network.effects if subject == name)
    return first - (AT + network.seconds)


KINDS = ["refused", "no connection", "black hole", "503", "resets", "resets after the effect"]


@pytest.mark.parametrize("seconds", [8.0, 60.0, 300.0])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("before", [[], [widget("orders")]], ids=["pushes only", "a widget"])
def test_the_critical_is_on_the_wire_soon_after_and_nothing_but_probes_went_before(
    path: Path, kind: str, seconds: float, before: list[Message]
) -> None:
    network = lived_through(path, kind, seconds, [*WARNINGS, CRITICAL], *before)
    assert delay(network) <= (30.0 if kind == "black hole" else 15.0)
    # All of them arrive, the critical before those that waited.
    assert {subject for _, subject in network.effects} >= {f"push w{number}" for number in range(40)}
    assert max(at for at, _ in network.effects) <= AT + seconds + 90, "within the limits of a minute"

    during = [request for at, request in network.harness.seen if AT <= at < AT + seconds]
    assert sum(not request.is_probe for request in during) <= 8, "what found out that the service is out of reach"
    assert len(network.probes) <= seconds / PROBES + 4
    assert all(later - earlier >= PROBES for earlier, later in pairwise(network.probes))


@pytest.mark.parametrize("kind", KINDS)
def test_a_critical_alone_comes_soon_and_is_not_repeated_where_it_may_be_on_the_phone(path: Path, kind: str) -> None:
    network = lived_through(path, kind, 300.0, [CRITICAL])
    assert delay(network) <= (30.0 if kind == "black hole" else 15.0)
    tries = [at for at, request in network.harness.seen if request.key == CRITICAL.key]
    is_safe = kind in ("refused", "no connection", "503")
    assert len(tries) <= (30 if is_safe else 4)
    (stopped,) = network.harness.published(DeliveryBlocked)
    assert str(stopped).startswith("delivery of everything is stopped: the service cannot be reached (")
    assert network.harness.published(DeliveryResumed) == [DeliveryResumed("everything")]


@pytest.mark.parametrize("kind", ["black hole", "resets", "resets after the effect"])
@pytest.mark.parametrize("before", [[widget("orders", 7)], [stream("a"), end("a")]], ids=["a value", "an end"])
def test_what_the_phone_shows_already_is_the_probe_and_no_push_is_repeated_meanwhile(
    path: Path, kind: str, before: list[Message]
) -> None:
    network = lived_through(path, kind, 300.0, [CRITICAL], *before[:1])
    if len(before) > 1:
        network = lived_through(path.with_name("2.db"), kind, 300.0, [*before[1:], CRITICAL], *before[:1])
    assert delay(network) <= (30.0 if kind == "black hole" else 15.0)
    tries = [at for at, request in network.harness.seen if request.key == CRITICAL.key and at < AT + 300]
    assert len(tries) <= 3
    assert len(network.probes) >= 20
    assert network.harness.outbox.shown().get(widget("orders").key) in (
        None,
        ShownWidget(widget("orders").key, 7, START),
    )


def test_a_push_that_comes_during_the_outage_goes_before_those_whose_outcome_is_unknown(path: Path) -> None:
    harness = Harness(path)
    harness.service = network = Network("resets", 600.0, harness)

    async def scenario() -> None:
        async with harness.running():
            await asyncio.sleep(AT + 1)
            harness.put(push("a"), push("b"), push("c"))
            await asyncio.sleep(5)
            harness.put(CRITICAL)
            await asyncio.sleep(30)

    run_virtual(scenario, BEGIN)
    assert harness.keys().count("push critical") == 1
    assert network.probes


def test_a_black_hole_leaves_a_connection_for_criticals(path: Path) -> None:
    harness = Harness(path)
    harness.service = Network("black hole", 300.0, harness)

    async def scenario() -> None:
        async with harness.running():
            await asyncio.sleep(AT)
            harness.put(*WARNINGS)
            await asyncio.sleep(1)
            before = len(harness.seen)
            harness.put(CRITICAL)
            await asyncio.sleep(1)
            assert harness.keys()[before:] == ["push critical"]

    run_virtual(scenario, BEGIN)


def test_one_endpoint_in_trouble_is_no_outage(path: Path) -> None:
    """Pushes are cut off after their effect while widgets are taken: each push is repeated ever more rarely."""
    harness = Harness(path)

    async def service(request: Request) -> Answer | Reply:
        return Unknown("cut") if request.endpoint is Endpoint.SEND else ok()

    async def scenario() -> None:
        async with harness.running():
            harness.put(widget("orders"))
            await asyncio.sleep(1)
            harness.put(push("a"), push("b"), push("c"))
            for value in range(60):
                await asyncio.sleep(10)
                harness.put(widget("orders", value + 2))
            await asyncio.sleep(1)
            assert len(harness.keys()) - harness.keys().count("widget orders") <= 3 * 11
            assert harness.outbox.status(widget("orders").key).widget == ShownWidget(
                widget("orders").key, 61, START + 601
            )

    harness.service = service
    run_virtual(scenario, BEGIN)


def test_without_anything_that_waits_there_are_no_probes(path: Path) -> None:
    network = lived_through(path, "refused", 300.0, [], widget("orders"))
    assert len(network.harness.seen) == 1


def test_retry_after_is_obeyed_for_a_quarter_of_an_hour_and_then_one_request_probes(path: Path) -> None:
    harness = Harness(path)
    until = math.inf

    async def service(request: Request) -> Answer | Reply:
        await asyncio.sleep(1)
        late = harness.clock.monotonic() > until
        return ok(notification_id="n-1") if late else no(429, {"retry-after": "999999999"})

    async def scenario() -> None:
        nonlocal until
        async with harness.running():
            harness.put(push("a"))
            await asyncio.sleep(2)
            harness.put(push("b"), push("c"), push("d"))
            await asyncio.sleep(1000)
            assert [round(at) for at in harness.times()] == [0, 901], "one at a time"
            until = 1500.0
            await asyncio.sleep(900)
            assert [round(at) for at in harness.times()] == [0, 901, 1802, 1803, 1803, 1803]

    harness.service = service
    run_virtual(scenario, BEGIN)


@pytest.mark.parametrize("before", [[], [widget("orders")]], ids=["an end of nothing", "a value"])
def test_what_is_repeated_as_a_probe_is_not_news(path: Path, before: list[Message]) -> None:
    network = lived_through(path, "resets", 300.0, [CRITICAL], *before)
    keys = [event.key for event in network.harness.published(SendAccepted) if isinstance(event, SendAccepted)]
    assert keys == [*(message.key for message in before), CRITICAL.key]
    assert len(network.harness.published(SendDelayed)) <= 4


def test_at_most_once_is_lost_rather_than_repeated_and_says_so(path: Path) -> None:
    once = replace(push("a"), at_most_once=True)
    network = lived_through(path, "resets after the effect", 300.0, [once, push("b")])
    assert network.harness.keys().count("push a") == 1
    (dropped,) = network.harness.published(SendDropped)
    assert str(dropped).endswith("with delivery: at_most_once it is not sent again")
    # As a probe, too.
    waiting: list[Message] = [*WARNINGS[:3], replace(push("late"), at_most_once=True)]
    network = lived_through(path.with_name("2.db"), "black hole", 600.0, waiting)
    assert network.harness.keys().count("push late") == 1
    assert len(network.harness.published(SendDropped)) == 1

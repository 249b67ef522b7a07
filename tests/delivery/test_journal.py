"""What the journal of deliveries, and the event for counting, say of requests that a real engine sent."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from answers import no, ok, reply_to
from delivery.test_choice import NOW, push, widget
from engine.failing import World, play
from smithd.contract.endpoint import Endpoint
from smithd.delivery.journal import delivered, given_up
from smithd.delivery.outcome import judge
from smithd.delivery.reply import NotSent, Refusal, Rejected, Reply, Unknown
from smithd.delivery.sender import Transport
from smithd.delivery.wire import Request
from smithd.events import RequestEnded
from smithd.keys import DEFAULT_ACCOUNT
from smithd.outbox import queue
from smithd.outbox.delivered import Delivered, DeliveryOutcome
from smithd.outbox.message import Message
from smithd.outbox.queued import Queued
from smithd.outbox.settlement import DeliveryReason
from smithd.outbox.state import Outbox
from smithd.storage.database import Database

SECRET = "ask_4f9aZ81kQq"
VALUE = Request(Endpoint.METRIC, "a", {"value": 1}, widget("a").key)


def ended(reply: Reply, message: Message | None = None, request: Request = VALUE) -> Delivered | None:
    outbox, _ = queue.enqueue(Outbox(), message or widget("a"))
    (queued,) = outbox.waiting.values()
    _, _, claim = queue.claim(queue.fill_lanes(outbox, NOW), queued, request.family, NOW)
    return delivered(claim, request, judge(request, reply, 0, NOW, 0.5), NOW, 0.25)


@pytest.mark.parametrize(
    ("reply", "outcome", "operation", "status", "detail", "final"),
    [
        (reply_to(VALUE, ok()), "accepted", "set", None, "", True),
        (reply_to(VALUE, no(400)), "rejected", "", 400, "no", True),
        (reply_to(VALUE, no(404)), "rejected", "", 404, "does not exist", False),
        (reply_to(VALUE, no(429)), "rate_limited", "", 429, "too many requests", False),
        (reply_to(VALUE, no(500)), "unknown", "", 500, "no", False),
        (Unknown("cut off"), "unknown", "", None, "cut off", False),
        (NotSent("connection refused"), "not_sent", "", None, "connection refused", False),
    ],
)
def test_each_reply_has_its_entry(
    reply: Reply, outcome: str, operation: str, status: int | None, detail: str, *, final: bool
) -> None:
    entry = ended(reply)
    assert entry is not None
    assert (entry.key, entry.endpoint, entry.outcome) == ("widget a", "metric-value", outcome)
    assert (entry.operation, entry.status, entry.is_final) == (operation, status, final)
    assert (entry.at, entry.seconds) == (NOW, 0.25)
    assert detail in entry.detail


def test_a_try_that_only_finds_out_whether_the_service_answers_has_none() -> None:
    probe = Request(Endpoint.METRIC, "a", {"value": 1}, widget("a").key, is_probe=True)
    assert ended(NotSent("refused"), request=probe) is None
    assert ended(reply_to(probe, ok()), request=probe) is not None


def test_what_was_given_up_has_an_entry_without_a_request() -> None:
    entry = given_up(Queued(1, push("a")), DeliveryOutcome.EXPIRED, DeliveryReason.NO_ANSWER, "HTTP 503", NOW)
    assert (entry.outcome, entry.endpoint, entry.seconds, entry.detail) == ("expired", "", None, "HTTP 503")
    assert entry.key.startswith("push a@")


def test_a_request_is_journaled_and_counted_with_its_seconds(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.answer_takes = 2.5
        await world.poll(errors=9)
        await world.clock.sleep(5)

    world = play(tmp_path, scenario)
    ends = [event for event in world.events if isinstance(event, RequestEnded)]
    assert ends == [RequestEnded(DEFAULT_ACCOUNT, "notifications", "accepted", 2.5)]
    with closing(Database.open(tmp_path / "state.db")) as database, database.read_only() as connection:
        rows = connection.exec_driver_sql("SELECT account, endpoint, operation, seconds FROM deliveries").all()
    assert [tuple(row) for row in rows] == [("default", "push-notification-send", "sent", 2.5)]


def test_a_secret_that_the_service_repeats_is_not_written(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.config.redactor.add(SECRET)
        world.running.senders[DEFAULT_ACCOUNT].transport = refusing(f"{SECRET} may not do this")
        await world.poll(errors=9)
        await world.clock.sleep(1)

    play(tmp_path, scenario)
    with closing(Database.open(tmp_path / "state.db")) as database, database.read_only() as connection:
        details = connection.exec_driver_sql("SELECT detail FROM deliveries").scalars().all()
    assert details
    assert all("[secret] may not do this" in detail for detail in details)


def refusing(said: str) -> Transport:
    async def refuse(_: Request) -> Rejected:
        return Rejected(Refusal.FORBIDDEN, 403, said)

    return refuse

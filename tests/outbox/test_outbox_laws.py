"""Whatever happens in whatever order: no push is lost, none that was accepted goes out again, levels end up right."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import Connection, select

from campaign import rounds
from outbox.stored import StoredOutbox
from smithd.keys import DEFAULT_ACCOUNT, Key, PushKey, StreamKey, WidgetKey
from smithd.outbox import rows
from smithd.outbox.message import (
    ActivityContent,
    ActivityEnd,
    ActivityState,
    BadgeCount,
    Message,
    Priority,
    Push,
    PushContent,
    PushUpdate,
    WidgetValue,
)
from smithd.outbox.queued import Claim
from smithd.outbox.settlement import Accept, DeliveryReason, Retry, Settlement, Wait
from smithd.outbox.shown import KeyStatus, Shown, ShownActivity, ShownBadge, ShownPush, ShownWidget
from smithd.storage import metadata
from smithd.storage.database import Database

START = 1_700_000_000.0
STREAM, WIDGET = StreamKey(DEFAULT_ACCOUNT, "prod"), WidgetKey(DEFAULT_ACCOUNT, "shop.orders")
PUSHES = [PushKey(DEFAULT_ACCOUNT, "cpu", opened, 1) for opened in (1.0, 2.0)]
KEYS: list[Key] = [STREAM, WIDGET, *PUSHES]

values = st.integers(0, 1)


def said(given: Message | Shown) -> object:
    """What a message, or what is shown, says; None: nothing, or nobody knows."""
    match given:
        case WidgetValue() | ShownWidget():
            return given.value
        case ActivityState():
            return given.content.content_state["value"]
        case ActivityEnd():
            return None
        case ShownActivity():
            return given.content.content_state.get("value") if given.content is not None else None
        case BadgeCount() | ShownBadge():
            return given.count
        case Push() | PushUpdate() | ShownPush():
            return given.content.title


def tables(connection: Connection) -> list[list[Any]]:
    """Everything in the outbox's tables."""
    found = [metadata.tables[name] for name in ("outbox", "shown", "sent", "accounts")]
    return [sorted(map(repr, connection.execute(select(table)).all())) for table in found]


class Phone:
    """What really arrived: what each level shows (None: nothing), and the pushes in order."""

    def __init__(self) -> None:
        self.levels: dict[Key, object] = {}
        self.pushes: list[object] = []

    def take(self, message: Message) -> None:
        if isinstance(message, Push | PushUpdate):
            self.pushes.append(message.content.title)
        else:
            self.levels[message.key] = said(message)


class OutboxMachine(RuleBasedStateMachine):
    """Puts, claims, settles, refused transactions and crashes, against what the phone should show in the end."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
        self.phone = Phone()
        self.claims: list[Claim] = []
        self.wanted: dict[Key, object] = {}
        self.pushed: dict[Key, str] = {}
        self.settled: set[object] = set()
        self.count = 0
        self.now = START

    @initialize()
    def start(self) -> None:
        self.database = Database.open(Path(self.folder.name) / "state.db")
        self.outbox = StoredOutbox(self.database)

        if not hasattr(self, "copy"):
            self.copy = Database.in_memory()

    def teardown(self) -> None:
        if not hasattr(self, "outbox"):
            return
        while self.claims:
            self.settle_one(0, "lost")
        self.now += 7200
        while ready := next(self.outbox.ready(self.now), None):
            self.claims.append(self.outbox.claim(ready, "family", self.now))
            self.settle_one(0, "taken")
        assert self.outbox.waiting() == 0
        for key, value in self.wanted.items():
            assert self.phone.levels.get(key) == value, f"{key} ended up wrong"
        for key, title in self.pushed.items():
            assert title in self.phone.pushes, f"the last push of {key} was lost"
        self.copy.close()
        self.database.close()
        self.folder.cleanup()

    def put(self, message: Message) -> None:
        said = self.outbox.changes(message)
        with self.database.transaction() as connection:
            before = connection.exec_driver_sql("SELECT total_changes()").scalar_one()
            self.outbox.put(connection, message)
            after = connection.exec_driver_sql("SELECT total_changes()").scalar_one()
        assert said == (after != before), "changes() said otherwise"

    @rule(value=values)
    def put_widget(self, value: int) -> None:
        self.wanted[WIDGET] = value
        self.put(WidgetValue(WIDGET, value, Priority.ROUTINE, self.now))

    @rule(value=values)
    def put_state(self, value: int) -> None:
        self.wanted[STREAM] = value
        self.put(ActivityState(STREAM, ActivityContent({"value": value}), Priority.ROUTINE, self.now))

    @rule()
    def put_end(self) -> None:
        self.wanted[STREAM] = None
        self.put(ActivityEnd(STREAM, ActivityContent({}), self.now))

    @rule(key=st.sampled_from(PUSHES), in_place=st.booleans())
    def put_push(self, key: PushKey, in_place: bool) -> None:
        self.count += 1
        self.pushed[key] = f"push {self.count}"
        kind = PushUpdate if in_place else Push
        self.put(kind(key, PushContent(self.pushed[key]), Priority.PUSH, self.now))

    @rule(number=st.integers(0, 3))
    def put_in_vain(self, number: int) -> None:
        """A transaction that does not come to be leaves everything as it was."""
        messages: list[Message] = [
            WidgetValue(WIDGET, 99, Priority.ROUTINE, self.now),
            ActivityEnd(STREAM, ActivityContent({}), self.now),
            *(Push(key, PushContent("never"), Priority.PUSH, self.now) for key in PUSHES),
        ]
        message = messages[number]
        before = self.outbox.status(message.key)
        try:
            with self.database.transaction() as connection:
                self.outbox.put(connection, message)
                raise ZeroDivisionError
        except ZeroDivisionError:
            assert self.outbox.status(message.key) == before

    @precondition(lambda self: any(self.outbox.ready(self.now)))
    @rule(data=st.data())
    def claim(self, data: st.DataObject) -> None:
        ready = list(self.outbox.ready(self.now))
        queued = data.draw(st.sampled_from(ready))
        message = queued.message
        shown = self.outbox.status(message.key).shown
        if isinstance(message, Push | PushUpdate):
            assert message.content.title not in self.settled, "an accepted push goes out again"
        elif shown is not None and not (isinstance(shown, ShownActivity) and shown.ended):
            assert isinstance(message, ActivityEnd) or said(shown) != said(message), "the phone shows this already"
        self.claims.append(self.outbox.claim(queued, "family", self.now))

    @precondition(lambda self: bool(self.claims))
    @rule(index=st.integers(0, 3), end=st.sampled_from(["taken", "refused", "lost", "lost but taken", "forgotten"]))
    def settle(self, index: int, end: str) -> None:
        self.settle_one(index % len(self.claims), end)

    def settle_one(self, index: int, end: str) -> None:
        claim = self.claims.pop(index)
        message = claim.queued.message
        if end in ("taken", "lost but taken"):
            self.phone.take(message)
        if end == "taken" and isinstance(message, Push | PushUpdate):
            self.settled.add(message.content.title)
        settlements: dict[str, Settlement] = {
            "taken": Accept("id", ended=isinstance(message, ActivityEnd)),
            "refused": Retry(self.now + 5, DeliveryReason.NO_ANSWER, "refused"),
            "lost": Retry(self.now + 5, DeliveryReason.NO_ANSWER, "lost", sent=True, wait=Wait.ANSWER),
            "lost but taken": Retry(self.now + 5, DeliveryReason.NO_ANSWER, "lost", sent=True),
            "forgotten": Retry(self.now, DeliveryReason.NO_ANSWER, "conflict", forget_id=True),
        }
        self.outbox.settle(claim, settlements[end], self.now)

    @rule(taken=st.booleans())
    def crash(self, taken: bool) -> None:
        """The process dies: what was on its way may have arrived, but nobody knows."""
        for claim in self.claims if taken else ():
            self.phone.take(claim.queued.message)
        self.claims.clear()
        self.database.close()
        self.start()

    @rule(seconds=st.sampled_from([1.0, 10.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def release(self) -> None:
        self.outbox.release(Wait.ANSWER)

    @invariant()
    def one_request_for_a_key(self) -> None:
        keys = [claim.queued.message.key for claim in self.claims]
        assert len(keys) == len(set(keys))
        assert not set(keys) & {queued.message.key for queued in self.outbox.ready(self.now)}

    @invariant()
    def the_state_is_what_all_of_memory_would_be_written_as(self) -> None:
        if not hasattr(self, "copy"):
            return
        with self.copy.transaction() as connection:
            rows.write_all(connection, self.outbox.value)
            expected = tables(connection)
        with self.database.transaction() as connection:
            assert tables(connection) == expected

    @invariant()
    def what_may_go_is_in_order_and_nothing_else_is(self) -> None:
        value = self.outbox.value
        idle = {key for key in value.waiting if key not in value.claimed}
        placed = [key for _, _, key in value.later] + [key for lane in value.lanes.values() for _, key in lane]
        assert sorted(map(str, placed)) == sorted(map(str, idle))

    @invariant()
    def a_push_is_kept_until_it_is_taken(self) -> None:
        for key, title in self.pushed.items():
            status: KeyStatus = self.outbox.status(key)
            kept = status.queued is not None and said(status.queued) == title
            in_flight = status.claimed is not None and said(status.claimed) == title
            assert kept or in_flight or title in self.settled


OutboxMachine.TestCase.settings = settings(
    max_examples=rounds(50, 3000), stateful_step_count=40, suppress_health_check=list(HealthCheck)
)
TestOutbox = pytest.mark.campaign(OutboxMachine.TestCase)

"""Whatever happens in whatever order: no push is lost, none that was accepted goes out again, levels end up right."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from campaign import rounds
from smithd.outbox.message import Again, Delivered, Kind, Message, Priority, Settlement, Standing, Wait
from smithd.outbox.queue import Claim, Outbox
from smithd.storage.database import Database

START = 1_700_000_000.0
STREAM, WIDGET, PUSHES = "stream:prod", "metric:shop.orders", ["push:cpu@1", "push:cpu@2"]

values = st.integers(0, 1)


class Phone:
    """What really arrived: what each level shows (None: nothing), and the pushes in order."""

    def __init__(self) -> None:
        self.levels: dict[str, object] = {}
        self.pushes: list[object] = []

    def take(self, message: Message) -> None:
        if message.kind is Kind.PUSH:
            self.pushes.append(message.content["title"])
        else:
            self.levels[message.key] = None if message.kind is Kind.END else message.content["value"]


class OutboxMachine(RuleBasedStateMachine):
    """Puts, claims, settles, refused transactions and crashes, against what the phone should show in the end."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
        self.phone = Phone()
        self.claims: list[Claim] = []
        self.wanted: dict[str, object] = {}
        self.told: dict[str, str] = {}
        self.settled: set[object] = set()
        self.count = 0
        self.now = START

    @initialize()
    def start(self) -> None:
        self.database = Database.open(Path(self.folder.name) / "state.db")
        self.outbox = Outbox(self.database)

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
        for key, title in self.told.items():
            assert title in self.phone.pushes, f"the last push of {key} was lost"
        self.database.close()
        self.folder.cleanup()

    def put(self, message: Message) -> None:
        said = self.outbox.changes(message)
        with self.database.transaction() as connection:
            before = connection.exec_driver_sql("SELECT total_changes()").scalar_one()
            self.outbox.put(connection, message)
            after = connection.exec_driver_sql("SELECT total_changes()").scalar_one()
        assert said == (after != before), "changes() said otherwise"

    def message(self, key: str, kind: Kind, content: dict[str, object]) -> Message:
        priority = {Kind.PUSH: Priority.PUSH, Kind.END: Priority.END}.get(kind, Priority.ROUTINE)
        return Message(key, kind, content, priority, self.now)

    @rule(key=st.sampled_from([STREAM, WIDGET]), value=values)
    def put_level(self, key: str, value: int) -> None:
        self.wanted[key] = value
        self.put(self.message(key, Kind.STREAM if key == STREAM else Kind.METRIC, {"value": value}))

    @rule()
    def put_end(self) -> None:
        self.wanted[STREAM] = None
        self.put(self.message(STREAM, Kind.END, {}))

    @rule(key=st.sampled_from(PUSHES), in_place=st.booleans())
    def put_push(self, key: str, in_place: bool) -> None:
        self.count += 1
        self.told[key] = f"push {self.count}"
        self.put(self.message(key, Kind.PUSH, {"title": self.told[key], "in_place": in_place}))

    @rule(key=st.sampled_from([STREAM, WIDGET, *PUSHES]))
    def put_in_vain(self, key: str) -> None:
        """A transaction that does not come to be leaves everything as it was."""
        kind = Kind.PUSH if key in PUSHES else Kind.METRIC if key == WIDGET else Kind.END
        before = self.outbox.standing(key)
        try:
            with self.database.transaction() as connection:
                self.outbox.put(connection, self.message(key, kind, {"value": 99, "title": "never"}))
                raise ZeroDivisionError
        except ZeroDivisionError:
            assert self.outbox.standing(key) == before

    @precondition(lambda self: any(self.outbox.ready(self.now)))
    @rule(data=st.data())
    def claim(self, data: st.DataObject) -> None:
        ready = list(self.outbox.ready(self.now))
        queued = data.draw(st.sampled_from(ready))
        assert queued.message.content.get("title") not in self.settled, "an accepted push goes out again"
        shown = self.outbox.standing(queued.message.key).shown
        if shown is not None and queued.message.is_level:
            assert shown.ended or shown.content != queued.message.content, "the phone shows this already"
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
        if end == "taken" and message.kind is Kind.PUSH:
            self.settled.add(message.content["title"])
        settlements: dict[str, Settlement] = {
            "taken": Delivered("id", ended=message.kind is Kind.END),
            "refused": Again(self.now + 5, "refused"),
            "lost": Again(self.now + 5, "lost", sent=True, wait=Wait.ANSWER),
            "lost but taken": Again(self.now + 5, "lost", sent=True),
            "forgotten": Again(self.now, "conflict", forget=True),
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
    def memory_is_what_the_disk_says(self) -> None:
        with self.database.transaction() as connection:
            found = connection.exec_driver_sql("SELECT key, claimed FROM outbox").all()
            shown: dict[str, str | None] = dict(connection.exec_driver_sql("SELECT key, content FROM shown").all())
        waiting = {row.key for row in found if not row.claimed}
        assert {row.key for row in found if row.claimed} == {claim.queued.message.key for claim in self.claims}
        for key in [STREAM, WIDGET, *PUSHES]:
            standing = self.outbox.standing(key)
            assert (standing.queued is not None) == (key in waiting)
            if not standing.in_flight:
                assert (standing.shown is not None) == (key in shown)
                assert standing.shown is None or standing.shown.content == json.loads(shown[key] or "null")

    @invariant()
    def a_push_is_kept_until_it_is_taken(self) -> None:
        for key, title in self.told.items():
            standing: Standing = self.outbox.standing(key)
            kept = standing.queued is not None and standing.queued.content["title"] == title
            going = any(claim.queued.message.content.get("title") == title for claim in self.claims)
            assert kept or going or title in self.settled


OutboxMachine.TestCase.settings = settings(
    max_examples=rounds(50, 3000), stateful_step_count=40, suppress_health_check=list(HealthCheck)
)
TestOutbox = pytest.mark.campaign(OutboxMachine.TestCase)

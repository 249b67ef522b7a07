"""An engine on a real state file, driven by hand: polls come in, time passes, messages are accepted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any, cast

from smithd import journal
from smithd.alerts.alert import Alert
from smithd.config.load import load as load_config
from smithd.config.model import Config
from smithd.delivery.reply import NotSent
from smithd.engine.engine import Engine
from smithd.engine.entries import (
    AddSilence,
    ClockSet,
    Entry,
    ExpireSilence,
    Reconfigure,
    SettleClaim,
    Tick,
    WriteAll,
)
from smithd.engine.step import Changes
from smithd.events import AlertChanged, Event, SurfaceNotRenderable
from smithd.keys import DEFAULT_ACCOUNT, Key, StreamKey
from smithd.notify.reason import Reason
from smithd.notify.silence import Silence
from smithd.outbox import queue
from smithd.outbox import rows as outbox_rows
from smithd.outbox.message import ActivityEnd, Message, Push, PushUpdate
from smithd.outbox.queued import Claim, Queued
from smithd.outbox.settlement import Accept, Settlement
from smithd.outbox.shown import KeyStatus, Shown, TimerWindow
from smithd.outbox.state import Outbox, OutboxChanges
from smithd.plugin.sample import Sample, Series
from smithd.poll.intake import Poll
from smithd.setup import set_up
from smithd.startup import load
from smithd.storage.database import Database

HEAD = """
activitysmith: {api_key: ask_test}
state: sqlite:///state.db
timezone: UTC
plugins: [shop.py]
sources:
  shop: {type: shop, every: 60s}
  depot: {type: shop, every: 60s}
"""
PLUGIN = """
from smithd.plugin import Options, Source

class Nothing(Options):
    pass

class Shop(Source[Nothing]):
    Options = Nothing

    @classmethod
    def metrics(cls, options):
        return ["errors", "orders", "stock"]

    async def poll(self):
        return []
"""


class DrivenEngine:
    """An engine whose steps are computed, committed and applied one entry at a time, at once."""

    def __init__(self, config: Config, database: Database, events: list[Event], now: float) -> None:
        self.database = database
        self.events = events
        setup = set_up(config, now)
        with database.resuming() as connection:
            left = load(connection, setup, database.from_another, now)
        self.engine = Engine(setup, left, now)
        self.finish(self.engine.started)

    def step(self, *entries: Entry) -> Changes:
        """One step, of these entries."""
        return self.finish(self.engine.compute(entries, 0.0))

    def finish(self, changes: Changes) -> Changes:
        """Commit and apply."""
        if changes.stored:
            with self.database.transaction() as connection:
                self.engine.write(connection, changes)
        self.engine.apply(changes)
        self.events += changes.events
        return changes

    def ask(self, command: Entry) -> Any:
        """The answer to a command; raises what it is refused with."""
        (answer,) = self.step(command).answers
        if isinstance(answer, Exception):
            raise answer
        return answer

    def ingest(self, poll: Poll) -> None:
        self.step(poll)

    def tick(self, now: float) -> None:
        self.step(Tick(now))

    def replan(self, now: float, seconds: float = 0.0) -> None:
        """The clock was set."""
        self.step(ClockSet(now, seconds))

    def close(self, now: float) -> None:
        """Write what is not on disk yet."""
        self.step(WriteAll(now))

    def reconfigure(self, config: Config, staying: set[str], now: float) -> None:
        self.ask(Reconfigure(now, set_up(config, now), staying))

    def wake_at(self) -> float | None:
        return self.engine.wake_at()

    @property
    def alerts(self) -> list[Alert]:
        return self.engine.alerts

    def silences(self, now: float) -> list[Silence]:
        return self.engine.state.silences.active(now)

    def add_silence(self, matchers: str, seconds: float, comment: str, author: str, now: float) -> Silence:
        silence: Silence = self.ask(AddSilence(now, matchers, seconds, comment, author))
        return silence

    def expire_silence(self, id_: int, now: float) -> None:
        self.ask(ExpireSilence(now, id_))

    def entries(self, rule: str) -> list[journal.Entry]:
        with self.database.transaction() as connection:
            return journal.read(connection, rule)


class DrivenOutbox:
    """The outbox of a driven engine: claims and settlements without a sender, written and applied at once."""

    def __init__(self, driven: DrivenEngine) -> None:
        self._driven = driven

    @property
    def value(self) -> Outbox:
        return self._driven.engine.state.outbox

    def status(self, key: Key) -> KeyStatus:
        return self.value.status(key)

    def shown(self) -> Mapping[Key, Shown]:
        return dict(sorted(self.value.shown.items(), key=lambda item: item[1].at))

    def waiting(self) -> int:
        return self.value.count()

    def messages(self) -> list[Message]:
        return self.value.messages()

    def streams_on_phone(self) -> set[StreamKey]:
        return self.value.streams_on_phone(DEFAULT_ACCOUNT)

    def ready(self, now: float) -> Iterator[Queued]:
        """What may be sent now, in the order of sending."""
        filled = queue.fill_lanes(self.value, now)
        ready = (queued for lane in filled.lanes.values() for _, key in lane for queued in [filled.waiting[key]])
        return iter(sorted(ready, key=lambda queued: (queued.message.priority, queued.id)))

    def claim(self, queued: Queued, family: str, now: float, window: TimerWindow | None = None) -> Claim:
        after, changes, claim = queue.claim(self.value, queued, family, now, window)
        self._put(after, changes)
        return claim

    def settle(self, claim: Claim, settlement: Settlement, now: float) -> None:
        delivery: Any = _Scripted(settlement)
        # A probe that failed: the journal of deliveries has no entry of it.
        flight: Any = (claim, SimpleNamespace(is_probe=True))
        self._driven.ask(SettleClaim(now, delivery, flight, cast("Any", None), 0.5, None))

    def drop(self, queued: Queued) -> None:
        self._put(*queue.drop(self.value, queued))

    def put(self, message: Message) -> None:
        self._put(*queue.enqueue(self.value, message))

    def _put(self, after: Outbox, changes: OutboxChanges) -> None:
        with self._driven.database.transaction() as connection:
            outbox_rows.write(connection, changes)
        self._driven.engine.state = self._driven.engine.state._replace(outbox=after)


@dataclass(frozen=True)
class _Scripted:
    """In place of an account's delivery: the test says how a request ended."""

    settlement: Settlement
    account: str = DEFAULT_ACCOUNT
    blocks: None = None
    is_verdict: bool = False
    reply: NotSent = field(default_factory=lambda: NotSent(""))

    def judge(self, *_: Any) -> _Scripted:
        return self

    def is_outdated(self, _: Claim) -> bool:
        return False

    def reaches(self, _: Any) -> bool:
        return False


class Harness:
    """One engine in one life; ``with`` ends it, and another harness on the same folder is the next life."""

    def __init__(self, folder: Path, config: str, now: float, head: str = "") -> None:
        (folder / "shop.py").write_text(PLUGIN)
        (folder / "smithd.yaml").write_text((head or HEAD) + config)
        loaded = load_config(folder / "smithd.yaml", secrets_required=True)
        self.now = now
        self.events: list[Event] = []
        self._database = Database.open(loaded.state)
        self.engine = DrivenEngine(loaded, self._database, self.events, now)
        self.outbox = DrivenOutbox(self.engine)
        self.engine.tick(now)

    def __enter__(self) -> Harness:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def poll(self, at: float, source: str = "shop", /, **values: float | dict[str, float]) -> None:
        """A poll at ``at``; a mapping is one series for each value of the label ``house``."""
        self.now = at
        self.engine.ingest(poll_of(at, source, **values))

    def poll_a_part(self, at: float, source: str = "shop", /, **values: float | dict[str, float]) -> None:
        """A poll at ``at`` that lacks series which are still there."""
        self.now = at
        self.engine.ingest(replace(poll_of(at, source, **values), is_partial=True))

    def fail(self, at: float, source: str = "shop") -> None:
        """A poll at ``at`` that fails."""
        self.now = at
        self.engine.ingest(Poll(source, at, 160.0, failure="no answer"))

    def pass_time(self, until: float) -> None:
        """Tick whenever the engine asked for it, up to ``until``."""
        at_once = 0
        while (wake := self.engine.wake_at()) is not None and wake <= until:
            at_once = at_once + 1 if wake <= self.now else 0
            assert at_once < 500, "time stands still"
            self.now = max(self.now, wake)
            self.engine.tick(self.now)
        self.now = until

    def take(self) -> list[Any]:
        """Have everything that is due accepted; returns it, in the order of sending."""
        return list(self._take())

    def _take(self) -> Iterator[Any]:
        while (queued := next(self.outbox.ready(self.now), None)) is not None:
            claim = self.outbox.claim(queued, "any", self.now)
            message = queued.message
            named = f"n-{claim.sent}" if isinstance(message, Push | PushUpdate) else None
            self.outbox.settle(claim, Accept(named, ended=isinstance(message, ActivityEnd)), self.now)
            yield message

    def changes(self) -> list[tuple[str, str]]:
        """The alerts' changes so far, in words."""
        return [(event.rule + event.labels, event.change) for event in self.events if isinstance(event, AlertChanged)]

    def reasons(self, rule: str | None = None) -> list[str]:
        """The reasons in the journal, the intermediate changes apart."""
        with self._database.transaction() as connection:
            found = connection.exec_driver_sql("SELECT rule, reason FROM journal ORDER BY id").all()
        return [row.reason for row in found if rule in (None, row.rule) and row.reason != Reason.INTERMEDIATE]

    def severity_changes(self) -> list[tuple[str, str]]:
        """The changes of severity so far, in words."""
        return [(event.rule + event.labels, event.change) for event in self.events if type(event) is AlertChanged]

    def sentences(self) -> list[str]:
        """Why severities changed so far, in sentences."""
        return [event.why for event in self.events if type(event) is AlertChanged]

    def not_renderable(self) -> list[str]:
        return [str(event.surface) for event in self.events if isinstance(event, SurfaceNotRenderable)]


def poll_of(at: float, source: str = "shop", /, **values: float | dict[str, float]) -> Poll:
    """A poll at ``at``; a mapping is one series for each value of the label ``house``."""
    samples = []
    for metric, given in values.items():
        series = given if isinstance(given, dict) else {"": given}
        for house, value in series.items():
            labels = (("house", house),) if house else ()
            samples.append(Sample(Series(f"{source}.{metric}", labels), float(value), at))
    return Poll(source, at, 160.0, tuple(samples))


@contextmanager
def commits(harness: Harness) -> Iterator[list[object]]:
    """Collects the transactions that are opened meanwhile."""
    opened: list[object] = []
    original = harness._database.transaction

    def counted() -> object:
        opened.append(None)
        return original()

    harness._database.transaction = counted  # type: ignore[method-assign, assignment] # watching the one seam to the disk
    try:
        yield opened
    finally:
        harness._database.transaction = original  # type: ignore[method-assign]

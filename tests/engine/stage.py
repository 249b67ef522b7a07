"""An engine on a real state file, driven by hand: polls come in, time passes, messages are taken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from smithd.config.load import load
from smithd.engine import Engine
from smithd.events import AlertMoved, Event, Events, SurfaceHeld
from smithd.notify.reason import Reason
from smithd.outbox.message import ActivityEnd, Push, PushUpdate
from smithd.outbox.settlement import Accept
from smithd.outbox.stored import StoredOutbox
from smithd.plugin.sample import Sample, Series
from smithd.poll.intake import Poll
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


class Stage:
    """One engine in one life; ``with`` ends it, and another stage on the same folder is the next life."""

    def __init__(self, folder: Path, config: str, now: float) -> None:
        (folder / "shop.py").write_text(PLUGIN)
        (folder / "smithd.yaml").write_text(HEAD + config)
        loaded = load(folder / "smithd.yaml", secrets_required=True)
        self.now = now
        self.facts: list[Event] = []
        self._database = Database.open(loaded.state)
        self.outbox = StoredOutbox(self._database)
        self.engine = Engine(loaded, self._database, self.outbox, Events([self.facts.append]), now)
        self.engine.tick(now)

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def poll(self, at: float, source: str = "shop", /, **values: float | dict[str, float]) -> None:
        """A poll at ``at``; a mapping is one series for each value of the label ``house``."""
        self.now = at
        samples = []
        for metric, given in values.items():
            series = given if isinstance(given, dict) else {"": given}
            for house, value in series.items():
                labels = (("house", house),) if house else ()
                samples.append(Sample(Series(f"{source}.{metric}", labels), float(value), at))
        self.engine.ingest(Poll(source, at, 160.0, tuple(samples)))

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

    def told(self) -> list[tuple[str, str]]:
        """The alerts' changes so far, in words."""
        return [(event.rule + event.labels, event.change) for event in self.facts if isinstance(event, AlertMoved)]

    def reasons(self, rule: str | None = None) -> list[str]:
        """The reasons in the journal, the steps on an alert's way apart."""
        with self._database.transaction() as connection:
            found = connection.exec_driver_sql("SELECT rule, reason FROM journal ORDER BY id").all()
        return [row.reason for row in found if rule in (None, row.rule) and row.reason != Reason.INTERMEDIATE]

    def loud(self) -> list[tuple[str, str]]:
        """The changes of severity so far, in words."""
        return [(event.rule + event.labels, event.change) for event in self.facts if type(event) is AlertMoved]

    def whys(self) -> list[str]:
        """Why severities changed so far, in sentences."""
        return [event.why for event in self.facts if type(event) is AlertMoved]

    def held(self) -> list[str]:
        return [str(event.surface) for event in self.facts if isinstance(event, SurfaceHeld)]


@contextmanager
def commits(stage: Stage) -> Iterator[list[object]]:
    """Collects the transactions that are opened meanwhile."""
    opened: list[object] = []
    original = stage._database.transaction

    def counted() -> object:
        opened.append(None)
        return original()

    stage._database.transaction = counted  # type: ignore[method-assign, assignment] # watching the one seam to the disk
    try:
        yield opened
    finally:
        stage._database.transaction = original  # type: ignore[method-assign]

"""An engine that runs in virtual time, on a disk and beside a service that fail as a test says."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import closing, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from engine.harness import HEAD, PLUGIN, poll_of
from smithd.clock import VirtualClock
from smithd.config.load import load
from smithd.config.model import Config
from smithd.delivery.reply import Accepted
from smithd.delivery.wire import Request
from smithd.engine.running import RunningEngine
from smithd.engine.writer import LONGEST_NAP
from smithd.errors import DatabaseError
from smithd.events import Event, Events
from smithd.keys import DEFAULT_ACCOUNT
from smithd.setup import set_up
from smithd.storage.committer import InlineCommitter, Write
from smithd.storage.database import Database
from smithd.storage.marker import Marker

START = 1_763_906_400.0
RULES = "rules: {errors: {metric: shop.errors, critical: '> 5', push: true}}\n"

T = TypeVar("T")


class FailingCommitter:
    """Commits inline; ``fault`` may raise, or take its time, before that."""

    def __init__(self, database: Database, fault: Callable[[], Awaitable[None]]) -> None:
        self._inline = InlineCommitter(database)
        self._fault = fault
        self.commits = 0

    async def commit(self, write: Write) -> None:
        await self._fault()
        await self._inline.commit(write)
        self.commits += 1

    def run(self, compute: Callable[[], T]) -> Awaitable[T]:
        return self._inline.run(compute)

    async def close(self, _: float) -> bool:
        return True


class World:
    """A running engine in virtual time, on a disk that fails as the test says."""

    def __init__(
        self,
        folder: Path,
        clock: VirtualClock,
        rules: str = RULES,
        marker: Marker | None = None,
        longest_nap: float = LONGEST_NAP,
    ) -> None:
        self.clock = clock
        self.marker = marker
        self.config = configuration(folder, rules)
        self.database = Database.open(self.config.state)
        self.events: list[Event] = []
        self.sent: list[tuple[float, str]] = []
        self.error: DatabaseError | None = None
        self.commit_takes = 0.0
        self.answer_takes = 0.0
        self.committer = FailingCommitter(self.database, self._fault)
        self.running = RunningEngine(
            self.config,
            Events([self.events.append]),
            clock,
            self.database,
            {DEFAULT_ACCOUNT: self._send},
            lambda _: self.committer,
            marker,
            chance=lambda: 0.5,
            longest_nap=longest_nap,
        )

    async def _fault(self) -> None:
        await self.clock.sleep(self.commit_takes)
        if self.error is not None:
            raise self.error

    async def _send(self, request: Request) -> Accepted:
        self.sent.append((self.clock.now(), request.body.get("title", "")))
        await self.clock.sleep(self.answer_takes)
        return Accepted("sent", notification_id=f"n-{len(self.sent)}")

    async def poll(self, **values: float) -> None:
        """An answer of the shop now, and time for what follows from it."""
        self.running.writer.put(poll_of(self.clock.now(), **values))
        await self.clock.sleep(0.05)

    async def reload(self, folder: Path, rules: str) -> None:
        """Go on with other rules."""
        self.config = configuration(folder, rules)
        setup = set_up(self.config, self.clock.now())
        await self.running.reconfigure(setup, set(self.config.sources), {DEFAULT_ACCOUNT: self._send})

    def changes(self, kind: type[Event]) -> int:
        return sum(isinstance(event, kind) for event in self.events)


def configuration(folder: Path, rules: str) -> Config:
    return replace(_read(rules), state=folder / "state.db")


@cache
def _read(rules: str) -> Config:
    """The configuration with these rules; reading it takes longer than most that is done with it."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "shop.py").write_text(PLUGIN)
        (Path(folder) / "smithd.yaml").write_text(HEAD + rules)
        return load(Path(folder) / "smithd.yaml", secrets_required=True)


Scenario = Callable[[World], Coroutine[Any, Any, None]]


def play(
    folder: Path, scenario: Scenario, rules: str = RULES, start: float = START, marker: Marker | None = None
) -> World:
    """Run a scenario beside a running engine; its end writes what is not on disk yet."""
    clock = VirtualClock(start)
    world: list[World] = []

    async def main() -> None:
        world.append(World(folder, clock, rules, marker))
        async with world[0].running as running:
            sending = asyncio.create_task(running.send())
            try:
                await scenario(world[0])
            finally:
                sending.cancel()
                with suppress(asyncio.CancelledError):
                    await sending

    try:
        clock.run(main)
    finally:
        world[0].database.close()
    return world[0]


def stored(folder: Path, query: str = "SELECT count(*) FROM alerts") -> int:
    with closing(Database.open(folder / "state.db")) as database, database.read_only() as connection:
        return int(connection.exec_driver_sql(query).scalar() or 0)


WAITING = "SELECT count(*) FROM outbox"
ACCEPTED = "SELECT count(*) FROM shown WHERE surface = 'push'"

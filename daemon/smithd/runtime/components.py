"""Everything a daemon consists of, wired; and the way over to another configuration."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from contextlib import AsyncExitStack
from types import TracebackType
from typing import NamedTuple

from smithd.clock import Clock
from smithd.config.model import Config
from smithd.delivery.client import Client
from smithd.delivery.delivery import fingerprint
from smithd.delivery.inline import InlineSender
from smithd.engine import Engine
from smithd.events import Events
from smithd.http import Http
from smithd.outbox.stored import StoredOutbox
from smithd.plugin.source import Context
from smithd.poll.intake import Poll
from smithd.poll.poller import Poller
from smithd.poll.registry import SourceSpec
from smithd.storage.database import Database

KEEP_ALIVE = 2.0
"""Seconds that an idle connection to the service is kept: common servers close theirs after 5 at the soonest."""


class Change(NamedTuple):
    """What another configuration changed, by the names of sources; one that was changed has left and come."""

    came: Collection[str]
    left: Collection[str]


class Components:
    """Everything a daemon consists of, wired and not yet running: what ``run`` and ``once`` share.

    An async context manager: leaving it closes the sources, the connections and the state, in this order.
    Opening raises DatabaseError where the state cannot be used.
    """

    def __init__(self, config: Config, events: Events, clock: Clock, database: Database) -> None:
        self.config = config
        self.events = events
        self.clock = clock
        self._database = database
        self._http = Http()
        self.outbox = StoredOutbox(database)
        self.outbox.moved(config.account.base_url, fingerprint(config.account))
        self.engine = Engine(config, database, self.outbox, events, clock.now())
        self._to_service = Http(KEEP_ALIVE)
        client = Client(config.account, self._to_service, clock.now)
        self.sender = InlineSender(self.outbox, client, config.account, clock, events, config.zone)
        self.plugins_hang = False
        """After closing: whether a plugin would not stop. The process must then end without waiting for it."""
        self.nudge = asyncio.Event()
        self.asleep_until = 0.0
        self.pollers = {spec.name: self._poller(spec, config) for spec in config.sources.values()}
        self._closings: set[asyncio.Task[None]] = set()

    def change_over(self, config: Config) -> Change:
        """Go on with another configuration, which names the same state: a restart that keeps readings and connections.

        A source that is what it was is not touched, the others are closed and made anew. Raises DatabaseError, and
        nothing has changed then.
        """
        staying = {name for name in self.pollers if self._stays(name, config)}
        coming = {name: self._poller(spec, config) for name, spec in config.sources.items() if name not in staying}
        leaving = {name: poller for name, poller in self.pollers.items() if name not in staying}
        handover = self.engine.hand_over(staying)
        engine = Engine(config, self._database, self.outbox, self.events, self.clock.now(), handover)
        # Nothing of what follows can fail.
        self.config, self.engine = config, engine
        self.pollers = {name: coming.get(name) or self.pollers[name] for name in config.sources}
        self.sender.reconfigure(Client(config.account, self._to_service, self.clock.now), config.account, config.zone)
        self._begin_closing(leaving.values())
        self.nudge.set()
        return Change(tuple(coming), tuple(leaving))

    def go_on(self) -> None:
        """Have what was handed over judged by the rules of today. To be told after ``change_over``; DatabaseError
        where the state can no longer be kept.
        """
        if self.engine.go_on(self.clock.now()):
            self.sender.wake()

    def _stays(self, name: str, config: Config) -> bool:
        same = config.sources.get(name) == self.config.sources[name]
        return same and config.zone == self.config.zone  # a source is told where "today" begins

    def _poller(self, spec: SourceSpec, config: Config) -> Poller:
        http = Http() if spec.isolated else self._http
        log = logging.getLogger(f"smithd.source.{spec.name}")
        context = Context(spec.name, spec.timeout, self.clock, http, log, config.zone)
        return Poller(spec, context, self.events, self._take)

    def _take(self, poll: Poll) -> None:
        if self.engine.ingest(poll):
            self.sender.wake()
        wake_at = self.engine.wake_at()
        if wake_at is not None and wake_at < self.asleep_until:
            self.nudge.set()

    def _begin_closing(self, pollers: Collection[Poller]) -> None:
        """Close pollers in a task of our own, which nobody cancels: it takes a few seconds at most."""
        for poller in pollers:
            poller.retire()
        if pollers:
            closing = asyncio.create_task(self._close(pollers))
            self._closings.add(closing)
            closing.add_done_callback(self._closings.discard)

    async def _close(self, pollers: Collection[Poller]) -> None:
        closed = await asyncio.gather(*(poller.close() for poller in pollers))
        self.plugins_hang |= not all(closed)

    async def __aenter__(self) -> Components:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async with AsyncExitStack() as stack:
            stack.callback(self._database.close)
            stack.callback(lambda: self.engine.close(self.clock.now()))
            stack.push_async_callback(self._http.aclose)
            stack.push_async_callback(self._to_service.aclose)
            self._begin_closing(self.pollers.values())
            await asyncio.gather(*self._closings)

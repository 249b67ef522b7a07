"""Everything a daemon consists of, wired, and the change to another configuration."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from smithd import __version__
from smithd.clock import Clock
from smithd.config.model import Config
from smithd.config.needs import descriptor_needs
from smithd.delivery.client import Client
from smithd.descriptors import RESERVE, soft_limit
from smithd.engine.running import RunningEngine
from smithd.events import Events
from smithd.http import Http
from smithd.plugin.source import Context
from smithd.poll.planned import NOTHING_PLANNED, Planned
from smithd.poll.poller import Poller
from smithd.poll.registry import SourceSpec
from smithd.pool import FEWEST, Pool
from smithd.redactor import Redactor
from smithd.setup import set_up
from smithd.storage.committer import Committer, InlineCommitter
from smithd.storage.database import Database
from smithd.storage.marker import Marker

if TYPE_CHECKING:
    from smithd.status.model import GateStatus, RuntimeFacts, Status

KEEP_ALIVE = 2.0
"""Seconds that an idle connection to the service is kept: common servers close theirs after 5 at the soonest."""


SLICE = 100
"""Sources for which something is done without letting the loop do anything else."""

T = TypeVar("T")


def _most_connections(config: Config) -> int:
    """How many connections to sources may be open at once: what all others need is left to them."""
    return max(FEWEST, soft_limit() - descriptor_needs(config).fixed)


class SourceChanges(NamedTuple):
    """What another configuration changed, by the names of sources; one with other options is in both."""

    added: Collection[str]
    removed: Collection[str]


class Components:
    """Everything a daemon consists of, wired: what ``run`` and ``once`` share.

    An async context manager: leaving it closes the sources, the connections, the engine and the state, in this order.
    Opening raises DatabaseError where the state cannot be used.
    """

    def __init__(
        self,
        config: Config,
        events: Events,
        clock: Clock,
        database: Database,
        committer: Callable[[Database], Committer] = InlineCommitter,
        marker: Marker | None = None,
    ) -> None:
        self.config = config
        self.events = events
        self.clock = clock
        self.database = database
        self.started_at = clock.now()
        self.last_reload: tuple[float, str] | None = None
        """When the last reload was, and why the configuration was refused ("": it was not)."""
        self.planned: Callable[[], Planned] = lambda: NOTHING_PLANNED
        """When sources are polled next; the scheduler says it where one runs."""
        self._pool = Pool(_most_connections(config))
        self._http = Http(pool=self._pool)
        self.to_others = Http(KEEP_ALIVE, reserved=True)
        """The client for what is no source: the service, and the heartbeat."""
        self.running = RunningEngine(config, events, clock, database, self._clients(config), committer, marker)
        self.engine = self.running.engine
        self.writer = self.running.writer
        self.plugins_hang = False
        """After closing: whether a plugin, or a commit, would not stop. The process must then end without waiting."""
        self.pollers = {spec.name: self._poller(spec, config) for spec in config.sources.values()}
        self._closings: set[asyncio.Task[None]] = set()

    def status(self) -> Callable[[], Status]:
        """What fills the read model as it is now: for a thread, since with thousands of sources that takes longer than
        the loop may wait. The model holds secrets where what was polled does: what shows a text of it masks them.
        """
        # Imported here: a daemon starts without what only answers need. A descriptor to read it must be left.
        with RESERVE.lent():
            from smithd.status.fill import status

            facts = self._facts()
        setup, state, now, database = self.engine.setup, self.engine.state, self.clock.now(), self.database
        return lambda: status(setup, state, replace(facts, state_size=database.size()), now)

    def _facts(self) -> RuntimeFacts:
        """What ``status`` shows beside the engine's state, but for what takes time."""
        from smithd.status.model import ReloadStatus, RuntimeFacts

        writer = self.writer
        return RuntimeFacts(
            __version__,
            self.started_at,
            ReloadStatus(*self.last_reload) if self.last_reload is not None else None,
            str(self.database.path),
            writer.health,
            writer.committed_at,
            writer.waiting,
            {name: poller.skipped for name, poller in self.pollers.items()},
            writer.dropped,
            {name: until for name, poller in self.pollers.items() if (until := poller.put_off_until) is not None},
            self.gates(),
            self.clock.monotonic(),
            self.planned(),
            beside_since=writer.beside_since,
        )

    def gates(self) -> list[GateStatus]:
        """What the gate of each account knows."""
        # Imported here, as above.
        from smithd.status.fill import gate_status

        now, instant = self.clock.now(), self.clock.monotonic()
        return [gate_status(self.running.deliveries[account], instant, now) for account in self.running.served()]

    async def change_over(self, config: Config) -> SourceChanges:
        """Go on with another configuration, which names the same state: a restart that keeps samples and connections.

        A source with the same options goes on as it is; the others are closed, and new ones are made. DatabaseError
        where the state can no longer be kept.
        """
        # With ten thousand sources, these take longer than the loop may wait.
        staying, setup = await self.running.beside(
            lambda: (_unchanged(self.config, config), set_up(config, self.clock.now()))
        )
        coming = {}
        async for name in in_slices((name for name in config.sources if name not in staying), self.clock):
            coming[name] = self._poller(config.sources[name], config)
        leaving = {name: poller for name, poller in self.pollers.items() if name not in staying}
        # Before the engine changes over: an answer that comes meanwhile is one to the earlier options.
        for poller in leaving.values():
            poller.retire()
        await self.running.reconfigure(setup, staying, self._clients(config))
        # What was stored before the reload may quote a secret of the earlier configuration.
        config.redactor.learn(self.config.redactor)
        self.config = config
        self._pool.most = _most_connections(config)
        self.pollers = {name: coming.get(name) or self.pollers[name] for name in config.sources}
        self._begin_closing(leaving.values())
        return SourceChanges(tuple(coming), tuple(leaving))

    def parts(self) -> list[object]:
        """The many things that a configuration consists of, and what they were compiled to."""
        config, setup = self.config, self.engine.setup
        held = (config.sources, config.rules, config.widgets, config.live_activities, setup.rules.by_name)
        return [part for mapping in held for part in mapping.values()]

    def _clients(self, config: Config) -> dict[str, Client]:
        """The way to the service for each account."""
        return {name: Client(options, self.to_others, self.clock.now) for name, options in config.accounts.items()}

    def _poller(self, spec: SourceSpec, config: Config) -> Poller:
        # An isolated source runs in a thread with an event loop of its own, which cannot share connections with ours.
        http = Http() if spec.isolated else self._http
        log = logging.getLogger(f"smithd.sources.{spec.name}")
        zone, redactor = spec.zone or config.zone, Redactor(spec.secrets)
        context = Context(spec.name, spec.timeout, self.clock, http, log, zone, config.zone, redactor)
        return Poller(spec, context, self.events, self.writer.put, partial(self.writer.has_room, spec.name))

    def _begin_closing(self, pollers: Collection[Poller]) -> None:
        """Close pollers in a task of our own, which is never cancelled: it takes a few seconds at most."""
        for poller in pollers:
            poller.retire()
        if pollers:
            # Kept in a set, since the event loop itself has only a weak reference to a task.
            closing = asyncio.create_task(self._close(pollers))
            self._closings.add(closing)
            closing.add_done_callback(self._closings.discard)

    async def _close(self, pollers: Collection[Poller]) -> None:
        closings = [asyncio.create_task(poller.close()) async for poller in in_slices(pollers, self.clock)]
        self.plugins_hang |= not all(await asyncio.gather(*closings))

    async def __aenter__(self) -> Components:
        try:
            await self.running.__aenter__()
        except BaseException:
            self.database.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async with AsyncExitStack() as stack:
            # A stack leaves in reverse: the state was opened first, and is closed last, also where something fails.
            stack.callback(self.database.close)
            stack.push_async_exit(self.running.__aexit__)
            stack.push_async_callback(self._http.aclose)
            stack.push_async_callback(self.to_others.aclose)
            self._begin_closing(self.pollers.values())
            await asyncio.gather(*self._closings)
        self.plugins_hang |= self.running.hangs


async def in_slices(items: Iterable[T], clock: Clock) -> AsyncIterator[T]:
    """The items, with a turn of the loop for all others now and then."""
    for count, item in enumerate(items, 1):
        yield item
        if count % SLICE == 0:
            await clock.sleep(0)


def _unchanged(before: Config, after: Config) -> set[str]:
    """The sources that another configuration has as they were. Every source knows the zone, for where its "today"
    begins: in another zone, none is what it was.
    """
    if before.zone != after.zone:
        return set()
    return {name for name, spec in before.sources.items() if after.sources.get(name) == spec}

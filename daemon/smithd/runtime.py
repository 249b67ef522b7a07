"""Builds the daemon, runs it, and stops it; owns every task. It knows the loops; the order of steps is the engine's."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, suppress
from functools import partial
from types import TracebackType
from typing import Any

from smithd import __version__
from smithd.clock import Clock
from smithd.config.model import Config
from smithd.database import Database
from smithd.delivery.client import Client
from smithd.delivery.sender import Sender
from smithd.engine import Engine
from smithd.http import Http
from smithd.outbox.queue import Outbox
from smithd.plugin.source import Context
from smithd.poll.intake import Poll
from smithd.poll.poller import Poller
from smithd.poll.registry import SourceSpec
from smithd.poll.timetable import Timetable
from smithd.telemetry import Started, Stopped, Telemetry

LONGEST_NAP = 2.0
"""Seconds after which the clock is looked at again, though nothing is due: it may have been set."""


KEEP_ALIVE = 2.0
"""Seconds that an idle connection to the service is kept: common servers close theirs after 5 at the soonest."""


class _Stop(Exception):
    """Somebody asked for the end."""


Companion = Callable[["House"], Coroutine[Any, Any, None]]
"""What runs beside a daemon for as long as it runs: its page, the demo."""


class House:
    """Everything a daemon consists of, wired and not yet running: what ``run`` and ``once`` share.

    An async context manager: leaving it closes the sources, the connections and the state, in this order.
    Opening raises DatabaseError where the state cannot be used.
    """

    def __init__(self, config: Config, telemetry: Telemetry, clock: Clock, database: Database) -> None:
        self.config = config
        self.telemetry = telemetry
        self.clock = clock
        self._database = database
        self._http = Http()
        self.outbox = Outbox(database)
        self.engine = Engine(config, database, self.outbox, telemetry, clock.now())
        self._to_service = Http(KEEP_ALIVE)
        client = Client(config.account, self._to_service, clock.now)
        self.sender = Sender(self.outbox, client, config.account, clock, telemetry, config.zone)
        self.plugins_hang = False
        """After closing: whether a plugin would not stop. The process must then end without waiting for it."""
        self.nudge = asyncio.Event()
        self.asleep_until = 0.0
        self.pollers = {
            spec.name: Poller(spec, self._context(spec), telemetry, self._take) for spec in config.sources.values()
        }

    def _context(self, spec: SourceSpec) -> Context:
        http = Http() if spec.apart else self._http
        log = logging.getLogger(f"smithd.source.{spec.name}")
        return Context(spec.name, spec.timeout, self.clock, http, log, self.config.zone)

    def _take(self, poll: Poll) -> None:
        if self.engine.ingest(poll):
            self.sender.wake()
        wake_at = self.engine.wake_at()
        if wake_at is not None and wake_at < self.asleep_until:
            self.nudge.set()

    async def __aenter__(self) -> House:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async with AsyncExitStack() as stack:
            stack.callback(self._database.close)
            stack.callback(self.engine.close, self.clock.now())
            stack.push_async_callback(self._http.aclose)
            stack.push_async_callback(self._to_service.aclose)
            closed = await asyncio.gather(*(poller.close() for poller in self.pollers.values()))
            self.plugins_hang = not all(closed)


async def run(config: Config, telemetry: Telemetry, clock: Clock, stop: asyncio.Event, *beside: Companion) -> bool:
    """Run a daemon until ``stop`` is set, with its companions beside it.

    False where a plugin would not stop: the process must then end without waiting for it. SmithdError where something
    breaks that a daemon cannot live without. What waits to be sent is on disk in any case.
    """
    async with _open(config, telemetry, clock) as house:
        timetable = Timetable(clock, telemetry)
        try:
            async with asyncio.TaskGroup() as tasks:
                for spec in config.sources.values():
                    due = partial(house.pollers[spec.name].due, tasks.create_task)
                    timetable.add(spec.name, spec.schedule, due)
                tasks.create_task(house.sender.run())
                tasks.create_task(_tick(house, timetable))
                for companion in beside:
                    tasks.create_task(companion(house))
                timetable.start()
                telemetry.tell(Started(__version__, len(config.sources), len(config.rules)))
                notify_systemd("READY=1")
                try:
                    await stop.wait()
                finally:
                    timetable.stop()  # before the tasks are: what is due must not start meanwhile
                raise _Stop
        except BaseExceptionGroup as group:
            failed = [error for error in _leaves(group) if not isinstance(error, _Stop)]
            if failed:
                raise failed[0] from None
        finally:
            notify_systemd("STOPPING=1")
        telemetry.tell(Stopped(house.outbox.waiting()))
    return not house.plugins_hang


def _open(config: Config, telemetry: Telemetry, clock: Clock) -> House:
    database = Database.open(config.state)
    try:
        return House(config, telemetry, clock, database)
    except BaseException:
        database.close()
        raise


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


async def _tick(house: House, timetable: Timetable) -> None:
    """Let time pass for the engine, whenever it asked for it."""
    while True:
        house.nudge.clear()
        now = house.clock.now()
        if timetable.check_step():
            house.engine.replan(now)
        if house.engine.tick(now):
            house.sender.wake()
        wake_at = house.engine.wake_at()
        nap = LONGEST_NAP if wake_at is None else min(LONGEST_NAP, max(0.0, wake_at - now))
        house.asleep_until = now + nap
        await _first(house.nudge.wait(), house.clock.sleep(nap))


async def _first(*waits: Awaitable[object]) -> None:
    """Wait for whatever comes first, and let go of the rest."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


def notify_systemd(state: str) -> None:
    """Tell systemd, where it asked to be told (sd_notify(3): a datagram to ``$NOTIFY_SOCKET``). If nobody listens
    there, that is no reason to stop.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifications:
        notifications.connect("\0" + address[1:] if address.startswith("@") else address)
        notifications.sendall(state.encode())

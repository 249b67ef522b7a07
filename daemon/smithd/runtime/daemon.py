"""Runs a daemon: its loops, its reloads, its end. It knows the loops; the order of steps is the engine's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from smithd import __version__, control
from smithd.clock import Clock
from smithd.config.model import Config
from smithd.database import Database
from smithd.errors import ConfigError, ListenError, SmithdError
from smithd.poll.timetable import Timetable
from smithd.runtime import commands, systemd
from smithd.runtime.house import House
from smithd.telemetry import Reloaded, ReloadRefused, Started, Stopped, Telemetry, Unreachable
from smithd.web.site import Site

LONGEST_NAP = 2.0
"""Seconds after which the clock is looked at again, though nothing is due: it may have been set."""

LONGEST_READING = 60.0
"""Seconds that reading a configuration anew may take: the code of a plugin may hang when it is imported."""


class _Stop(Exception):
    """Somebody asked for the end."""


Companion = Callable[[House], Coroutine[Any, Any, None]]
"""What runs beside a daemon for as long as it runs: the demo."""


@dataclass(frozen=True, slots=True)
class Operator:
    """Who operates a daemon from outside.

    ``reread`` reads the configuration anew (ConfigError where it is wrong), ``reload`` is set when that is wanted,
    ``socket`` is where commands come in, ``settled`` is called when the configuration before is needed no more.
    """

    reread: Callable[[], Awaitable[Config]]
    reload: asyncio.Event
    socket: Path
    settled: Callable[[], None] = lambda: None


async def run(
    config: Config,
    telemetry: Telemetry,
    clock: Clock,
    stop: asyncio.Event,
    *beside: Companion,
    operator: Operator | None = None,
) -> bool:
    """Run a daemon until ``stop`` is set, with its companions beside it.

    False where a plugin would not stop: the process must then end without waiting for it. SmithdError where something
    breaks that a daemon cannot live without. What waits to be sent is on disk in any case.
    """
    async with _open(config, telemetry, clock) as house:
        with Site(clock, telemetry, config.redactor) as site:
            daemon = _Daemon(house, site, Timetable(clock, telemetry))
            try:
                async with asyncio.TaskGroup() as tasks:
                    daemon.start(tasks)
                    if operator is not None:
                        daemon.attend(operator, tasks)
                    for companion in beside:
                        tasks.create_task(companion(house))
                    telemetry.tell(Started(__version__, len(config.sources), len(config.rules)))
                    systemd.notify("READY=1")
                    try:
                        await stop.wait()
                    finally:
                        daemon.timetable.stop()  # before the tasks are: what is due must not start meanwhile
                    raise _Stop
            except BaseExceptionGroup as group:
                failed = [error for error in _leaves(group) if not isinstance(error, _Stop)]
                if failed:
                    raise failed[0] from None
            finally:
                systemd.notify("STOPPING=1")
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


class _Daemon:
    """A house that runs."""

    def __init__(self, house: House, site: Site, timetable: Timetable) -> None:
        self.house = house
        self.timetable = timetable
        self._site = site
        self._redactor = house.config.redactor
        self._reloading = asyncio.Lock()

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Begin all that a daemon does by itself. Raises ListenError where the page's port cannot be had."""
        self._tasks = tasks
        config = self.house.config
        self._site.show(config, self.house.outbox, self._site.place(config.web), tasks.create_task)
        self._schedule(config.sources)
        tasks.create_task(self.house.sender.run())
        tasks.create_task(_tick(self.house, self.timetable))
        self.timetable.start()

    def attend(self, operator: Operator, tasks: asyncio.TaskGroup) -> None:
        """Begin to listen to somebody. A daemon does its work without its control socket, and says so."""
        tasks.create_task(self._heed(operator))
        try:
            listener = control.listen(operator.socket)
        except ListenError as error:
            self.house.telemetry.tell(Unreachable(str(error)))
            return
        tasks.create_task(control.serve(listener, commands.of(self.house, partial(self.reload, operator))))

    async def _heed(self, operator: Operator) -> None:
        while True:
            await operator.reload.wait()
            operator.reload.clear()
            with suppress(SmithdError):  # it was told
                await self.reload(operator)

    async def reload(self, operator: Operator) -> Reloaded:
        """Go on with the configuration as its file is now; one after another.

        SmithdError where it is wrong, or cannot be had: that was told, and nothing has changed.
        """
        house = self.house
        async with self._reloading:
            systemd.notify("RELOADING=1", f"MONOTONIC_USEC={int(house.clock.monotonic() * 1e6)}")
            try:
                done = self._change_over(await _read_anew(operator))
            except SmithdError as error:
                house.telemetry.tell(ReloadRefused(str(error)))
                raise
            finally:
                systemd.notify("READY=1")
            house.telemetry.tell(done)
        operator.settled()
        return done

    def _change_over(self, config: Config) -> Reloaded:
        """All that can fail comes first; there is no moment in between at which half of it is true."""
        house, site = self.house, self._site
        self._redactor.learn(config.redactor)
        _refuse_to_move(house.config, config)
        listener = site.place(config.web)
        try:
            change = house.change_over(config)
        except BaseException:
            site.leave(listener)
            raise
        site.show(config, house.outbox, listener, self._tasks.create_task)
        self.timetable.begin_round()
        for name in change.left:
            self.timetable.remove(name)
        self._schedule(change.came)
        self._tasks.create_task(_go_on(house))  # where it fails, the daemon has no state to live on
        return Reloaded(len(config.sources) - len(change.came), len(change.came), len(change.left), len(config.rules))

    def _schedule(self, names: Iterable[str]) -> None:
        for name in names:
            due = partial(self.house.pollers[name].due, self._tasks.create_task)
            self.timetable.add(name, self.house.config.sources[name].schedule, due)


async def _read_anew(operator: Operator) -> Config:
    try:
        async with asyncio.timeout(LONGEST_READING):
            return await operator.reread()
    except TimeoutError:
        raise ConfigError(
            f"reading the configuration takes longer than {LONGEST_READING:.0f} s; does a plugin wait for something "
            "when it is imported?"
        ) from None


def _refuse_to_move(before: Config, after: Config) -> None:
    if after.state.resolve() != before.state.resolve():
        raise ConfigError(
            f"{after.path}: 'state' is {after.state} now, and this smithd keeps its state in {before.state}: "
            "a reload cannot move it; restart smithd for that"
        )


async def _go_on(house: House) -> None:
    house.go_on()


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

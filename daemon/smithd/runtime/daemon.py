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
from smithd.errors import ConfigError, ListenError, SmithdError
from smithd.events import ControlUnavailable, Events, Reloaded, ReloadRefused, Started, Stopped
from smithd.poll.scheduler import Scheduler
from smithd.runtime import commands, systemd
from smithd.runtime.components import Components
from smithd.runtime.state import open_state
from smithd.storage.committer import ThreadCommitter
from smithd.storage.marker import Marker
from smithd.web.site import Site

LONGEST_NAP = 2.0
"""Seconds after which the clock is looked at again, though nothing is due: it may have been set."""

STATE_CHECK_EVERY = 5.0
"""Seconds between two looks whether the state is still in its place."""

RELOAD_TIMEOUT = 60.0
"""Seconds that a reload may take to read the configuration: the code of a plugin may hang when it is imported."""


class _Stop(Exception):
    """Somebody asked for the end."""


Companion = Callable[[Components], Coroutine[Any, Any, None]]
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
    events: Events,
    clock: Clock,
    stop: asyncio.Event,
    *beside: Companion,
    operator: Operator | None = None,
) -> bool:
    """Run a daemon until ``stop`` is set, with its companions beside it.

    False where a plugin would not stop: the process must then end without waiting for it. SmithdError where something
    breaks that a daemon cannot live without. What waits to be sent is on disk in any case.
    """
    async with _open(config, events, clock) as components:
        with Site(clock, events, config.redactor) as site:
            daemon = _Daemon(components, site, Scheduler(clock, events))
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(_watch(components))
                    daemon.start(tasks)
                    if operator is not None:
                        daemon.attend(operator, tasks)
                    for companion in beside:
                        tasks.create_task(companion(components))
                    events.publish(Started(__version__, len(config.sources), len(config.rules)))
                    systemd.notify("READY=1")
                    try:
                        await stop.wait()
                    finally:
                        daemon.scheduler.stop()  # before the tasks are: what is due must not start meanwhile
                    raise _Stop
            except BaseExceptionGroup as group:
                failed = [error for error in _leaves(group) if not isinstance(error, _Stop)]
                if failed:
                    raise failed[0] from None
            finally:
                systemd.notify("STOPPING=1")
            events.publish(Stopped(components.engine.state.outbox.count()))
    return not components.plugins_hang


def _open(config: Config, events: Events, clock: Clock) -> Components:
    database = open_state(config, events)
    try:
        marker = Marker.of(config.state)
        return Components(config, events, clock, database, ThreadCommitter, marker)
    except BaseException:
        database.close()
        raise


async def _watch(components: Components) -> None:
    """End with the writer: without it there is no daemon."""
    assert components.running.writing is not None
    await asyncio.shield(components.running.writing)


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


class _Daemon:
    """Components that run: their tasks, their schedule, their page."""

    def __init__(self, components: Components, site: Site, scheduler: Scheduler) -> None:
        self.components = components
        self.scheduler = scheduler
        self._site = site
        self._redactor = components.config.redactor
        self._reloading = asyncio.Lock()

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Begin all that a daemon does by itself. Raises ListenError where the page's port cannot be had."""
        self._tasks = tasks
        config = self.components.config
        self._site.show(config, self.components.engine, self._site.place(config.web), tasks.create_task)
        self._schedule(config.sources)
        tasks.create_task(self.components.sender.run())
        tasks.create_task(self._watch_clock())
        tasks.create_task(self._watch_state())
        self.scheduler.start()

    async def _watch_clock(self) -> None:
        while True:
            self.scheduler.check_step()
            await self.components.clock.sleep(LONGEST_NAP)

    async def _watch_state(self) -> None:
        """Raises TermLost where the file was moved away or replaced. Every commit looks too; without this, a daemon
        that has nothing to write would find out by the first alert, and that would not be sent.
        """
        while True:
            await self.components.clock.sleep(STATE_CHECK_EVERY)
            # In a thread, since a disk may hang. What else is wrong with the file is found by the next commit.
            with suppress(OSError):
                await asyncio.to_thread(self.components.database.check_place)

    def attend(self, operator: Operator, tasks: asyncio.TaskGroup) -> None:
        """Begin to take commands. A daemon does its work without its control socket, and says so."""
        tasks.create_task(self._reload_when_asked(operator))
        try:
            listener = control.listen(operator.socket)
        except ListenError as error:
            self.components.events.publish(ControlUnavailable(str(error)))
            return
        tasks.create_task(control.serve(listener, commands.of(self.components, partial(self.reload, operator))))

    async def _reload_when_asked(self, operator: Operator) -> None:
        while True:
            await operator.reload.wait()
            operator.reload.clear()
            with suppress(SmithdError):  # an event said it
                await self.reload(operator)

    async def reload(self, operator: Operator) -> Reloaded:
        """Go on with the configuration as its file is now; one after another.

        SmithdError where it is wrong, or cannot be had: an event said so, and nothing has changed.
        """
        components = self.components
        async with self._reloading:
            systemd.notify("RELOADING=1", f"MONOTONIC_USEC={int(components.clock.monotonic() * 1e6)}")
            try:
                done = await self._change_over(await _read_anew(operator))
            except SmithdError as error:
                components.last_reload = components.clock.now(), str(error)
                components.events.publish(ReloadRefused(str(error)))
                raise
            finally:
                systemd.notify("READY=1")
            components.last_reload = components.clock.now(), ""
            components.events.publish(done)
        operator.settled()
        return done

    async def _change_over(self, config: Config) -> Reloaded:
        """All that can fail comes first; there is no moment in between at which half of it is true."""
        components, site = self.components, self._site
        self._redactor.learn(config.redactor)
        _refuse_to_move(components.config, config)
        listener = site.place(config.web)
        try:
            change = await components.change_over(config)
        except BaseException:
            site.leave(listener)
            raise
        site.show(config, components.engine, listener, self._tasks.create_task)
        self.scheduler.begin_round()
        for name in change.removed:
            self.scheduler.remove(name)
        self._schedule(change.added)
        return Reloaded(
            len(config.sources) - len(change.added), len(change.added), len(change.removed), len(config.rules)
        )

    def _schedule(self, names: Iterable[str]) -> None:
        for name in names:
            due = partial(self.components.pollers[name].due, self._tasks.create_task)
            self.scheduler.add(name, self.components.config.sources[name].schedule, due)


async def _read_anew(operator: Operator) -> Config:
    try:
        async with asyncio.timeout(RELOAD_TIMEOUT):
            return await operator.reread()
    except TimeoutError:
        raise ConfigError(
            f"reading the configuration takes longer than {RELOAD_TIMEOUT:.0f} s; does a plugin wait for something "
            "when it is imported?"
        ) from None


def _refuse_to_move(before: Config, after: Config) -> None:
    if after.state.resolve() != before.state.resolve():
        raise ConfigError(
            f"{after.path}: 'state' is {after.state} now, and this smithd keeps its state in {before.state}: "
            "a reload cannot move it; restart smithd for that"
        )

"""Runs a daemon: its loops, its reloads, its end. It knows the loops; the order of steps is the engine's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from smithd import __version__, control
from smithd.clock import Clock
from smithd.config.model import Config
from smithd.config.watch import Look
from smithd.descriptors import RESERVE
from smithd.errors import ConfigError, ListenError, SmithdError
from smithd.events import ControlUnavailable, Events, Reloaded, ReloadRefused, Started, Stopped
from smithd.poll.scheduler import Scheduler
from smithd.runtime import commands, systemd
from smithd.runtime.components import Components, in_slices
from smithd.runtime.heartbeat import Heartbeat
from smithd.runtime.monitors import Monitors, report_to_manager
from smithd.runtime.pulse import Pulse
from smithd.runtime.state import open_state
from smithd.storage.committer import ThreadCommitter
from smithd.storage.marker import Marker
from smithd.web.site import Site

LONGEST_NAP = 2.0
"""Seconds after which the clock is checked again though nothing is due: it may have been set."""

STATE_CHECK_EVERY = 5.0
"""Seconds between two checks that the state is still in its place."""

LOOK_EVERY = 2.0
"""Seconds between two looks at the files of the configuration, with ``watch: true``."""

RELOAD_TIMEOUT = 60.0
"""Seconds that a reload may take to read the configuration: the code of a plugin may hang when it is imported."""


T = TypeVar("T")


class _Stop(Exception):
    """Ends the task group: the daemon was asked to stop."""


Companion = Callable[[Components], Coroutine[Any, Any, None]]
"""What runs beside a daemon for as long as it runs: the demo."""


@dataclass(frozen=True, slots=True)
class Operator:
    """What controls a daemon from outside.

    ``reread`` reads the configuration again (ConfigError where it is wrong), ``look`` tells what is to be seen of its
    files, ``reload`` is set when a reload is wanted, ``socket`` is where commands come in, and a reload runs in the
    context that ``around`` makes.
    """

    reread: Callable[[], Awaitable[Config]]
    look: Callable[[], Awaitable[Look]]
    reload: asyncio.Event
    socket: Path
    around: Callable[[], AbstractContextManager[None]] = nullcontext


async def run(
    config: Config,
    events: Events,
    clock: Clock,
    stop: asyncio.Event,
    *beside: Companion,
    operator: Operator | None = None,
) -> bool:
    """Run a daemon until ``stop`` is set, with its companions beside it.

    Returns False where a plugin did not stop: the process must then end without waiting for it. Raises SmithdError
    where something fails without which a daemon cannot work. What waits to be sent is on disk in any case.
    """
    async with _open(config, events, clock) as components:
        pulse = Pulse(clock, events, components.writer)
        probes = Monitors(components, pulse).probes
        with Site(clock, events, config.redactor, probes, commands.of(components)) as site:
            daemon = _Daemon(components, site, Scheduler(clock, events), pulse)
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(_end_with_writer(components))
                    await daemon.start(tasks)
                    if operator is not None:
                        daemon.attend(operator, tasks)
                    for companion in beside:
                        tasks.create_task(companion(components))
                    events.publish(Started(__version__, len(config.sources), len(config.rules)))
                    systemd.notify("READY=1")
                    try:
                        await stop.wait()
                    finally:
                        # Before the tasks are stopped: what is due must not start meanwhile.
                        daemon.scheduler.stop()
                    await components.running.end_surfaces()
                    # A task group ends its tasks only when one of them, or its own block, raises.
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


async def _end_with_writer(components: Components) -> None:
    """Raise what the writer ends with: without it, the daemon must not go on."""
    assert components.running.writing is not None
    # Shielded: this task is cancelled when the daemon stops, and the writer then has still to commit what it has.
    await asyncio.shield(components.running.writing)


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


class _Daemon:
    """Components that run: their tasks, their schedule, their page."""

    def __init__(self, components: Components, site: Site, scheduler: Scheduler, pulse: Pulse) -> None:
        self.components = components
        self.scheduler = scheduler
        components.planned = scheduler.planned
        self._pulse = pulse
        self._site = site
        self._redactor = components.config.redactor
        self._reloading = asyncio.Lock()
        self._read: Look | None = None
        """What was seen of the files when they were last read, with ``watch: true``."""

    async def start(self, tasks: asyncio.TaskGroup) -> None:
        """Begin all that a daemon does by itself. Raises ListenError where the page's port cannot be used."""
        self._tasks = tasks
        config = self.components.config
        self._site.show(config, self.components.engine, self._site.place(config.web), tasks.create_task)
        await self._schedule(config.sources)
        tasks.create_task(self.components.running.send())
        tasks.create_task(self._watch_clock())
        tasks.create_task(self._watch_state())
        tasks.create_task(Heartbeat(self.components, self._pulse).run())
        if systemd.is_there():
            tasks.create_task(report_to_manager(self.components))
        self.scheduler.start()

    async def _watch_clock(self) -> None:
        while True:
            self.scheduler.check_step()
            await self._pulse.beat(LONGEST_NAP)

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
        """Begin to take commands. Without its control socket a daemon works on, and an event says so."""
        tasks.create_task(self._reload_when_asked(operator))
        tasks.create_task(self._reload_when_changed(operator))
        try:
            listener = control.listen(operator.socket)
        except ListenError as error:
            self.components.events.publish(ControlUnavailable(str(error)))
            return
        handlers = commands.of(self.components) | commands.reloading(
            partial(self.reload, operator), partial(self.changes, operator)
        )
        tasks.create_task(control.serve(listener, handlers))

    async def _reload_when_asked(self, operator: Operator) -> None:
        while True:
            await operator.reload.wait()
            operator.reload.clear()
            # Nobody waits for an answer here; an event has reported the error.
            with suppress(SmithdError):
                await self.reload(operator)

    async def _reload_when_changed(self, operator: Operator) -> None:
        """With ``watch: true``. What changed must have been the same for one look: several files, or a large one, may
        not be written at once. What is refused is tried again when it changes again.
        """
        before: Look | None = None
        while True:
            if not self.components.config.watch:
                self._read = None
            elif self._read is None:
                self._read = await operator.look()
            elif (seen := await operator.look()) != self._read and seen == before:
                # An event has reported the error.
                with suppress(SmithdError):
                    await self.reload(operator)
            else:
                before = seen
            await self.components.clock.sleep(LOOK_EVERY)

    async def reload(self, operator: Operator) -> Reloaded:
        """Go on with the configuration as its file is now. One reload waits for another.

        SmithdError where it is wrong or cannot be read: an event has reported that, and nothing has changed.
        """
        async with self._reloading:
            with operator.around():
                return await self._reload(operator)

    async def _reload(self, operator: Operator) -> Reloaded:
        components = self.components
        # sd_notify(3) asks for the time along with it.
        systemd.notify("RELOADING=1", f"MONOTONIC_USEC={int(components.clock.monotonic() * 1e6)}")
        try:
            # Reading opens files, and must do so also where all descriptors are in use, as after SIGHUP.
            with RESERVE.lent():
                # Looked at before they are read: what changes meanwhile is another change.
                if components.config.watch:
                    self._read = await _in_time(operator.look)
                config = await _in_time(operator.reread)
            done = await self._change_over(config)
        except SmithdError as error:
            components.last_reload = components.clock.now(), str(error)
            components.events.publish(ReloadRefused(str(error)))
            raise
        finally:
            # Also after a refused reload: systemd waits for it.
            systemd.notify("READY=1")
        components.last_reload = components.clock.now(), ""
        components.events.publish(done)
        return done

    async def changes(self, operator: Operator) -> dict[str, Any]:
        """What a reload would change now, and why it would be refused all the same (None: it would not).

        ConfigError where the files have mistakes.
        """
        # Imported here: a daemon starts without what only answers need.
        with RESERVE.lent():
            from smithd.config.changes import changes

            config, before = await _in_time(operator.reread), self.components.config
        found = await asyncio.to_thread(lambda: list(changes(before, config)))
        return {
            "changes": [
                each._asdict() | {"said": str(each), "options": [option._asdict() for option in each.options]}
                for each in found
            ],
            "refused": _moves_state(before, config),
        }

    async def _change_over(self, config: Config) -> Reloaded:
        """All that can fail comes first, so that a configuration is taken as a whole or not at all."""
        components, site = self.components, self._site
        # Before anything can fail: the report of a failure may quote a secret of the new file.
        self._redactor.learn(config.redactor)
        if (refused := _moves_state(components.config, config)) is not None:
            raise ConfigError(refused)
        listener = site.place(config.web)
        outgoing = components.parts()
        try:
            change = await components.change_over(config)
        except BaseException:
            site.leave(listener)
            raise
        site.show(config, components.engine, listener, self._tasks.create_task)
        # In a new round, only the sources that were added are polled early, and those that waited for a person.
        self.scheduler.begin_round()
        again = [name for name, poller in components.pollers.items() if poller.try_again()]
        async for name in in_slices((*change.removed, *again), components.clock):
            self.scheduler.remove(name)
        await self._schedule((*change.added, *again))
        # Freed at once, with the last that refers to it, a large configuration would hold the loop.
        await components.running.beside(partial(_free, outgoing))
        return Reloaded(
            len(config.sources) - len(change.added), len(change.added), len(change.removed), len(config.rules)
        )

    async def _schedule(self, names: Iterable[str]) -> None:
        async for name in in_slices(names, self.components.clock):
            due = partial(self.components.pollers[name].due, self._tasks.create_task)
            self.scheduler.add(name, self.components.config.sources[name].schedule, due)


async def _in_time(read: Callable[[], Awaitable[T]]) -> T:
    try:
        async with asyncio.timeout(RELOAD_TIMEOUT):
            return await read()
    except TimeoutError:
        raise ConfigError(
            f"reading the configuration takes longer than {RELOAD_TIMEOUT:.0f} s; does a plugin wait for something "
            "when it is imported?"
        ) from None


def _moves_state(before: Config, after: Config) -> str | None:
    """Why a reload refuses a configuration that names another state; None where it names the same."""
    if after.state.resolve() == before.state.resolve():
        return None
    return (
        f"{after.path}: 'state' is {after.state} now, and this smithd keeps its state in {before.state}: "
        "a reload cannot move it; restart smithd for that"
    )


def _free(parts: list[object]) -> None:
    """Free them one after another, so that other threads have their turns."""
    while parts:
        parts.pop()

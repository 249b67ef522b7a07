"""``smithd run``: the daemon."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smithd.beside import take_turns, without_collector
from smithd.cli.logs.formats import LogZone
from smithd.cli.logs.writing import LogHandler, write_logs
from smithd.cli.options import (
    files_argument,
    log_format_option,
    log_level_option,
    refuse_unknown_sources,
    socket_option,
)
from smithd.cli.progress import progress
from smithd.cli.signals import StopSignals
from smithd.descriptors import RESERVE, raise_limit
from smithd.events import Event, Events, LoopTurned, listen_with_logs

if TYPE_CHECKING:
    from smithd.clock import Clock
    from smithd.config.files import ConfigFiles
    from smithd.config.model import Config
    from smithd.runtime.components import Components


@click.command()
@files_argument
@socket_option
@log_level_option
@log_format_option
def run(config: ConfigFiles, socket: Path | None, log_format: str) -> int:
    """Run the daemon: poll, evaluate rules, and keep the Lock Screen up to date until it is stopped.

    FILE is the configuration (default: smithd.yaml in the current folder). SIGTERM and Ctrl-C stop it within seconds;
    what waits to be sent is on disk. After a change of the configuration,
    'smithd reload' (or SIGHUP) makes it read the file again.
    """
    # What a start makes lives as long as the daemon: searching it for garbage is an eighth of the start's CPU time.
    gc.disable()
    try:
        from smithd.clock import SystemClock
        from smithd.config.load import load

        clock = SystemClock()
        raise_limit()
        loaded = load(config, secrets_required=True)
        refuse_unknown_sources(loaded.sources)
        RESERVE.hold()
        zone = LogZone(lambda: loaded.zone)
        log = write_logs(loaded.redactor, clock, zone, log_format)
        stopped_cleanly, status = clock.run(partial(_run, config, loaded, socket, clock, zone, log))
    finally:
        gc.enable()
    if not stopped_cleanly or threading.active_count() > 1:
        log.close()
        sys.stderr.flush()
        # A plugin's thread that hangs would keep the process from ending, and so would one of a pool that it left.
        os._exit(status)
    return status


async def _run(
    files: ConfigFiles, config: Config, socket: Path | None, clock: Clock, zone: LogZone, log: LogHandler
) -> tuple[bool, int]:
    """Returns whether everything stopped, and the exit status."""
    from smithd import control
    from smithd.config.load import load
    from smithd.config.watch import FileWatch
    from smithd.runtime.daemon import Operator, run
    from smithd.runtime.rereading import Rereading

    stop, reload, loop = asyncio.Event(), asyncio.Event(), asyncio.get_running_loop()
    signals = StopSignals(stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    reread = Rereading(partial(load, replace(files, hint=None), secrets_required=True))
    # The collector need never look at what the start made.
    gc.freeze()
    gc.enable()
    take_turns()
    look = Rereading(FileWatch(files).look)
    operator = Operator(reread, look, reload, socket or control.places(config.path)[0], collector_rests)
    events = Events([listen_with_logs(config.redactor)])
    events.listen(log.tell, LoopTurned)
    with _upgrade_progress(events):
        return await run(config, events, clock, stop, partial(_follow, zone), operator=operator), signals.status


@contextmanager
def _upgrade_progress(events: Events) -> Iterator[None]:
    """A bar while the state is upgraded, if it is, in this block."""
    from smithd.storage.events import StateUpgraded, StateUpgrading

    with ExitStack() as stack:

        def watch(event: Event) -> None:
            if isinstance(event, StateUpgrading):
                stack.enter_context(progress("upgrading the state"))
            elif isinstance(event, StateUpgraded):
                stack.close()

        events.listen(watch)
        yield


async def _follow(zone: LogZone, components: Components) -> None:
    """Have the log's times in the zone of the configuration in use, also after a reload."""
    zone.read = lambda: components.config.zone


@contextmanager
def collector_rests() -> Iterator[None]:
    """A reload makes and drops a whole configuration. To search what is left for garbage would hold the loop for a
    second where it has thousands of sources, and find next to nothing: a configuration has no cycles.
    """
    with without_collector():
        try:
            yield
        finally:
            gc.freeze()

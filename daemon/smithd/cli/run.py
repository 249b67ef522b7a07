"""``smithd run``: the daemon."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smithd.cli.logs import write_logs
from smithd.cli.options import config_option, log_level_option, socket_option
from smithd.events import Events, listen_with_logs

if TYPE_CHECKING:
    from smithd.clock import Clock
    from smithd.config.model import Config


@click.command()
@config_option
@socket_option
@log_level_option
def run(config: Path, socket: Path | None) -> None:
    """Run the daemon: poll, evaluate rules, and keep the Lock Screen up to date until it is stopped.

    SIGTERM and Ctrl-C stop it within seconds; what waits to be sent is on disk. After a change of the configuration,
    'smithd reload' (or SIGHUP) makes it read the file again.
    """
    # What a start makes lives as long as the daemon: searching it for garbage is an eighth of the start's CPU time.
    gc.disable()
    try:
        from smithd.clock import SystemClock
        from smithd.config.load import load

        clock = SystemClock()
        loaded = load(config, secrets_required=True)
        write_logs(loaded.redactor)
        stopped_cleanly = clock.run(partial(_run, loaded, socket, clock))
    finally:
        gc.enable()
    if not stopped_cleanly:
        sys.stderr.flush()
        # A plugin's thread that hangs would keep the process from ending.
        os._exit(0)


async def _run(config: Config, socket: Path | None, clock: Clock) -> bool:
    from smithd import control
    from smithd.config.load import load
    from smithd.plugin.thread import Threads
    from smithd.runtime.daemon import Operator, run

    stop, reload, loop = asyncio.Event(), asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    # In a thread: a large file takes half a second to read, and the code of a plugin is not ours.
    reread = partial(Threads("reload", 1).run, partial(load, config.path, secrets_required=True))
    # The collector need never look at what the start made.
    gc.freeze()
    gc.enable()
    operator = Operator(reread, reload, socket or control.places(config.path)[0], _collect_and_freeze)
    events = Events([listen_with_logs(config.redactor)])
    return await run(config, events, clock, stop, operator=operator)


def _collect_and_freeze() -> None:
    """After a reload: what was frozen may be garbage now, and what is left need not be looked at again."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()

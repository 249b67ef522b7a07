"""``smithd run``: the daemon."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smithd.cli.logs import write_logs
from smithd.cli.options import config_option, log_level_option
from smithd.telemetry import Telemetry, listen_with_logs

if TYPE_CHECKING:
    from smithd.clock import Clock
    from smithd.config.model import Config, WebOptions
    from smithd.runtime import Companion, House


@click.command()
@config_option
@log_level_option
def run(config: Path) -> None:
    """Run the daemon: poll, judge, and keep the Lock Screen truthful until told to stop.

    SIGTERM and Ctrl-C stop it within seconds; what waits to be sent is on disk. After a change of the configuration,
    restart it.
    """
    from smithd.config.load import load

    loaded = load(config, secrets_required=True)
    write_logs(loaded.redactor)
    gc.freeze()  # the configuration lives as long as the daemon: the collector need not look at it again
    stopped_cleanly = asyncio.run(_run(loaded))
    if not stopped_cleanly:
        sys.stderr.flush()
        os._exit(0)  # a plugin's thread that hangs would keep the process from ending


async def _run(config: Config) -> bool:
    from smithd import runtime
    from smithd.clock import SystemClock

    clock = SystemClock()
    telemetry = Telemetry([listen_with_logs(config.redactor)])
    with ExitStack() as cleanup:
        beside = []
        if config.web is not None:
            beside.append(_page(config, config.web, telemetry, clock, cleanup))
        return await runtime.run(config, telemetry, clock, _stop_signals(), *beside)


def _stop_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    warn = logging.getLogger("smithd").warning
    loop.add_signal_handler(signal.SIGHUP, warn, "SIGHUP: the configuration is read at the start only: restart smithd")
    return stop


def _page(config: Config, web: WebOptions, telemetry: Telemetry, clock: Clock, cleanup: ExitStack) -> Companion:
    """The page, its port taken before anything runs."""
    from smithd.serving import bind, serve
    from smithd.web.app import build
    from smithd.web.reads import windows
    from smithd.web.recent import Recent

    recent = Recent(clock, config.redactor)
    telemetry.listen(recent)
    host, port = web.listen
    listener: socket.socket = cleanup.enter_context(bind(host, port))
    token = web.token.get_secret_value() if web.token is not None else None

    async def page(house: House) -> None:
        await serve(build(windows(config, house.outbox, clock, recent), host=host, token=token), listener)

    return page

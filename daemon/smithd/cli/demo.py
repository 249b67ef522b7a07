"""``smithd demo``: shows smithd with a simulated shop and phone."""

from __future__ import annotations

import asyncio
import signal

import click


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8787, show_default=True, help="The page's port.")
@click.option(
    "--once-through",
    is_flag=True,
    help="End after one minute; exit status 0 only if a widget changed, a Live Activity appeared, "
    "and an alert arrived and was resolved.",
)
def demo(port: int, once_through: bool) -> int:
    """Run a demonstration on this machine: a small shop, a simulator of the service, smithd, and the Lock Screen.

    No account and no phone are needed, and nothing leaves this machine.
    """
    return 0 if asyncio.run(_demo(port, once_through)) else 1


async def _demo(port: int, once_through: bool) -> bool:
    from smithd.demo.demo import run

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return await run(port, once_through, stop)

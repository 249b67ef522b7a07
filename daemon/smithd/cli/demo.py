"""``smithd demo``: shows smithd with a simulated shop and phone."""

from __future__ import annotations

import asyncio

import click

from smithd.cli.signals import StopSignals


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
    return asyncio.run(_demo(port, once_through))


async def _demo(port: int, once_through: bool) -> int:
    from smithd.demo.demo import run

    stop = asyncio.Event()
    signals = StopSignals(stop.set)
    was_seen = await run(port, once_through, stop)
    return signals.status or (0 if was_seen else 1)

"""``smithd simulator``: the stand-in for ActivitySmith on a port, a line for each request."""

from __future__ import annotations

import asyncio
import signal
import socket
from datetime import datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from smithd.simulator.exchange import Seen
    from smithd.simulator.service import Service

FORMATS = ("number", "currency", "percent", "unit", "string")


class Address(click.ParamType[tuple[str, int]]):
    """HOST:PORT, an IPv6 host in brackets."""

    name = "HOST:PORT"

    def convert(
        self, value: str | tuple[str, int], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        host, _, port = value.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
            self.fail(f"expected HOST:PORT like 127.0.0.1:8788, not {value!r}", param, ctx)
        return host.removeprefix("[").removesuffix("]"), int(port)


class MetricFormat(click.ParamType[tuple[str, str]]):
    """KEY=FORMAT, the key as the API takes it."""

    name = "KEY=FORMAT"

    def convert(
        self, value: str | tuple[str, str], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        from smithd.simulator import contract
        from smithd.simulator.exchange import Refused

        key, _, form = value.partition("=")
        if form not in FORMATS:
            self.fail(f"expected KEY=FORMAT with a format of {', '.join(FORMATS)}, not {value!r}", param, ctx)
        try:
            contract.path_param("key", key)
        except Refused as refusal:
            self.fail(refusal.note, param, ctx)
        return key, form


@click.command()
@click.option(
    "--listen", "address", type=Address(), default="127.0.0.1:8788", show_default=True, help="Where to listen."
)
@click.option("--key", default="ask_test", show_default=True, help="The API key it accepts.")
@click.option("--create-metrics", is_flag=True, help="Create a metric when its first value comes, instead of 404.")
@click.option("--metric", "metrics", type=MetricFormat(), multiple=True, help="A metric that exists; repeat for more.")
@click.option(
    "--rate-limits",
    type=click.Choice(["separate", "shared"]),
    default="separate",
    show_default=True,
    help="The newer limits (push 60, badge 60, Live Activities 300, metrics 300 a minute), or the older shared 60.",
)
@click.option(
    "--live-activities", type=click.IntRange(1), default=5, show_default=True, help="Live Activities a phone can hold."
)
def simulator(
    address: tuple[str, int],
    key: str,
    create_metrics: bool,
    metrics: tuple[tuple[str, str], ...],
    rate_limits: str,
    live_activities: int,
) -> None:
    """Stand in for the ActivitySmith service on this machine.

    It takes what the real service is documented to take, refuses everything else, and prints a line for each request.
    Point smithd at it with 'base_url: http://127.0.0.1:8788/api' and the key of --key.
    """
    from smithd.serving import bind
    from smithd.simulator.limits import RateMode
    from smithd.simulator.service import Service
    from smithd.simulator.state import Format, Metric, State

    state = State(
        keys={key: None},
        metrics={name: Metric(name, Format(form)) for name, form in metrics},
        creates_metrics=create_metrics,
        rate_mode=RateMode(rate_limits),
        device_limit=live_activities,
    )
    listener = bind(*address, "Choose another address with --listen HOST:PORT.")
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"Standing in for ActivitySmith on http://{shown}:{port}/api; Ctrl+C ends it.")
    asyncio.run(_serve(Service(state, on_request=_print), listener))


async def _serve(service: Service, listener: socket.socket) -> None:
    from smithd.clock import SystemClock
    from smithd.serving import serve
    from smithd.simulator.app import application

    serving = asyncio.ensure_future(serve(application(service, SystemClock()), listener))
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, serving.cancel)
    await asyncio.wait([serving])
    if not serving.cancelled():
        serving.result()


def _print(seen: Seen) -> None:
    click.echo(f"{datetime.fromtimestamp(seen.at):%H:%M:%S}  {seen}")

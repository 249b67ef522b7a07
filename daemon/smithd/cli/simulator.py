"""``smithd simulator``: a simulator of the ActivitySmith service, which prints a line for each request."""

from __future__ import annotations

import asyncio
import os
import re
import socket
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from smithd.cli.signals import StopSignals

if TYPE_CHECKING:
    from smithd.simulator.service import Service

FORMATS = ("number", "currency", "percent", "unit", "string")
DEFAULT_KEY = "ask_test"
DETAILS = {"currency": "currency", "unit": "unit"}


# click may hand over a value that was converted already, so each of these types returns those as they are.


class HostAndPort(click.ParamType[tuple[str, int]]):
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


class MetricFormat(click.ParamType[tuple[str, dict[str, str]]]):
    """KEY=FORMAT, and after a colon the currency's code or the unit."""

    name = "KEY=FORMAT"

    def convert(
        self, value: str | tuple[str, dict[str, str]], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, dict[str, str]]:
        if isinstance(value, tuple):
            return value
        key, _, form = value.partition("=")
        form, colon, detail = form.partition(":")
        if form not in FORMATS or (colon and form not in DETAILS):
            formats = ", ".join(FORMATS)
            self.fail(
                f"expected KEY=FORMAT with a format of {formats}, currency:EUR or unit:ms, not {value!r}", param, ctx
            )
        return key, {"format": form} | ({DETAILS[form]: detail} if colon else {})


class JsonObject(click.ParamType[dict[str, Any]]):
    """A JSON object."""

    name = "JSON"

    def convert(
        self, value: str | dict[str, Any], param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        from smithd.simulator.body import parse

        try:
            return parse(os.fsencode(value))
        except ValueError as error:
            self.fail(f"{value!r} is {error}", param, ctx)


class ScopedKey(click.ParamType[tuple[str, Any]]):
    """KEY, or KEY=CHANNEL,CHANNEL."""

    name = "KEY[=CHANNEL,...]"

    def convert(
        self, value: str | tuple[str, Any], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Any]:
        if isinstance(value, tuple):
            return value
        key, equals, channels = value.partition("=")
        if "=" in channels:
            # A key may contain a = itself; where such a key ends is not to be guessed.
            self.fail("channels follow the first =; put a key that contains = into the file of --account", param, ctx)
        return key, [slug for slug in channels.split(",") if slug] if equals else "all"


class Key(click.ParamType[str]):
    """A key that can stand in a header."""

    name = "KEY"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.fullmatch("[!-~]+", value):
            self.fail("expected a key of printable ASCII characters, without blanks", param, ctx)
        return value


class Moment(click.ParamType[datetime]):
    """A moment as ISO 8601 has it, with its offset from UTC."""

    name = "TIME"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            self.fail(f"expected a time like 2026-11-26T12:00:00Z, not {value!r}", param, ctx)
        return moment


@click.command()
@click.option(
    "--listen", "address", type=HostAndPort(), default="127.0.0.1:8788", show_default=True, help="Where to listen."
)
@click.option(
    "--key",
    "keys",
    type=ScopedKey(),
    multiple=True,
    help=f"An API key it accepts, and the channels it is limited to; repeat for more.  [default: {DEFAULT_KEY}]",
)
@click.option(
    "--create-metrics",
    is_flag=True,
    default=None,
    help="Create a metric with its first value, instead of answering 404.",
)
@click.option(
    "--metric",
    "metrics",
    type=MetricFormat(),
    multiple=True,
    help="A metric that exists, like shop.revenue=currency:EUR; repeat for more.",
)
@click.option(
    "--account",
    "account_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="A JSON file with metrics, channels, devices and more, as the control API takes it. Options win over it.",
)
@click.option(
    "--rate-limits",
    type=click.Choice(["separate", "shared", "off"]),
    help="The newer limits (push 60, badge 60, Live Activities 300, metrics 300 a minute; the default), the older "
    "shared 60, or none.",
)
@click.option(
    "--live-activities", "device_limit", type=click.IntRange(1), help="Live Activities a phone can hold.  [default: 5]"
)
@click.option(
    "--when-full",
    type=click.Choice(["refuse", "evict"]),
    help="What a legacy start does when a phone has no free slot: get 429 (the default), or end the oldest activity.",
)
@click.option(
    "--null-channels/--no-null-channels",
    default=None,
    help="Whether effective_channel_slugs is null for the whole account (the default), which the Python SDK 1.14 "
    "cannot read in the badge's answer, or an empty list.",
)
@click.option(
    "--fault",
    "faults",
    type=JsonObject(),
    multiple=True,
    help="""A fault to start with, like '{"on": "badge", "status": 503, "times": 2}'; repeat for more.""",
)
@click.option(
    "--clock",
    "starts_at",
    type=Moment(),
    help="The simulator's time at its start, like 2026-11-26T12:00:00Z.",
)
@click.option(
    "--control-key", type=Key(), help="Let other machines see the page and use the control API with this key."
)
def simulator(
    address: tuple[str, int],
    keys: tuple[tuple[str, Any], ...],
    metrics: tuple[tuple[str, dict[str, str]], ...],
    account_file: Path | None,
    faults: tuple[dict[str, Any], ...],
    starts_at: datetime | None,
    control_key: str | None,
    **settings: Any,
) -> int:
    """Simulate the ActivitySmith service on this machine.

    It accepts what the real service is documented to accept, refuses everything else, and prints a line for each
    request. Point smithd at it with 'base_url: http://127.0.0.1:8788/api' and the key of --key. Open its address in a
    browser to see the phone. docs/simulator.md describes faults and the control API.
    """
    from smithd.serving import bind

    # An option that was not given must not override the account's file.
    given = {name: value for name, value in settings.items() if value is not None}
    in_file = {} if account_file is None else _read(account_file)
    service = _service(
        {
            "--account": in_file,
            "--key": {"keys": dict(keys)},
            "--metric": {"metrics": dict(metrics)},
            "the options": given,
        },
        faults,
        starts_at,
    )
    listener = bind(*address, "Choose another address with --listen HOST:PORT.")
    host, port = listener.getsockname()[:2]
    base_url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    click.echo(f"Simulating ActivitySmith on {base_url}/api; the phone is on {base_url}. Ctrl+C ends it.")
    return asyncio.run(_serve(service, listener, control_key))


def _read(file: Path) -> Any:
    from smithd.simulator.body import parse

    try:
        return parse(file.read_bytes())
    except OSError as error:
        _mistake("--account", f"{file} cannot be read: {error.strerror}")
    except ValueError as error:
        _mistake("--account", f"{file} is {error}")


def _service(documents: dict[str, Any], faults: Iterable[dict[str, Any]], starts_at: datetime | None) -> Service:
    """The service with the account that the documents describe; a later one wins. Each has the name of its option."""
    from smithd.clock import SystemClock
    from smithd.simulator import account
    from smithd.simulator.control import FARTHEST
    from smithd.simulator.exchange import Refused
    from smithd.simulator.service import Service
    from smithd.simulator.state import ServiceState

    state, flag, at = ServiceState(), "", SystemClock().now()
    ahead = 0.0 if starts_at is None else starts_at.timestamp() - at
    if abs(ahead) > FARTHEST:
        _mistake("--clock", "expected a time within a century of now")
    try:
        for flag, document in documents.items():  # noqa: B007 - named in the error
            state = account.change(state, document, at + ahead)
        # After the documents: the account's file may bring keys of its own.
        state.keys = state.keys or {DEFAULT_KEY: None}
        service = Service(
            state,
            on_request=lambda seen: click.echo(f"{datetime.fromtimestamp(seen.at):%Y-%m-%d %H:%M:%S}  {seen}"),
            ahead=ahead,
        )
        flag = "--fault"
        for fault in faults:
            service.faults.order(fault)
    except Refused as refusal:
        _mistake(flag, refusal.note)
    return service


def _mistake(flag: str, what: str) -> NoReturn:
    raise click.BadParameter(what, param_hint=f"'{flag}'")


async def _serve(service: Service, listener: socket.socket, control_key: str | None) -> int:
    """Returns the exit status."""
    from smithd.clock import SystemClock
    from smithd.serving import serve
    from smithd.simulator.app import application

    zone = datetime.fromtimestamp(SystemClock().now()).astimezone().tzinfo
    assert zone is not None
    # A task of its own, so that a signal cancels the serving only.
    serving = asyncio.ensure_future(serve(application(service, SystemClock(), zone, control_key), listener))
    signals = StopSignals(serving.cancel)
    # Unlike await, this does not raise what the task ended with.
    await asyncio.wait([serving])
    if not serving.cancelled():
        serving.result()
    return signals.status

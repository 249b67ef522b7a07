"""``smithd once``: one poll of each source, and what it would mean for the phone."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smithd.cli.logs import write_logs
from smithd.cli.options import config_option, log_level_option
from smithd.cli.state import copied

if TYPE_CHECKING:
    from smithd.alerts.state import Alert
    from smithd.config.model import Config
    from smithd.outbox.message import Message
    from smithd.poll.intake import Poll
    from smithd.runtime.house import House

SENDING = 30.0
"""Seconds that ``--send`` may take."""


@click.command()
@config_option
@log_level_option
@click.option("--send", is_flag=True, help="Really send it, and remember it in the state.")
def once(config: Path, send: bool) -> int:
    """Poll each source once; print the readings, the alerts, and what would be sent.

    Without --send nothing is sent and nothing is remembered: it works on a copy of the state, beside a daemon too.
    Exit status 1 where a source failed or something could not be sent.
    """
    from smithd.config.load import load

    loaded = load(config, secrets_required=True)
    write_logs(loaded.redactor)
    with tempfile.TemporaryDirectory(prefix="smithd-once-") as folder:
        state = loaded.state if send else copied(loaded.state, Path(folder) / "state.db")
        complete = asyncio.run(_once(loaded, state, send))
    return 0 if complete else 1


async def _once(config: Config, state: Path, send: bool) -> bool:
    from smithd.clock import SystemClock
    from smithd.database import Database
    from smithd.runtime.house import House
    from smithd.telemetry import SurfaceHeld, Telemetry

    held: list[str] = []
    telemetry = Telemetry([lambda fact: held.append(str(fact)) if isinstance(fact, SurfaceHeld) else None])
    clock = SystemClock()
    async with House(config, telemetry, clock, Database.open(state)) as house:
        polls = await asyncio.gather(*(poller.poll_once() for poller in house.pollers.values()))
        for poll in polls:
            house.engine.ingest(poll)
        house.engine.tick(clock.now())
        messages = house.outbox.messages()
        report = {
            "Readings": list(_readings(polls)),
            "Alerts": [_alert(alert) for alert in house.engine.alerts] or ["none: every rule is clear"],
            "To send" if send else "Would be sent": [_message(message) for message in messages] or ["nothing"],
            "Held": held,
        }
        for heading, lines in report.items():
            _print(heading, map(config.redactor.clean, lines))
        sent = await _send(house) if send else True
    return sent and not any(poll.failure for poll in polls)


async def _send(house: House) -> bool:
    """Send what is due now; whether all of it was accepted in good time."""
    from smithd.telemetry import Accepted, DeliveryBlocked, Fact, SendDelayed, SendDropped

    failed: list[Fact] = []
    refused = asyncio.Event()

    def watch(fact: Fact) -> None:
        if isinstance(fact, Accepted | SendDelayed | SendDropped | DeliveryBlocked):
            click.echo(f"  {house.config.redactor.clean(str(fact))}")
        if isinstance(fact, SendDelayed | SendDropped | DeliveryBlocked):
            failed.append(fact)
        if isinstance(fact, DeliveryBlocked):
            refused.set()  # waiting would not help

    house.telemetry.listen(watch)
    click.echo("Sent")
    sending = asyncio.create_task(house.sender.run())
    deadline = house.clock.monotonic() + SENDING
    while _is_busy(house) and house.clock.monotonic() < deadline and not (refused.is_set() or sending.done()):
        await house.clock.sleep(0.02)
    complete = not _is_busy(house)
    sending.cancel()
    with suppress(asyncio.CancelledError):
        await sending
    if left := house.outbox.waiting():
        click.echo(f"  {left} more wait for their time, or for the service; the daemon will send them")
    return complete and not failed


def _is_busy(house: House) -> bool:
    """Whether something is on its way, or could be."""
    on_its_way = house.outbox.waiting() > len(house.outbox.messages())
    return on_its_way or any(house.outbox.ready(house.clock.now()))


def _print(heading: str, lines: Iterable[str]) -> None:
    for number, line in enumerate(lines):
        text = line if line.isprintable() else "".join(letter if letter.isprintable() else " " for letter in line)
        click.echo(f"  {text}" if number else f"{heading}\n  {text}")
    click.echo()


def _readings(polls: Iterable[Poll]) -> Iterable[str]:
    from smithd.alerts.figures import number

    for poll in polls:
        for reading in poll.readings:
            yield f"{reading.series} = {number(reading.value)}"
        if poll.failure:
            yield f"{poll.source}: {poll.failure}"
        elif not poll.readings:
            yield f"{poll.source}: no values"


def _alert(alert: Alert) -> str:
    labels = str(alert.series)[len(alert.series.metric) :]
    metric = alert.series.metric or "its expression"
    value = f"{metric} is {alert.value:g}" if alert.value is not None and not alert.cause else "no data"
    return f"{alert.rule}{labels}: {alert.severity or 'pending'} ({value})"


def _message(message: Message) -> str:
    import json

    body = json.dumps(message.content, ensure_ascii=False)
    return f"{message.kind} {message.name}: {body}"

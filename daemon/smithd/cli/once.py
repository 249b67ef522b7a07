"""``smithd once``: polls each source once, and shows what would be sent to the phone."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from smithd.cli.logs.formats import LogZone
from smithd.cli.logs.writing import write_logs
from smithd.cli.options import (
    files_argument,
    format_option,
    log_format_option,
    log_level_option,
    print_json,
    print_line,
    refuse_unknown_sources,
)
from smithd.cli.progress import Advance, progress
from smithd.cli.state_file import copied
from smithd.descriptors import raise_limit
from smithd.suggestion import did_you_mean

if TYPE_CHECKING:
    from smithd.alerts.alert import Alert
    from smithd.alerts.rule import Rule
    from smithd.config.files import ConfigFiles
    from smithd.config.model import Config
    from smithd.outbox.message import Message
    from smithd.poll.intake import Poll
    from smithd.poll.poller import Poller
    from smithd.redactor import Redactor
    from smithd.runtime.components import Components

SENDING = 30.0
"""Seconds that ``--send`` may take."""


@click.command()
@files_argument
@log_level_option
@log_format_option
@click.option("--send", is_flag=True, help="Send it, and keep it in the state.")
@click.option("--source", metavar="NAME", help="Poll this source only.")
@format_option
def once(config: ConfigFiles, send: bool, source: str | None, output: str, log_format: str) -> int:
    """Poll each source once; print the samples, the alerts, and what would be sent.

    FILE is the configuration (default: smithd.yaml in the current folder).
    Without --send nothing is sent and nothing is kept: it works on a copy of the state, also while a daemon runs, and
    needs no API key.
    Exit status 1 if a source failed or something could not be sent.
    """
    from smithd.clock import SystemClock
    from smithd.config.load import load, load_sources
    from smithd.runtime.state import state_file

    raise_limit()
    loaded = load(config, secrets_required=True) if send else load_sources(config)
    if source is not None and source not in loaded.sources:
        hint = did_you_mean(source, loaded.sources) or f"there are: {', '.join(loaded.sources) or 'none'}"
        raise click.UsageError(f"There is no source '{source}'; {hint}")
    refuse_unknown_sources(loaded.sources)
    write_logs(loaded.redactor, SystemClock(), LogZone(lambda: loaded.zone), log_format)
    with tempfile.TemporaryDirectory(prefix="smithd-once-") as folder:
        copy = None if send else copied(state_file(loaded), Path(folder) / "state.db")
        sources = [source] if source is not None else list(loaded.sources)
        complete = asyncio.run(_once(loaded, copy, sources, output))
    return 0 if complete else 1


async def _once(config: Config, copy: Path | None, sources: Collection[str], output: str) -> bool:
    """Poll these sources. Work on a copy of the state; without one, on the state itself, and then send the messages.

    Returns whether every poll, and everything that was to be sent, succeeded.
    """
    from smithd.clock import SystemClock
    from smithd.events import Event, Events, SamplesRefused, SurfaceNotRenderable
    from smithd.runtime.components import Components
    from smithd.runtime.state import open_state
    from smithd.storage.database import Database

    refused: list[str] = []
    not_renderable: list[str] = []

    def watch(event: Event) -> None:
        if isinstance(event, SamplesRefused):
            refused.append(event.reason)
        if isinstance(event, SurfaceNotRenderable):
            not_renderable.append(str(event))

    events = Events([watch])
    clock = SystemClock()
    # Only the state itself takes over one of an earlier version; a copy was made of that one already.
    database = open_state(config, events) if copy is None else Database.open(copy, config.path)
    async with Components(config, events, clock, database) as components:
        with progress("polling", len(sources)) as advance:
            polls = await asyncio.gather(*(_poll(components.pollers[name], advance) for name in sources))
        for poll in polls:
            components.writer.put(poll)
        await components.writer.catch_up()
        messages = components.engine.state.outbox.messages()
        report = {
            "Samples": [line for poll in polls for line in _samples(poll, config.sources[poll.source].metrics)],
            "Refused": refused,
            "Alerts": list(_alerts(components, polls)),
            "Would be sent" if copy else "To send": [_message(message) for message in messages] or ["nothing"],
            "Not renderable": not_renderable,
        }
        found = _as_json(components, polls, refused, not_renderable)
        if output == "text":
            _print(report, config.redactor)
        said: list[str] = []
        sent = True if copy else await _send(components, click.echo if output == "text" else said.append)
        if output == "json":
            print_json(config.redactor.clean_all(found | {"sent": [line.strip() for line in said[1:]]}))
    return sent and not any(poll.failure for poll in polls)


def _print(report: Mapping[str, Sequence[str]], redactor: Redactor) -> None:
    for heading, lines in report.items():
        if not lines:
            continue
        click.echo(heading)
        for line in map(redactor.clean, lines):
            print_line(f"  {line}")
        click.echo()


def _as_json(
    components: Components, polls: Sequence[Poll], refused: Sequence[str], not_renderable: Sequence[str]
) -> dict[str, Any]:
    """What was found, for programs; what is sent comes after it."""
    rules, alerts = components.engine.setup.rules.by_name, components.engine.alerts
    unknown = _not_known(components, polls)
    return {
        "samples": [
            {"metric": each.series.metric, "labels": dict(each.series.labels), "value": each.value}
            for poll in polls
            for each in poll.samples
        ],
        "failures": [{"source": poll.source, "reason": str(poll.failure)} for poll in polls if poll.failure],
        "refused": list(refused),
        "alerts": [
            {
                "rule": alert.rule,
                "labels": dict(alert.labels),
                "state": "pending" if alert.severity is None else "firing",
                "severity": alert.severity,
                "value": alert.value,
            }
            for alert in alerts
        ],
        "not_known": [{"rule": name, "reason": reason} for name, reason in unknown.items()],
        "clear": sorted(rules.keys() - unknown.keys() - {alert.rule for alert in alerts}),
        "messages": [_message_as_json(message) for message in components.engine.state.outbox.messages()],
        "not_renderable": list(not_renderable),
    }


async def _poll(poller: Poller, advance: Advance) -> Poll:
    polled = await poller.poll_once()
    advance(1)
    return polled


async def _send(components: Components, say: Callable[[str], None]) -> bool:
    """Send what is due now, and say what became of it; whether all of it was accepted in time."""
    from smithd.events import DeliveryBlocked, Event, SendAccepted, SendDelayed, SendDropped

    failed: list[Event] = []
    blocked: set[str] = set()

    def watch(event: Event) -> None:
        if isinstance(event, SendAccepted | SendDelayed | SendDropped | DeliveryBlocked):
            say(f"  {components.config.redactor.clean(str(event))}")
        if isinstance(event, SendDelayed | SendDropped | DeliveryBlocked):
            failed.append(event)
        if isinstance(event, DeliveryBlocked):
            # Waiting does not help: what is blocked is tried again minutes later.
            blocked.add(event.account)

    components.events.listen(watch)
    say("Sent")
    sending = asyncio.create_task(components.running.send())
    deadline = components.clock.monotonic() + SENDING
    while _is_busy(components, blocked) and components.clock.monotonic() < deadline and not sending.done():
        await components.clock.sleep(0.02)
    complete = not _is_busy(components)
    sending.cancel()
    with suppress(asyncio.CancelledError):
        await sending
    if left := components.engine.state.outbox.count():
        say(f"  {left} more wait until they are due, or for the service; the daemon will send them")
    return complete and not failed


def _is_busy(components: Components, blocked: Collection[str] = ()) -> bool:
    """Whether something is in flight, or ready to go, to an account that is not blocked."""
    from smithd.outbox.queue import fill_lanes

    outbox = fill_lanes(components.engine.state.outbox, components.clock.now())
    in_flight = {key.account for key in outbox.claimed}
    ready = {lane.account for lane, waiting in outbox.lanes.items() if waiting}
    return not (in_flight | ready).issubset(blocked)


def _samples(poll: Poll, metrics: Collection[str]) -> Iterable[str]:
    """What a poll brought, then what it did not bring of the ``metrics`` that its source has."""
    from smithd.formatting import number

    for sample in poll.samples:
        yield f"{sample.series} = {number(sample.value)}"
    found = {sample.series.metric for sample in poll.samples}
    # Of a poll that failed altogether, the failure says it.
    if found or not poll.failure:
        yield from (
            f"{metric}: no value" for name in sorted(metrics) if (metric := f"{poll.source}.{name}") not in found
        )
    if poll.failure:
        yield f"{poll.source}: {poll.failure}"


def _alerts(components: Components, polls: Sequence[Poll]) -> Iterable[str]:
    """The alerts; the rules of which nothing is known, and why; and whether all others are clear."""
    alerts, rules = components.engine.alerts, components.engine.setup.rules.by_name
    yield from map(_alert, alerts)
    unknown = _not_known(components, polls)
    yield from (f"{name}: not known, {reason}" for name, reason in unknown.items())
    if not rules:
        yield "none: the configuration has no rules"
    elif not alerts and not unknown:
        yield "none: every rule is clear"
    elif clear := rules.keys() - unknown.keys() - {alert.rule for alert in alerts}:
        yield f"clear: {', '.join(sorted(clear))}"


def _not_known(components: Components, polls: Sequence[Poll]) -> dict[str, str]:
    """The rules of which nothing is known, and why."""
    rules = components.engine.setup.rules.by_name
    reasons = {name: _unknown(rule, components, polls) for name, rule in rules.items()}
    return {name: reason for name, reason in reasons.items() if reason is not None}


def _unknown(rule: Rule, components: Components, polls: Sequence[Poll]) -> str | None:
    """Why these polls do not say whether a rule's condition holds; None where they do."""
    series, expected = components.engine.state.series, components.engine.setup.expected
    polled = {poll.source: poll for poll in polls}
    for metric in sorted(rule.metrics):
        for source in sorted(expected.sources_of(metric)):
            if source not in polled:
                return f"since {source} was not polled"
            if not series.samples(metric) and not polled[source].is_complete:
                return (
                    f"since {source} failed" if polled[source].failure else f"since the answer of {source} is partial"
                )
        if series.samples(metric) and not series.fresh(metric, components.clock.now()):
            return f"since the newest value of {metric} is too old"
        # An expression, and what is clear where an answer lacks it, hold or not without a value too.
        if rule.when is None and metric not in rule.clear_when_empty and not series.samples(metric):
            return f"since {metric} has no value"
    return None


def _alert(alert: Alert) -> str:
    labels = str(alert.series)[len(alert.series.metric) :]
    metric = alert.series.metric or "its expression"
    value = f"{metric} is {alert.value:g}" if alert.value is not None and not alert.cause else "no data"
    return f"{alert.rule}{labels}: {alert.severity or 'pending'} ({value})"


def _message(message: Message) -> str:
    import json

    found = _message_as_json(message)
    return f"{found['subject']}{' ends' if found['ends'] else ''}: {json.dumps(found['content'], ensure_ascii=False)}"


def _message_as_json(message: Message) -> dict[str, Any]:
    """A message: what it is about, whether that ends, and a value or a content."""
    from dataclasses import asdict

    from smithd.outbox.message import ActivityEnd, BadgeCount, WidgetValue

    about = {"subject": message.key.subject, "account": message.key.account, "ends": isinstance(message, ActivityEnd)}
    match message:
        case WidgetValue(value=value) | BadgeCount(count=value):
            return about | {"content": value}
    content = {name: part for name, part in asdict(message.content).items() if part is not None}
    return about | {"content": content}

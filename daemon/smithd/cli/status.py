"""``smithd status``: what the running daemon knows now."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from shutil import get_terminal_size
from threading import Event
from typing import Any

import click

from smithd.cli.columns import (
    BAD,
    FAINT,
    GOOD,
    HEADING,
    PLAIN,
    WARNING,
    Cell,
    Output,
    Row,
    aligned,
    painted,
    standard_output,
)
from smithd.cli.options import ask, config_argument, format_option, print_json, socket_option
from smithd.cli.times import zone_lines
from smithd.errors import ControlError
from smithd.formatting import counted, duration, labels_text, time_of_answer
from smithd.keys import DEFAULT_ACCOUNT

Found = Mapping[str, Any]
"""A part of the daemon's status, as JSON has it."""

MOST = 50
"""How many rows of a section the text lists, those with trouble first."""

EVERY = 2.0
"""Seconds between two drawings with ``--watch``."""

_ENTER, _LEAVE = "\033[?1049h\033[?25l", "\033[?25h\033[?1049l"
"""The terminal's other screen, without a cursor; and back."""
_HOME, _TO_END_OF_LINE, _TO_END = "\033[H", "\033[K", "\033[J"

_STYLES = {
    "up": GOOD,
    "failing": BAD,
    "silent": BAD,
    "unseen": WARNING,
    "critical": BAD,
    "warning": WARNING,
    "pending": WARNING,
    "recovering": GOOD,
}


@click.command()
@config_argument
@socket_option
@format_option
@click.option("-w", "--watch", is_flag=True, help="Draw it again every 2 s, until Ctrl-C.")
def status(config: Path, socket: Path | None, output: str, watch: bool) -> None:
    """Show how the running daemon is: sources, alerts, surfaces, delivery, and its state.

    Exit status 1 where no daemon runs with this configuration file.
    """
    if watch:
        if output == "json" or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
            raise click.UsageError("--watch draws on a terminal, and text only; without it, the status is printed once")
        _watch(lambda: ask(config, socket, "status"))
        return
    found = ask(config, socket, "status")
    if output == "json":
        print_json(found)
        return
    for line in _text(found, standard_output()):
        click.echo(line, color=True)


def _watch(asked: Callable[[], Found]) -> None:
    """Draw the status again and again, on a screen of its own. A daemon that is restarted meanwhile is waited for."""
    # Where none runs at first, that is the answer.
    lines = list(_text(asked(), standard_output()))
    try:
        click.echo(_ENTER, nl=False, color=True)
        while True:
            high = get_terminal_size().lines
            left = len(lines) - high + 1
            shown = [*lines[: high - 1], f"({left} more lines)"] if left > 1 else lines
            drawn = f"{_TO_END_OF_LINE}\r\n".join(shown)
            click.echo(f"{_HOME}{drawn}{_TO_END_OF_LINE}{_TO_END}", nl=False, color=True)
            Event().wait(EVERY)
            try:
                lines = list(_text(asked(), standard_output()))
            except ControlError as error:
                lines = [painted(Cell(line, WARNING), standard_output()) for line in str(error).split("\n")]
    except KeyboardInterrupt:
        pass
    finally:
        click.echo(_LEAVE, nl=False, color=True)


def _text(found: Found, out: Output) -> Iterator[str]:
    """The status for a person, in lines."""
    now = datetime.fromisoformat(found["at"])
    for cell in _heading(found, now):
        yield painted(cell, out)
    yield from zone_lines(found)
    alerts = [*_problems(found), *(_alert(each, now) for each in _worst_first(found))]
    yield from _section("Alerts", alerts, out, columns=("", "", "for", "value", ""))
    sources = [_source(each, now) for each in _down_first(found)]
    yield from _section("Sources", sources, out, _healths(found), columns=("", "", "for", "answered", "next poll", ""))
    surfaces = [_surface(each, now) for each in found["surfaces"]]
    yield from _section("Surfaces", surfaces, out, columns=("", "shows", "for", "", ""))
    if found["silences"]:
        yield from _section("Silences", [_silence(each, now) for each in found["silences"]], out)
    yield from _section("Delivery", [row for each in found["accounts"] for row in _account(each, now)], out)
    yield from _section("State", [_state(found["state"], now)], out)


def _section(
    title: str, rows: Sequence[Row], out: Output, about: str = "", columns: Sequence[str] = ()
) -> Iterator[str]:
    """A part of the status; ``columns``: what stands above those of its rows."""
    yield ""
    yield painted(Cell(title, HEADING), out) + (f": {about}" if about else "")
    above = [[Cell(name, FAINT) for name in columns]] if columns else []
    yield from aligned([*above, *rows[:MOST]], out) if rows else ["  none"]
    if len(rows) > MOST:
        yield f"  and {len(rows) - MOST} more (--format json has them)"


def _heading(found: Found, now: datetime) -> Iterator[Cell]:
    state = found["state"]
    if found["degraded"]:
        yield Cell(
            f"DEGRADED for {_ago(state['failing_since'], now)}: the state cannot be written ({state['reason']})", BAD
        )
    yield Cell(f"smithd {found['version']}, running for {_ago(found['started_at'], now)} with {found['configuration']}")
    if (reload := found["last_reload"]) is not None:
        when = f"last reload {_ago(reload['reloaded_at'], now)} ago"
        yield Cell(f"{when}: refused; 'smithd reload' shows why", BAD) if reload["refused"] else Cell(f"{when}: taken")


def _problems(found: Found) -> Iterator[Row]:
    for rule in found["rules"]:
        if rule["problem"]:
            yield [Cell(rule["name"]), Cell("not evaluated", BAD), Cell(""), Cell(""), Cell(rule["problem"])]


def _worst_first(found: Found) -> list[Found]:
    rank = {"critical": 0, "warning": 1, "info": 2}
    return sorted(found["alerts"], key=lambda alert: rank.get(alert["severity"], 3))


def _alert(alert: Found, now: datetime) -> Row:
    severity, state = alert["severity"] or "", alert["state"]
    until = f" until {_clock(alert['suppressed_until'], now)}" if alert["suppressed_until"] else ""
    return [
        Cell(alert["rule"] + labels_text(alert["labels"].items())),
        Cell(f"{state} {severity}".rstrip(), _STYLES.get(state) or _STYLES.get(severity, PLAIN)),
        Cell(_ago(alert["since"], now)),
        Cell("" if alert["value"] is None else f"{alert['value']:g}"),
        Cell(f"{alert['suppressed_why']}{until}", WARNING),
    ]


def _healths(found: Found) -> str:
    counts = Counter(source["health"] for source in found["sources"])
    return ", ".join(f"{count} {health}" for health, count in sorted(counts.items()))


def _down_first(found: Found) -> list[Found]:
    return sorted(found["sources"], key=lambda source: source["health"] == "up")


def _source(source: Found, now: datetime) -> Row:
    health = source["health"]
    said = [source["reason"]] if source["reason"] else []
    said += [f"not polled before {_clock(source['put_off_until'], now)}"] if source["put_off_until"] else []
    said += [f"{counted(source['polls_skipped'], 'poll')} skipped"] if source["polls_skipped"] else []
    said += [f"{counted(source['answers_dropped'], 'answer')} dropped"] if source["answers_dropped"] else []
    answered, due = source["answered_at"], source["next_poll_at"]
    return [
        Cell(source["name"]),
        Cell(health, _STYLES.get(health, PLAIN)),
        Cell(_ago(source["since"], now)),
        Cell(f"{_ago(answered, now)} ago" if answered else "never", FAINT),
        Cell(f"in {_ahead(due, now)}" if due else "", FAINT),
        Cell("; ".join(said)),
    ]


def _surface(surface: Found, now: datetime) -> Row:
    kind = {"live_activity": "activity"}.get(surface["kind"], surface["kind"])
    account = "" if surface["account"] == DEFAULT_ACCOUNT else f" of {surface['account']}"
    shown, desired = surface["shown"], surface["desired"]
    said = [f"should show {desired}"] if desired is not None and desired != shown else []
    until = f", until {_clock(surface['waiting_until'], now)}" if surface["waiting_until"] else ""
    said += [f"{surface['waiting_why']}{until}"] if surface["waiting_why"] else []
    said += [surface["rank"]] if surface["rank"] else []
    return [
        Cell(f"{kind} {surface['name']}".rstrip() + account),
        Cell("not shown" if shown is None else str(shown), FAINT if shown is None else PLAIN),
        Cell(_ago(surface["shown_at"], now)),
        Cell("stale" if surface["stale"] else "", WARNING),
        Cell("; ".join(said)),
    ]


def _silence(silence: Found, now: datetime) -> Row:
    return [
        Cell(str(silence["id"])),
        Cell(silence["matchers"]),
        Cell(f"until {_clock(silence['ends_at'], now)}"),
        Cell(f"{silence['author']}: {silence['comment']}".removesuffix(": ")),
    ]


def _account(account: Found, now: datetime) -> Iterator[Row]:
    since = f" for {_ago(account['reachable_since'], now)}" if account["reachable_since"] else ""
    probe = f", tried again at {_clock(account['next_probe_at'], now)}" if account["next_probe_at"] else ""
    reached = Cell(f"reachable{since}", GOOD) if account["reachable"] else Cell(f"out of reach{since}{probe}", BAD)
    yield [Cell(account["name"]), reached]
    if account["removed"]:
        yield [Cell(""), Cell("not configured any more: it is here until what it shows is ended", WARNING)]
    for block in account["blocked"]:
        said = f"blocked for {block['scope']}, tried again at {_clock(block['retry_at'], now)}: {block['why']}"
        yield [Cell(""), Cell(said, BAD)]
    used = ", ".join(f"{each['family']} {each['used']} of {each['limit']}" for each in account["budgets"])
    yield [Cell(""), Cell(f"requests in the last minute: {used}")]
    wanted = f", {account['slots_wanted']} wanted" if account["slots_wanted"] != account["slots_used"] else ""
    yield [Cell(""), Cell(f"Live Activities: {account['slots_used']} of {account['slots']}{wanted}")]
    for lane in account["waiting"]:
        said = f"{lane['waiting']} waiting ({lane['priority'].replace('_', ' ')}), the oldest for "
        yield [Cell(""), Cell(said + _ago(lane["oldest_at"], now), WARNING)]
    for refused in account["refused"]:
        again = f"tried again at {_clock(refused['retry_at'], now)}"
        yield [Cell(""), Cell(f"refused: {refused['title']}: {refused['reason']}; {again}", BAD)]
    if account["in_flight"]:
        yield [Cell(""), Cell(f"{account['in_flight']} in flight")]


def _state(state: Found, now: datetime) -> Row:
    size = f", {state['size'] / 1e6:.1f} MB" if state["size"] is not None else ""
    waiting = f", {state['entries_waiting']} entries wait" if state["entries_waiting"] else ""
    hangs = state["commit_hangs_since"]
    hanging = f"; a commit has been running for {_ago(hangs, now)}, and messages wait for it" if hangs else ""
    return [Cell(f"{state['path']}{size}, last written {_ago(state['committed_at'], now)} ago{waiting}{hanging}")]


def _ago(at: str | None, now: datetime) -> str:
    """How long ago a time was."""
    return duration(max(0.0, (now - datetime.fromisoformat(at)).total_seconds())) if at else ""


def _ahead(at: str, now: datetime) -> str:
    """In how long a time comes."""
    return duration(max(0.0, (datetime.fromisoformat(at) - now).total_seconds()))


def _clock(at: str, now: datetime) -> str:
    return time_of_answer(at, now.isoformat())

"""``smithd status``: what the running daemon knows now."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from smithd.cli.options import ask, config_argument, format_option, socket_option
from smithd.cli.times import zone_lines
from smithd.keys import DEFAULT_ACCOUNT

Found = Mapping[str, Any]
"""A part of the daemon's status, as JSON has it."""


@click.command()
@config_argument
@socket_option
@format_option
def status(config: Path, socket: Path | None, output: str) -> None:
    """Show how the running daemon is: sources, alerts, surfaces, delivery, and its state.

    Exit status 1 where no daemon runs with this configuration file.
    """
    found = ask(config, socket, "status")
    lines = json.dumps(found, ensure_ascii=False, indent=2).split("\n") if output == "json" else _text(found)
    # Reasons and titles hold text that was polled, and it must not control the terminal.
    for line in lines:
        click.echo("".join(letter if letter.isprintable() else " " for letter in line))


def _text(found: Found) -> Iterator[str]:
    state = found["state"]
    if found["degraded"]:
        yield f"DEGRADED since {_short(state['failing_since'])}: the state cannot be written ({state['reason']})"
    yield f"smithd {found['version']}, running since {_short(found['started_at'])} with {found['configuration']}"
    if (reload := found["last_reload"]) is not None:
        outcome = "refused; 'smithd reload' shows why" if reload["refused"] else "taken"
        yield f"last reload {_short(reload['reloaded_at'])}: {outcome}"
    yield from zone_lines(found)
    yield from _section("Sources", map(_source, found["sources"]))
    problems = [f"{rule['name']}: cannot be evaluated: {rule['problem']}" for rule in found["rules"] if rule["problem"]]
    yield from _section("Alerts", [*problems, *map(_alert, found["alerts"])])
    yield from _section("Surfaces", map(_surface, found["surfaces"]))
    yield from _section("Delivery", (line for account in found["accounts"] for line in _account(account)))
    waiting = f", {state['entries_waiting']} entries wait" if state["entries_waiting"] else ""
    hangs = state.get("commit_hangs_since")
    hanging = f"; a commit has been running since {_short(hangs)}, and messages wait for it" if hangs else ""
    yield from _section("State", [f"{state['path']}, last written {_short(state['committed_at'])}{waiting}{hanging}"])


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield ""
    yield title
    found = [f"  {line}" for line in lines]
    yield from found or ["  none"]


def _source(source: Found) -> str:
    since = f" since {_short(source['since'])}" if source["since"] else ""
    reason = f": {source['reason']}" if source["reason"] else ""
    counts = [
        f"{source[name]} {text}"
        for name, text in (("polls_skipped", "polls skipped"), ("answers_dropped", "answers dropped"))
        if source[name]
    ]
    counted = f" ({', '.join(counts)})" if counts else ""
    put_off = f"; not polled before {_short(source['put_off_until'])}" if source.get("put_off_until") else ""
    return f"{source['name']}: {source['health']}{since}{reason}{put_off}{counted}"


def _alert(alert: Found) -> str:
    labels = ", ".join(f'{name}="{value}"' for name, value in alert["labels"].items())
    value = f", value {alert['value']:g}" if alert["value"] is not None else ""
    until = f" until {_short(alert['suppressed_until'])}" if alert["suppressed_until"] else ""
    suppressed = f" ({alert['suppressed']}{until})" if alert["suppressed"] else ""
    severity = f" {alert['severity']}" if alert["severity"] else ""
    name = f"{alert['rule']}{{{labels}}}" if labels else alert["rule"]
    return f"{name}: {alert['state']}{severity} since {_short(alert['since'])}{value}{suppressed}"


def _surface(surface: Found) -> str:
    kind = surface["kind"].replace("live_activity", "Live Activity")
    shown = "not shown" if surface["shown"] is None else f"{surface['shown']} since {_short(surface['shown_at'])}"
    waiting = ", an update waits" if surface["waiting"] else ""
    reason = f", {surface['reason']}" if surface["reason"] else ""
    start = f"; it may start {_short(surface['may_start_at'])}" if surface.get("may_start_at") else ""
    rank = f" ({surface['rank']})" if surface.get("rank") else ""
    name = f"{kind} {surface['name']}".rstrip() + _of_account(surface.get("account", DEFAULT_ACCOUNT))
    return f"{name}{rank}: {shown}{waiting}{reason}{start}"


def _of_account(account: str) -> str:
    return "" if account == DEFAULT_ACCOUNT else f" of {account}"


def _account(account: Found) -> Iterator[str]:
    since = f" since {_short(account['reachable_since'])}" if account["reachable_since"] else ""
    probe = f", tried again {_short(account['next_probe_at'])}" if account["next_probe_at"] else ""
    yield f"account {account['name']}: {'reachable' if account['reachable'] else 'out of reach'}{since}{probe}"
    if account.get("removed"):
        yield "not configured any more: it is here until what it shows is ended"
    for block in account["blocked"]:
        yield f"blocked for {block['scope']}, tried again {_short(block['retry_at'])}: {block['why']}"
    used = ", ".join(f"{budget['family']} {budget['used']} of {budget['limit']}" for budget in account["budgets"])
    yield f"requests in the last minute: {used}; Live Activities {account['slots_used']} of {account['slots']}"
    for lane in account["waiting"]:
        priority = lane["priority"].replace("_", " ")
        yield f"{lane['waiting']} waiting ({priority}), the oldest since {_short(lane['oldest_at'])}"
    for refused in account["refused"]:
        yield f"refused: {refused['title']}: {refused['reason']}; tried again {_short(refused['retry_at'])}"
    if account["in_flight"]:
        yield f"{account['in_flight']} in flight"


def _short(at: str) -> str:
    """A time of the status for a person."""
    return datetime.fromisoformat(at).strftime("%a %d %b %H:%M:%S")

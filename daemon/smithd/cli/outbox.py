"""``smithd outbox``: what waits to be sent, why, and until when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from smithd.cli.at_rest import at_rest
from smithd.cli.options import ask, files_argument, format_option, print_json, print_line, socket_option
from smithd.cli.times import zone_lines
from smithd.config.files import ConfigFiles
from smithd.errors import NotRunning
from smithd.formatting import time_of_answer

MOST_OF_A_PRIORITY = 20
"""How many messages of one priority the text lists."""

Found = Mapping[str, Any]


@click.command()
@files_argument
@socket_option
@format_option
def outbox(config: ConfigFiles, socket: Path | None, output: str) -> None:
    """Show what waits to be sent, why, and until when, in the order of sending.

    The running daemon answers; without one, the state on disk does. Where neither can be asked, that is said, and the
    exit status is 1.
    """
    try:
        found = ask(config.first, socket, "outbox")
    except NotRunning as none:
        found = _from_state(config, none)
    if output == "json":
        print_json(found)
        return
    for line in _text(found):
        print_line(line)


def _from_state(files: ConfigFiles, none: NotRunning) -> Found:
    from smithd.waiting import outbox_report

    with at_rest(files, none, "what waits") as (config, engine, _, now):
        found: Found = config.redactor.clean_all(outbox_report(engine.setup, engine.state, {}, now))
    return found


def _text(found: Found) -> Iterator[str]:
    messages, slots, refused = found["messages"], found["waiting_for_a_slot"], found["refused"]
    now = found["at"]
    in_flight = sum(each["reason"] == "in_flight" for each in messages)
    waiting = len(messages) - in_flight
    count = f"{waiting} message waits" if waiting == 1 else f"{waiting or 'no'} messages wait"
    running = "" if found["running"] else "; smithd is not running"
    yield f"{count}, {in_flight} in flight{running}"
    yield from zone_lines(found)
    for priority, group in groupby(messages, key=lambda each: each["priority"]):
        of_priority = list(group)
        yield ""
        yield priority.replace("_", " ")
        for each in of_priority[:MOST_OF_A_PRIORITY]:
            yield f"  {each['key']}: {each['says']}"
            yield f"    since {time_of_answer(each['since'], now)}: {each['why']}{_until(each, now)}"
            if each["last_failure"] and each["reason"] != "retry":
                yield f"    the last try failed: {each['last_failure']}"
        if left := len(of_priority) - MOST_OF_A_PRIORITY:
            yield from [f"  and {left} more (--format json has them)"] if left > 0 else []
    if slots:
        yield ""
        yield "Live Activities that wait for a slot"
        yield from (f"  {each['key']}: {each['why']}{_until(each, now)}" for each in slots)
    if refused:
        yield ""
        yield "refused by the service, and not sent again until they change"
        yield from (f"  {key}" for key in refused)


def _until(each: Found, now: str) -> str:
    return f", until {time_of_answer(each['until'], now)}" if each["until"] else ""

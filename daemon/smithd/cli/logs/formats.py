"""The formats of the log but the journal's own: lines for a person, lines with priorities, and JSON. No I/O."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from smithd.cli.logs.entry import LogMessage
from smithd.formatting import zoned

PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
"""Syslog's numbers."""
NOTICE = 5

_COLORS = {logging.DEBUG: "2", logging.WARNING: "33", logging.ERROR: "31", logging.CRITICAL: "31"}


@dataclass
class LogZone:
    """The zone of the log's times. ``read``: the one of now, which a reload may change."""

    read: Callable[[], tzinfo]


UTC_LOG = LogZone(lambda: UTC)


def text(entry: LogMessage, zone: tzinfo, in_color: bool) -> str:
    """Lines with date and time, in colour where the terminal has it."""
    start = f"{zoned(entry.created, zone, '%Y-%m-%d %H:%M:%S')} {logging.getLevelName(entry.level):<7} "
    color = _COLORS.get(entry.level) if in_color else None
    lines = (f"{start}{line}" for line in entry.lines)
    return "\n".join(f"\033[{color}m{line}\033[0m" if color else line for line in lines)


def with_priority(entry: LogMessage) -> str:
    """Lines with the priority at their start, as the journal reads them from stderr (sd-daemon(3))."""
    priority = PRIORITIES.get(entry.level, NOTICE)
    return "\n".join(f"<{priority}>{line}" for line in entry.lines)


def as_json(entry: LogMessage, zone: tzinfo) -> str:
    """One object in a line, in ASCII, so that every terminal and every encoding of stderr has it."""
    time = datetime.fromtimestamp(entry.created, zone).isoformat(timespec="milliseconds")
    head = {"time": time, "level": logging.getLevelName(entry.level).lower(), "part": entry.part}
    event = {"event": entry.event} if entry.event else {}
    return json.dumps(head | event | {"message": "\n".join(entry.lines)} | entry.fields, allow_nan=False)

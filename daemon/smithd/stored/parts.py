"""The parts of a state by the names that users know, and who reads the rows of each. No I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection

from smithd import journal
from smithd.alerts import rows as alert_rows
from smithd.notify import rows as notify_rows
from smithd.outbox import deliveries
from smithd.outbox import rows as outbox_rows
from smithd.series import rows as series_rows
from smithd.surfaces import rows as slot_rows


class StatePart(NamedTuple):
    """``text``: its name in a sentence; ``time``: the column that says when a row is from, if there is one."""

    table: str
    text: str
    time: str | None = None


PARTS = {
    "alerts": StatePart("alerts", "alerts"),
    "samples": StatePart("samples", "samples", "at"),
    "firing_intervals": StatePart("firing_intervals", "times in which rules fired", "start"),
    "decisions": StatePart("journal", "decisions about alerts", "at"),
    "silences": StatePart("silences", "silences", "starts"),
    "groups": StatePart("notification_groups", "notification groups"),
    "grouped_alerts": StatePart("grouped_alerts", "alerts in notification groups"),
    "remembered_alerts": StatePart("remembered_alerts", "alerts that left a group", "at"),
    "messages": StatePart("outbox", "messages waiting", "created"),
    "shown": StatePart("shown", "what the phone shows", "at"),
    "requests": StatePart("sent", "requests sent, for the limits", "at"),
    "deliveries": StatePart("deliveries", "deliveries", "at"),
    "movements": StatePart("widget_movements", "how widgets' values move"),
    "slots": StatePart("slots", "accounts with Live Activity slots"),
    "countdowns": StatePart("countdowns", "timers", "at"),
    "accounts": StatePart("accounts", "accounts"),
}
"""The parts that a user may ask for, by their names."""


@dataclass(frozen=True, slots=True)
class Reader:
    """``read`` reads all rows of these ``tables``, as a start does, and raises what unreadable ones raise. A row is
    understood or not for itself, where those of the tables before it are understood.
    """

    tables: tuple[str, ...]
    read: Callable[[Connection], Any]


def _through(read: Callable[[Connection], Iterable[Any]]) -> Callable[[Connection], Any]:
    """Reads rows one after another, and keeps none."""
    return lambda connection: deque(read(connection), maxlen=0)


READERS = (
    Reader(("alerts", "alive"), alert_rows.load),
    Reader(("series", "samples"), _through(series_rows.read_samples)),
    Reader(("firing_intervals",), series_rows.load_intervals),
    Reader(("journal",), _through(journal.read_all)),
    Reader(("silences",), notify_rows.load_silences),
    Reader(("notification_groups", "grouped_alerts", "remembered_alerts"), notify_rows.load_groups),
    Reader(("outbox", "shown", "sent", "accounts", "widget_movements", "wall_clock"), outbox_rows.load),
    Reader(("deliveries",), _through(deliveries.read_all)),
    Reader(("slots",), slot_rows.load),
    Reader(("countdowns",), slot_rows.load_countdowns),
)
"""Every table but those of the file itself: its version, and its owner."""

"""From what the outbox knows of the phone to the Lock Screen that is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo

from smithd.lockscreen import told
from smithd.lockscreen.screen import Activity, Notification, Screen, Widget
from smithd.outbox.message import Kind, Shown

REMEMBERED = 24 * 3600.0
"""A notification leaves the picture after a day: by then its owner has swiped it away."""


class Picture:
    """Draws one Lock Screen after another.

    While a request is on its way, nobody knows what the phone shows; the picture keeps what it was told before, so
    that nothing flickers.
    """

    def __init__(self, zone: tzinfo, order: Sequence[str] = ()) -> None:
        self._zone = zone
        self._places = {key: place for place, key in enumerate(order)}
        self._known: dict[str, Shown] = {}

    def draw(self, shown: Mapping[str, Shown], now: float) -> Screen:
        """The Lock Screen at ``now``, after what was shown."""
        self._known = {key: self._latest(row) for key, row in shown.items()}
        rows = sorted(self._known.values(), key=lambda row: self._places.get(row.key, len(self._places)))
        badges = [row.content["badge"] for row in rows if row.kind is Kind.BADGE and row.content is not None]
        return Screen(
            now,
            self._zone,
            widgets=tuple(widget for row in rows if (widget := _widget(row))),
            activities=tuple(activity for row in rows if (activity := _activity(row, now))),
            notifications=_notifications(rows, now),
            badge=badges[-1] if badges else None,
        )

    def _latest(self, row: Shown) -> Shown:
        before = self._known.get(row.key)
        if row.content is not None or before is None:
            return row
        return replace(before, ended=row.ended)


def _widget(row: Shown) -> Widget | None:
    if row.kind is not Kind.METRIC or row.content is None:
        return None
    return Widget(_name(row), told.value(row.content.get("value")), row.at)


def _activity(row: Shown, now: float) -> Activity | None:
    if row.kind not in (Kind.STREAM, Kind.END) or row.content is None:
        return None
    return told.activity(_name(row), row.content, at=row.at, now=now, ended=row.ended)


def _notifications(rows: Sequence[Shown], now: float) -> tuple[Notification, ...]:
    found = [
        told.notification(_name(row), row.content, at=row.at, replaced=bool(row.content.get("in_place")))
        for row in rows
        if row.kind is Kind.PUSH and row.content is not None and now - row.at < REMEMBERED
    ]
    return tuple(sorted(found, key=lambda notification: notification.at, reverse=True))


def _name(row: Shown) -> str:
    return row.key.partition(":")[2]

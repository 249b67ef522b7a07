"""From what the outbox knows of the phone to the Lock Screen that is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import tzinfo

from smithd.keys import Key, SurfaceKey
from smithd.lockscreen import content
from smithd.lockscreen.screen import Activity, Notification, Screen, Widget
from smithd.outbox.shown import Shown, ShownActivity, ShownBadge, ShownPush, ShownWidget

REMEMBERED = 24 * 3600.0
"""A notification leaves the picture after a day: most people have swiped it away before that."""


class Picture:
    """Draws one Lock Screen after another.

    While a request is in flight, it is not known what the phone shows; the picture keeps what was accepted before, so
    that nothing flickers.
    """

    def __init__(self, zone: tzinfo, order: Sequence[SurfaceKey] = ()) -> None:
        self._zone = zone
        self._places: dict[Key, int] = {key: place for place, key in enumerate(order)}
        self._known: dict[Key, Shown] = {}

    def draw(self, shown: Mapping[Key, Shown], now: float) -> Screen:
        """The Lock Screen at ``now``, after what was shown."""
        self._known = {key: self._latest(row) for key, row in shown.items()}
        rows = sorted(self._known.values(), key=lambda row: self._places.get(row.key, len(self._places)))
        badges = [row.count for row in rows if isinstance(row, ShownBadge) and row.count is not None]
        return Screen(
            now,
            self._zone,
            widgets=tuple(
                Widget(row.key.name, content.value(row.value), row.at)
                for row in rows
                if isinstance(row, ShownWidget) and row.value is not None
            ),
            activities=tuple(activity for row in rows if (activity := _activity(row, now))),
            notifications=_notifications(rows, now),
            badge=badges[-1] if badges else None,
        )

    def _latest(self, row: Shown) -> Shown:
        """What a key shows; the last that was known of it, while that is unknown."""
        before = self._known.get(row.key)
        match row, before:
            case ShownWidget(value=None), ShownWidget():
                return before
            case ShownBadge(count=None), ShownBadge():
                return before
            case ShownActivity(content=None), ShownActivity():
                return replace(before, ended=row.ended)
        return row


def _activity(row: Shown, now: float) -> Activity | None:
    if not isinstance(row, ShownActivity) or row.content is None:
        return None
    body = {
        "content_state": row.content.content_state,
        "action": row.content.action,
        "secondary_action": row.content.secondary_action,
    }
    return content.activity(row.key.name, body, at=row.at, now=now, ended=row.ended)


def _notifications(rows: Sequence[Shown], now: float) -> tuple[Notification, ...]:
    found = [
        content.notification(str(row.key), asdict(row.content), at=row.at, replaced=row.replaced)
        for row in rows
        if isinstance(row, ShownPush) and now - row.at < REMEMBERED
    ]
    return tuple(sorted(found, key=lambda notification: notification.at, reverse=True))

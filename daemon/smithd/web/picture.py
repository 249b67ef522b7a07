"""From what the outbox knows of the phone to the Lock Screen that is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import tzinfo

from smithd.keys import Key, SurfaceKey
from smithd.lockscreen import content
from smithd.lockscreen.screen import Activity, Notification, Screen, Widget
from smithd.outbox.shown import Shown, ShownActivity, ShownBadge, ShownPush, ShownWidget
from smithd.web.timer import SeenTimer, seen

REMEMBERED = 24 * 3600.0
"""A notification leaves the picture after a day: most people have swiped it away before that."""


class Picture:
    """Draws one Lock Screen after another.

    Where the answer to a request was cut off, it is not known what the phone shows; the picture keeps what was accepted
    before, so that nothing flickers.
    """

    def __init__(self, zone: tzinfo, order: Sequence[SurfaceKey] = ()) -> None:
        self._zone = zone
        self._places: dict[Key, int] = {key: place for place, key in enumerate(order)}
        self._known: dict[Key, Shown] = {}
        self._timers: dict[Key, SeenTimer | None] = {}

    def draw(self, shown: Mapping[Key, Shown], now: float) -> Screen:
        """The Lock Screen at ``now``, after what was shown."""
        self._known = {key: self._latest(row) for key, row in shown.items()}
        self._timers = {
            key: seen(row, self._timers.get(key)) for key, row in self._known.items() if isinstance(row, ShownActivity)
        }
        widgets: list[Widget] = []
        activities: list[Activity] = []
        notifications: list[Notification] = []
        badge = None
        for row in sorted(self._known.values(), key=lambda row: self._places.get(row.key, len(self._places))):
            match row:
                case ShownWidget(value=value) if value is not None:
                    widgets.append(Widget(row.key.name, content.value(value), row.at))
                case ShownActivity(content=sent) if sent is not None:
                    body = {
                        "content_state": sent.content_state,
                        "action": sent.action,
                        "secondary_action": sent.secondary_action,
                    }
                    timer = self._timers[row.key]
                    window = timer.drawn if timer is not None else None
                    activity = content.activity(row.key.name, body, at=row.at, now=now, ended=row.ended, window=window)
                    if activity is not None:
                        activities.append(activity)
                case ShownPush() if now - row.at < REMEMBERED:
                    push = asdict(row.content)
                    notifications.append(content.notification(str(row.key), push, at=row.at, replaced=row.replaced))
                case ShownBadge(count=count) if count is not None:
                    badge = count
        notifications.sort(key=lambda notification: notification.at, reverse=True)
        return Screen(now, self._zone, tuple(widgets), tuple(activities), tuple(notifications), badge)

    def _latest(self, row: Shown) -> Shown:
        """What a key shows; the last that was known of it, while that is unknown."""
        before = self._known.get(row.key)
        match row, before:
            case ShownWidget(value=None), ShownWidget():
                return before
            case ShownBadge(count=None), ShownBadge():
                return before
            # Whether it has ended is known also where its content is not.
            case ShownActivity(content=None), ShownActivity():
                return replace(before, ended=row.ended)
        return row

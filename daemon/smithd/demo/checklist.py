"""What the demo has to show within its first minute. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field

from smithd.lockscreen.screen import Screen


@dataclass(slots=True)
class Checklist:
    """Looks at one Lock Screen after another, and notes when (seconds) it first saw each thing."""

    incident: str
    """The key of the Live Activity that comes with an alert."""
    makes_room: str
    """The key of the one that makes room for it."""
    deploy: str
    """The key of the one that goes in steps."""
    seen: dict[str, float | None] = field(
        default_factory=lambda: dict.fromkeys(
            (
                "a widget changed",
                "a deploy went through its steps",
                "a Live Activity appeared",
                "it took the slot of another",
                "the badge counted it",
                "an alert arrived",
                "the alert was resolved",
            )
        )
    )
    _values: dict[str, str | float] = field(default_factory=dict)
    _arrived: set[str] = field(default_factory=set)

    def look(self, screen: Screen, elapsed: float) -> None:
        """Note what this screen shows."""
        first = {widget.key: self._values.setdefault(widget.key, widget.value) for widget in screen.widgets}
        if any(widget.value != first[widget.key] for widget in screen.widgets):
            self._note("a widget changed", elapsed)
        there = {activity.key: activity for activity in screen.activities if not activity.ended}
        if self.deploy in there and all(there[self.deploy].steps):
            self._note("a deploy went through its steps", elapsed)
        if self.incident in there:
            self._note("a Live Activity appeared", elapsed)
            if self.makes_room not in there:
                self._note("it took the slot of another", elapsed)
        if screen.badge:
            self._note("the badge counted it", elapsed)
        for notification in screen.notifications:
            if not notification.replaced:
                self._arrived.add(notification.id)
                self._note("an alert arrived", elapsed)
            elif notification.id in self._arrived:
                self._note("the alert was resolved", elapsed)

    @property
    def complete(self) -> bool:
        return None not in self.seen.values()

    def _note(self, what: str, elapsed: float) -> None:
        if self.seen[what] is None:
            self.seen[what] = elapsed

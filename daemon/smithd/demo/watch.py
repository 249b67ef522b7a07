"""The terminal: one readable line for each thing that happens."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TextIO

from smithd.events import AlertChanged, Event, SendAccepted
from smithd.keys import DEFAULT_ACCOUNT, BadgeKey, Key, PushKey, StreamKey, WidgetKey
from smithd.redactor import Redactor

_COLORS = {"dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35", "cyan": "36"}
_ALERTS = {
    "fired": ("▲", "yellow"),
    "raised": ("▲", "red"),
    "resolved": ("✓", "green"),
}
_SURFACES: dict[type[Key], tuple[str, str, str]] = {
    WidgetKey: ("▪", "cyan", "widget"),
    StreamKey: ("◆", "magenta", "activity"),
    PushKey: ("●", "blue", "alert"),
    BadgeKey: ("▪", "cyan", "badge"),
}


@dataclass(frozen=True, slots=True)
class ShopAnnouncement(Event):
    """Something happened in the shop, which smithd has not noticed yet."""

    level: ClassVar[int] = logging.INFO
    text: str

    def __str__(self) -> str:
        return f"the shop: {self.text}"


def wants_color(out: TextIO) -> bool:
    """Whether colours may be used: on a terminal, and not where NO_COLOR is set (https://no-color.org)."""
    return out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


class Watch:
    """A listener to events: writes a line for each, with the seconds since the start and what it is about."""

    def __init__(
        self, elapsed: Callable[[], float], redactor: Redactor, out: TextIO = sys.stdout, color: bool | None = None
    ) -> None:
        self._elapsed = elapsed
        self._redactor = redactor
        self._out = out
        self._color = wants_color(out) if color is None else color

    def __call__(self, event: Event) -> None:
        if event.level >= logging.INFO:
            self.line(*_columns(event))

    def line(self, sign: str, color: str, about: str, text: str) -> None:
        """Write a line. A text's line breaks become blanks: a line stays a line."""
        text = " ".join(self._redactor.clean(text).split())
        time = self._paint(f"{self._elapsed():7.1f} s", "dim")
        self.write(f"{time}  {self._paint(f'{sign} {about:<9}', color)} {text}")

    def write(self, text: str = "") -> None:
        """Write a line as it is."""
        self._out.write(text + "\n")
        self._out.flush()

    def _paint(self, text: str, color: str) -> str:
        return f"\x1b[{_COLORS[color]}m{text}\x1b[0m" if self._color and color in _COLORS else text


def _columns(event: Event) -> tuple[str, str, str, str]:
    """An event as a sign, a colour, what it is about, and a text."""
    if isinstance(event, AlertChanged):
        sign, color = _ALERTS.get(event.change, ("·", "dim"))
        return sign, color, "rule", f"{event.rule}{event.labels} {event.change}: {event.why}"
    if isinstance(event, SendAccepted):
        match event.key:
            case WidgetKey(account, name) | StreamKey(account, name) | PushKey(account, name):
                of = "" if account == DEFAULT_ACCOUNT else f" ({account})"
                return *_SURFACES[type(event.key)], f"{name}{of} {event.operation}: {event.summary}"
        return *_SURFACES[BadgeKey], f"badge {event.operation}: {event.summary}"
    if isinstance(event, ShopAnnouncement):
        return "❋", "yellow", "shop", event.text
    if event.level >= logging.ERROR:
        return "✗", "red", "error", str(event)
    if event.level >= logging.WARNING:
        return "!", "yellow", "trouble", str(event)
    return "·", "dim", "smithd", str(event)

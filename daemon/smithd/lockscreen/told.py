"""From the service's own words (a content state, a push) to what is drawn. Takes anything: drawing never fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smithd.lockscreen.screen import Activity, Notification, Row

COLORS = frozenset({"lime", "green", "cyan", "blue", "purple", "magenta", "red", "orange", "yellow", "gray"})
DISMISSED_AFTER = 120.0


def activity(key: str, told: Mapping[str, Any], *, at: float, now: float, ended: bool = False) -> Activity | None:
    """The activity that a stream request (``content_state``, ``action``) describes; None once it is dismissed.

    An ended one stays for ``auto_dismiss_seconds`` (or ``_minutes``) after ``at``, two minutes where nothing is said.
    """
    state = _mapping(told.get("content_state"))
    if ended and now - at >= lingers(state):
        return None
    icon = _mapping(state.get("icon"))
    return Activity(
        key,
        title=_text(state.get("title")) or key,
        subtitle=_text(state.get("subtitle")) or _text(state.get("message")),
        type=_text(state.get("type")) or "stats",
        rows=tuple(_row(metric) for metric in _list(state.get("metrics"))[:8]),
        icon=_text(icon.get("symbol")),
        icon_color=_color(icon.get("color")),
        action=_text(_mapping(told.get("action")).get("title")),
        ended=ended,
    )


def lingers(state: Mapping[str, Any]) -> float:
    """For how many seconds an ended activity stays on the Lock Screen."""
    for name, unit in (("auto_dismiss_seconds", 1.0), ("auto_dismiss_minutes", 60.0)):
        if isinstance(value := state.get(name), int | float):
            return value * unit
    return DISMISSED_AFTER


def notification(id: str, told: Mapping[str, Any], *, at: float, replaced: bool = False) -> Notification:  # noqa: A002 - the service's word
    """The notification that a push describes."""
    return Notification(
        id,
        title=_text(told.get("title")),
        at=at,
        subtitle=_text(told.get("subtitle")),
        message=_text(told.get("message")),
        level=_text(told.get("interruption_level")) or "active",
        replaced=replaced,
    )


def value(told: Any) -> str | float:
    """A metric's value: numbers stay numbers."""
    return told if isinstance(told, int | float) and not isinstance(told, bool) else _text(told)


def _row(metric: Any) -> Row:
    given = _mapping(metric)
    color = _color(given.get("color"))
    return Row(_text(given.get("label")), value(given.get("value")), _text(given.get("unit")), color)


def _color(told: Any) -> str:
    return told if isinstance(told, str) and told in COLORS else "blue"


def _text(told: Any) -> str:
    return "" if told is None else str(told)


def _mapping(told: Any) -> Mapping[str, Any]:
    return told if isinstance(told, Mapping) else {}


def _list(told: Any) -> list[Any]:
    return list(told) if isinstance(told, list | tuple) else []

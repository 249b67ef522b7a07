"""From a request's body (a content state, a push) to what is drawn. Takes any JSON: drawing never fails. No I/O."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from smithd.contract.state import TWO_BUTTONS
from smithd.lockscreen.formatting import duration, figure
from smithd.lockscreen.screen import Activity, ActivityRow, Notification, TitleBadge

MOST_STEPS = 24
LARGEST = 1e12
KINDS = frozenset({"value", "stats", "metrics", "segmented_progress", "progress", "alert", "timer"})
ROWS = frozenset({"stats", "metrics"})
"""The types that have rows."""
COLORS = frozenset({"lime", "green", "cyan", "blue", "purple", "magenta", "red", "orange", "yellow", "gray"})
DISMISSED_AFTER = 120.0


@dataclass(frozen=True, slots=True)
class DrawnTimer:
    """A timer's window: when it began, its length in seconds (None: endless), when it was frozen (None: it runs).

    ``counts_down``: whether it shows what is left of its length, or what has passed.
    """

    began: float
    duration: float | None
    frozen_at: float | None = None
    counts_down: bool = True


def activity(
    key: str, body: Mapping[str, Any], *, at: float, now: float, ended: bool = False, window: DrawnTimer | None = None
) -> Activity | None:
    """The activity that a stream request (``content_state``, ``action``) describes; None once it is dismissed.

    An ended one stays for ``auto_dismiss_seconds`` (or ``_minutes``) after ``at``, two minutes by default.
    A timer whose ``window`` is not known is taken to have begun ``at``.
    """
    state = _mapping(body.get("content_state"))
    if ended and now - at >= lingers(state):
        return None
    if window is None:
        frozen_at = at if state.get("is_running") is False else None
        counts_down = state.get("counts_down") is not False
        window = DrawnTimer(at, _number(state.get("duration_seconds")), frozen_at, counts_down)
    if ended and window.frozen_at is None:
        window = replace(window, frozen_at=at)
    # A type draws its own fields only, whatever else it was sent.
    kind = _text(state.get("type"))
    kind = kind if kind in KINDS else "stats"
    icon = _mapping(state.get("icon"))
    badge = _mapping(state.get("badge"))
    return Activity(
        key,
        title=_text(state.get("title")) or key,
        # The type "alert" has a message in the subtitle's place.
        subtitle=_text(state.get("message" if kind == "alert" else "subtitle")),
        type=kind,
        rows=tuple(_row(metric, state) for metric in _list(state.get("metrics"))[:8]) if kind in ROWS else (),
        steps=_steps(state),
        color=_color(state.get("color")),
        badge=TitleBadge(_text(badge.get("title")), _color(badge.get("color"))) if badge.get("title") else None,
        icon=_text(icon.get("symbol")),
        icon_color=_color(icon.get("color")),
        action=_text(_mapping(body.get("action")).get("title")),
        secondary_action=_text(_mapping(body.get("secondary_action")).get("title")) if kind in TWO_BUTTONS else "",
        ended=ended,
        **_measure(state, window, now),
    )


def lingers(state: Mapping[str, Any], otherwise: float = DISMISSED_AFTER) -> float:
    """For how many seconds an ended activity stays on the Lock Screen; seconds win over minutes."""
    for name, unit in (("auto_dismiss_seconds", 1.0), ("auto_dismiss_minutes", 60.0)):
        if (length := _number(state.get(name))) is not None:
            return length * unit
    return otherwise


def notification(id: str, body: Mapping[str, Any], *, at: float, replaced: bool = False) -> Notification:  # noqa: A002 - the service's word
    """The notification that a push describes."""
    return Notification(
        id,
        title=_text(body.get("title")),
        at=at,
        subtitle=_text(body.get("subtitle")),
        message=_text(body.get("message")),
        level=_text(body.get("interruption_level")) or "active",
        replaced=replaced,
        media=_text(body.get("media")),
        actions=tuple(_text(_mapping(action).get("title")) for action in _list(body.get("actions"))[:4]),
        icon=_text(body.get("icon")),
    )


def value(given: Any) -> str | float:
    """A metric's value: numbers stay numbers."""
    return given if isinstance(given, int | float) and not isinstance(given, bool) else _text(given)


def _measure(state: Mapping[str, Any], window: DrawnTimer, now: float) -> dict[str, Any]:
    """The figure and the bar of the types that have one."""
    match state.get("type"):
        case "value":
            return {"figure": value(state.get("value"))}
        case "progress":
            # A percentage wins over a value with its limit.
            percentage, done, limit = (_number(state.get(name)) for name in ("percentage", "value", "upper_limit"))
            share = percentage / 100 if percentage is not None else (done or 0) / limit if limit else 0
            return {"bar": min(1.0, max(0.0, share))}
        case "timer":
            passed = max(0.0, (now if window.frozen_at is None else window.frozen_at) - window.began)
            frozen = window.frozen_at is not None
            if window.duration is None:
                return {"figure": duration(passed), "frozen": frozen}
            # A timer that counts up ends at its length too, where it has one.
            left = max(0.0, window.duration - passed)
            shown = left if window.counts_down else window.duration - left
            return {
                # Rounded up while it counts down: a timer shows 0:00 only when it has ended.
                "figure": duration(math.ceil(left) if window.counts_down else shown),
                "bar": shown / window.duration if window.duration else 0.0,
                "frozen": frozen,
                "over": left <= 0,
            }
        case "segmented_progress" if state.get("number_of_steps") is not None:
            done, total = (_number(state.get(name)) or 0 for name in ("current_step", "number_of_steps"))
            return {"figure": f"{figure(done)}/{figure(total)}"}
    return {}


def _steps(state: Mapping[str, Any]) -> tuple[str, ...]:
    """The colour of each step, empty for those to come; many steps are drawn as few."""
    total, done = _number(state.get("number_of_steps")), _number(state.get("current_step"))
    if state.get("type") != "segmented_progress" or not total:
        return ()
    drawn = int(min(max(total, 1), MOST_STEPS))
    full = int(min(max(done or 0, 0) / total, 1) * drawn)
    usual = state.get("step_color") or state.get("color")
    # The colours of single steps can be shown only where each step is drawn.
    colors = _list(state.get("step_colors")) if drawn == total else []
    return tuple(_color(colors[n] if n < len(colors) else usual) if n < full else "" for n in range(drawn))


def _number(given: Any) -> float | None:
    """A number (None: it is none), bounded so that it can be drawn: a whole number in JSON can exceed any float."""
    # To Python, True is the number 1.
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    return float(max(-LARGEST, min(LARGEST, given)))


_WORD = re.compile(r"[^\W\d_]{2}")


def _row(metric: Any, state: Mapping[str, Any]) -> ActivityRow:
    given = _mapping(metric)
    # Only a percentage says how full its gauge is: other units have no known end.
    number, unit = _number(given.get("value")), _text(given.get("unit"))
    is_share = state.get("type") == "metrics" and unit.strip() == "%" and number is not None
    return ActivityRow(
        _text(given.get("label")),
        value(given.get("value")),
        # As people write it: "38 orders" and "30 ms", but "45%" and "3x".
        f" {unit}" if _WORD.match(unit) else unit,
        _color(given.get("color") or state.get("color")),
        bar=min(1.0, max(0.0, number / 100)) if is_share and number is not None else None,
    )


def _color(given: Any) -> str:
    return given if isinstance(given, str) and given in COLORS else "blue"


def _text(given: Any) -> str:
    return "" if given is None else str(given)


def _mapping(given: Any) -> Mapping[str, Any]:
    return given if isinstance(given, Mapping) else {}


def _list(given: Any) -> list[Any]:
    return list(given) if isinstance(given, list | tuple) else []

"""From what the simulated phone shows to the page that draws it. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import tzinfo
from urllib.parse import quote

from smithd.lockscreen import content, formatting
from smithd.lockscreen import screen as drawn
from smithd.lockscreen.screen import Line, Note, Page
from smithd.simulator.exchange import Seen
from smithd.simulator.screen import ScreenDocument, WidgetDocument

LINES = 60
_LEAD = "A stand-in for ActivitySmith: the phone with what clients have sent so far. Nothing leaves this machine."
_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "INR": "₹"}


def page(
    screen: ScreenDocument, seen: Iterable[Seen], now: float, zone: tzinfo, base_url: str, phones: Sequence[str] = ()
) -> Page:
    """The page: a phone at ``now``, the newest requests with their verdicts, and where each of the ``phones`` is."""
    more = (Note("The phones", ", ".join(f"{base_url}/?device={quote(name)}" for name in phones)),)
    requests = []
    for one in list(seen)[-LINES:]:
        # The mark is a status, or a word where no status was sent.
        level = "info" if one.mark[0] in "23" else "error"
        if one.mark in ("402", "429"):
            level = "warning"
        requests.append(Line(one.at, f"{one.call.method} {one.call.path}", level, one.mark, detail=one.answer.note))
    return Page(
        "ActivitySmith simulator",
        _LEAD,
        draw(screen, now, zone),
        notes=(
            Note("Point a client here", f"{base_url}/api, with a key that was given to --key."),
            Note(
                "The same as JSON",
                f"{base_url}/control/screen and /control/requests; {base_url}/control lists the rest.",
            ),
            Note("What the phone can show", f"{base_url}/gallery has an example of everything."),
            *(more if len(phones) > 1 else ()),
        ),
        happened=tuple(requests),
        happenings="Requests",
        empty_text="None yet.",
    )


def draw(screen: ScreenDocument, now: float, zone: tzinfo) -> drawn.Screen:
    """The Lock Screen. A metric without a value is no widget yet."""
    activities = []
    for activity in screen["activities"]:
        window = activity["timer"]
        shown = content.activity(
            activity["stream_key"] or activity["id"],
            {**activity},
            at=activity["changed"],
            now=now,
            window=content.DrawnTimer(**window) if window else None,
        )
        if shown is not None:
            # When an ended one leaves was decided before, so content.activity is not asked to dismiss it.
            activities.append(replace(shown, ended=activity["ended"] is not None))
    return drawn.Screen(
        now,
        zone,
        widgets=tuple(
            drawn.Widget(widget["key"], formatted(widget), widget["received"] or 0.0, widget["label"])
            for widget in screen["widgets"]
            if widget["value"] is not None
        ),
        activities=tuple(activities),
        notifications=tuple(
            content.notification(
                push["id"],
                push["content"] | {"interruption_level": push["interruption_level"]},
                at=push["sent"],
                replaced=push["replaced"] is not None,
            )
            for push in screen["notifications"]
        ),
        badge=screen["badge"],
    )


def formatted(widget: WidgetDocument) -> str | float:
    """A metric's value as the app would word it."""
    value = content.value(widget["value"])
    if isinstance(value, str):
        return value
    figure, space = formatting.figure(value), " " if widget["spaced"] else ""
    match widget["format"]:
        case "percent":
            return f"{figure}%"
        case "currency":
            # Without a currency, nothing stands before the figure, and no blank either.
            sign = _SIGNS.get(widget["currency"], f"{widget['currency']} ".lstrip())
            return f"-{sign}{figure[1:]}" if figure.startswith("-") else f"{sign}{figure}"
        case "unit" if widget["unit"]:
            return f"{figure}{space}{widget['unit']}"
    return value

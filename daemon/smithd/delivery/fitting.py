"""Makes a body fit where that is harmless: texts are cut or filled in, a value is kept within its limit. No I/O.

What has a meaning that cannot be guessed (a colour, a channel, an address) is left as it is, for the check to refuse.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from smithd.contract.check import LARGEST_BODY, UNWEIGHED, weighed
from smithd.contract.values import clipped, is_blank, is_number, size, whole
from smithd.formatting import readable

SHORTEST_TEXT = 16
NO_VALUE = "–"

POLLED = frozenset({"title", "subtitle", "message", "label", "value"})
"""The texts of which a part may have been polled."""

_EXPENDABLE = ("secondary_action", "action", "actions", "media", "icon", "redirection")
"""What goes, in this order, where cutting texts is not enough: an alert is worth more than its buttons."""


def copied(value: Any) -> Any:
    """A deep copy of JSON; half a letter (of UTF-16), which is no text, becomes a question mark. Raises ValueError
    where it is nested too deeply.
    """
    try:
        return _copied(value)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {_copied(key): _copied(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_copied(item) for item in value]
    return whole(value) if isinstance(value, str) else value


def shown_text(text: Any) -> Any:
    """A text as it may be shown; what is no text is left as it is, for the contract's check to refuse."""
    return readable(whole(text)) if isinstance(text, str) else copied(text)


def tidy(state: Any) -> None:
    """Make a Live Activity's texts readable, fill in blank ones, cut its values, and keep a bar within its limit."""
    if not isinstance(state, dict):
        return
    for holder in (state, *_rows(state)):
        holder |= {name: shown_text(holder[name]) for name in POLLED & holder.keys()}
    _fill(state, "title", "smithd")
    _fill(state, "message")
    for holder in (state, *_rows(state)):
        _fill(holder, "label")
        _fill(holder, "value")
        if isinstance(holder.get("value"), str):
            holder["value"] = clipped(holder["value"])
    limit, value = state.get("upper_limit"), state.get("value")
    if is_number(limit) and is_number(value):
        state["value"] = max(0, min(value, limit))


def _fill(holder: dict[str, Any], name: str, filling: str = NO_VALUE) -> None:
    if isinstance(text := holder.get(name), str) and is_blank(text):
        holder[name] = filling


def fit(body: dict[str, Any]) -> dict[str, Any]:
    """The body with its longest texts cut until it is small enough, and at last without its buttons and links."""
    try:
        weight = weighed(body)
        while (excess := size(weight) - LARGEST_BODY) > 0:
            longest = max(_texts(weight), key=lambda place: size(place[0][place[1]]), default=None)
            if longest is not None:
                holder, name = longest
                # A character takes six bytes at most: this comes near the limit in a few steps, never cutting too much.
                length = max(SHORTEST_TEXT, len(holder[name]) - 1 - excess // 6)
                holder[name] = holder[name][: length - 1].rstrip() + "…"
            elif (name := next((part for part in _EXPENDABLE if part in weight), "")) == "":
                break  # the check says by how much it is too large
            else:
                del weight[name]
                if name == "action":
                    # A second button without a first one is not documented (contract section 4.6).
                    weight.pop("secondary_action", None)
    except ValueError:
        # It is no JSON; the contract's check will say where.
        return body
    return weight | {name: body[name] for name in UNWEIGHED & body.keys()}


def _texts(body: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Where a body has texts that can be cut."""
    state = body.get("content_state")
    holders = [body, state, *_rows(state)]
    for holder in (holder for holder in holders if isinstance(holder, dict)):
        for name in ("title", "subtitle", "message", "label", "value", "unit"):
            if isinstance(holder.get(name), str) and len(holder[name]) > SHORTEST_TEXT:
                yield holder, name


def _rows(state: Any) -> list[dict[str, Any]]:
    rows = state.get("metrics") if isinstance(state, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []

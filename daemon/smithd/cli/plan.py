"""The plan of a configuration as ``smithd check`` prints it: numbers, names, and the lines to change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from smithd.config.model import Config
from smithd.config.plan import FAMILY_NAMES, HOUR, WIDGETS_FETCHED_EVERY, Demand, SlotPlan, plan
from smithd.config.texts import widget_lengths
from smithd.formatting import number
from smithd.lockscreen import widths
from smithd.surfaces.slots.demand import FOLD_KEY

_ROOM = {"circle": widths.CIRCULAR, "rectangle": widths.RECTANGULAR}
"""The places of a widget on the phone, and how many characters they have room for."""

MANY = 12
"""Names that a line has at most."""


def lines(config: Config) -> Iterator[str]:
    """What it asks of the service and the phone, line by line."""
    planned, several = plan(config), len(config.accounts) > 1
    yield "Requests a minute, while nothing fires / when every alert fires and resolves / allowed:"
    names = [FAMILY_NAMES[each.family] + (f" of {each.account}" if several else "") for each in planned.demands]
    width = max(map(len, names)) + 2
    for name, demand in zip(names, planned.demands, strict=True):
        yield f"  {name:<{width}}{_demand(demand, config)}"
    for slots in planned.slots:
        if slots.wanted:
            yield ""
            yield from _slots(slots, config, f" of {slots.account}" if several else "")
    if planned.updates:
        yield ""
        shown = planned.updates[0].shown
        yield f"iOS shows about {shown:.0f} updates of a Live Activity an hour; these can change more often:"
        wanted = {each.stream: f"{_rate(each.wanted)} times" for each in planned.updates}
        yield f"  {_listed(wanted, 'live_activities', config)}"
    if planned.unseen_widgets:
        yield ""
        fetches = HOUR / WIDGETS_FETCHED_EVERY
        yield f"iOS fetches widgets about {fetches:.0f} times an hour; these are sent more often (see min_interval):"
        often = {key: f"{_rate(often)} times" for key, often in planned.unseen_widgets.items()}
        yield f"  {_listed(often, 'widgets', config)}"
    for place, long in _too_long(config).items():
        if long:
            yield ""
            room = f"which has room for {_ROOM[place]} characters"
            yield f"Widgets with texts that may be too long for a {place}, {room}:"
            noted = {key: f"{length} characters" for key, length in long.items()}
            yield f"  {_listed(noted, 'widgets', config)}"


def as_json(config: Config) -> dict[str, Any]:
    """The same for programs."""
    planned = plan(config)
    return {
        "requests_a_minute": [
            {
                "account": each.account,
                "family": each.family.value,
                "steady": round(each.steady, 3),
                "worst": round(each.worst, 3),
                "limit": each.limit,
                "most_of_it": _place(each, config),
            }
            for each in planned.demands
        ],
        "slots": [each._asdict() | {"wanted": each.wanted} for each in planned.slots],
        "updates_an_hour": [
            {"stream": each.stream, "wanted": round(each.wanted, 3), "shown": each.shown} for each in planned.updates
        ],
        "widgets_sent_an_hour": {key: round(often, 3) for key, often in planned.unseen_widgets.items()},
        "widgets_too_long_for": _too_long(config),
    }


def _too_long(config: Config) -> dict[str, dict[str, int]]:
    """For each place on the phone the widgets whose texts may be too long for it, and how many characters they have."""
    lengths = widget_lengths(config)
    return {place: {key: length for key, length in lengths.items() if length > room} for place, room in _ROOM.items()}


def _demand(demand: Demand, config: Config) -> str:
    """The numbers, and the line of what causes most of them."""
    line = _line(demand.largest or (), config) if demand.worst else None
    most = f"   (most of it: {line})" if line is not None else ""
    return f"{_rate(demand.steady):>9} /{_rate(demand.worst):>9} /{demand.limit:>6,}{most}"


def _slots(slots: SlotPlan, config: Config, whose: str) -> Iterator[str]:
    count = f"{slots.wanted} can be wanted at once, {len(slots.without_alert)} of them while nothing fires"
    yield f"Live Activities{whose}: {count}; {slots.slots} fit."
    parts = (
        ("If every alert fires, these are shown", slots.shown),
        (f"in one row each of {FOLD_KEY}", slots.folded),
        ("and these wait", slots.waiting),
    )
    if slots.folded or slots.waiting:
        for what, keys in parts:
            if keys:
                yield f"  {what}: {_listed(dict.fromkeys(keys, ''), 'live_activities', config)}"


def _listed(notes: dict[str, str], section: str, config: Config) -> str:
    """The first of many names, each with what there is to say of it, and its line."""
    named = [f"{key} ({', '.join(_said(note, section, key, config))})" for key, note in notes.items()]
    rest = len(named) - MANY
    return ", ".join(named[:MANY]) + (f" and {rest} more" if rest > 0 else "")


def _said(note: str, section: str, key: str, config: Config) -> Sequence[str]:
    return [each for each in (note, _line((section, key), config)) if each]


def _line(path: tuple[str | int, ...], config: Config) -> str | None:
    """The line where a rule or a surface begins, with its file if that is not the first."""
    if (begins := config.lines.get(path)) is None:
        return None
    return f"line {begins.line}" if begins.file == str(config.path) else f"{begins.file}:{begins.line}"


def _place(demand: Demand, config: Config) -> dict[str, Any] | None:
    """Where what causes most of it begins, for programs."""
    begins = config.lines.get(demand.largest or ()) if demand.worst else None
    return {"file": begins.file, "line": begins.line, "column": begins.column} if begins is not None else None


def _rate(often: float) -> str:
    """How often, so that what is rare is not none."""
    if 0 < often < 0.1:
        return "<0.1"
    return number(often, 0 if often >= 10 or often == int(often) else 1)

"""Users' own metrics: which objects of a list count, and their sum. No I/O."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from difflib import get_close_matches
from fractions import Fraction
from typing import Any, NamedTuple

from smithd.plugin import quoted
from smithd_sources.stripe.money import exact
from smithd_sources.stripe.periods import PERIODS, period

_BOUNDS = ("gt", "gte", "lt", "lte")
_AGO = re.compile(r"(\d+)\s*(m|h|d|w)\s+ago")
_SECONDS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}

Filter = str | dict[str, int | str]
"""A parameter's value: a text, or bounds in time. A number is its text; Stripe's parameters have no other types."""


_SCALAR = {"type": ["string", "integer", "boolean"]}
FILTER: dict[str, Any] = {
    "anyOf": [_SCALAR, {"type": "object", "propertyNames": {"enum": list(_BOUNDS)}, "minProperties": 1}]
}
CHOICES: dict[str, Any] = {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR, "minItems": 1}]}
"""Their forms in the configuration, as JSON Schemas."""


def read_choices(given: Any) -> Any:
    """The values of a field that count, as texts. Raises ValueError where it is no list of values."""
    choices = given if isinstance(given, list) else [given]
    if not choices or not all(isinstance(choice, str | int) for choice in choices):
        raise ValueError("expected a value, or a list of values")
    return [_text(choice) for choice in choices]


def read_filter(given: Any) -> Any:
    """A filter from the configuration, checked. Raises ValueError, which says what is wrong with it."""
    if isinstance(given, str | int):
        return _text(given)
    if not isinstance(given, Mapping) or not given or not set(given) <= set(_BOUNDS):
        raise ValueError("expected a value, or bounds in time like {gte: today, lt: 1h ago}")
    for moment in given.values():
        is_name = isinstance(moment, str) and (moment in PERIODS or _AGO.fullmatch(moment) is not None)
        # YAML's true is an int in Python, and no moment.
        if not is_name and (not isinstance(moment, int) or isinstance(moment, bool)):
            raise ValueError(f"expected today, yesterday, this_month, 24h ago or seconds since 1970, not {moment}")
    return dict(given)


def parameters(filters: Mapping[str, Filter], now: float, zone: tzinfo) -> dict[str, Any]:
    """The parameters to send at ``now`` (seconds since 1970)."""
    sent: dict[str, Any] = {}
    for name, value in filters.items():
        if isinstance(value, str):
            sent[name] = value
            continue
        bounds = sent[name] = dict[str, int]()
        for bound, moment in value.items():
            if isinstance(moment, int):
                bounds[bound] = moment
            elif (ago := _AGO.fullmatch(moment)) is not None:
                bounds[bound] = int(now) - int(ago[1]) * _SECONDS[ago[2]]
            else:
                bounds[bound] = period(moment, now, zone).start  # type: ignore[arg-type] # read_filter lets no other text pass
    return sent


class QueryRow(NamedTuple):
    """The parts of an object that count: the labels' values, the currency ("" where it is no money), and the number."""

    labels: tuple[str, ...]
    currency: str
    number: Fraction


def fits(found: Mapping[str, Any], where: Mapping[str, Sequence[str]]) -> bool:
    """Whether each of these fields has one of the values that count."""
    return all(_text(at(found, path)) in choices for path, choices in where.items())


def parse_row(found: Mapping[str, Any], field: str | None, *, money: bool, labels: Iterable[str]) -> QueryRow | None:
    """The parts of an object that count; None where its field is null. Raises ValueError where it is no number."""
    value = 1 if field is None else at(found, field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{field} is no number")
    currency = at(found, "currency") if money else ""
    if not isinstance(currency, str):
        raise ValueError("it has no currency; leave out 'money' to have the plain sum")
    try:
        number = exact(value)
    except ValueError:
        raise ValueError(f"{field} is '{quoted(str(value)[:40])}', not a number") from None
    return QueryRow(tuple(_text(at(found, label)) for label in labels), currency, number)


def add_up(rows: Iterable[QueryRow]) -> Mapping[tuple[str, ...], Mapping[str, Fraction]]:
    """The sums, by the labels' values and by currency."""
    sums: defaultdict[tuple[str, ...], defaultdict[str, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    for labels, currency, number in rows:
        sums[labels][currency] += number
    return sums


class FieldsSeen:
    """Which of a query's fields the objects of its list were seen to have. A field that none of them has is misspelt,
    most likely, and would silently count as nothing.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        """``paths``: the fields that the query names."""
        self._missing: dict[str, set[str]] = {path: set() for path in paths}
        """The paths that no object had so far, with the fields that stood where each ended."""
        self._looked = False

    def look(self, found: Mapping[str, Any]) -> None:
        """Take note of an object."""
        self._looked = True
        for path, instead in list(self._missing.items()):
            place: Any = found
            steps = path.split(".")
            for depth, step in enumerate(steps):
                # Below null, there may be anything.
                if place is None:
                    del self._missing[path]
                    break
                # An object that is not expanded is a text, and has no fields.
                if not isinstance(place, Mapping) or step not in place:
                    fields = place if isinstance(place, Mapping) else ()
                    instead.update(".".join([*steps[:depth], name]) for name in fields)
                    break
                place = place[step]
            else:
                del self._missing[path]

    def problem(self) -> str | None:
        """What is wrong with the first field that no object has; None where nothing is. Of a list without objects,
        nothing is known, and so nothing is wrong.
        """
        for path, instead in self._missing.items() if self._looked else ():
            near = get_close_matches(path, sorted(instead), 1)
            # What stands in ``metadata`` is the user's own, and may be rare.
            if near or "metadata" not in path.split("."):
                return f"no object has a field {path}" + (f"; did you mean {near[0]}?" if near else "")
        return None


def at(found: Any, path: str) -> Any:
    """The value at a dotted path; None where there is none."""
    for step in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(step)
    return found


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)

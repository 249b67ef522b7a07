"""Users' own metrics: which objects of a list count, and their sum. No I/O."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from fractions import Fraction
from typing import Any, NamedTuple

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
        raise ValueError(f"{field} is {str(value)[:40]!r}, not a number") from None
    return QueryRow(tuple(_text(at(found, label)) for label in labels), currency, number)


def add_up(rows: Iterable[QueryRow]) -> Mapping[tuple[str, ...], Mapping[str, Fraction]]:
    """The sums, by the labels' values and by currency."""
    sums: defaultdict[tuple[str, ...], defaultdict[str, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    for labels, currency, number in rows:
        sums[labels][currency] += number
    return sums


def at(found: Any, path: str) -> Any:
    """The value at a dotted path; None where there is none."""
    for step in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(step)
    return found


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)

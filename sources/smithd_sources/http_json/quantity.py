"""The quantity that a value in an answer stands for (a number, a duration, a moment), as a number. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from smithd.plugin import BadResponse
from smithd_sources.moments import to_moment
from smithd_sources.numerals import DecimalMark
from smithd_sources.values import (
    TimeContext,
    in_short,
    is_no_value,
    to_number,
    truth_to_number,
    word_to_number,
)


class Quantity(StrEnum):
    """What a value becomes: the number itself, 1 or 0, or the seconds of a duration, since 1970, or since a moment."""

    NUMBER = "number"
    BOOLEAN = "boolean"
    DURATION = "duration"
    TIMESTAMP = "timestamp"
    AGE = "age"


@dataclass(frozen=True, slots=True)
class Conversion:
    """Makes a number of a value in an answer: its quantity, times ``scale``, plus ``offset``, in decimal.

    ``words``: what texts stand for, where only those are expected; ``decimal``: the mark before the decimals of a text;
    ``time_format``: how moments are written.
    """

    quantity: Quantity = Quantity.NUMBER
    scale: Decimal | None = None
    offset: Decimal | None = None
    words: Mapping[str, float] = field(default_factory=dict)
    decimal: DecimalMark = "."
    time_format: str | None = None

    def __call__(self, found: Any, where: object, asked: TimeContext) -> float | None:
        """The number; None for null and what is no value.

        Raises BadResponse for anything else; the error says ``where`` it stands.
        """
        if self.words:
            found = word_to_number(found, where, self.words)
        elif self.quantity is Quantity.BOOLEAN:
            found = truth_to_number(found, where)
        elif self.quantity is Quantity.DURATION:
            found = _seconds(found, where)
        elif self.quantity is not Quantity.NUMBER:
            since = to_moment(found, where, asked.zone, self.time_format)
            found = asked.now - since if self.quantity is Quantity.AGE and since is not None else since
        return to_number(found, where, self.scale, self.offset, self.decimal)


_N = r"\d+(?:\.\d+)?|\.\d+"
_WORDS = re.compile(
    rf"(?:(?P<weeks>{_N})w)?(?:(?P<days>{_N})d)?(?:(?P<hours>{_N})h)?(?:(?P<minutes>{_N})m(?:in)?)?"
    rf"(?:(?P<seconds>{_N})s)?(?:(?P<millis>{_N})ms)?(?:(?P<micros>{_N})[uµμ]s)?(?:(?P<nanos>{_N})ns)?"
)
_ISO = re.compile(
    rf"P(?:(?P<weeks>{_N})W)?(?:(?P<days>{_N})D)?"
    rf"(?:T(?:(?P<hours>{_N})H)?(?:(?P<minutes>{_N})M)?(?:(?P<seconds>{_N})S)?)?"
)
_CLOCK = re.compile(r"(?:(?P<days>\d+)[. ])?(?P<hours>\d+):(?P<minutes>\d{2})(?::(?P<seconds>\d{2}(?:\.\d+)?))?")
_PLAIN = re.compile(rf"(?P<seconds>{_N})")
_LENGTHS = {"weeks": 604800, "days": 86400, "hours": 3600, "minutes": 60, "seconds": 1}
_PARTS = {"millis": 10**3, "micros": 10**6, "nanos": 10**9}
_LONGEST = 80


def _seconds(found: Any, where: object) -> float | None:
    """The seconds of ``1h 30m``, ``850µs``, ``PT1H30M`` (ISO 8601), ``01:30:00`` or a number; None for no value."""
    if is_no_value(found):
        return None
    if isinstance(found, int | float) and not isinstance(found, bool):
        return found
    text = found.strip() if isinstance(found, str) and len(found) <= _LONGEST else ""
    sign = -1 if text.startswith("-") else 1
    text = text.removeprefix("-" if sign < 0 else "+")
    words = text.replace(" ", "").lower()
    for pattern, written in ((_PLAIN, text), (_WORDS, words), (_ISO, text.upper()), (_CLOCK, text)):
        match = pattern.fullmatch(written)
        if match is not None and any(match.groups()):
            parts = {unit: float(number) for unit, number in match.groupdict().items() if number}
            # Small units are divided: 9 / 1000 is 0.009, but 9 * 0.001 is 0.009000000000000001.
            return sign * sum(
                number / _PARTS[unit] if unit in _PARTS else number * _LENGTHS[unit] for unit, number in parts.items()
            )
    raise BadResponse(f"{where} is {in_short(found)}, not a duration like 90, 1h30m, PT1H30M or 01:30:00")

"""What a value in an answer is meant as: a number, a length of time, or a moment; and how it becomes a number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import Any

from smithd.plugin import BadAnswer
from smithd_sources.number import in_short, to_number


class Quantity(StrEnum):
    """How a value is read: as it is, or as the seconds of a duration, since 1970, or since a moment."""

    NUMBER = "number"
    DURATION = "duration"
    TIMESTAMP = "timestamp"
    AGE = "age"


@dataclass(frozen=True, slots=True)
class Moment:
    """When a value is read (seconds since 1970), and where: in which zone a time without one is meant."""

    now: float
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class Conversion:
    """From what stands in an answer to a number: its quantity, times ``scale``, plus ``offset``, in decimal."""

    quantity: Quantity = Quantity.NUMBER
    scale: Decimal | None = None
    offset: Decimal | None = None

    def __call__(self, found: Any, where: object, moment: Moment) -> float | None:
        """The number; None for null and what is no value. BadAnswer, saying ``where`` it stood, for anything else."""
        if self.quantity is Quantity.DURATION:
            found = _seconds(found, where)
        elif self.quantity is not Quantity.NUMBER:
            since = _timestamp(found, where, moment.zone)
            found = moment.now - since if self.quantity is Quantity.AGE and since is not None else since
        return to_number(found, where, self.scale, self.offset)


_WORDS = re.compile(
    r"(?:(?P<weeks>\d+(?:\.\d+)?)w)?(?:(?P<days>\d+(?:\.\d+)?)d)?(?:(?P<hours>\d+(?:\.\d+)?)h)?"
    r"(?:(?P<minutes>\d+(?:\.\d+)?)m(?:in)?)?(?:(?P<seconds>\d+(?:\.\d+)?)s)?(?:(?P<millis>\d+(?:\.\d+)?)ms)?"
)
_ISO = re.compile(
    r"P(?:(?P<weeks>\d+(?:\.\d+)?)W)?(?:(?P<days>\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_CLOCK = re.compile(r"(?:(?P<days>\d+)[. ])?(?P<hours>\d+):(?P<minutes>\d{2})(?::(?P<seconds>\d{2}(?:\.\d+)?))?")
_LENGTHS = {"weeks": 604800, "days": 86400, "hours": 3600, "minutes": 60, "seconds": 1, "millis": 0.001}
_LONGEST = 80


def _seconds(found: Any, where: object) -> float | None:
    """The seconds of ``1h 30m``, ``PT1H30M`` (ISO 8601), ``01:30:00`` or a number; None for null."""
    if found is None or (isinstance(found, int | float) and not isinstance(found, bool)):
        return found
    text = found.strip() if isinstance(found, str) and len(found) <= _LONGEST else ""
    sign = -1 if text.startswith("-") else 1
    text = text.lstrip("+-")
    for pattern, written in ((_WORDS, text.replace(" ", "").lower()), (_ISO, text.upper()), (_CLOCK, text)):
        match = pattern.fullmatch(written)
        if match is not None and any(match.groups()):
            return sign * sum(float(number) * _LENGTHS[unit] for unit, number in match.groupdict().items() if number)
    raise BadAnswer(f"{where} is {in_short(found)}, not a duration like 90, 1h30m, PT1H30M or 01:30:00")


_EPOCHS = ((1e11, 1.0), (1e14, 1e-3), (1e17, 1e-6), (1e20, 1e-9))
"""Moments as numbers: up to so large they are seconds, milliseconds, microseconds or nanoseconds since 1970."""
_DIGITS = re.compile(r"\d{9,19}(?:\.\d+)?")


def _timestamp(found: Any, where: object, zone: tzinfo) -> float | None:
    """Seconds since 1970 of ``2026-11-26T10:00:00Z`` (RFC 3339), of a date, or of a number; None for null."""
    if found is None:
        return None
    if isinstance(found, str) and _DIGITS.fullmatch(found.strip()):
        found = float(found)
    if isinstance(found, int | float) and not isinstance(found, bool):
        unit = next((unit for limit, unit in _EPOCHS if abs(found) < limit), None)
        if unit is not None:
            return float(found) * unit
    elif isinstance(found, str) and len(found) <= _LONGEST:
        try:
            moment = datetime.fromisoformat(found.strip())
            return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
        except (ValueError, OverflowError):
            pass
    raise BadAnswer(f"{where} is {in_short(found)}, not a time like 2026-11-26T10:00:00Z or seconds since 1970")

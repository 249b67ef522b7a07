"""Numbers, lengths of time and moments as a person says them, and texts that are safe to show. No I/O."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import overload
from zoneinfo import ZoneInfo

CONTROLS = (*range(0x20), *range(0x7F, 0xA0))
"""The code points of C0 and C1."""
DIRECTIONS = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""Those that change the direction of a text (Unicode's Bidi_Control), and so can have it say something else."""

MOST_DECIMALS = 20
LEAST_WRITTEN_OUT, LEAST_NOT_WRITTEN_OUT = 1e-12, 1e21

_SEPARATORS = (0x2028, 0x2029)
"""Unicode's own ends of a line and of a paragraph."""

_UNSAFE = dict.fromkeys([*CONTROLS, *DIRECTIONS]) | {ord("\n"): "\n"} | dict.fromkeys([ord("\t"), *_SEPARATORS], " ")


def readable(text: str) -> str:
    """A text without control characters other than line feeds, and without changes of direction: what was polled may
    hold any.
    """
    return text if text.isascii() and text.isprintable() else text.translate(_UNSAFE)


def number(value: float, decimals: int | None = None) -> str:
    """``1234.5`` as ``1,234.5``: with two decimals, or as many as show four digits that count. With
    ``decimals`` as many as that, or as many as tell it from zero. What is too large or too small to be written out is
    ``1.5e300``.
    """
    if decimals is not None and not (type(decimals) is int and 0 <= decimals <= MOST_DECIMALS):
        raise ValueError(f"expected from 0 to {MOST_DECIMALS} decimals, not {decimals}")
    if not math.isfinite(value):
        return "unknown" if math.isnan(value) else "∞" if value > 0 else "-∞"
    if value and not LEAST_WRITTEN_OUT <= abs(value) < LEAST_NOT_WRITTEN_OUT:
        digits, _, exponent = f"{value:.3e}".partition("e")
        return f"{digits.rstrip('0').rstrip('.')}e{int(exponent)}"
    if decimals is not None:
        shown = f"{value:,.{decimals}f}"
        return shown if shown.strip("-0.,") else f"{0:.{decimals}f}" if not value else number(value)
    leading = math.floor(math.log10(abs(value))) if value else 0
    shown = f"{value:,.{min(max(2, 3 - leading), 12)}f}"
    return unsigned_zero(shown.rstrip("0").rstrip("."))


COMPACT = -1
LENGTHS = (MOST_DECIMALS, 3, 2, 1, 0, COMPACT)
"""How long a number may be, the longest first: with at most this many decimals, at last as ``1.23M``."""

THOUSANDS = "kMBT"
"""As phones write them, in every language: thousands, millions, billions (thousands of millions), trillions."""


def shortened(value: float, most: int, decimals: int | None = None) -> str:
    """``number`` as long as ``most`` (one of ``LENGTHS``) lets it be; it keeps the decimals that tell it from zero."""
    if most == COMPACT:
        return compact(value)
    shown = number(value, decimals)
    if "e" in shown or len(shown.partition(".")[2]) <= most:
        return shown
    shorter = number(value, most)
    return unsigned_zero(shorter.rstrip("0").rstrip(".")) if "." in shorter else shorter


def compact(value: float) -> str:
    """``12345`` as ``12.3k``, ``1234567`` as ``1.23M``: three digits that count. Below 1,000 there are no decimals."""
    if not math.isfinite(value) or abs(value) < 999.5:
        return number(value, 0)
    rest = value
    for unit in THOUSANDS:
        rest /= 1000
        if abs(rest) < 999.5:
            places = 2 if abs(rest) < 9.995 else 1 if abs(rest) < 99.95 else 0
            shown = f"{rest:.{places}f}"
            return (shown.rstrip("0").rstrip(".") if places else shown) + unit
    digits, _, exponent = f"{value:.2e}".partition("e")
    return f"{digits.rstrip('0').rstrip('.')}e{int(exponent)}"


def duration(seconds: float) -> str:
    """Seconds as a person says them, in at most two units: ``250ms``, ``1.5s``, ``42s``, ``17m``, ``2h 5m``, ``3d``."""
    if not math.isfinite(seconds):
        return number(seconds)
    if seconds < 0:
        return "-" + duration(-seconds)
    return " ".join(f"{count}{unit}" for count, unit in duration_parts(seconds))


def duration_parts(seconds: float) -> list[tuple[str, str]]:
    """A finite length of time, 0 or more, in at most two units: how many, as ``number`` writes it, of ``d``, ``h``,
    ``m``, ``s`` or ``ms``.
    """
    # From these limits on it would be rounded to 1000ms and 10.0s.
    if seconds < 0.9995:
        return [(number(seconds * 1000, 0), "ms")] if seconds else [("0", "s")]
    if seconds < 9.95:
        return [(number(seconds, 1).removesuffix(".0"), "s")]
    if seconds >= LEAST_NOT_WRITTEN_OUT:
        return [(number(seconds / 86400), "d")]
    rest = round(seconds)
    parts: list[tuple[int, str]] = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if rest >= size or parts:
            parts.append((rest // size, unit))
            rest %= size
    return [(number(count, 0), unit) for count, unit in parts[:2] if count]


class ForeignZone(ZoneInfo):
    """A zone whose clocks are not this machine's, so that times in it are shown with its name."""


def zoned(at: float, zone: tzinfo, form: str) -> str:
    """A moment (seconds since 1970) in a form of strftime, with the zone where it is foreign: ``20:05 CET``."""
    moment = datetime.fromtimestamp(at, zone)
    name = moment.strftime("%Z") if isinstance(zone, ForeignZone) else ""
    # Zones whose clocks have no name of their own are called by their offset, like -03.
    return f"{moment:{form}} {'UTC' if name[0] in '+-' else ''}{name}" if name else f"{moment:{form}}"


@overload
def iso_time(at: float, zone: tzinfo) -> str: ...
@overload
def iso_time(at: float | None, zone: tzinfo) -> str | None: ...
def iso_time(at: float | None, zone: tzinfo) -> str | None:
    """A time (seconds since 1970) as answers in JSON have it: ISO 8601 in this zone, to the second."""
    return None if at is None else datetime.fromtimestamp(at, zone).isoformat(timespec="seconds")


def clock_time(at: float, now: float, zone: tzinfo) -> str:
    """A moment (seconds since 1970) as a person says it: the time of day, with the weekday where it was not today."""
    is_today = datetime.fromtimestamp(at, zone).date() == datetime.fromtimestamp(now, zone).date()
    return zoned(at, zone, "%H:%M" if is_today else "%a %H:%M")


def labels_text(labels: Iterable[tuple[str, str]]) -> str:
    """Labels, as those of a series are written: ``{region="eu"}``; nothing where there are none."""
    inner = ", ".join(f'{name}="{value}"' for name, value in labels)
    return f"{{{inner}}}" if inner else ""


def time_of_answer(at: str, now: str) -> str:
    """A time of an answer (ISO 8601) for a person, with the day only where it is not today."""
    moment, today = datetime.fromisoformat(at), datetime.fromisoformat(now)
    return moment.strftime("%H:%M:%S" if moment.date() == today.date() else "%a %d %b %H:%M:%S")


def clock_span(start: float, end: float, now: float, zone: tzinfo) -> str:
    """Two moments as a person says them: ``20:05 to 22:10``, with one name of the zone where both have the same."""
    first, last = clock_time(start, now, zone), clock_time(end, now, zone)
    name = last.rpartition(" ")[2]
    return f"{first.removesuffix(f' {name}')} to {last}" if isinstance(zone, ForeignZone) else f"{first} to {last}"


def counted(number: int, one: str, many: str = "") -> str:
    """``1 poll``, ``1,200 polls``; ``many``: the plural, where it is not ``one`` with an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def unsigned_zero(shown: str) -> str:
    """``-0.0`` as ``0.0``."""
    return shown[1:] if shown.startswith("-") and not shown.strip("-0.,") else shown


WIRE_TOLERANCE = 1e-9
"""By how much a number that is sent may differ from its value."""

SMALL = 1e-3
"""Below this a number keeps six digits that count, which takes more than nine decimals."""


def plain(value: float) -> int | float:
    """A finite number as it is written: the shortest decimal within ``WIRE_TOLERANCE`` of it, so that 0.1 + 0.2 is 0.3;
    without ``.0``, and without the sign of zero.
    """
    if abs(value) < 1e15 and value == int(value):
        return int(value)
    if 0 < abs(value) < SMALL:
        return float(f"{value:.6g}")
    rounded = (round(value, places) for places in range(10))
    shortest = next((each for each in rounded if abs(each - value) <= WIRE_TOLERANCE), value)
    return int(shortest) if abs(shortest) < 1e15 and shortest == int(shortest) else shortest

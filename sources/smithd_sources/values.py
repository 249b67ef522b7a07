"""How a value in an answer becomes a number, and how it is shown in an error. No I/O."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from decimal import Decimal
from typing import Any

from smithd.plugin import BadResponse, quoted
from smithd_sources.http_errors import EXCERPT, cut
from smithd_sources.numerals import EXACT, PLAIN, DecimalMark, read_numeral

_EPOCHS = ((1e11, 1.0), (1e14, 1e-3), (1e17, 1e-6), (1e20, 1e-9))
"""A moment written as a number: below the first bound it is in seconds since 1970, below the next ones in milliseconds,
microseconds or nanoseconds.
"""
_NO_NUMBER = re.compile(r"[-+]?(?:nan|inf|infinity)", re.IGNORECASE)
_EARLIEST = 946_684_800.0
"""The year 2000, in seconds since 1970: no sample is older."""
_TRUTHS = {
    **dict.fromkeys(("true", "on", "yes", "up", "1"), 1.0),
    **dict.fromkeys(("false", "off", "no", "down", "0"), 0.0),
}


@dataclass(frozen=True, slots=True)
class TimeContext:
    """When an answer was asked for (seconds since 1970), and the zone of times in it that name none."""

    now: float
    zone: tzinfo = UTC


def to_number(
    found: Any,
    where: object,
    scale: Decimal | None = None,
    offset: Decimal | None = None,
    decimal: DecimalMark = ".",
) -> float | None:
    """A number, a truth (1 or 0) or a number's text as a float; None for null, NaN and what a float cannot hold.

    The number is multiplied by ``scale``, then ``offset`` is added, both in decimal. ``decimal``: the mark before the
    decimals of a text. Raises BadResponse for anything else; the error says ``where`` it stands.
    """
    if is_no_value(found):
        return None
    number: Any = found
    if isinstance(found, str):
        plain = found.strip()
        # Most texts are plain numbers: those are not read twice.
        number = plain if decimal == "." and PLAIN.fullmatch(plain) else read_numeral(plain, decimal)
    if number is None or isinstance(number, list | dict):
        raise BadResponse(f"{where} is {in_short(found)}, not a number")
    if scale is not None or offset is not None:
        # repr() gives the number as it was written: 0.1, and not what the float holds.
        number = EXACT.create_decimal(repr(number) if isinstance(number, float) else number)
        number = number if scale is None else EXACT.multiply(number, scale)
        number = number if offset is None else EXACT.add(number, offset)
    try:
        value = float(number)
    # A whole number of JSON may have more digits than a float can hold.
    except OverflowError:
        return None
    return value if math.isfinite(value) else None


def word_to_number(found: Any, where: object, words: Mapping[str, float]) -> float | None:
    """The number that a word stands for, in any case if not as it is written; None for null.

    Raises BadResponse for what is none of the words; the error lists them.
    """
    if found is None:
        return None
    # Some languages have no whole numbers: a 1 of theirs is 1.0.
    whole = int(found) if isinstance(found, float) and found.is_integer() else found
    text = (whole if isinstance(whole, str) else json.dumps(whole)).strip()
    value = words.get(text)
    if value is None:
        value = next((number for word, number in words.items() if word.casefold() == text.casefold()), None)
    if value is None:
        raise BadResponse(f"{where} is {in_short(found)}, which is none of the words known: {', '.join(words)}")
    return value


def truth_to_number(found: Any, where: object) -> float | None:
    """1 for what means true, 0 for what means false, None for null. Raises BadResponse for anything else."""
    try:
        return word_to_number(found, where, _TRUTHS)
    except BadResponse:
        raise BadResponse(f"{where} is {in_short(found)}, neither true nor false") from None


def epoch_seconds(number: float) -> float | None:
    """Seconds since 1970 of a moment in seconds, milli-, micro- or nanoseconds: its size says which. None: in none."""
    unit = next((unit for limit, unit in _EPOCHS if abs(number) < limit), None)
    return None if unit is None else float(number) * unit


def moment_of_sample(moment: float | None, where: object) -> float | None:
    """A sample's own time in seconds since 1970; None for null, 0 and what is earlier: it never was.

    Raises BadResponse for a time before the year 2000, which is another number taken for a time.
    """
    if moment is None or moment <= 0:
        return None
    if moment < _EARLIEST:
        raise BadResponse(f"{where} is no time of a sample: {moment:g} s since 1970 are before the year 2000")
    return moment


def is_no_value(found: Any) -> bool:
    """Whether it is null, NaN or infinite, or a text that says so: there is no value, and that is no mistake."""
    if isinstance(found, float):
        return not math.isfinite(found)
    return found is None or (isinstance(found, str) and _NO_NUMBER.fullmatch(found.strip()) is not None)


def in_short(value: Any) -> str:
    """The start of a JSON value, for an error's text; encodes no more of it than is shown."""
    text = ""
    for part in _parts(value):
        text += part
        if len(text) > EXCERPT:
            break
    return quoted(cut(text))


def _parts(value: Any) -> Iterator[str]:
    """The text of a JSON value, part by part: the library's own encoder writes even the longest text in one."""
    if isinstance(value, str):
        yield json.dumps(value[: EXCERPT + 1], ensure_ascii=False)
    elif isinstance(value, list):
        yield "["
        for index, item in enumerate(value):
            yield ", " if index else ""
            yield from _parts(item)
        yield "]"
    elif isinstance(value, dict):
        yield "{"
        for index, (key, item) in enumerate(value.items()):
            yield ", " if index else ""
            yield from _parts(str(key))
            yield ": "
            yield from _parts(item)
        yield "}"
    else:
        yield json.dumps(value)

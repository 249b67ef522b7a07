"""How a value in an answer becomes a number, and how it is shown in an error. No I/O."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, tzinfo
from decimal import Context, Decimal
from typing import Any

from smithd.plugin import BadResponse
from smithd_sources.http_errors import EXCERPT, cut

_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?(?:nan|inf|infinity)", re.IGNORECASE)
_EXACT = Context(prec=60, traps=[])
"""Decimal arithmetic that never raises: what does not fit becomes infinite, and infinity is no value."""


@dataclass(frozen=True, slots=True)
class TimeContext:
    """When an answer was asked for (seconds since 1970), and the zone of times in it that name none."""

    now: float
    zone: tzinfo = UTC


def to_number(found: Any, where: object, scale: Decimal | None = None, offset: Decimal | None = None) -> float | None:
    """A number, a truth (1 or 0) or a number's text as a float; None for null, NaN and what a float cannot hold.

    The number is multiplied by ``scale``, then ``offset`` is added, both in decimal. Raises BadResponse for anything
    else; the error says ``where`` it stands.
    """
    if is_no_value(found):
        return None
    if isinstance(found, str):
        found = found.strip()
    if not (_NUMBER.fullmatch(found) if isinstance(found, str) else isinstance(found, int | float)):
        raise BadResponse(f"{where} is {in_short(found)}, not a number")
    number = found
    if scale is not None or offset is not None:
        # repr() gives the number as it was written: 0.1, and not what the float holds.
        number = _EXACT.create_decimal(repr(found) if isinstance(found, float) else found)
        number = number if scale is None else _EXACT.multiply(number, scale)
        number = number if offset is None else _EXACT.add(number, offset)
    try:
        value = float(number)
    # A whole number of JSON may have more digits than a float can hold.
    except OverflowError:
        return None
    return value if math.isfinite(value) else None


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
    return cut(text)


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

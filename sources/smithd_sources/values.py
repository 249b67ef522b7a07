"""How a value in somebody's answer becomes a number."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from decimal import Context, Decimal
from typing import Any

from smithd.plugin import BadResponse
from smithd_sources.http_options import EXCERPT, cut

_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?(?:nan|inf|infinity)", re.IGNORECASE)
_EXACT = Context(prec=60, traps=[])
"""Decimal arithmetic that never raises: what does not fit becomes infinite, and that is no value."""


def to_number(found: Any, where: object, scale: Decimal | None = None, offset: Decimal | None = None) -> float | None:
    """A number, a truth (1 or 0) or a number's text as a float; None for null, NaN and what a float cannot hold.

    It is multiplied by ``scale``, then ``offset`` is added, both in decimal.

    Anything else raises BadResponse, which says ``where`` it stood.
    """
    if is_no_value(found):
        return None
    if isinstance(found, str):
        found = found.strip()
    if not (_NUMBER.fullmatch(found) if isinstance(found, str) else isinstance(found, int | float)):
        raise BadResponse(f"{where} is {in_short(found)}, not a number")
    try:
        value = float(found if scale is None and offset is None else _changed(_decimal(found), scale, offset))
    except OverflowError:
        return None
    return value if math.isfinite(value) else None


def is_no_value(found: Any) -> bool:
    """Whether it is null, NaN or infinite, or a text that says so: there is no value, and that is no mistake."""
    if isinstance(found, float):
        return not math.isfinite(found)
    return found is None or (isinstance(found, str) and _NO_NUMBER.fullmatch(found.strip()) is not None)


def _changed(number: Decimal, scale: Decimal | None, offset: Decimal | None) -> Decimal:
    scaled = number if scale is None else _EXACT.multiply(number, scale)
    return scaled if offset is None else _EXACT.add(scaled, offset)


def _decimal(number: str | float) -> Decimal:
    return _EXACT.create_decimal(repr(number) if isinstance(number, float) else number)


def in_short(value: Any) -> str:
    """The start of a JSON value, for an error's text; never encodes more of it than is shown."""
    text = ""
    for part in _parts(value):
        text += part
        if len(text) > EXCERPT:
            break
    return cut(text)


def _parts(value: Any) -> Iterator[str]:
    """A JSON value's text, part by part: the library's own encoder writes even the longest text in one."""
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

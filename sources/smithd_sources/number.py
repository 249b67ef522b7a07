"""How a value in somebody's answer becomes a number."""

from __future__ import annotations

import json
import math
import re
from decimal import Context, Decimal
from typing import Any

from smithd.plugin import BadAnswer
from smithd_sources.connection import EXCERPT

_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?(?:nan|inf|infinity)", re.IGNORECASE)
_EXACT = Context(prec=60, traps=[])
"""Decimal arithmetic that never raises: what does not fit becomes infinite, and that is no value."""


def to_number(found: Any, where: object, scale: Decimal | None = None, offset: Decimal | None = None) -> float | None:
    """A number, a truth (1 or 0) or a number's text as a float; None for null, NaN and what a float cannot hold.

    It is multiplied by ``scale``, then ``offset`` is added, both in decimal.

    Anything else raises BadAnswer, which says ``where`` it stood.
    """
    if found is None:
        return None
    if isinstance(found, str):
        found = found.strip()
        if _NO_NUMBER.fullmatch(found):
            return None
    if not (_NUMBER.fullmatch(found) if isinstance(found, str) else isinstance(found, int | float)):
        raise BadAnswer(f"{where} is {in_short(found)}, not a number")
    try:
        value = float(found if scale is None and offset is None else _changed(_decimal(found), scale, offset))
    except OverflowError:
        return None
    return value if math.isfinite(value) else None


def _changed(number: Decimal, scale: Decimal | None, offset: Decimal | None) -> Decimal:
    scaled = number if scale is None else _EXACT.multiply(number, scale)
    return scaled if offset is None else _EXACT.add(scaled, offset)


def _decimal(number: str | float) -> Decimal:
    return _EXACT.create_decimal(repr(number) if isinstance(number, float) else number)


def in_short(value: Any) -> str:
    """The start of a JSON value, for an error's text; never encodes more of it than is shown."""
    text = ""
    for part in json.JSONEncoder(ensure_ascii=False).iterencode(value):
        text += part[: EXCERPT + 1]
        if len(text) > EXCERPT:
            return text[:EXCERPT] + "…"
    return text

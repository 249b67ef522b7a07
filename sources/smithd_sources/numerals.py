"""Numbers as people and programs write them: grouped digits, a decimal comma, percent, currencies, bytes. No I/O."""

from __future__ import annotations

import re
import unicodedata
from decimal import Context, Decimal
from typing import Literal

DecimalMark = Literal[".", ","]

EXACT = Context(prec=60, traps=[])
"""Decimal arithmetic that never raises: what does not fit becomes infinite, and infinity is no value."""

PLAIN = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_HEXADECIMAL = re.compile(r"[-+]?0[xX][0-9A-Fa-f]{1,256}")
# No group is needed after a zero: 0,500 is a half, written with the other mark.
_GROUPED = {
    ".": re.compile(r"[-+]?[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?"),
    ",": re.compile(r"[-+]?(?:[1-9][0-9]{0,2}(?:\.[0-9]{3})+|[0-9]+)(?:,[0-9]+)?"),
}
_UNIT = re.compile(r"(?P<number>.*[0-9.,])\s*(?:(?P<percent>%)|(?P<prefix>[kKMGTPE]?)(?P<binary>i?)(?P<bytes>B?))")
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_LONGEST = 300


def read_numeral(text: str, decimal: DecimalMark = ".") -> Decimal | None:
    """The number that a text stands for; None where it is none.

    Beside plain numbers: digits in groups of three (``1,378``, ``67,432.10``; with a decimal comma ``1.234,50``),
    hexadecimal ones (``0xd8``), percent (``12.5%`` is 12.5), a currency's sign before or after it, and bytes
    (``1000 MB`` is 10^9, ``16Ki`` is 16,384). A mark that neither parts the decimals nor groups three digits makes it
    no number.
    """
    text = text.strip()
    if not text or len(text) > _LONGEST:
        return None
    if _HEXADECIMAL.fullmatch(text):
        return Decimal(int(text, 16))
    sign, bare = _without_currency(text)
    unit = _UNIT.fullmatch(bare)
    # "i" alone is no unit: it belongs to a prefix.
    if unit is None or (unit["binary"] and not unit["prefix"]):
        return None
    number = _digits(sign + unit["number"], decimal)
    if number is None or not unit["prefix"]:
        return number
    # A currency has no bytes.
    if sign + bare != text:
        return None
    return EXACT.multiply(number, Decimal(1024 if unit["binary"] else 1000) ** _POWERS[unit["prefix"].upper()])


def _without_currency(text: str) -> tuple[str, str]:
    """The sign before a currency's, and the text without both."""
    sign = text[0] if text[0] in "+-" else ""
    rest = text[len(sign) :].strip()
    for first, last in ((1, None), (0, -1)):
        if len(rest) > 1 and unicodedata.category(rest[0] if first else rest[-1]) == "Sc":
            bare = rest[first:last].strip()
            # The sign may stand on either side of the currency's: -€5 and €-5.
            return ("", bare) if not sign else (sign, bare)
    return sign, rest


def _digits(text: str, decimal: DecimalMark) -> Decimal | None:
    if decimal == "." and PLAIN.fullmatch(text):
        return EXACT.create_decimal(text)
    if not _GROUPED[decimal].fullmatch(text):
        return None
    other = "," if decimal == "." else "."
    return EXACT.create_decimal(text.replace(other, "").replace(",", "."))

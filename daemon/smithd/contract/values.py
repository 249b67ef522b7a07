"""The values that requests are made of, each with its own rule. The configuration is made of them too. No I/O."""

from __future__ import annotations

import encodings.utf_16_le  # noqa: F401 - Python imports it late, when there may be no descriptor left to read it
import json
import re
from datetime import datetime
from typing import Annotated, Any, Literal, TypeGuard

from pydantic import AfterValidator, Field, PlainValidator, Strict, WithJsonSchema

LONGEST_VALUE = 64
"""Characters of a value that is a text (contract sections 4.2 and 10)."""

MOST_ROWS = 8
MOST_TAGS = 20
MOST_METADATA = 50
LONGEST_METADATA = 4000
LONGEST_METADATA_KEY = 100
LARGEST_METADATA = 16384
"""Bytes of metadata as JSON (contract section 8)."""

_TAG = re.compile(r"[a-z0-9][a-z0-9._:-]{0,63}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def units(text: str) -> int:
    """A text's length in UTF-16, as the strictest of the service's own tools count it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def clipped(text: str, longest: int = LONGEST_VALUE) -> str:
    """A text cut, where it must be, to ``longest`` characters, counted as ``units`` does."""
    if units(text) <= longest:
        return text
    # The end may be half of a surrogate pair, which "ignore" drops. One unit is left for the ellipsis.
    kept = text.encode("utf-16-le", "surrogatepass")[: 2 * (longest - 1)]
    return kept.decode("utf-16-le", "ignore").rstrip() + "…"


def whole(text: str) -> str:
    """The text with a question mark for each half of a letter (of UTF-16), which is no text."""
    return text.encode("utf-8", "replace").decode()


def size(value: Any) -> int:
    """The bytes of a value as compact JSON; raises ValueError where it is none."""
    return len(encoded(value))


def encoded(value: Any) -> bytes:
    """Compact JSON in UTF-8; raises ValueError for a number that is not finite, half a letter, and what is no JSON."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        raise ValueError("there is half a letter (of UTF-16) in it") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except (TypeError, ValueError) as error:
        raise ValueError(f"it cannot be written as JSON: {error}") from None


_SIGN = re.compile(r"[^\s\ufeff]")
"""What is no blank. The patterns of JSON Schema are JavaScript's, which takes a byte order mark for one."""


def is_blank(text: str) -> bool:
    """Whether nothing can be seen of a text."""
    return _SIGN.search(text) is None


def _not_blank(text: str) -> str:
    if is_blank(text):
        raise ValueError("expected a text that is not blank")
    return text


Named = Annotated[str, Strict(), AfterValidator(_not_blank), WithJsonSchema({"type": "string", "pattern": r"\S"})]
"""A text that says something."""


Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Count = Annotated[Number, Field(ge=0)]


def is_number(value: Any) -> TypeGuard[int | float]:
    """Whether this is a number that JSON can say: finite, and neither true nor false."""
    # To Python, True is the number 1; to JSON it is no number.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return float("-inf") < float(value) < float("inf")
    # It is a whole number of more than 308 digits.
    except OverflowError:
        return False


def _whole(value: Any) -> int:
    if not is_number(value) or value != int(value):
        raise ValueError("expected a whole number")
    return int(value)


Whole = Annotated[int, PlainValidator(_whole), WithJsonSchema({"type": "integer"})]
"""A whole number; in JSON, 3 and 3.0 are the same."""


def _readout(least: float) -> PlainValidator:
    """A number from ``least`` on, or a short text: one mistake to report, not one for each."""
    number = "a number" if least == float("-inf") else f"a number, {least:g} or more,"

    def check(value: Any) -> Any:
        if isinstance(value, str):
            if is_blank(value) or units(value) > LONGEST_VALUE:
                raise ValueError(f"expected a text of 1 to {LONGEST_VALUE} characters that is not blank")
            return value
        if not is_number(value) or value < least:
            raise ValueError(f"expected {number} or a text of 1 to {LONGEST_VALUE} characters that is not blank")
        return value

    return PlainValidator(check)


Readout = Annotated[float | str, _readout(float("-inf")), WithJsonSchema({"type": ["number", "string"]})]
RowReadout = Annotated[float | str, _readout(0), WithJsonSchema({"type": ["number", "string"]})]
"""The value of a row: a number below zero must be written as a text (contract section 4.2)."""

Color = Literal["lime", "green", "cyan", "blue", "purple", "magenta", "red", "orange", "yellow", "gray"]
Level = Literal["passive", "active", "time-sensitive"]


def _tag(tag: str) -> str:
    if not _TAG.fullmatch(tag):
        raise ValueError("expected small letters, digits and . _ : - (64 at most), the first a letter or digit")
    return tag


def _channel(slug: str) -> str:
    if not re.fullmatch(rf"{_SIGN.pattern}+", slug):
        raise ValueError("expected a text without blanks")
    return slug


def _each_once(items: list[str]) -> list[str]:
    for index, item in enumerate(items):
        if item in items[:index]:
            raise ValueError(f"'{whole(item)}' is there twice")
    return items


Tag = Annotated[
    str, Strict(), AfterValidator(_tag), WithJsonSchema({"type": "string", "pattern": "^[a-z0-9][a-z0-9._:-]{0,63}$"})
]
Tags = Annotated[list[Tag], Field(max_length=MOST_TAGS), AfterValidator(_each_once)]
Channel = Annotated[str, Strict(), AfterValidator(_channel), WithJsonSchema({"type": "string", "pattern": r"^\S+$"})]
Channels = Annotated[list[Channel], Field(min_length=1), AfterValidator(_each_once)]
"""Who gets it. It is never empty: the service might take an empty list for everybody."""


def _metadata_key(key: str) -> str:
    # The service refuses "__proto__": in JavaScript, such a key would set the object's prototype.
    if is_blank(key) or units(key) > LONGEST_METADATA_KEY or key == "__proto__":
        raise ValueError(f"expected a key of 1 to {LONGEST_METADATA_KEY} characters that is not blank")
    return key


def _metadata_value(value: Any) -> Any:
    if isinstance(value, str):
        if units(value) > LONGEST_METADATA:
            raise ValueError(f"expected at most {LONGEST_METADATA} characters")
    elif not isinstance(value, bool) and not is_number(value):
        raise ValueError("expected a text, a finite number, true or false")
    return value


def _fits_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    if len(metadata) > MOST_METADATA:
        raise ValueError(f"expected at most {MOST_METADATA} entries, not {len(metadata)}")
    if size(metadata) > LARGEST_METADATA:
        raise ValueError(f"expected at most {LARGEST_METADATA} bytes of JSON")
    return metadata


Metadata = Annotated[
    dict[Annotated[str, Strict(), AfterValidator(_metadata_key)], Annotated[Any, AfterValidator(_metadata_value)]],
    AfterValidator(_fits_metadata),
]


def _object(value: dict[str, Any]) -> dict[str, Any]:
    size(value)
    return value


JsonObject = Annotated[dict[str, Any], AfterValidator(_object)]


def _moment(text: str) -> str:
    try:
        if not _MOMENT.fullmatch(text):
            raise ValueError
        # The pattern does not say that the day and the hour exist. RFC 3339 allows a small "z", Python does not.
        datetime.fromisoformat(text.upper())
    except ValueError:
        raise ValueError("expected a date and a time with its zone, like 2026-05-03T11:30:00Z") from None
    return text


Moment = Annotated[str, Strict(), AfterValidator(_moment)]
"""A moment as RFC 3339 has it (leap seconds left out)."""

"""Reads what came: a body that is one sound JSON object, a path parameter that is one decoded segment. No I/O."""

from __future__ import annotations

import json
import math
import re
from typing import Any
from urllib.parse import unquote

from smithd.simulator.exchange import Call, Json, Refused

MAX_BYTES = 64 * 1024
"""Our own limit: no source names one. A request of the contract has a third of it at most, or nearly all of it where
every letter is escaped."""
MAX_DEPTH = 64
_TOO_DEEP = f"nested deeper than {MAX_DEPTH}"


def read(call: Call) -> Json | None:
    """The body's object, None where there is no body. Raises Refused (400)."""
    # Whatever the Content-Type: the official SDK sends one without a body too.
    if not call.body:
        return None
    media_type = (call.header("Content-Type") or "application/json").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise _bad(f"{media_type} by its Content-Type, not application/json")
    if len(call.body) > MAX_BYTES:
        raise _bad(f"larger than {MAX_BYTES} bytes")
    try:
        return parse(call.body)
    except ValueError as error:
        raise _bad(str(error)) from None


def parse(raw: bytes) -> Json:
    """The JSON object that these bytes are. Raises ValueError, in words that go on from "it is"."""
    try:
        # Python would take NaN and Infinity, which are no JSON; ``parse_constant`` is called with them.
        document = json.loads(raw.decode(), parse_float=_number, parse_int=_integer, parse_constant=_number)
        # Half a surrogate pair is no text, and cannot be written as UTF-8.
        json.dumps(document, ensure_ascii=False).encode()
    # JSONDecodeError and UnicodeError are ValueErrors too, so they come first.
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except UnicodeError:
        raise ValueError("not UTF-8 text") from None
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    if _depth(document) > MAX_DEPTH:
        raise ValueError(_TOO_DEEP)
    return document


def segment(raw: str) -> str:
    """A path's segment, decoded. Raises Refused (400) where its percent signs mean nothing."""
    try:
        # ``unquote`` leaves a percent sign that means nothing as it is.
        if re.search(r"%(?![0-9A-Fa-f]{2})", raw):
            raise ValueError(raw)
        return unquote(raw, errors="strict")
    except ValueError:
        raise Refused(400, "Invalid path", "the path is not percent-encoded UTF-8") from None


def _bad(reason: str) -> Refused:
    return Refused(400, "Invalid request body", f"the body is {reason}")


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is not a finite number")
    return number


def _integer(text: str) -> int:
    # int() of very many digits is slow; as a float they are infinite, which is refused first.
    _number(text)
    return int(text)


def _depth(document: Any) -> int:
    """How deep it is nested, without recursion: the deepest object or list, the document itself being 1."""
    depth, level = 0, [document]
    while level:
        depth += 1
        inner = [child for value in level for child in (value.values() if isinstance(value, dict) else value)]
        level = [child for child in inner if isinstance(child, dict | list)]
    return depth

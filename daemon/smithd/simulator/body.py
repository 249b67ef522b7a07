"""Reads what came: a body that is one sound JSON object, a path parameter that is one decoded segment. Pure."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn
from urllib.parse import unquote

from smithd.simulator.exchange import Call, Json, Refused

MAX_BYTES = 256 * 1024
MAX_DEPTH = 64


def read(call: Call) -> Json | None:
    """The body's object, None where there is no body. Raises Refused (400).

    The sizes are ours, no source tells any: generous, for Apple takes 4 KB of it and metadata 16.
    """
    if not call.body:
        return None
    media_type = (call.header("Content-Type") or "application/json").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise _bad(f"the Content-Type is {media_type}, not application/json")
    if len(call.body) > MAX_BYTES:
        raise _bad(f"the body is larger than {MAX_BYTES} bytes")
    document = _parse(call.body)
    if not isinstance(document, dict):
        raise _bad("the body must be a JSON object")
    if _depth(document) > MAX_DEPTH:
        raise _bad(f"the body is nested deeper than {MAX_DEPTH}")
    return document


def segment(raw: str) -> str:
    """A path's segment, decoded. Raises Refused (400) where its percent signs mean nothing."""
    try:
        if re.search(r"%(?![0-9A-Fa-f]{2})", raw):
            raise ValueError(raw)
        return unquote(raw, errors="strict")
    except ValueError:
        raise Refused(400, "Invalid path", "the path is not percent-encoded UTF-8") from None


def _bad(message: str) -> Refused:
    return Refused(400, "Invalid request body", message)


def _parse(raw: bytes) -> Any:
    try:
        document = json.loads(raw.decode(), parse_float=_number, parse_int=_integer, parse_constant=_no_number)
        json.dumps(document, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        raise _bad(_reason(error)) from None
    return document


def _reason(error: ValueError | RecursionError) -> str:
    match error:
        case RecursionError():
            return f"the body is nested deeper than {MAX_DEPTH}"
        case json.JSONDecodeError():
            return f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        case UnicodeError():
            return "the body is not UTF-8 text"
        case _:
            return f"the body is not JSON: {error}"


def _number(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


def _integer(text: str) -> int:
    _number(text)
    return int(text)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is not a finite number")


def _depth(document: Any) -> int:
    """How deep it is nested, without recursion: the deepest object or list, the document itself being 1."""
    depth, level = 0, [document]
    while level:
        depth += 1
        inner = [child for value in level for child in (value.values() if isinstance(value, dict) else value)]
        level = [child for child in inner if isinstance(child, dict | list)]
    return depth

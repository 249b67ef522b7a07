"""Checks a request against the documented contract: the schemas, and the rules that a schema cannot say.

What no source settles is in ``caution``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from smithd.simulator import caution
from smithd.simulator.body import segment
from smithd.simulator.exchange import Json, Refused

MAX_TAGS = 20
MAX_METADATA_BYTES = 16384
MAX_MESSAGE = 300
MAX_ERRORS = 50

_ERRORS = {
    "channels": "Invalid channel targeting",
    "target": "Invalid channel targeting",
    "tags": "Invalid tags",
    "metadata": "Invalid metadata",
    "content_state": "Invalid content_state",
    "value": "value must be a finite number or a string of 1 to 64 characters",
    "timestamp": "timestamp must be a valid ISO date",
}

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:[0-5]\d)", re.ASCII)
_PATTERN_TOKEN = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\$", re.DOTALL)

# Empty: jsonschema's own formats depend on the packages that are installed.
_formats = FormatChecker(formats=())


def path_param(name: str, raw: str) -> str:
    """A path parameter, decoded and checked. Raises Refused (400)."""
    text = segment(raw)
    check_param(name, text)
    return text


def check_param(name: str, text: str) -> None:
    """Refuse (400) a decoded path parameter that is not as the contract says."""
    error = _worst(_validator("path-params", name), text)
    if error is not None:
        raise Refused(400, f"Invalid {name}", _clip(error.message))


def check(endpoint: str, body: Json) -> None:
    """Refuse (400) a body that this endpoint does not take."""
    check_shape(endpoint, body)
    for rules in (_beyond_the_schema, caution.doubts):
        for where, why in rules(body):
            raise _refusal(where.split(".") if where else [], why)


def check_shape(name: str, body: Json) -> None:
    """Refuse (400) a body that is not as the schema of this name says."""
    error = _worst(_validator(name), body)
    if error is not None:
        # Where there are several ways to be right, the text names what each of them misses.
        missed = " or ".join(dict.fromkeys(inner.message for inner in error.context or ()))
        raise _refusal([str(part) for part in error.absolute_path], missed or error.message)


def document(name: str) -> Json:
    """One of the schema files beside this module, its patterns as Python reads them."""
    text = files("smithd.simulator").joinpath("schemas", f"{name}.schema.json").read_text("utf-8")
    loaded: Json = json.loads(text, object_hook=_to_the_end)
    return loaded


def _worst(validator: Validator, value: Any) -> ValidationError | None:
    """What is most to the point of the first few things that are wrong: a body may be wrong in thousands."""
    # jsonschema visits an object's entries in no order, so the errors are sorted by their place in the body.
    errors = sorted(
        islice(validator.iter_errors(value), MAX_ERRORS),
        key=lambda error: [(isinstance(part, str), part) for part in error.absolute_path],
    )
    # The nearer to the top, the more relevant; among equals best_match takes the first.
    worst: ValidationError | None = best_match(
        errors, key=lambda error: (-len(error.path), error.validator not in ("anyOf", "oneOf"))
    )
    return worst


def _refusal(path: list[str], why: str) -> Refused:
    topic = path[0] if path else ""
    more = {"code": "invalid_tags"} if topic == "tags" else {}
    where = f"{'.'.join(path)}: " if path else ""
    return Refused(400, _ERRORS.get(topic, "Invalid request body"), _clip(where + why), **more)


def _clip(text: str) -> str:
    # A pattern is shown as the schema has it, see _to_the_end.
    text = text.replace(r"\\Z", "$")
    # Both ends are kept: a long value may stand at the beginning, and what is wrong with it at the end.
    half = MAX_MESSAGE // 2
    return text if len(text) <= MAX_MESSAGE else f"{text[:half]} … {text[-half:]}"


def _beyond_the_schema(body: Json) -> Iterator[tuple[str, str]]:
    """Where a body breaks the contract's rules that are prose, and how."""
    # The service counts bytes of UTF-8, which a schema cannot.
    metadata = body.get("metadata", {})
    if len(json.dumps(metadata, ensure_ascii=False, separators=(",", ":")).encode()) > MAX_METADATA_BYTES:
        yield "metadata", f"more than {MAX_METADATA_BYTES} bytes of JSON"
    if len(set(body.get("tags", ()))) > MAX_TAGS:
        yield "tags", f"more than {MAX_TAGS} unique tags"
    if "channels" in body and "target" in body and set(body["channels"]) != set(body["target"]["channels"]):
        yield "channels", "channels and target.channels must match"
    content = body.get("content_state", {})
    if content.get("current_step", 0) > content.get("number_of_steps", float("inf")):
        yield "content_state.current_step", "current_step must not exceed number_of_steps"


def _max_length(_: Any, longest: int, text: object, __: Any) -> Iterator[ValidationError]:
    # JSON Schema counts code points; the service's own tools count UTF-16 units.
    if isinstance(text, str) and caution.units(text) > longest:
        yield ValidationError(f"{text!r} is longer than {longest} characters")


_Validator: type[Validator] = extend(  # type: ignore[no-untyped-call] # jsonschema says nothing of its types
    Draft202012Validator, {"maxLength": _max_length}
)


@cache
def _validator(name: str, definition: str | None = None) -> Validator:
    """The validator of a schema file, or of one definition in it."""
    schema = document(name)
    return _Validator(schema if definition is None else schema["$defs"][definition], format_checker=_formats)


@_formats.checks("date-time")
def _is_date_time(text: object) -> bool:
    """RFC 3339; jsonschema checks it only with a package that we do without."""
    # A format says nothing of values that are no texts; the schema's type refuses those.
    if not isinstance(text, str):
        return True
    if not _DATE_TIME.fullmatch(text):
        return False
    # A leap second is allowed where UTC has one: at 23:59:60. Python's datetime knows none.
    leaps = text[17:19] == "60"
    try:
        moment = datetime.fromisoformat(f"{text[:17]}59{text[19:]}".upper() if leaps else text.upper())
        return not leaps or f"{moment.astimezone(UTC):%H:%M}" == "23:59"
    except (ValueError, OverflowError):
        return False


def _to_the_end(schema: Json) -> Json:
    """A schema whose pattern ends where JSON Schema means it to: Python's ``$`` also stands before a line feed."""
    pattern = schema.get("pattern")
    if isinstance(pattern, str):
        schema["pattern"] = _PATTERN_TOKEN.sub(lambda token: r"\Z" if token[0] == "$" else token[0], pattern)
    return schema

"""Says what is wrong with a request, before it is sent. No I/O.

``faults`` is the whole check, for a caller with an endpoint and a body::

    faults(Endpoint("live-activity-stream-put"), {"content_state": {"title": "Job"}}, "nightly-job")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from smithd.contract.bodies import AppBadge, MetricValue, PushBody, Replacement, StreamBody, StreamEnd
from smithd.contract.endpoint import Endpoint
from smithd.contract.names import MetricKey, NotificationId, StreamKey
from smithd.contract.parts import Part
from smithd.contract.values import size

LARGEST_BODY = 3500
"""Bytes of a body, tags and metadata apart: Apple caps what reaches a phone at 4 kB (contract section 9.4)."""

UNWEIGHED = frozenset({"tags", "metadata"})

_BODIES: dict[Endpoint, type[Part]] = {
    Endpoint.SEND: PushBody,
    Endpoint.REPLACE: Replacement,
    Endpoint.STREAM_PUT: StreamBody,
    Endpoint.STREAM_DELETE: StreamEnd,
    Endpoint.METRIC: MetricValue,
    Endpoint.BADGE: AppBadge,
}
_NAMES: dict[Endpoint, Any] = {
    Endpoint.REPLACE: NotificationId,
    Endpoint.STREAM_PUT: StreamKey,
    Endpoint.STREAM_DELETE: StreamKey,
    Endpoint.METRIC: MetricKey,
}


_WORDS = {
    "extra_forbidden": "this field is not known here",
    "missing": "it is missing",
    "too_long": "expected at most {max_length}, not {actual_length}",
    "too_short": "expected at least {min_length}",
    "model_type": "expected an object",
}


class Fault(NamedTuple):
    """One mistake: where in the body (keys, and places in lists, from 0 on), and what is wrong there."""

    path: tuple[str | int, ...]
    what: str

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.path))}: {self.what}" if self.path else self.what


class Invalid(ValueError):
    """A request that must not be sent; ``faults`` says why."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = tuple(faults)


def faults(endpoint: Endpoint, body: Any, name: str = "") -> list[Fault]:
    """All that is wrong with a request; nothing, where it may be sent.

    ``body`` is the JSON value as Python has it (None for no body, which only a stream's end allows), ``name`` the
    variable part of the path, not yet encoded: a stream's or a metric's key, or a notification's id. A fault of the
    name has the path ``("path",)``.
    """
    found: list[Fault] = []
    if endpoint in _NAMES:
        try:
            _adapter(endpoint).validate_python(name, strict=True)
        except ValidationError as error:
            errors = error.errors(include_url=False, include_input=False)
            found = [Fault(("path",), _words(each)) for each in errors]
    elif name:
        found = [Fault(("path",), "expected no name in it")]
    if body is None and endpoint is Endpoint.STREAM_DELETE:
        return found
    try:
        _BODIES[endpoint].model_validate(body)
    except ValidationError as error:
        return found + [_fault(each) for each in error.errors(include_url=False, include_input=False)]
    try:
        excess = size(weighed(body)) - LARGEST_BODY
        # What is not weighed has to be JSON too.
        size(body)
    except ValueError as error:
        return [*found, Fault((), str(error))]
    return [*found, Fault((), f"it is {excess} bytes too large")] if excess > 0 else found


@cache
def _adapter(endpoint: Endpoint) -> TypeAdapter[str]:
    return TypeAdapter(_NAMES[endpoint])


def weighed(body: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a body that reaches the phone, and so counts for its size."""
    return {name: part for name, part in body.items() if name not in UNWEIGHED}


def _fault(error: ErrorDetails) -> Fault:
    # "[key]" marks an error of a key, not of its value; the key itself stands before it.
    steps = [step for step in error["loc"] if step != "[key]"]
    # pydantic puts the type's tag into the path, where the body has no key.
    if len(steps) > 1 and steps[0] == "content_state":
        del steps[1]
    below = "type" if error["type"] == "activity_type" else error.get("ctx", {}).get("below")
    # The error is one of the whole content state; the person is shown the field that is meant.
    if below is not None:
        steps.append(below)
    return Fault(tuple(steps), _words(error))


def _words(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    if isinstance(cause := context.get("error"), ValueError):
        return str(cause)
    words = _WORDS.get(error["type"], error["msg"]).format(**context)
    # pydantic's own sentences begin like this; those of the contract begin with "expected".
    return words.replace("Input should be", "expected", 1)

"""Replies: what the service made of a request, typed; whatever comes back lands in one of four kinds. No I/O.

The statuses are those of the service's contract (sections 5, 7, 10 and 11).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from smithd.contract.endpoint import Endpoint
from smithd.contract.values import clipped, whole

_PASSING = frozenset({407, 408, 425})
"""Client errors that say nothing about the request: a proxy's, a slow connection's, one that was sent too early."""

_BY_STATUS_ALONE = frozenset({401, 402, 429})
"""Refusals that are believed whatever their body is: they lose nothing, for what they stop waits."""

_NAMED = frozenset({Endpoint.REPLACE, Endpoint.STREAM_DELETE, Endpoint.METRIC})
"""Where 404 is about what the path names; elsewhere it is an older form of 422."""

_POLICY = re.compile(r'(?:"([^"]*)"|([A-Za-z*][^\s;,"]*))((?:\s*;\s*[a-z]+\s*=\s*[^\s;,]*)*)')
_PARAMETER = re.compile(r"([a-z]+)\s*=\s*([0-9]{1,9})(?![0-9])")

LONGEST_SAID = 300


class Refusal(StrEnum):
    """Why the service did not take a request."""

    BAD_REQUEST = "refused"
    UNAUTHORIZED = "unauthorized"
    BILLING = "billing"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not found"
    CONFLICT = "conflict"
    NO_RECIPIENTS = "no recipients"
    SLOTS_FULL = "no slot"
    RATE_LIMITED = "rate limited"


@dataclass(frozen=True, slots=True)
class Limit:
    """One of the limits that an answer names, by its policy: ``remaining`` requests for ``seconds`` to
    come, of ``quota`` in each ``window`` seconds; None where the answer does not say.
    """

    policy: str
    remaining: int | None = None
    seconds: int | None = None
    quota: int | None = None
    window: int | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The service took it. ``operation`` is its own word for a stream (any word at all), else ``sent``, ``replaced`` or
    ``set``. ``is_confirmed``: it did not say otherwise in the answer. ``is_ignored``: it had no effect.
    ``devices``: how many were notified or updated, None where the answer does not say. ``warnings``: the service's own,
    and the errors of single devices; ``warned``: there is one of the service's own.
    """

    operation: str
    is_confirmed: bool = True
    is_ignored: bool = False
    notification_id: str | None = None
    devices: int | None = None
    warnings: tuple[str, ...] = ()
    warned: bool = False
    said: str = ""
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """The service did not take it. ``said`` is for people; ``retry_after`` in seconds, where it asked for that."""

    kind: Refusal
    status: int
    said: str
    retry_after: float | None = None
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True, slots=True)
class NotSent:
    """The request failed before any of it was sent."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request may have arrived: its answer never came, or does not say. ``status``: that of
    an answer that did come.
    """

    reason: str
    status: int | None = None
    retry_after: float | None = None
    limits: tuple[Limit, ...] = ()

    @property
    def is_no(self) -> bool:
        """Whether an error status says that it was hardly accepted; without one, a push may be on the phone."""
        return self.status is not None and self.status >= 300


Reply = Accepted | Rejected | NotSent | Unknown


def read(endpoint: Endpoint, status: int, headers: Mapping[str, str], body: bytes, now: float) -> Reply:
    """What an answer means; ``headers`` are found by names in lower case, ``now`` is in seconds since 1970."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        parsed = None
    found: Mapping[str, Any] | None = parsed if isinstance(parsed, dict) else None
    limits = _limits(headers)
    if 200 <= status < 300:
        # Answers with these two statuses have no body (RFC 9110, sections 15.3.5 and 15.3.6).
        if status in (204, 205):
            found = {}
        if found is None:
            # A portal's page, or half an answer: it is not known whether the service received the request.
            return Unknown(f"HTTP {status} with an answer that is not the service's", status, limits=limits)
        return _accepted(endpoint, found, limits)

    # Where ``error`` and ``message`` say the same, a person reads it once.
    lines = dict.fromkeys(_line(_text(found or {}, name) or "") for name in ("error", "message"))
    text = clipped(": ".join(filter(None, lines)), LONGEST_SAID)
    said, wait = f"HTTP {status}" + (f", {text}" if text else ""), _retry_after(headers, now)
    is_verdict = 400 <= status < 500 and status not in _PASSING
    # Each refusal of the service has an ``error`` (contract section 11); a gateway's or a portal's JSON has not.
    if is_verdict and ("error" in (found or {}) or status in _BY_STATUS_ALONE):
        kind = _kind(endpoint, status, found or {})
        return Rejected(kind, status, said, wait, limits)
    return Unknown(said, status, wait, limits)


def _accepted(endpoint: Endpoint, found: Mapping[str, Any], limits: tuple[Limit, ...]) -> Accepted:
    warning, errors = _text(found, "warning"), found.get("errors")
    warnings = [warning] if warning else []
    if isinstance(errors, list):
        warnings += [whole(error) for error in errors if isinstance(error, str)]
    # The badge's answer has the first of these names; ``devices_notified`` is its older one.
    counts = (found.get(name) for name in ("devices_updated", "devices_notified"))
    return Accepted(
        operation=_OPERATIONS.get(endpoint) or _line(_text(found, "operation") or "") or "updated",
        is_confirmed=found.get("success", True) in (True, "true"),
        is_ignored=found.get("ignored") is True,
        notification_id=_text(found, "notification_id"),
        devices=next((count for count in counts if isinstance(count, int) and not isinstance(count, bool)), None),
        warnings=tuple(map(_line, warnings)),
        warned=warning is not None,
        said=_line(_text(found, "message") or _text(found, "error") or ""),
        limits=limits,
    )


_OPERATIONS = {
    Endpoint.SEND: "sent",
    Endpoint.REPLACE: "replaced",
    Endpoint.METRIC: "set",
    Endpoint.BADGE: "set",
    Endpoint.STREAM_DELETE: "ended",
}


def _kind(endpoint: Endpoint, status: int, found: Mapping[str, Any]) -> Refusal:
    if status == 404:
        return Refusal.NOT_FOUND if endpoint in _NAMED else Refusal.NO_RECIPIENTS
    # 429 has two meanings for a stream: too many requests, or too many Live Activities. The second has their numbers.
    is_about_slots = found.get("code") != "rate_limited" and ("limit" in found or "active" in found)
    if status == 429 and endpoint is Endpoint.STREAM_PUT and is_about_slots:
        return Refusal.SLOTS_FULL
    return _KINDS.get(status, Refusal.BAD_REQUEST)


_KINDS = {
    401: Refusal.UNAUTHORIZED,
    402: Refusal.BILLING,
    403: Refusal.FORBIDDEN,
    409: Refusal.CONFLICT,
    422: Refusal.NO_RECIPIENTS,
    429: Refusal.RATE_LIMITED,
}


def _retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """The seconds that ``Retry-After`` asks for, as a number or a date; None where it is neither."""
    given = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{0,9})?", given):
        return float(given)
    try:
        date = parsedate_to_datetime(given)
        return max(date.replace(tzinfo=date.tzinfo or UTC).timestamp() - now, 0.0)
    except (ValueError, IndexError, OverflowError, TypeError):
        return None


def _limits(headers: Mapping[str, str]) -> tuple[Limit, ...]:
    """What ``RateLimit`` and ``RateLimit-Policy`` say, as in ``"account:badges"; r=59; t=60``."""
    left: dict[str, dict[str, int]] = {}
    rules: dict[str, dict[str, int]] = {}
    for name, found in (("ratelimit", left), ("ratelimit-policy", rules)):
        for match in _POLICY.finditer(headers.get(name, "")):
            policy = match[1] or match[2] or ""
            found[policy] = {parameter: int(number) for parameter, number in _PARAMETER.findall(match[3])}
    return tuple(
        Limit(
            policy,
            remaining=left.get(policy, {}).get("r"),
            seconds=left.get(policy, {}).get("t"),
            quota=rules.get(policy, {}).get("q"),
            window=rules.get(policy, {}).get("w"),
        )
        for policy in dict.fromkeys([*left, *rules])
    )


def _line(text: str) -> str:
    """A text as a line for a person. A cut is marked, so that masking
    recognizes a secret that was cut."""
    # Only the beginning is looked at, since an answer may be long; several blanks in it become one.
    beginning = "".join(sign if sign.isprintable() else " " for sign in text[: 4 * LONGEST_SAID])
    is_cut = len(text) > 4 * LONGEST_SAID
    return clipped(" ".join(beginning.split()) + ("…" if is_cut else ""), LONGEST_SAID)


def _text(found: Mapping[str, Any], name: str) -> str | None:
    text = found.get(name)
    return whole(text) if isinstance(text, str) and text else None

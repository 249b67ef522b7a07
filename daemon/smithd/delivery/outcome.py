"""Outcomes: what a reply means for the message, and for all that are to follow. Pure.

The statuses are those of the service's contract (section 11); any other status, and any body, has a place too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from smithd.delivery.wire import Answer, Endpoint, Family, NotSent, Reply, Request, Unknown
from smithd.outbox.message import Again, Delivered, GivenUp, Settlement, Wait

SLOW_PROBE = 600.0
BILLING_PROBE = 3600.0
METRIC_PROBE = 3600.0
SLOT_PROBE = 900.0
"""Seconds between two tries of what only a person, or the service, can mend."""

RATE_PAUSE = 60.0
LONGEST_PAUSE = 86400.0
"""Seconds to pause after a 429 that names no time, and at most."""

FIRST_RETRY = 1.0
LONGEST_RETRY = 300.0

_PASSING = frozenset({407, 408, 425})
"""Client errors that say nothing about the request: a proxy's, a slow line's, one that came too early."""


_PARAMETER = re.compile(r"\b([rt])=([0-9]{1,6})\b")


class Name(StrEnum):
    """The reason of an outcome."""

    ACCEPTED = "accepted"
    ENDED = "ended"
    PAUSED = "paused"
    UNCONFIRMED = "unconfirmed"
    UNREACHABLE = "unreachable"
    CUT_OFF = "cut off"
    SERVER_FAULT = "server fault"
    UNREADABLE = "unreadable"
    REFUSED = "refused"
    UNAUTHORIZED = "unauthorized"
    BILLING = "billing"
    FORBIDDEN = "forbidden"
    NO_METRIC = "no such metric"
    NOT_REPLACEABLE = "not replaceable"
    NO_RECIPIENTS = "no recipients"
    RATE_LIMITED = "rate limited"
    NO_SLOT = "no slot"


class Scope(StrEnum):
    """What a refusal closes."""

    EVERYTHING = "everything"
    BILLED = "pushes, Live Activities and the badge"


@dataclass(frozen=True, slots=True)
class Pace:
    """What the service says is left of an account's limit, and for how many seconds."""

    remaining: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reply means. ``settlement`` is for the message; ``detail`` and ``operation`` are for people.

    ``pause``: seconds for which its family must rest; ``blocks``: what is closed; ``pace``: what is left of the limit;
    ``warning``: the service took it, but iOS may not show every update.
    """

    name: Name
    settlement: Settlement
    detail: str = ""
    operation: str = ""
    pause: float = 0.0
    blocks: Scope | None = None
    pace: Pace | None = None
    warning: str | None = None

    @property
    def is_answer(self) -> bool:
        """Whether the service itself answered: it is reachable, and up."""
        return self.name not in (Name.UNREACHABLE, Name.CUT_OFF, Name.SERVER_FAULT, Name.UNREADABLE)

    @property
    def is_verdict(self) -> bool:
        """Whether the request got past the checks of the key, the account and the limits."""
        return self.is_answer and self.blocks is None and self.name is not Name.RATE_LIMITED


_DONE = {Endpoint.SEND: "sent", Endpoint.REPLACE: "replaced", Endpoint.METRIC: "set", Endpoint.BADGE: "set"}
_BILLED = frozenset({Endpoint.SEND, Endpoint.REPLACE, Endpoint.BADGE, Endpoint.STREAM_PUT})
_UNKNOWN = frozenset({Endpoint.REPLACE, Endpoint.STREAM_DELETE, Endpoint.METRIC})


def covers(scope: Scope, endpoint: Endpoint) -> bool:
    """Whether a closed scope keeps requests to this endpoint back: ends and metrics are not billed."""
    return scope is Scope.EVERYTHING or endpoint in _BILLED


def read(request: Request, reply: Reply, attempts: int, now: float, chance: float) -> Outcome:
    """What a reply means. ``attempts``: tries of this message without an answer, this one not counted; ``now``:
    seconds since 1970; ``chance``: a random number from 0 to 1, for the jitter.
    """
    match reply:
        case NotSent(reason):
            return Outcome(Name.UNREACHABLE, _retry(reason, attempts, now, chance, sent=False), reason)
        case Unknown(reason):
            return Outcome(Name.CUT_OFF, _retry(reason, attempts, now, chance), reason)
    body = _parsed(reply.body)
    detail = _said(reply, body)
    pace = _pace(reply.headers.get("ratelimit", ""), request.family)
    if 200 <= reply.status < 300:
        outcome = _taken(request, reply, body, attempts, now, chance)
    elif reply.status == 429:
        outcome = _limited(request, reply, body, detail, pace, now, chance)
    elif reply.status in _PASSING or not 400 <= reply.status < 500:
        outcome = _fault(reply, detail, attempts, now, chance)
    else:
        outcome = _refused(request, reply.status, detail, now)
    return replace(outcome, detail=outcome.detail or detail, pace=pace)


def _taken(request: Request, answer: Answer, body: Any, attempts: int, now: float, chance: float) -> Outcome:
    if answer.status in (204, 205):
        body = {}
    if not isinstance(body, Mapping):
        # A portal's page, or half an answer: nobody knows whether the service has seen the request.
        reason = f"HTTP {answer.status} with an answer that is not the service's"
        return Outcome(Name.UNREADABLE, _retry(reason, attempts, now, chance), reason)
    if body.get("success", True) not in (True, "true"):
        reason = _first_text(body, "message", "error") or "the service did not confirm it"
        return Outcome(Name.UNCONFIRMED, Again(now + SLOW_PROBE, reason, sent=True), reason)
    if request.endpoint is Endpoint.STREAM_DELETE:
        return Outcome(Name.ENDED, Delivered(ended=True), operation="ended")
    operation = _DONE.get(request.endpoint) or _first_text(body, "operation") or "updated"
    if operation == "paused":
        reason = "the stream is paused in the app; its newest state waits until it is resumed there"
        return Outcome(Name.PAUSED, Again(now + SLOW_PROBE, reason, sent=True), reason)
    remote_id = _first_text(body, "notification_id", "activity_id") or None
    warning = _first_text(body, "warning") or None
    return Outcome(Name.ACCEPTED, Delivered(remote_id), operation=operation, warning=warning)


def _limited(
    request: Request, answer: Answer, body: Any, detail: str, pace: Pace | None, now: float, chance: float
) -> Outcome:
    if request.endpoint is Endpoint.STREAM_PUT and _speaks_of_slots(body):
        reason = f"no slot for another Live Activity ({detail})"
        return Outcome(Name.NO_SLOT, Again(now + SLOT_PROBE, reason, wait=Wait.SLOT), reason)
    pause = _retry_after(answer.headers, now)
    if pause is None and pace is not None and pace.remaining == 0:
        pause = pace.seconds
    if pause is None:
        pause = RATE_PAUSE * (1 + chance / 4)
    return Outcome(Name.RATE_LIMITED, Again(now, f"too many requests ({detail})"), pause=min(pause, LONGEST_PAUSE))


def _speaks_of_slots(body: Any) -> bool:
    return isinstance(body, Mapping) and body.get("code") != "rate_limited" and ("limit" in body or "active" in body)


def _fault(answer: Answer, detail: str, attempts: int, now: float, chance: float) -> Outcome:
    settlement = _retry(detail, attempts, now, chance)
    wait = min(_retry_after(answer.headers, now) or 0.0, LONGEST_RETRY)
    at = max(settlement.at, now + wait)
    return Outcome(Name.SERVER_FAULT, Again(at, detail, sent=True, wait=Wait.ANSWER))


def _refused(request: Request, status: int, detail: str, now: float) -> Outcome:
    endpoint = request.endpoint
    match status:
        case 401:
            reason = f"the service refuses the key ({detail})"
            return Outcome(Name.UNAUTHORIZED, Again(now, reason), reason, blocks=Scope.EVERYTHING)
        case 402:
            reason = f"the account must be paid for ({detail})"
            if endpoint in _BILLED:
                return Outcome(Name.BILLING, Again(now, reason), reason, blocks=Scope.BILLED)
            return Outcome(Name.BILLING, Again(now + BILLING_PROBE, reason), reason)
        case 403:
            reason = f"the key may not do this ({detail})"
            return Outcome(Name.FORBIDDEN, GivenUp(reason, off=True), reason)
        case 404 | 409 if endpoint in _UNKNOWN:
            return _unknown(request, status, detail, now)
        case 404 | 422:
            reason = f"nobody to send to ({detail})"
            return Outcome(Name.NO_RECIPIENTS, Again(now + SLOW_PROBE, reason), reason)
    return Outcome(Name.REFUSED, GivenUp(detail))


def _unknown(request: Request, status: int, detail: str, now: float) -> Outcome:
    """The service does not know, or does not allow, what the path names."""
    if request.endpoint is Endpoint.REPLACE:
        # A conflict says nothing about the text: it is told in a push of its own.
        settlement = Again(now, detail, forget=True) if status == 409 else GivenUp(detail, forget=True)
        return Outcome(Name.NOT_REPLACEABLE, settlement)
    if status == 409:
        return Outcome(Name.REFUSED, GivenUp(detail))
    if request.endpoint is Endpoint.STREAM_DELETE:
        return Outcome(Name.ENDED, Delivered(ended=True), operation="ended")
    reason = f"the metric '{request.name}' does not exist: create it in the app ({detail})"
    return Outcome(Name.NO_METRIC, Again(now + METRIC_PROBE, reason), reason)


def _retry(reason: str, attempts: int, now: float, chance: float, *, sent: bool = True) -> Again:
    """Twice as long as the last time, up to a limit, and never quite in step with others."""
    delay = min(FIRST_RETRY * 2.0 ** min(attempts, 30), LONGEST_RETRY)
    return Again(now + delay * (0.8 + 0.4 * chance), reason, sent=sent, wait=Wait.ANSWER)


def _retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """The seconds that ``Retry-After`` asks for, as a number or a date; None where it makes no sense."""
    given = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]*)?", given):
        return max(float(given), FIRST_RETRY)
    try:
        date = parsedate_to_datetime(given)
    except (ValueError, IndexError, OverflowError):
        return None
    return max(date.replace(tzinfo=date.tzinfo or UTC).timestamp() - now, FIRST_RETRY)


def _pace(header: str, family: Family) -> Pace | None:
    """What is left of the account's limit, from a header like ``"account:badges"; r=59; t=60``."""
    for item in header.split(","):
        name, _, parameters = item.strip().partition(";")
        found = dict(_PARAMETER.findall(parameters))
        if name.strip(' "') == f"account:{family}" and found.keys() == {"r", "t"}:
            return Pace(int(found["r"]), float(found["t"]))
    return None


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _first_text(body: Mapping[str, Any], *names: str) -> str:
    return next((body[name] for name in names if isinstance(body.get(name), str) and body[name]), "")


def _said(answer: Answer, body: Any) -> str:
    """What the service said, in a line for a person."""
    found = body if isinstance(body, Mapping) else {}
    texts = dict.fromkeys(_first_text(found, name) for name in ("error", "message"))
    said = ": ".join(" ".join(text.split()) for text in texts if text)
    return f"HTTP {answer.status}" + (f", {said[:300]}" if said else "")

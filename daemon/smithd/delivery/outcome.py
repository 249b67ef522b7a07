"""Outcomes: what a reply means for the message, and for all that are to follow. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from smithd.contract.endpoint import Endpoint, Family
from smithd.delivery import window
from smithd.delivery.reply import Accepted, NotSent, Refusal, Rejected, Reply, Unknown
from smithd.delivery.wire import BARE_END, Request
from smithd.outbox.message import Again, Delivered, GivenUp, Settlement, Wait

SLOW_PROBE = 600.0
BILLING_PROBE = 3600.0
METRIC_PROBE = 3600.0
SLOT_PROBE = 900.0
END_PROBE = 3600.0
"""Seconds between two tries of what only a person, or the service, can mend."""

RATE_PAUSE = 60.0
SHORTEST_PAUSE = 1.0
LONGEST_PAUSE = 86400.0
"""Seconds to pause after a 429: where it names no time, at least, and at most."""

FIRST_RETRY = 1.0
LONGEST_RETRY = 300.0
LONGEST_RETRY_OF_A_PUSH = 3600.0
"""Seconds to the next try, at first and at most; the second for a push that may well have been taken: each try may show
it once more.
"""


class Scope(StrEnum):
    """What a refusal closes."""

    EVERYTHING = "everything"
    BILLED = "pushes, Live Activities and the badge"


@dataclass(frozen=True, slots=True)
class Pace:
    """What the service says is left of an account's limit, and for how many seconds; ``quota``: the limit itself, in
    requests a minute.
    """

    remaining: int
    seconds: float
    quota: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reply means. ``settlement`` is for the message; ``detail`` is for people.

    ``pause``: seconds for which its family must rest; ``blocks``: what is closed; ``pace``: what is left of the limit.
    """

    reply: Reply
    settlement: Settlement
    detail: str = ""
    pause: float = 0.0
    blocks: Scope | None = None
    pace: Pace | None = None

    @property
    def is_answer(self) -> bool:
        """Whether the service itself answered: it is reachable, and up."""
        return isinstance(self.reply, Accepted | Rejected)

    @property
    def is_verdict(self) -> bool:
        """Whether the request got past the checks of the key, the account and the limits."""
        is_limited = isinstance(self.reply, Rejected) and self.reply.kind is Refusal.RATE_LIMITED
        return self.is_answer and self.blocks is None and not is_limited


_BILLED = frozenset({Endpoint.SEND, Endpoint.REPLACE, Endpoint.BADGE, Endpoint.STREAM_PUT})


def covers(scope: Scope, endpoint: Endpoint) -> bool:
    """Whether a closed scope keeps requests to this endpoint back: ends and metrics are not billed."""
    return scope is Scope.EVERYTHING or endpoint in _BILLED


def weigh(request: Request, reply: Reply, attempts: int, now: float, chance: float) -> Outcome:
    """What a reply means. ``attempts``: tries of this message without an answer, this one not counted; ``now``:
    seconds since 1970; ``chance``: a random number from 0 to 1, for the jitter.
    """
    match reply:
        case NotSent(reason):
            return Outcome(reply, _retry(reason, attempts, now, chance, sent=False), reason)
        case Unknown(reason):
            settlement = _uncertain(request, reply, attempts, now, chance)
            outcome = Outcome(reply, settlement, reason, pause=min(reply.retry_after or 0.0, LONGEST_RETRY))
        case Accepted():
            outcome = _taken(request, reply, now)
        case Rejected():
            outcome = _refused(request, reply, now, chance)
    return replace(outcome, pace=_pace(reply, request.family))


def _taken(request: Request, reply: Accepted, now: float) -> Outcome:
    if not reply.is_confirmed:
        reason = reply.said or "the service did not confirm it"
        return Outcome(reply, Again(now + SLOW_PROBE, reason, sent=True), reason)
    if request.endpoint is Endpoint.STREAM_DELETE:
        return Outcome(reply, Delivered(ended=True))
    if request.endpoint is Endpoint.STREAM_PUT:
        return _streamed(request, reply, now)
    return Outcome(reply, Delivered(reply.notification_id))


def _streamed(request: Request, reply: Accepted, now: float) -> Outcome:
    if reason := _without_effect(reply):
        # A timer's window was not taken up either.
        aside = window.lost(request.aside) if window.is_sent(request.body, request.aside) else {}
        return Outcome(reply, Again(now + SLOW_PROBE, reason, sent=True, aside=aside), reason)
    if reply.operation in ("started", "rotated") and window.is_left_out(request.body, request.aside):
        reason = "the timer was started anew, without its window"
        return Outcome(reply, Again(now, reason, sent=True, aside=window.lost(request.aside)), reason)
    return Outcome(reply, Delivered(reply.activity_id))


def _without_effect(reply: Accepted) -> str:
    """Why the phone shows nothing of a stream's state that was taken; empty: it shows it."""
    if reply.operation == "paused":
        return "the stream is paused in the app; its newest state waits until it is resumed there"
    if reply.is_ignored and reply.operation != "noop":
        return f"the service says that it had no effect ({reply.said or reply.operation})"
    return ""


def _refused(request: Request, reply: Rejected, now: float, chance: float) -> Outcome:
    endpoint, said = request.endpoint, reply.said
    match reply.kind:
        case Refusal.UNAUTHORIZED:
            reason = f"the service refuses the key ({said})"
            return Outcome(reply, Again(now, reason), reason, blocks=Scope.EVERYTHING)
        case Refusal.BILLING:
            reason = f"the account must be paid for ({said})"
            if endpoint in _BILLED:
                return Outcome(reply, Again(now, reason), reason, blocks=Scope.BILLED)
            return Outcome(reply, Again(now + BILLING_PROBE, reason), reason)
        case Refusal.RATE_LIMITED:
            pause = _pause(reply, request.family, chance)
            return Outcome(reply, Again(now, f"too many requests ({said})"), said, pause=pause)
        case Refusal.SLOTS_FULL:
            reason = f"no slot for another Live Activity ({said})"
            return Outcome(reply, Again(now + SLOT_PROBE, reason, wait=Wait.SLOT), reason)
    if endpoint is Endpoint.STREAM_DELETE:
        return _not_ended(request, reply, now)
    return _refused_itself(request, reply, now)


def _refused_itself(request: Request, reply: Rejected, now: float) -> Outcome:
    """It is about this very request: what it says, what it names, or whom it is for."""
    said = reply.said
    match reply.kind, request.endpoint:
        case Refusal.NO_RECIPIENTS, _:
            reason = f"nobody to send to ({said})"
            return Outcome(reply, Again(now + SLOW_PROBE, reason), reason)
        case Refusal.FORBIDDEN, _:
            reason = f"the key may not do this ({said})"
            return Outcome(reply, GivenUp(reason, off=True), reason)
        case Refusal.NOT_FOUND, Endpoint.METRIC:
            reason = f"the metric '{request.name}' does not exist: create it in the app ({said})"
            return Outcome(reply, Again(now + METRIC_PROBE, reason), reason)
        case ((Refusal.NOT_FOUND | Refusal.CONFLICT), Endpoint.REPLACE):
            # It says nothing about the text: that is told in a push of its own.
            return Outcome(reply, Again(now, said, forget=True), said)
    if window.is_left_out(request.body, request.aside):
        # The service may not have the window after all; it then wants one (contract section 4.1).
        return Outcome(reply, Again(now, said, aside=window.lost(request.aside)), said)
    return Outcome(reply, GivenUp(said), said)


def _not_ended(request: Request, reply: Rejected, now: float) -> Outcome:
    """An end must not be given up: its stream would hold a slot for ever."""
    if reply.kind is Refusal.NOT_FOUND:
        return Outcome(reply, Delivered(ended=True))
    if request.body:
        return Outcome(reply, Again(now, reply.said, aside={BARE_END: True}), reply.said)
    return Outcome(reply, Again(now + END_PROBE, reply.said), reply.said)


def _pause(reply: Rejected, family: Family, chance: float) -> float:
    pause, pace = reply.retry_after, _pace(reply, family)
    if pause is None and pace is not None and pace.remaining == 0:
        pause = pace.seconds
    if pause is None:
        pause = RATE_PAUSE * (1 + chance / 4)
    return min(max(pause, SHORTEST_PAUSE), LONGEST_PAUSE)


def _uncertain(request: Request, reply: Unknown, attempts: int, now: float, chance: float) -> Again:
    is_no = reply.status is not None and reply.status >= 300
    longest = LONGEST_RETRY if is_no or request.endpoint is not Endpoint.SEND else LONGEST_RETRY_OF_A_PUSH
    settlement = _retry(reply.reason, attempts, now, chance, longest=longest)
    return replace(settlement, at=max(settlement.at, now + min(reply.retry_after or 0.0, LONGEST_RETRY)))


def _retry(
    reason: str, attempts: int, now: float, chance: float, *, sent: bool = True, longest: float = LONGEST_RETRY
) -> Again:
    """Twice as long as the last time, up to a limit, and never quite in step with others."""
    delay = min(FIRST_RETRY * 2.0 ** min(attempts, 30), longest)
    return Again(now + delay * (0.8 + 0.4 * chance), reason, sent=sent, wait=Wait.ANSWER)


def _pace(reply: Accepted | Rejected | Unknown, family: Family) -> Pace | None:
    """What is left of the account's limit for a family."""
    for limit in reply.limits:
        if limit.policy == f"account:{family}" and limit.remaining is not None and limit.seconds is not None:
            quota = limit.quota * 60 // limit.window if limit.quota and limit.window else None
            return Pace(limit.remaining, limit.seconds, quota)
    return None

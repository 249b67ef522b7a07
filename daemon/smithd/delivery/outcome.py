"""Outcomes: what a reply means for the message, and for all that follow. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from smithd.contract.endpoint import Endpoint, Family
from smithd.delivery.reply import Accepted, NotSent, Refusal, Rejected, Reply, Unknown
from smithd.delivery.wire import Request
from smithd.outbox.settlement import Accept, DeliveryReason, Drop, Retry, Settlement, Wait
from smithd.outbox.shown import TimerWindow

SLOW_PROBE = 600.0
BILLING_PROBE = 3600.0
METRIC_PROBE = 3600.0
SLOT_PROBE = 600.0
END_PROBE = 3600.0
PUSH_PROBE = 3600.0
"""Seconds between two tries of what only a person, or the service, can mend."""

RATE_PAUSE = 60.0
SHORTEST_PAUSE = 1.0
LONGEST_PAUSE = 900.0
"""Seconds to pause after a 429: where it names no time, at least, and at most, whatever it asks for."""

FIRST_RETRY = 1.0
LONGEST_RETRY = 300.0
LONGEST_RETRY_OF_A_PUSH = 3600.0
"""Seconds to the next try, at first and at most; the second for a push that may well have been taken: each try may show
it once more.
"""


class BlockScope(StrEnum):
    """What a refusal blocks."""

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
    """What a reply means. ``settlement`` is for the message.

    ``pause``: seconds for which its family must rest; ``blocks``: the scope that is blocked; ``pace``: what is left of
    the limit.
    """

    reply: Reply
    settlement: Settlement
    pause: float = 0.0
    blocks: BlockScope | None = None
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


def covers(scope: BlockScope, endpoint: Endpoint) -> bool:
    """Whether a blocked scope covers requests to this endpoint: ends and metrics are not billed."""
    return scope is BlockScope.EVERYTHING or endpoint in _BILLED


def judge(
    request: Request, reply: Reply, attempts: int, now: float, chance: float, *, at_most_once: bool = False
) -> Outcome:
    """What a reply means. ``attempts``: tries of this message without an answer, this one not counted; ``now``:
    seconds since 1970; ``chance``: a random number from 0 to 1, for the jitter; ``at_most_once``: the message is a push
    that is lost rather than shown twice.
    """
    settlement: Settlement
    match reply:
        case NotSent(detail):
            return Outcome(reply, _later(request, DeliveryReason.NOT_CONNECTED, detail, attempts, now, chance))
        case Unknown(detail, status, retry_after):
            settlement = _later(request, DeliveryReason.NO_ANSWER, detail, attempts, now, chance, reply)
            # Of all error statuses, only this one says for certain that nothing was done.
            if at_most_once and request.endpoint is Endpoint.SEND and status != 503:
                settlement = Drop(DeliveryReason.NOT_REPEATED, detail)
            outcome = Outcome(reply, settlement, pause=min(retry_after or 0.0, LONGEST_PAUSE))
        case Accepted():
            outcome = Outcome(reply, _accepted(request, reply, now))
        case Rejected():
            outcome = _rejected(request, reply, now, chance)
    return replace(outcome, pace=_pace(reply, request.family))


def _accepted(request: Request, reply: Accepted, now: float) -> Settlement:
    if not reply.is_confirmed:
        return Retry(now + SLOW_PROBE, DeliveryReason.NOT_CONFIRMED, reply.said, sent=True)
    if request.endpoint is Endpoint.STREAM_DELETE:
        return Accept(ended=True)
    if request.endpoint is not Endpoint.STREAM_PUT:
        return Accept(reply.notification_id)
    # ``noop`` says that the phone shows this state already; a stream that is paused in the app shows nothing new.
    is_paused = reply.operation == "paused"
    if is_paused or (reply.is_ignored and reply.operation != "noop"):
        reason = DeliveryReason.STREAM_PAUSED if is_paused else DeliveryReason.NO_EFFECT
        # A timer's window was not taken up either.
        window = _lost(request) if request.sets_window else None
        return Retry(now + SLOW_PROBE, reason, reply.said or reply.operation, sent=True, window=window)
    # The service did not know the stream any more and started it anew, from a request without the timer's duration.
    started, rotated = reply.operation == "started", reply.operation == "rotated"
    if (started or rotated) and request.leaves_out_window:
        return Retry(now, DeliveryReason.TIMER_RESTARTED, sent=True, window=_lost(request))
    return Accept(started=started, rotated=rotated, warned=reply.warned)


def _lost(request: Request) -> TimerWindow | None:
    """What to remember of a window that the service turns out not to have."""
    return replace(request.window, lost=True) if request.window is not None else None


def _rejected(request: Request, reply: Rejected, now: float, chance: float) -> Outcome:
    endpoint, said = request.endpoint, reply.said
    match reply.kind:
        case Refusal.UNAUTHORIZED:
            return Outcome(reply, Retry(now, DeliveryReason.KEY_REFUSED, said), blocks=BlockScope.EVERYTHING)
        case Refusal.BILLING if endpoint in _BILLED:
            return Outcome(reply, Retry(now, DeliveryReason.BILLING, said), blocks=BlockScope.BILLED)
        case Refusal.BILLING:
            return Outcome(reply, Retry(now + BILLING_PROBE, DeliveryReason.BILLING, said))
        case Refusal.RATE_LIMITED:
            pause = _pause(reply, request.family, chance)
            return Outcome(reply, Retry(now, DeliveryReason.RATE_LIMITED, said), pause=pause)
        case Refusal.SLOTS_FULL:
            return Outcome(reply, Retry(now + SLOT_PROBE, DeliveryReason.SLOTS_FULL, said))
    if endpoint is not Endpoint.STREAM_DELETE:
        return Outcome(reply, _refused(request, reply, now))
    # An end is never dropped: its stream would hold a slot for ever.
    if reply.kind is Refusal.NOT_FOUND:
        return Outcome(reply, Accept(ended=True))
    if request.body:
        return Outcome(reply, Retry(now, DeliveryReason.REFUSED, said, bare_end=True))
    return Outcome(reply, Retry(now + END_PROBE, DeliveryReason.REFUSED, said))


def _refused(request: Request, reply: Rejected, now: float) -> Settlement:
    """It is about this very request: what it says, what it names, or whom it is for."""
    said = reply.said
    match reply.kind, request.endpoint:
        case Refusal.NO_RECIPIENTS, Endpoint.BADGE:
            # Of a device that must open the app again, the next notification tells that it did.
            return Retry(now + SLOW_PROBE, DeliveryReason.NO_RECIPIENTS, said, wait=Wait.DEVICES)
        case Refusal.NO_RECIPIENTS, _:
            return Retry(now + SLOW_PROBE, DeliveryReason.NO_RECIPIENTS, said)
        case Refusal.NOT_FOUND, Endpoint.METRIC:
            return Retry(now + METRIC_PROBE, DeliveryReason.METRIC_MISSING, said)
        case ((Refusal.NOT_FOUND | Refusal.CONFLICT), Endpoint.REPLACE):
            # It says nothing about the text: that goes out in a push of its own.
            return Retry(now, DeliveryReason.REFUSED, said, forget_id=True)
        case _, (Endpoint.SEND | Endpoint.REPLACE):
            reason = DeliveryReason.FORBIDDEN if reply.kind is Refusal.FORBIDDEN else DeliveryReason.REFUSED
            return put_off(reason, said, now, is_plain=request.is_plain)
    if reply.kind is Refusal.FORBIDDEN:
        return Drop(DeliveryReason.FORBIDDEN, said, off=True)
    if request.leaves_out_window:
        # The service may not have the window after all; it then wants one (contract section 4.1).
        return Retry(now, DeliveryReason.REFUSED, said, window=_lost(request))
    return Drop(DeliveryReason.REFUSED, said)


def put_off(reason: DeliveryReason, detail: str, now: float, *, is_plain: bool) -> Retry:
    """A push cannot be sent as it is: its plainest text is tried at once, and where that is no better, every hour."""
    return Retry(now + PUSH_PROBE if is_plain else now, reason, detail, refused=True)


def _pause(reply: Rejected, family: Family, chance: float) -> float:
    # ``Retry-After`` counts first, then the reset time of the limit that is used up, then a pause of our own.
    pause, pace = reply.retry_after, _pace(reply, family)
    if pause is None and pace is not None and pace.remaining == 0:
        pause = pace.seconds
    if pause is None:
        pause = RATE_PAUSE * (1 + chance / 4)
    return min(max(pause, SHORTEST_PAUSE), LONGEST_PAUSE)


def _later(
    request: Request,
    reason: DeliveryReason,
    detail: str,
    attempts: int,
    now: float,
    chance: float,
    unknown: Unknown | None = None,
) -> Retry:
    """When to try again what had no answer: twice as long as the last time, up to a limit, and never quite in step with
    others. ``unknown``: what came of it, where it may have been accepted.
    """
    sent = unknown is not None
    # When the next probe goes is not the message's to say: the gate knows.
    if request.is_probe:
        return Retry(now, reason, detail, sent=sent, wait=Wait.PROBE)
    may_be_shown = unknown is not None and not unknown.is_no and request.endpoint is Endpoint.SEND
    longest = LONGEST_RETRY_OF_A_PUSH if may_be_shown else LONGEST_RETRY
    # The exponent is bounded: 2.0 ** 1024 would raise OverflowError after a long outage.
    delay = min(FIRST_RETRY * 2.0 ** min(attempts, 30), longest)
    return Retry(now + delay * (0.8 + 0.4 * chance), reason, detail, sent=sent, wait=Wait.ANSWER)


def _pace(reply: Accepted | Rejected | Unknown, family: Family) -> Pace | None:
    """What is left of the account's limit for a family."""
    for limit in reply.limits:
        if limit.policy == f"account:{family}" and limit.remaining is not None and limit.seconds is not None:
            quota = limit.quota * 60 // limit.window if limit.quota and limit.window else None
            return Pace(limit.remaining, limit.seconds, quota)
    return None

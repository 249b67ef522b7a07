"""What the journal of deliveries says of a request that has ended, or of a message that was given up. No I/O."""

from __future__ import annotations

from smithd.delivery.outcome import Outcome
from smithd.delivery.reply import Accepted, NotSent, Refusal, Rejected, Reply, Unknown
from smithd.delivery.sentences import why
from smithd.delivery.wire import Request
from smithd.outbox.delivered import Delivered, DeliveryOutcome
from smithd.outbox.queued import Claim, Queued
from smithd.outbox.settlement import Accept, DeliveryReason, Retry


def outcome_of(reply: Reply) -> DeliveryOutcome:
    """A reply in one word."""
    match reply:
        case Accepted():
            return DeliveryOutcome.ACCEPTED
        case Rejected(kind=Refusal.RATE_LIMITED):
            return DeliveryOutcome.RATE_LIMITED
        case Rejected():
            return DeliveryOutcome.REJECTED
        case NotSent():
            return DeliveryOutcome.NOT_SENT
        case Unknown():
            return DeliveryOutcome.UNKNOWN


def delivered(claim: Claim, request: Request, outcome: Outcome, at: float, seconds: float) -> Delivered | None:
    """The entry of a request that ended ``at``, after ``seconds``; None of one that changes nothing: what the phone
    shows already, sent to find out whether the service answers, and each such try that fails.
    """
    reply, settlement, key = outcome.reply, outcome.settlement, claim.queued.message.key
    if claim.is_repeated or (request.is_probe and isinstance(reply, NotSent | Unknown)):
        return None
    return Delivered(
        at,
        key.account,
        str(key),
        str(request.endpoint),
        outcome_of(reply),
        reply.operation if isinstance(reply, Accepted) else "",
        reply.status if isinstance(reply, Rejected | Unknown) else None,
        seconds,
        "" if isinstance(settlement, Accept) else why(key, settlement.reason, settlement.detail),
        not isinstance(settlement, Retry),
    )


def given_up(
    queued: Queued, outcome: DeliveryOutcome, reason: DeliveryReason | None, detail: str, at: float
) -> Delivered:
    """The entry of a message that is not sent any more."""
    key = queued.message.key
    said = detail if reason is None else why(key, reason, detail)
    return Delivered(at, key.account, str(key), "", outcome, "", None, None, said, is_final=True)

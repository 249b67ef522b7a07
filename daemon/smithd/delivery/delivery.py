"""The delivery to one account: what may go to it, and what the ends of its requests mean.

``choose``, ``judge`` and ``reaches`` change nothing: an engine calls them in its step. ``send`` and ``learn`` come
after the step was committed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import tzinfo

from smithd.contract.endpoint import Endpoint, Family
from smithd.delivery import outcome as outcomes
from smithd.delivery.account import AccountOptions
from smithd.delivery.budget import MARGIN, WINDOW, Budget
from smithd.delivery.choice import Addressee, Chosen, channels_of, choose
from smithd.delivery.gate import Blocked, Gate, OutOfReach, Unblocked, WithinReach
from smithd.delivery.outcome import BlockScope, Outcome
from smithd.delivery.probe import UNKNOWN_PROBE, choose_probe
from smithd.delivery.reachability import PROBE_EVERY
from smithd.delivery.reply import Accepted, NotSent, Reply, Unknown
from smithd.delivery.sentences import sentence, summary, why
from smithd.delivery.wire import Request
from smithd.events import (
    DeliveryBlocked,
    DeliveryResumed,
    Event,
    SendAccepted,
    SendDelayed,
    SendDropped,
    SurfaceNotRenderable,
)
from smithd.keys import Key
from smithd.outbox.message import Push, PushUpdate
from smithd.outbox.queued import Boot, Claim, Queued, SentRequest
from smithd.outbox.settlement import Accept, DeliveryReason, Drop, Retry
from smithd.outbox.state import Outbox

KEPT_FOR = 86400.0
"""Seconds for which it is remembered that a push may have been accepted."""


def fingerprint(options: AccountOptions) -> str:
    """A hash that distinguishes an account's key from another one without revealing it."""
    return hashlib.sha256(options.api_key.get_secret_value().encode()).hexdigest()[:16]


class AccountDelivery:
    """The gate of an account, and what is remembered of its requests beside it."""

    def __init__(self, account: str, options: AccountOptions, zone: tzinfo, budget: Budget | None = None) -> None:
        """``budget``: that of another key of the same account, whose limits then count."""
        self.account = account
        self._options = options
        self._addressee = Addressee(account, channels_of(options.channels), zone)
        self.gate = Gate(options.limits, budget)
        self._common_budget = budget
        self._sent: dict[int, tuple[Gate, float]] = {}
        """The requests in flight: the gate that let each go, and when."""
        self._unknown: dict[int, float] = {}
        """The ids of pushes that may have been accepted, and when each may be a probe."""
        self._warned: set[Key] = set()

    def remember(self, sent: Iterable[SentRequest], now: float, instant: float, boot: Boot | None) -> None:
        """Count what an earlier run, or another key, sent: the service counts it."""
        for request in sent:
            if request.account == self.account and (age := request.age(now, boot)) <= WINDOW + MARGIN:
                self.gate.budget.remember(Family(request.family), instant - age)

    def reconfigure(
        self, options: AccountOptions, zone: tzinfo, instant: float, common_budget: Budget | None = None
    ) -> bool:
        """Send as another configuration says, from now on, and try what is blocked. With another key, or at another
        address, nothing is blocked any more. With another budget, what was sent is to be remembered anew; returns
        whether that is so. ``common_budget``: that of another key of the same account, whose limits then count.
        """
        before, self._options = self._options, options
        shares, self._common_budget = common_budget is self._common_budget, common_budget
        self._addressee = Addressee(self.account, channels_of(options.channels), zone)
        if shares and (options.api_key, options.base_url) == (before.api_key, before.base_url):
            if common_budget is None:
                self.gate.limit(options.limits)
            self.gate.probe(instant)
            return False
        self.gate = Gate(options.limits, common_budget)
        return common_budget is None or not shares

    def choose(self, outbox: Outbox, now: float, instant: float, places: int) -> Chosen:
        """What may go now; see ``choice.choose``, and where the service is out of reach ``probe.choose_probe``."""
        if not self.gate.reachability.is_reachable and places:
            return choose_probe(outbox, self._addressee, self.gate, self._unknown, now, instant)
        return choose(outbox, self._addressee, self.gate, now, instant, places)

    def judge(self, claim: Claim, request: Request, reply: Reply, now: float, chance: float) -> Outcome:
        """What a reply means; see ``outcome.judge``."""
        message, attempts = claim.queued.message, claim.queued.attempts
        once = isinstance(message, Push | PushUpdate) and message.at_most_once
        return outcomes.judge(request, reply, attempts, now, chance, at_most_once=once)

    def reaches(self, outcome: Outcome) -> bool:
        """Whether an outcome is the end of an outage of the service."""
        return outcome.is_answer and self.gate.reachability.was_outage

    def is_outdated(self, claim: Claim) -> bool:
        """Whether a request went out with another key, or to another address."""
        return claim.sent in self._sent and self._sent[claim.sent][0] is not self.gate

    def seconds_since(self, claim: Claim, instant: float) -> float:
        """For how many seconds the request of a claim has been in flight."""
        return instant - self._sent[claim.sent][1] if claim.sent in self._sent else 0.0

    def send(self, claim: Claim, request: Request, instant: float) -> None:
        """A request goes; ``learn`` must follow."""
        self.gate.send(request.endpoint, instant, is_probe=request.is_probe, is_late=request.is_late)
        self._sent[claim.sent] = self.gate, instant

    def learn(self, claim: Claim, request: Request, outcome: Outcome, now: float, instant: float) -> list[Event]:
        """How a request ended; returns what is to be published."""
        # A request that went out before the key or the address changed counts for the gate that let it go.
        gate, began = self._sent.pop(claim.sent, (self.gate, instant))
        self._note_outcome(claim.queued.id, request, outcome, began)
        changes = gate.learn(request.endpoint, outcome, began, instant, is_probe=request.is_probe)
        # What is repeated is not reported again, and neither is each probe: that the service is out of reach was said.
        is_silent = claim.is_repeated or (request.is_probe and isinstance(outcome.reply, NotSent | Unknown))
        wait = 0.0 if gate.reachability.is_reachable else max(0.0, gate.reachability.probe_at - instant)
        events = list(self._of_message(claim.queued, outcome, now, wait))
        if is_silent and not isinstance(outcome.settlement, Drop):
            events.clear()
        for change in changes:
            if gate is not self.gate:
                continue  # it is about another key
            match change:
                case Blocked(scope, reason, detail):
                    events.append(DeliveryBlocked(scope, sentence(reason, detail), self.account))
                case Unblocked(scope):
                    events.append(DeliveryResumed(scope, self.account))
                case OutOfReach(detail):
                    why_not = f"the service cannot be reached ({detail}), and is tried every {PROBE_EVERY:.0f} s"
                    events.append(DeliveryBlocked(BlockScope.EVERYTHING, why_not, self.account))
                case WithinReach():
                    events.append(DeliveryResumed(BlockScope.EVERYTHING, self.account))
        return events

    def _note_outcome(self, id_: int, request: Request, outcome: Outcome, began: float) -> None:
        """Note when a push that may have been accepted may be a probe; of another one, that it may be one any time."""
        reply = outcome.reply
        if isinstance(outcome.settlement, Retry):
            if request.endpoint is Endpoint.SEND and isinstance(reply, Unknown) and not reply.is_no:
                # Those that were replaced or withdrawn since are not asked for again.
                self._unknown = {each: at for each, at in self._unknown.items() if at > began - KEPT_FOR}
                self._unknown[id_] = began + (UNKNOWN_PROBE if request.is_probe else PROBE_EVERY)
        else:
            self._unknown.pop(id_, None)

    def _of_message(self, queued: Queued, outcome: Outcome, now: float, wait: float) -> Iterator[Event]:
        key = queued.message.key
        match outcome.settlement:
            case Accept():
                reply = outcome.reply
                operation = reply.operation if isinstance(reply, Accepted) else "ended"
                yield SendAccepted(key, operation, summary(queued.message, is_plain=queued.is_plain))
                warnings = reply.warnings if isinstance(reply, Accepted) else ()
                if not warnings:
                    self._warned.discard(key)
                elif key not in self._warned:
                    # The service repeats a warning with each update: one event is enough until an answer has none.
                    self._warned.add(key)
                    yield SurfaceNotRenderable(key, f"the service warns: {'; '.join(warnings)}")
            case Retry(refused=True):
                pass  # the step that settles it knows whether it is kept
            case Retry(at, reason, detail):
                # The delay of a push is worth an event each time, that of a level only when its reason is another.
                is_push = isinstance(queued.message, Push | PushUpdate)
                if outcome.blocks is None and (is_push or (queued.reason, queued.detail) != (reason, detail)):
                    yield SendDelayed(key, why(key, reason, detail), max(at - now, outcome.pause, wait))
            case Drop(reason, detail):
                yield SendDropped(key, why(key, reason, detail))


def refused(queued: Queued, now: float) -> SendDelayed:
    """A push cannot be sent as it is, and waits: for its plainest text to be sent, or for the next try."""
    assert queued.reason is not None
    how = "refused, even as its plainest text" if queued.is_refused else "refused, so its plainest text is sent"
    reason = f"{how}: {why(queued.message.key, queued.reason, queued.detail)}"
    return SendDelayed(queued.message.key, reason, max(queued.retry_at - now, 0.0))


def expired(queued: Queued) -> SendDropped:
    """A message was too old to be worth sending."""
    key = queued.message.key
    last = why(key, queued.reason, queued.detail) if queued.reason is not None else "it never went out"
    return SendDropped(key, sentence(DeliveryReason.EXPIRED, last), expired=True)

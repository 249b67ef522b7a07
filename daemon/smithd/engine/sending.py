"""Sending, as a step sees it: what leaves the outbox for the sender, and how its requests ended. No I/O.

A claim takes out what may go now; before that, what is too old gets the text of today, or expires. A settlement puts
back what is to be tried again. Both work on a draft: the outbox as it will be, what is to be written of it, and what is
to be published.
"""

from __future__ import annotations

from dataclasses import replace

from smithd.delivery.choice import SHORTEST_REST
from smithd.delivery.delivery import expired, refused
from smithd.delivery.journal import delivered, given_up
from smithd.delivery.outcome import BILLING_PROBE, BlockScope, Outcome, covers, put_off
from smithd.delivery.sender import Departures, Flight
from smithd.delivery.sentences import why
from smithd.delivery.wire import Request
from smithd.engine.entries import ClaimMessages, SettleClaim
from smithd.events import Event, SendDropped, StreamWasGone
from smithd.keys import PushKey, StreamKey, SurfaceKey
from smithd.notify.group import Groups
from smithd.notify.unsent import is_kept, newest, overtaken, renewed
from smithd.notify.view import NotifyView
from smithd.outbox import queue as outbox
from smithd.outbox.delivered import Delivered, DeliveryOutcome
from smithd.outbox.message import ActivityState, EdgeMessage, Push, PushUpdate
from smithd.outbox.queued import Claim
from smithd.outbox.settlement import Accept, DeliveryReason, Drop, Retry, Settlement, Wait
from smithd.outbox.shown import ShownActivity, ShownBadge
from smithd.outbox.state import NO_CHANGES, Outbox, OutboxChanges
from smithd.setup import Setup
from smithd.state import State
from smithd.surfaces.slots import settled
from smithd.surfaces.slots.memory import Slots
from smithd.views import notify_view

START_PROBE = 3600.0
"""Seconds to the next start of a Live Activity that the service refused as it was: another may have made room for it in
vain.
"""


class Sending:
    """The draft of one claim or settlement, for an account. ``slots``: those of the account ``slots_of``, which it has;
    ``concerned``: the surfaces that may look different now; ``delivered``: entries of the journal of deliveries;
    ``started_streams``: what the service has started, or started anew.
    """

    def __init__(self, setup: Setup, state: State, account: str, now: float) -> None:
        self.outbox = state.outbox
        self.written = NO_CHANGES
        self.events: list[Event] = []
        self.delivered: list[Delivered] = []
        self.concerned: set[SurfaceKey] = set()
        # An account that the configuration does not have any more has its own until it is forgotten.
        self.slots_of = setup.surfaces.with_slots_of.get(account, account)
        self.slots = self._slots = state.slots.get(self.slots_of, Slots())
        self.started_streams: list[ShownActivity] = []
        self._setup = setup
        self._state = state
        self._now = now

    def claim(self, command: ClaimMessages) -> Departures:
        """Claim what may go now; what is too old, or cannot be sent, is taken out."""
        now = command.at
        next_outbox, written, too_old = outbox.expire(self.outbox, now)
        self._take(next_outbox, written)
        for queued in too_old:
            view = self._view()
            assert isinstance(queued.message, Push | PushUpdate)
            push = self._renewed(queued.message, view)
            if push is not None:
                self._take(*outbox.enqueue(self.outbox, push))
            else:
                self.events.append(expired(queued))
                self._note(given_up(queued, DeliveryOutcome.EXPIRED, queued.reason, queued.detail, now))

        # What may go by now stays in its lane, so that the next claim does not look for its place again.
        self._take(outbox.fill_lanes(self.outbox, now), NO_CHANGES)
        choice = command.delivery.choose(self.outbox, now, command.instant, command.places)
        look_again = choice.look_again
        # Taken out in this step, so that no later claim looks at them again.
        for queued in choice.obsolete:
            self._take(*outbox.drop(self.outbox, queued))
            nowhere = "the phone does not have the notification that it was to replace"
            self._note(given_up(queued, DeliveryOutcome.DROPPED, None, nowhere, now))
        for queued, dropped in choice.dropped:
            key = queued.message.key
            if isinstance(key, PushKey):
                retry = put_off(dropped.reason, dropped.detail, now, is_plain=queued.is_plain)
                self._take(*outbox.put_off(self.outbox, queued, retry))
                self._try_again(key, was_refused=True)
                look_again = min(look_again, max(retry.at - now, SHORTEST_REST))
            else:
                self._take(*outbox.drop(self.outbox, queued))
                self.events.append(SendDropped(key, why(key, dropped.reason, dropped.detail)))
                self._note(given_up(queued, DeliveryOutcome.DROPPED, dropped.reason, dropped.detail, now))

        for message, request in choice.repeated:
            repeated, written, queued = outbox.repeat(self.outbox, message)
            self._take(repeated, written)
            choice.requests.append((queued, request))
        flights: list[Flight] = []
        for queued, request in choice.requests:
            claimed, written, claim = outbox.claim(
                self.outbox, queued, request.family, now, request.window, command.boot
            )
            self._take(claimed, written)
            flights.append(Flight(claim, request))
        return Departures(flights, look_again)

    def _renewed(self, message: EdgeMessage, view: NotifyView) -> EdgeMessage | None:
        """What is sent in place of a notification that was not accepted in time; None: it expires."""
        account = message.key.account
        if (config := self._setup.notify.get(account)) is None:
            return None
        return renewed(self._state.groups.get(account, Groups()), message, view, config)

    def settle(self, command: SettleClaim) -> Outcome:
        """Judge how a request ended, and let what waited for that go on."""
        claim, request = command.flight
        account = command.delivery.account
        outcome = command.delivery.judge(claim, request, command.reply, command.at, command.chance)
        self._take(*outbox.settle(self.outbox, claim, outcome.settlement, command.at, command.boot))
        if (entry := delivered(claim, request, outcome, command.at, command.seconds)) is not None:
            self._note(entry)
        after = self.outbox
        if command.delivery.is_outdated(claim):
            # What was refused to another key may be granted to this one.
            after = outbox.try_again(after, account)
        elif command.delivery.reaches(outcome):
            after = outbox.release(after, Wait.ANSWER, account)
        self.outbox = after

        key = claim.queued.message.key
        if isinstance(outcome.settlement, Retry) and isinstance(key, PushKey):
            self._try_again(key, was_refused=outcome.settlement.refused)
        shown = after.shown.get(key)
        if isinstance(shown, ShownBadge) and not shown.is_there:
            # Those who have no badge any more may not be those who are to have one.
            self.concerned.add(shown.key)
        if isinstance(shown, ShownActivity) and not shown.ended:
            before = claim.before
            if not isinstance(before, ShownActivity) or before.since != shown.since:
                self.started_streams.append(shown)
        self._settle_slots(claim, request, outcome)
        return outcome

    def _note(self, entry: Delivered) -> None:
        """Have it in the journal of deliveries. What the service said may repeat a secret, which must not get there."""
        self.delivered.append(replace(entry, detail=self._setup.config.redactor.clean(entry.detail)))

    def _settle_slots(self, claim: Claim, request: Request, outcome: Outcome) -> None:
        """What a request's end means for the slots."""
        key = claim.queued.message.key
        if isinstance(key, StreamKey):
            self._settle_slot(key, claim, outcome.settlement)
        if outcome.blocks is BlockScope.BILLED:
            self.slots = replace(self.slots, unpaid=True)
        elif self.slots.unpaid and outcome.is_verdict and covers(BlockScope.BILLED, request.endpoint):
            self.slots = replace(self.slots, unpaid=False)
        if self.slots != self._slots and (shared := self._setup.surfaces.by_account.get(self.slots_of)) is not None:
            # A slot may be free for another.
            self.concerned.update(shared.streams)

    def _settle_slot(self, key: StreamKey, claim: Claim, settlement: Settlement) -> None:
        """A stream has started or left, or the service refuses its start. Which start is tried next, and when, is for
        the slots to decide: one that is refused does not wait.
        """
        message, before, now = claim.queued.message, claim.before, self._now
        is_start = isinstance(message, ActivityState) and not (isinstance(before, ShownActivity) and not before.ended)
        match settlement:
            case Accept(ended=True):
                self.slots = settled.left(self.slots, key, now)
            case Accept(started=True) if isinstance(before, ShownActivity) and before.is_known_to_live(now):
                self.slots = settled.swiped(self.slots, key, now)
                self.events.append(StreamWasGone(key))
            case Accept() if isinstance(message, ActivityState):
                self.slots = settled.started(self.slots, key, now)
            case Retry(at, DeliveryReason.SLOTS_FULL):
                # That it is not on the phone is certain now, whatever became of earlier tries.
                self._take(*outbox.withdraw(self.outbox, key))
                self._take(*outbox.forget(self.outbox, key))
                with_slots = self._setup.surfaces.with_slots_of
                accounts = [name for name, owner in with_slots.items() if owner == self.slots_of]
                on_phone = sum(len(self.outbox.streams_on_phone(account)) for account in accounts)
                self.slots = settled.no_slot(self.slots, key, on_phone, at)
            case Retry(at, DeliveryReason.NO_RECIPIENTS) if is_start:
                self._take(*outbox.withdraw(self.outbox, key))
                self.slots = settled.refused(self.slots, key, at)
            case Retry(_, DeliveryReason.BILLING) if is_start:
                self._take(*outbox.withdraw(self.outbox, key))
                self.slots = settled.refused(self.slots, key, now + BILLING_PROBE)
            case Drop() if is_start:
                # After that it is tried as soon as it says something else: see ``Readiness``.
                self.slots = settled.refused(self.slots, key, now + START_PROBE)

    def _try_again(self, key: PushKey, *, was_refused: bool) -> None:
        """A push was not accepted: what waits for its key by now goes on waiting, if that is still wanted."""
        view, groups = self._view(), self._state.groups.get(key.account, Groups())
        # It was in flight when its group was notified again: it would come after that.
        earlier = overtaken(newest(groups, key), view)
        for message in earlier.messages:
            self._take(*outbox.enqueue(self.outbox, message))
        for each in earlier.withdrawn:
            self._take(*outbox.withdraw(self.outbox, each))
            self.events.append(SendDropped(each, "its alert fires again, which a newer one says"))
        if earlier.withdrawn or earlier.messages:
            return

        queued = self.outbox.waiting.get(key)
        # It was not refused, or another text of it waits.
        if not was_refused or queued is None or not queued.refusals:
            return
        why_not = refused(queued, self._now)
        if queued.is_refused and not is_kept(groups, key, view):
            self._take(*outbox.withdraw(self.outbox, key))
            self.events.append(SendDropped(key, f"{why_not.reason}; its alert has ended"))
        else:
            self.events.append(why_not)

    def _view(self) -> NotifyView:
        return notify_view(self._setup, self._state._replace(outbox=self.outbox), self._now)

    def _take(self, after: Outbox, written: OutboxChanges) -> None:
        self.outbox = after
        self.written |= written

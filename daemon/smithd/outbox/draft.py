"""A draft of the next outbox: what the functions on the value share. No I/O."""

from __future__ import annotations

import math
from dataclasses import replace

from smithd.keys import Key, WidgetKey
from smithd.outbox.ordered import Ordered
from smithd.outbox.queued import Claim, Queued, SentRequest, ServiceAccount
from smithd.outbox.shown import Shown, unknown
from smithd.outbox.state import NO_CHANGES, Outbox, OutboxChanges, StoredMessage, lane_of
from smithd.outbox.worth import Movement


class Draft:
    """Holds the next outbox and the changes while a function puts them together; the outbox it began with stays."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.changes = NO_CHANGES

    @property
    def result(self) -> tuple[Outbox, OutboxChanges]:
        return self.outbox, self.changes

    def new_id(self) -> int:
        found = self.outbox.next_id
        self.outbox = replace(self.outbox, next_id=found + 1)
        return found

    def wait(self, key: Key, queued: Queued | None) -> None:
        """Have ``queued`` wait for a key, in place of what waits; None: nothing waits any more."""
        before = self.outbox.waiting.get(key)
        if before is queued:
            return
        if before is not None:
            self._leave_order(before)
        if before is not None and (queued is None or queued.id != before.id):
            self._write(before.id, None)
        waiting = self.outbox.waiting
        if queued is None:
            self.outbox = replace(self.outbox, waiting=waiting.remove(key))
            return
        self.outbox = replace(self.outbox, waiting=waiting.insert(key, queued))
        if before is None or before.id != queued.id or before.message != queued.message:
            self._write(queued.id, StoredMessage(queued.message, claimed=False))
        # Behind a request in flight it is in no order: ``unclaim`` puts it there.
        if key not in self.outbox.claimed:
            self._enter_order(queued)

    def claim(self, claim: Claim) -> None:
        """What waits for a key is in flight from now on."""
        key, queued = claim.queued.message.key, claim.queued
        self._leave_order(queued)
        self.outbox = replace(
            self.outbox, waiting=self.outbox.waiting.remove(key), claimed=self.outbox.claimed.insert(key, claim)
        )
        self._write(queued.id, StoredMessage(queued.message, claimed=True))

    def unclaim(self, key: Key) -> None:
        """A key's request is answered: what waited behind it may go, and its message is gone."""
        claim, waiting = self.outbox.claimed[key], self.outbox.waiting.get(key)
        self.outbox = replace(self.outbox, claimed=self.outbox.claimed.remove(key))
        self._write(claim.queued.id, None)
        if waiting is not None:
            self._enter_order(waiting)

    def show(self, key: Key, shown: Shown | None, *, is_certain: bool = True) -> None:
        """What a key shows from now on. Where it is not certain yet, it is written as unknown."""
        before = self.outbox.shown
        if shown is None:
            if key in before:
                self.outbox = replace(self.outbox, shown=before.remove(key))
                self.changes = replace(self.changes, shown=self.changes.shown.insert(key, None))
            return
        self.outbox = replace(self.outbox, shown=before.insert(key, shown))
        # A crash before the answer leaves what was written: then the value is unknown, and is sent once more.
        written = shown if is_certain else unknown(shown)
        self.changes = replace(self.changes, shown=self.changes.shown.insert(key, written))

    def count(self, request: SentRequest) -> None:
        """A request counts, or counts otherwise than before."""
        self.outbox = replace(self.outbox, sent=self.outbox.sent.insert(request.id, request))
        self.changes = replace(self.changes, sent=self.changes.sent.insert(request.id, request))

    def count_no_more(self, id_: int) -> None:
        """A request is so old that no limit looks back on it."""
        self.outbox = replace(self.outbox, sent=self.outbox.sent.remove(id_))
        self.changes = replace(self.changes, sent=self.changes.sent.insert(id_, None))

    def name(self, account: str, service: ServiceAccount) -> None:
        """An account's shown state belongs to this service."""
        self.outbox = replace(self.outbox, accounts=self.outbox.accounts.insert(account, service))
        self.changes = replace(self.changes, accounts=self.changes.accounts.insert(account, service))

    def forget(self, account: str) -> None:
        """Without an account of which nothing is kept any more."""
        self.outbox = replace(self.outbox, accounts=self.outbox.accounts.discard(account))
        self.changes = replace(self.changes, accounts=self.changes.accounts.insert(account, None))

    def move(self, key: WidgetKey, movement: Movement, *, is_written: bool) -> None:
        """A widget's value has moved. Not ``is_written``: it is remembered, and written with what is next written."""
        self.outbox = replace(self.outbox, movements=self.outbox.movements.insert(key, movement))
        if is_written:
            self.changes = replace(self.changes, movements=self.changes.movements.insert(key, movement))

    def fill_lanes(self, now: float) -> None:
        """What may go by now enters its lane."""
        later, lanes = self.outbox.later, self.outbox.lanes
        while (first := later.first) is not None and first[0] <= now:
            queued = self.outbox.waiting[first[2]]
            lane = lane_of(queued.message)
            lanes = lanes.insert(lane, lanes.get(lane, Ordered()).add((queued.id, queued.message.key)))
            later = later.remove(first)
        if later is not self.outbox.later:
            self.outbox = replace(self.outbox, later=later, lanes=lanes)

    def _write(self, id_: int, stored: StoredMessage | None) -> None:
        self.changes = replace(self.changes, messages=self.changes.messages.insert(id_, stored))

    def _enter_order(self, queued: Queued) -> None:
        """Let it wait for its time; ``fill_lanes`` moves it on."""
        aged = (queued.id, queued.message.key)
        self.outbox = replace(self.outbox, later=self.outbox.later.add((queued.ready_at, *aged)))
        if queued.can_expire:
            self.outbox = replace(self.outbox, expiring=self.outbox.expiring.add((queued.expires, *aged)))
        if queued.late_at < math.inf:
            self.outbox = replace(self.outbox, late=self.outbox.late.add((queued.late_at, *aged)))

    def _leave_order(self, queued: Queued) -> None:
        """Take it out of its lane, or of what waits for its time; behind a request in flight it is in neither."""
        key = queued.message.key
        if key in self.outbox.claimed:
            return
        lanes, lane, aged = self.outbox.lanes, lane_of(queued.message), (queued.id, key)
        # It waits for its time, or is in its lane already: the functions that fill the lanes know, it does not.
        try:
            self.outbox = replace(self.outbox, later=self.outbox.later.remove((queued.ready_at, *aged)))
        except KeyError:
            self.outbox = replace(self.outbox, lanes=lanes.insert(lane, lanes[lane].remove(aged)))
        if queued.can_expire:
            self.outbox = replace(self.outbox, expiring=self.outbox.expiring.remove((queued.expires, *aged)))
        if queued.late_at < math.inf:
            self.outbox = replace(self.outbox, late=self.outbox.late.remove((queued.late_at, *aged)))

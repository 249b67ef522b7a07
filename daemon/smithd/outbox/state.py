"""The outbox as one frozen value: what waits, what is in flight, what is shown. No I/O.

For each key at most one message is in flight and at most one waits. A new message is compared with what is there:

- A level that the phone shows, or will show once its request is answered, withdraws what waits: the change is undone.
- A level that was refused is not tried again before its content changes.
- Else it takes the place of the one that waits, and its age. Of a level only the newest matters, and the newer push of
  a notification says all that the older one would. One that says the same changes nothing but that it may go sooner.
- Behind a request in flight it waits; when that is settled, it is compared with what is shown.
- A message that is tried again waits for its time. A newer one of its key waits as long: the wait is the key's. An end
  does not continue the update before it, and goes at once.
- A push that was refused is sent as its plainest text, and waits if that is refused as well. Another text of its key
  goes at once.

Messages that may go stand in lanes by account, priority and family, in the order of their age, so that finding the next
costs the same whether ten wait or ten thousand. When a message is tried again, and why it was not accepted, is known in
memory only: after a restart everything is tried at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import NamedTuple

from rpds import HashTrieMap

from smithd.contract.endpoint import Family
from smithd.keys import Key, PushKey, StreamKey, SurfaceKey, WidgetKey
from smithd.outbox.message import (
    ActivityEnd,
    ActivityState,
    BadgeCount,
    Message,
    Priority,
    Push,
    PushUpdate,
    WidgetValue,
)
from smithd.outbox.ordered import Ordered
from smithd.outbox.queued import Claim, Queued, SentRequest, ServiceAccount, WallClock
from smithd.outbox.shown import KeyStatus, Shown, ShownActivity
from smithd.outbox.worth import Movement

_FAMILIES: dict[type[Message], Family] = {
    Push: Family.NOTIFICATIONS,
    PushUpdate: Family.NOTIFICATIONS,
    ActivityState: Family.LIVE_ACTIVITIES,
    ActivityEnd: Family.LIVE_ACTIVITIES,
    WidgetValue: Family.METRICS,
    BadgeCount: Family.BADGES,
}


class Lane(NamedTuple):
    """Messages that are equally important and count for the same limit."""

    account: str
    priority: Priority
    family: Family


def lane_of(message: Message) -> Lane:
    """The lane that a message waits in."""
    return Lane(message.key.account, message.priority, _FAMILIES[type(message)])


Aged = tuple[int, Key]
Timed = tuple[float, int, Key]

Place = tuple[Key, type[Message]]
"""What a refusal is about: an end may be accepted where an update was not."""


@dataclass(frozen=True, slots=True)
class Outbox:
    """``refused``: the levels that are not tried again (None: whatever they say). ``wanted``: the surfaces that the
    configuration has (None: not known yet). ``lanes`` have what may go, ``later`` what may go at a time, ``expiring``
    what expires, ``late`` when a routine value has waited for too long; none of them what waits behind a request in
    flight. ``movements``: how the values of widgets move. ``next_id`` is the id of the next message or
    request. ``clock``: by what its times are counted, where the machine has a clock of its own.
    """

    waiting: HashTrieMap[Key, Queued] = field(default_factory=HashTrieMap)
    claimed: HashTrieMap[Key, Claim] = field(default_factory=HashTrieMap)
    shown: HashTrieMap[Key, Shown] = field(default_factory=HashTrieMap)
    sent: HashTrieMap[int, SentRequest] = field(default_factory=HashTrieMap)
    accounts: HashTrieMap[str, ServiceAccount] = field(default_factory=HashTrieMap)
    refused: HashTrieMap[Place, Message | None] = field(default_factory=HashTrieMap)
    wanted: frozenset[SurfaceKey] | None = None
    lanes: HashTrieMap[Lane, Ordered[Aged]] = field(default_factory=HashTrieMap)
    later: Ordered[Timed] = field(default_factory=Ordered)
    expiring: Ordered[Timed] = field(default_factory=Ordered)
    late: Ordered[Timed] = field(default_factory=Ordered)
    movements: HashTrieMap[WidgetKey, Movement] = field(default_factory=HashTrieMap)
    next_id: int = 1
    clock: WallClock | None = None

    def status(self, key: Key) -> KeyStatus:
        """What is shown, waits and is in flight for a key."""
        queued, claim = self.waiting.get(key), self.claimed.get(key)
        return KeyStatus(
            self.shown.get(key),
            queued.message if queued else None,
            claim.queued.message if claim else None,
            queued.detail if queued and queued.is_refused else "",
        )

    def pushes(self) -> dict[str, KeyStatus]:
        """The status of every push, by the text of its key."""
        keys = chain(self.waiting, self.claimed, self.shown)
        return {str(key): self.status(key) for key in keys if isinstance(key, PushKey)}

    def accepted(self) -> Mapping[Key, Shown]:
        """What the service accepted; of what is in flight, what was accepted before."""
        # While a level is in flight, ``shown`` has what is presumed, not what was accepted.
        before = {key: claim.before for key, claim in self.claimed.items()}
        return {key: shown for key, shown in {**dict(self.shown), **before}.items() if shown is not None}

    def count(self) -> int:
        """How many messages wait or are in flight."""
        return len(self.waiting) + len(self.claimed)

    def in_flight(self, account: str) -> int:
        """How many requests of an account are in flight."""
        return sum(key.account == account for key in self.claimed)

    def messages(self) -> list[Message]:
        """The messages that wait, in the order of sending."""
        ordered = sorted(self.waiting.values(), key=lambda queued: (queued.message.priority, queued.id))
        return [queued.message for queued in ordered]

    def streams_on_phone(self, account: str) -> set[StreamKey]:
        """The streams of an account that hold a slot, or may."""
        return {
            shown.key
            for shown in self.shown.values()
            if isinstance(shown, ShownActivity) and not shown.ended and shown.key.account == account
        }

    def streams_enqueued(self, account: str) -> set[StreamKey]:
        """The streams of an account whose start waits, and was not sent or did not arrive."""
        on_phone = self.streams_on_phone(account)
        return {
            queued.message.key
            for queued in self.waiting.values()
            if isinstance(queued.message, ActivityState) and queued.message.key.account == account
        } - on_phone

    def streams_ending(self, account: str) -> set[StreamKey]:
        """The streams of an account whose end was sent, and is not accepted yet."""
        sent = [claim.queued.message for claim in self.claimed.values()]
        sent += [queued.message for queued in self.waiting.values() if queued.reason is not None]
        return {each.key for each in sent if isinstance(each, ActivityEnd) and each.key.account == account}

    def refused_streams(self) -> dict[StreamKey, ActivityState | None]:
        """The states of streams that are not sent again, None: whatever they say."""
        return {
            key: message if isinstance(message, ActivityState) else None
            for (key, kind), message in self.refused.items()
            if isinstance(key, StreamKey) and kind is ActivityState
        }

    def lane(self, lane: Lane) -> Iterator[Queued]:
        """The messages of a lane that may go, the oldest first."""
        return (self.waiting[key] for _, key in self.lanes.get(lane, Ordered()))

    def late_in(self, lane: Lane, now: float) -> Iterator[Queued]:
        """The messages of a lane that have waited for too long, the longest overdue first."""
        for at, _, key in self.late:
            if at > now:
                break
            queued = self.waiting[key]
            if lane_of(queued.message) == lane and queued.ready_at <= now:
                yield queued

    def next_at(self) -> float:
        """When the next message may go or expires, apart from those that may go; infinite where none does."""
        firsts = (self.later.first, self.expiring.first)
        # What waits behind a request in flight has no time: the answer lets it go.
        return min((first[0] for first in firsts if first is not None), default=math.inf)


def ordered(outbox: Outbox) -> Outbox:
    """The outbox with its lanes and times made anew from what waits."""
    idle = [queued for key, queued in outbox.waiting.items() if key not in outbox.claimed]
    later = sorted((queued.ready_at, queued.id, queued.message.key) for queued in idle)
    expiring = sorted((queued.expires, queued.id, queued.message.key) for queued in idle if queued.can_expire)
    late = sorted((queued.late_at, queued.id, queued.message.key) for queued in idle if queued.late_at < math.inf)
    return replace(
        outbox,
        lanes=HashTrieMap(),
        later=Ordered.of(later),
        expiring=Ordered.of(expiring),
        late=Ordered.of(late),
    )


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message as it is written."""

    message: Message
    claimed: bool


@dataclass(frozen=True, slots=True)
class OutboxChanges:
    """What a transaction must write, by id or key; None: it is not there any more."""

    messages: HashTrieMap[int, StoredMessage | None] = field(default_factory=HashTrieMap)
    shown: HashTrieMap[Key, Shown | None] = field(default_factory=HashTrieMap)
    sent: HashTrieMap[int, SentRequest | None] = field(default_factory=HashTrieMap)
    accounts: HashTrieMap[str, ServiceAccount | None] = field(default_factory=HashTrieMap)
    movements: HashTrieMap[WidgetKey, Movement] = field(default_factory=HashTrieMap)
    clock: WallClock | None = None

    def __bool__(self) -> bool:
        return bool(self.messages or self.shown or self.sent or self.accounts or self.movements or self.clock)

    def __or__(self, later: OutboxChanges) -> OutboxChanges:
        """These changes, and then later ones."""
        return OutboxChanges(
            self.messages.update(later.messages),
            self.shown.update(later.shown),
            self.sent.update(later.sent),
            self.accounts.update(later.accounts),
            self.movements.update(later.movements),
            later.clock or self.clock,
        )


NO_CHANGES = OutboxChanges()

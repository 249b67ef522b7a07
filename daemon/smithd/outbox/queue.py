"""The outbox: keeps what the phone should show and what it shows, on disk and, for looking at, in memory.

For each key at most one message is claimed (its request is in flight) and at most one waits. A newer message takes the
place of the one that waits: of a level only the newest matters, and the newer push of a notification says all that the
older one would. When a message is tried again, and why it was not accepted, is known in memory only: after a restart
everything is tried at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from smithd.keys import Key, PushKey, StreamKey, SurfaceKey
from smithd.outbox import rows
from smithd.outbox.message import (
    LATE_ARRIVAL,
    LONGEST_REQUEST,
    ActivityEnd,
    ActivityState,
    BadgeCount,
    LevelMessage,
    Message,
    Push,
    PushUpdate,
    WidgetValue,
)
from smithd.outbox.settlement import Accept, DeliveryReason, Drop, Retry, Settlement, Wait
from smithd.outbox.shown import (
    Shown,
    ShownActivity,
    ShownBadge,
    ShownPush,
    ShownWidget,
    Standing,
    TimerWindow,
    differs,
    is_like,
    says_same,
)
from smithd.storage.database import Database

PUSHES_KEPT_FOR = 7 * 86400.0
PUSHES_KEPT = 500
"""How long (seconds), and how many, accepted pushes are remembered; those whose alert is open stay as long as it is."""

SENT_KEPT_FOR = 300.0
"""Seconds for which requests are remembered; the service's limits look back on 60."""

_PRUNE_EVERY = 64


@dataclass(frozen=True, slots=True)
class Queued:
    """A message that waits. ``retry_at``: the sender's own wait (seconds since 1970), apart from the message's ``due``.

    ``wait``: what may end it early; ``attempts``: tries without an answer; ``reason`` and ``detail``: why the last try
    failed.
    """

    id: int
    message: Message
    retry_at: float = 0.0
    wait: Wait = Wait.TIME
    attempts: int = 0
    reason: DeliveryReason | None = None
    detail: str = ""

    @property
    def ready_at(self) -> float:
        """When it may be sent, as far as the message and its last try say."""
        return max(self.message.due, self.retry_at)


@dataclass(frozen=True, slots=True)
class Claim:
    """A message whose request is on its way.

    ``before``: what was shown; ``presumed``: what a level will have shown if it is accepted; ``sent``: its row of
    the requests.
    """

    queued: Queued
    before: Shown | None
    presumed: Shown | None
    sent: int


class Outbox:
    """All messages that wait or are on their way, and what the phone shows."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[Key, Queued] = {}
        self._claimed: dict[Key, Claim] = {}
        self._shown: dict[Key, Shown] = {}
        self._refused: dict[tuple[Key, type[Message]], Message | None] = {}
        self._claims = 0
        self._wanted: Collection[SurfaceKey] | None = None
        self.slot_freed: Callable[[float], None] = lambda now: None  # noqa: ARG005 - until somebody wants to know
        with database.resuming() as connection:
            rows.unclaim_all(connection)
            self._load(connection)
        database.after_rollback(self._load)

    def standing(self, key: Key) -> Standing:
        """Where a key stands."""
        queued, claim = self._waiting.get(key), self._claimed.get(key)
        return Standing(
            self._shown.get(key), queued.message if queued else None, claim.queued.message if claim else None
        )

    def pushes(self) -> dict[str, Standing]:
        """Where the pushes stand, by the text of their keys."""
        keys = {*self._waiting, *self._claimed, *self._shown}
        return {str(key): self.standing(key) for key in keys if isinstance(key, PushKey)}

    def shown(self) -> Mapping[Key, Shown]:
        """What the phone shows, by key."""
        return self._shown

    def accepted(self) -> Mapping[Key, Shown]:
        """What the service took, by key; of what is on its way, the one before."""
        before = {key: claim.before for key, claim in self._claimed.items()}
        return {key: shown for key, shown in (self._shown | before).items() if shown is not None}

    def waiting(self) -> int:
        """How many messages wait or are on their way."""
        return len(self._waiting) + len(self._claimed)

    def messages(self) -> list[Message]:
        """The messages that wait, in the order of sending."""
        waiting = sorted(self._waiting.values(), key=lambda queued: (queued.message.priority, queued.id))
        return [queued.message for queued in waiting]

    def streams_on_phone(self) -> set[StreamKey]:
        """The keys of the streams that hold a slot, or may."""
        shown = self._shown.values()
        return {each.key for each in shown if isinstance(each, ShownActivity) and not each.ended}

    def changes(self, message: Message) -> bool:
        """Whether ``put`` would write anything."""
        return self._successor(message) is not self._waiting.get(message.key)

    def put(self, connection: Connection, message: Message) -> None:
        """Keep what the phone should show, in the caller's transaction: what waits for the key is replaced, or
        withdrawn where the phone shows (or may be about to show) just that.
        """
        before, after = self._waiting.get(message.key), self._successor(message)
        if after is before:
            return
        if after is None:
            assert before is not None
            rows.remove(connection, before.id)
            del self._waiting[message.key]
        elif before is None:
            self._waiting[message.key] = replace(after, id=rows.add(connection, after.message))
        else:
            rows.replace(connection, before.id, after.message)
            self._waiting[message.key] = after

    def withdraw(self, connection: Connection, key: Key) -> None:
        """Take out what waits for a key, in the caller's transaction; what is on its way stays."""
        if (queued := self._waiting.pop(key, None)) is not None:
            rows.remove(connection, queued.id)

    def forget(self, connection: Connection, key: Key) -> None:
        """Know no more what a key shows, in the caller's transaction, without changing what it shows."""
        self._shown.pop(key, None)
        rows.forget_shown(connection, [key])

    def ready(self, now: float) -> Iterator[Queued]:
        """What may be sent now, by priority, then by age; nothing whose key is on its way already."""
        ready = [queued for queued in self._idle() if queued.ready_at <= now]
        return iter(sorted(ready, key=lambda queued: (queued.message.priority, queued.id)))

    def next_due(self, now: float) -> float | None:
        """When the next message becomes ready or expires, apart from those that are ready."""
        times = [queued.ready_at for queued in self._idle() if queued.ready_at > now]
        times += [at for queued in self._idle() if (at := _expires(queued.message)) < math.inf]
        return min(times, default=None)

    def claim(self, queued: Queued, family: str, now: float, window: TimerWindow | None = None) -> Claim:
        """Say, on disk, that a message's request goes out: it must not go before this returns. ``window``: that of the
        timer which is shown if the message is accepted, or may be.
        """
        message = queued.message
        presumed = _presumed(message, now, window) if not isinstance(message, Push | PushUpdate) else None
        with self._database.transaction() as connection:
            rows.claim(connection, queued.id)
            sent = rows.add_sent(connection, message.key.account, family, now + LONGEST_REQUEST)
            if presumed is not None:
                rows.keep_shown(connection, _unknown(presumed))
            if self._claims % _PRUNE_EVERY == 0:
                rows.prune_sent(connection, now - SENT_KEPT_FOR, now + LONGEST_REQUEST + LATE_ARRIVAL)
        self._claims += 1
        claim = self._claimed[message.key] = Claim(queued, self._shown.get(message.key), presumed, sent)
        del self._waiting[message.key]
        if presumed is not None:
            self._shown[message.key] = presumed
        return claim

    def settle(self, claim: Claim, settlement: Settlement, now: float) -> None:
        """Write down how a request ended; what waits for the key by now is compared with it."""
        key, row = claim.queued.message.key, claim.queued.id
        assert self._claimed[key] is claim
        if isinstance(settlement, Drop):
            self._refuse(claim.queued.message, settlement.off)
        if isinstance(settlement, Accept):
            self._refused.pop((key, type(claim.queued.message)), None)
        shown = _shown_after(claim, settlement, now)
        waiting, stays = self._waiting.get(key), self._staying(claim, settlement, shown)
        with self._database.transaction() as connection:
            late = LATE_ARRIVAL if isinstance(settlement, Retry) and settlement.sent else 0.0
            rows.correct_sent(connection, claim.sent, now + late)
            if stays is not None and stays.id == row:
                rows.unclaim(connection, row)
            else:
                rows.remove(connection, row)
            if waiting is not None and stays is None:
                rows.remove(connection, waiting.id)
            outdated = self._keep_shown(connection, key, shown, now)
        del self._claimed[key]
        for gone in (key, *outdated):
            self._shown.pop(gone, None)
        if shown is not None:
            self._shown[key] = shown
        self._waiting.pop(key, None)
        if stays is not None:
            self._waiting[key] = stays
        if isinstance(shown, ShownActivity) and shown.ended:
            self.release(Wait.SLOT)
            self.slot_freed(now)

    def expire(self, now: float) -> list[Queued]:
        """Take out what is too old to be worth saying; returns it."""
        expired = [queued for queued in self._idle() if _expires(queued.message) <= now]
        self._take_out(expired)
        return expired

    def drop(self, queued: Queued) -> None:
        """Take out a message that cannot be sent as it is; as a level it is not tried again until it changes."""
        self._refuse(queued.message, off=False)
        self._take_out([queued])

    def release(self, wait: Wait) -> None:
        """End the waits of this kind."""
        for key, queued in self._waiting.items():
            if queued.wait is wait:
                self._waiting[key] = replace(queued, retry_at=0.0, wait=Wait.TIME)

    def want(self, keys: Collection[SurfaceKey]) -> None:
        """Which levels there are by now: another one that is on its way is not tried again."""
        self._wanted = frozenset(keys)

    def try_anew(self) -> None:
        """Forget what was refused or put off: the configuration, or what it needs in the app, may be right by now."""
        self._refused.clear()
        self.release(Wait.TIME)

    def shift(self, seconds: float) -> None:
        """The clock was set: waits keep their length."""
        for key, queued in self._waiting.items():
            self._waiting[key] = replace(queued, retry_at=queued.retry_at + seconds)

    def sent_since(self, at: float) -> list[tuple[str, float]]:
        """Family, and latest time of arrival, of the requests that may have arrived since ``at``."""
        with self._database.transaction() as connection:
            return rows.sent_since(connection, at)

    def _idle(self) -> Iterator[Queued]:
        return (queued for key, queued in self._waiting.items() if key not in self._claimed)

    def _load(self, connection: Connection) -> None:
        known = {queued.id: queued for queued in self._waiting.values()}
        self._waiting = {
            message.key: replace(known.get(row, Queued(row, message)), message=message)
            for row, message in rows.waiting(connection)
        }
        self._shown = {shown.key: shown for shown in rows.shown(connection)}
        self._shown |= {key: claim.presumed for key, claim in self._claimed.items() if claim.presumed is not None}

    def _successor(self, message: Message) -> Queued | None:
        """What waits for the key once ``message`` was put; the very same object where that changes nothing."""
        waiting = self._waiting.get(message.key)
        if not self._is_news(message):
            return waiting if isinstance(message, Push | PushUpdate) else None
        if waiting is None:
            return Queued(0, message)
        old = waiting.message
        if _is_another_matter(message, old):
            return Queued(waiting.id, message)
        if isinstance(message, Push | PushUpdate) or not is_like(message, old):
            return replace(waiting, message=message)
        if message.priority >= old.priority and message.due >= old.due:
            return waiting
        sooner = replace(message, priority=min(message.priority, old.priority), due=min(message.due, old.due))
        return replace(waiting, message=sooner)

    def _is_news(self, message: Message) -> bool:
        """Whether the phone neither shows this nor will once its request is answered."""
        claim = self._claimed.get(message.key)
        if claim is not None:
            claimed = claim.queued.message
            if claimed == message or (isinstance(claimed, ActivityEnd) and isinstance(message, ActivityEnd)):
                return False
        return self._is_worth(message, self._shown.get(message.key))

    def _is_worth(self, message: Message, shown: Shown | None) -> bool:
        place = (message.key, type(message))
        if place in self._refused:
            refused = self._refused[place]
            if refused is None or says_same(message, refused):
                return False
        return differs(message, shown)

    def _refuse(self, message: Message, off: bool) -> None:
        if not isinstance(message, Push | PushUpdate):
            self._refused[message.key, type(message)] = None if off else message

    def _is_wanted(self, message: Message) -> bool:
        is_state = isinstance(message, WidgetValue | ActivityState | BadgeCount)
        return not is_state or self._wanted is None or message.key in self._wanted

    def _staying(self, claim: Claim, settlement: Settlement, shown: Shown | None) -> Queued | None:
        """What waits for the key once its request has ended."""
        stays = self._waiting.get(claim.queued.message.key)
        if isinstance(settlement, Retry) and self._is_wanted(claim.queued.message):
            stays = _back(claim.queued, stays, settlement)
        return stays if stays is not None and self._is_worth(stays.message, shown) else None

    def _keep_shown(self, connection: Connection, key: Key, shown: Shown | None, now: float) -> list[PushKey]:
        """Write what a key shows; returns the keys of pushes that are too old to be replaced, taken out."""
        if shown is None:
            rows.forget_shown(connection, [key])
            return []
        rows.keep_shown(connection, shown)
        if not isinstance(shown, ShownPush):
            return []
        pushes = [
            other
            for other in self._shown.values()
            if isinstance(other, ShownPush) and other.key != key and not other.is_open
        ]
        surplus, oldest = len(pushes) + 1 - PUSHES_KEPT, now - PUSHES_KEPT_FOR
        outdated = [push.key for index, push in enumerate(pushes) if index < surplus or push.at < oldest]
        rows.forget_shown(connection, outdated)
        return outdated

    def _take_out(self, gone: list[Queued]) -> None:
        if not gone:
            return
        with self._database.transaction() as connection:
            for queued in gone:
                rows.remove(connection, queued.id)
        for queued in gone:
            del self._waiting[queued.message.key]


def _expires(message: Message) -> float:
    expires = message.expires if isinstance(message, Push | PushUpdate) else None
    return math.inf if expires is None else expires


def _presumed(message: LevelMessage, now: float, window: TimerWindow | None) -> Shown:
    """What a level shows once it is accepted. An end is not presumed: its stream holds a slot until it is gone."""
    match message:
        case WidgetValue():
            return ShownWidget(message.key, message.value, now, message.time, message.number, message.severity)
        case ActivityState():
            return ShownActivity(message.key, message.content, now, meaning=message.meaning, window=window)
        case ActivityEnd():
            return ShownActivity(message.key, None, now, window=window)
        case BadgeCount():
            return ShownBadge(message.key, message.count, now, message.channels)


def _unknown(shown: Shown) -> Shown:
    """What is known where nobody knows whether this is shown."""
    match shown:
        case ShownWidget():
            return replace(shown, value=None)
        case ShownActivity():
            return replace(shown, content=None)
        case ShownBadge():
            return replace(shown, count=None)
    return shown


def _shown_after(claim: Claim, settlement: Settlement, now: float) -> Shown | None:
    match settlement:
        case Accept():
            return _accepted(claim, settlement, now)
        case Drop():
            return claim.before
    may_be = _unknown(claim.presumed) if settlement.sent and claim.presumed is not None else claim.before
    if isinstance(may_be, ShownPush) and settlement.forget_id:
        return replace(may_be, notification_id=None)
    if isinstance(may_be, ShownActivity):
        window, bare_end = settlement.window or may_be.window, settlement.bare_end or may_be.bare_end
        return replace(may_be, window=window, bare_end=bare_end)
    return may_be


def _accepted(claim: Claim, settlement: Accept, now: float) -> Shown | None:
    message, before, presumed = claim.queued.message, claim.before, claim.presumed
    match message, presumed:
        case ((Push() | PushUpdate()), _):
            replaced = isinstance(message, PushUpdate)
            kept = before.notification_id if isinstance(before, ShownPush) and replaced else None
            name = settlement.notification_id or kept
            return ShownPush(message.key, message.content, now, name, replaced, message.is_open)
        case ActivityEnd(), ShownActivity():
            return replace(presumed, content=message.content, at=now, ended=settlement.ended)
        case _, (ShownActivity() | ShownWidget() | ShownBadge()):
            return replace(presumed, at=now)
    return presumed


def _is_another_matter(message: Message, other: Message) -> bool:
    """Whether a message does not continue another of its key: an end instead of an update."""
    return isinstance(message, ActivityEnd) is not isinstance(other, ActivityEnd)


def _back(queued: Queued, newer: Queued | None, retry: Retry) -> Queued:
    """The message that waits after a try that must be repeated: the newer one, if there is one; the wait is the key's.

    A newer one that is another matter (an end instead of an update) does not wait.
    """
    attempts = queued.attempts + 1 if retry.wait is Wait.ANSWER else 0
    if newer is not None and _is_another_matter(newer.message, queued.message):
        return newer
    base = newer or queued
    if not isinstance(base.message, Push | PushUpdate):
        # What made the first one urgent is not shown yet.
        old = queued.message
        sooner = replace(
            base.message, priority=min(base.message.priority, old.priority), due=min(base.message.due, old.due)
        )
        base = replace(base, message=sooner)
    return replace(
        base, retry_at=retry.at, wait=retry.wait, attempts=attempts, reason=retry.reason, detail=retry.detail
    )

"""The outbox: keeps what the phone should be told and was told, on disk and, for looking at, in memory.

For each key at most one message is claimed (its request is on its way) and at most one waits. A newer message takes
the place of the one that waits: of a level only the newest matters, and the newer push of an incident tells the whole
story. When a message is tried again, and why it was not taken, is known in memory only: after a restart everything is
tried at once.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from smithd.outbox import rows
from smithd.outbox.message import (
    LATE_ARRIVAL,
    LONGEST_REQUEST,
    Again,
    Delivered,
    GivenUp,
    Json,
    Kind,
    Message,
    Settlement,
    Shown,
    Standing,
    Wait,
    differs,
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

    ``wait``: what may end it early; ``attempts``: tries without an answer; ``reason``: why the last try failed.
    """

    id: int
    message: Message
    retry_at: float = 0.0
    wait: Wait = Wait.TIME
    attempts: int = 0
    reason: str = ""

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
    """All messages that wait or are on their way, and what the phone was told."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[str, Queued] = {}
        self._claimed: dict[str, Claim] = {}
        self._shown: dict[str, Shown] = {}
        self._refused: dict[tuple[str, Kind], Json | None] = {}
        self._claims = 0
        self._wanted: Collection[str] | None = None
        with database.resuming() as connection:
            rows.unclaim_all(connection)
            self._load(connection)
        database.after_rollback(self._load)

    def standing(self, key: str) -> Standing:
        """Where a key stands."""
        queued, claim = self._waiting.get(key), self._claimed.get(key)
        return Standing(
            self._shown.get(key), queued.message if queued else None, claim.queued.message if claim else None
        )

    def shown(self) -> Mapping[str, Shown]:
        """What the phone was told, by key."""
        return self._shown

    def accepted(self) -> Mapping[str, Shown]:
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

    def streams_on_phone(self) -> set[str]:
        """The keys of the streams that hold a slot, or may."""
        streams = (Kind.STREAM, Kind.END)
        return {key for key, shown in self._shown.items() if shown.kind in streams and not shown.ended}

    def changes(self, message: Message) -> bool:
        """Whether ``put`` would write anything."""
        return self._successor(message) is not self._waiting.get(message.key)

    def put(self, connection: Connection, message: Message) -> None:
        """Keep what the phone should be told, in the caller's transaction: what waits for the key is replaced, or
        withdrawn where the phone shows (or is being told) just that. Content and aside are plain JSON.
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

    def withdraw(self, connection: Connection, key: str) -> None:
        """Take out what waits for a key, in the caller's transaction; what is on its way stays."""
        if (queued := self._waiting.pop(key, None)) is not None:
            rows.remove(connection, queued.id)

    def ready(self, now: float) -> Iterator[Queued]:
        """What may be sent now, by priority, then by age; nothing whose key is on its way already."""
        ready = [queued for queued in self._idle() if queued.ready_at <= now]
        return iter(sorted(ready, key=lambda queued: (queued.message.priority, queued.id)))

    def next_due(self, now: float) -> float | None:
        """When the next message becomes ready or expires, apart from those that are ready."""
        times = [queued.ready_at for queued in self._idle() if queued.ready_at > now]
        times += [queued.message.expires for queued in self._idle() if queued.message.expires is not None]
        return min(times, default=None)

    def claim(self, queued: Queued, family: str, now: float, aside: Json | None = None) -> Claim:
        """Say, on disk, that a message's request goes out: it must not go before this returns. ``aside``: what is to
        be remembered, besides the message's own, of a level that is taken, or may be.
        """
        message = queued.message
        presumed = _presumed(message, now, aside or {}) if message.is_level else None
        with self._database.transaction() as connection:
            rows.claim(connection, queued.id)
            sent = rows.add_sent(connection, family, now + LONGEST_REQUEST)
            if presumed is not None:
                rows.keep_shown(connection, replace(presumed, content=None))
            if self._claims % _PRUNE_EVERY == 0:
                rows.prune_sent(connection, now - SENT_KEPT_FOR, now + LONGEST_REQUEST + LATE_ARRIVAL)
        self._claims += 1
        claim = self._claimed[message.key] = Claim(queued, self._shown.get(message.key), presumed, sent)
        del self._waiting[message.key]
        if presumed is not None:
            self._shown[message.key] = presumed
        return claim

    def settle(self, claim: Claim, settlement: Settlement, now: float) -> None:
        """Write down how a request ended; what waits for the key by now is weighed against it."""
        key, row = claim.queued.message.key, claim.queued.id
        assert self._claimed[key] is claim
        if isinstance(settlement, GivenUp):
            self._refuse(claim.queued.message, settlement.off)
        if isinstance(settlement, Delivered):
            self._refused.pop((key, claim.queued.message.kind), None)
        shown = _shown_after(claim, settlement, now)
        waiting, stays = self._waiting.get(key), self._staying(claim, settlement, shown)
        with self._database.transaction() as connection:
            late = LATE_ARRIVAL if isinstance(settlement, Again) and settlement.sent else 0.0
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
        if shown is not None and shown.ended:
            self.release(Wait.SLOT)

    def expire(self, now: float) -> list[Queued]:
        """Take out what is too old to be worth saying; returns it."""
        expired = [queued for queued in self._idle() if (queued.message.expires or math.inf) <= now]
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

    def want(self, keys: Collection[str]) -> None:
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
            return None if message.is_level else waiting
        if waiting is None:
            return Queued(0, message)
        old = waiting.message
        if old.kind is not message.kind:
            return Queued(waiting.id, message)
        if _says_more(message, old):
            return replace(waiting, message=message)
        if message.priority >= old.priority and message.due >= old.due:
            return waiting
        sooner = replace(message, priority=min(message.priority, old.priority), due=min(message.due, old.due))
        return replace(waiting, message=sooner)

    def _is_news(self, message: Message) -> bool:
        """Whether the phone neither shows this nor is being told it."""
        claim = self._claimed.get(message.key)
        going = claim.queued.message if claim else None
        if going is not None and (going == message or (going.kind is Kind.END and message.kind is Kind.END)):
            return False
        return self._is_worth(message, self._shown.get(message.key))

    def _is_worth(self, message: Message, shown: Shown | None) -> bool:
        refused = (message.key, message.kind)
        if refused in self._refused and self._refused[refused] in (None, message.content):
            return False
        return differs(message, shown)

    def _refuse(self, message: Message, off: bool) -> None:
        if message.is_level:
            self._refused[message.key, message.kind] = None if off else message.content

    def _is_wanted(self, message: Message) -> bool:
        is_state = message.is_level and message.kind is not Kind.END
        return not is_state or self._wanted is None or message.key in self._wanted

    def _staying(self, claim: Claim, settlement: Settlement, shown: Shown | None) -> Queued | None:
        """What waits for the key once its request has ended."""
        stays = self._waiting.get(claim.queued.message.key)
        if isinstance(settlement, Again) and self._is_wanted(claim.queued.message):
            stays = _back(claim.queued, stays, settlement)
        return stays if stays is not None and self._is_worth(stays.message, shown) else None

    def _keep_shown(self, connection: Connection, key: str, shown: Shown | None, now: float) -> list[str]:
        """Write what a key shows; returns the keys of pushes that are too old to be replaced, taken out."""
        if shown is None:
            rows.forget_shown(connection, [key])
            return []
        rows.keep_shown(connection, shown)
        if shown.kind is not Kind.PUSH:
            return []
        pushes = [
            other
            for other in self._shown.values()
            if other.kind is Kind.PUSH and other.key != key and not other.aside.get("open")
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


def _presumed(message: Message, now: float, aside: Json) -> Shown:
    content = None if message.kind is Kind.END else message.content
    return Shown(message.key, message.kind, content, now, aside={**message.aside, **aside})


def _shown_after(claim: Claim, settlement: Settlement, now: float) -> Shown | None:
    message, before = claim.queued.message, claim.before
    if isinstance(settlement, Delivered):
        kept = before.remote_id if before is not None and message.content.get("in_place") else None
        name = settlement.remote_id or kept
        aside = claim.presumed.aside if claim.presumed is not None else message.aside
        return Shown(message.key, message.kind, message.content, now, settlement.ended, name, aside)
    if isinstance(settlement, GivenUp):
        return before
    may_be = replace(claim.presumed, content=None) if settlement.sent and claim.presumed is not None else before
    if may_be is None:
        return None
    name = None if settlement.forget else may_be.remote_id
    return replace(may_be, remote_id=name, aside={**may_be.aside, **settlement.aside})


def _says_more(message: Message, old: Message) -> bool:
    """Whether a message differs from the one of its kind that waits."""
    if message.kind is Kind.PUSH:
        return message != old
    if message.kind is Kind.END:
        return message.content != old.content
    return differs(message, Shown(old.key, old.kind, old.content, old.created))


def _back(queued: Queued, newer: Queued | None, again: Again) -> Queued:
    """The message that waits after a try that must be repeated: the newer one, if there is one; the wait is the key's.

    A newer one of another kind (an end instead of an update) is another matter, and does not wait.
    """
    attempts = queued.attempts + 1 if again.wait is Wait.ANSWER else 0
    if newer is not None and newer.message.kind is not queued.message.kind:
        return newer
    base = newer or queued
    if base.message.is_level:
        # What made the first one urgent is still untold.
        old = queued.message
        sooner = replace(
            base.message, priority=min(base.message.priority, old.priority), due=min(base.message.due, old.due)
        )
        base = replace(base, message=sooner)
    return replace(base, retry_at=again.at, wait=again.wait, attempts=attempts, reason=again.reason)

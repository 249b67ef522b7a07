"""The outbox beside a state that is written at once: for an engine that opens its own transactions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from sqlalchemy import Connection, event

from smithd.keys import DEFAULT_ACCOUNT, Key, StreamKey, SurfaceKey
from smithd.outbox import accounts, queue, rows, wall_clock
from smithd.outbox.message import LevelMessage, Message
from smithd.outbox.queued import Boot, Claim, Queued
from smithd.outbox.settlement import Retry, Settlement, Wait
from smithd.outbox.shown import KeyStatus, Shown, TimerWindow
from smithd.outbox.state import Outbox, OutboxChanges
from smithd.storage.database import Database


class StoredOutbox:
    """Holds the outbox's value: each change is written, and then applied."""

    def __init__(self, database: Database, account: str = DEFAULT_ACCOUNT) -> None:
        self._database = database
        self._account = account
        self.slot_freed: Callable[[float], None] = lambda now: None  # noqa: ARG005 - until somebody wants to know
        with database.resuming() as connection:
            self.value = self._before = rows.load(connection)
        event.listen(connection, "begin", self._begin)
        event.listen(connection, "rollback", self._undo)

    def status(self, key: Key) -> KeyStatus:
        return self.value.status(key)

    def pushes(self) -> dict[str, KeyStatus]:
        return self.value.pushes()

    def shown(self) -> Mapping[Key, Shown]:
        return dict(sorted(self.value.shown.items(), key=lambda item: item[1].at))

    def accepted(self) -> Mapping[Key, Shown]:
        return self.value.accepted()

    def waiting(self) -> int:
        return self.value.count()

    def messages(self) -> list[Message]:
        return self.value.messages()

    def streams_on_phone(self) -> set[StreamKey]:
        return self.value.streams_on_phone(self._account)

    def changes(self, message: Message) -> bool:
        """Whether ``put`` would write anything."""
        return bool(queue.enqueue(self.value, message)[1])

    def put(self, connection: Connection, message: Message) -> None:
        """Enqueue a message, in the caller's transaction."""
        self._write(connection, *queue.enqueue(self.value, message))

    def withdraw(self, connection: Connection, key: Key) -> None:
        """Take out what waits for a key, in the caller's transaction."""
        self._write(connection, *queue.withdraw(self.value, key))

    def forget(self, connection: Connection, key: Key) -> None:
        """Know no more what a key shows, in the caller's transaction."""
        self._write(connection, *queue.forget(self.value, key))

    def ready(self, now: float) -> Iterator[Queued]:
        """What may be sent now, by priority, then by age."""
        filled = queue.fill_lanes(self.value, now)
        lanes = (queued for lane in filled.lanes for queued in filled.lane(lane))
        return iter(sorted(lanes, key=lambda queued: (queued.message.priority, queued.id)))

    def next_due(self, now: float) -> float | None:
        """When the next message becomes ready or expires, apart from those that are ready."""
        at = queue.fill_lanes(self.value, now).next_at()
        return at if at < float("inf") else None

    def claim(
        self, queued: Queued, family: str, now: float, window: TimerWindow | None = None, boot: Boot | None = None
    ) -> Claim:
        outbox, changes, claim = queue.claim(self.value, queued, family, now, window, boot)
        self._commit(outbox, changes)
        return claim

    def settle(self, claim: Claim, settlement: Settlement, now: float, boot: Boot | None = None) -> None:
        streams = len(self.streams_on_phone())
        self._commit(*queue.settle(self.value, claim, settlement, now, boot))
        if len(self.streams_on_phone()) < streams:
            self.slot_freed(now)

    def repeat(self, message: LevelMessage) -> Queued:
        outbox, changes, queued = queue.repeat(self.value, message)
        self._commit(outbox, changes)
        return queued

    def expire(self, now: float) -> list[Queued]:
        outbox, changes, expired = queue.expire(self.value, now)
        self._commit(outbox, changes)
        return expired

    def put_off(self, queued: Queued, retry: Retry) -> None:
        self._commit(*queue.put_off(self.value, queued, retry))

    def drop(self, queued: Queued) -> None:
        self._commit(*queue.drop(self.value, queued))

    def moved(self, address: str, fingerprint: str) -> None:
        """See ``accounts.moved``."""
        self._commit(*accounts.moved(self.value, self._account, address, fingerprint))

    def release(self, wait: Wait) -> None:
        self.value = queue.release(self.value, wait, self._account)

    def want(self, keys: Collection[SurfaceKey]) -> None:
        self.value = queue.want(self.value, keys)

    def try_again(self) -> None:
        self.value = queue.try_again(self.value, self._account)

    def shift(self, seconds: float) -> None:
        self._commit(*wall_clock.shift(self.value, seconds))

    def go_on(self, now: float, boot: Boot | None) -> None:
        """See ``wall_clock.go_on``."""
        self._commit(*wall_clock.go_on(self.value, now, boot))

    def _commit(self, outbox: Outbox, changes: OutboxChanges) -> None:
        if changes:
            with self._database.transaction() as connection:
                rows.write(connection, changes)
        self.value = outbox

    def _write(self, connection: Connection, outbox: Outbox, changes: OutboxChanges) -> None:
        if changes:
            rows.write(connection, changes)
        self.value = outbox

    def _begin(self, _: Connection) -> None:
        self._before = self.value

    def _undo(self, _: Connection) -> None:
        """A transaction did not come to be: what of it is in memory is taken back."""
        self.value = self._before

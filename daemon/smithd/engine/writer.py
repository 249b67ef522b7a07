"""The one writer: takes what waits in the queue, step by step, and has each step committed before it is applied.

While a commit runs, entries wait: a slow disk delays messages, never polls, and what came meanwhile is one step and one
transaction. A commit that fails is tried again with the same changes; until it succeeds, memory and disk stay as they
were.

Where commits have failed for five seconds, and no other process can have written meanwhile (SQLite, with the lock
held), the writer is degraded: it applies steps without a commit, so that alerts are evaluated and sent all the same.
Every few seconds it tries to write the whole of memory in one transaction; once that succeeds, it commits its steps
again.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from smithd.clock import Clock, boot
from smithd.engine.engine import Engine
from smithd.engine.entries import CatchUp, ClockSet, Command, Entry, Reconfigure, SettleClaim, Tick, WriteAll
from smithd.engine.queue import Queue
from smithd.engine.step import Changes
from smithd.errors import DatabaseError
from smithd.events import Events
from smithd.outbox.wall_clock import CLOCK_STEP
from smithd.poll.intake import Poll
from smithd.storage.committer import Committer, Write
from smithd.storage.degraded import CommitHealth
from smithd.storage.events import AnswersDropped, CommitsFailing, CommitsRecovered, Committed, Degraded
from smithd.storage.marker import Marker

STEP_FOR = 0.02
"""Seconds of the event loop that one step may take; what waits longer is the next step."""

LONGEST_NAP = 2.0
"""Seconds after which the clock is looked at though nothing is due: it may have been set."""

SAME_MOMENT = 0.0001
"""Seconds by which an alarm may be late: the difference of two clocks is never read quite the same twice."""

Answer = TypeVar("Answer")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Asked:
    """A command, and the future that waits for its answer."""

    command: Any
    answer: asyncio.Future[Any]


class Writer:
    """Runs the steps of one engine. ``applied`` is called after each step with what it changed.

    ``health``: how commits fare; ``committed_at``: when the last one succeeded (seconds since 1970). By the monotonic
    clock, ``turned_at``: when it last looked for entries; ``beside_since``: since when the committer has had what it
    works on (None: it has nothing).
    """

    def __init__(
        self,
        engine: Engine,
        committer: Committer,
        clock: Clock,
        events: Events,
        applied: Callable[[Changes], None],
        marker: Marker | None = None,
        longest_nap: float = LONGEST_NAP,
    ) -> None:
        """``marker``: says on another file system that the state is behind; None where nothing outlives the process.
        ``longest_nap``: seconds after which the clock is looked at though nothing is due.
        """
        self.health = CommitHealth()
        self.committed_at = clock.now()
        self.turned_at = clock.monotonic()
        self.beside_since: float | None = None
        self._engine = engine
        self._committer = committer
        self._clock = clock
        self._events = events
        self._applied = applied
        self._marker = marker
        self._longest_nap = longest_nap
        self._queue: Queue[Entry | _Asked] = Queue(lambda: engine.most_waiting, engine.same_verdicts)
        self._arrived = asyncio.Event()
        self._reconfiguring: _Asked | None = None
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_at = math.inf
        self._offset = clock.now() - clock.monotonic()
        self._suspended = self._suspended_for()

    @property
    def waiting(self) -> int:
        """How many entries wait."""
        return len(self._queue)

    @property
    def dropped(self) -> dict[str, int]:
        """How many answers of each source were dropped because the queue was full."""
        return dict(self._queue.dropped)

    def put(self, poll: Poll) -> None:
        """Take an answer of a source."""
        self._watch_clock()
        before = self._queue.dropped[poll.source]
        self._queue.put_poll(poll)
        count = self._queue.dropped[poll.source]
        # While a disk is slow this happens at every poll: each doubling is logged.
        if count > before and count & (count - 1) == 0:
            self._events.publish(AnswersDropped(poll.source, count))
        self._arrived.set()

    def has_room(self, source: str) -> bool:
        """Whether a source may be polled now; where it may not, its poll is skipped."""
        return self._queue.has_room(source)

    async def ask(self, command: Command[Answer]) -> Answer:
        """Have a command carried out; the answer comes after the commit. Raises what the command is refused with."""
        self._watch_clock()
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._queue.put(_Asked(command, answer))
        self._arrived.set()
        return await answer

    async def catch_up(self) -> None:
        """Have everything that waits, or is due by now, computed, committed and applied."""
        await self.ask(CatchUp(self._clock.now()))
        # What was due may have set timers that are due by now, too.
        while (wake_at := self._engine.wake_at()) is not None and wake_at <= self._clock.now():
            await self.ask(CatchUp(self._clock.now()))

    async def start(self) -> None:
        """Commit and apply what the start came to. To be called once, before ``run``."""
        await self._finish(self._engine.started, [])

    async def run(self) -> None:
        """Run steps until cancelled. Raises DatabaseError where the state can no longer be kept."""
        try:
            while True:
                await self._wait()
                self.turned_at = self._clock.monotonic()
                self._watch_clock()
                now = self._clock.now()
                wake_at = self._engine.wake_at()
                if wake_at is not None and wake_at <= now:
                    self._queue.put(Tick(now))
                if self._queue:
                    await self.step()
                if self.health.is_degraded and self._clock.monotonic() >= self.health.retry_at:
                    await self._recover()
        finally:
            if self._alarm is not None:
                self._alarm.cancel()

    def _watch_clock(self) -> None:
        """Put an entry where the wall clock was set: before every entry that has a time by it, so that no message is
        taken for too old.
        """
        now = self._clock.now()
        before, self._offset = self._offset, now - self._clock.monotonic()
        if abs(self._offset - before) >= CLOCK_STEP:
            slept_before, self._suspended = self._suspended, self._suspended_for()
            slept = max(0.0, self._suspended - slept_before)
            seconds = self._offset - before - slept
            self._queue.put(ClockSet(now, seconds if abs(seconds) >= CLOCK_STEP else 0.0))

    def _suspended_for(self) -> float:
        """Seconds for which the machine was suspended, counted from some moment: its own clock goes on meanwhile, the
        monotonic one does not. 0 where it has no such clock.
        """
        found = boot(self._clock)
        return found[1] - self._clock.monotonic() if found is not None else 0.0

    async def step(self) -> None:
        """Compute, commit and apply what waits."""
        asked: list[_Asked] = []
        changes = self._engine.compute(self._entries(asked), self._clock.now())
        await self._finish(changes, asked)
        if (reconfiguring := self._reconfiguring) is not None:
            self._reconfiguring = None
            # It goes through everything there is, so it is a step of its own, beside the loop. What arrives waits.
            compute = partial(self._engine.compute, [reconfiguring.command], self._clock.now())
            await self._finish(await self._beside(self._committer.run(compute)), [reconfiguring])

    def _entries(self, asked: list[_Asked]) -> Iterator[Entry]:
        """What waits, in the order of arrival, for as long as a step may take."""
        until = self._clock.monotonic() + STEP_FOR
        for entry in self._queue.take():
            if isinstance(entry, _Asked):
                # Nobody waits for it any more: a sender that has ended would not send what is claimed for it. How a
                # request ended counts all the same: what was accepted would be sent once more.
                if not entry.answer.done() or isinstance(entry.command, SettleClaim):
                    if isinstance(entry.command, Reconfigure):
                        self._reconfiguring = entry
                        return
                    asked.append(entry)
                    yield entry.command
            else:
                yield entry
            if self._clock.monotonic() >= until:
                return

    async def _finish(self, changes: Changes, asked: list[_Asked]) -> None:
        """Commit and apply a step; then publish its events, and answer its commands."""
        committed = True
        if changes.stored and not self.health.is_degraded:
            committed = await self._commit(lambda connection: self._engine.write(connection, changes))
        elif changes.stored:
            committed = False
        self._engine.apply(changes, committed=committed)
        # This is asked for at the end only, which does not wait for the next try.
        if self.health.is_degraded and any(isinstance(each.command, WriteAll) for each in asked):
            await self._recover()
        for event in changes.events:
            self._events.publish(event)
        for each, answer in zip(asked, changes.answers, strict=True):
            # Cancelled while its step was committed.
            if each.answer.done():
                continue
            if isinstance(answer, Exception):
                each.answer.set_exception(answer)
            else:
                each.answer.set_result(answer)
        self._applied(changes)

    async def _commit(self, write: Write) -> bool:
        """Commit, however often it takes; False where the writer became degraded instead."""
        while True:
            began = self._clock.monotonic()
            try:
                await self._beside(self._committer.commit(write))
            except DatabaseError as error:
                self._failed(error, began)
                if self.health.is_degraded:
                    return False
                await self._clock.sleep(max(0.0, self.health.retry_at - self._clock.monotonic()))
            else:
                self._succeeded(began)
                return True

    async def _recover(self) -> None:
        """Try to write the whole of memory in one transaction."""
        began, now = self._clock.monotonic(), self._clock.now()
        try:
            await self._beside(self._committer.commit(lambda connection: self._engine.write_all(connection, now)))
        except DatabaseError as error:
            self._failed(error, began)
        else:
            self._engine.history.written(now)
            self._succeeded(began)

    async def _beside(self, work: Awaitable[T]) -> T:
        """What the committer returns."""
        self.beside_since = self._clock.monotonic()
        try:
            return await _to_the_end(work)
        finally:
            self.beside_since, self.turned_at = None, self._clock.monotonic()

    def _failed(self, error: DatabaseError, began: float) -> None:
        before = self.health
        self.health = before.failed(error, began, self._clock.monotonic())
        if self.health.is_degraded and not before.is_degraded:
            if self._marker is not None:
                self._marker.create()
            self._events.publish(Degraded(str(error)))
        elif not before.is_failing:
            self._events.publish(CommitsFailing(str(error)))

    def _succeeded(self, began: float) -> None:
        self._events.publish(Committed(self._clock.monotonic() - began))
        if self.health.is_failing:
            self._events.publish(CommitsRecovered())
            # One of the last run's stays: it is removed when the wait for what that run sent is over.
            if self._marker is not None and self.health.is_degraded and not self._marker.existed:
                self._marker.remove()
        self.health = self.health.succeeded()
        self.committed_at = self._clock.now()

    async def _wait(self) -> None:
        """Wait until an entry arrives or something is due, and look at the clock now and then."""
        if self._queue:
            # A step that committed nothing has waited for nothing: without this, the loop would run only steps.
            await self._clock.sleep(0)
            return
        self._arrived.clear()
        now, wake_at = self._clock.now(), self._engine.wake_at()
        nap = self._longest_nap if wake_at is None else min(self._longest_nap, max(0.0, wake_at - now))
        # An alarm that is set for this time, or an earlier one, stays, so that most polls make no task and no timer;
        # where it comes too soon, nothing is found to be due, and the writer waits again.
        at = self._clock.monotonic() + nap
        is_set = self._alarm is not None and not self._alarm.done() and self._alarm_at <= at + SAME_MOMENT
        if nap < math.inf and not is_set:
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm_at, self._alarm = at, asyncio.create_task(self._wake_after(nap))
        await self._arrived.wait()

    async def _wake_after(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._arrived.set()


async def _to_the_end(commit: Awaitable[T]) -> T:
    """Wait for a commit; a task that is cancelled meanwhile waits all the same, since the commit goes on."""
    future = asyncio.ensure_future(commit)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait((future,))
        raise

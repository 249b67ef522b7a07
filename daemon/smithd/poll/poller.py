"""Asks one source, and keeps everyone else safe from it: deadlines, back-off, and whatever a plugin may do wrong."""

from __future__ import annotations

import asyncio
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from smithd.errors import Misconfigured, SourceError
from smithd.events import Events, Polled, PollFailed, PollSkipped, SamplesRefused, SourceRecovered, TasksLeft
from smithd.plugin.sample import Sample
from smithd.plugin.source import Context, Source
from smithd.poll.foreign import words_of
from smithd.poll.intake import Intake, Poll, gather
from smithd.poll.registry import SourceSpec
from smithd.poll.schedule import backoff, fresh_for, period
from smithd.poll.worker import Worker

GRACE = 1.0
"""So many seconds a cancelled plugin has to let go; then it is left behind."""
CLOSING = 2.0
"""The deadline of a source's ``close``, in seconds."""
MANY_TASKS = 10
"""A source may have a few tasks that run all the time (a connection that is listened to); a leak grows."""
MAX_REASON = 500

T = TypeVar("T")
Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came of asking a source once."""

    samples: tuple[Sample, ...] = ()
    complaints: tuple[str, ...] = ()
    failure: str | None = None
    misconfigured: bool = False


class Poller:
    """Polls one source; its polls never overlap.

    A source that lives apart has all of its code run in a worker's thread, with an HTTP client of its own, which the
    poller closes.
    """

    def __init__(self, spec: SourceSpec, context: Context, events: Events, hand_over: Callable[[Poll], None]) -> None:
        self._spec = spec
        self._context = context
        self._clock = context.clock
        self._events = events
        self._hand_over = hand_over
        self._intake = Intake(spec.name, spec.metrics)
        self._source: Source[Any] | None = None
        self._is_open = False
        self._worker: Worker | None = None
        self._polling: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[_Answer] | None = None
        self._asked_at = 0.0
        self._failures = 0
        self._skipped = 0
        self._not_before = float("-inf")
        self._failures_told = _Told()
        self._complaints_told = _Told()
        self._tasks_told = False
        self._closed = False
        self.closing: str | None = None
        """What went wrong when the source was last closed."""

    def due(self, spawn: Spawn) -> None:
        """Start a poll, as a task made by ``spawn``, that hands over what it brings; unless there is a reason not to.

        A poll that still runs has this one skipped and counted; a source that keeps failing is asked less often.
        """
        if self._closed or self._clock.monotonic() < self._not_before:
            return
        if self._polling is not None and not self._polling.done():
            self._skipped += 1
            if _is_round(self._skipped):
                self._events.publish(PollSkipped(self._spec.name, self._skipped))
            return
        self._polling = spawn(self._poll_and_hand_over())

    async def _poll_and_hand_over(self) -> None:
        poll = await self.poll_once()
        if not self._closed:
            self._hand_over(poll)

    async def poll_once(self) -> Poll:
        """Ask the source once, opening it first where it is not open. Raises nothing but cancellation."""
        started = self._clock.monotonic()
        answer = await self._ask(started)
        now, name = self._clock.now(), self._spec.name
        if answer.failure is None:
            self._succeeded()
            self._events.publish(Polled(name, len(answer.samples), self._clock.monotonic() - started))
        else:
            self._failed(answer, started, now)
        for complaint in answer.complaints:
            if self._complaints_told.may_tell(complaint):
                self._events.publish(SamplesRefused(name, complaint))
        if self._worker is not None and len(self._worker.leftovers) >= MANY_TASKS:
            self._tell_of_tasks(self._worker.leftovers)
        freshness = fresh_for(self._spec.schedule, self._spec.timeout, now)
        return Poll(name, now, freshness, answer.samples, answer.failure)

    def retire(self) -> None:
        """Begin no poll and hand over nothing any more."""
        self._closed = True

    async def close(self) -> bool:
        """Stop a poll that runs, and close the source; takes a few seconds at most. The poller is done with then.

        False where the plugin would not stop: it runs on, and the process must end without waiting for it.
        """
        self.retire()
        if self._polling is not None:
            await _stopped(self._polling, 2 * GRACE)  # in there, the plugin's task has its own grace
        if self._asking is not None and not await self._stopped_asking(self._asking):
            # The plugin swallows its cancellation. Forgotten here, it cannot keep the event loop from ending.
            asyncio._unregister_task(self._asking)  # documented for those who extend asyncio
        await self._let_go()
        hangs = self._hangs()
        if self._worker is not None:
            if not hangs:
                await self._clear_up(self._worker)
            self._worker.stop()
        return not hangs

    def place(self) -> str | None:
        """Where in the plugin's own file its thread is right now, as ``name.py:12``; None where it is not in there."""
        return self._worker.place(self._own_file()) if self._worker is not None else None

    async def _clear_up(self, worker: Worker) -> None:
        await worker.run(self._context.http.aclose)
        if worker.leftovers:
            self._tell_of_tasks(worker.leftovers)
            await worker.sweep()

    def _tell_of_tasks(self, names: tuple[str, ...]) -> None:
        if not self._tasks_told:
            self._tasks_told = True
            self._events.publish(TasksLeft(self._spec.name, len(names), ", ".join(sorted(set(names))[:3])))

    def _succeeded(self) -> None:
        if self._failures:
            self._events.publish(SourceRecovered(self._spec.name, self._failures))
            self._failures, self._not_before = 0, float("-inf")
            self._failures_told = _Told()

    def _failed(self, answer: _Answer, started: float, now: float) -> None:
        assert answer.failure is not None
        self._failures += 1
        interval = period(self._spec.schedule, now)
        wait = 0.0 if answer.samples else backoff(self._failures, interval, misconfigured=answer.misconfigured)
        if wait:
            self._not_before = started + wait - interval / 2  # the poll that is due nearest to it
        if self._failures_told.may_tell(answer.failure, self._failures):
            self._events.publish(PollFailed(self._spec.name, answer.failure, self._failures, wait))

    async def _ask(self, now: float) -> _Answer:
        """Ask in a task of its own, which can be left behind if nothing else helps."""
        if self._hangs():
            return _Answer(failure=f"the poll that began {now - self._asked_at:.0f} s ago still hangs")
        if not self._is_open:
            await self._let_go()  # what a poll that was left behind may have left
        self._asked_at = now
        self._asking = asking = asyncio.create_task(self._in_its_place(self._contained))
        try:
            await asyncio.wait((asking,), timeout=self._spec.timeout)
        except asyncio.CancelledError:
            await self._stopped_asking(asking)
            raise
        late = not asking.done()
        if late:
            place = self.place()
            await self._stopped_asking(asking)
        if not self._is_open and asking.done():
            await self._let_go()
        if late:
            return _Answer(failure=f"no answer within {self._spec.timeout:g} s" + (f" ({place})" if place else ""))
        return _Answer(failure="the plugin cancelled its own poll") if asking.cancelled() else asking.result()

    async def _stopped_asking(self, asking: asyncio.Task[Any]) -> bool:
        """Whether a task ended when it was cancelled, its part in the source's own thread included."""
        return await _stopped(asking) and (self._worker is None or await self._worker.rested(GRACE))

    def _hangs(self) -> bool:
        """Whether a plugin that was told to stop is still at it, in its task or in its thread."""
        return (self._asking is not None and not self._asking.done()) or (
            self._worker is not None and self._worker.busy
        )

    async def _in_its_place(self, run: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What ``run`` returns: in the source's own thread where it lives apart, else right here."""
        if not self._spec.apart:
            return await run()
        if self._worker is None:
            self._worker = Worker(f"poll-{self._spec.name}")
        result: T = await self._worker.run(run)
        return result

    async def _contained(self) -> _Answer:
        """All that runs the plugin's code. Whatever it raises ends here, but for the cancellation of this task."""
        try:
            try:
                handed = await self._samples()
            except SourceError as error:
                samples, complaints = self._intake.admit(gather(getattr(error, "samples", ())), self._clock.now())
                failure = _short(str(error) or type(error).__name__)
                return _Answer(samples, complaints, failure, isinstance(error, Misconfigured))
            return _Answer(*self._intake.admit(handed, self._clock.now()))
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - a plugin's SystemExit must not end the daemon
            return _Answer(failure=self._blame(error))

    async def _samples(self) -> list[Any]:
        if not self._is_open:
            self._source = self._spec.source_class(self._spec.options, self._context)
            await self._source.open()
            self._is_open = True
        assert self._source is not None
        handed: Any = self._source.poll()
        return gather(await handed if inspect.isawaitable(handed) else handed)

    async def _let_go(self) -> None:
        """Close the source, if there is one: the next poll makes another. One that hangs is closed when it is back."""
        source = self._source
        if source is None or self._hangs():
            return
        self._source, self._is_open = None, False
        closing = asyncio.create_task(self._in_its_place(partial(self._close, source)))
        await asyncio.wait((closing,), timeout=CLOSING)
        if not closing.done():
            self.closing = f"no end within {CLOSING:g} s"
        if not await self._stopped_asking(closing):
            asyncio._unregister_task(closing)  # as above

    async def _close(self, source: Source[Any]) -> None:
        try:
            await source.close()
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - the plugin's code, as in _contained
            self.closing = self._blame(error)
            self._context.log.debug("closing failed: %s", self.closing)

    def _blame(self, error: BaseException) -> str:
        """What went wrong in a plugin, and where: at the deepest line of the plugin's own file, if there is one."""
        own_file = self._own_file()
        places = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
        places = [place for place in places if place[0] == own_file] or [
            place for place in places if Path(place[0]).parent != Path(__file__).parent
        ]
        at = f" ({Path(places[-1][0]).name}:{places[-1][1]})" if places else ""
        return _short(f"the plugin failed: {type(error).__name__}: {words_of(error)}") + at

    def _own_file(self) -> str | None:
        """The file that the source's class stands in."""
        return getattr(sys.modules.get(self._spec.source_class.__module__), "__file__", None)


class _Told:
    """What was said already: the same thing is said again the second, fourth, eighth time, and so on.

    Numbers make no difference: "after 12 ms" is the same thing as "after 15 ms".
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def may_tell(self, text: str, total: int | None = None) -> bool:
        """Whether to say it; ``total`` counts instead of the times that this was said."""
        if len(self._counts) > 100:
            self._counts.clear()
        text = re.sub(r"\d+", "#", text)
        count = self._counts[text] = self._counts.get(text, 0) + 1
        return count == 1 or _is_round(count if total is None else total)


def _is_round(count: int) -> bool:
    return count & (count - 1) == 0


async def _stopped(task: asyncio.Task[Any], grace: float = GRACE) -> bool:
    """Whether a task ended when it was cancelled, within so many seconds."""
    if not task.done():
        task.cancel()
        await asyncio.wait((task,), timeout=grace)
    return task.done()


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_REASON else f"{text[:MAX_REASON]}…"

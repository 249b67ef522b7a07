"""Polls one source, and protects everything else from it: deadlines, back-off, and whatever a plugin may do wrong.

A plugin may raise anything, block its thread, swallow its cancellation or never answer. Three walls stand against that.
All of its code runs in a task of its own, which is cancelled at the deadline. An isolated source (see ``SourceSpec``)
has that task in a thread of its own, so that blocking code stops only that thread. A task or thread that does not end
when it is cancelled is left behind: further polls fail at once until it ends, and it never holds up the end of the
process.
"""

from __future__ import annotations

import asyncio
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from smithd.clock import COUNTED, STALL
from smithd.errors import Misconfigured, SourceError, TimedOut
from smithd.events import (
    Events,
    Polled,
    PollFailed,
    PollMissed,
    PollSkipped,
    ResourcesLeft,
    SamplesRefused,
    SourceRecovered,
    TasksLeft,
)
from smithd.formatting import duration
from smithd.plugin.sample import PartialSamples, Sample
from smithd.plugin.source import Context, Source
from smithd.poll.intake import Intake, Poll, collect
from smithd.poll.isolation import message_of
from smithd.poll.registry import SourceSpec
from smithd.poll.schedule import backoff, fresh_for, heeded, period
from smithd.poll.worker import Worker
from smithd.redactor import quoted

GRACE = 1.0
"""The seconds that a cancelled plugin has to stop; after that it is left behind."""
CLOSING = 2.0
"""The deadline of a source's ``close``, in seconds."""
TRIES = 3
"""How often a poll that failed in a stall is tried. One that causes the stalls itself must fail in the end."""
MANY_TASKS = 10
"""A source may keep a few tasks running (a connection that it listens to). This many are a leak."""
MANY_RESOURCES = 100
"""A source may keep a pool of threads, and connections. This many are a leak; it is reported at each doubling."""
CAPPED = "it is asked again after ten intervals, or an hour, whichever is less"
MAX_REASON = 500
"""The characters of a failure's text."""

T = TypeVar("T")
Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


@dataclass(frozen=True, slots=True)
class _Result:
    """What one call of a source's ``poll`` came to. ``is_cut``: samples are lacking, of those that there are.
    ``timed_out``: it failed by its deadline, or the source says that it waited too long.
    """

    samples: tuple[Sample, ...] = ()
    problems: tuple[str, ...] = ()
    is_cut: bool = False
    failure: str | None = None
    misconfigured: bool = False
    retry_after: object = None
    timed_out: bool = False

    @property
    def outcome(self) -> str:
        """One of ``POLL_OUTCOMES``."""
        return "ok" if self.failure is None else "timed_out" if self.timed_out else "failed"


class Poller:
    """Polls one source; its polls never overlap.

    All code of an isolated source runs in the thread of a worker, with an HTTP client of its own, which the poller
    closes.
    """

    def __init__(
        self,
        spec: SourceSpec,
        context: Context,
        events: Events,
        hand_over: Callable[[Poll], None],
        has_room: Callable[[], bool] = lambda: True,
    ) -> None:
        """``hand_over`` takes what polls bring; while ``has_room`` says no, polls are skipped."""
        self._spec = spec
        self._context = context
        self._clock = context.clock
        self._events = events
        self._hand_over = hand_over
        self._has_room = has_room
        self._intake = Intake(spec.name, spec.metrics)
        self._source: Source[Any] | None = None
        self._is_open = False
        self._worker: Worker | None = None
        self._polling: asyncio.Task[None] | None = None
        self._calling: asyncio.Task[_Result] | None = None
        self._called_at = 0.0
        self._failures = 0
        self.skipped = 0
        """How many polls were skipped."""
        self._not_before = float("-inf")
        self._needs_a_person = False
        self._failure_log = _Thinned()
        self._problem_log = _Thinned()
        self._stale: set[str] = set()
        self._tasks_reported = False
        self._leaks_reported = MANY_RESOURCES
        self._closed = False
        self.closing: str | None = None
        """What went wrong when the source was last closed."""

    def due(self, spawn: Spawn) -> None:
        """Start a poll, as a task made by ``spawn``, that hands over what it brings.

        While the last poll still runs, or its answer finds no room, this one is skipped and counted. A source that
        keeps failing is polled less often.
        """
        if self._closed or self._clock.monotonic() < self._not_before:
            return
        still_runs = self._polling is not None and not self._polling.done()
        if still_runs or not self._has_room():
            self.skipped += 1
            self._events.publish(PollMissed(self._spec.type))
            if _is_power_of_two(self.skipped):
                why = "the last poll still runs" if still_runs else "its last answers still wait to be evaluated"
                self._events.publish(PollSkipped(self._spec.name, self.skipped, why))
            return
        self._polling = spawn(self._poll_and_hand_over())

    async def _poll_and_hand_over(self) -> None:
        poll = await self.poll_once()
        if not self._closed:
            self._hand_over(poll)

    async def poll_once(self) -> Poll:
        """Poll the source once, after opening it where it is not open. Raises nothing but cancellation."""
        for _ in range(TRIES):
            started, wall_started = self._clock.monotonic(), self._clock.now()
            result = await self._call(started)
            ran_for = self._clock.monotonic() - started
            # A failure says nothing of the source where smithd stood still meanwhile: the wall clock ran ahead.
            if result.failure is None or self._clock.now() - wall_started < ran_for + STALL - COUNTED:
                break
        now, name = self._clock.now(), self._spec.name
        if result.failure is None:
            if self._failures:
                self._events.publish(SourceRecovered(name, self._failures))
                self._failures, self._not_before, self._failure_log = 0, float("-inf"), _Thinned()
        else:
            self._failures += 1
            # What a server asks to wait for is no matter of a person's.
            self._needs_a_person = result.misconfigured and result.retry_after is None
            wait, is_capped = self._put_off(result, started, now)
            if is_capped:
                result = replace(result, failure=f"{result.failure}; {CAPPED}")
            if self._failure_log.is_due(str(result.failure), self._failures):
                self._events.publish(PollFailed(name, str(result.failure), self._failures, wait))
        self._events.publish(Polled(name, len(result.samples), ran_for, self._spec.type, result.outcome))
        self._report_stale(result.samples, now)
        for problem in map(self._context.redactor.clean, result.problems):
            if self._problem_log.is_due(problem):
                self._events.publish(SamplesRefused(name, problem))
        if self._worker is not None:
            self._report_leaks(self._worker)
        freshness = fresh_for(self._spec.schedule, self._spec.timeout, now)
        return Poll(name, now, freshness, result.samples, result.failure, is_partial=result.is_cut)

    def _report_stale(self, samples: Iterable[Sample], now: float) -> None:
        """Say once of a metric that all of its values are, by their own times, older than values count as fresh."""
        newest: dict[str, float] = {}
        for sample in samples:
            metric = sample.series.metric
            newest[metric] = max(sample.time, newest.get(metric, 0.0))
        for metric, at in newest.items():
            seconds = self._spec.fresh_for_of(metric.partition(".")[2], now)
            if now - at <= seconds:
                self._stale.discard(metric)
            elif metric not in self._stale:
                self._stale.add(metric)
                problem = f"{metric}: by their own time all values are older than the {duration(seconds)} for which "
                problem += "they count as fresh, so no rule looks at them; 'fresh_for' says for how long they do"
                self._events.publish(SamplesRefused(self._spec.name, problem))

    def _put_off(self, result: _Result, started: float, now: float) -> tuple[float, bool]:
        """The seconds until the next poll after a failed one (0: the next that is due), and whether the source asked
        for longer than that.
        """
        interval = period(self._spec.schedule, now)
        at = self._clock.monotonic()
        if (asked := heeded(result.retry_after, interval, at - started)) is not None:
            # What the source asks for goes before a back-off of ours.
            self._not_before = at + asked.closed
            return asked.seconds if self._not_before > started + interval else 0.0, asked.is_capped
        # A source that brought a part of its samples answers: it is polled as often as before.
        wait = 0.0 if result.samples else backoff(self._failures, interval, misconfigured=result.misconfigured)
        if wait:
            # Half an interval early, so that the poll which is due nearest to the wait's end takes place.
            self._not_before = started + wait - interval / 2
        return wait, False

    @property
    def put_off_until(self) -> float | None:
        """Until when (seconds since 1970) no poll begins, since the last one failed; None where nothing puts it off."""
        left = self._not_before - self._clock.monotonic()
        return self._clock.now() + left if left > 0 else None

    def try_again(self) -> bool:
        """Put the next poll off no longer for a failure that a person may have mended; whether it was put off."""
        is_put_off = self._needs_a_person and self._clock.monotonic() < self._not_before
        if is_put_off:
            self._not_before = float("-inf")
        return is_put_off

    def retire(self) -> None:
        """Begin no further poll, and hand over nothing more."""
        self._closed = True

    async def close(self) -> bool:
        """Stop a poll that runs, and close the source, within a few seconds. The poller cannot be used afterwards.

        Returns False where the plugin does not stop: it runs on, and the process must end without waiting for it.
        """
        self.retire()
        if self._polling is not None:
            # Twice the grace, since the plugin's task has one of its own within it.
            await _stopped(self._polling, 2 * GRACE)
        if self._calling is not None and not await self._stopped_call(self._calling):
            # The plugin swallows its cancellation. A forgotten task cannot keep the event loop from ending.
            # asyncio documents this function for those who extend it.
            asyncio._unregister_task(self._calling)
        await self._close_source()
        hangs = self._hangs()
        if self._worker is not None:
            if not hangs:
                # Its connections belong to the loop of the worker, and are closed there.
                await self._worker.run(self._context.http.aclose)
                if self._worker.leftovers:
                    self._report_tasks(self._worker.leftovers)
                    await self._worker.cancel_leftovers()
            self._worker.stop()
        return not hangs

    def current_line(self) -> str | None:
        """The line of the plugin's own file that its thread runs now, as ``name.py:12``; None where it runs none."""
        return self._worker.current_line(self._own_file()) if self._worker is not None else None

    def _report_leaks(self, worker: Worker) -> None:
        if len(worker.leftovers) >= MANY_TASKS:
            self._report_tasks(worker.leftovers)
        left = max(worker.threads_left, worker.descriptors_left)
        if left >= self._leaks_reported:
            self._leaks_reported = 2 * left
            self._events.publish(ResourcesLeft(self._spec.name, worker.threads_left, worker.descriptors_left))

    def _report_tasks(self, names: tuple[str, ...]) -> None:
        if not self._tasks_reported:
            self._tasks_reported = True
            self._events.publish(TasksLeft(self._spec.name, len(names), ", ".join(sorted(set(names))[:3])))

    async def _call(self, now: float) -> _Result:
        """Call the plugin in a task of its own, which can be left behind if nothing else helps."""
        if self._hangs():
            return _Result(failure=f"the poll that began {now - self._called_at:.0f} s ago still hangs")
        if not self._is_open:
            # A poll that was left behind may have left a source that is open.
            await self._close_source()
        self._called_at = now
        loop = asyncio.get_running_loop()
        ended = loop.create_future()
        self._calling = calling = asyncio.create_task(self._run_until(ended))
        deadline = loop.call_later(self._spec.timeout, _end, ended)
        try:
            await ended
        except asyncio.CancelledError:
            await self._stopped_call(calling)
            raise
        finally:
            deadline.cancel()
        late = not calling.done()
        if late:
            # The line is read first, since the cancellation moves it.
            line = self.current_line()
            await self._stopped_call(calling)
        if calling.done():
            # The error of a late one would keep what it worked on in memory until the next poll.
            self._calling = None
        # A source whose open failed is closed at once, and made again at the next poll.
        if not self._is_open and calling.done():
            await self._close_source()
        if late:
            failure = f"no answer within {self._spec.timeout:g} s" + (f" ({line})" if line else "")
            return _Result(failure=failure, timed_out=True)
        return _Result(failure="the plugin cancelled its own poll") if calling.cancelled() else calling.result()

    async def _run_until(self, ended: asyncio.Future[None]) -> _Result:
        """Run the plugin, and say so when that has ended. ``asyncio.wait`` would take one more turn of the loop to find
        out, and every poll waits here.
        """
        try:
            return await self._run_plugin(self._open_and_poll)
        # What the plugin raises is a result already: this is its thread, for which the system has nothing left.
        except (OSError, RuntimeError) as error:
            return _Result(failure=f"it cannot be started: {_short(message_of(error))}")
        finally:
            _end(ended)

    async def _stopped_call(self, calling: asyncio.Task[Any]) -> bool:
        """Whether a task ended after it was cancelled, its part in the source's own thread included."""
        return await _stopped(calling) and (self._worker is None or await self._worker.is_idle_within(GRACE))

    def _hangs(self) -> bool:
        """Whether a plugin that was cancelled still runs, in its task or in its thread."""
        return (self._calling is not None and not self._calling.done()) or (
            self._worker is not None and self._worker.busy
        )

    async def _run_plugin(self, run: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What ``run`` returns. It runs in the source's own thread where the source is isolated, else right here."""
        if not self._spec.isolated:
            return await run()
        if self._worker is None:
            self._worker = Worker(f"poll-{self._spec.name}")
        result: T = await self._worker.run(run)
        return result

    async def _open_and_poll(self) -> _Result:
        """All that runs the plugin's code. Raises nothing but the cancellation of this task."""
        try:
            try:
                if not self._is_open:
                    self._source = self._spec.source_class(self._spec.options, self._context)
                    await self._source.open()
                    self._is_open = True
                assert self._source is not None
                handed: Any = self._source.poll()
                handed = await handed if inspect.isawaitable(handed) else handed
                raw_samples, is_partial = collect(handed), isinstance(handed, PartialSamples)
            except SourceError as error:
                # Attributes of an error are the plugin's own: they may lack, or hold anything.
                partial = self._intake.admit(collect(getattr(error, "samples", ())), self._clock.now())
                failure = _short(self._masked(message_of(error), by_others=not self._spec.source_class.masks_errors))
                failure = failure or type(error).__name__
                retry_after = getattr(error, "retry_after", None)
                misconfigured, timed_out = isinstance(error, Misconfigured), isinstance(error, TimedOut)
                return _Result(*partial, failure, misconfigured, retry_after, timed_out)
            admission = self._intake.admit(raw_samples, self._clock.now())
            return _Result(*admission._replace(is_cut=admission.is_cut or is_partial))
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - a plugin's SystemExit must not end the daemon
            return _Result(failure=self._describe_fault(error))

    async def _close_source(self) -> None:
        """Close the source, if there is one: the next poll makes another. A source that hangs is closed later."""
        source = self._source
        if source is None or self._hangs():
            return
        self._source, self._is_open = None, False

        async def close() -> None:
            try:
                await source.close()
            except asyncio.CancelledError:
                raise
            except BaseException as error:  # noqa: BLE001 - the plugin's code, as in _open_and_poll
                self.closing = self._describe_fault(error)
                self._context.log.debug("closing failed: %s", self.closing)

        closing = asyncio.create_task(self._run_plugin(close))
        await asyncio.wait((closing,), timeout=CLOSING)
        if not closing.done():
            self.closing = f"no end within {CLOSING:g} s"
        if not await self._stopped_call(closing):
            asyncio._unregister_task(closing)  # as in close

    def _describe_fault(self, error: BaseException) -> str:
        """What went wrong in a plugin, and where: at the deepest line of the plugin's own file, if there is one."""
        own_file = self._own_file()
        places = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
        # Without a line in the plugin's own file: the deepest one in what it uses, but not in this package.
        places = [place for place in places if place[0] == own_file] or [
            place for place in places if Path(place[0]).parent != Path(__file__).parent
        ]
        at = f" ({Path(places[-1][0]).name}:{places[-1][1]})" if places else ""
        return _short(f"the plugin failed: {type(error).__name__}: {self._masked(message_of(error))}") + at

    def _masked(self, said: str, *, by_others: bool = True) -> str:
        """The text of a plugin's error without the source's secrets."""
        return self._context.redactor.clean(quoted(said) if by_others else said)

    def _own_file(self) -> str | None:
        """The file that the source's class stands in."""
        return getattr(sys.modules.get(self._spec.source_class.__module__), "__file__", None)


class _Thinned:
    """Thins out a log: the same text is logged the first, second, fourth, eighth time, and so on.

    Texts that differ in their numbers only are the same: "after 12 ms" and "after 15 ms".
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def is_due(self, text: str, total: int | None = None) -> bool:
        """Whether to log this text; where ``total`` is given, it counts instead of the times that it came."""
        # Texts that are always new (an address, a name) must not fill the memory.
        if len(self._counts) > 100:
            self._counts.clear()
        text = re.sub(r"\d+", "#", text)
        count = self._counts[text] = self._counts.get(text, 0) + 1
        return count == 1 or _is_power_of_two(count if total is None else total)


def _is_power_of_two(count: int) -> bool:
    return count & (count - 1) == 0


def _end(waiting: asyncio.Future[None]) -> None:
    """End a wait that the deadline, or a cancellation, may have ended already."""
    if not waiting.done():
        waiting.set_result(None)


async def _stopped(task: asyncio.Task[Any], grace: float = GRACE) -> bool:
    """Whether a task ended after it was cancelled, within ``grace`` seconds."""
    if not task.done():
        task.cancel()
        await asyncio.wait((task,), timeout=grace)
    return task.done()


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_REASON else f"{text[:MAX_REASON]}…"

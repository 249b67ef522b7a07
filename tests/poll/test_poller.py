"""One source cannot hurt another: whatever a plugin does, its poller goes on, says so, and says it once."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from smithd.clock import SystemClock
from smithd.errors import BadResponse, Misconfigured, TimedOut, Unavailable
from smithd.events import (
    Event,
    Events,
    Polled,
    PollFailed,
    PollSkipped,
    ResourcesLeft,
    SamplesRefused,
    SourceRecovered,
    TasksLeft,
)
from smithd.http import Http
from smithd.plugin.options import Options as NoOptions
from smithd.plugin.sample import PartialSamples, RawSample, Sample, Series
from smithd.plugin.source import Context, Source
from smithd.poll.intake import MAX_SERIES, Poll
from smithd.poll.poller import CAPPED, Poller
from smithd.poll.registry import SourceSpec
from smithd.poll.schedule import Every
from virtual_time import run_virtual, step_clock

GOOD = [RawSample("orders", 3.0)]


class Scripted(Source[NoOptions]):
    """An async source whose polls are a test's functions, one after another; the last goes on for ever."""

    Options = NoOptions
    script: Sequence[Callable[[], Any]] = ()
    opening: Sequence[Callable[[], Any]] = ()

    @classmethod
    def metrics(cls, options: NoOptions) -> tuple[str, ...]:  # noqa: ARG003 - the same, whatever the options
        return ("orders",)

    async def open(self) -> None:
        await _play(self.opening, self.journal("open"))

    async def poll(self) -> Any:
        return await _play(self.script, self.journal("poll"))

    async def close(self) -> None:
        self.journal("close")

    @classmethod
    def journal(cls, what: str) -> int:
        journal: list[str] = cls.__dict__["did"]
        journal.append(what)
        return journal.count(what) - 1


class ScriptedSync(Scripted):
    def poll(self) -> Any:
        script = self.script
        return script[min(self.journal("poll"), len(script) - 1)]()


async def _play(script: Sequence[Callable[[], Any]], turn: int) -> Any:
    if not script:
        return None
    played = script[min(turn, len(script) - 1)]()
    return await played if asyncio.iscoroutine(played) else played


class Harness:
    """A poller of a scripted source, what it handed over, and the events it published."""

    def __init__(
        self,
        script: Sequence[Callable[[], Any]],
        *,
        base: type[Scripted] = Scripted,
        opening: Sequence[Callable[[], Any]] = (),
        every: float = 30.0,
        timeout: float = 10.0,
        isolated: bool = False,
    ) -> None:
        self.did: list[str] = []
        kind = type("Made", (base,), {"__module__": __name__, "script": script, "opening": opening, "did": self.did})
        spec = SourceSpec(
            "shop", "made", kind, NoOptions(), Every(every), timeout, frozenset({"orders"}), isolated=isolated
        )
        context = Context("shop", timeout, SystemClock(), Http(), logging.getLogger("shop"))
        self.polls: list[Poll] = []
        self.events: list[Event] = []
        self.poller = Poller(spec, context, Events([self.events.append]), self.polls.append)
        self.tasks: list[asyncio.Task[None]] = []

    def due(self) -> None:
        def spawn(coroutine: Any) -> asyncio.Task[None]:
            self.tasks.append(asyncio.create_task(coroutine))
            return self.tasks[-1]

        self.poller.due(spawn)

    async def run(self, times: int, every: float = 30.0) -> None:
        for _ in range(times):
            self.due()
            await asyncio.sleep(every)

    def published(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def once(*script: Callable[[], Any], polls: int = 1, **keywords: Any) -> tuple[Poll, Harness]:
    """The last of some polls of a source."""

    async def main() -> tuple[Poll, Harness]:
        harness = Harness(script, **keywords)
        for _ in range(polls):
            poll = await harness.poller.poll_once()
        assert await harness.poller.close()
        return poll, harness

    return run_virtual(main, real_wait=60.0 if keywords.get("isolated") else 0.0)  # threads need real time


def waits(harness: Harness) -> list[int]:
    """The seconds from each poll to the next."""
    return [round(later.time - earlier.time) for earlier, later in pairwise(harness.polls)]


def raising(error: BaseException) -> Callable[[], Any]:
    def poll() -> Iterable[RawSample]:
        raise error

    return poll


def async_raising(error: BaseException) -> Callable[[], Any]:
    async def poll() -> Iterable[RawSample]:
        await asyncio.sleep(0.1)
        raise error

    return poll


async def for_ever() -> None:
    await asyncio.sleep(1e9)


@pytest.mark.parametrize(
    ("what", "error", "said"),
    [
        ("asyncio.new_event_loop", OSError(24, "Too many open files"), "Too many open files"),
        ("threading.Thread.start", RuntimeError("can't start new thread"), "can't start new thread"),
    ],
)
def test_a_source_for_which_the_system_has_no_thread_left_fails_and_is_polled_again(
    monkeypatch: pytest.MonkeyPatch, what: str, error: Exception, said: str
) -> None:
    async def main() -> tuple[Poll, Poll]:
        harness = Harness([lambda: GOOD], isolated=True)
        with monkeypatch.context() as exhausted:
            exhausted.setattr(what, lambda *_: raising(error)())
            failed = await harness.poller.poll_once()
        again = await harness.poller.poll_once()
        assert await harness.poller.close()
        return failed, again

    failed, again = run_virtual(main, real_wait=60.0)
    assert failed.failure is not None
    assert said in failed.failure
    assert again.failure is None


@pytest.mark.parametrize(("base", "isolated"), [(Scripted, False), (Scripted, True), (ScriptedSync, True)])
def test_a_good_poll_brings_samples_and_their_freshness(base: type[Scripted], isolated: bool) -> None:
    poll, harness = once(lambda: GOOD, base=base, isolated=isolated)
    assert poll.samples == (Sample(Series("shop.orders"), 3.0, poll.time, poll.time),)
    assert poll.is_complete
    assert (poll.source, poll.failure, poll.fresh_for) == ("shop", None, 85.0)
    assert harness.did == ["open", "poll", "close"]


def test_values_that_are_stale_by_their_own_time_are_reported_once() -> None:
    def old() -> list[RawSample]:
        return [RawSample("orders", 3.0, {}, time.time() - 3600)]

    _, harness = once(old, old, lambda: GOOD, old, polls=4)
    found = [str(event) for event in harness.published(SamplesRefused)]
    assert len(found) == 2
    for each in found:
        assert each.startswith("shop: shop.orders: by their own time all values are older than the 1m 25s for which")
        assert each.endswith("so no rule looks at them; 'fresh_for' says for how long they do")


WEIRD = [
    ValueError("bad"),
    SystemExit(3),
    KeyboardInterrupt(),
    GeneratorExit(),
    RecursionError("deep"),
    MemoryError(),
    StopIteration(),
    StopAsyncIteration(),
    TimeoutError(),
    BaseException("odd"),
    BaseExceptionGroup("all", [KeyboardInterrupt()]),
]


@pytest.mark.parametrize("error", WEIRD, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("make", [raising, async_raising])
def test_whatever_a_poll_raises_is_the_plugins_failure(error: BaseException, make: Callable[[Any], Any]) -> None:
    poll, harness = once(make(error))
    assert poll.failure is not None
    stop = isinstance(error, StopIteration)  # Python itself turns it into a RuntimeError
    assert poll.failure.startswith(f"the plugin failed: {'RuntimeError' if stop else type(error).__name__}")
    assert "(test_poller.py:" in poll.failure
    assert harness.did[-1] == "close"


@pytest.mark.parametrize("error", WEIRD, ids=lambda error: type(error).__name__)
def test_whatever_a_plain_poll_raises_is_its_own_failure(error: BaseException) -> None:
    poll, _ = once(raising(error), base=ScriptedSync, isolated=True)
    assert poll.failure is not None
    assert poll.failure.startswith("the plugin failed: ")


def test_a_plugin_that_cancels_itself_fails() -> None:
    poll, _ = once(async_raising(asyncio.CancelledError()))
    assert poll.failure == "the plugin cancelled its own poll"


def test_an_error_without_a_text_that_can_be_shown() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError

    poll, _ = once(raising(Mute()))
    assert poll.failure is not None
    assert "Mute: its text cannot be shown" in poll.failure


def test_what_a_source_says_is_shown_as_it_is_and_its_other_samples_count() -> None:
    poll, harness = once(raising(BadResponse("query 'p95' failed: timeout", samples=GOOD)))
    assert poll.failure == "query 'p95' failed: timeout"
    assert [sample.value for sample in poll.samples] == [3.0]
    assert not poll.is_complete
    assert [event.reason for event in harness.published(PollFailed)] == [poll.failure]


def test_a_poll_that_is_late_is_cut_off() -> None:
    poll, _ = once(for_ever, timeout=7)
    assert poll.failure == "no answer within 7 s"


@pytest.mark.parametrize(
    ("poll", "outcome"),
    [
        (lambda: GOOD, "ok"),
        (raising(Unavailable("connection refused")), "failed"),
        (raising(TimedOut("no answer within the time-out")), "timed_out"),
        (for_ever, "timed_out"),
    ],
)
def test_a_poll_that_is_late_is_counted_as_timed_out_whoever_notices(poll: Any, outcome: str) -> None:
    _, harness = once(poll)
    assert [event.outcome for event in harness.published(Polled)] == [outcome]


def test_the_deadline_counts_opening_and_a_failed_opening_is_tried_anew() -> None:
    opening = (raising(Unavailable("refused")), for_ever, lambda: None)
    poll, harness = once(lambda: GOOD, opening=opening, polls=4)
    assert [event.reason for event in harness.published(PollFailed)] == ["refused", "no answer within 10 s"]
    assert harness.did == ["open", "close", "open", "close", "open", "poll", "poll", "close"]
    assert poll.failure is None


def test_a_source_that_cannot_be_made_fails() -> None:
    class Unmakeable(Scripted):
        def __init__(self, *args: Any) -> None:
            raise KeyError("x")

    poll, _ = once(base=Unmakeable)
    assert poll.failure is not None
    assert poll.failure.startswith("the plugin failed: KeyError: 'x' (test_poller.py:")


async def stubborn() -> None:
    while True:
        try:
            await asyncio.sleep(1e6)
        except asyncio.CancelledError:
            continue


def test_a_plugin_that_swallows_cancellation_is_left_behind_and_does_not_keep_the_loop() -> None:
    async def main() -> tuple[list[str | None], bool, float]:
        harness = Harness([stubborn])
        failures = [(await harness.poller.poll_once()).failure for _ in range(2)]
        started = time.monotonic()
        stopped = await harness.poller.close()
        return failures, stopped, time.monotonic() - started

    failures, stopped, closing = run_virtual(main)
    assert failures == ["no answer within 10 s", "the poll that began 11 s ago still hangs"]
    assert not stopped
    assert closing < 5


@pytest.mark.parametrize("base", [Scripted, ScriptedSync])
def test_a_poll_that_blocks_is_not_piled_upon_holds_up_no_other_and_comes_back(base: type[Scripted]) -> None:
    release = threading.Event()
    stuck = []

    def hang() -> list[RawSample]:
        stuck.append(threading.current_thread())
        release.wait()
        return GOOD

    async def main() -> Harness:
        harness = Harness([hang], base=base, isolated=True, timeout=0.05)
        neighbour = Harness([lambda: GOOD], timeout=60)
        while not stuck:
            await harness.poller.poll_once()
        for _ in range(3):
            failure = (await harness.poller.poll_once()).failure
            assert failure is not None
            assert failure.endswith("still hangs")
        assert len(stuck) == 1
        assert (await neighbour.poller.poll_once()).failure is None
        release.set()
        while (await harness.poller.poll_once()).failure:  # noqa: ASYNC110 - the thread sends no signal
            await asyncio.sleep(0.01)
        assert await harness.poller.close()
        assert await neighbour.poller.close()
        return harness

    harness = asyncio.run(asyncio.wait_for(main(), 100))
    assert harness.published(PollFailed)[0].reason.startswith("no answer within 0.05 s")
    assert set(stuck) == {stuck[0]}
    assert (harness.did[0], harness.did[-1]) == ("open", "close")


@pytest.mark.parametrize("attack", [lambda loop: loop.stop(), lambda loop: loop.call_soon(sys.exit)])
def test_a_plugin_cannot_end_its_loop(attack: Callable[[asyncio.AbstractEventLoop], None]) -> None:
    async def poll() -> list[RawSample]:
        attack(asyncio.get_running_loop())
        await asyncio.sleep(0)
        return GOOD

    async def main() -> list[str | None]:
        harness = Harness([poll], isolated=True, timeout=60)
        failures = [(await harness.poller.poll_once()).failure for _ in range(2)]
        assert await harness.poller.close()
        return failures

    assert asyncio.run(main()) == [None, None]


def test_plain_polls_of_a_source_share_one_thread_and_generators_run_in_it() -> None:
    threads = []

    def generate() -> Iterable[RawSample]:
        threads.append(threading.current_thread())
        yield from GOOD

    poll, _ = once(generate, base=ScriptedSync, isolated=True, polls=3)
    assert poll.failure is None
    assert len(threads) == 3
    assert len(set(threads)) == 1
    assert threads[0] is not threading.main_thread()


def test_an_answer_that_says_it_is_partial_makes_no_complete_poll() -> None:
    poll, _ = once(lambda: PartialSamples([RawSample("orders", 1.0)]))
    assert [sample.value for sample in poll.samples] == [1.0]
    assert poll.failure is None
    assert not poll.is_complete


def test_a_poll_with_too_many_samples_is_partial() -> None:
    poll, _ = once(lambda: [RawSample("orders", 1.0, {"id": str(number)}) for number in range(MAX_SERIES + 1)])
    assert poll.failure is None
    assert len(poll.samples) == MAX_SERIES
    assert not poll.is_complete


@pytest.mark.parametrize("handed", [None, 5, "text", {"orders": 5}, GOOD[0]])
def test_what_is_no_list_of_samples_is_a_failure(handed: object) -> None:
    poll, _ = once(lambda: handed)
    assert poll.failure is not None
    assert "expected a list" in poll.failure


def test_polls_never_overlap_and_skipping_is_reported_now_and_then() -> None:
    async def main() -> Harness:
        async def slow() -> list[RawSample]:
            await asyncio.sleep(100.5)
            return GOOD

        harness = Harness([slow], every=1, timeout=200)
        await harness.run(150, every=1)
        await harness.poller.close()
        return harness

    harness = run_virtual(main)
    assert len(harness.polls) == 1
    assert [event.skipped for event in harness.published(PollSkipped)] == [1, 2, 4, 8, 16, 32, 64, 128]


def test_a_failing_source_is_polled_less_often_reported_seldom_and_recovers() -> None:
    async def main() -> Harness:
        harness = Harness([raising(Unavailable(f"refused after {number} ms")) for number in range(30)] + [lambda: GOOD])
        await harness.run(24 * 120)
        await harness.poller.close()
        return harness

    harness = run_virtual(main)
    assert waits(harness)[:6] == [30, 30, 60, 120, 240, 300]
    assert set(waits(harness)[6:29]) == {300}
    assert set(waits(harness)[30:]) == {30}
    assert [event.failures for event in harness.published(PollFailed)] == [1, 2, 4, 8, 16]
    assert [event.failures for event in harness.published(SourceRecovered)] == [30]


def test_what_only_a_person_can_fix_is_polled_seldom_from_the_start() -> None:
    async def main() -> Harness:
        harness = Harness([raising(Misconfigured("wrong password"))])
        await harness.run(120)
        await harness.poller.close()
        return harness

    assert waits(run_virtual(main)) == [120, 480, 600, 600, 600, 600]


@pytest.mark.parametrize(
    ("every", "retry_after", "gaps"),
    [
        (30, 20, [30, 30]),
        (30, 100, [120, 120]),
        (30, 3000, [300, 300]),  # ten intervals are the most...
        (1200, 86400, [3600, 3600]),  # ...and so is an hour
        (1200, float("inf"), [3600, 3600]),
        (7200, 86400, [7200, 7200]),
        (30, -5, [30, 30]),
        (30, "soon", [30, 30]),
        (30, True, [30, 30]),
    ],
)
@pytest.mark.parametrize("samples", [[], GOOD])
def test_a_source_that_asks_to_wait_is_left_alone_for_so_long(
    every: float, retry_after: Any, gaps: list[int], samples: list[RawSample]
) -> None:
    error = Unavailable("too many requests", samples=samples, retry_after=retry_after)

    async def main() -> Harness:
        harness = Harness([raising(error), raising(error), lambda: GOOD], every=every)
        await harness.run(round(sum(gaps) / every) + 1, every=every)
        await harness.poller.close()
        return harness

    harness = run_virtual(main)
    assert waits(harness) == gaps
    put_off = [event.retry_in for event in harness.published(PollFailed)]
    assert all(gap - every <= said <= gap for gap, said in zip(gaps, put_off, strict=True) if said)


@pytest.mark.parametrize(("every", "wait"), [(2, 20), (60, 600), (1200, 3600)])
def test_a_wait_that_is_cut_short_is_said_to_be_with_its_whole_length(every: float, wait: float) -> None:
    error = Unavailable("it asks to wait 1d", retry_after=86400)

    async def main() -> Harness:
        harness = Harness([raising(error), lambda: GOOD], every=every)
        await harness.run(2, every=every)
        await harness.poller.close()
        return harness

    (failed,) = run_virtual(main).published(PollFailed)
    assert failed.retry_in == pytest.approx(wait, abs=0.5)
    assert failed.reason == f"it asks to wait 1d; {CAPPED}"


def test_a_wait_that_was_asked_for_is_over_with_the_next_answer() -> None:
    async def main() -> tuple[Harness, list[float | None]]:
        harness = Harness([raising(Unavailable("busy", retry_after=100)), lambda: GOOD])
        until = []
        for _ in range(7):
            await harness.run(1)
            until.append(harness.poller.put_off_until)
        await harness.poller.close()
        return harness, until

    harness, until = run_virtual(main)
    assert waits(harness) == [120, 30, 30]
    assert [moment is not None for moment in until] == [True, True, True, False, False, False, False]


def test_problems_are_reported_seldom() -> None:
    async def main() -> Harness:
        harness = Harness([lambda: [RawSample("typo", 1.0), *GOOD]])
        await harness.run(100)
        await harness.poller.close()
        return harness

    harness = run_virtual(main)
    assert len(harness.published(SamplesRefused)) == 7
    assert "shop.typo: no such metric; declared: orders" in str(harness.published(SamplesRefused)[0])
    assert all(poll.failure is None and len(poll.samples) == 1 for poll in harness.polls)


def standing_still(seconds: float) -> Iterable[RawSample]:
    """What a poll comes to whose answer did not outlive a stall of smithd: time passed, and none of it for smithd."""
    step_clock(seconds)
    raise Unavailable("it closed the connection without an answer")


@pytest.mark.parametrize("stalled", [1.5, 38, 8 * 3600])
def test_a_poll_that_fails_in_a_stall_is_repeated_and_no_failure(stalled: float) -> None:
    poll, harness = once(lambda: standing_still(stalled), lambda: GOOD)
    assert (poll.failure, [sample.value for sample in poll.samples]) == (None, [3.0])
    assert harness.published(PollFailed) == harness.published(SourceRecovered) == []


def test_a_source_that_causes_stalls_fails_in_the_end() -> None:
    poll, harness = once(lambda: standing_still(5))
    assert poll.failure == "it closed the connection without an answer"
    assert harness.did.count("poll") == 3


def test_a_correction_of_the_clock_is_no_stall() -> None:
    poll, harness = once(lambda: standing_still(0.4), lambda: GOOD)
    assert poll.failure is not None
    assert harness.did.count("poll") == 1


def test_no_half_poll_counts() -> None:
    async def main() -> Harness:
        harness = Harness([for_ever])
        harness.due()
        await asyncio.sleep(1)
        harness.tasks[0].cancel()
        await asyncio.wait(harness.tasks)
        assert harness.tasks[0].cancelled()
        harness.due()
        await asyncio.sleep(1)
        await harness.poller.close()
        harness.due()
        await asyncio.sleep(100)
        return harness

    harness = run_virtual(main)
    assert harness.polls == []
    assert harness.did == ["open", "poll", "poll", "close"]
    assert harness.events == []


def test_a_close_that_hangs_or_fails_is_given_up() -> None:
    class Clinging(Scripted):
        async def close(self) -> None:
            self.journal("close")
            await stubborn()

    _, harness = once(lambda: GOOD, base=Clinging)
    assert harness.did == ["open", "poll", "close"]


def test_tasks_that_polls_leave_running_are_reported_once_and_end_with_the_source() -> None:
    left: list[asyncio.Task[Any]] = []

    async def forgotten() -> None:
        await asyncio.Event().wait()

    async def leak() -> list[RawSample]:
        left.append(asyncio.create_task(forgotten()))
        return GOOD

    async def main() -> Harness:
        harness = Harness([leak], isolated=True, timeout=60)
        for _ in range(12):
            assert (await harness.poller.poll_once()).failure is None
        assert await harness.poller.close()
        return harness

    harness = asyncio.run(asyncio.wait_for(main(), 100))
    (event,) = harness.published(TasksLeft)
    assert (event.source, event.count) == ("shop", 10)
    assert "forgotten" in str(event)
    assert all(task.done() for task in left)


def polled_100_times(leak: Callable[[], object]) -> Harness:
    """A source in whose every poll this is called twice."""

    async def poll() -> list[RawSample]:
        leak()
        leak()
        return GOOD

    async def main() -> Harness:
        harness = Harness([poll], isolated=True, timeout=60)
        for _ in range(100):
            assert (await harness.poller.poll_once()).failure is None
        assert await harness.poller.close()
        return harness

    return asyncio.run(asyncio.wait_for(main(), 100))


def test_threads_that_a_plugin_leaks_are_reported_with_its_name() -> None:
    may_end = threading.Event()
    try:
        harness = polled_100_times(lambda: threading.Thread(target=may_end.wait, daemon=True).start())
    finally:
        may_end.set()
    first, second = harness.published(ResourcesLeft)
    assert (first.source, first.threads, second.threads) == ("shop", 100, 200)
    assert str(first).startswith("shop: the plugin has 100 threads running")


@pytest.mark.parametrize("kind", ["sockets", "files"])
def test_descriptors_that_a_plugin_leaks_are_reported_with_its_name(kind: str, tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    left: list[Any] = []
    make = socket.socket if kind == "sockets" else (tmp_path / "data").open
    try:
        harness = polled_100_times(lambda: left.append(make()))
    finally:
        for each in left:
            each.close()
    reported = harness.published(ResourcesLeft)
    assert [event.source for event in reported] == ["shop", "shop"]
    assert [event.descriptors for event in reported] == [100, 200]
    assert reported[0].threads == 0


def test_what_a_plugin_ends_or_closes_is_no_leak(tmp_path: Path) -> None:
    (tmp_path / "data").touch()

    def use() -> None:
        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join()
        socket.socket().close()
        (tmp_path / "data").read_text()

    assert not polled_100_times(use).published(ResourcesLeft)


def test_a_task_that_a_source_needs_and_cancels_is_not_reported() -> None:
    class Listening(Scripted):
        async def open(self) -> None:
            self.journal("open")
            self.task = asyncio.create_task(for_ever())

        async def close(self) -> None:
            self.task.cancel()

    _, harness = once(lambda: GOOD, base=Listening, isolated=True, polls=20)
    assert not harness.published(TasksLeft)

"""Polls a source as smithd does: by the poller, with its deadline, its checks and its own thread."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

from smithd.clock import SystemClock
from smithd.events import Event, Events, SamplesRefused, TasksLeft
from smithd.http import Http
from smithd.plugin.sample import Sample
from smithd.plugin.source import Context, Source
from smithd.poll.intake import Poll
from smithd.poll.isolation import metrics_of
from smithd.poll.poller import Poller
from smithd.poll.registry import SourceSpec
from smithd.poll.schedule import Every

NAME = "test"
"""The name of the source: its metrics are ``test.<metric>``."""
THREAD = f"poll-{NAME}"
"""The name of the thread that the source's code runs in."""
SAMPLING = 0.05
"""The seconds between two checks of what a poll does."""


@dataclass(frozen=True, slots=True)
class PollOutcome:
    """The outcome of one poll.

    ``samples`` are those that were admitted, ``problems`` say what was refused and why. ``failure`` is what the log
    would say of a failed poll (None: it did not fail). ``stopped``: nothing of the source runs on. ``closing`` is what
    went wrong when the source was closed, ``tasks`` says which tasks it left. ``blocked`` is the longest time, in
    seconds, for which an async poll blocked its event loop, and the line of its file (None: it did not).
    """

    samples: tuple[Sample, ...]
    failure: str | None
    problems: tuple[str, ...]
    stopped: bool
    closing: str | None = None
    tasks: str | None = None
    blocked: tuple[float, str] | None = None

    def value(self, metric: str, **labels: str) -> float:
        """The value of a series. Raises LookupError where the poll did not bring it."""
        for series, value, *_ in self.samples:
            if series.metric == f"{NAME}.{metric}" and dict(series.labels) == labels:
                return value
        found = ", ".join(str(sample.series) for sample in self.samples) or "nothing"
        raise LookupError(f"no {metric} with the labels {labels}; the samples: {found}. Failure: {self.failure}")


def poll_once(
    kind: type[Source[Any]],
    options: Mapping[str, Any],
    *,
    timeout: float = 10.0,
    folder: Path | None = None,
    zone: tzinfo = UTC,
) -> PollOutcome:
    """Make a source of these options, open it, poll it once and close it. What it raises is the outcome's failure.

    ``options`` are as in the configuration file, ``folder`` is where its relative paths begin, ``timeout`` is the
    poll's deadline in seconds. Raises pydantic's ValidationError for options that are not valid.

    Within a running event loop, this blocks the loop. Where the loop has work meanwhile (the server that the source
    polls runs in it), await ``polls_async`` instead.
    """
    return polls(1, kind, options, timeout=timeout, folder=folder, zone=zone)[0]


def polls(
    count: int,
    kind: type[Source[Any]],
    options: Mapping[str, Any],
    *,
    timeout: float = 10.0,
    folder: Path | None = None,
    zone: tzinfo = UTC,
) -> list[PollOutcome]:
    """As ``poll_once``, with ``count`` polls between opening and closing."""
    polling = polls_async(count, kind, options, timeout=timeout, folder=folder, zone=zone)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(polling)
    # A thread has at most one running loop, and this one has one.
    with ThreadPoolExecutor(1) as beside:
        return beside.submit(asyncio.run, polling).result()


async def polls_async(
    count: int,
    kind: type[Source[Any]],
    options: Mapping[str, Any],
    *,
    timeout: float = 10.0,  # noqa: ASYNC109 - the deadline of each poll, which the poller keeps
    folder: Path | None = None,
    zone: tzinfo = UTC,
) -> list[PollOutcome]:
    """As ``polls``, for tests that are coroutines themselves."""
    # By alias only, as in the configuration file.
    made = kind.Options.model_validate(dict(options), by_alias=True, by_name=False, context={"folder": folder})
    spec = SourceSpec(NAME, kind.__name__, kind, made, Every(60.0), timeout, metrics_of(kind, made), isolated=True)
    events: list[Event] = []
    context = Context(NAME, timeout, SystemClock(), Http(), logging.getLogger(f"smithd.sources.{NAME}"), zone)
    poller = Poller(spec, context, Events([events.append]), lambda _: None)
    polled: list[tuple[Poll, tuple[str, ...], tuple[float, str] | None]] = []
    for _ in range(count):
        before = len(events)
        poll, blocked = await _watched(poller)
        problems = tuple(str(event) for event in events[before:] if isinstance(event, SamplesRefused))
        polled.append((poll, problems, blocked if inspect.iscoroutinefunction(kind.poll) else None))
    stopped = await poller.close()
    tasks = next((str(event) for event in events if isinstance(event, TasksLeft)), None)
    return [
        PollOutcome(poll.samples, poll.failure, problems, stopped, poller.closing, tasks, blocked)
        for poll, problems, blocked in polled
    ]


async def _watched(poller: Poller) -> tuple[Poll, tuple[float, str] | None]:
    """A poll, and the longest time for which its thread was seen in the source's own code without a break.

    A coroutine that waits is on no stack, so one that is seen again and again blocks its loop. The times that it was
    seen are counted, and no time is measured, so that a busy machine does not count as blocking.
    """
    polling = asyncio.ensure_future(poller.poll_once())
    longest, seen, at = 0, 0, ""
    while not polling.done():
        await asyncio.wait((polling,), timeout=SAMPLING)
        line = poller.current_line()
        # None: the thread is not in the source's code, so the loop runs and nothing blocks it.
        seen = 0 if line is None else seen + 1
        if line is not None and seen > longest:
            longest, at = seen, line
    return await polling, (longest * SAMPLING, at) if longest else None

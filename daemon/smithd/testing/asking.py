"""Ask a source as smithd does: by the poller, with its deadline, its checks and its own thread."""

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
"""The source's name: its metrics are ``test.<metric>``."""
THREAD = f"poll-{NAME}"
"""The name of the thread that its code runs in."""


SAMPLING = 0.05
"""The seconds between two looks at what a poll does."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one poll came to.

    ``readings`` are the samples that were admitted, ``complaints`` say what was refused and why, ``failure`` is what
    the log would say of a failed poll (None: it did not fail). ``stopped``: nothing of the source runs on; ``closing``
    is what went wrong when it was closed, ``tasks`` says which tasks it left. ``blocked``: for how many seconds, at the
    most, an async poll did not let its event loop go on, and at which line of its file (None: it did).
    """

    samples: tuple[Sample, ...]
    failure: str | None
    complaints: tuple[str, ...]
    stopped: bool
    closing: str | None = None
    tasks: str | None = None
    blocked: tuple[float, str] | None = None

    def value(self, metric: str, **labels: str) -> float:
        """The value of a series; LookupError where the poll did not bring it."""
        for series, value, *_ in self.samples:
            if series.metric == f"{NAME}.{metric}" and dict(series.labels) == labels:
                return value
        came = ", ".join(str(sample.series) for sample in self.samples) or "nothing"
        raise LookupError(f"no {metric} with the labels {labels}; what came: {came}. Failure: {self.failure}")


def poll_once(
    kind: type[Source[Any]],
    options: Mapping[str, Any],
    *,
    timeout: float = 10.0,
    folder: Path | None = None,
    zone: tzinfo = UTC,
) -> Outcome:
    """Make a source of these options, open it, poll it once and close it; what it raises is the outcome's failure.

    ``options`` as the configuration file gives them, ``folder`` where its relative paths begin; ``timeout`` is the
    poll's deadline in seconds. Raises pydantic's ValidationError for options that the file may not have.

    Called within a running event loop, it holds that one up: where the loop has something to do meanwhile (the server
    that is asked runs in it), await ``polls_async`` instead.
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
) -> list[Outcome]:
    """As ``poll_once``, with so many polls between opening and closing."""
    polling = polls_async(count, kind, options, timeout=timeout, folder=folder, zone=zone)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(polling)
    with ThreadPoolExecutor(1) as beside:  # a thread has one running loop at most
        return beside.submit(asyncio.run, polling).result()


async def polls_async(
    count: int,
    kind: type[Source[Any]],
    options: Mapping[str, Any],
    *,
    timeout: float = 10.0,  # noqa: ASYNC109 - the deadline of each poll, which the poller keeps
    folder: Path | None = None,
    zone: tzinfo = UTC,
) -> list[Outcome]:
    """As ``polls``, for tests that are coroutines themselves."""
    made = kind.Options.model_validate(dict(options), by_alias=True, by_name=False, context={"folder": folder})
    spec = SourceSpec(NAME, kind.__name__, kind, made, Every(60.0), timeout, metrics_of(kind, made), isolated=True)
    facts: list[Event] = []
    context = Context(NAME, timeout, SystemClock(), Http(), logging.getLogger(f"smithd.source.{NAME}"), zone)
    poller = Poller(spec, context, Events([facts.append]), lambda _: None)
    polled: list[tuple[Poll, tuple[str, ...], tuple[float, str] | None]] = []
    for _ in range(count):
        before = len(facts)
        poll, blocked = await _watched(poller)
        complaints = tuple(str(event) for event in facts[before:] if isinstance(event, SamplesRefused))
        polled.append((poll, complaints, blocked if inspect.iscoroutinefunction(kind.poll) else None))
    stopped = await poller.close()
    tasks = next((str(event) for event in facts if isinstance(event, TasksLeft)), None)
    return [
        Outcome(poll.samples, poll.failure, complaints, stopped, poller.closing, tasks, blocked)
        for poll, complaints, blocked in polled
    ]


async def _watched(poller: Poller) -> tuple[Poll, tuple[float, str] | None]:
    """A poll, and for how long, at the most, its thread was seen in the source's own code without a break.

    A coroutine that waits is on no stack: one that is seen again and again does not let its loop go on. Seen, and not
    timed, so that a busy machine is not blamed on it.
    """
    polling = asyncio.ensure_future(poller.poll_once())
    longest, seen, at = 0, 0, ""
    while not polling.done():
        await asyncio.wait((polling,), timeout=SAMPLING)
        place = poller.current_line()
        seen = 0 if place is None else seen + 1
        if place is not None and seen > longest:
            longest, at = seen, place
    return await polling, (longest * SAMPLING, at) if longest else None

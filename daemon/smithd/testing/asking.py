"""Ask a source as smithd does: by the poller, with its deadline, its checks and its own thread."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

from smithd.clock import SystemClock
from smithd.http import Http
from smithd.plugin.sample import Reading
from smithd.plugin.source import Context, Source
from smithd.poll.intake import Poll
from smithd.poll.poller import Poller
from smithd.poll.registry import SourceSpec
from smithd.poll.schedule import Every
from smithd.telemetry import Fact, SamplesRefused, Telemetry

NAME = "test"
"""The source's name: its metrics are ``test.<metric>``."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one poll came to.

    ``readings`` are the samples that were admitted, ``complaints`` say what was refused and why, ``failure`` is what
    the log would say of a failed poll (None: it did not fail). ``stopped``: nothing of the source runs on.
    """

    readings: tuple[Reading, ...]
    failure: str | None
    complaints: tuple[str, ...]
    stopped: bool

    def value(self, metric: str, **labels: str) -> float:
        """The value of a series; LookupError where the poll did not bring it."""
        for series, value, _ in self.readings:
            if series.metric == f"{NAME}.{metric}" and dict(series.labels) == labels:
                return value
        came = ", ".join(str(reading.series) for reading in self.readings) or "nothing"
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
    made = kind.Options.model_validate(dict(options), by_alias=True, by_name=False, context={"folder": folder})
    names = frozenset(kind.metrics(made))
    spec = SourceSpec(NAME, kind.__name__, kind, made, Every(60.0), timeout, names, apart=True)
    return asyncio.run(_polls(count, spec, zone))


async def _polls(count: int, spec: SourceSpec, zone: tzinfo) -> list[Outcome]:
    facts: list[Fact] = []
    context = Context(NAME, spec.timeout, SystemClock(), Http(), logging.getLogger(f"smithd.source.{NAME}"), zone)
    poller = Poller(spec, context, Telemetry([facts.append]), lambda _: None)
    polled: list[tuple[Poll, tuple[str, ...]]] = []
    for _ in range(count):
        facts.clear()
        poll = await poller.poll_once()
        polled.append((poll, tuple(str(fact) for fact in facts if isinstance(fact, SamplesRefused))))
    stopped = await poller.close()
    return [Outcome(poll.readings, poll.failure, complaints, stopped) for poll, complaints in polled]

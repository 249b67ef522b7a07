"""The answer to a scrape: counters and gauges as text, in the format that was asked for."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client import exposition as plain
from prometheus_client.core import Metric, Sample
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from smithd.clock import Clock, give_way
from smithd.config.model import Config
from smithd.events import Events
from smithd.metrics.counters import Counters
from smithd.metrics.gauges import Snapshot, gauges, in_turns

OPENMETRICS = "application/openmetrics-text"


class Exposition(NamedTuple):
    """The body of an answer, and the headers that say how to read it."""

    headers: dict[str, str]
    body: bytes


class Metrics:
    """The metrics of one daemon; they count from now on."""

    def __init__(self, events: Events, clock: Clock) -> None:
        # A series of each counter's that has the time of its start: Prometheus does not need it.
        disable_created_metrics()  # type: ignore[no-untyped-call] # the library lacks the type
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._counters = Counters(self._registry, events, clock)
        self._scraping = asyncio.Lock()

    def expect(self, config: Config) -> None:
        """Have a series for each label value that this configuration can bring."""
        self._counters.expect(config)

    async def expose(self, snapshot: Snapshot, accept: str, accept_encoding: str) -> Exposition:
        """The answer to a scrape with these headers. It is written in a thread; one scrape waits for another."""
        async with self._scraping:
            return await asyncio.to_thread(self._write, snapshot, accept, accept_encoding)

    def _write(self, snapshot: Snapshot, accept: str, accept_encoding: str) -> Exposition:
        collected = _Collected(chain(self._registry.collect(), gauges(snapshot, give_way)))
        if OPENMETRICS in accept:
            body = openmetrics.generate_latest(collected)  # type: ignore[no-untyped-call] # as above
            content_type = openmetrics.CONTENT_TYPE_LATEST
        else:
            body, content_type = plain.generate_latest(collected), plain.CONTENT_TYPE_PLAIN_0_0_4
        headers = {"Content-Type": content_type, "Vary": "Accept, Accept-Encoding"}
        if not plain.gzip_accepted(accept_encoding):
            return Exposition(headers, body)
        return Exposition(headers | {"Content-Encoding": "gzip"}, gzip.compress(body, compresslevel=1))


class _Collected(Collector):
    """What was collected, as the library wants it; while it writes, the loop has its turns."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        for metric in self._metrics:
            metric.samples = _InTurns(metric.samples)
            yield metric


class _InTurns(list[Sample]):
    """Samples that are handed out with turns for the loop between them."""

    def __iter__(self) -> Iterator[Sample]:
        return in_turns(super().__iter__(), give_way)

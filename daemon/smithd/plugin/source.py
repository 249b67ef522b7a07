"""The interface of a source, and the context that it is given."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import ClassVar, Generic, TypeVar

from smithd.clock import Clock
from smithd.http import Http
from smithd.plugin.options import MetricOptions, Options
from smithd.plugin.sample import RawSample
from smithd.redactor import Redactor

OptionsT = TypeVar("OptionsT", bound=Options)


@dataclass(frozen=True, slots=True)
class Context:
    """The tools and settings that a source is given."""

    name: str
    """The source's name in the configuration."""
    timeout: float
    """The deadline of one poll, in seconds. The poller enforces it; a source can pass it on to a server."""
    clock: Clock
    http: Http = field(repr=False)
    log: logging.Logger = field(repr=False)
    zone: tzinfo = UTC
    """The source's time zone: its days begin there, and its times without a zone are meant in it."""
    home: tzinfo | None = None
    """The configuration's time zone, where that is another one."""
    redactor: Redactor = field(default_factory=Redactor, repr=False)
    """Knows the secrets of the source's options."""


class Source(ABC, Generic[OptionsT]):
    """A source of metrics: made once, opened, polled on its schedule, closed.

    Subclasses name their options model in ``Options``. ``poll`` may be a plain ``def``: it then runs in a thread. Each
    method may raise a SourceError, whose text the user reads; any other error is reported as the plugin's own fault.
    """

    Options: ClassVar[type[Options]]

    own_descriptors: ClassVar[int] = 0
    """File descriptors that it keeps open beside connections of ``context.http``: to a database, of a file."""

    masks_errors: ClassVar[bool] = False
    """Whether it takes secrets out of the texts of its errors. If not, such a text is masked as if another had said it:
    where a secret that is short, or an ordinary word, stands in it, it is not shown.
    """

    def __init__(self, options: OptionsT, context: Context) -> None:
        self.options = options
        self.context = context

    @classmethod
    @abstractmethod
    def metrics(cls, options: OptionsT) -> Collection[str]:
        """The names of the metrics that a source with these options brings."""

    @classmethod
    def metric_options(cls, options: OptionsT) -> Mapping[str, MetricOptions]:
        """The options of single metrics, by the metrics' names; by default those of a mapping called ``metrics``."""
        given = getattr(options, "metrics", None)
        found = given.items() if isinstance(given, Mapping) else ()
        return {name: metric for name, metric in found if isinstance(metric, MetricOptions)}

    async def open(self) -> None:
        """Connect, and import heavy libraries. Called once, before the first poll and within its deadline."""

    @abstractmethod
    def poll(self) -> Iterable[RawSample] | Awaitable[Iterable[RawSample]]:
        """Poll once: the samples of now. A metric without a value is left out (or NaN, which means the same)."""

    async def close(self) -> None:
        """Close everything. Called once, also after a failed ``open``."""

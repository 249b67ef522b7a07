"""What a source is."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import ClassVar, Generic, TypeVar

from smithd.clock import Clock
from smithd.http import Http
from smithd.plugin.options import Options
from smithd.plugin.sample import RawSample

OptionsT = TypeVar("OptionsT", bound=Options)


@dataclass(frozen=True, slots=True)
class Context:
    """What a source is given to work with."""

    name: str
    """The source's name in the configuration."""
    timeout: float
    """The deadline of one poll, in seconds. The poller enforces it; it is here to be handed to a server."""
    clock: Clock
    http: Http = field(repr=False)
    log: logging.Logger = field(repr=False)
    zone: tzinfo = UTC
    """The configured time zone: where "today" begins."""


class Source(ABC, Generic[OptionsT]):
    """A source of metrics: made once, opened, polled on its schedule, closed.

    Subclasses name their options model in ``Options``. ``poll`` may be a plain ``def``: it then runs in a thread.
    Each method may raise a SourceError for what the user must know; anything else is reported as the plugin's fault.
    """

    Options: ClassVar[type[Options]]

    def __init__(self, options: OptionsT, context: Context) -> None:
        self.options = options
        self.context = context

    @classmethod
    @abstractmethod
    def metrics(cls, options: OptionsT) -> Collection[str]:
        """The names of the metrics that a source with these options brings."""

    async def open(self) -> None:
        """Get ready: connect, import what is heavy. Called once, before the first poll, within its deadline."""

    @abstractmethod
    def poll(self) -> Iterable[RawSample] | Awaitable[Iterable[RawSample]]:
        """Ask once: the samples of now. A metric without a value is left out (or NaN, which means the same)."""

    async def close(self) -> None:
        """Let go of everything. Called once, also after a failed ``open``."""

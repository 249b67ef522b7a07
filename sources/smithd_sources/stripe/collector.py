"""A collector computes a group of figures, and asks one part of the API for them, once a poll."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from smithd.plugin import Context, RawSample, Threads
from smithd_sources.stripe.api import Api
from smithd_sources.stripe.money import CurrencyConverter
from smithd_sources.stripe.options import StripeOptions

ON_THE_LOOP = 2000
"""The objects that may be added up on the event loop. More of them are added up in a thread."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CollectorContext:
    """What the collectors of one source share."""

    api: Api
    options: StripeOptions
    context: Context
    converter: CurrencyConverter


class Collector(ABC):
    """Computes some of the configured metrics."""

    @abstractmethod
    async def collect(self, now: float) -> Sequence[RawSample]:
        """Their samples of now (seconds since 1970). Raises SourceErrors."""


class FigureCollector(Collector):
    """Computes figures that docs/sources/stripe.md defines. ``METRICS`` are all that it can compute."""

    METRICS: ClassVar[frozenset[str]]

    def __init__(self, shared: CollectorContext, metrics: frozenset[str]) -> None:
        """``metrics`` are those of ``METRICS`` that are configured."""
        self._shared = shared
        self._metrics = metrics
        self._threads = Threads(f"add up {shared.context.name}", places=1)

    async def _add_up(self, count: int, work: Callable[[], T]) -> T:
        """What ``work`` returns, which reads ``count`` objects."""
        return work() if count <= ON_THE_LOOP else await self._threads.run(work)

"""Where figures come from: a collector knows some metrics, and asks one part of the API, once a poll."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from smithd.plugin import Context, RawSample, Threads
from smithd_sources.stripe.api import Api
from smithd_sources.stripe.money import CurrencyConverter
from smithd_sources.stripe.options import StripeOptions


@dataclass(frozen=True, slots=True)
class CollectorContext:
    """What the collectors of one source share."""

    api: Api
    options: StripeOptions
    context: Context
    converter: CurrencyConverter


AT_ONCE = 2000
"""So many objects are added up on the event loop; more of them in a thread, so that other sources need not wait."""

T = TypeVar("T")


class Collector(ABC):
    """Answers for some of the metrics that are asked for."""

    @abstractmethod
    async def collect(self, now: float) -> Sequence[RawSample]:
        """Their samples of now (seconds since 1970); raises SourceErrors."""


class FigureCollector(Collector):
    """Answers for figures that are defined in the documentation, all of them in ``METRICS``."""

    METRICS: ClassVar[frozenset[str]]

    def __init__(self, shared: CollectorContext, metrics: frozenset[str]) -> None:
        """``metrics`` are those of ``METRICS`` that are asked for."""
        self._shared = shared
        self._metrics = metrics
        self._threads = Threads(f"add up {shared.context.name}", places=1)

    async def _add_up(self, count: int, work: Callable[[], T]) -> T:
        """What ``work`` returns, which looks at so many objects."""
        return work() if count <= AT_ONCE else await self._threads.run(work)

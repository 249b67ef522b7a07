"""Calls the code of a plugin so that whatever it raises is reported as the plugin's own fault."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from smithd.plugin.options import Counter, Empty, MetricOptions, Options
from smithd.plugin.source import Source

T = TypeVar("T")

MAX_METRICS = 10_000


class MetricSettings(NamedTuple):
    """What is configured for one metric. ``fresh_for``: for how many seconds its values are fresh; None: as long as the
    source's, and ``least_fresh_for`` at the least. ``counter``: whether it counts up and starts again.
    ``has_series``: whether it brings several series. ``empty``: what it means that a complete answer lacks a series;
    ``empty_advice``: what to say of that where it is this metric's own default (None: it is written, or it is missing).
    """

    fresh_for: float | None = None
    least_fresh_for: float = 0.0
    counter: Counter = False
    empty: Empty = Empty.MISSING
    empty_advice: str | None = None
    has_series: bool = False


class PluginFault(Exception):
    """The code of a plugin failed. The text is the type of its error, and what the error says."""


def call_isolated(call: Callable[[], T], *, passing: tuple[type[BaseException], ...] = (), what: str = "a plugin") -> T:
    """What the call returns. Raises PluginFault for whatever it raises, an exit and a cancellation included.

    Errors of the types in ``passing`` pass as they are. An interruption from the keyboard passes too, with a note that
    says ``what`` was interrupted.
    """
    try:
        return call()
    except passing:
        raise
    except KeyboardInterrupt as error:
        error.add_note(f"Interrupted in {what}.")
        raise
    except BaseException as error:
        raise PluginFault(": ".join(filter(None, (type(error).__name__, message_of(error))))) from error


def message_of(error: BaseException) -> str:
    """The text of an error; the plugin's own ``__str__`` may fail too."""
    try:
        return str(error)
    except BaseException as worse:  # noqa: BLE001 - the plugin's code must not end what only reads its text
        return f"its text cannot be shown ({type(worse).__name__})"


def metrics_of(source_class: type[Source[Any]], options: Options) -> frozenset[Any]:
    """What a source declares as the names of its metrics, which may be anything.

    Raises PluginFault where the source fails, or declares no collection.
    """

    def names() -> frozenset[Any]:
        declared: Any = source_class.metrics(options)
        if isinstance(declared, str | bytes) or not isinstance(declared, Iterable):
            raise TypeError(f"expected a list of names, found {declared!r:.80}")
        listed = list(islice(declared, MAX_METRICS + 1))
        if len(listed) > MAX_METRICS:
            raise ValueError(f"more than {MAX_METRICS} names")
        return frozenset(listed)

    return call_isolated(names)


def metric_settings_of(source_class: type[Source[Any]], options: Options) -> dict[str, MetricSettings]:
    """What is configured for a source's single metrics, without those that have nothing of their own.

    Raises PluginFault where the source fails, or returns something else.
    """

    def settings() -> dict[str, MetricSettings]:
        declared: Any = source_class.metric_options(options)
        if not isinstance(declared, Mapping):
            raise TypeError(f"expected metric_options to return a mapping, found {declared!r:.80}")
        found: dict[str, MetricSettings] = {}
        for name, metric in declared.items():
            if not isinstance(name, str) or not isinstance(metric, MetricOptions):
                raise TypeError(f"expected metric_options to map names to MetricOptions, found {metric!r:.80}")
            empty = Empty(metric.default_empty) if metric.empty is None else metric.empty
            is_own_default = metric.empty is None and empty is Empty.CLEAR
            advice = metric.advice_on_empty if is_own_default else None
            found[name] = MetricSettings(
                metric.fresh_for, metric.least_fresh_for, metric.counter, empty, advice, metric.has_series
            )
        return {name: each for name, each in found.items() if each != MetricSettings()}

    return call_isolated(settings)

"""A plugin's code, called where it must not hurt: whatever it raises is its own mistake, and is told as that."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, TypeVar

from smithd.plugin.options import Options
from smithd.plugin.source import Source

T = TypeVar("T")

MOST_METRICS = 10_000


class Faulty(Exception):
    """A plugin's own code failed; the text is the kind of its error, and what that says."""


def contained(call: Callable[[], T], *, passing: tuple[type[BaseException], ...] = (), what: str = "a plugin") -> T:
    """What the call returns. Raises Faulty for whatever it raises, an exit or a cancellation included, but what is to
    pass. An interruption from the keyboard passes too, with a note of ``what`` was interrupted.
    """
    try:
        return call()
    except passing:
        raise
    except KeyboardInterrupt as error:
        error.add_note(f"Interrupted in {what}.")
        raise
    except BaseException as error:
        raise Faulty(": ".join(filter(None, (type(error).__name__, words_of(error))))) from error


def words_of(error: BaseException) -> str:
    """What an error says; its own code may fail too."""
    try:
        return str(error)
    except BaseException as worse:  # noqa: BLE001 - a plugin's code, which must not end whoever only looks at it
        return f"its text cannot be shown ({type(worse).__name__})"


def metrics_of(source_class: type[Source[Any]], options: Options) -> frozenset[Any]:
    """What a source declares as the names of its metrics, which may be anything; Faulty where it is no collection."""
    return contained(lambda: _names(source_class.metrics(options)))


def _names(declared: Any) -> frozenset[Any]:
    if isinstance(declared, str | bytes) or not isinstance(declared, Iterable):
        raise TypeError(f"expected a list of names, found {declared!r:.80}")
    names = list(islice(declared, MOST_METRICS + 1))
    if len(names) > MOST_METRICS:
        raise ValueError(f"more than {MOST_METRICS} names")
    return frozenset(names)

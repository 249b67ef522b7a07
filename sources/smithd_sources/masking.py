"""Masks what others said in the texts of a source's errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from smithd.plugin import Context, Redactor, SourceError


@contextmanager
def masked(context: Context, secrets: Callable[[], Iterable[str]]) -> Iterator[None]:
    """A SourceError leaves this block without ``secrets`` (as they stand in the options, and as they are sent), those
    of the context, and the marks of what is ``quoted`` in it.
    """
    try:
        yield
    except SourceError as error:
        redactor = Redactor(secrets())
        redactor.learn(context.redactor)
        error.args = (redactor.clean(str(error)),)
        raise

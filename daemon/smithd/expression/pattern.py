"""Regular expressions for labels: RE2, as in Prometheus. No I/O.

RE2 matches in time linear to the text, whatever the pattern; Python's own engine backtracks, and an innocent pattern
may take hours. A pattern matches whole texts, and its ``.`` any character, as Prometheus compiles it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

_REMEMBERED_TEXTS = 10_000


class PatternError(ValueError):
    """A pattern that RE2 does not take; the text says why."""


def compile_pattern(pattern: str) -> Callable[[str], bool]:
    """Whether a whole text matches, as a function that remembers its answers; PatternError for no pattern."""
    # Most configurations have no pattern, and then need not load the library.
    import re2

    options = re2.Options()
    options.dot_nl = True
    # RE2 would write each mistake to stderr itself.
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options=options)
    except (re2.error, UnicodeEncodeError) as error:
        said = error.args[0] if error.args else ""
        # The library hands over RE2's own words as bytes; what is none is a UnicodeEncodeError.
        if isinstance(said, bytes):
            raise PatternError(said.decode("utf-8", "replace")) from None
        raise PatternError("it has characters that no encoding knows") from None
    # Labels repeat from poll to poll.
    return lru_cache(_REMEMBERED_TEXTS)(lambda text: compiled.fullmatch(text) is not None)

"""When a part of a poll failed: the rest of it counts all the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from smithd.plugin import BadResponse, Misconfigured, RawSample, SourceError, Unavailable

MOST = 3
_GRAVEST = (Misconfigured, BadResponse, Unavailable, SourceError)


class PartialFailures:
    """What failed in one poll. Says each thing once (a refused connection fails every query), and the first few only:
    an answer can be wrong in a million places. ``most`` is how many are said.
    """

    def __init__(self, failures: Iterable[SourceError] = (), most: int = MOST) -> None:
        self._most = most
        self._texts: dict[str, None] = {}
        self._more = 0
        self._kind = len(_GRAVEST) - 1
        for failure in failures:
            self.add(failure)

    def add(self, failure: SourceError) -> None:
        """Something failed."""
        self._kind = min(self._kind, next(place for place, kind in enumerate(_GRAVEST) if isinstance(failure, kind)))
        text = str(failure)
        if len(self._texts) < self._most:
            self._texts[text] = None
        elif text not in self._texts:
            self._more += 1

    def settle(self, samples: Sequence[RawSample]) -> Sequence[RawSample]:
        """The samples, where nothing failed. Else raises one error of the gravest kind, with the samples in it."""
        if not self._texts:
            return samples
        more = f"; and {self._more} more like these" if self._more else ""
        raise _GRAVEST[self._kind]("; ".join(self._texts) + more, samples=samples)


def settle(samples: Sequence[RawSample], failures: Iterable[SourceError], most: int = MOST) -> Sequence[RawSample]:
    """The samples, where nothing failed. Else raises one error of the gravest kind, with the samples in it."""
    return PartialFailures(failures, most).settle(samples)

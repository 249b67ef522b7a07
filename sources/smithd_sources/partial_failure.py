"""When a part of a poll fails: one error for all that failed, with the samples of the rest. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from smithd.plugin import BadResponse, Misconfigured, RawSample, SourceError, TimedOut, Unavailable

MAX_TEXTS = 3
_WORST_FIRST = (Misconfigured, BadResponse, TimedOut, Unavailable, SourceError)


class PartialFailures:
    """What failed in one poll.

    Each text counts once (a refused connection fails every query), and only the first ``max_texts`` are kept: an
    answer can be wrong in a million places.
    """

    def __init__(self, failures: Iterable[SourceError] = (), max_texts: int = MAX_TEXTS) -> None:
        self._max_texts = max_texts
        self._texts: dict[str, None] = {}
        self._more = 0
        self._worst = len(_WORST_FIRST) - 1
        self._retry_after: float | None = None
        for failure in failures:
            self.add(failure)

    def add(self, failure: SourceError) -> None:
        rank = next(rank for rank, kind in enumerate(_WORST_FIRST) if isinstance(failure, kind))
        self._worst = min(self._worst, rank)
        if failure.retry_after is not None:
            self._retry_after = max(self._retry_after or 0.0, failure.retry_after)
        # A text beyond the limit is counted each time that it comes: remembering them all is what the limit prevents.
        text = str(failure)
        if len(self._texts) < self._max_texts:
            self._texts[text] = None
        elif text not in self._texts:
            self._more += 1

    def settle(self, samples: Sequence[RawSample]) -> Sequence[RawSample]:
        """The samples, where nothing failed. Else raises one error of the worst type, which carries the samples, and
        the longest wait that was asked for.
        """
        if not self._texts:
            return samples
        more = f"; and {self._more} more like these" if self._more else ""
        text = "; ".join(self._texts) + more
        raise _WORST_FIRST[self._worst](text, samples=samples, retry_after=self._retry_after)


def settle(
    samples: Sequence[RawSample], failures: Iterable[SourceError], max_texts: int = MAX_TEXTS
) -> Sequence[RawSample]:
    """The samples, where nothing failed. Else raises one error of the worst type, which carries the samples."""
    return PartialFailures(failures, max_texts).settle(samples)

"""When a part of a poll failed: the rest of it counts all the same."""

from __future__ import annotations

from collections.abc import Sequence

from smithd.plugin import BadAnswer, Misconfigured, Sample, SourceError, Unavailable

MOST = 3
_GRAVEST = (Misconfigured, BadAnswer, Unavailable)


def settle(samples: Sequence[Sample], failures: Sequence[SourceError]) -> Sequence[Sample]:
    """The samples, where nothing failed. Else raises one error of the gravest kind, with the samples in it.

    Its text says each thing once (a refused connection fails every query), and the first few only.
    """
    if not failures:
        return samples
    texts = list(dict.fromkeys(str(failure) for failure in failures))
    more = f"; and {len(texts) - MOST} more like these" if len(texts) > MOST else ""
    kind = next((kind for kind in _GRAVEST if any(isinstance(failure, kind) for failure in failures)), SourceError)
    raise kind("; ".join(texts[:MOST]) + more, samples=samples)

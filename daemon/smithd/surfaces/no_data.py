"""Since when there has been no data: while all sources of something fail, or are silent. No I/O."""

from __future__ import annotations

from collections.abc import Collection

from smithd.series.health import Health
from smithd.series.state import SeriesState


def down_since(series: SeriesState, sources: Collection[str], now: float) -> float | None:
    """Since when all of these sources have been failing or silent; None: one is not, or may still answer in time."""
    healths = [series.sources[source].health(now, series.started) for source in sources]
    down = [each.since for each in healths if each is not None and each.health is not Health.UP]
    return max(down) if down and len(down) == len(healths) else None


def next_look(series: SeriesState, sources: Collection[str], after: float, now: float) -> float:
    """When all of these sources may have been down for ``after`` seconds, at the earliest: as if those that are up had
    fallen silent with their last answer.
    """
    answers = [series.sources[source] for source in sources]
    healths = [each.health(now, series.started) for each in answers]
    since = [
        each.since if each is not None and each.health is not Health.UP else answer.answered_at or series.started
        for each, answer in zip(healths, answers, strict=True)
    ]
    due = max(since, default=now) + after
    return due if due > now else now + after


def last_answer(series: SeriesState, sources: Collection[str]) -> float | None:
    """When one of these sources last answered; None: none has since the start."""
    times = [series.sources[source].answered_at for source in sources]
    return max((at for at in times if at is not None), default=None)

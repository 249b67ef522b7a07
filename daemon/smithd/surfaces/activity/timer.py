"""The type ``timer``: a clock that counts down or up. No I/O.

What is counted down, and since when, is in ``surfaces/countdown.py``; a duration is worked out when it is sent.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from smithd.alerts.severity import Severity
from smithd.expression.option import ValueRef
from smithd.formatting import number
from smithd.keys import StreamKey
from smithd.outbox.message import ActivityContent, Json
from smithd.plugin.options import Options, PositiveDuration
from smithd.plugin.sample import Sample
from smithd.references import Path
from smithd.surfaces.activity.options import ITS_TYPE, ActivityClock
from smithd.surfaces.activity.parts import WithColor, WithSubtitle
from smithd.surfaces.activity.view import ActivityView, HeadlineText
from smithd.surfaces.countdown import LEAST_MOVE, Countdown, for_duration, to_time
from smithd.surfaces.folding import with_mark
from smithd.surfaces.surface import NotRenderable, Obstacle
from smithd.surfaces.view import SurfacesView

FURTHEST = 10 * 366 * 86400.0
"""Seconds from now; a number that is no time in this range was not meant as one (milliseconds, a duration)."""


class OverOptions(Options):
    """What a countdown says once it is at zero."""

    title: HeadlineText | None = Field(None, description="instead of the title; a template")
    subtitle: HeadlineText | None = Field(None, description="instead of the subtitle; a template")

    @model_validator(mode="after")
    def _says_something(self) -> OverOptions:
        if self.title is None and self.subtitle is None:
            raise PydanticCustomError("says_nothing", "expected a 'title', a 'subtitle', or both")
        return self


class TimerOptions(WithSubtitle, WithColor):
    """A Live Activity with a clock."""

    type: Literal["timer"] = Field(description=ITS_TYPE)
    until: ValueRef | None = Field(None, description="a metric with the time it counts down to, in seconds since 1970")
    for_: PositiveDuration | None = Field(None, alias="for", description="the duration that it counts down")
    since: ValueRef | None = Field(None, description="a metric with the time it counts up from, in seconds since 1970")
    paused_when: ValueRef | None = Field(
        None, description="an expression, or a metric that is not 0; while it is true, the clock stands"
    )
    when_over: OverOptions | None = Field(
        None, description="what it says at zero: title, subtitle; left out: it ends then"
    )

    @model_validator(mode="after")
    def _one_kind(self) -> TimerOptions:
        if [self.until, self.for_, self.since].count(None) != 2:
            message = "a timer counts 'until' a time, 'for' a duration, or 'since' a time: give one of them"
            raise PydanticCustomError("one_kind", message)
        if self.since is not None and self.when_over is not None:
            raise PydanticCustomError("endless", "'when_over' belongs to 'until' and 'for': 'since' has no end")
        return self

    @property
    def shown_metrics(self) -> frozenset[str]:
        """The time that it shows."""
        return frozenset(each for each in (self.until, self.since) if each is not None)

    @property
    def single_metrics(self) -> dict[Path, str]:
        """The time that it shows."""
        named = {"until": self.until, "since": self.since}
        return super().single_metrics | {(key,): each for key, each in named.items() if each is not None}

    def obstacle(self, key: StreamKey, view: SurfacesView) -> NotRenderable | None:
        """No time, a number that is none, or a countdown that nothing asks for; one that is over needs no time."""
        countdown = view.countdowns.get(key)
        if countdown is not None and countdown.is_over(view.now):
            return None
        if (found := self._no_time(key, view)) is not None:
            return found
        return NotRenderable(key, Obstacle.NO_VALUE) if self.since is None and countdown is None else None

    def _no_time(self, key: StreamKey, view: SurfacesView) -> NotRenderable | None:
        if (found := super().obstacle(key, view)) is not None:
            return found
        for metric in self.shown_metrics:
            sample = _only(view, metric)
            if sample is None:
                return NotRenderable(key, Obstacle.UNSEEN if view.is_unseen(metric) else Obstacle.NO_VALUE)
            if abs(sample.value - view.now) > FURTHEST:
                detail = f"is {number(sample.value)}, which is no time in seconds since 1970"
                return NotRenderable(key, Obstacle.UNSUITABLE, (metric,), detail=detail)
        return None

    @property
    def clock(self) -> ActivityClock:
        """It is one."""
        return self

    def countdown(self, known: Countdown | None, key: StreamKey, view: SurfacesView) -> Countdown | None:
        """What it counts down; forgotten once it is neither wanted nor shown."""
        if self.since is not None or not (self.is_wanted(view) or view.is_on_phone(key)):
            return None
        if self.for_ is not None:
            return for_duration(known, self.for_, view.now, is_paused=self._is_paused(known, view))
        assert self.until is not None
        if view.is_unseen(self.until):
            return known
        sample = _only(view, self.until) if self._no_time(key, view) is None else None
        # Without a time, that which was known last counts on.
        end = sample.value if sample is not None else known.over_at if known is not None else None
        if end is None:
            return known
        is_stale, is_paused = sample is None or not view.is_fresh(sample), self._is_paused(known, view)
        return to_time(known, end, view.now, is_paused=is_paused, is_stale=is_stale)

    def is_over(self, countdown: Countdown | None, now: float) -> bool:
        """At zero, unless it says something then."""
        return countdown is not None and countdown.is_over(now) and self.when_over is None

    def timing(self, seen: ActivityView) -> dict[str, Any]:
        """Which window the phone counts, and when it ends."""
        if self.since is not None:
            return {"window": self._start(seen)}
        if seen.countdown is None:
            return {}
        ends_at = seen.countdown.at + seen.countdown.left if seen.countdown.runs else None
        return {"window": seen.countdown.name, "ends_at": ends_at}

    def own_state(self, seen: ActivityView) -> dict[str, Any]:
        """The clock, and in the subtitle what it does not show: since when, or as of when."""
        if self.since is not None:
            is_paused = self._is_paused(None, seen.surfaces)
            clock = {"counts_down": False, "is_running": not is_paused}
            return clock | self.noted(seen, self._begun_before(seen), seen.stale_mark)
        countdown, over = seen.countdown, self.when_over
        assert countdown is not None
        if over is not None and countdown.is_over(seen.surfaces.now):
            texts = {"title": seen.headline(over.title), "subtitle": seen.headline(over.subtitle)}
            return _clock(countdown) | {name: text for name, text in texts.items() if text}
        return _clock(countdown) | self.noted(seen, "" if countdown.runs else seen.stale_mark)

    def folded_row(self, content: ActivityContent, severity: Severity | None, view: SurfacesView) -> dict[str, Any]:
        """A row cannot count: it has what is left when it is sent, or since when it counts."""
        row = super().folded_row(content, severity, view)
        began = _only(view, self.since) if self.since is not None else None
        if began is not None:
            return row | {"value": with_mark(f"since {view.clock(began.value)}", severity, view.locale)}
        if content.ends_at is not None:
            left = view.language.duration(max(0.0, content.ends_at - view.now))
            return row | {"value": with_mark(left, severity, view.locale)}
        return row

    def marked(self, seen: ActivityView, mark: str) -> dict[str, Any]:
        """A countdown stands as well."""
        clock = _clock(seen.countdown) if seen.countdown is not None else {}
        return super().marked(seen, mark) | clock

    def own_meaning(self, state: Json) -> Any:
        """Its colour, whether it runs, and what it says at zero; which window it counts is a meaning of its own."""
        said = [state["title"], state.get("subtitle", "")] if self.when_over is not None else []
        return [state.get("color"), state.get("is_running"), [re.sub(r"\d", "", text) for text in said]]

    def _is_paused(self, known: Countdown | None, view: SurfacesView) -> bool:
        """Whether the expression is true; while that is not known, as it was."""
        if self.paused_when is None:
            return False
        holds = view.holds(self.paused_when)
        return holds if holds is not None else known is not None and known.is_paused

    def _begun_before(self, seen: ActivityView) -> str:
        """Since when, where the phone counts from another time: it starts at zero, and goes on whatever comes."""
        assert self.since is not None
        since = _since(self.since, seen)
        counts_from = seen.since if seen.since is not None else seen.surfaces.now
        return f"since {seen.clock(since)}" if abs(counts_from - since) >= LEAST_MOVE else ""

    def _start(self, seen: ActivityView) -> str:
        """The name of the time that it counts from; the one that is shown, where that is nearly the same."""
        assert self.since is not None
        since, shown = _since(self.since, seen), (seen.shown.window if seen.shown is not None else None) or ""
        kind, _, known = shown.partition(" ")
        return shown if kind == "since" and abs(float(known) - since) < LEAST_MOVE else f"since {since:.3f}"


def _only(view: SurfacesView, metric: str) -> Sample | None:
    """The sample of a metric with one series."""
    return next(iter(view.samples(metric)), None)


def _since(metric: str, seen: ActivityView) -> float:
    sample = _only(seen.surfaces, metric)
    return sample.value if sample is not None else seen.surfaces.now


def _clock(countdown: Countdown) -> dict[str, Any]:
    """The fields of a countdown. One that starts while it stands needs its duration; one that runs gets it when it is
    sent.
    """
    stands = {} if countdown.runs else {"duration_seconds": max(1, round(countdown.left))}
    return {"counts_down": True, "is_running": countdown.runs, **stands}

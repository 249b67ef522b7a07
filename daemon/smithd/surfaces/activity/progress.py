"""The type ``progress``: a bar. No I/O."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from smithd.contract.values import Number
from smithd.expression.option import ValueRef
from smithd.formatting import number, plain
from smithd.keys import StreamKey
from smithd.locales import Language
from smithd.outbox.message import Json
from smithd.references import Path
from smithd.surfaces.activity.options import ITS_TYPE
from smithd.surfaces.activity.parts import WithBadge, WithColor, WithSubtitle, WithTwoButtons
from smithd.surfaces.activity.view import ActivityView
from smithd.surfaces.surface import NotRenderable, Obstacle
from smithd.surfaces.view import SurfacesView

LARGEST_FALL = 5.0
"""Percent points; a fall by less is hidden where the bar is ``monotonic``."""

NEARLY_FULL = 99.5
"""Percent; from here on a phone that shows no decimals would show 100 (our assumption)."""
NEARLY_FULL_SHOWN = 99.0

Bound = Number | ValueRef
"""An end of the bar: a number, or the metric that has it."""


class ProgressOptions(WithSubtitle, WithColor, WithBadge, WithTwoButtons):
    """A Live Activity with a bar."""

    type: Literal["progress"] = Field(description=ITS_TYPE)
    percentage: ValueRef | None = Field(None, description="how far the bar is filled, in percent (42, not 0.42)")
    value: ValueRef | None = Field(None, description="how far, as a value beside 'upper_limit', or 'from' and 'to'")
    upper_limit: Bound | None = Field(None, description="the value that fills the bar: a number, or a metric")
    from_: Bound | None = Field(None, alias="from", description="the value of an empty bar: a number, or a metric")
    to: Bound | None = Field(None, description="the value that fills the bar; below 'from' a falling value fills it")
    monotonic: bool = Field(False, description="whether the bar stays where it is while it falls by less than 5 points")

    @model_validator(mode="after")
    def _one_form(self) -> ProgressOptions:
        given = tuple(
            name for name in ("percentage", "value", "upper_limit", "from_", "to") if getattr(self, name) is not None
        )
        if given not in (("percentage",), ("value", "upper_limit"), ("value", "from_", "to")):
            message = "a bar is 'percentage', or 'value' with 'upper_limit', or 'value' with 'from' and 'to'"
            raise PydanticCustomError("one_form", message)
        if isinstance(self.upper_limit, float) and self.upper_limit <= 0:
            raise PydanticCustomError("no_limit", "the 'upper_limit' of a bar must be above 0")
        if self.from_ is not None and self.from_ == self.to:
            raise PydanticCustomError("no_length", "'from' and 'to' are the same: the bar would have no length")
        return self

    @property
    def single_metrics(self) -> dict[Path, str]:
        """All that it shows."""
        named = {
            "percentage": self.percentage,
            "value": self.value,
            "upper_limit": self.upper_limit,
            "from": self.from_,
            "to": self.to,
        }
        return super().single_metrics | {(key,): each for key, each in named.items() if isinstance(each, str)}

    def obstacle(self, key: StreamKey, view: SurfacesView) -> NotRenderable | None:
        """No value, no limit, or no length."""
        if (found := super().obstacle(key, view)) is not None:
            return found
        bounds = [each for each in (self.upper_limit, self.from_, self.to) if isinstance(each, str)]
        lacking = [metric for metric in (self._shown, *bounds) if not view.samples(metric)]
        if any(map(view.is_unseen, lacking)):
            return NotRenderable(key, Obstacle.UNSEEN)
        if lacking:
            what = "has no value, and without it the bar has no end"
            return NotRenderable(key, Obstacle.NO_VALUE) if self._shown in lacking else _no_bar(key, lacking[0], what)
        limit = _bound(self.upper_limit, view)
        if limit is not None and limit <= 0:
            return _no_bar(key, self.upper_limit, f"is {number(limit)}: the limit of a bar must be above 0")
        empty, full = _bound(self.from_, view), _bound(self.to, view)
        if empty is not None and empty == full:
            return _no_bar(key, self.to if isinstance(self.to, str) else self.from_, "leaves the bar without a length")
        return None

    def own_state(self, seen: ActivityView) -> dict[str, Any]:
        """The bar. A value beyond its ends is said in the subtitle, and so is the age of one that is stale."""
        view = seen.surfaces
        value, limit = _bound(self._shown, view), _bound(self.upper_limit, view)
        assert value is not None
        if limit is not None:
            bar, beyond = _limited(value, limit, view.language)
        else:
            bar, beyond = _filled(value, _bound(self.from_, view), _bound(self.to, view), view.language)
        kept = _kept(bar, seen) if self.monotonic else bar
        return kept | self.noted(seen, beyond, seen.stale_mark)

    def own_meaning(self, state: Json) -> Any:
        """Its colour: how far the bar is filled is a number."""
        return state.get("color")

    @property
    def _shown(self) -> str:
        metric = self.percentage or self.value
        assert metric is not None
        return metric


def _no_bar(key: StreamKey, bound: float | str | None, detail: str) -> NotRenderable:
    return NotRenderable(key, Obstacle.UNSUITABLE, (str(bound),), detail=detail)


def _bound(bound: float | str | None, view: SurfacesView) -> float | None:
    """A number, or the value of a metric, which has one series."""
    if not isinstance(bound, str):
        return bound
    return next((sample.value for sample in view.samples(bound)), None)


def _limited(value: float, limit: float, language: Language) -> tuple[dict[str, Any], str]:
    """A bar with a value and its limit, and what is to be said of a value beyond its ends."""
    within = min(max(value, 0.0), limit)
    said = "" if within == value else f"{language.number(value)} of {language.number(limit)}"
    return {"value": plain(within), "upper_limit": plain(limit)}, said


def _filled(value: float, empty: float | None, full: float | None, language: Language) -> tuple[dict[str, Any], str]:
    """A bar in percent, of a value in percent or one between two ends; it is at 100 at its end alone."""
    if empty is None or full is None:
        percent, said = value, f"{language.number(value)}%"
    else:
        percent = 100 * ((value - empty) / (full - empty))
        said = f"{language.number(value)} of {language.number(max(empty, full))}"
    # Computed, it has digits that mean nothing.
    percent = round(percent, 9)
    within = min(max(percent, 0.0), 100.0)
    shown = NEARLY_FULL_SHOWN if NEARLY_FULL <= within < 100 else within
    return {"percentage": plain(shown)}, "" if within == percent else said


def _kept(bar: dict[str, Any], seen: ActivityView) -> dict[str, Any]:
    """The bar that is shown, where this one would be a small fall from it."""
    shown = {
        name: seen.shown_state[name] for name in ("percentage", "value", "upper_limit") if name in seen.shown_state
    }
    if seen.since is None or seen.shown_state.get("type") != "progress" or not shown:
        return bar
    return shown if 0 < _percent(shown) - _percent(bar) < LARGEST_FALL else bar


def _percent(bar: Json) -> float:
    filled: float = bar["percentage"] if "percentage" in bar else 100 * bar["value"] / bar["upper_limit"]
    return filled

"""The type ``progress``: a bar. No I/O."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from smithd.contract.values import Number
from smithd.expression.option import ValueRef
from smithd.formatting import number, plain
from smithd.keys import StreamKey
from smithd.outbox.message import Json
from smithd.surfaces.activity.parts import WithBadge, WithColor, WithSubtitle, WithTwoButtons
from smithd.surfaces.activity.view import ActivityView
from smithd.surfaces.surface import NotRenderable, Obstacle
from smithd.surfaces.view import SurfacesView

LARGEST_FALL = 5.0
"""Percent points; a fall by less is hidden where the bar is ``monotonic``."""

NEARLY_FULL = 99.5
"""Percent; from here on a phone that shows no decimals would show 100."""

Bound = Number | ValueRef
"""An end of the bar: a number, or the metric that has it."""


class ProgressOptions(WithSubtitle, WithColor, WithBadge, WithTwoButtons):
    """A Live Activity with a bar."""

    type: Literal["progress"]
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
    def single_metrics(self) -> tuple[str, ...]:
        """All that it shows."""
        named = (self.percentage, self.value, self.upper_limit, self.from_, self.to)
        return (*super().single_metrics, *(each for each in named if isinstance(each, str)))

    def obstacle(self, key: StreamKey, view: SurfacesView) -> NotRenderable | None:
        """No value, no limit, or no length."""
        if (found := super().obstacle(key, view)) is not None:
            return found
        metrics = [each for each in (self._shown, self.upper_limit, self.from_, self.to) if isinstance(each, str)]
        for metric in metrics:
            if not view.samples(metric):
                return NotRenderable(key, Obstacle.UNSEEN if view.is_unseen(metric) else Obstacle.NO_VALUE)
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
        empty, full = _bound(self.from_, view), _bound(self.to, view)
        assert value is not None
        bar: dict[str, Any]
        whole: float | None
        if limit is not None:
            bar, whole = {"value": plain(min(max(value, 0.0), limit)), "upper_limit": plain(limit)}, limit
            is_beyond = not 0 <= value <= limit
        else:
            percent = value if empty is None or full is None else 100 * (value - empty) / (full - empty)
            whole = None if empty is None or full is None else max(empty, full)
            bar, is_beyond = {"percentage": plain(_shown_percent(percent))}, not 0 <= percent <= 100
        amount = f"{number(value)}%" if whole is None else f"{number(value)} of {number(whole)}"
        kept = _kept(bar, seen) if self.monotonic else bar
        return kept | self.noted(seen, amount if is_beyond else "", seen.stale_mark)

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


def _shown_percent(percent: float) -> float:
    """Within the bar, and 100 at its end alone."""
    # Computed from differences, it has digits that mean nothing.
    percent = round(min(max(percent, 0.0), 100.0), 9)
    return 99.0 if NEARLY_FULL <= percent < 100 else percent


def _kept(bar: dict[str, Any], seen: ActivityView) -> dict[str, Any]:
    """The bar that is shown, where this one would be a small fall from it."""
    shown = {
        name: seen.shown_state[name] for name in ("percentage", "value", "upper_limit") if name in seen.shown_state
    }
    if not seen.is_on_phone or seen.shown_state.get("type") != "progress" or not shown:
        return bar
    return shown if 0 < _percent(shown) - _percent(bar) < LARGEST_FALL else bar


def _percent(bar: Json) -> float:
    filled: float = bar["percentage"] if "percentage" in bar else 100 * bar["value"] / bar["upper_limit"]
    return filled

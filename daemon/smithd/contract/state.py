"""What a Live Activity can show: the seven types, each with the fields that every source grants it (contract
sections 4.1 to 4.3). No I/O.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator, model_validator

from smithd.contract.parts import Badge, Icon, Part
from smithd.contract.values import MOST_ROWS, Color, Count, Named, Number, Readout, RowReadout, Whole

MOST_GAUGES = 2

TWO_BUTTONS = frozenset({"value", "segmented_progress", "progress", "alert"})
"""The types that can have a second button (contract section 4.3)."""


class _State(Part):
    """What all types share. The dismissal belongs to a stream's end alone; ``bodies`` sees to that."""

    title: Named
    icon: Icon | None = None
    auto_dismiss_minutes: Annotated[Whole, Field(ge=0)] | None = None
    auto_dismiss_seconds: Annotated[Whole, Field(ge=0)] | None = None

    @field_validator("auto_dismiss_seconds")
    @classmethod
    def _one_dismissal(cls, given: int, info: ValidationInfo) -> int:
        if info.data.get("auto_dismiss_minutes") is not None:
            raise ValueError("expected either auto_dismiss_seconds or auto_dismiss_minutes")
        return given


class ValueState(_State):
    """One number or text, large."""

    type: Literal["value"]
    value: Readout
    subtitle: str | None = None
    color: Color | None = None
    badge: Badge | None = None


class Row(Part):
    """A row of ``stats``."""

    label: Named
    value: RowReadout
    unit: str | None = None
    color: Color | None = None


class StatsState(_State):
    """Up to eight rows of numbers or texts."""

    type: Literal["stats"]
    metrics: Annotated[list[Row], Field(min_length=1, max_length=MOST_ROWS)]
    subtitle: str | None = None


class Gauge(Part):
    """One of the numbers of ``metrics``."""

    label: Named
    value: Count
    unit: str | None = None
    color: Color | None = None


class MetricsState(_State):
    """One or two numbers, drawn as gauges."""

    type: Literal["metrics"]
    # The service's schema takes eight. The type is meant for two, and one of the service's own clients stops there.
    metrics: Annotated[list[Gauge], Field(min_length=1, max_length=MOST_GAUGES)]
    subtitle: str | None = None
    color: Color | None = None


class SegmentedProgressState(_State):
    """Steps, some of them done."""

    type: Literal["segmented_progress"]
    number_of_steps: Annotated[Whole, Field(ge=1)]
    current_step: Annotated[Whole, Field(ge=0)]
    subtitle: str | None = None
    color: Color | None = None
    step_color: Color | None = None
    step_colors: list[Color] | None = None
    badge: Badge | None = None

    @field_validator("current_step")
    @classmethod
    def _within(cls, current: int, info: ValidationInfo) -> int:
        number = info.data.get("number_of_steps")
        if number is not None and current > number:
            raise ValueError(f"expected {number} or less, as number_of_steps says")
        return current

    @field_validator("step_colors")
    @classmethod
    def _one_for_each(cls, colors: list[str], info: ValidationInfo) -> list[str]:
        # Where current_step is faulty itself, it is not in ``data``.
        done = info.data.get("current_step")
        if done is not None and len(colors) != done:
            raise ValueError(f"expected one colour for each step that is done: {done}, not {len(colors)}")
        return colors


class ProgressState(_State):
    """A bar: a percentage, or a value and its upper limit."""

    type: Literal["progress"]
    percentage: Annotated[Count, Field(le=100)] | None = None
    upper_limit: Annotated[Number, Field(gt=0)] | None = None
    value: Count | None = None
    subtitle: str | None = None
    color: Color | None = None
    badge: Badge | None = None

    @field_validator("upper_limit", "value")
    @classmethod
    def _is_no_percentage(cls, given: float, info: ValidationInfo) -> float:
        if info.data.get("percentage") is not None:
            raise ValueError(f"expected either percentage, or value and upper_limit; not '{info.field_name}' as well")
        limit = info.data.get("upper_limit")
        if info.field_name == "value" and limit is not None and given > limit:
            raise ValueError(f"expected {limit:g} or less, as upper_limit says")
        return given

    @model_validator(mode="after")
    def _one_form(self) -> ProgressState:
        if self.percentage is None and (self.value is None or self.upper_limit is None):
            raise ValueError("expected percentage, or value and upper_limit")
        return self


class AlertState(_State):
    """A message."""

    type: Literal["alert"]
    message: Named
    color: Color | None = None
    badge: Badge | None = None


class TimerState(_State):
    """A clock: down from ``duration_seconds``, or up. Without a duration the running window goes on (section 4.4)."""

    type: Literal["timer"]
    duration_seconds: Annotated[Number, Field(gt=0)] | None = None
    counts_down: bool | None = None
    is_running: bool | None = None
    subtitle: str | None = None
    color: Color | None = None


_TYPES = ("value", "stats", "metrics", "segmented_progress", "progress", "alert", "timer")


def _tag(state: Any) -> str | None:
    """Which branch is meant; a name with a blank, so that it cannot be taken for a field's on the path of an error."""
    kind = state.get("type") if isinstance(state, dict) else getattr(state, "type", None)
    return f"type {kind}" if isinstance(kind, str) and kind in _TYPES else None


ContentState = Annotated[
    Annotated[ValueState, Tag("type value")]
    | Annotated[StatsState, Tag("type stats")]
    | Annotated[MetricsState, Tag("type metrics")]
    | Annotated[SegmentedProgressState, Tag("type segmented_progress")]
    | Annotated[ProgressState, Tag("type progress")]
    | Annotated[AlertState, Tag("type alert")]
    | Annotated[TimerState, Tag("type timer")],
    Discriminator(
        _tag,
        custom_error_type="activity_type",
        custom_error_message=f"expected a mapping whose 'type' is one of {', '.join(_TYPES)}",
    ),
]

"""The test file: the series that go in, and what is expected of them. No I/O."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from smithd.alerts.severity import ThresholdSeverity
from smithd.plugin.options import Duration, File, Options, PositiveDuration, parse_duration
from smithd.plugin.sample import Series
from smithd.ruletest.series import PollMark, parse_series, parse_values

START = datetime(2026, 1, 5)
"""When a test begins that names no start: a Monday at midnight, in the configuration's time zone."""

ExpectedState = Literal["inactive", "pending", "firing", "recovering"]


class When(NamedTuple):
    """Between which times something may happen, in seconds since the start; the last second counts as a whole."""

    first: float
    last: float

    def __contains__(self, moment: object) -> bool:
        # Half a millisecond: a deadline is looked at a moment after it has passed.
        return isinstance(moment, float) and self.first <= moment + 0.0005 and moment < self.last + 1


def parse_when(text: Any) -> When:
    """``2m``, or ``2m..5m``; ValueError for anything else."""
    if isinstance(text, When):
        return text
    first, dots, last = text.partition("..") if isinstance(text, str) else (text, "", "")
    try:
        when = When(parse_duration(first), parse_duration(last if dots else first))
    except ValueError:
        raise ValueError("expected a time since the start like 2m, or two like 2m..5m") from None
    if when.first > when.last:
        raise ValueError(f"the times run backwards: expected {last}..{first}")
    return when


def parse_start(text: Any) -> datetime:
    """``2026-03-29 01:30`` on the clocks of the configuration's time zone; ValueError for anything else."""
    if isinstance(text, datetime):
        return text
    try:
        start = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        start = None
    # An offset from UTC would contradict the configuration's time zone.
    if start is None or start.tzinfo is not None or not 2000 <= start.year < 2200:
        raise ValueError("expected a time like 2026-03-29 01:30, in the configuration's time zone")
    return start


ExpectedWindow = Annotated[When, BeforeValidator(parse_when), WithJsonSchema({"type": "string"})]
Start = Annotated[datetime, BeforeValidator(parse_start), WithJsonSchema({"type": "string"})]
SeriesName = Annotated[Series, BeforeValidator(parse_series), WithJsonSchema({"type": "string"})]
Values = Annotated[tuple[float | PollMark, ...], BeforeValidator(parse_values), WithJsonSchema({"type": "string"})]


class Input(Options):
    """The values of one series, step by step."""

    series: SeriesName = Field(description='a metric of the configuration, with labels: shop.orders{region="eu"}')
    values: Values = Field(description="its values, as in promtool: 0+10x5 _ stale 1x3; error is a poll that failed")


class AlertIs(Options):
    """How an alert is at a time. Those of one time and one rule are all that the rule has then."""

    at: Duration = Field(description="when, counted from the start")
    rule: str = Field(description="the rule's name")
    labels: dict[str, str] = Field({}, description="the labels of the alert's series")
    state: ExpectedState = Field(description="inactive: the rule has no alert then")
    severity: ThresholdSeverity | None = Field(None, description="left out: whichever it is")


class PushIs(Options):
    """A notification; what is left out is not compared."""

    at: ExpectedWindow = Field(description="when, counted from the start: 2m, or 2m..5m")
    title: str | None = None
    subtitle: str | None = None
    message: str | None = None
    interruption_level: str | None = None
    channels: list[str] | None = None
    in_place: bool | None = Field(None, description="whether it takes the place of one that the phone has")


class ValueIs(Options):
    """A value that a widget is sent."""

    at: ExpectedWindow = Field(description="when, counted from the start: 2m, or 2m..5m")
    value: float | str = Field(description="a number, or a text")


class ShowIs(Options):
    """What a Live Activity is sent to show; what is left out is not compared."""

    at: ExpectedWindow = Field(description="when, counted from the start: 2m, or 2m..5m")
    title: str | None = None
    subtitle: str | None = None
    stats: dict[str, float | str] | None = Field(None, description="its rows: label and value")
    content_state: dict[str, Any] | None = Field(
        None, description="fields of its content state, by the API's names; others are not compared"
    )
    ended: bool = Field(False, description="it leaves the Lock Screen")


def _not_blank(name: str) -> str:
    if not name.strip():
        raise ValueError("expected a name for the test")
    return name


class Case(Options):
    """One test."""

    name: Annotated[str, AfterValidator(_not_blank)] = Field(description="what it shows, in a few words")
    start: Start | None = Field(None, description="default: the file's")
    interval: PositiveDuration | None = Field(None, description="default: the file's")
    input: list[Input] = Field([], description="the series; what a source's series have at one step is one poll")
    alerts: list[AlertIs] = Field([], description="how alerts are at some times")
    pushes: list[PushIs] | None = Field(None, description="all notifications, in order; left out: not compared")
    widgets: dict[str, list[ValueIs]] = Field({}, description="for a widget, all values that are sent, in order")
    activities: dict[str, list[ShowIs]] = Field({}, description="for a Live Activity, all that is sent, in order")

    @model_validator(mode="after")
    def _expects_something(self) -> Case:
        if not self.alerts and self.pushes is None and not self.widgets and not self.activities:
            raise PydanticCustomError(
                "expects_nothing", "a test that expects nothing: add alerts, pushes, widgets or activities"
            )
        return self


class RuleTests(Options):
    """The file's first level."""

    config: File = Field("smithd.yaml", validate_default=True, description="the configuration, from this file's folder")
    start: Start = Field(START, description="when the tests begin, like 2026-03-29 01:30; default: a Monday's midnight")
    interval: PositiveDuration | None = Field(None, description="from step to step; default: every of the source")
    tests: list[Case] = Field(min_length=1, description="the tests, each on its own")

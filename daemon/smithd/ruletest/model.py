"""The test file: the series that go in, and what is expected of them. No I/O."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from smithd.plugin.options import File, Options, PositiveDuration
from smithd.plugin.sample import Series
from smithd.ruletest.expected import AlertIs, BadgeIs, PushIs, ShowIs, ValueIs
from smithd.ruletest.series import PollMark, parse_series, parse_values

START = datetime(2026, 1, 5)
"""When a test begins that names no start: a Monday at midnight, in the configuration's time zone."""


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


Start = Annotated[datetime, BeforeValidator(parse_start), WithJsonSchema({"type": "string"})]
SeriesName = Annotated[Series, BeforeValidator(parse_series), WithJsonSchema({"type": "string"})]
Values = Annotated[tuple[float | PollMark, ...], BeforeValidator(parse_values), WithJsonSchema({"type": "string"})]


class Input(Options):
    """The values of one series, step by step."""

    series: SeriesName = Field(description='a metric of the configuration, with labels: shop.orders{region="eu"}')
    values: Values = Field(description="its values, as in promtool: 0+10x5 _ stale 1x3; error is a poll that failed")


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
    series_from: File | None = Field(
        None, description="a CSV file of series, from this file's folder: a column of times, and one for each series"
    )
    alerts: list[AlertIs] = Field([], description="how alerts are at some times")
    pushes: list[PushIs] | None = Field(None, description="all notifications, in order; left out: not compared")
    widgets: dict[str, list[ValueIs]] = Field({}, description="for a widget, all values that are sent, in order")
    activities: dict[str, list[ShowIs]] = Field({}, description="for a Live Activity, all that is sent, in order")

    badge: list[BadgeIs] | None = Field(None, description="all numbers of the app's icon, in order; left out: any")

    @property
    def expects_something(self) -> bool:
        """Whether anything is compared."""
        compared = (self.alerts, self.widgets, self.activities)
        return any(compared) or self.pushes is not None or self.badge is not None


class RuleTests(Options):
    """The file's first level."""

    config: File = Field("smithd.yaml", validate_default=True, description="the configuration, from this file's folder")
    start: Start = Field(START, description="when the tests begin, like 2026-03-29 01:30; default: a Monday's midnight")
    interval: PositiveDuration | None = Field(None, description="from step to step; default: every of the source")
    tests: list[Case] = Field(min_length=1, description="the tests, each on its own")

    def written_start(self, case: Case) -> datetime | None:
        """When a test begins, where the file says so."""
        return case.start or (self.start if "start" in self.model_fields_set else None)

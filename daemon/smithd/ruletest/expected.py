"""What a test expects: alerts at some times, and what the phone is sent. No I/O.

Of a request only what the test writes is compared, and an empty value (``""``, ``[]``, ``{}``) says that there is none.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field, WithJsonSchema

from smithd.alerts.severity import ThresholdSeverity
from smithd.contract.values import Color, Level, Number, Readout, RowReadout, Whole
from smithd.plugin.options import Duration, Options, parse_duration

ExpectedState = Literal["inactive", "pending", "firing", "recovering"]
ExpectedType = Literal["value", "stats", "metrics", "segmented_progress", "progress", "alert", "timer"]
ExpectedColor = Color | Literal[""]


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


ExpectedWindow = Annotated[When, BeforeValidator(parse_when), WithJsonSchema({"type": "string"})]


class AlertIs(Options):
    """How an alert is at a time. Those of one time and one rule are all that the rule has then."""

    at: Duration = Field(description="when, counted from the start")
    rule: str = Field(description="the rule's name")
    labels: dict[str, str] = Field({}, description="the labels of the alert's series")
    state: ExpectedState = Field(description="inactive: the rule has no alert then")
    severity: ThresholdSeverity | None = Field(None, description="left out: whichever it is")


class RequestIs(Options):
    """What every request has."""

    at: ExpectedWindow = Field(description="when, counted from the start: 2m, or 2m..5m")
    account: str | None = Field(None, description="the account that it goes to; left out: whichever it is")

    @property
    def written(self) -> dict[str, Any]:
        """What the test writes of the request, but its time."""
        return {name: part for name, part in _written(self).items() if name != "at"}


def _written(value: Any) -> Any:
    """What was written, without what was left out."""
    if isinstance(value, Options):
        return {name: _written(part) for name, part in value if name in value.model_fields_set}
    return [_written(part) for part in value] if isinstance(value, list) else value


class ActionIs(Options):
    """A button."""

    title: str | None = None
    type: Literal["open_url", "webhook"] | None = None
    url: str | None = None
    method: Literal["GET", "POST"] | None = None
    body: dict[str, Any] | None = None


class PushIs(RequestIs):
    """A notification."""

    title: str | None = None
    subtitle: str | None = None
    message: str | None = None
    interruption_level: Level | None = None
    channels: list[str] | None = Field(None, description="who gets it; []: everybody on the account")
    icon: str | None = None
    media: str | None = None
    redirection: str | None = None
    actions: list[ActionIs] | None = Field(None, description="its buttons, in order")
    tags: list[str] | None = None
    metadata: dict[str, Any] | None = None
    in_place: bool | None = Field(None, description="whether it takes the place of one that the phone has")


class ValueIs(RequestIs):
    """A value that a widget is sent."""

    value: Readout = Field(description="a number, or a text")


class BadgeIs(RequestIs):
    """A number that the app's icon is sent."""

    count: Annotated[Whole, Field(ge=0)] = Field(description="the number; 0 removes it")
    channels: list[str] | None = Field(None, description="who gets it; []: everybody on the account")


class SymbolIs(Options):
    """The icon beside a title."""

    symbol: str | None = None
    color: ExpectedColor | None = None


class WordsIs(Options):
    """The few words beside a title."""

    title: str | None = None
    color: ExpectedColor | None = None


class RowIs(Options):
    """A row."""

    label: str | None = None
    value: RowReadout | None = None
    unit: str | None = None
    color: ExpectedColor | None = None


class ContentStateIs(Options):
    """What a Live Activity shows, by the API's names."""

    type: ExpectedType | None = None
    title: str | None = None
    subtitle: str | None = None
    value: Readout | None = None
    metrics: list[RowIs] | None = Field(None, description="all rows, in order")
    percentage: Number | None = None
    upper_limit: Number | None = None
    number_of_steps: Whole | None = None
    current_step: Whole | None = None
    step_color: ExpectedColor | None = None
    step_colors: list[Color] | None = None
    message: str | None = None
    duration_seconds: Number | None = None
    counts_down: bool | None = None
    is_running: bool | None = None
    color: ExpectedColor | None = None
    icon: SymbolIs | None = None
    badge: WordsIs | None = None
    auto_dismiss_seconds: Whole | None = None
    auto_dismiss_minutes: Whole | None = None


class ShowIs(RequestIs):
    """What a Live Activity is sent to show."""

    title: str | None = None
    subtitle: str | None = None
    stats: dict[str, RowReadout] | None = Field(None, description="some of its rows: label and value")
    content_state: ContentStateIs | None = Field(None, description="fields of its content state, by the API's names")
    action: ActionIs | None = None
    secondary_action: ActionIs | None = None
    channels: list[str] | None = Field(None, description="who gets it; []: everybody on the account")
    tags: list[str] | None = None
    metadata: dict[str, Any] | None = None
    ended: bool = Field(False, description="it leaves the Lock Screen")

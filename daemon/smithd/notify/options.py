"""How a rule is notified: the keys of ``push``. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from smithd.alerts.severity import THRESHOLD_SEVERITIES, Severity, ThresholdSeverity
from smithd.contract.addresses import Link, Media
from smithd.contract.bodies import MOST_ACTIONS
from smithd.contract.parts import PushAction
from smithd.contract.values import Channels, Level, Metadata, Tags, size
from smithd.outbox.message import PushContent
from smithd.plugin.options import Duration, Options, PositiveDuration
from smithd.references import AccountNames
from smithd.template import AnyLabels, Text, template

GROUP_WAIT = 0.0
GROUP_INTERVAL = 300.0
"""The defaults, in seconds; the second is Alertmanager's."""

LARGEST_ACTIONS = 2500
"""Bytes; of the 3500 that a push may have, the rest is for its texts (contract section 9.4)."""

STORM = 10
"""How many pushes in a minute are no storm, by default."""

ALONE = "..."
"""Alertmanager's word in ``group_by`` for all labels: each alert is notified alone."""

PUSH_NAMES: dict[str, Any] = {
    "rule": "a-rule",
    "metric": "source.metric",
    "severity": "critical",
    "value": 1234.5,
    "threshold": 1000.0,
    "labels": AnyLabels(),
    "since": "02:14",
    "duration": 90.0,
    "started": "01:14",
    "total": 3690.0,
    "count": 1,
    "series": 40,
    "alerts": ["web-1"],
    "baseline": 2000.0,
    "change": 38.3,
}
PushText = Annotated[Text, template(PUSH_NAMES)]
_LEVELS: dict[Severity, Level] = {
    Severity.INFO: "passive",
    Severity.WARNING: "active",
    Severity.CRITICAL: "time-sensitive",
}
"""How a severity is shown where the configuration does not say so."""


class RepeatOptions(Options):
    """When a reminder follows; ``repeat: 1h`` is short for ``repeat: {every: 1h}``."""

    every: Annotated[Duration, Field(ge=60)] = Field(description="the time to the first reminder, a minute or more")
    factor: float = Field(1.0, ge=1, le=10, description="how many times longer each wait is than the one before")
    at_most: PositiveDuration | None = Field(None, description="the longest wait; default: no limit")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        return given if isinstance(given, dict) else {"every": given}

    def wait(self, sent: int) -> float:
        """Seconds to the next reminder, after ``sent`` of them."""
        # Bounded, since 10.0 ** 309 raises OverflowError.
        grown = self.every * self.factor ** min(sent, 64)
        return min(grown, self.at_most) if self.at_most is not None else grown


class PushOptions(Options):
    """How a rule is notified; ``push: true`` is all of the defaults."""

    short_form: ClassVar = {"enum": [True, False, "yes", "no", "on", "off"]}

    on: list[ThresholdSeverity] = Field(
        list(THRESHOLD_SEVERITIES), min_length=1, description="the severities that are notified; default: all"
    )
    title: PushText | None = Field(None, description="the bold line; a template; default: the severity and the rule")
    message: PushText | None = Field(None, description="the text below; a template; default: value and threshold")
    subtitle: PushText | None = Field(None, description="a line between title and message; a template")
    interruption_level: Level | dict[ThresholdSeverity, Level] | None = Field(
        None, description="default: time-sensitive where critical, active where a warning, passive where info"
    )
    on_resolve: Literal["replace", "push", "none"] = Field(
        "replace",
        description="replace: update the notification in place, silently; push: send a new one; none: send nothing",
    )
    channels: Channels | None = Field(None, description="default: those of the account")
    account: AccountNames | None = Field(
        None, description="who is notified: an account, or several; default: the rule's"
    )
    tags: Tags | None = Field(None, description="words that the service stores with it")
    metadata: Metadata | None = Field(None, description="shown in the app's details of the notification")
    redirection: Link | None = Field(None, description="what a tap on the notification opens")
    icon: Media | None = Field(None, description="the https address of a picture, in place of the app's icon")
    actions: Annotated[list[PushAction], Field(min_length=1, max_length=MOST_ACTIONS)] | None = Field(
        None, description="up to four buttons: each opens an address, or has the service call a webhook"
    )
    media: Media | None = Field(
        None, description="the https address of a picture, a sound or a video; not together with 'actions'"
    )
    group_by: list[str] | None = Field(
        None,
        description="labels: alerts that share them are one notification; left out, or []: all alerts of the rule; "
        '["..."]: each alert alone',
    )
    group_wait: Duration | None = Field(None, description="how long a group waits for its first alerts; default: 0s")
    group_interval: Duration | None = Field(
        None, description="the least time between two pushes about alerts that join a group; default: 5m"
    )
    repeat: RepeatOptions | None = Field(None, description="remind while it fires, like 1h; left out: never")
    delivery: Literal["at_least_once", "at_most_once"] = Field(
        "at_least_once",
        description="where an answer was cut off: send the notification again, which may show it twice, or lose it",
    )
    max_series: int = Field(
        50,
        ge=1,
        description="how many alerts a group's text names, or have a notification of their own with "
        """group_by: ["..."]; the rest is counted""",
    )

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        return {} if given is True else given

    @field_validator("group_by")
    @classmethod
    def _alone_or_by_labels(cls, given: list[str] | None) -> list[str] | None:
        if given is not None and ALONE in given and given != [ALONE]:
            raise ValueError(f"'{ALONE}' stands for all labels: leave out the others")
        return given

    @field_validator("group_wait", "group_interval")
    @classmethod
    def _grouped(cls, given: float | None, info: ValidationInfo) -> float | None:
        if given is not None and info.data.get("group_by") == [ALONE]:
            raise ValueError(f"{info.field_name} is for groups; with group_by: ['{ALONE}'] each alert is alone")
        return given

    @field_validator("actions")
    @classmethod
    def _leaves_room(cls, actions: list[PushAction] | None) -> list[PushAction] | None:
        weight = size([action.model_dump(exclude_none=True) for action in actions or ()])
        if weight > LARGEST_ACTIONS:
            raise ValueError(
                f"buttons of {weight} bytes leave too little room for the texts: {LARGEST_ACTIONS} at most"
            )
        return actions

    @field_validator("media")
    @classmethod
    def _without_actions(cls, media: str | None, info: ValidationInfo) -> str | None:
        if media is not None and info.data.get("actions"):
            raise ValueError("a notification has either 'media' or 'actions': the service refuses both")
        return media

    @property
    def is_alone(self) -> bool:
        """Whether each alert of the rule is notified alone."""
        return self.group_by == [ALONE]

    @property
    def pace(self) -> tuple[float, float]:
        """``group_wait`` and ``group_interval`` in seconds; both are 0 for a rule whose alerts are notified alone."""
        if self.is_alone:
            return 0.0, 0.0
        return (
            GROUP_WAIT if self.group_wait is None else self.group_wait,
            GROUP_INTERVAL if self.group_interval is None else self.group_interval,
        )

    def level(self, severity: Severity) -> Level:
        """How prominently a severity is shown on the phone."""
        given = self.interruption_level
        if isinstance(given, dict):
            return given.get(severity, _LEVELS[severity])
        return given or _LEVELS[severity]

    def addressed(self, content: PushContent, channels: Sequence[str] | None) -> PushContent:
        """A text with who gets it, and what goes with it. ``channels``: the account's, for a rule without its own."""
        return replace(
            content,
            channels=tuple(self.channels or channels or ()) or None,
            tags=tuple(self.tags or ()) or None,
            redirection=self.redirection,
            icon=self.icon,
            media=self.media,
            actions=tuple(action.model_dump(exclude_none=True) for action in self.actions or ()) or None,
            metadata=self.metadata,
        )

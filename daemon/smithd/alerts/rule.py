"""A rule: which metric, which thresholds, and how long they must hold. Its options, and the rule compiled. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema, field_validator, model_validator
from pydantic_core import PydanticCustomError

from smithd.alerts.condition import Threshold, Verdict, parse_threshold
from smithd.plugin.options import Duration, Options


class Severity(StrEnum):
    """How bad it is, from bad to worse."""

    WARNING = "warning"
    CRITICAL = "critical"


SEVERITIES = tuple(Severity)

ThresholdOption = Annotated[
    Threshold,
    BeforeValidator(parse_threshold),
    WithJsonSchema({"type": "string", "examples": ["> 5", "<= 0.5", "outside 10..20"]}),
]


class RuleOptions(Options):
    """The keys of a rule that decide; how it is told belongs to the surfaces."""

    metric: str = Field(description="the metric this rule watches, as source.metric; one alert for each of its series")
    warning: ThresholdOption | None = Field(None, description="values that are a warning, like '> 5'")
    critical: ThresholdOption | None = Field(None, description="values that are critical, like '> 20'")
    recover: ThresholdOption | None = Field(
        None, description="values that count as clear again, like '< 4'; default: whatever does not breach"
    )
    hold: Duration = Field(0.0, alias="for", description="how long a threshold must hold before the alert fires")
    keep_firing_for: Duration = Field(0.0, description="how long it must be clear before the alert resolves")

    @field_validator("critical")
    @classmethod
    def _critical_is_stricter(cls, critical: Threshold | None, info: ValidationInfo) -> Threshold | None:
        warning = info.data.get("warning")
        if critical is not None and warning is not None and not critical.within(warning):
            raise ValueError(
                f"critical ({critical}) must be a stricter form of warning ({warning}): "
                "there are values that would be critical without being a warning"
            )
        return critical

    @field_validator("recover")
    @classmethod
    def _recover_is_safe(cls, recover: Threshold | None, info: ValidationInfo) -> Threshold | None:
        for severity in SEVERITIES:
            threshold = info.data.get(severity)
            if recover is not None and threshold is not None and recover.meets(threshold):
                raise ValueError(
                    f"recover ({recover}) must lie on the safe side of {severity} ({threshold}): "
                    "there are values that would breach and recover at once"
                )
        return recover

    @model_validator(mode="after")
    def _has_a_threshold(self) -> RuleOptions:
        if self.warning is None and self.critical is None:
            raise PydanticCustomError("no_threshold", "a rule needs a threshold: add 'warning', 'critical' or both")
        return self


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a threshold must hold to fire, and be clear to resolve; in seconds."""

    hold: float = 0.0
    keep_firing_for: float = 0.0


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule compiled: its thresholds from the lowest severity to the highest."""

    name: str
    metric: str
    thresholds: tuple[tuple[Severity, Threshold], ...]
    recover: Threshold | None
    timing: Timing

    def verdicts(self, value: float) -> tuple[Verdict, ...]:
        """What a value means for each severity; ``recover`` belongs to the lowest."""
        found = [Verdict.BREACH if threshold.breached(value) else Verdict.CLEAR for _, threshold in self.thresholds]
        if found[0] is Verdict.CLEAR and self.recover is not None and not self.recover.breached(value):
            found[0] = Verdict.BETWEEN
        return tuple(found)

    def breaches(self, value: float) -> bool:
        """Whether the value breaches the lowest threshold: the quick question, asked for every sample."""
        return self.thresholds[0][1].breached(value)

    def threshold(self, severity: Severity) -> Threshold:
        """The threshold of a severity; KeyError where the rule has none."""
        return dict(self.thresholds)[severity]


def compile_rule(name: str, options: RuleOptions) -> Rule:
    """The rule that these options describe."""
    given: list[tuple[Severity, Any]] = [(severity, getattr(options, severity)) for severity in SEVERITIES]
    return Rule(
        name,
        options.metric,
        tuple((severity, threshold) for severity, threshold in given if threshold is not None),
        options.recover,
        Timing(options.hold, options.keep_firing_for),
    )

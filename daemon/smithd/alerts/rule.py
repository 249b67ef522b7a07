"""A rule: what it watches, which values are bad, and for how long. Its options, and the rule compiled. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema, field_validator, model_validator
from pydantic_core import PydanticCustomError

from smithd.alerts.condition import Threshold, Verdict, parse_threshold
from smithd.alerts.missing import KEEP, Missing, MissingOption, of_error, of_no_data
from smithd.alerts.relative import Relative, is_relative, parse_relative
from smithd.alerts.severity import SEVERITIES, Severity
from smithd.expression.expression import Expression
from smithd.expression.option import ExpressionOption
from smithd.plugin.options import Duration, Options
from smithd.references import MetricRef

Baselines = tuple[float | None, ...]
"""What a value is compared with, for each threshold of a rule; None where it is not relative, or nothing is known."""


def _parse_condition(given: Any) -> Threshold | Relative:
    if isinstance(given, Relative):
        return given
    return parse_relative(given) if is_relative(given) else parse_threshold(given)


ConditionOption = Annotated[
    Threshold | Relative,
    BeforeValidator(_parse_condition),
    WithJsonSchema({"type": "string", "examples": ["> 5", "<= 0.5", "outside 10..20", "drops > 20% over 1h"]}),
]


class RuleOptions(Options):
    """The keys of a rule that decide; how it is told belongs to the surfaces."""

    metric: MetricRef | None = Field(
        None, description="the metric this rule watches, as source.metric; one alert for each of its series"
    )
    warning: ConditionOption | None = Field(None, description="values that are a warning, like '> 5'")
    critical: ConditionOption | None = Field(None, description="values that are critical, like '> 20'")
    recover: ConditionOption | None = Field(
        None, description="values that count as clear again, like '< 4'; default: whatever does not breach"
    )
    min_value: float | None = Field(
        None, gt=0, description="drops and rises count only where the value was, or is, at least so large"
    )
    when: ExpressionOption | None = Field(
        None, description="an expression instead of a metric; one alert for each series that remains of it"
    )
    severity: Severity | None = Field(None, description="how bad it is when 'when' holds: warning or critical")
    hold: Duration = Field(0.0, alias="for", description="how long a threshold must hold before the alert fires")
    keep_firing_for: Duration = Field(0.0, description="how long it must be clear before the alert resolves")
    damping: Duration = Field(
        0.0, description="an alert that comes and goes resolves later each time, by this at most; default: off"
    )
    no_data: MissingOption | None = Field(
        None, description="what a missing value means: keep, ok, warning or critical, or {severity, after}"
    )
    on_error: MissingOption | None = Field(
        None, description="what a failing source means: keep, ok, warning or critical, or {severity, after}"
    )

    @field_validator("critical")
    @classmethod
    def _critical_is_stricter(
        cls, critical: Threshold | Relative | None, info: ValidationInfo
    ) -> Threshold | Relative | None:
        pair = _comparable(critical, info.data.get("warning"))
        if pair is not None and not pair[0].within(pair[1]):
            raise ValueError(
                f"critical ({critical}) must be a stricter form of warning ({info.data['warning']}): "
                "there are values that would be critical without being a warning"
            )
        return critical

    @field_validator("recover")
    @classmethod
    def _recover_is_safe(
        cls, recover: Threshold | Relative | None, info: ValidationInfo
    ) -> Threshold | Relative | None:
        given = [(severity, info.data[severity]) for severity in SEVERITIES if info.data.get(severity) is not None]
        for severity, threshold in given:
            pair = _comparable(recover, threshold)
            if pair is not None and pair[0].meets(pair[1]):
                raise ValueError(
                    f"recover ({recover}) must lie on the safe side of {severity} ({threshold}): "
                    "there are values that would breach and recover at once"
                )
        if isinstance(recover, Relative) and given and not _like(recover, given[0][1]):
            raise ValueError(f"recover ({recover}) must compare like {given[0][0]} ({given[0][1]}) does")
        return recover

    @property
    def metrics(self) -> frozenset[str]:
        """The metrics that the rule looks at."""
        return self.when.metrics if self.when is not None else frozenset([self.metric or ""])

    @model_validator(mode="after")
    def _watches_one_thing(self) -> RuleOptions:
        thresholds = [self.warning, self.critical]
        if (self.metric is None) == (self.when is None):
            raise PydanticCustomError(
                "watch", "a rule watches a 'metric' (as source.metric) or has a 'when': one of them"
            )
        if self.when is None and not any(thresholds):
            raise PydanticCustomError("no_threshold", "a rule needs a threshold: add 'warning', 'critical' or both")
        if self.when is not None and any([*thresholds, self.recover]):
            raise PydanticCustomError(
                "when", "'when' is the threshold: 'warning', 'critical' and 'recover' need a 'metric'"
            )
        if (self.when is None) != (self.severity is None):
            raise PydanticCustomError("severity", "'when' and 'severity' (warning or critical) belong together")
        if self.min_value is not None and not any(isinstance(threshold, Relative) for threshold in thresholds):
            raise PydanticCustomError("min_value", "'min_value' belongs to thresholds with drops, rises or changes")
        return self


def _comparable(
    one: Threshold | Relative | None, other: Threshold | Relative | None
) -> tuple[Threshold, Threshold] | None:
    """Two conditions as thresholds on the same number, where they are."""
    if isinstance(one, Threshold) and isinstance(other, Threshold):
        return one, other
    if isinstance(one, Relative) and _like(one, other):
        assert isinstance(other, Relative)
        return one.bound, other.bound
    return None


def _like(one: Relative, other: Threshold | Relative | None) -> bool:
    return isinstance(other, Relative) and one.compares_like(other)


@dataclass(frozen=True, slots=True)
class Remains:
    """The condition of a rule with ``when``: it breaches where the expression has a value."""

    text: str
    number: float = 0.0

    def __str__(self) -> str:
        return self.text

    @property
    def normal(self) -> str:
        """What is the case otherwise, for a person."""
        return "that it does not hold"

    def verdict(self, value: float, baseline: float | None = None) -> Verdict:  # noqa: ARG002 - as all conditions
        """There is a value."""
        return Verdict.BREACH


Condition = Threshold | Relative | Remains


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a threshold must hold to fire, and be clear to resolve; in seconds."""

    hold: float = 0.0
    keep_firing_for: float = 0.0


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule compiled: its conditions from the lowest severity to the highest.

    ``metric`` is "" where it has an expression (``when``). ``damping`` is the longest delay it may add (0: none).
    ``breached`` is the quick question, asked of every sample: whether anything but clear can come of it; None where
    only ``verdicts`` can tell.
    """

    name: str
    metric: str
    thresholds: tuple[tuple[Severity, Condition], ...]
    recover: Threshold | Relative | None
    timing: Timing
    when: Expression | None = None
    no_data: Missing = KEEP
    on_error: Missing = KEEP
    damping: float = 0.0
    breached: Callable[[float], bool] | None = field(default=None, compare=False, repr=False)

    @property
    def metrics(self) -> frozenset[str]:
        """The metrics that it looks at."""
        return self.when.metrics if self.when is not None else frozenset([self.metric])

    @property
    def reaches(self) -> list[float]:
        """For how many seconds it looks back at its metric."""
        return [condition.reference.reach for _, condition in self.thresholds if isinstance(condition, Relative)]

    def verdicts(self, value: float, baselines: Baselines = ()) -> tuple[Verdict, ...]:
        """What a value means for each severity; ``recover`` belongs to the lowest."""
        given = zip_longest(self.thresholds, baselines)
        found = [condition.verdict(value, baseline) for (_, condition), baseline in given]
        if found[0] is Verdict.CLEAR and self.recover is not None:
            baseline, lowest = baselines[0] if baselines else None, self.thresholds[0][1]
            is_small = isinstance(lowest, Relative) and baseline is not None and lowest.is_small(value, baseline)
            if not is_small and self.recover.verdict(value, baseline) is not Verdict.BREACH:
                found[0] = Verdict.BETWEEN
        return tuple(found)

    def threshold(self, severity: Severity) -> Condition:
        """The condition of a severity; KeyError where the rule has none."""
        return dict(self.thresholds)[severity]

    def missing(self, cause: str) -> Missing:
        """What missing values mean, by their cause (as in ``Alert.cause``)."""
        return self.on_error if cause.startswith("source:") else self.no_data


def compile_rule(name: str, options: RuleOptions, patience: float = 300.0) -> Rule:
    """The rule that these options describe. ``patience``: after how many seconds a series is taken for gone, unless
    the rule says so itself.
    """
    given: list[tuple[Severity, Any]] = [(severity, getattr(options, severity)) for severity in SEVERITIES]
    if options.when is not None:
        assert options.severity is not None
        given = [(options.severity, Remains(str(options.when)))]
    return Rule(
        name,
        options.metric or "",
        tuple((severity, _floored(condition, options)) for severity, condition in given if condition is not None),
        options.recover,
        Timing(options.hold, options.keep_firing_for),
        options.when,
        of_no_data(options.no_data, patience),
        of_error(options.on_error),
        options.damping,
        _quick([condition for _, condition in given if condition is not None]),
    )


def _quick(conditions: Sequence[Condition]) -> Callable[[float], bool] | None:
    """The lowest threshold is all there is to ask, where the others are stricter forms of it."""
    lowest = conditions[0]
    return lowest.breached if isinstance(lowest, Threshold) and isinstance(conditions[-1], Threshold) else None


def _floored(condition: Condition, options: RuleOptions) -> Condition:
    return condition.with_floor(options.min_value or 0.0) if isinstance(condition, Relative) else condition


def remembered_for(rules: Collection[Rule], formulas: Mapping[str, Expression]) -> dict[str, float]:
    """The metrics that rules and derived metrics look back on, and for how many seconds."""
    found: dict[str, float] = {}
    expressions = [*formulas.values(), *(rule.when for rule in rules if rule.when is not None)]
    reaches = [reach for expression in expressions for reach in expression.windows.items()]
    reaches += [(rule.metric, reach) for rule in rules for reach in rule.reaches]
    for metric, reach in reaches:
        found[metric] = max(reach, found.get(metric, 0.0))
    return found

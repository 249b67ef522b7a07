"""A rule: what it watches, which values are bad, and for how long. Its options, and the rule compiled. No I/O."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from itertools import combinations, zip_longest
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from smithd.alerts.compared_with import ComparedWith
from smithd.alerts.condition import Threshold, Verdict, parse_threshold
from smithd.alerts.machine import Timing
from smithd.alerts.missing import KEEP, MissingOption, MissingPolicy, no_data_policy, on_error_policy
from smithd.alerts.reason import Cause, CauseKind
from smithd.alerts.relative import Relative, is_relative, parse_relative
from smithd.alerts.rule_labels import LabelName, LabelValue
from smithd.alerts.severity import THRESHOLD_SEVERITIES, BySeverity, Severity, ThresholdSeverity, by_severity
from smithd.expression.expression import Expression
from smithd.expression.option import ExpressionOption
from smithd.locales import IN_ENGLISH, Language
from smithd.plugin.options import Counter, Duration, Options, PositiveDuration
from smithd.plugin.sample import Labels
from smithd.references import MetricRef

MAX_ALERTS = 1000
"""How many alerts a rule may have at once."""
REBASE_AFTER = 86400.0
"""After how many seconds a new level is normal."""

_PREDICATES = {Severity.INFO: "info", Severity.WARNING: "a warning", Severity.CRITICAL: "critical"}
"""What a value of a severity is."""

Baselines = tuple[float | None, ...]
"""What a value is compared with, for each threshold of a rule; None where it is not relative, or nothing is known."""


def parse_condition(given: Any) -> Threshold | Relative:
    """A threshold or a comparison with the past from its text; ValueError says what was expected."""
    if isinstance(given, Relative):
        return given
    return parse_relative(given) if is_relative(given) else parse_threshold(given)


ConditionOption = Annotated[
    Threshold | Relative,
    BeforeValidator(parse_condition),
    WithJsonSchema({"type": "string", "examples": ["> 5", "<= 0.5", "outside 10..20", "drops > 20% over 1h"]}),
]


class RuleOptions(Options):
    """The keys of a rule that decide whether it fires; notifications have keys of their own."""

    metric: MetricRef | None = Field(
        None, description="the metric this rule watches, as source.metric; one alert for each of its series"
    )
    info: ConditionOption | None = Field(None, description="values worth knowing and no trouble yet, like '> 3'")
    warning: ConditionOption | None = Field(None, description="values that are a warning, like '> 5'")
    critical: ConditionOption | None = Field(None, description="values that are critical, like '> 20'")
    recover: BySeverity[ConditionOption] | None = Field(
        None,
        description="values that count as clear again, like '< 4' (for the lowest severity), "
        "or {warning: '< 2', critical: '< 4'}; default: whatever does not breach",
    )
    min_value: float | None = Field(
        None, gt=0, description="drops and rises count only where the value was, or is, at least so large"
    )
    rebase_after: PositiveDuration | None = Field(
        None, description="drops and rises: what lasts longer than this is the new level, and normal; default: 1d"
    )
    when: ExpressionOption | None = Field(
        None, description="an expression instead of a metric; one alert for each series that remains of it"
    )
    severity: ThresholdSeverity | None = Field(None, description="info, warning or critical, while 'when' holds")
    hold: BySeverity[Duration] = Field(
        0.0,
        alias="for",
        description="how long a threshold must hold before the alert fires; for all severities, like 5m, "
        "or for each, like {warning: 10m, critical: 1m}",
    )
    keep_firing_for: BySeverity[Duration] = Field(
        0.0, description="how long it must be clear before the alert resolves; for all severities, or for each"
    )
    damping: Duration = Field(
        0.0, description="an alert that comes and goes resolves later each time, by this at most; default: off"
    )
    labels: dict[LabelName, LabelValue] = Field(
        {}, description="labels of the rule itself, like {team: shop}: texts, group_by and silences see them"
    )
    max_alerts: int = Field(
        MAX_ALERTS,
        ge=1,
        description="how many alerts the rule may have at once, criticals first; of the rest only the number is said",
    )
    no_data: MissingOption | None = Field(
        None, description="what a missing value means: keep, ok, info, warning or critical, or {severity, after}"
    )
    on_error: MissingOption | None = Field(
        None, description="what a failing source means: keep, ok, info, warning or critical, or {severity, after}"
    )

    @field_validator("warning", "critical")
    @classmethod
    def _is_stricter(
        cls, threshold: Threshold | Relative | None, validation: ValidationInfo
    ) -> Threshold | Relative | None:
        severity = Severity(validation.field_name or "")
        given = [(each, validation.data.get(each)) for each in THRESHOLD_SEVERITIES if each < severity]
        for milder, other in given:
            pair = _comparable(threshold, other)
            if pair is not None and not pair[0].within(pair[1]):
                raise ValueError(
                    f"{severity} ({threshold}) must be a stricter form of {milder} ({other}): "
                    f"there are values that would be {_PREDICATES[severity]} without being {_PREDICATES[milder]}"
                )
        return threshold

    @field_validator("recover", "hold", "keep_firing_for")
    @classmethod
    def _has_a_threshold(cls, given: Any, info: ValidationInfo) -> Any:
        known = _severities(info.data)
        unknown = [severity for severity in given if severity not in known] if isinstance(given, dict) else []
        # Without any, the rule itself is the mistake.
        if unknown and known:
            raise _mistake(unknown[0], f"the rule has no {unknown[0]}: expected {' or '.join(known)}")
        return given

    @field_validator("recover")
    @classmethod
    def _recover_is_safe(
        cls, recover: Threshold | Relative | dict[Severity, Threshold | Relative] | None, info: ValidationInfo
    ) -> Threshold | Relative | dict[Severity, Threshold | Relative] | None:
        thresholds = {severity: info.data[severity] for severity in _severities(info.data) if info.data.get(severity)}
        recovers = by_severity(recover, list(thresholds)[:1])
        is_short = not isinstance(recover, dict)
        for severity, leaves in recovers.items():
            name, place = ("recover", None) if is_short else (f"recover for {severity}", severity)
            for other, threshold in thresholds.items():
                pair = _comparable(leaves, threshold)
                if pair is not None and other >= severity and pair[0].meets(pair[1]):
                    raise _mistake(
                        place,
                        f"{name} ({leaves}) must lie on the safe side of {other} ({threshold}): "
                        "there are values that would breach and recover at once",
                    )
            own = thresholds.get(severity)
            if isinstance(leaves, Relative) and own is not None and not leaves.compares_like(own):
                raise _mistake(place, f"{name} ({leaves}) must compare like {severity} ({own}) does")
        for lower, higher in combinations(thresholds, 2):
            if higher in recovers and _outlasts(recovers[higher], thresholds[lower], recovers.get(lower)):
                raise _mistake(
                    higher,
                    f"recover for {higher} ({recovers[higher]}) must be met wherever it is no {lower} any more: "
                    f"there are values that would still be {higher}, and no {lower}",
                )
        return recover

    @property
    def timings(self) -> dict[Severity, Timing]:
        """How long each of its severities must hold, and be clear."""
        severities = _severities(dict(self))
        holds, keeps = by_severity(self.hold, severities), by_severity(self.keep_firing_for, severities)
        return {severity: Timing(holds.get(severity, 0.0), keeps.get(severity, 0.0)) for severity in severities}

    @property
    def metrics(self) -> frozenset[str]:
        """The metrics that the rule looks at."""
        return self.when.metrics if self.when is not None else frozenset([self.metric or ""])

    @property
    def thresholds(self) -> dict[Severity, Threshold | Relative]:
        """The thresholds on the metric by severity, the lowest first."""
        given = ((severity, getattr(self, severity)) for severity in THRESHOLD_SEVERITIES)
        return {severity: threshold for severity, threshold in given if threshold is not None}

    @property
    def severities(self) -> frozenset[Severity]:
        """The severities that it may fire at, for a value or because there is none."""
        missing = [each.severity for each in (self.no_data, self.on_error) if each is not None]
        found = {*self.thresholds, *([self.severity] if self.severity is not None else [])}
        return frozenset(found.union(Severity(each) for each in missing if each not in ("keep", "ok")))

    @model_validator(mode="after")
    def _watches_one_thing(self) -> RuleOptions:
        thresholds = list(self.thresholds.values())
        if (self.metric is None) == (self.when is None):
            raise PydanticCustomError(
                "watch", "a rule watches a 'metric' (as source.metric) or has a 'when': one of them"
            )
        if self.when is None and not thresholds:
            raise PydanticCustomError("no_threshold", "a rule needs a threshold: 'info', 'warning' or 'critical'")
        if self.when is not None and any([*thresholds, self.recover]):
            raise PydanticCustomError(
                "when", "'when' is the threshold: 'info', 'warning', 'critical' and 'recover' need a 'metric'"
            )
        if (self.when is None) != (self.severity is None):
            raise PydanticCustomError("severity", "'when' and 'severity' (info, warning or critical) belong together")
        if self.min_value is not None and not any(isinstance(threshold, Relative) for threshold in thresholds):
            raise PydanticCustomError("min_value", "'min_value' belongs to thresholds with drops, rises or changes")
        if self.rebase_after is not None and not any(isinstance(threshold, Relative) for threshold in thresholds):
            raise PydanticCustomError(
                "rebase_after", "'rebase_after' belongs to thresholds with drops, rises or changes"
            )
        return self


def _mistake(severity: Severity | None, message: str) -> ValueError:
    """A mistake in an option; where that is a mapping by severity, at this one of it."""
    if severity is None:
        return ValueError(message)
    problem = PydanticCustomError("by_severity", "{message}", {"message": message})
    details = InitErrorDetails(type=problem, loc=(str(severity),), input=None)
    return ValidationError.from_exception_data("by_severity", [details])


def _severities(given: Mapping[str, Any]) -> list[Severity]:
    """Those that a rule with these options has a condition for, lowest first."""
    if given.get("when") is not None:
        return [given["severity"]] if given.get("severity") is not None else []
    return [severity for severity in THRESHOLD_SEVERITIES if given.get(severity) is not None]


def _outlasts(recover: Threshold | Relative, lower: Threshold | Relative, leaves: Threshold | Relative | None) -> bool:
    """Whether some value ends a lower severity (its threshold, and its own ``recover``), and not the higher one that
    has ``recover``.
    """
    pair = _comparable(recover, lower)
    if pair is None:
        return False
    ends, threshold = pair
    left = _comparable(leaves, lower)
    conditions = [ends, threshold, *(left[:1] if left is not None else ())]
    bounds = {bound for each in conditions for part in each.intervals for bound in (part.low, part.high)}
    # Between two bounds all values are alike, so those at the bounds and next to them are enough.
    values = {
        near for bound in bounds for near in (bound, *(math.nextafter(bound, to) for to in (-math.inf, math.inf)))
    }
    return any(
        not ends.breached(value) and (left[0].breached(value) if left is not None else not threshold.breached(value))
        for value in values
        if math.isfinite(value)
    )


def _comparable(
    one: Threshold | Relative | None, other: Threshold | Relative | None
) -> tuple[Threshold, Threshold] | None:
    """Two conditions as thresholds on the same number, where they are."""
    if isinstance(one, Threshold) and isinstance(other, Threshold):
        return one, other
    if isinstance(one, Relative) and one.compares_like(other):
        assert isinstance(other, Relative)
        return one.bound, other.bound
    return None


@dataclass(frozen=True, slots=True)
class ExpressionCondition:
    """The condition of a rule with ``when``: it breaches where the expression has a value."""

    text: str
    number: float = 0.0

    def __str__(self) -> str:
        return self.text

    def normal(self, language: Language = IN_ENGLISH) -> str:  # noqa: ARG002 - thresholds have numbers
        """What is the case otherwise, for a person."""
        return "that it does not hold"

    def verdict(self, value: float, baseline: float | None = None) -> Verdict:  # noqa: ARG002 - as all conditions
        """There is a value."""
        return Verdict.BREACH


Condition = Threshold | Relative | ExpressionCondition


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule compiled: its conditions from the lowest severity to the highest.

    ``metric`` is "" where it has an expression (``when``). ``recover`` has the second threshold of the severities that
    have one. ``damping`` is the longest delay it may add (0: none). ``max_alerts``: how many alerts it has at most.
    ``rebase_after``: how many seconds a departure from the past lasts before it is normal. ``zone``: whose days
    "yesterday" counts.
    ``breached`` is asked of every sample first: whether it can be anything but clear; None where only ``verdicts`` can
    tell. ``clear_when_empty``: those of its metrics whose series are clear, not missing, where a complete answer lacks
    them.
    """

    name: str
    metric: str
    thresholds: tuple[tuple[Severity, Condition], ...]
    recover: Mapping[Severity, Threshold | Relative]
    timings: Mapping[Severity, Timing]
    when: Expression | None = None
    no_data: MissingPolicy = KEEP
    on_error: MissingPolicy = KEEP
    damping: float = 0.0
    max_alerts: int = MAX_ALERTS
    rebase_after: float = REBASE_AFTER
    zone: tzinfo = UTC
    labels: Labels = ()
    breached: Callable[[float], bool] | None = field(default=None, compare=False, repr=False)
    clear_when_empty: frozenset[str] = frozenset()

    @property
    def metrics(self) -> frozenset[str]:
        """The metrics that it looks at."""
        return self.when.metrics if self.when is not None else frozenset([self.metric])

    @property
    def references(self) -> list[ComparedWith]:
        """What its values are compared with, where they are compared with the past."""
        return [condition.reference for _, condition in self.thresholds if isinstance(condition, Relative)]

    @property
    def compares_newest(self) -> bool:
        """Whether its newest value stands beside the baseline of an alert: not where that has moved on since."""
        return all(reference.freezes and not reference.counter for reference in self.references)

    @property
    def is_on_counter(self) -> bool:
        """Whether it compares increases of a counter."""
        return any(reference.counter for reference in self.references)

    @property
    def lowest(self) -> Severity:
        """The lowest severity that it has a threshold for."""
        return self.thresholds[0][0]

    @property
    def fires_when_missing(self) -> bool:
        """Whether missing values are an alert of their own."""
        return self.no_data.severity is not None or self.on_error.severity is not None

    def seen_labels(self, labels: Labels) -> dict[str, str]:
        """An alert's labels and those of its rule, as texts, groups and silences see them; ``labels``: its own."""
        return {**dict(labels), **dict(self.labels)}

    def verdicts(self, value: float, baselines: Baselines = ()) -> tuple[Verdict, ...]:
        """What a value means for each severity."""
        if not baselines and not self.recover:
            return tuple([condition.verdict(value) for _, condition in self.thresholds])
        found = []
        for (severity, condition), baseline in zip_longest(self.thresholds, baselines):
            verdict, recover = condition.verdict(value, baseline), self.recover.get(severity)
            # What is too small to matter has recovered, however it changed.
            is_small = isinstance(condition, Relative) and baseline is not None and condition.is_small(value, baseline)
            if verdict is Verdict.CLEAR and recover is not None and not is_small:
                verdict = verdict if recover.verdict(value, baseline) is Verdict.BREACH else Verdict.BETWEEN
            found.append(verdict)
        return tuple(found)

    def threshold(self, severity: Severity) -> Condition:
        """The condition of a severity; KeyError where the rule has none."""
        return dict(self.thresholds)[severity]

    def missing(self, cause: Cause) -> MissingPolicy:
        """What missing values mean, by their cause."""
        return self.on_error if cause.kind is CauseKind.SOURCE_FAILING else self.no_data


def compile_rule(
    name: str,
    options: RuleOptions,
    expires_after: float = 300.0,
    zone: tzinfo = UTC,
    counter: Counter = False,
    clear_when_empty: frozenset[str] = frozenset(),
) -> Rule:
    """The rule that these options describe. ``expires_after``: after how many seconds a missing series has
    expired, unless the rule says so itself. ``zone``: that of its metric; ``counter``: whether that is one.
    ``clear_when_empty``: as in the rule.
    """
    thresholds: list[tuple[Severity, Any]] = list(options.thresholds.items())
    if options.when is not None:
        assert options.severity is not None
        thresholds = [(options.severity, ExpressionCondition(str(options.when)))]
    lowest = thresholds[0][1]
    floor = options.min_value or 0.0
    # Each threshold is a stricter form of those below it: a value that does not breach the lowest breaches none.
    is_plain = all(isinstance(condition, Threshold) for _, condition in thresholds)
    return Rule(
        name,
        options.metric or "",
        tuple(
            (severity, each.on(counter, floor) if isinstance(each, Relative) else each) for severity, each in thresholds
        ),
        by_severity(options.recover, [thresholds[0][0]]),
        options.timings,
        options.when,
        no_data_policy(options.no_data, expires_after),
        on_error_policy(options.on_error),
        options.damping,
        options.max_alerts,
        options.rebase_after or REBASE_AFTER,
        zone,
        tuple(sorted(options.labels.items())),
        lowest.breached if is_plain else None,
        clear_when_empty,
    )


def remembered_for(rules: Collection[Rule], formulas: Mapping[str, Expression]) -> dict[str, float]:
    """The metrics that rules and derived metrics look back on, and for how many seconds."""
    found: dict[str, float] = {}
    expressions = [*formulas.values(), *(rule.when for rule in rules if rule.when is not None)]
    reaches = [reach for expression in expressions for reach in expression.windows.items()]
    reaches += [(rule.metric, reference.farthest) for rule in rules for reference in rule.references]
    for metric, reach in reaches:
        found[metric] = max(reach, found.get(metric, 0.0))
    return found

"""What surfaces can show of what they name: one series of a metric, and a severity that a rule has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce
from operator import getitem
from typing import Any

from smithd.alerts.severity import Severity
from smithd.config.model import File, RuleConfig
from smithd.config.partial import is_complete
from smithd.config.validator import Validator
from smithd.config.yaml.positions import Path
from smithd.poll.registry import SourceSpec
from smithd.references import ReferenceKind, references
from smithd.surfaces.activity.options import ActivityOptions
from smithd.surfaces.badge import BadgeOptions
from smithd.surfaces.widget import WidgetOptions

_AGGREGATE = "expected one value, as an expression makes it: sum({0}), max({0})"
_ROW = f"{_AGGREGATE}; or 'each' and 'by', for a row of each series"


def check(validator: Validator, file: File, sources: Mapping[str, SourceSpec]) -> None:
    """Report what can never be shown. ``file`` may be partial: what is UNKNOWN in it is reported already."""
    _check_series(validator, file, sources)
    _check_severities(validator, file)


def _check_series(validator: Validator, file: File, sources: Mapping[str, SourceSpec]) -> None:
    """Report what shows one value of a metric that has several by its options. Of others, like a query in PromQL, only
    an answer can say that.
    """
    several = {
        f"{spec.name}.{name}"
        for spec in sources.values()
        for name, settings in spec.metric_settings.items()
        if settings.has_series
    }
    for path, metric, expected in _shown_alone(file):
        if metric in several and validator.is_known(path):
            message = f"{metric} has several series, and one value is shown here"
            validator.report_at(path, message, expected=expected.format(metric))


def _shown_alone(file: File) -> Iterator[tuple[Path, str, str]]:
    """The metrics of which one value is shown: where, which, and what to write instead."""
    for key, widget in file.widgets.items():
        if isinstance(widget, WidgetOptions) and widget.value is not None and widget.pick is None:
            yield ("widgets", key, "value"), widget.value, "expected 'pick', too: max, min, sum or first of them"
    if isinstance(file.badge, BadgeOptions):
        yield ("badge", "value"), file.badge.value, _AGGREGATE
    for key, activity in file.live_activities.items():
        if isinstance(activity, ActivityOptions) and is_complete(activity):
            for path, metric in activity.single_metrics.items():
                # Only a row stands in a list.
                is_row = any(isinstance(step, int) for step in path)
                yield ("live_activities", key, *path), metric, _ROW if is_row else _AGGREGATE


def _check_severities(validator: Validator, file: File) -> None:
    """Report ``{rule: severity}`` where the rule never fires that severely."""
    for key, activity in file.live_activities.items():
        if not isinstance(activity, ActivityOptions) or not is_complete(activity):
            continue
        for named in references(activity, ("live_activities", key)):
            rule = file.rules.get(named.name) if named.kind is ReferenceKind.RULE and named.is_key else None
            if not isinstance(rule, RuleConfig) or not is_complete(rule) or not rule.severities:
                continue
            plain: Any = validator.data
            least, worst = Severity(reduce(getitem, named.path, plain)), max(rule.severities)
            if worst < least:
                message = f"the rule '{named.name}' never fires at {least}"
                validator.report_at(named.path, message, expected=f"its worst severity is {worst}")

"""Metrics of which a series is clear where an answer lacks it: what contradicts that, and what to say of it."""

from __future__ import annotations

from collections.abc import Mapping

from smithd.config.model import Config, File, RuleConfig
from smithd.config.validator import Validator
from smithd.expression.derived import base_metrics
from smithd.plugin.options import Empty
from smithd.poll.isolation import MetricSettings
from smithd.poll.registry import SourceSpec


def check(validator: Validator, file: File, sources: Mapping[str, SourceSpec]) -> None:
    """Report each ``no_data`` of a rule none of whose metrics can be missing. ``file`` may be partial."""
    settings = _settings(sources)
    written = {name for name, each in settings.items() if each.empty is Empty.CLEAR and each.empty_advice is None}
    for name, rule in file.rules.items():
        if isinstance(rule, RuleConfig) and rule.no_data is not None and rule.metrics and rule.metrics <= written:
            metrics = ", ".join(sorted(rule.metrics))
            message = f"an empty answer means clear here: {metrics} has 'empty: clear'"
            validator.report_at(("rules", name, "no_data"), message, expected="use on_error", at_key=True)


def advise(validator: Validator, config: Config) -> None:
    """Warn of the metrics that are clear by default, and of the rules whose ``no_data`` makes them missing."""
    settings, inputs = _settings(config.sources), base_metrics(config.derived)
    clear = {name: each.empty_advice for name, each in settings.items() if each.empty_advice is not None}
    used: set[str] = set()
    for name, rule in config.rules.items():
        metrics = rule.metrics.union(*(inputs.get(metric, ()) for metric in rule.metrics)) & clear.keys()
        if rule.no_data is None:
            used |= metrics
        elif metrics:
            which = ", ".join(sorted(metrics))
            message = f"the query of {which} filters, and what it leaves out is missing for this rule, not clear"
            validator.warn(("rules", name, "no_data"), f"{message}: without 'no_data' it would be clear")
    for metric in sorted(used):
        source, _, name = metric.partition(".")
        validator.warn(("sources", source, "metrics", name), f"{metric}: {clear[metric]}")


def _settings(sources: Mapping[str, SourceSpec]) -> dict[str, MetricSettings]:
    return {f"{spec.name}.{name}": each for spec in sources.values() for name, each in spec.metric_settings.items()}

"""The rules of one configuration, by what concerns them. No I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from smithd.alerts.rule import Rule

RulesByMetric = Mapping[str, tuple[Rule, ...]]


@dataclass(frozen=True, slots=True)
class RuleSet:
    """``plain``: the rules on a metric; ``expressions``: those whose expression names it; ``when_missing``: the plain
    ones for which missing data is an alert of its own; ``when_empty``: the plain ones for which a series that an answer
    lacks is clear. ``metrics_of``: the metrics of rules that come from a source.
    """

    by_name: Mapping[str, Rule]
    plain: RulesByMetric
    expressions: RulesByMetric
    when_missing: RulesByMetric
    when_empty: RulesByMetric
    metrics_of: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(
        cls,
        rules: Mapping[str, Rule],
        sources_of: Callable[[str], Collection[str]],
    ) -> RuleSet:
        """These rules, by their names. ``sources_of``: the sources that a metric comes from."""
        plain = [rule for rule in rules.values() if rule.when is None]
        expressions = [rule for rule in rules.values() if rule.when is not None]
        metrics_of: dict[str, list[str]] = defaultdict(list)
        for metric in sorted({metric for rule in rules.values() for metric in rule.metrics}):
            for source in sources_of(metric):
                metrics_of[source].append(metric)
        return cls(
            dict(rules),
            _by_metric(plain),
            _by_metric(expressions),
            _by_metric(rule for rule in plain if rule.fires_when_missing),
            _by_metric(rule for rule in plain if rule.clear_when_empty),
            {source: tuple(metrics) for source, metrics in metrics_of.items()},
        )

    def on_metrics(self, metrics: Iterable[str]) -> list[Rule]:
        """The rules whose expressions name one of these metrics."""
        return list({rule.name: rule for metric in metrics for rule in self.expressions.get(metric, ())}.values())


def _by_metric(rules: Iterable[Rule]) -> RulesByMetric:
    found: dict[str, list[Rule]] = defaultdict(list)
    for rule in rules:
        for metric in rule.metrics:
            found[metric].append(rule)
    return {metric: tuple(those) for metric, those in found.items()}

"""Warns of what is no mistake, but may not do what is expected: budgets, slots, and how iOS shows it. No I/O."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from math import ceil
from typing import NamedTuple

from smithd.alerts.relative import Relative
from smithd.alerts.severity import THRESHOLD_SEVERITIES
from smithd.config import expressions
from smithd.config.model import Config, RuleConfig
from smithd.config.validator import Validator
from smithd.config.yaml.positions import Path, locate
from smithd.expression.derived import base_metrics
from smithd.expression.expression import Expression
from smithd.expression.option import InlineMetric
from smithd.formatting import duration
from smithd.poll.schedule import period
from smithd.surfaces.activity.options import THROTTLED_UPDATES, ActivityOptions
from smithd.surfaces.slots.demand import FOLD_KEY
from smithd.surfaces.widget import WidgetOptions

SHORTEST_USEFUL_INTERVAL = 60.0
"""iOS fetches widgets about every 15 minutes, so a value that is sent more often than every minute is never seen."""


class Demand(NamedTuple):
    """Requests a minute that count against one of the service's limits, with one series each.

    ``steady``: while no alert fires and every value changes with every poll; ``worst``: when every alert fires and
    resolves as fast as it can.
    """

    family: str
    steady: float
    worst: float
    limit: int


def demands(config: Config) -> list[Demand]:
    """What this configuration asks of each family of limits."""
    config = _known(config)
    limits = config.account.limits
    pace = _Pace(config)
    widgets = sum(pace.widget(widget) for widget in config.widgets.values())
    activities = list(config.live_activities.values())
    # Only as many as there are slots are shown at once: those that change most often are counted.
    steady = sorted((pace.updates(each) for each in activities if each.is_always_shown), reverse=True)
    worst = sorted((pace.changes(each) for each in activities), reverse=True)
    slots = limits.live_activities_at_once
    pushes = sum(pace.pushes(rule) for rule in config.rules.values() if rule.push is not None)
    return [
        Demand("notifications", 0.0, pushes, limits.notifications_per_minute),
        Demand("Live Activities", sum(steady[:slots]), sum(worst[:slots]), limits.live_activities_per_minute),
        Demand("widget values", widgets, widgets, limits.metrics_per_minute),
    ]


def _known(config: Config) -> Config:
    """The configuration without the rules and surfaces that are not known because a secret is missing."""
    if not config.unknown:
        return config
    unknown = {path[:2] for path in config.unknown}
    return replace(
        config,
        rules={name: rule for name, rule in config.rules.items() if ("rules", name) not in unknown},
        widgets={key: widget for key, widget in config.widgets.items() if ("widgets", key) not in unknown},
        live_activities={
            key: activity for key, activity in config.live_activities.items() if ("live_activities", key) not in unknown
        },
    )


class _Pace:
    """How often things change, in times a minute."""

    def __init__(self, config: Config) -> None:
        self._rules = config.rules
        self._sources = config.sources
        self._derived = base_metrics(config.derived)

    def polls(self, metrics: Iterable[str | None]) -> float:
        return max((self._polled(metric) for metric in metrics if metric), default=0.0)

    def interval(self, metrics: Iterable[str | None]) -> float:
        """The seconds between two polls of that one of these metrics which is polled most often; 0: not known."""
        polls = self.polls(metrics)
        return 60 / polls if polls else 0.0

    def _polled(self, metric: str) -> float:
        if metric in self._derived:
            return self.polls(self._derived[metric])
        source, _, name = metric.partition(".")
        spec = self._sources.get(source)
        return 60 / period(spec.schedule, 0.0) if spec is not None and name in spec.metrics else 0.0

    def widget(self, widget: WidgetOptions) -> float:
        """Routine updates. A text about everything changes when some alert does."""
        polls = self.polls([widget.value]) if widget.value is not None else self._rule_polls(self._rules)
        return min(polls, 60 / widget.min_interval) if widget.min_interval else polls

    def updates(self, activity: ActivityOptions) -> float:
        return min(self.polls(activity.dependencies.metrics), 60 / activity.update_every)

    def changes(self, activity: ActivityOptions) -> float:
        """Changes of meaning are sent at once: one for each poll of a rule that colours or shows the activity."""
        depends = activity.dependencies
        return max(self._rule_polls(self._rules if depends.all_rules else depends.rules), self.updates(activity))

    def _rule_polls(self, names: Iterable[str]) -> float:
        """How often one of these rules is evaluated."""
        return self.polls(chain.from_iterable(self._rules[name].metrics for name in names if name in self._rules))

    def pushes(self, rule: RuleConfig) -> float:
        """One on firing and one on resolving, at most with every poll and not before the rule's times have passed."""
        polls = self.polls(rule.metrics)
        least = min(timing.hold + timing.keep_firing_for for timing in rule.timings.values())
        return min(polls, 120 / least) if least else polls


def advise(validator: Validator, config: Config) -> None:
    """Add the warnings to the report."""
    config = _known(config)
    _warn_of_budgets(validator, config)

    _warn_of_freshness(validator, config)
    _warn_of_short_times(validator, config)
    _warn_of_short_absences(validator, config)
    _warn_of_short_windows(validator, config)

    limit = config.account.limits.live_activities_at_once
    always = [key for key, activity in config.live_activities.items() if activity.is_always_shown]
    if len(always) > limit:
        count = f"{len(always)} Live Activities are always shown, and {limit} fit"
        # The priority decides, then the order in the file, which a sort keeps.
        last = sorted(always, key=lambda key: -config.live_activities[key].priority)[limit:]
        folded = [key for key in last if config.live_activities[key].fold]
        rows = f" ({', '.join(folded)} as rows of {FOLD_KEY})" if folded else ""
        message = (
            f"{count}; by priority, then by the order in the file, these may have to wait: {', '.join(last)}{rows}"
        )
        validator.warn(("live_activities",), message)
    for key in config.live_activities:
        if key != key.lower():
            message = f"the stream key '{key}' has capitals: whether the service tells them apart is not documented"
            validator.warn(("live_activities", key), message)
    _warn_of_throttled(validator, config)

    for key, widget in config.widgets.items():
        if widget.min_interval < SHORTEST_USEFUL_INTERVAL:
            often = f"at most every {widget.min_interval:g} s"
            message = f"a value is sent {often}, but iOS fetches widgets about every 15 minutes: most are never seen"
            validator.warn(("widgets", key, "min_interval"), message)

    _warn_of_short_histories(validator, config)
    # Only a relative threshold compares with a baseline, so without one these two fields have no value.
    for name, rule in config.rules.items():
        if rule.push is None or any(isinstance(threshold, Relative) for threshold in rule.thresholds.values()):
            continue
        for key in ("title", "message", "subtitle"):
            text = getattr(rule.push, key)
            if empty := sorted({"baseline", "change"} & text.names) if text is not None else []:
                what = " and ".join(f"'{each}'" for each in empty)
                message = f"{what} will be empty: this rule compares nothing with the past (drops, rises, changes)"
                validator.warn(("rules", name, "push", key), message)


def places(validator: Validator, config: Config) -> dict[str, str]:
    """Where each rule that compares with a moment ago, or an average, says so, as file:line:column."""
    found: dict[str, str] = {}
    for name, rule in config.rules.items():
        for severity, threshold in rule.thresholds.items():
            if isinstance(threshold, Relative) and threshold.reference.freezes:
                found.setdefault(name, str(locate(validator.root, ("rules", name, str(severity))).anchor.start))
    return found


def _warn_of_short_histories(validator: Validator, config: Config) -> None:
    """Of rules that compare with another day, where there is none to stand in for one that is left out."""
    for name, rule in config.rules.items():
        for severity in THRESHOLD_SEVERITIES:
            threshold = getattr(rule, severity)
            if not isinstance(threshold, Relative) or threshold.reference.reach_of_two <= config.history:
                continue
            period = "day" if threshold.reference.days == 1 else "week"
            needed = math.ceil(threshold.reference.reach_of_two / 86400)
            message = (
                f"history ({duration(config.history)}) does not hold two {period}s: where it fired a {period} ago, "
                f"nothing stands in for that time, and the rule knows nothing; 'history: {needed}d' would do"
            )
            validator.warn(("rules", name, str(severity)), message)


def _warn_of_freshness(validator: Validator, config: Config) -> None:
    """Where values do not count as fresh until the next poll."""
    for name, spec in config.sources.items():
        interval = period(spec.schedule, 0.0)
        written: list[tuple[Path, float | None]] = [((), spec.fresh_for)]
        written += [(("metrics", metric), each.fresh_for) for metric, each in spec.metric_settings.items()]
        for below, seconds in written:
            if seconds is not None and seconds < interval:
                message = (
                    f"a value counts as fresh for {duration(seconds)}, and the next comes after {duration(interval)}"
                )
                validator.warn(("sources", name, *below, "fresh_for"), f"{message}: it is stale in between")


def _warn_of_short_times(validator: Validator, config: Config) -> None:
    """Of times of a rule that pass before the next poll, so that they wait for nothing."""
    pace = _Pace(config)
    for name, rule in config.rules.items():
        interval = pace.interval(rule.metrics)
        short: list[tuple[str, Path, float, str]] = []
        for key, given, effect in (
            ("for", rule.hold, "one value in breach is enough to fire"),
            ("keep_firing_for", rule.keep_firing_for, "one clear value resolves"),
        ):
            severities = given.items() if isinstance(given, dict) else [("", given)]
            short += [(key, (key, str(each)) if each else (key,), seconds, effect) for each, seconds in severities]
        # A day is never short, whatever the calendar says.
        short += [
            ("over", (str(severity),), each.reference.seconds, "it often compares a value with itself")
            for severity, each in rule.thresholds.items()
            if isinstance(each, Relative) and each.reference.freezes
        ]
        for key, below, seconds, effect in short:
            if 0 < seconds < interval:
                message = f"{key} {duration(seconds)} is less than the {duration(interval)} between polls: {effect}"
                validator.warn(("rules", name, *below), message)


def _warn_of_short_absences(validator: Validator, config: Config) -> None:
    """Of times after which a missing value counts, and that pass while the last one still counts as fresh."""
    derived = base_metrics(config.derived)
    for name, rule in config.rules.items():
        metrics = set().union(*(derived.get(metric, {metric}) for metric in rule.metrics))
        shortest = min((_fresh_for(config, metric) for metric in metrics), default=0.0)
        for key in ("no_data", "on_error"):
            given = getattr(rule, key)
            if given is not None and 0 < (given.after or 0.0) < shortest:
                fresh = f"the {duration(shortest)} for which a value counts as fresh"
                message = f"{key} {duration(given.after)} is less than {fresh}, so it has no effect"
                validator.warn(("rules", name, key, "after"), message)


def _fresh_for(config: Config, metric: str) -> float:
    """For how many seconds a value of a source's metric counts as fresh."""
    source, _, name = metric.partition(".")
    spec = config.sources.get(source)
    return spec.fresh_for_of(name, 0.0) if spec is not None else 0.0


def _warn_of_short_windows(validator: Validator, config: Config) -> None:
    """Of windows that hold one sample at most."""
    pace = _Pace(config)
    named: list[tuple[Path, Expression]] = [
        (("derived", name), formula) for name, formula in config.derived.items() if not isinstance(name, InlineMetric)
    ]
    named += [(path, metric.expression) for metric, path in expressions.inline(config).items()]
    named += [(("rules", name, "when"), rule.when) for name, rule in config.rules.items() if rule.when is not None]
    for at, expression in named:
        for metric, seconds in expression.shortest.items():
            if seconds < (interval := pace.interval([metric])):
                polls = f"{duration(interval)} between its polls"
                message = f"a window of {duration(seconds)} on {metric} is less than the {polls}"
                validator.warn(at, f"{message}: it holds one value at most")


def _warn_of_throttled(validator: Validator, config: Config) -> None:
    """What is shown for a while may be updated often; what is always shown uses up what iOS allows it."""
    pace = _Pace(config)
    for key, activity in config.live_activities.items():
        often = pace.updates(activity)
        if activity.is_always_shown and often > 60 / THROTTLED_UPDATES:
            every = f"its numbers are sent up to every {duration(60 / often)}"
            message = (
                f"{every}, and it is always shown: iOS then shows no update for about an hour, and no error says so"
            )
            validator.warn(("live_activities", key, "update_every"), message)


def _warn_of_budgets(validator: Validator, config: Config) -> None:
    places: dict[str, Path] = {"notifications": ("rules",), "Live Activities": ("live_activities",)}
    for demand in demands(config):
        # What is too much even without alerts is the graver warning, and hides the other one.
        wanted = max(demand.steady, demand.worst) if demand.steady <= demand.limit else demand.steady
        if wanted <= demand.limit:
            continue
        when = (
            "while nothing fires" if wanted == demand.steady else "if every alert fires and resolves as fast as it can"
        )
        count = f"{demand.family}: up to {ceil(wanted):,} requests a minute {when}, and {demand.limit:,} are allowed"
        validator.warn(places.get(demand.family, ("widgets",)), f"{count}; the rest is delayed")

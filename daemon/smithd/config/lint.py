"""Warns of what is no mistake, but may not do what is expected: budgets, slots, and how iOS shows it. No I/O."""

from __future__ import annotations

import math
from math import ceil

from smithd.alerts.relative import Relative
from smithd.alerts.severity import THRESHOLD_SEVERITIES
from smithd.config import expressions
from smithd.config.model import Config
from smithd.config.plan import FAMILY_NAMES, ChangePace, ConfigPlan, known, plan, shows_without_alert
from smithd.config.texts import cuts
from smithd.config.validator import Validator
from smithd.config.yaml.positions import Path, locate
from smithd.errors import Remark
from smithd.expression.derived import base_metrics
from smithd.expression.expression import Expression
from smithd.expression.option import InlineMetric
from smithd.formatting import duration
from smithd.keys import DEFAULT_ACCOUNT
from smithd.poll.schedule import period
from smithd.surfaces.activity.options import THROTTLED_UPDATES

SHORTEST_USEFUL_INTERVAL = 60.0
"""iOS fetches widgets about every 15 minutes, so a value that is sent more often than every minute is never seen."""


def advise(validator: Validator, config: Config) -> None:
    """Add the warnings to the report."""
    config = known(config)
    planned = plan(config)
    _warn_of_budgets(validator, planned)

    _warn_of_freshness(validator, config)
    _warn_of_short_times(validator, config)
    _warn_of_short_absences(validator, config)
    _warn_of_short_windows(validator, config)

    _warn_of_slots(validator, planned)
    for key in config.live_activities:
        if key != key.lower():
            message = f"the stream key '{key}' has capitals: whether the service tells them apart is not documented"
            validator.warn(("live_activities", key), message)
    _warn_of_throttled(validator, config, planned)
    for cut in cuts(config):
        validator.warn(cut.at, str(cut))

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


def places(validator: Validator, config: Config) -> dict[str, Remark]:
    """Where each rule that compares with a moment ago, or an average, says so: a remark without a text."""
    found: dict[str, Remark] = {}
    for name, rule in config.rules.items():
        for severity, threshold in rule.thresholds.items():
            if isinstance(threshold, Relative) and threshold.reference.freezes:
                start = locate(validator.root, ("rules", name, str(severity))).anchor.start
                found.setdefault(name, Remark(str(start.file), start.line + 1, start.column + 1, ""))
    return found


def lines(validator: Validator) -> dict[Path, Remark]:
    """Where each rule and surface begins, by its path: a remark without a text."""
    paths: list[Path] = [("badge",)]
    for section in ("rules", "widgets", "live_activities"):
        written = validator.data.get(section)
        paths += [(section,), *((section, name) for name in (written if isinstance(written, dict) else ()))]
    found = {path: locate(validator.root, path).anchor.start for path in paths if path[0] in validator.data}
    return {path: Remark(str(start.file), start.line + 1, start.column + 1, "") for path, start in found.items()}


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
    pace = ChangePace(config)
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
    pace = ChangePace(config)
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


def _warn_of_slots(validator: Validator, planned: ConfigPlan) -> None:
    for each in planned.slots:
        if not each.waiting_without_alert:
            continue
        whose = f" of {each.account}" if each.account != DEFAULT_ACCOUNT else ""
        count = (
            f"{len(each.without_alert)} Live Activities{whose} can be wanted while nothing fires, and {each.slots} fit"
        )
        last = ", ".join(each.waiting_without_alert)
        message = f"{count}; by priority, then by the order in the file, these may have to wait: {last}"
        validator.warn(("live_activities",), message)


def _warn_of_throttled(validator: Validator, config: Config, planned: ConfigPlan) -> None:
    """Where an activity asks for more than the usual pace, and is shown for so long that iOS does not bear it."""
    for each in planned.updates:
        activity = config.live_activities[each.stream]
        if shows_without_alert(activity.show) and not activity.goes_in_steps and each.every < THROTTLED_UPDATES:
            often = f"its numbers can change every {duration(each.every)}, {each.wanted:,.0f} times an hour"
            message = (
                f"{often}, and iOS shows about {each.shown:.0f} updates of it an hour: after the first few they wait"
            )
            validator.warn(("live_activities", each.stream, "update_every"), message)


def _warn_of_budgets(validator: Validator, planned: ConfigPlan) -> None:
    for demand in planned.demands:
        if not demand.exceeds:
            continue
        # What is too much even without alerts is the graver warning, and hides the other one.
        is_steady = demand.steady > demand.limit
        wanted = ceil(demand.steady if is_steady else demand.worst)
        when = "while nothing fires" if is_steady else "if every alert fires and resolves as fast as it can"
        whose = f" of {demand.account}" if demand.account != DEFAULT_ACCOUNT else ""
        count = f"{FAMILY_NAMES[demand.family]}{whose}: up to {wanted:,} requests a minute {when}"
        validator.warn(demand.largest or (), f"{count}, and {demand.limit:,} are allowed; the rest is delayed")

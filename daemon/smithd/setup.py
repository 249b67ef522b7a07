"""A configuration as the engine needs it: its rules, surfaces and expressions, compiled. No I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain

from smithd.alerts.rule import Rule, compile_rule, remembered_for
from smithd.alerts.ruleset import RuleSet
from smithd.config.model import Config, RuleConfig, account_names
from smithd.expression.derived import base_metrics
from smithd.keys import BadgeKey, StreamKey, WidgetKey
from smithd.notify.config import NotifyConfig, notify_config
from smithd.notify.suppression import compile_suppressors
from smithd.plugin.options import Empty
from smithd.poll.schedule import Schedule, first_answer_within, fresh_for
from smithd.series.derived import DerivedMetrics
from smithd.series.expected import Expected, ExpectedSource, source_of
from smithd.series.state import begin
from smithd.surfaces import surfaces
from smithd.surfaces.accounts import AllSurfaces
from smithd.time_window import TimeWindow, compile_window


@dataclass(frozen=True, slots=True)
class Setup:
    """One configuration, compiled. ``windows``: those of ``time_windows``, and those that stand in an activity itself;
    ``notify``: how each account is notified; ``watched``: the metrics and sources that something depends on as they
    become stale; ``history``: the metrics whose past is used, and for how many seconds; ``inputs``: the metrics that
    derived ones are computed from; ``plotted``: those whose last day is remembered for the page, and none without it.
    """

    config: Config
    expected: Expected
    derived: DerivedMetrics
    rules: RuleSet
    notify: Mapping[str, NotifyConfig]
    surfaces: AllSurfaces
    windows: Sequence[TimeWindow]
    watched: frozenset[str]
    history: Mapping[str, float]
    inputs: frozenset[str]
    plotted: frozenset[str]


def set_up(config: Config, now: float) -> Setup:
    """Compile a configuration. ``now``: from when on its sources are expected to answer."""

    # A fleet has few schedules, and calendars are slow to ask.
    @cache
    def expected_of(schedule: Schedule, timeout: float) -> ExpectedSource:
        return ExpectedSource(fresh_for(schedule, timeout, now), first_answer_within(schedule, timeout))

    inputs = base_metrics(config.derived)

    # A rule on a derived metric also depends on the metrics that this one is computed from.
    rules_on: dict[str, list[str]] = defaultdict(list)
    for name, options in config.rules.items():
        for metric in options.metrics.union(*(inputs.get(metric, ()) for metric in options.metrics)):
            rules_on[metric].append(name)

    shown = _surfaces(config, dict(rules_on))
    looked_at = shown.metrics | rules_on.keys()
    expected = Expected(
        frozenset({*looked_at, *inputs, *chain.from_iterable(inputs.values())}),
        frozenset(rules_on),
        {spec.name: expected_of(spec.schedule, spec.timeout) for spec in config.sources.values()},
        {name: frozenset(map(source_of, metrics)) for name, metrics in inputs.items()},
    )
    counters = config.counters
    fresh = _fresh_for(config, expected, inputs)
    expected = replace(expected, fresh_for=fresh, counters=frozenset(counters))
    unseen, clear = begin(expected, now), _clear_when_empty(config)
    rules = {
        name: compile_rule(
            name,
            options,
            unseen.expires_after(options.metrics),
            config.zone_of(options.metric or ""),
            counters.get(options.metric or "", False),
            _clear_for(options, clear, inputs),
        )
        for name, options in config.rules.items()
    }
    shows = [each.show for each in config.live_activities.values() if each.show != "always"]
    own = [options for show in shows for options in show.own_windows]
    own_windows = {options.text: compile_window(options.text, options, config.zone) for options in own}
    return Setup(
        config,
        expected,
        DerivedMetrics(config.derived),
        RuleSet.of(rules, expected.sources_of),
        _notify(config, rules),
        shown,
        [*config.windows, *own_windows.values()],
        looked_at | shown.sources,
        # A sample's own time may lie that far back when it comes, and it is compared with what was before it.
        {
            metric: seconds + expected.fresh_for.get(metric, 0.0)
            for metric, seconds in remembered_for(rules.values(), config.derived).items()
        },
        frozenset(chain.from_iterable(inputs.values())),
        expected.watched if config.web is not None else frozenset(),
    )


def _surfaces(config: Config, watchers: Mapping[str, Collection[str]]) -> AllSurfaces:
    """The surfaces of each account. Accounts that are the same have their slots in common."""
    names: dict[str, list[str]] = defaultdict(list)
    for account in sorted(config.accounts, key=lambda account: config.budget_of(account) != account):
        names[config.budget_of(account)].append(account)

    def of(accounts: Sequence[str], given: str | Sequence[str] | None) -> Iterator[str]:
        return (account for account in account_names(given) if account in accounts)

    found = {}
    for owner, accounts in names.items():
        limits, badge = config.accounts[owner].limits, config.badge
        found[owner] = surfaces.build(
            {WidgetKey(at, name): each for name, each in config.widgets.items() for at in of(accounts, each.account)},
            {
                StreamKey(at, name): each
                for name, each in config.live_activities.items()
                for at in of(accounts, each.account)
            },
            {BadgeKey(at): badge for at in of(accounts, badge.account)} if badge is not None else {},
            watchers,
            {account: config.accounts[account].channels for account in accounts},
            limits.live_activities_at_once,
            limits.starts_per_hour,
            limits.return_after,
            limits.updates_at_once,
        )
    return AllSurfaces(found)


def _notify(config: Config, rules: Mapping[str, Rule]) -> dict[str, NotifyConfig]:
    """How each account is notified."""
    suppressors, found = compile_suppressors(config.rules), {}
    for account, options in config.accounts.items():
        of_account = {name: each for name, each in config.rules.items() if account in each.accounts}
        pushes = {name: each.push for name, each in of_account.items() if each.push is not None}
        own = frozenset(name for name, each in of_account.items() if each.accounts[0] == account)
        found[account] = notify_config(rules, pushes, suppressors, options.channels, account, options.storm, own)
    return found


def _fresh_for(config: Config, expected: Expected, inputs: Mapping[str, Collection[str]]) -> dict[str, float]:
    """For how many seconds samples are fresh: of metrics for which it is configured, and derived ones."""
    found: dict[str, float] = {}
    for spec in config.sources.values():
        usual = expected.sources[spec.name].fresh_for if spec.fresh_for is None else spec.fresh_for
        if spec.fresh_for is not None:
            found |= {f"{spec.name}.{metric}": usual for metric in spec.metrics}
        for metric, each in spec.metric_settings.items():
            longer = max(usual, each.least_fresh_for)
            found[f"{spec.name}.{metric}"] = longer if each.fresh_for is None else each.fresh_for
    for name, metrics in inputs.items():
        if not found.keys().isdisjoint(metrics):
            found[name] = max(found.get(metric, expected.of(source_of(metric)).fresh_for) for metric in metrics)
    return found


def _clear_when_empty(config: Config) -> dict[str, bool]:
    """The metrics whose series are clear, and not missing, where a complete answer lacks them; True for those that are
    so by default only.
    """
    return {
        f"{spec.name}.{name}": each.empty_advice is not None
        for spec in config.sources.values()
        for name, each in spec.metric_settings.items()
        if each.empty is Empty.CLEAR
    }


def _clear_for(options: RuleConfig, clear: Mapping[str, bool], inputs: Mapping[str, Collection[str]]) -> frozenset[str]:
    """Those of a rule's metrics: its ``no_data`` decides instead of a default. A derived one is clear where all that it
    is derived from is.
    """
    counts = {metric for metric, by_default in clear.items() if not by_default or options.no_data is None}
    return frozenset(metric for metric in options.metrics if counts.issuperset(inputs.get(metric) or (metric,)))

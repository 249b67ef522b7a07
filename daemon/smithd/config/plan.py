"""The plan: what a configuration asks of the service and of the phone, worked out before it runs. No I/O.

**Requests a minute**, by account and family. ``steady`` is the average while nothing fires and every value changes with
every poll. ``worst`` is the minute with the most requests: all alerts fire in it, and resolve and fire again as fast as
their times let them (``for``, ``keep_firing_for``, ``damping``, the next poll). Every rule has one series, nothing is
suppressed, and everything is accepted; a rule with many series has more notifications only where ``group_by`` says so.

**Slots**: the Live Activities that can be wanted at once, and which of them wait or are folded.

**Updates**: how often what a Live Activity shows can change, against what iOS shows of it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from smithd.alerts.severity import Severity
from smithd.config.busiest_minute import MINUTE, BusyMinute, busiest_minute
from smithd.config.model import Config, RuleConfig, account_names
from smithd.contract.endpoint import Family
from smithd.delivery.account import AccountOptions, Limits
from smithd.expression.derived import base_metrics
from smithd.notify.decide import UPDATE_INTERVAL
from smithd.notify.options import PushOptions
from smithd.outbox.update_budget import REFILL
from smithd.poll.schedule import period
from smithd.references import Path
from smithd.surfaces.activity.options import ActivityOptions
from smithd.surfaces.activity.show import Show, ShowOptions
from smithd.surfaces.badge import BadgeOptions, Counted
from smithd.surfaces.folding import UPDATE_EVERY
from smithd.surfaces.widget import WidgetOptions

HOUR = 3600.0

FAMILY_NAMES = {
    Family.NOTIFICATIONS: "notifications",
    Family.BADGES: "badges",
    Family.LIVE_ACTIVITIES: "Live Activities",
    Family.METRICS: "widget values",
}
"""What a person calls the families of limits."""

WIDGETS_FETCHED_EVERY = 900.0
"""Seconds after which iOS asks for the values of widgets again, about (contract section 10)."""


class Share(NamedTuple):
    """Requests a minute that one rule or surface causes. ``at``: where it stands in the file."""

    at: Path
    family: Family
    steady: float
    worst: float


class Demand(NamedTuple):
    """Requests a minute that count against one of the service's limits. ``largest``: where what causes most of them
    stands in the file (None: there are none).
    """

    account: str
    family: Family
    steady: float
    worst: float
    limit: int
    largest: Path | None = None

    @property
    def exceeds(self) -> bool:
        """Whether more is wanted than is allowed for longer than a moment: widgets that are late for a minute by a
        change of many at once are not worth a word.
        """
        return self.steady > self.limit or (self.family is not Family.METRICS and self.worst > self.limit)


class SlotPlan(NamedTuple):
    """An account's Live Activities, the first first. ``without_alert``: those that can be wanted while nothing fires;
    ``shown``, ``folded``, ``waiting``: all of them, if all are wanted while every alert fires.
    ``waiting_without_alert``: those of the first that find no slot, and are not folded.
    """

    account: str
    slots: int
    without_alert: tuple[str, ...]
    waiting_without_alert: tuple[str, ...]
    shown: tuple[str, ...]
    folded: tuple[str, ...]
    waiting: tuple[str, ...]

    @property
    def wanted(self) -> int:
        """How many can be wanted at once."""
        return len(self.shown) + len(self.folded) + len(self.waiting)


class UpdatePlan(NamedTuple):
    """How often what a Live Activity shows can change, and how many updates of it iOS shows, both in an hour.
    ``every``: the seconds between two changes.
    """

    stream: str
    wanted: float
    shown: float
    every: float


class ConfigPlan(NamedTuple):
    """What a configuration asks for. ``unseen_widgets``: those that are sent more often than iOS fetches them, with how
    often in an hour.
    """

    demands: tuple[Demand, ...]
    slots: tuple[SlotPlan, ...]
    updates: tuple[UpdatePlan, ...]
    unseen_widgets: Mapping[str, float]


def plan(config: Config) -> ConfigPlan:
    """The plan of a configuration; what is not known because a secret is missing has no part in it."""
    config = known(config)
    pace = ChangePace(config)
    demands, slots = list[Demand](), list[SlotPlan]()
    for account in dict.fromkeys(map(config.budget_of, config.accounts)):
        options, shown = config.accounts[account], _shown_to(account, config)
        demands += _demands(account, options, shown, pace)
        slots.append(slot_plan(account, shown.live_activities, options.limits.live_activities_at_once, config.rules))
    updates = (_updates(key, each, pace) for key, each in config.live_activities.items())
    widgets = {key: HOUR / MINUTE * pace.widget(widget) for key, widget in config.widgets.items()}
    return ConfigPlan(
        tuple(demands),
        tuple(slots),
        tuple(each for each in updates if each.wanted > each.shown),
        {key: often for key, often in widgets.items() if often > HOUR / WIDGETS_FETCHED_EVERY},
    )


def known(config: Config) -> Config:
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


def _shown_to(account: str, config: Config) -> Config:
    """The configuration with the surfaces of an account only, and of those that are the same."""

    def is_shown(given: str | Sequence[str] | None) -> bool:
        return any(config.budget_of(name) == account for name in account_names(given))

    return replace(
        config,
        widgets={key: each for key, each in config.widgets.items() if is_shown(each.account)},
        live_activities={key: each for key, each in config.live_activities.items() if is_shown(each.account)},
        badge=config.badge if config.badge is not None and is_shown(config.badge.account) else None,
    )


class ChangePace:
    """How often values change, at most: with every poll of the sources that they come from."""

    def __init__(self, config: Config) -> None:
        self._periods = {name: period(spec.schedule, 0.0) for name, spec in config.sources.items()}
        self._metrics = {f"{name}.{metric}" for name, spec in config.sources.items() for metric in spec.metrics}
        self._derived = base_metrics(config.derived)

    def bases(self, metrics: Iterable[str]) -> frozenset[str]:
        """These metrics, those that are derived as the ones of sources that they are worked out from."""
        return frozenset[str]().union(*(self._derived.get(metric, {metric}) for metric in metrics))

    def sources(self, metrics: Iterable[str]) -> frozenset[str]:
        """The sources that are polled for these metrics."""
        return frozenset(base.partition(".")[0] for base in self.bases(metrics) & self._metrics)

    def interval(self, metrics: Iterable[str]) -> float:
        """The seconds between two polls of that one of these metrics which is polled most often; 0: not known."""
        return min((self._periods[source] for source in self.sources(metrics)), default=0.0)

    def changes(self, metrics: Iterable[str]) -> float:
        """How often in a minute one of these metrics changes, on average."""
        return sum(MINUTE / self._periods[source] for source in self.sources(metrics))

    def most_changes(self, metrics: Iterable[str]) -> int:
        """The same in the minute with most polls."""
        return sum(math.ceil(MINUTE / self._periods[source]) for source in self.sources(metrics))

    def widget(self, widget: WidgetOptions) -> float:
        """Routine updates of a widget a minute. A text about everything changes only when alerts do."""
        changes = self.changes([widget.value]) if widget.value is not None else 0.0
        return min(changes, MINUTE / widget.min_interval) if widget.min_interval else changes

    def numbers(self, activity: ActivityOptions) -> float:
        """How often in a minute an activity is to be updated because its numbers changed."""
        changes = self.changes(activity.shown_metrics)
        return changes if activity.goes_in_steps else min(changes, MINUTE / activity.update_every)


# --- Requests ---


def _demands(account: str, options: AccountOptions, config: Config, pace: ChangePace) -> Iterator[Demand]:
    rules = {name: busiest_minute(rule, pace.interval(rule.metrics)) for name, rule in config.rules.items()}
    alerts = _Alerts(config.rules, rules, pace)
    limits = options.limits
    # Colours and counts are about all rules, whichever account is notified of them.
    notified = {name: rule for name, rule in config.rules.items() if account in map(config.budget_of, rule.accounts)}
    shares = [
        *_pushes(options, notified, rules),
        *_badge(config.badge, alerts, pace),
        *_activities(config.live_activities, alerts, pace, limits),
        *(_widget(key, widget, alerts, pace) for key, widget in config.widgets.items()),
    ]
    allowed = {
        Family.NOTIFICATIONS: limits.notifications_per_minute,
        Family.BADGES: limits.badges_per_minute,
        Family.LIVE_ACTIVITIES: limits.live_activities_per_minute,
        Family.METRICS: limits.metrics_per_minute,
    }
    for family, limit in allowed.items():
        found = [share for share in shares if share.family is family]
        largest = max(found, key=lambda share: (share.worst, share.steady), default=None)
        steady, worst = sum(share.steady for share in found), sum(share.worst for share in found)
        yield Demand(account, family, steady, worst, limit, largest.at if largest is not None else None)


def _pushes(
    account: AccountOptions, rules: Mapping[str, RuleConfig], minutes: Mapping[str, BusyMinute]
) -> Iterator[Share]:
    """Those of each rule; in a storm, what is less than critical is one summary for each set of channels."""
    by_channels: dict[tuple[str, ...], list[tuple[str, PushOptions]]] = defaultdict(list)
    for name, rule in rules.items():
        if rule.push is not None:
            by_channels[tuple(rule.push.channels or account.channels or ())].append((name, rule.push))
    for pushing in by_channels.values():
        wanted = {name: minutes[name] for name, _ in pushing}
        milder = sum(each.pushes - each.criticals for each in wanted.values())
        is_storm = sum(each.pushes for each in wanted.values()) > account.storm + 1
        alone = min(milder, account.storm + 1) / milder if is_storm and milder else 1.0
        for name, each in wanted.items():
            kept = (each.pushes - each.criticals) * alone
            sent = each.criticals + kept
            replaced = each.replaced * (sent / each.pushes if is_storm and each.pushes else 1.0)
            yield Share(("rules", name), Family.NOTIFICATIONS, 0.0, sent + replaced)
        if alone < 1:
            # The summary, and the updates of its text in place.
            yield Share(("activitysmith",), Family.NOTIFICATIONS, 0.0, MINUTE / UPDATE_INTERVAL)


class _Alerts:
    """How often alerts change in their busiest minute, and which rules are on which metric."""

    def __init__(self, rules: Mapping[str, RuleConfig], minutes: Mapping[str, BusyMinute], pace: ChangePace) -> None:
        self.rules = rules
        self._changes = {name: (pace.sources(rule.metrics), minutes[name].changes) for name, rule in rules.items()}
        self._on: dict[str, list[str]] = defaultdict(list)
        for name, rule in rules.items():
            for metric in rule.metrics | pace.bases(rule.metrics):
                self._on[metric].append(name)

    def changes(self, names: Iterable[str]) -> int:
        """How often what shows these rules changes: those on the same sources change at once."""
        at_once: dict[frozenset[str], int] = defaultdict(int)
        for sources, changes in (self._changes[name] for name in names if name in self._changes):
            at_once[sources] = max(at_once[sources], changes)
        return sum(at_once.values())

    def on(self, metric: str) -> list[str]:
        """The rules on a metric, or on one that is worked out from it."""
        return self._on.get(metric, [])


def _badge(badge: BadgeOptions | None, alerts: _Alerts, pace: ChangePace) -> Iterator[Share]:
    if badge is None:
        return
    if isinstance(badge.value, Counted):
        yield Share(("badge",), Family.BADGES, 0.0, alerts.changes(alerts.rules))
    else:
        yield Share(("badge",), Family.BADGES, pace.changes([badge.value]), pace.most_changes([badge.value]))


def _widget(key: str, widget: WidgetOptions, alerts: _Alerts, pace: ChangePace) -> Share:
    steady = pace.widget(widget)
    if widget.value is None:
        worst = float(alerts.changes(alerts.rules))
        worst = min(worst, math.ceil(MINUTE / widget.min_interval)) if widget.min_interval else worst
    else:
        # A change of severity goes at once, and then the interval begins anew.
        often = math.ceil(MINUTE / widget.min_interval) if widget.min_interval else math.inf
        most = pace.most_changes([widget.value])
        worst = min(most, min(most, often) + alerts.changes(alerts.on(widget.value)))
    return Share(("widgets", key), Family.METRICS, steady, worst)


def _activities(
    activities: Mapping[str, ActivityOptions], alerts: _Alerts, pace: ChangePace, limits: Limits
) -> Iterator[Share]:
    """Only as many as there are slots are shown at once. While nothing fires, it is known which, the common one too; if
    all alerts fire, those that change most are counted, and the ends of those that make room for incidents.
    """
    slots = limits.live_activities_at_once
    calm = _places_without_alert(activities, slots)
    steady = {key: min(pace.numbers(activities[key]), _borne(activities[key])) for key in calm.shown}
    worst = {key: _most_updates(activity, alerts, pace, limits) for key, activity in activities.items()}
    busiest = sorted(worst, key=lambda key: -worst[key])[:slots]
    for key in activities:
        share = steady.get(key, 0.0), worst[key] if key in busiest else 0.0
        yield Share(("live_activities", key), Family.LIVE_ACTIVITIES, *share)
    without_alert = sum(map(len, calm))
    incidents = len(activities) - without_alert
    make_room = max(0, min(without_alert, slots) + min(incidents, slots) - slots)
    rows = frozenset[str]().union(*(activities[key].shown_metrics for key in calm.folded))
    common = min(pace.changes(rows), MINUTE / UPDATE_EVERY, MINUTE / REFILL)
    yield Share(("live_activities",), Family.LIVE_ACTIVITIES, common, make_room)


def _borne(activity: ActivityOptions) -> float:
    """How many updates of an activity's numbers a minute its budget lets go for long. Steps go beyond it."""
    return math.inf if activity.goes_in_steps else MINUTE / REFILL


def _most_updates(activity: ActivityOptions, alerts: _Alerts, pace: ChangePace, limits: Limits) -> float:
    """The requests of an activity in its busiest minute: what alerts change is sent at once."""
    on = activity.dependencies
    rules = list(alerts.rules if on.all_rules else on.rules)
    metrics = activity.shown_metrics.union(*(alerts.rules[name].metrics for name in rules if name in alerts.rules))
    numbers = pace.most_changes(activity.shown_metrics)
    if not activity.goes_in_steps:
        numbers = min(numbers, math.ceil(MINUTE / activity.update_every), limits.updates_at_once // 2)
    return min(pace.most_changes(metrics), numbers + alerts.changes(rules))


# --- Slots ---


def shows_without_alert(show: Show) -> bool:
    """Whether an activity can be wanted while nothing fires."""
    if not isinstance(show, ShowOptions):
        return True
    if show.all is not None:
        return all(map(shows_without_alert, show.all))
    return show.while_firing is None if show.any is None else any(map(shows_without_alert, show.any))


class _Places(NamedTuple):
    """Which Live Activities are shown, folded, or wait, of those that are wanted at once."""

    shown: tuple[str, ...]
    folded: tuple[str, ...]
    waiting: tuple[str, ...]


def _places(activities: Mapping[str, ActivityOptions], slots: int, ranks: Mapping[str, int]) -> _Places:
    """Which of the activities that have a rank are shown, folded, or wait, if all of them are wanted."""
    # The priority decides among equals, then the order in the file, which a sort keeps.
    ordered = sorted(ranks, key=lambda key: (-ranks[key], -activities[key].priority))
    shown, rest = ordered[:slots], ordered[slots:]
    folded = [key for key in rest if activities[key].fold]
    worst = max((ranks[key] for key in folded), default=-1)
    # The common activity has the slot of the last one that may be folded, and shows no worse incident.
    making_room = [key for key in shown if activities[key].fold and ranks[key] <= worst][-1:] if folded else []
    folded = [*making_room, *folded] if making_room else []
    shown = [key for key in shown if key not in folded]
    return _Places(tuple(shown), tuple(folded), tuple(key for key in rest if key not in folded))


def _places_without_alert(activities: Mapping[str, ActivityOptions], slots: int) -> _Places:
    """Which are shown, folded, or wait, of those that can be wanted while nothing fires."""
    return _places(activities, slots, {key: -1 for key, each in activities.items() if shows_without_alert(each.show)})


def slot_plan(
    account: str, activities: Mapping[str, ActivityOptions], slots: int, rules: Mapping[str, RuleConfig]
) -> SlotPlan:
    """Which of an account's activities are shown, folded, or wait."""
    calm = _places_without_alert(activities, slots)
    found = _places(activities, slots, {key: _worst_rank(each, rules) for key, each in activities.items()})
    without_alert = [key for key in activities if any(key in of for of in calm)]
    without_alert.sort(key=lambda key: -activities[key].priority)
    return SlotPlan(account, slots, tuple(without_alert), calm.waiting, *found)


def _worst_rank(activity: ActivityOptions, rules: Mapping[str, RuleConfig]) -> int:
    """How severe an incident it can be, by the rules that it names; -1: it is always routine."""
    severities = [severity for name in activity.dependencies.rules if name in rules for severity in rules[name].timings]
    return max((severity.rank for severity in severities if severity > Severity.INFO), default=-1)


# --- Updates ---


def _updates(key: str, activity: ActivityOptions, pace: ChangePace) -> UpdatePlan:
    often = pace.numbers(activity)
    return UpdatePlan(key, often * HOUR / MINUTE, HOUR / REFILL, MINUTE / often if often else math.inf)

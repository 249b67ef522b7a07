"""Warns of what is no mistake, but will not do what its author expects: budgets, slots, and what iOS makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

from smithd.alerts.relative import Relative
from smithd.config.model import Config, RuleConfig
from smithd.config.validator import Validator
from smithd.config.yaml.positions import Path
from smithd.expression.derived import made_of
from smithd.poll.schedule import period
from smithd.surfaces.activity import ActivityOptions, WhileFiring
from smithd.surfaces.widget import WidgetOptions

COSMETIC_UPDATES_A_MINUTE = 0.5
"""A Live Activity that only changes its numbers is updated every 120 s at most."""
SHORTEST_USEFUL_INTERVAL = 60.0
"""iOS fetches widgets about every 15 minutes; a value sent more often than every minute is seen by nobody."""


class Advice(NamedTuple):
    """A warning, and the part of the file that it is about."""

    path: Path
    message: str


class Demand(NamedTuple):
    """Requests a minute that one family of the service's limits gets: as long as all is well (``steady``: every value
    changes with every poll), and when every alert comes and goes as fast as it can (``worst``); with one series each.
    """

    family: str
    steady: float
    worst: float
    limit: int


def demands(config: Config) -> list[Demand]:
    """What this configuration asks of each family."""
    config = _known(config)
    limits = config.account.limits
    pace = _Pace(config)
    widgets = sum(pace.widget(widget) for widget in config.widgets.values())
    activities = list(config.live_activities.values())
    steady = sorted((pace.updates(each) for each in activities if each.show == "always"), reverse=True)
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
        self._metrics = {
            f"{name}.{metric}": 60 / period(source.schedule, 0.0)
            for name, source in config.sources.items()
            for metric in source.metrics
        }
        for name, metrics in made_of(config.derived).items():
            self._metrics[name] = self.polls(metrics)

    def polls(self, metrics: Iterable[str | None]) -> float:
        return max((self._metrics.get(metric, 0.0) for metric in metrics if metric), default=0.0)

    def widget(self, widget: WidgetOptions) -> float:
        """Routine updates; a widget's text about everything changes when some alert does."""
        judged = chain.from_iterable(rule.metrics for rule in self._rules.values())
        polls = self.polls([widget.value] if widget.value else judged)
        return min(polls, 60 / widget.min_interval) if widget.min_interval else polls

    def updates(self, activity: ActivityOptions) -> float:
        return min(
            self.polls(metric for row in activity.stats for metric in (row.value, row.each)), COSMETIC_UPDATES_A_MINUTE
        )

    def changes(self, activity: ActivityOptions) -> float:
        """Changes of meaning are not held back: one for each poll of a rule that colours or shows the activity."""
        rules = {row.color_by for row in activity.stats}
        if isinstance(activity.show, WhileFiring):
            rules |= set(activity.show.while_firing)
        judged = self.polls(chain.from_iterable(rule.metrics for name, rule in self._rules.items() if name in rules))
        return max(judged, self.updates(activity))

    def pushes(self, rule: RuleConfig) -> float:
        """One on firing and one on resolving: at the fastest with every poll, but not before its times have passed."""
        polls = self.polls(rule.metrics)
        held = rule.hold + rule.keep_firing_for
        return min(polls, 120 / held) if held else polls


def advise(validator: Validator, config: Config) -> None:
    """Add what is worth a warning to the report."""
    config = _known(config)
    found = [_slots(config), _budgets(config), _intervals(config), _stream_keys(config), _comparisons(config)]
    for path, message in chain.from_iterable(found):
        validator.warn(path, message)


def _comparisons(config: Config) -> Iterator[Advice]:
    for name, rule in config.rules.items():
        if rule.push is None or isinstance(rule.warning, Relative) or isinstance(rule.critical, Relative):
            continue
        for key in ("title", "message", "subtitle"):
            text = getattr(rule.push, key)
            if empty := sorted({"baseline", "change"} & text.names) if text is not None else []:
                what = " and ".join(f"'{each}'" for each in empty)
                yield Advice(
                    ("rules", name, "push", key),
                    f"{what} will be empty: this rule compares nothing with the past (drops, rises, changes)",
                )


def _slots(config: Config) -> Iterator[Advice]:
    limit, wanted = config.account.limits.live_activities_at_once, list(config.live_activities)
    if len(wanted) > limit:
        count = f"{len(wanted)} Live Activities can be wanted at once, and {limit} fit"
        last = ", ".join(wanted[limit:])
        yield Advice(("live_activities",), f"{count}; the file's order decides, so these may have to wait: {last}")


def _budgets(config: Config) -> Iterator[Advice]:
    places: dict[str, Path] = {"notifications": ("rules",), "Live Activities": ("live_activities",)}
    for demand in demands(config):
        wanted = max(demand.steady, demand.worst) if demand.steady <= demand.limit else demand.steady
        if wanted <= demand.limit:
            continue
        when = "while all is well" if wanted == demand.steady else "if every alert comes and goes as fast as it can"
        count = f"{demand.family}: up to {wanted:.0f} requests a minute {when}, and {demand.limit} are allowed"
        yield Advice(places.get(demand.family, ("widgets",)), f"{count}; the rest comes late")


def _intervals(config: Config) -> Iterator[Advice]:
    for key, widget in config.widgets.items():
        if widget.min_interval < SHORTEST_USEFUL_INTERVAL:
            often = f"at most every {widget.min_interval:g} s"
            yield Advice(
                ("widgets", key, "min_interval"),
                f"a value is sent {often}, but iOS fetches widgets about every 15 minutes: most are never seen",
            )


def _stream_keys(config: Config) -> Iterator[Advice]:
    for key in config.live_activities:
        if key != key.lower():
            message = f"the stream key '{key}' has capitals: whether the service tells them apart is not documented"
            yield Advice(("live_activities", key), message)

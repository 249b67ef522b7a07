"""Gauges: what is so at the moment of a scrape, read from the state and the read model. No I/O.

A time that is not known, or of something that is not there, is NaN: then no comparison holds, and no alert on it fires.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from prometheus_client.core import GaugeMetricFamily, Metric

from smithd.alerts.alert import Alert
from smithd.alerts.machine import Phase
from smithd.alerts.severity import Severity
from smithd.keys import SurfaceKey
from smithd.outbox.message import Priority, WidgetValue
from smithd.outbox.shown import Shown, ShownActivity, ShownBadge, ShownWidget
from smithd.outbox.state import Outbox
from smithd.outbox.worth import screen_error
from smithd.series.health import Health
from smithd.series.state import SeriesState
from smithd.setup import Setup
from smithd.state import State
from smithd.status.fill import UNSEEN, account_status, phase_of
from smithd.status.model import GateStatus
from smithd.surfaces.surface import Dependencies
from smithd.views import surfaces_view

MOST_SOURCES = 1_000
"""With more sources than this, none has series of its own."""

TURN = 200
"""Items after which others have a turn."""

PHASES = (Phase.PENDING, Phase.FIRING, Phase.RECOVERING)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What gauges are read from: frozen values, so that a thread can read them while steps go on."""

    setup: Setup
    state: State
    gates: Sequence[GateStatus]
    is_degraded: bool
    now: float


T = TypeVar("T")


def in_turns(items: Iterable[T], give_way: Callable[[], None]) -> Iterator[T]:
    """The items, with a turn for others after each ``TURN`` of them."""
    for number, item in enumerate(items, 1):
        yield item
        if number % TURN == 0:
            give_way()


def gauges(snapshot: Snapshot, give_way: Callable[[], None] = lambda: None) -> Iterator[Metric]:
    """All gauges at the moment of a snapshot. ``give_way`` is called now and then, to let others have a turn."""
    yield from _sources(snapshot, give_way)
    yield _alerts(in_turns(snapshot.state.alerts, give_way))
    yield from _accounts(snapshot)
    yield from _surfaces(snapshot, give_way)
    yield _one(
        "smithd_degraded", "Whether the state cannot be written, and smithd goes on without.", snapshot.is_degraded
    )


def _sources(snapshot: Snapshot, give_way: Callable[[], None]) -> Iterator[Metric]:
    series, sources = snapshot.state.series, snapshot.setup.config.sources
    now, started = snapshot.now, series.started
    kinds = [series.sources[name].kind(now, started) for name in in_turns(sources, give_way)]
    yield _family(
        "smithd_sources",
        "Sources by their health; those that are unseen have not answered yet.",
        ("health",),
        [((str(kind or UNSEEN),), kinds.count(kind)) for kind in (*Health, None)],
    )
    if len(sources) > MOST_SOURCES:
        return
    yield _family(
        "smithd_source_up",
        "Whether a source is up; NaN before its first answer.",
        ("source",),
        (
            ((name,), math.nan if kind is None else float(kind is Health.UP))
            for name, kind in zip(sources, kinds, strict=True)
        ),
    )
    yield _family(
        "smithd_source_last_success_timestamp_seconds",
        "When a source last answered without a failure; NaN where it has not since the start.",
        ("source",),
        (((name,), _time(series.sources[name].succeeded_at)) for name in sources),
    )


def _alerts(alerts: Iterable[Alert]) -> Metric:
    counted = Counter((phase_of(alert), _severity_of(alert)) for alert in alerts)
    return _family(
        "smithd_alerts",
        "Alerts by state and severity; of a pending one, the severity at which it would fire.",
        ("state", "severity"),
        (((phase, severity), counted[phase, severity]) for phase in PHASES for severity in Severity),
    )


def _severity_of(alert: Alert) -> Severity:
    if alert.severity is not None:
        return alert.severity
    pending = [hold.severity for hold in alert.holds if hold.phase is Phase.PENDING]
    return max(pending, default=alert.holds[0].severity if alert.holds else Severity.INFO)


def _accounts(snapshot: Snapshot) -> Iterator[Metric]:
    setup, state = snapshot.setup, snapshot.state
    view = surfaces_view(setup, state, snapshot.now)
    accounts = [account_status(setup, state, gate, view) for gate in snapshot.gates]
    budgets = [((each.name, budget.family), budget) for each in accounts for budget in each.budgets]
    yield _family(
        "smithd_budget_limit",
        "How many requests of a family may be sent in a minute.",
        ("account", "family"),
        ((place, budget.limit) for place, budget in budgets),
    )
    yield _family(
        "smithd_budget_used",
        "How many requests of a family count for its limit now.",
        ("account", "family"),
        ((place, budget.used) for place, budget in budgets),
    )
    yield _family(
        "smithd_slots_limit",
        "How many Live Activities may be on the phone at once.",
        ("account",),
        (((each.name,), each.slots) for each in accounts),
    )
    yield _family(
        "smithd_slots_used",
        "How many Live Activities are on the phone.",
        ("account",),
        (((each.name,), each.slots_used) for each in accounts),
    )
    yield _family(
        "smithd_slots_wanted",
        "How many Live Activities have a reason to be on the phone.",
        ("account",),
        (((each.name,), each.slots_wanted) for each in accounts),
    )
    lanes = {(each.name, lane.priority): lane for each in accounts for lane in each.waiting}
    places = [(each.name, priority.name.lower()) for each in accounts for priority in Priority]
    yield _family(
        "smithd_outbox_messages",
        "Messages that wait to be sent.",
        ("account", "lane"),
        ((place, lanes[place].waiting if place in lanes else 0) for place in places),
    )
    yield _family(
        "smithd_outbox_oldest_timestamp_seconds",
        "When the oldest message that waits was made; NaN where none does.",
        ("account", "lane"),
        ((place, lanes[place].oldest_at if place in lanes else math.nan) for place in places),
    )


def _surfaces(snapshot: Snapshot, give_way: Callable[[], None]) -> Iterator[Metric]:
    outbox, now = snapshot.state.outbox, snapshot.now
    is_old = cache(lambda metric: _is_old(snapshot.state.series, metric, now))
    stale = sum(
        any(map(is_old, dependencies.metrics))
        for key, dependencies in in_turns(_dependencies(snapshot.setup), give_way)
        if _is_on_phone(outbox.shown.get(key))
    )
    yield _one("smithd_surfaces_stale", "Surfaces on the phone with a metric of which no value is fresh.", stale)
    error = sum(
        screen_error(message, shown, outbox.movements.get(message.key), now)
        for message, shown in in_turns(_pending(outbox), give_way)
    )
    yield _one(
        "smithd_screen_error",
        "How far what widgets show is from what they should: in units of each, weighted by its priority.",
        error,
    )


def _dependencies(setup: Setup) -> Iterator[tuple[SurfaceKey, Dependencies]]:
    for surfaces in setup.surfaces.by_account.values():
        for key, surface in (*surfaces.always.items(), *surfaces.streams.items()):
            yield key, surface.dependencies


def _is_old(series: SeriesState, metric: str, now: float) -> bool:
    return not any(series.is_fresh(sample, now) for sample in series.samples(metric).values())


def _is_on_phone(shown: Shown | None) -> bool:
    match shown:
        case ShownWidget(value=value):
            return value is not None
        case ShownActivity(ended=ended):
            return not ended
        case ShownBadge(count=count):
            return count is not None
    return False


def _pending(outbox: Outbox) -> Iterator[tuple[WidgetValue, ShownWidget | None]]:
    """The values of widgets that the phone does not show yet, each with what it shows."""
    for key, queued in outbox.waiting.items():
        if isinstance(queued.message, WidgetValue):
            claim = outbox.claimed.get(key)
            shown = outbox.shown.get(key) if claim is None else claim.before
            yield queued.message, shown if isinstance(shown, ShownWidget) else None
    for key, claim in outbox.claimed.items():
        message = claim.queued.message
        if key not in outbox.waiting and isinstance(message, WidgetValue):
            yield message, claim.before if isinstance(claim.before, ShownWidget) else None


def _family(
    name: str, meaning: str, labels: Sequence[str], values: Iterable[tuple[Sequence[str], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, meaning, labels=labels)
    for of_labels, value in values:
        family.add_metric(of_labels, value)
    return family


def _one(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, value=float(value))


def _time(at: float | None) -> float:
    return math.nan if at is None else at

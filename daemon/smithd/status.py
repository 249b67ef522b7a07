"""The read model of the running daemon: what it knows now, as plain frozen values. No I/O.

``status`` fills it from the engine's state and from what only the runtime knows; times are seconds since 1970.
``as_json`` is the same for JSON, with times in a zone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime, tzinfo
from typing import Any

from smithd.alerts.alert import Alert
from smithd.delivery.delivery import AccountDelivery
from smithd.delivery.sentences import why
from smithd.keys import BadgeKey, StreamKey, SurfaceKey, WidgetKey
from smithd.outbox.message import Priority, Push, PushUpdate
from smithd.outbox.shown import ShownActivity, ShownBadge, ShownWidget
from smithd.series.state import Freshness
from smithd.setup import Setup
from smithd.state import State
from smithd.storage.degraded import CommitHealth
from smithd.surfaces.surface import rank_text
from smithd.views import notify_view, suppressed_of, surfaces_view

UNSEEN = Freshness.UNSEEN.value


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """``health``: up, failing, silent, or unseen before the first answer is due; since when, and why.
    ``put_off_until``: it is not polled before, since it fails or asked to wait; None: it is polled when it is due.
    """

    name: str
    health: str
    since: float | None
    reason: str
    answered_at: float | None
    polls_skipped: int
    answers_dropped: int
    put_off_until: float | None = None


@dataclass(frozen=True, slots=True)
class AlertStatus:
    """An alert that is not inactive. ``state``: pending, firing or recovering; ``suppressed``: the reason, or ""."""

    rule: str
    labels: Mapping[str, str]
    state: str
    severity: str | None
    since: float
    value: float | None
    suppressed: str
    suppressed_until: float | None


@dataclass(frozen=True, slots=True)
class RuleStatus:
    """How many alerts of a rule fire and are pending. ``problem``: why its expression cannot be evaluated, or ""."""

    name: str
    firing: int
    pending: int
    problem: str


@dataclass(frozen=True, slots=True)
class SurfaceStatus:
    """``shown``: the value of a widget, or the title of a Live Activity; None where nothing is. ``waiting``: a message
    waits or is in flight. ``reason``: why there is no desired state, or "". Of a Live Activity, ``rank`` decides about
    its slot, and one that waits may start at ``may_start_at`` at the earliest (None: when something changes).
    """

    kind: str
    account: str
    name: str
    shown: str | float | None
    shown_at: float | None
    waiting: bool
    has_slot: bool
    reason: str
    rank: str = ""
    may_start_at: float | None = None


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """The messages of one priority that wait; ``oldest_at``: when the oldest was made."""

    priority: str
    waiting: int
    oldest_at: float


@dataclass(frozen=True, slots=True)
class RefusedStatus:
    """A notification that the service refuses, and why. It waits until ``retry_at``, or until its alert ends."""

    notification: str
    title: str
    reason: str
    retry_at: float


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """The requests of one family that count for its limit in a minute now."""

    family: str
    used: int
    limit: int


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """``reachable_since``: since when it is, or is not, None before the first request; ``next_probe_at``: when it is
    tried again where it is not, None: now. ``blocked``: what is blocked, and until when it is tried.
    """

    name: str
    reachable: bool
    reachable_since: float | None
    next_probe_at: float | None
    blocked: Mapping[str, float]
    budgets: Sequence[BudgetStatus]
    slots_used: int
    slots: int
    waiting: Sequence[LaneStatus]
    in_flight: int
    refused: Sequence[RefusedStatus]


@dataclass(frozen=True, slots=True)
class StateStatus:
    """``degraded``: steps are applied without a commit; ``failing_since`` and ``reason``: commits fail.
    ``entries_waiting``: how many wait for a step.
    """

    path: str
    degraded: bool
    failing_since: float | None
    reason: str
    committed_at: float
    entries_waiting: int


@dataclass(frozen=True, slots=True)
class ReloadStatus:
    """The last reload; ``refused``: why the configuration was not taken, or ""."""

    reloaded_at: float
    refused: str


@dataclass(frozen=True, slots=True)
class Status:
    """Everything, at ``at``."""

    at: float
    timezone: str
    version: str
    started_at: float
    configuration: str
    degraded: bool
    last_reload: ReloadStatus | None
    sources: Sequence[SourceStatus]
    rules: Sequence[RuleStatus]
    alerts: Sequence[AlertStatus]
    surfaces: Sequence[SurfaceStatus]
    accounts: Sequence[AccountStatus]
    state: StateStatus


@dataclass(frozen=True, slots=True)
class GateStatus:
    """What an account's gate knows; the fields are those of ``AccountStatus``."""

    account: str
    reachable: bool
    reachable_since: float | None
    next_probe_at: float | None
    blocked: Mapping[str, float]
    budgets: Sequence[BudgetStatus]


@dataclass(frozen=True, slots=True)
class RuntimeFacts:
    """What the engine's state does not have. ``skipped`` and ``dropped``: polls that were skipped and answers that were
    dropped, by source. ``put_off``: until when sources are not polled. ``instant``: now, by the monotonic clock, which
    ``health`` uses.
    """

    version: str
    started_at: float
    last_reload: ReloadStatus | None
    state_path: str
    health: CommitHealth
    committed_at: float
    entries_waiting: int
    skipped: Mapping[str, int]
    dropped: Mapping[str, int]
    put_off: Mapping[str, float]
    gates: Sequence[GateStatus]
    instant: float


def gate_status(delivery: AccountDelivery, instant: float, now: float) -> GateStatus:
    """What the gate knows at ``now``, which is ``instant`` by the monotonic clock. The gate changes in place, so this
    is for the loop, and takes no longer with more sources.
    """
    gate = delivery.gate
    since, probe_at = gate.reachability.since, gate.next_probe_at
    probes_later = not gate.reachability.is_reachable and instant < probe_at < math.inf
    return GateStatus(
        delivery.account,
        gate.reachability.is_reachable,
        None if since < 0 else now - (instant - since),
        now + (probe_at - instant) if probes_later else None,
        {str(scope): now + (until - instant) for scope, until in gate.blocked().items()},
        [BudgetStatus(str(family), used, limit) for family, (used, limit) in gate.budget.use(instant).items()],
    )


def status(setup: Setup, state: State, facts: RuntimeFacts, now: float) -> Status:
    """The read model at ``now``. It reads frozen values only, so that a thread can fill it while steps go on."""
    config, health = setup.config, facts.health
    written = StateStatus(
        facts.state_path,
        health.is_degraded,
        # Counted by the monotonic clock: the calendar's time may have been set since.
        None if health.since is None else now - (facts.instant - health.since),
        health.reason,
        facts.committed_at,
        facts.entries_waiting,
    )
    return Status(
        now,
        config.zone.key,
        facts.version,
        facts.started_at,
        str(config.path),
        health.is_degraded,
        facts.last_reload,
        [_source(state, name, facts, now) for name in config.sources],
        _rules(setup, state),
        _alerts(setup, state, now),
        _surfaces(setup, state, now),
        [_account(setup, state, gate) for gate in facts.gates],
        written,
    )


def _source(state: State, name: str, facts: RuntimeFacts, now: float) -> SourceStatus:
    series = state.series
    found = series.health(name, now)
    skipped, dropped = facts.skipped.get(name, 0), facts.dropped.get(name, 0)
    answered_at = series.sources[name].answered_at
    if found is None:
        return SourceStatus(name, UNSEEN, None, "", answered_at, skipped, dropped)
    put_off_until = facts.put_off.get(name)
    return SourceStatus(name, found.health, found.since, found.reason, answered_at, skipped, dropped, put_off_until)


def _rules(setup: Setup, state: State) -> list[RuleStatus]:
    alerts = state.alerts
    found = []
    for name in setup.rules.by_name:
        of_rule = alerts.of_rule(name)
        firing = sum(alert.severity is not None for alert in of_rule)
        found.append(RuleStatus(name, firing, len(of_rule) - firing, alerts.problems.get(name, "")))
    return found


def _alerts(setup: Setup, state: State, now: float) -> list[AlertStatus]:
    """The alerts that are not inactive, the oldest first."""
    # Asked once for each rule, and not for each alert: a rule may have thousands.
    view = notify_view(setup, state, now)
    suppressed = {
        id_.key: each for rule in state.alerts.by_rule for id_, each in suppressed_of(setup, state, rule, view).items()
    }
    on_counters = {rule.name for rule in setup.rules.by_name.values() if rule.is_on_counter}
    found = []
    for alert in state.alerts:
        by = suppressed.get(alert.key)
        sample = state.series.get(*alert.series)
        found.append(
            AlertStatus(
                alert.rule,
                dict(alert.labels),
                _phase(alert),
                alert.severity,
                alert.severity_since,
                # Of a counter, what its rule compares: an increase, at the alert's last change.
                alert.value if sample is None or alert.rule in on_counters else sample.value,
                "" if by is None else by.reason,
                None if by is None else by.until,
            )
        )
    return found


def _phase(alert: Alert) -> str:
    if alert.severity is None:
        return "pending"
    # An alert that is clear, and fires on for keep_firing_for, has no severity that still breaches.
    phases = {hold.phase for hold in alert.holds if hold.fires}
    return phases.pop().value if len(phases) == 1 else "firing"


def _surfaces(setup: Setup, state: State, now: float) -> list[SurfaceStatus]:
    view, streams = surfaces_view(setup, state, now), setup.surfaces.streams
    found = []
    for key in setup.surfaces.keys:
        surface = _surface(state, key)
        if isinstance(key, StreamKey) and (stream := streams.get(key)) is not None:
            surface = replace(surface, rank=rank_text(stream.incident_severity(view), stream.slot.priority))
        found.append(surface)
    return found


def _surface(state: State, key: SurfaceKey) -> SurfaceStatus:
    status = state.outbox.status(key)
    waits = status.queued is not None or status.in_flight
    problem = state.not_renderable.get(key)
    kind = {WidgetKey: "widget", StreamKey: "live_activity"}.get(type(key), "badge")
    surface = SurfaceStatus(
        kind,
        key.account,
        "" if isinstance(key, BadgeKey) else key.name,
        None,
        None,
        waits,
        has_slot=isinstance(key, StreamKey) and status.holds_slot,
        reason="" if problem is None else str(problem),
        may_start_at=problem.wait.until if problem is not None and problem.wait is not None else None,
    )
    match status.shown:
        case ShownWidget() as widget:
            return replace(surface, shown=widget.value, shown_at=widget.at)
        case ShownBadge(count=count, at=at):
            return replace(surface, shown=count, shown_at=at)
        case ShownActivity(content=content, at=at, ended=False):
            title = None if content is None or content.content_state is None else content.content_state.get("title")
            return replace(surface, shown=title, shown_at=at)
    return surface


def _account(setup: Setup, state: State, gate: GateStatus) -> AccountStatus:
    outbox, owner = state.outbox, setup.surfaces.with_slots_of[gate.account]
    with_slots = setup.surfaces.by_account[owner]
    queued = [each for each in outbox.waiting.values() if each.message.key.account == gate.account]
    waiting = [each.message for each in queued]
    refused = []
    for each in queued:
        if each.is_refused and each.reason is not None and isinstance(each.message, Push | PushUpdate):
            reason = why(each.message.key, each.reason, each.detail)
            refused.append(RefusedStatus(str(each.message.key), each.message.content.title, reason, each.retry_at))
    lanes = []
    for priority in Priority:
        made = [message.created for message in waiting if message.priority is priority]
        if made:
            lanes.append(LaneStatus(priority.name.lower(), len(made), min(made)))
    return AccountStatus(
        gate.account,
        gate.reachable,
        gate.reachable_since,
        gate.next_probe_at,
        gate.blocked,
        gate.budgets,
        sum(len(outbox.streams_on_phone(account)) for account in with_slots.accounts),
        with_slots.limits.at_once,
        lanes,
        outbox.in_flight(gate.account),
        sorted(refused, key=lambda each: (each.retry_at, each.notification)),
    )


def as_json(value: Any, zone: tzinfo) -> Any:
    """A status as JSON has it: what is a time by its name is written in this zone, ISO 8601."""
    if is_dataclass(value):
        found: dict[str, Any] = {}
        for field in fields(value):
            name, part = field.name, getattr(value, field.name)
            is_time = name in ("at", "since") or name.endswith(("_at", "_since", "_until"))
            if is_time and isinstance(part, int | float):
                found[name] = _time(part, zone)
            elif name == "blocked":
                found[name] = {scope: _time(until, zone) for scope, until in part.items()}
            else:
                found[name] = as_json(part, zone)
        return found
    if isinstance(value, Mapping):
        return {str(name): as_json(each, zone) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(each, zone) for each in value]
    return value


def _time(at: float, zone: tzinfo) -> str:
    return datetime.fromtimestamp(at, zone).isoformat(timespec="seconds")

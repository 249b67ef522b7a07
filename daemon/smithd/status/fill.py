"""Fills the read model from the engine's state, and from what only the runtime knows. No I/O."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping

from smithd.alerts.alert import Alert, AlertKey
from smithd.alerts.rule import Rule
from smithd.alerts.sentences import conditions
from smithd.alerts.severity import Severity, worst_of
from smithd.delivery.delivery import AccountDelivery
from smithd.delivery.outcome import BlockScope
from smithd.delivery.sentences import summary, why
from smithd.delivery.waiting import passages
from smithd.desired import Desired, SurfaceDifference, activity_in_words, desired, difference
from smithd.keys import BadgeKey, StreamKey, SurfaceKey, kind_of
from smithd.notify.reason import reason_text
from smithd.notify.silence import Silence
from smithd.notify.suppression import Suppression
from smithd.outbox.message import ActivityState, BadgeCount, LevelMessage, Priority, Push, PushUpdate, WidgetValue
from smithd.outbox.queue import fill_lanes
from smithd.outbox.shown import Shown, ShownActivity, ShownBadge, ShownWidget
from smithd.outbox.state import Outbox
from smithd.poll.schedule import schedule_text
from smithd.series.state import Freshness
from smithd.setup import Setup
from smithd.state import State
from smithd.status.model import (
    AccountStatus,
    AlertStatus,
    BlockStatus,
    BudgetStatus,
    GateStatus,
    LaneStatus,
    RefusedStatus,
    RuleStatus,
    RuntimeFacts,
    Shows,
    SilenceStatus,
    SourceStatus,
    StateStatus,
    Status,
    SurfaceStatus,
    ThresholdStatus,
)
from smithd.surfaces.surface import rank_text
from smithd.surfaces.surfaces import Surfaces
from smithd.surfaces.view import SurfacesView
from smithd.views import notify_view, suppressed_of, surfaces_view

UNSEEN = Freshness.UNSEEN.value
AS_IT_SHOULD = ("same", "not_wanted")
"""The reasons of surfaces that show what they should."""

HANGS_AFTER = 5.0
"""Seconds after which a commit that has not ended is said to hang."""

_BLOCKED = {
    BlockScope.EVERYTHING: "the service refuses the key (api_key)",
    BlockScope.BILLED: "the service refuses them: the account must be paid for, or its plan does not have them",
}


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
        [BlockStatus(scope, _BLOCKED[scope], now + (until - instant)) for scope, until in gate.blocked().items()],
        [BudgetStatus(str(family), used, limit) for family, (used, limit) in gate.budget.use(instant).items()],
        passages(gate, instant, now),
    )


def status(setup: Setup, state: State, facts: RuntimeFacts, now: float) -> Status:
    """The read model at ``now``. It reads frozen values only, so that a thread can fill it while steps go on."""
    config, health = setup.config, facts.health
    suppressed = _suppressed(setup, state, now)
    view = surfaces_view(setup, state, now)
    written = StateStatus(
        path=facts.state_path,
        size=facts.state_size,
        degraded=health.is_degraded,
        # Counted by the monotonic clock: the calendar's time may have been set since.
        failing_since=None if health.since is None else now - (facts.instant - health.since),
        reason=health.reason,
        committed_at=facts.committed_at,
        entries_waiting=facts.entries_waiting,
        commit_hangs_since=hangs_since(facts.beside_since, facts.instant, now),
    )
    return Status(
        at=now,
        timezone=config.zone.key,
        version=facts.version,
        started_at=facts.started_at,
        configuration=str(config.path),
        degraded=health.is_degraded,
        last_reload=facts.last_reload,
        sources=[_source(setup, state, name, facts, now) for name in config.sources],
        rules=[_rule(setup, state, rule, suppressed) for rule in setup.rules.by_name.values()],
        alerts=[_alert(setup, state, alert, suppressed.get(alert.key)) for alert in state.alerts],
        surfaces=_surfaces(setup, state, facts, view, now),
        silences=[silence_status(each) for each in state.silences.active(now)],
        accounts=[account_status(setup, state, gate, view) for gate in facts.gates],
        state=written,
    )


def hangs_since(beside_since: float | None, instant: float, now: float) -> float | None:
    """Since when (seconds since 1970) a commit hangs; None: none does. The first two are by the monotonic clock."""
    if beside_since is None or instant - beside_since < HANGS_AFTER:
        return None
    return now - (instant - beside_since)


def _source(setup: Setup, state: State, name: str, facts: RuntimeFacts, now: float) -> SourceStatus:
    spec, series, put_off_until = setup.config.sources[name], state.series, facts.put_off.get(name)
    found = series.health(name, now)
    return SourceStatus(
        name,
        spec.type,
        schedule_text(spec.schedule),
        UNSEEN if found is None else found.health,
        None if found is None else found.since,
        "" if found is None else found.reason,
        series.sources[name].answered_at,
        facts.planned.next_poll(name, spec.schedule, put_off_until),
        facts.skipped.get(name, 0),
        facts.dropped.get(name, 0),
        put_off_until,
    )


_Suppressed = Mapping[AlertKey, Suppression]


def _suppressed(setup: Setup, state: State, now: float) -> _Suppressed:
    """What suppresses each alert that is suppressed. Asked once for each rule: one may have thousands of alerts."""
    view = notify_view(setup, state, now)
    return {
        id_.key: each for rule in state.alerts.by_rule for id_, each in suppressed_of(setup, state, rule, view).items()
    }


def _rule(setup: Setup, state: State, rule: Rule, suppressed: _Suppressed) -> RuleStatus:
    alerts, options = state.alerts.of_rule(rule.name), setup.config.rules[rule.name]
    firing = [alert for alert in alerts if alert.severity is not None]
    return RuleStatus(
        rule.name,
        rule.metric,
        str(rule.when) if rule.when is not None else "",
        [_threshold(rule, severity, fires_when) for severity, fires_when in conditions(rule)],
        dict(rule.labels),
        options.accounts,
        options.push is not None,
        "firing" if firing else "pending" if alerts else "inactive",
        worst_of(*(alert.severity for alert in firing)),
        min((alert.since for alert in firing), default=None),
        len(firing),
        len(alerts) - len(firing),
        sum(alert.key in suppressed for alert in alerts),
        state.alerts.problems.get(rule.name, ""),
    )


def _threshold(rule: Rule, severity: Severity, fires_when: str) -> ThresholdStatus:
    timing = rule.timings[severity]
    return ThresholdStatus(severity, str(rule.threshold(severity)), fires_when, timing.hold, timing.keep_firing_for)


def _alert(setup: Setup, state: State, alert: Alert, by: Suppression | None) -> AlertStatus:
    sample = state.series.get(*alert.series)
    # Of a counter, what its rule compares: an increase, at the alert's last change.
    is_evaluated = sample is None or setup.rules.by_name[alert.rule].is_on_counter
    return AlertStatus(
        alert.rule,
        dict(alert.labels),
        phase_of(alert),
        alert.severity,
        alert.severity_since,
        alert.fired_at,
        alert.value if sample is None or is_evaluated else sample.value,
        "" if by is None else by.reason,
        "" if by is None else reason_text(by.reason, by.text),
        None if by is None else by.until,
    )


def phase_of(alert: Alert) -> str:
    """Pending, firing or recovering."""
    if alert.severity is None:
        return "pending"
    # An alert that is clear, and fires on for keep_firing_for, has no severity that still breaches.
    phases = {hold.phase for hold in alert.holds if hold.fires}
    return phases.pop().value if len(phases) == 1 else "firing"


def _surfaces(setup: Setup, state: State, facts: RuntimeFacts, view: SurfacesView, now: float) -> list[SurfaceStatus]:
    should, outbox = desired(setup, state, setup.surfaces.keys, view), fill_lanes(state.outbox, now)
    let_go = {gate.account: gate.passages for gate in facts.gates}
    found = []
    for surfaces in setup.surfaces.by_account.values():
        for key in surfaces.keys:
            differs = difference(outbox, key, should[key], let_go[key.account], surfaces.updates_at_once, now)
            stale = _is_stale(surfaces, key, state, now)
            # What is not wanted wants no slot.
            rank = _rank(surfaces, key, view) if differs.reason != "not_wanted" else ""
            found.append(_surface(outbox, key, should[key], differs, stale, rank))
    return found


def _surface(
    outbox: Outbox, key: SurfaceKey, should: Desired, differs: SurfaceDifference, stale: bool, rank: str
) -> SurfaceStatus:
    has, problem, is_right = outbox.status(key), should.problem, differs.reason in AS_IT_SHOULD
    shown = _shows(has.shown)
    return SurfaceStatus(
        kind=kind_of(key),
        account=key.account,
        name="" if isinstance(key, BadgeKey) else key.name,
        shown=shown,
        shown_at=None if shown is None or has.shown is None else has.shown.at,
        desired=_says(should.message),
        waiting=has.queued is not None or has.in_flight,
        waiting_reason="" if is_right else differs.reason,
        waiting_why="" if differs.reason == "same" else differs.why,
        waiting_until=differs.until,
        stale=stale,
        has_slot=isinstance(key, StreamKey) and has.holds_slot,
        reason="" if problem is None else str(problem),
        rank=rank,
        may_start_at=problem.wait.until if problem is not None and problem.wait is not None else None,
    )


def _rank(surfaces: Surfaces, key: SurfaceKey, view: SurfacesView) -> str:
    stream = surfaces.streams.get(key) if isinstance(key, StreamKey) else None
    return "" if stream is None else rank_text(stream.incident_severity(view), stream.slot.priority)


def _is_stale(surfaces: Surfaces, key: SurfaceKey, state: State, now: float) -> bool:
    surface = surfaces.always.get(key) or (surfaces.streams.get(key) if isinstance(key, StreamKey) else None)
    return surface is not None and any(state.series.is_stale(each, now) for each in surface.dependencies.metrics)


def _shows(shown: Shown | None) -> Shows | None:
    match shown:
        case ShownWidget(value=value):
            return value
        case ShownBadge(count=count):
            return count
        case ShownActivity():
            return activity_in_words(shown)
    return None


def _says(message: LevelMessage | None) -> Shows | None:
    match message:
        case WidgetValue(value=value):
            return value
        case BadgeCount(count=count):
            return count
        case ActivityState():
            return summary(message)
    return None


def silence_status(silence: Silence) -> SilenceStatus:
    """A silence in the read model."""
    return SilenceStatus(silence.id, silence.text, silence.comment, silence.author, silence.starts, silence.ends)


def account_status(setup: Setup, state: State, gate: GateStatus, view: SurfacesView) -> AccountStatus:
    """What is known of an account now."""
    outbox = state.outbox
    queued = [each for each in outbox.waiting.values() if each.message.key.account == gate.account]
    refused = []
    for each in queued:
        if each.is_refused and each.reason is not None and isinstance(each.message, Push | PushUpdate):
            reason = why(each.message.key, each.reason, each.detail)
            refused.append(RefusedStatus(str(each.message.key), each.message.content.title, reason, each.retry_at))
    made_at = defaultdict(list)
    for each in queued:
        made_at[each.message.priority].append(each.message.created)
    slots_used, slots, slots_wanted = _slots(setup, outbox, gate.account, view)
    return AccountStatus(
        name=gate.account,
        reachable=gate.reachable,
        reachable_since=gate.reachable_since,
        next_probe_at=gate.next_probe_at,
        blocked=gate.blocked,
        budgets=gate.budgets,
        slots_used=slots_used,
        slots=slots,
        slots_wanted=slots_wanted,
        waiting=[
            LaneStatus(priority.name.lower(), len(made_at[priority]), min(made_at[priority]))
            for priority in Priority
            if made_at[priority]
        ],
        in_flight=outbox.in_flight(gate.account),
        refused=sorted(refused, key=lambda each: (each.retry_at, each.notification)),
        removed=gate.account not in setup.config.accounts,
    )


def _slots(setup: Setup, outbox: Outbox, account: str, view: SurfacesView) -> tuple[int, int, int]:
    """How many slots an account uses, has and wants, with those that it shares them with."""
    owner = setup.surfaces.with_slots_of.get(account)
    if owner is None:
        return len(outbox.streams_on_phone(account)), 0, 0
    shared = setup.surfaces.by_account[owner]
    used = sum(len(outbox.streams_on_phone(each)) for each in shared.accounts)
    return used, shared.limits.at_once, sum(stream.is_wanted(view) for stream in shared.streams.values())

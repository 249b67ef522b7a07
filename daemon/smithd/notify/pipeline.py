"""The way from a transition to a message, straight down; each station is one function, called once. No I/O.

    route → suppress → group → decide → apply

*route* says which alerts a step looks at, and the group of each; *suppress* what suppresses them now; *regroup* puts
them into their groups, as they are now; *decide* gives one action for each group that changed or is due; *apply* does
it: the new log entry, the messages with their texts, what the journal keeps, and the next timer.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from smithd.alerts.alert import VISIBLE, Transition
from smithd.keys import PushKey
from smithd.notify.apply import Applied, apply, group_options, last_push, push_key
from smithd.notify.config import NotifyConfig
from smithd.notify.decide import Decision, NotifyAction, decide, reminder_at
from smithd.notify.group import AlertId, GroupKey, Groups, GroupScope, NotificationGroup, id_of, source_of
from smithd.notify.grouping import Decided, regroup
from smithd.notify.reason import AlertDecision, Reason
from smithd.notify.route import Fires, GroupDue, NotifyTimer, Over, Routes, route
from smithd.notify.suppression import Suppressible, Suppression, suppression
from smithd.notify.unsent import overtaken
from smithd.notify.view import NotifyView
from smithd.outbox.message import Message, Push

NEVER_SENT = "an earlier one, which was not sent yet, is withdrawn"


@dataclass(frozen=True, slots=True)
class Notified:
    """What came of a step. ``decisions`` are for the journal and the log; ``changed``: the groups to be written, and
    ``alerts``: those of their alerts of which something else is kept than before; ``withdrawn``: the notifications that
    are not to be sent any more.
    """

    groups: Groups
    messages: Sequence[Message] = ()
    decisions: Sequence[AlertDecision] = ()
    timers: Sequence[tuple[float, NotifyTimer]] = ()
    changed: Sequence[GroupKey] = ()
    alerts: Sequence[AlertId] = ()
    withdrawn: Sequence[PushKey] = ()


def notify(
    groups: Groups,
    transitions: Sequence[Transition],
    due: Sequence[NotifyTimer],
    view: NotifyView,
    config: NotifyConfig,
) -> Notified:
    """What there is to notify after these transitions, and of what waited for these timers."""
    due_groups = [timer.group for timer in due if isinstance(timer, GroupDue)]
    # A timer that has gone off is not set any more, so that its group may set another one below.
    groups = before = groups.without_timers(due_groups)
    routes = route(groups, transitions, due, view, config)
    suppressed = suppress(groups, routes, view, config)
    regrouped = regroup(groups, routes.alerts, suppressed, view, config)

    groups, changed = regrouped.groups, dict.fromkeys(regrouped.changed)
    decided, timers = dict(regrouped.decided), list(regrouped.timers)
    messages: list[Message] = []
    touched = dict.fromkeys(regrouped.alerts)
    withdrawn: list[PushKey] = []
    newest: list[PushKey] = []
    of_group = _by_group(regrouped.decided)

    # A group is decided about where an alert came, went or changed, and where its own timer has gone off. Storm
    # summaries come last, since the groups before may join them.
    waiting = deque(sorted(dict.fromkeys([*changed, *due_groups]), key=lambda key: key.scope is GroupScope.STORM))
    while waiting:
        if (key := waiting.popleft()) not in groups.by_key:
            continue
        group, last = groups.by_key[key], last_push(groups.by_key[key], view)
        is_storm = groups.recent.is_storm(config.channel_set(key), config.storm, view)
        decision = decide(group, suppressed, last, group_options(group, config), view.now, is_storm=is_storm)
        # What regrouping left open has the reason of its group's decision.
        for id_ in of_group.get(key, ()):
            reason = decided[id_].reason or decision.reason
            decided[id_] = decided[id_]._replace(reason=reason, notification=str(push_key(key, group.log)))
        applied = apply(groups, key, decision, last, suppressed, view, config)
        groups = applied.groups
        touched |= dict.fromkeys(_touched(group, decision, applied))
        messages += applied.messages
        withdrawn += applied.withdrawn
        newest += _newest_of(group, applied)
        decided |= applied.decided
        if applied.joined is not None and applied.joined not in waiting:
            waiting.append(applied.joined)
            changed[applied.joined] = None
        if decision.action not in (NotifyAction.WAIT, NotifyAction.NOTHING):
            changed[key] = None
        # One timer a group: a later one is set again by what the earlier one comes to.
        if key in groups.by_key and applied.until < groups.by_key[key].timer_at:
            groups = groups.put_timer(key, applied.until)
            timers.append((applied.until, GroupDue(key)))
    earlier = overtaken(newest, view)
    withdrawn += earlier.withdrawn
    messages += earlier.messages
    decided = _with_withdrawn(decided, earlier.by)
    written = [id_ for id_ in touched if groups.kept(id_) != before.kept(id_)]
    decisions = record(transitions, decided, config, view.now)
    return Notified(groups, messages, decisions, timers, list(changed), written, withdrawn)


def _by_group(decided: Mapping[AlertId, Decided]) -> Mapping[GroupKey, Sequence[AlertId]]:
    """The alerts that were decided about, by the group that they are in."""
    found: dict[GroupKey, list[AlertId]] = defaultdict(list)
    for id_, each in decided.items():
        if each.group is not None:
            found[each.group].append(id_)
    return found


def _touched(group: NotificationGroup, decision: Decision, applied: Applied) -> Iterator[AlertId]:
    """The alerts of which something else may be kept after a decision. ``group``: as it was before it."""
    # What moved to a storm summary is in another group by now.
    if applied.joined is not None:
        yield from group.alerts
    yield from (alert.id for alert in (*decision.news, *decision.ended))
    after = applied.groups.by_key.get(group.key)
    named = after.log.named.items() if after is not None else ()
    yield from (id_ for id_, severity in named if group.log.named.get(id_) is not severity)


def _newest_of(group: NotificationGroup, applied: Applied) -> list[PushKey]:
    """The notification that stands for a group now, its own or a storm summary, while it fires: an earlier one that
    waits must not come after it.
    """
    if applied.joined is not None:
        return [push_key(group.key, group.log)]
    fires = group.key in applied.groups.by_key
    return [message.key for message in applied.messages if fires and isinstance(message, Push)]


def _with_withdrawn(decided: dict[AlertId, Decided], by: Iterable[PushKey]) -> dict[AlertId, Decided]:
    """The decisions, with a word where a notification took the place of an earlier one."""
    names = {str(each) for each in by}
    return {
        id_: each._replace(detail=f"{each.detail}, {NEVER_SENT}" if each.detail else NEVER_SENT)
        if each.notification in names
        else each
        for id_, each in decided.items()
    }


def suppress(groups: Groups, routes: Routes, view: NotifyView, config: NotifyConfig) -> dict[AlertId, Suppression]:
    """What suppresses the alerts that a step looks at now, and those of its groups that a reminder, or an end by push,
    would be about.
    """
    found: dict[AlertId, Suppression] = {}

    def look(id_: AlertId, alert: Suppressible, earlier: Suppression | None = None) -> None:
        suppressors, rule = config.suppressors[alert.rule], config.rules[alert.rule]
        if (suppressed := suppression(suppressors, alert, rule, view, earlier)) is not None:
            found[id_] = suppressed

    for each in routes.alerts:
        match each:
            case Fires(id_, alert, _, transition):
                # An alert that changed is confirmed by that, whatever it was before.
                look(id_, alert, groups.suppression(id_) if transition is None else None)
            case Over(id_, alert):
                look(id_, alert)
    for key in routes.groups:
        group = groups.by_key[key]
        about = group.ended if config.push(key).on_resolve == "push" else []
        if view.now >= reminder_at(group, group_options(group, config)):
            about = [*about, *group.firing]
        for known in about:
            if known.id not in found:
                look(known.id, known)
    return found


def record(
    transitions: Iterable[Transition], decided: Mapping[AlertId, Decided], config: NotifyConfig, now: float
) -> list[AlertDecision]:
    """The decisions for the journal: one for each transition of the rules that are the account's own, and one for each
    other alert that it decided about.
    """
    found, changed = [], set[AlertId]()
    for transition in transitions:
        if transition.alert.rule not in config.own:
            continue
        ids = dict.fromkeys(id_of(alert) for alert in (transition.after, transition.before) if alert is not None)
        changed.update(ids)
        about = [decided[id_] for id_ in ids if id_ in decided]
        alert = transition.alert
        # An alert that turns from a failing source to a value has two decisions; what it fires for now comes first.
        each = next((each for each in about if each.reason is not Reason.INTERMEDIATE), about[0])
        if transition.change not in VISIBLE and source_of(transition.before) == source_of(transition.after):
            each = Decided(alert, Reason.INTERMEDIATE)
        found.append(
            AlertDecision(
                transition.at,
                alert.rule,
                alert.series,
                transition.change,
                (transition.after or alert).severity or "",
                transition.value,
                transition.evidence,
                each.reason or Reason.UNCHANGED,
                config.said(each.detail),
                each.notification,
            )
        )
    for id_, each in decided.items():
        if id_ not in changed:
            found.append(
                AlertDecision(
                    now,
                    each.alert.rule,
                    each.alert.series,
                    "",
                    each.alert.severity or "",
                    each.alert.value,
                    None,
                    each.reason or Reason.UNCHANGED,
                    config.said(each.detail),
                    each.notification,
                )
            )
    return found

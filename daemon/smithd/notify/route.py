"""Route: which alerts a step looks at, and which group each belongs to by the configuration. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from smithd.alerts.alert import VISIBLE, Alert, Change, Transition
from smithd.keys import DEFAULT_ACCOUNT
from smithd.notify.config import NotifyConfig
from smithd.notify.group import AlertId, GroupKey, Groups, GroupScope, id_of, source_of
from smithd.notify.reason import Reason
from smithd.notify.view import NotifyView


class SuppressionEnds(NamedTuple):
    """The timer of an alert whose suppression ends, for what an account is notified of it."""

    alert: AlertId
    account: str = DEFAULT_ACCOUNT


class GroupDue(NamedTuple):
    """The timer of a group that may notify."""

    group: GroupKey

    @property
    def account(self) -> str:
        """Who is notified."""
        return self.group.account


NotifyTimer = SuppressionEnds | GroupDue


class Ignored(NamedTuple):
    """A transition that is not notified, for a reason."""

    alert: Alert
    reason: Reason


class Corrected(NamedTuple):
    """An alert that is as bad as before, for another cause: what was notified of it is not true any more."""

    alert: Alert
    transition: Transition


class Over(NamedTuple):
    """An alert that ended. ``is_known``: it fired for what ``id`` says, so that its end is worth a decision."""

    id: AlertId
    alert: Alert
    transition: Transition
    is_known: bool


class Fires(NamedTuple):
    """An alert that fires, and the group that it belongs to by the configuration. ``transition``: None where it did not
    change, and only its notification may.
    """

    id: AlertId
    alert: Alert
    group: GroupKey
    transition: Transition | None = None


Routed = Ignored | Corrected | Over | Fires


class Routes(NamedTuple):
    """What a step looks at, in order, and the groups that it may notify."""

    alerts: Sequence[Routed]
    groups: Sequence[GroupKey]


def route(
    groups: Groups,
    transitions: Sequence[Transition],
    due: Sequence[NotifyTimer],
    view: NotifyView,
    config: NotifyConfig,
) -> Routes:
    """What a step looks at: first what changed, in order; then what a timer, or a rule that suppresses others, asks to
    look at again; then what waits in the groups that all these may have notified.
    """
    found = [each for transition in transitions for each in _of_transition(transition, config)]
    known = {each.id for each in found if isinstance(each, Fires)}

    def again(ids: Iterable[AlertId]) -> Iterator[Fires]:
        for id_ in ids:
            # What fires for another cause by now has another identity, and was routed by its transition.
            alert = view.alerts.get(id_.rule, {}).get(id_.labels)
            if id_ not in known and alert is not None and alert.severity is not None and id_of(alert) == id_:
                known.add(id_)
                yield Fires(id_, alert, _group(alert, config))

    found += again(timer.alert for timer in due if isinstance(timer, SuppressionEnds))
    changed = sorted({transition.alert.rule for transition in transitions})
    for rule in sorted({dependent for name in changed for dependent in config.dependents.get(name, ())}):
        of_rule = groups.suppressed.get(rule)
        found += again(sorted(id_ for id_, each in (of_rule.items() if of_rule else ()) if each.until is None))

    # The groups that may notify in this step: those that are due, and those of the alerts that it looks at.
    named: list[GroupKey | None] = [timer.group for timer in due if isinstance(timer, GroupDue)]
    for each in found:
        if isinstance(each, Fires):
            named += [each.group, each.group._replace(scope=GroupScope.REST, labels=())]
        if not isinstance(each, Ignored):
            named.append(groups.of_alert.get(id_of(each.alert) if isinstance(each, Corrected) else each.id))
    keys = [key for key in dict.fromkeys(named) if key is not None and key in groups.by_key]
    # A group notifies all its news at once, also those that no transition or timer has named.
    for key in keys:
        group = groups.by_key[key]
        if key.scope is not GroupScope.DIGEST or group.log.not_before <= view.now:
            found += again(alert.id for alert in group.news)
    return Routes(found, keys)


def _of_transition(transition: Transition, config: NotifyConfig) -> Iterator[Routed]:
    before, after, alert = transition.before, transition.after, transition.alert
    has_turned = source_of(before) != source_of(after)
    if transition.change not in VISIBLE and not has_turned:
        if alert.rule in config.own:
            yield Ignored(alert, Reason.INTERMEDIATE)
        if before is not None and after is not None and before.cause != after.cause:
            yield Corrected(after, transition)
        return
    if alert.rule not in config.pushes:
        if alert.rule in config.own:
            yield Ignored(alert, Reason.NO_PUSH)
        return
    # What fires for a failing source and for a value has two identities: the one ends, the other fires.
    if before is not None and source_of(before) and has_turned:
        yield Over(id_of(before), before, transition, is_known=True)
    if transition.change is Change.RESOLVED and before is not None:
        id_ = AlertId(before.key)
        yield Over(id_, before, transition, is_known=id_ == id_of(before))
    elif after is not None and after.severity is not None:
        yield Fires(id_of(after), after, _group(after, config), transition)


def _group(alert: Alert, config: NotifyConfig) -> GroupKey:
    """The group of an alert by the configuration: its failing source's, or its rule's, by ``group_by``."""
    options = config.pushes[alert.rule]
    if source := source_of(alert):
        return GroupKey(config.account, GroupScope.SOURCE, source, (), tuple(options.channels or ()))
    labels = alert.series.labels
    if not options.is_alone:
        seen = config.rules[alert.rule].seen_labels(labels)
        labels = tuple(sorted((name, seen[name]) for name in options.group_by or () if name in seen))
    return GroupKey(config.account, GroupScope.RULE, alert.rule, labels)

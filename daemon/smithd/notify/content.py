"""What a notification says: of one alert or of many, when they fire, and when they have ended. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smithd.alerts import sentences
from smithd.alerts.condition import Threshold
from smithd.alerts.relative import Relative
from smithd.alerts.rule import Condition, Rule
from smithd.alerts.severity import Severity, rank
from smithd.formatting import duration, number
from smithd.keys import PushKey
from smithd.notify.group import Group, Member, Notice, Scope
from smithd.notify.options import PushOptions
from smithd.outbox.message import Priority, Push, PushContent, PushUpdate
from smithd.outbox.shown import Standing
from smithd.plugin.sample import Labels
from smithd.surfaces.view import Number, View, plain
from smithd.template import Text

EXPIRES_AFTER = 24 * 3600.0
"""How long a push that nobody took is worth trying, in seconds; Apple keeps trying as long (contract section 7)."""

NAMED = 8
"""How many alerts the stock text of a group names."""

_END_TITLES = {
    Scope.RULE: "Resolved: {}",
    Scope.REST: "Resolved: {}, the other alerts",
    Scope.SOURCE: "{} answers again",
    Scope.MUTE: "After {}: all is well",
}


@dataclass(frozen=True, slots=True)
class Story:
    """What a notification tells of now: the alerts that fire, the worst first, and those that have ended since."""

    group: Group
    firing: Sequence[Member]
    ended: Sequence[Member]

    @property
    def is_single(self) -> bool:
        """Whether it is about one alert and nothing else."""
        return self.group.scope is Scope.RULE and len(self.firing) + len(self.ended) == 1


def story(notice: Notice, firing: Sequence[Member], ended: Sequence[Member]) -> Story:
    """A story with its alerts in the order of telling."""
    return Story(
        notice.group, sorted(firing, key=lambda member: (-rank(member.severity), member.fired_at, member.id)), ended
    )


def firing(told: Story, rules: Mapping[str, Rule], options: PushOptions, view: View, reminder: int = 0) -> PushContent:
    """What is told of alerts that fire; ``reminder``: which one this is, 0 for none."""
    first = told.firing[0]
    names = _names(told, rules, options, view)
    title = _own(options.title, first, names) or _title(told)
    return PushContent(
        f"Still firing: {title}" if reminder and options.title is None else title,
        _own(options.message, first, names) or _message(told, rules, view),
        subtitle=_own(options.subtitle, first, names) or None,
        interruption_level=options.level(first.severity),
    )


def ended(told: Story, view: View) -> PushContent:
    """The end of all, told so that it stands alone where the beginning never arrived."""
    if told.is_single:
        (alert,) = told.ended
        title = f"Closed: {name(alert)} has no data" if alert.cause else f"Resolved: {name(alert)}"
        message = _course(alert, view)
    else:
        title = _END_TITLES[told.group.scope].format(_heading(told.group))
        message = "\n".join(_listed(told.ended, view, _ended_line)) or "What fires still is told by itself."
    return PushContent(title, message, interruption_level="passive")


def superseded(notice: Notice, shown: PushContent | None, what: str, view: View) -> PushContent:
    """What becomes of a notification that a newer one follows: the past, which stays true whatever comes."""
    title = shown.title if shown is not None else notice.group.name
    return PushContent(
        title if title.startswith("Earlier: ") else f"Earlier: {title}",
        f"As told {view.clock(notice.spoke_at)}. {what} at {view.clock(view.now)}.",
        interruption_level="passive",
    )


def closed(told: Story, view: View, *, is_watched: bool = False) -> PushContent:
    """The end of alerts that the configuration does not have any more; ``is_watched``: it only does not tell them."""
    if told.is_single:
        (alert,) = (*told.firing, *told.ended)
        title = f"Closed: {name(alert)}"
        what = str(alert.series) if alert.series.metric else name(alert)
        over = f"{name(alert)} is not told any more" if is_watched else f"{what} is watched no more"
        message = f"{over}. It was {alert.severity} since {view.clock(alert.since)}."
    else:
        title = f"Closed: {_heading(told.group)}"
        message = "Its alerts are not told any more." if is_watched else "Its alerts are watched no more."
    return PushContent(title, message, interruption_level="passive")


def never_accepted(standing: Standing) -> bool:
    """Whether the phone cannot have a notification: the service has not taken it, and is not being asked to."""
    return standing.shown is None and not standing.in_flight


def push(key: PushKey, content: PushContent, view: View, *, is_urgent: bool = False, is_open: bool = False) -> Push:
    """A notification that makes itself known. ``is_open``: a later one will want to replace it."""
    priority = Priority.CRITICAL_PUSH if is_urgent else Priority.PUSH
    return Push(key, content, priority, view.now, expires=view.now + EXPIRES_AFTER, is_open=is_open)


def update(
    key: PushKey, content: PushContent, view: View, *, is_open: bool = False, only_in_place: bool = False
) -> PushUpdate:
    """A notification that silently replaces the one before. ``only_in_place``: it is worth nothing elsewhere."""
    priority = Priority.COSMETIC if only_in_place else Priority.PUSH
    expires = view.now + EXPIRES_AFTER
    return PushUpdate(key, content, priority, view.now, expires=expires, is_open=is_open, only_in_place=only_in_place)


def name(member: Member) -> str:
    """An alert as a person calls it."""
    values = ", ".join(value for _, value in member.series.labels)
    return f"{member.rule} ({values})" if values else member.rule


def _names(told: Story, rules: Mapping[str, Rule], options: PushOptions, view: View) -> dict[str, Any]:
    first = told.firing[0]
    threshold = dict(rules[first.rule].thresholds).get(first.severity)  # missing values may have one of their own
    since = min(member.since for member in told.firing)
    named = [_short(member, told.group) for member in told.firing]
    left = len(named) - options.max_series
    return {
        "rule": first.rule,
        "metric": first.series.metric,
        "severity": first.severity.value,
        "value": _plain(first.value),
        "threshold": _plain(threshold.number if isinstance(threshold, Threshold | Relative) else None),
        "labels": dict(_shared(told.firing)),
        "since": view.clock(since),
        "duration": view.now - since,
        "count": len(told.firing),
        "alerts": named if left <= 0 else [*named[: options.max_series], f"{left} more"],
        **_comparison(first, threshold),
    }


def _comparison(member: Member, threshold: Condition | None) -> dict[str, Number | None]:
    """What a relative threshold compares with, and how far the value moved from there."""
    if not isinstance(threshold, Relative) or member.baseline is None or member.value is None:
        return {"baseline": None, "change": None}
    return {"baseline": plain(member.baseline), "change": threshold.change(member.value, member.baseline)}


def _plain(value: float | None) -> Number | None:
    return plain(value) if value is not None else None


def _shared(members: Sequence[Member]) -> Labels:
    """The labels that all of them have."""
    first, *others = (member.series.labels for member in members)
    return tuple(label for label in first if all(label in labels for labels in others))


def _title(told: Story) -> str:
    first, count = told.firing[0], len(told.firing)
    match told.group.scope:
        case Scope.SOURCE:
            return f"{told.group.name} does not answer: {_counted(count, first.severity)}"
        case Scope.MUTE:
            return f"After {told.group.name}: {_counted(count, first.severity)}"
        case Scope.REST:
            return f"{told.group.name}: {_counted(count, first.severity, 'more alert')}"
    if count == 1:
        return f"{name(first)} is {first.severity}"
    return f"{_heading(told.group)}: {_counted(count, first.severity)}"


def _counted(count: int, severity: Severity, what: str = "alert") -> str:
    return f"{count} {what}{'s' if count > 1 else ''}, {severity}"


def _heading(group: Group) -> str:
    values = ", ".join(value for _, value in group.labels)
    return f"{group.name} ({values})" if values else group.name


def _message(told: Story, rules: Mapping[str, Rule], view: View) -> str:
    if told.is_single:
        (alert,) = told.firing
        return f"{_why(alert, rules[alert.rule], view)}, since {view.clock(alert.since)}."
    lines = _listed(told.firing, view, lambda member, view: _firing_line(member, told.group, view))
    if told.group.scope in (Scope.RULE, Scope.REST):
        lines.append(f"{sentences.expected(rules[told.firing[0].rule])}.")
    if told.group.scope is Scope.REST:
        lines.append("These are too many to be told one by one (max_series).")
    if told.ended:
        past = "Came and went" if told.group.scope is Scope.MUTE else "Ended"
        lines += [f"{past}:", *_listed(told.ended, view, _ended_line)]
    return "\n".join(lines)


def _why(alert: Member, rule: Rule, view: View) -> str:
    """What is wrong now, and what would be normal."""
    if alert.cause:
        return sentences.missing_now(rule, alert.series, alert.cause, alert.value, view.now - alert.since)
    if (rule.when is not None and alert.evidence) or alert.severity not in dict(rule.thresholds):
        return _changed_because(alert) or f"{alert.rule} is {alert.severity}"
    return sentences.still_firing(rule, alert.series, alert.severity, alert.value, alert.baseline)


def _changed_because(alert: Member) -> str:
    return sentences.sentence(alert.evidence, alert.rule, alert.series.labels)


def _listed(members: Sequence[Member], view: View, line: Any) -> list[str]:
    lines = [line(member, view) for member in members[:NAMED]]
    return [*lines, f"and {len(members) - NAMED} more"] if len(members) > NAMED else lines


def _firing_line(member: Member, group: Group, view: View) -> str:
    if group.scope is Scope.SOURCE:
        return f"{name(member)}: {member.severity} since {view.clock(member.since)}"
    value = "no data" if member.cause or member.value is None else number(member.value)
    return f"{_short(member, group)}: {value}, {member.severity} since {view.clock(member.since)}"


def _ended_line(member: Member, view: View) -> str:
    assert member.ended is not None
    return f"{name(member)}: {member.worst}, {view.clock(member.since)} to {view.clock(member.ended)}"


def _short(member: Member, group: Group) -> str:
    """An alert by what tells it from the others of its group."""
    if group.scope in (Scope.SOURCE, Scope.MUTE):
        return name(member)
    own = [value for label, value in member.series.labels if (label, value) not in group.labels]
    return ", ".join(own) or name(member)


def _course(alert: Member, view: View) -> str:
    assert alert.ended is not None
    lasted = duration(alert.ended - alert.since)
    span = f"{view.clock(alert.since)} to {view.clock(alert.ended)}"
    return f"{_changed_because(alert)}. It was {alert.worst} for {lasted}, {span}."


def _own(text: Text | None, member: Member, names: dict[str, Any]) -> str:
    """The rule's own words; none where the value is missing that they were written for: the last one is not today's."""
    return text.render(names) if text is not None and not member.cause else ""

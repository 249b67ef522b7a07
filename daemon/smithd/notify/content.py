"""What a notification says: of one alert or of many, when they fire, and when they have ended. No I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from smithd.alerts import sentences
from smithd.alerts.condition import Threshold
from smithd.alerts.relative import Relative
from smithd.alerts.rule import Rule
from smithd.alerts.severity import Severity
from smithd.formatting import plain
from smithd.keys import PushKey
from smithd.notify.group import GroupedAlert, GroupKey, GroupScope, NotificationGroup
from smithd.notify.options import PushOptions
from smithd.notify.view import NotifyView
from smithd.outbox.message import Priority, Push, PushContent, PushUpdate
from smithd.plugin.sample import Labels
from smithd.template import Text, WatchedLabels

EXPIRES_AFTER = 24 * 3600.0
"""How long a push that was not accepted is tried, in seconds; Apple keeps trying as long (contract section 7)."""

STILL_FIRING = "Still firing: "
"""How the title of a reminder begins."""

NAMED = 8
"""How many alerts the stock text of a group names."""

NAMED_IN_TITLE = 3
"""How many rules the title of a storm summary names."""

_END_TITLES = {
    GroupScope.RULE: "Resolved: {}",
    GroupScope.REST: "Resolved: {}, the other alerts",
    GroupScope.SOURCE: "{} answers again",
    GroupScope.DIGEST: "After {}: all is well",
    GroupScope.STORM: "Resolved: all that fired together",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a text is about: the alerts of a group that fire, the worst first, and those that have ended since."""

    group: GroupKey
    firing: Sequence[GroupedAlert]
    ended: Sequence[GroupedAlert] = ()

    @property
    def is_single(self) -> bool:
        """Whether it is about one alert and nothing else."""
        return self.group.scope is GroupScope.RULE and len(self.firing) + len(self.ended) == 1

    @property
    def shared(self) -> frozenset[tuple[str, str]]:
        """The labels of their series that all of its alerts have, where there are several."""
        labels = [frozenset(alert.series.labels) for alert in (*self.firing, *self.ended)]
        return labels[0].intersection(*labels[1:]) if len(labels) > 1 else frozenset()


def firing(
    subject: Subject, rules: Mapping[str, Rule], options: PushOptions, view: NotifyView, *, is_reminder: bool = False
) -> PushContent:
    """The text about alerts that fire."""
    first = subject.firing[0]
    names = _names(subject, rules, options, view)
    title = _custom(options.title, subject, names, view) or _title(subject, rules, view)
    # A title of the rule's own is left as it is.
    message = _custom(options.message, subject, names, view) or _message(subject, rules, view)
    return PushContent(
        f"{STILL_FIRING}{title}" if is_reminder and options.title is None else title,
        "\n".join([message, *_rest(subject, rules, view)]),
        _custom(options.subtitle, subject, names, view) or None,
        options.level(first.severity),
        plain=_plain(subject, view),
    )


def _rest(subject: Subject, rules: Mapping[str, Rule], view: NotifyView) -> list[str]:
    """The line about the series that breach and have no alert; a text of the rule's own does not hide it."""
    rule = rules[subject.firing[0].rule]
    count = len(view.rest.get(rule.name, ()))
    if not count or subject.group.scope not in (GroupScope.RULE, GroupScope.REST):
        return []
    breaching, most = map(view.language.number, (count, rule.max_alerts))
    return [f"{breaching} more series breach; the rule has at most {most} alerts (max_alerts)."]


def ended(subject: Subject, view: NotifyView) -> PushContent:
    """The text about the end of all; it makes sense also where the beginning never arrived."""
    if subject.is_single:
        (alert,) = subject.ended
        title = f"Closed: {name(alert)} has no data" if alert.cause else f"Resolved: {name(alert)}"
        change = sentences.sentence(alert.evidence, alert.rule, alert.series.labels, view.language)
        message = f"{change}. It was {_lasted(alert, view)}."
    else:
        title = _END_TITLES[subject.group.scope].format(_heading(subject.group))
        message = "\n".join(_ended_lines(subject.ended, view)) or "What still fires has a notification of its own."
    return PushContent(title, message, interruption_level="passive", plain=f"Resolved: {subject.group.name}")


def superseded(group: NotificationGroup, shown: PushContent | None, what: str, view: NotifyView) -> PushContent:
    """The text of a notification that a newer one follows: it is about the past, and stays true whatever comes."""
    title = shown.title if shown is not None and shown.title else group.key.name
    return PushContent(
        title if title.startswith("Earlier: ") else f"Earlier: {title}",
        f"As of {view.clock(group.log.changed_at)}. {what} at {view.clock(view.now)}.",
        interruption_level="passive",
        plain=f"Earlier: {group.key.name}",
    )


def overtaken(key: PushKey, shown: PushContent, at: float, view: NotifyView) -> PushContent:
    """The text of a notification whose alerts ended, and fire again, before its end was sent. ``at``: when it had the
    text ``shown``.
    """
    return PushContent(
        shown.title if shown.title.startswith("Earlier: ") else f"Earlier: {shown.title}",
        f"As of {view.clock(at)}. It ended, and fired again at {view.clock(view.now)}.",
        interruption_level="passive",
        channels=shown.channels,
        tags=shown.tags,
        plain=f"Earlier: {key.group}",
    )


def closed(subject: Subject, view: NotifyView, *, is_evaluated: bool = False) -> PushContent:
    """The text about alerts that the configuration does not have any more; ``is_evaluated``: they only have no
    ``push`` any more.
    """
    if subject.is_single:
        (alert,) = (*subject.firing, *subject.ended)
        title = f"Closed: {name(alert)}"
        what = str(alert.series) if alert.series.metric else name(alert)
        over = f"{name(alert)} no longer sends notifications" if is_evaluated else f"{what} is no longer watched"
        message = f"{over}. It was {alert.severity} since {view.clock(alert.severity_since)}."
    else:
        title = f"Closed: {_heading(subject.group)}"
        what = "no longer send notifications" if is_evaluated else "are no longer watched"
        message = f"Its alerts {what}."
    return PushContent(title, message, interruption_level="passive", plain=f"Closed: {subject.group.name}")


def push(
    key: PushKey,
    content: PushContent,
    view: NotifyView,
    priority: Priority = Priority.LATER_PUSH,
    *,
    is_open: bool = False,
) -> Push:
    """A notification that makes itself known. ``is_open``: a later text will want to replace it."""
    return Push(key, content, priority, view.now, expires=view.now + EXPIRES_AFTER, is_open=is_open)


def update(
    key: PushKey,
    content: PushContent,
    view: NotifyView,
    priority: Priority = Priority.UPDATE,
    *,
    is_open: bool = False,
    only_in_place: bool = False,
) -> PushUpdate:
    """A text that silently replaces the one before. ``only_in_place``: it is worth nothing as a new notification."""
    expires = view.now + EXPIRES_AFTER
    return PushUpdate(key, content, priority, view.now, expires=expires, is_open=is_open, only_in_place=only_in_place)


def name(alert: GroupedAlert) -> str:
    """An alert as a person calls it."""
    values = ", ".join(value for _, value in alert.series.labels)
    return f"{alert.rule} ({values})" if values else alert.rule


def _names(subject: Subject, rules: Mapping[str, Rule], options: PushOptions, view: NotifyView) -> dict[str, Any]:
    """The names that a text of a rule may use."""
    first, *others = subject.firing
    rule = rules[first.rule]
    # Missing values may have a severity of their own, without a threshold.
    threshold = dict(rule.thresholds).get(first.severity)
    baseline: float | None = None
    change: float | None = None
    if isinstance(threshold, Relative) and first.baseline is not None and first.value is not None:
        baseline, change = plain(first.baseline), threshold.change(first.value, first.baseline)
    since = _since(subject.firing)
    started = min(alert.since for alert in subject.firing)
    named = [_short(alert, subject) for alert in subject.firing]
    left = len(named) - options.max_series
    labels = [rule.seen_labels(alert.series.labels) for alert in (first, *others)]
    shared = set(labels[0].items()).intersection(*(each.items() for each in labels[1:]))
    return {
        "rule": first.rule,
        "metric": first.series.metric,
        "severity": first.severity.value,
        "value": plain(first.value) if first.value is not None else None,
        "threshold": plain(threshold.number) if isinstance(threshold, Threshold | Relative) else None,
        "labels": WatchedLabels(labels[0], {name for name, _ in shared}),
        "since": view.clock(since),
        "duration": view.now - since,
        "started": view.clock(started),
        "total": view.now - started,
        "count": len(subject.firing),
        "series": _series(subject, rule, view),
        "alerts": named if left <= 0 else [*named[: options.max_series], _more(left, view)],
        "baseline": baseline,
        "change": change,
    }


def _series(subject: Subject, rule: Rule, view: NotifyView) -> int:
    """How many series the alerts of a group could be about: those that are fresh, and those that have an alert."""
    # The labels of the rule itself are those of every series.
    of_group, metric = set(subject.group.labels).difference(rule.labels), subject.firing[0].series.metric
    fresh = view.series.fresh(metric, view.now) if metric else {}
    return len({alert.series.labels for alert in subject.firing}.union(filter(of_group.issubset, fresh)))


def _title(subject: Subject, rules: Mapping[str, Rule], view: NotifyView) -> str:
    first, count = subject.firing[0], len(subject.firing)
    match subject.group.scope:
        case GroupScope.SOURCE:
            return f"{subject.group.name} does not answer: {_counted(count, first.severity, view)}"
        case GroupScope.DIGEST:
            return f"After {subject.group.name}: {_counted(count, first.severity, view)}"
        case GroupScope.STORM:
            named = list(dict.fromkeys(alert.rule for alert in subject.firing))
            what = "rule fires" if len(named) == 1 else "rules fire"
            others = f" and {_more(len(named) - NAMED_IN_TITLE, view)}" if len(named) > NAMED_IN_TITLE else ""
            return f"{view.language.number(len(named))} {what}: {', '.join(named[:NAMED_IN_TITLE])}{others}"
        case GroupScope.REST:
            return f"{subject.group.name}: {_counted(count, first.severity, view, 'more alert')}"
    if count == 1:
        return f"{name(first)} is {first.severity}"
    series = _series(subject, rules[first.rule], view)
    counted = _counted(count, first.severity, view)
    if series > count:
        counted = f"{view.language.number(count)} of {view.language.number(series)}, {first.severity}"
    return f"{_heading(subject.group)}: {counted}"


def _plain(subject: Subject, view: NotifyView) -> str:
    """The rule, the severity and the value: nothing that the configuration's texts, or labels, can make wrong."""
    first, others = subject.firing[0], len(subject.firing) - 1
    value = "no data" if first.cause or first.value is None else view.language.number(first.value)
    return f"{first.rule} is {first.severity}: {value}" + (f", and {_more(others, view)}" if others else "")


def _counted(count: int, severity: Severity, view: NotifyView, what: str = "alert") -> str:
    return f"{view.language.number(count)} {what}{'s' if count > 1 else ''}, {severity}"


def _more(count: int, view: NotifyView) -> str:
    return f"{view.language.number(count)} more"


def _heading(group: GroupKey) -> str:
    values = ", ".join(value for _, value in group.labels)
    return f"{group.name} ({values})" if values else group.name


def _message(subject: Subject, rules: Mapping[str, Rule], view: NotifyView) -> str:
    group = subject.group
    if subject.is_single:
        (alert,) = subject.firing
        rule = rules[alert.rule]
        what = sentences.sentence(alert.evidence, alert.rule, alert.series.labels, view.language)
        if alert.cause:
            missing = view.now - alert.severity_since
            what = sentences.missing_now(rule, alert.series, alert.cause, alert.value, missing, view.language)
        # Where the severity has no threshold (an expression, or one that a reload took away), no bound can be named.
        elif alert.severity not in dict(rule.thresholds) or (rule.when is not None and alert.evidence):
            what = what or f"{alert.rule} is {alert.severity}"
        else:
            days = alert.evidence.days if alert.evidence is not None else None
            what = sentences.still_firing(
                rule, alert.series, alert.severity, alert.value, alert.baseline, days, view.language
            )
        return f"{what}, since {view.clock(alert.severity_since)}."

    if group.scope is GroupScope.STORM:
        return "\n".join([*_rule_lines(subject, view), "These are too many for notifications of their own (storm)."])
    lines = []
    for alert in subject.firing[:NAMED]:
        since = f"{alert.severity} since {view.clock(alert.severity_since)}"
        value = "no data" if alert.cause or alert.value is None else view.language.number(alert.value)
        # That there is no data is said in the title already: the source does not answer.
        is_source = group.scope is GroupScope.SOURCE
        lines.append(f"{name(alert)}: {since}" if is_source else f"{_short(alert, subject)}: {value}, {since}")
    if len(subject.firing) > NAMED:
        lines.append(f"and {_more(len(subject.firing) - NAMED, view)}")
    if group.scope in (GroupScope.RULE, GroupScope.REST):
        lines.append(f"{sentences.expected(rules[subject.firing[0].rule], _left_out(subject), view.language)}.")
    if group.scope is GroupScope.REST:
        lines.append("These are too many for notifications of their own (max_series).")
    if subject.ended:
        past = "Came and went" if group.scope is GroupScope.DIGEST else "Ended"
        lines += [f"{past}:", *_ended_lines(subject.ended, view)]
    return "\n".join(lines)


def _rule_lines(subject: Subject, view: NotifyView) -> list[str]:
    """A line for each rule, the worst first: how many of its alerts fire, and since when."""
    of_rule: dict[str, list[GroupedAlert]] = defaultdict(list)
    for alert in subject.firing:
        of_rule[alert.rule].append(alert)
    lines = []
    for rule, alerts in list(of_rule.items())[:NAMED]:
        what = name(alerts[0]) if len(alerts) == 1 else f"{rule}, {view.language.number(len(alerts))} alerts"
        lines.append(f"{what}: {alerts[0].severity} since {view.clock(_since(alerts))}")
    return [*lines, f"and {_more(len(of_rule) - NAMED, view)}"] if len(of_rule) > NAMED else lines


def _ended_lines(alerts: Sequence[GroupedAlert], view: NotifyView) -> list[str]:
    lines = [f"{name(alert)}: {_lasted(alert, view)}" for alert in alerts[:NAMED]]
    return [*lines, f"and {_more(len(alerts) - NAMED, view)}"] if len(alerts) > NAMED else lines


def _lasted(alert: GroupedAlert, view: NotifyView) -> str:
    """How long an alert that has ended was at each severity, and when, the lowest first."""
    assert alert.ended is not None
    found: list[str] = []
    for spell, worse in zip_longest(alert.spells, alert.spells[1:]):
        # What it was all the time at a worse severity goes without saying.
        if worse is not None and (spell.since, spell.until, spell.earlier) == (worse.since, worse.until, worse.earlier):
            continue
        until = alert.ended if spell.until is None else spell.until
        last = "last " if spell.earlier else ""
        times = f"{view.language.duration(spell.total(until))}, {last}{view.span(spell.since, until)}"
        found.append(f"of that {spell.severity} {times}" if found else f"{spell.severity} for {times}")
    return ", ".join(found)


def _since(firing: Sequence[GroupedAlert]) -> float:
    """Since when the first of some alerts, the worst first, is as bad as the worst of them."""
    worst = firing[0].severity
    return min(alert.severity_since for alert in firing if alert.severity is worst)


def _short(alert: GroupedAlert, subject: Subject) -> str:
    """An alert by the labels that tell it from the others of its group."""
    if subject.group.scope in (GroupScope.SOURCE, GroupScope.DIGEST, GroupScope.STORM):
        return name(alert)
    shared = {*subject.group.labels, *subject.shared}
    own = [value for label in alert.series.labels if label not in shared for value in label[1:]]
    return ", ".join(own) or name(alert)


def _left_out(subject: Subject) -> Labels:
    """The labels that neither the title of a group names, nor the lines of its alerts: all have them."""
    return tuple(sorted(subject.shared.difference(subject.group.labels)))


def _custom(text: Text | None, subject: Subject, names: dict[str, Any], view: NotifyView) -> str:
    """The rule's own text; none where the value is missing that it was written for: the last one is not today's."""
    if text is None or subject.firing[0].cause:
        return ""
    labels: WatchedLabels = names["labels"]
    labels.differing_was_read = False
    rendered, others = text.render(names), len(subject.firing) - 1
    return f"{rendered} and {_more(others, view)}" if rendered and labels.differing_was_read else rendered

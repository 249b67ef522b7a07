"""Explains one rule: its alerts as they are now, why each was notified or was not, and what would have to happen next.

``explain`` returns plain values; ``text`` makes lines of them for a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from difflib import get_close_matches
from typing import Any

from smithd import journal
from smithd.alerts import transitions
from smithd.alerts.alert import Alert
from smithd.alerts.alerts import NO_SERIES
from smithd.alerts.machine import Phase
from smithd.alerts.reason import CauseKind, unpack
from smithd.alerts.rule import Rule
from smithd.alerts.sentences import conditions, fires_when, for_at_least, sentence
from smithd.delivery.sentences import why
from smithd.engine.engine import Engine
from smithd.errors import NotThere
from smithd.formatting import iso_time, labels_text, number, time_of_answer
from smithd.keys import DEFAULT_ACCOUNT, BadgeKey, StreamKey, WidgetKey
from smithd.notify.matcher import parse_matchers
from smithd.notify.reason import Reason, reason_text
from smithd.outbox.message import Push, PushUpdate
from smithd.outbox.queued import Queued
from smithd.outbox.shown import KeyStatus, ShownPush
from smithd.plugin.sample import Sample
from smithd.series.view import SeriesView
from smithd.suggestion import did_you_mean
from smithd.views import notify_view, suppressed_of

ENTRIES = 50
SERIES = 20
"""How many decisions, and how many series, are listed at most."""
NEAREST = 5
COMPARED = 1_000
"""How many series are named where those that were asked for are not known: the nearest of how many."""

_SURFACES: Mapping[str, tuple[str, type[WidgetKey | StreamKey]]] = {
    "widget": ("widget", WidgetKey),
    "activity": ("Live Activity", StreamKey),
}
"""The kinds of surfaces that a name may begin with: what a person calls them, and their keys."""

Explanation = dict[str, Any]
"""What is known, as JSON has it; times are in the configuration's zone, ISO 8601."""


def explain(engine: Engine, entries: Sequence[journal.Entry], rule: str, labels: str, now: float) -> Explanation:
    """Everything about a rule, or about those of its alerts whose labels meet the matchers in ``labels`` (empty: all).
    ``entries``: what the journal has of the rule, the oldest first.

    For a person: NotThere where there is no such rule, ValueError where the matchers cannot be read.
    """
    rules = engine.setup.rules.by_name
    if rule not in rules:
        raise NotThere(_no_surface(rule, engine) or _no_rule(rule, engine))
    matchers = parse_matchers(labels) if labels.strip() else ()

    # As in a silence, the labels of the rule count, and its name.
    def meets(found: journal.Labels) -> bool:
        labels = {**rules[rule].seen_labels(found), "rule": rule}
        return all(matcher.matches(labels) for matcher in matchers)

    status = _RuleStatus(engine, rules[rule], now)
    return status.explained(meets, entries) | {"nearest": status.nearest(meets, labels, entries)}


def _no_surface(name: str, engine: Engine) -> str | None:
    """That there is no surface of a name; None where the name does not say that one of a kind is meant."""
    kind, colon, bare = name.partition(":")
    if not colon or kind not in _SURFACES:
        return None
    said, of_kind = _SURFACES[kind]
    there = sorted({key.name for key in engine.setup.surfaces.keys if isinstance(key, of_kind)})
    hint = did_you_mean(bare, there) or f"there are: {', '.join(there) or 'none'}"
    return f"there is no {said} '{bare}'; {hint}"


def _no_rule(name: str, engine: Engine) -> str:
    """That there is no rule of a name; of a metric's, which rules look at it."""
    rules, (source, _, metric) = engine.setup.rules.by_name, name.partition(".")
    looking = sorted(rule.name for rule in rules.values() if name in rule.metrics)
    if looking:
        return f"'{name}' is a metric, and no rule; these rules look at it: {', '.join(looking)}"
    spec = engine.setup.config.sources.get(source)
    if name in engine.setup.expected.derived or (spec is not None and metric in spec.metrics):
        return f"'{name}' is a metric, and no rule looks at it"
    surfaces = [key.name for key in engine.setup.surfaces.keys if not isinstance(key, BadgeKey)]
    hint = did_you_mean(name, [*rules, *surfaces]) or f"rules: {', '.join(sorted(rules)) or 'none'}"
    return f"there is no rule '{name}'; {hint}"


class _RuleStatus:
    """Puts together what is known of one rule."""

    def __init__(self, engine: Engine, rule: Rule, now: float) -> None:
        self._setup = engine.setup
        self._state = engine.state
        self._past = engine.history.past
        self._rule = rule
        self._zone = engine.setup.config.zone
        self._now = now

    def nearest(
        self, meets: Callable[[journal.Labels], bool], asked: str, entries: Iterable[journal.Entry]
    ) -> list[str] | None:
        """Where no series that is known meets the matchers ``asked``: the nearest of those that are; else None."""
        state, name = self._state, self._rule.name
        known = {alert.labels for alert in state.alerts.of_rule(name)}
        known |= {sample.series.labels for sample in state.series.samples(self._rule.metric).values()}
        known |= set(state.alerts.rest.get(name, NO_SERIES)) | {entry.labels for entry in entries}
        if not asked.strip() or any(map(meets, known)):
            return None
        texts = sorted(text for labels in known if (text := labels_text(labels)))[:COMPARED]
        return get_close_matches(f"{{{asked}}}", texts, NEAREST, cutoff=0.0)

    def explained(self, meets: Callable[[journal.Labels], bool], entries: Sequence[journal.Entry]) -> Explanation:
        met = [entry for entry in entries if meets(entry.labels)]
        alerts = self._state.alerts.of_rule(self._rule.name)
        alerts.sort(key=lambda alert: (alert.since, alert.key))
        active = {alert.labels for alert in alerts}
        samples = self._state.series.samples(self._rule.metric).values()
        rest = self._state.alerts.rest.get(self._rule.name, NO_SERIES)
        options = self._setup.config.rules[self._rule.name]
        push = options.push
        view = SeriesView(self._state.series, self._past, self._now, self._zone)
        return {
            "rule": self._rule.name,
            "metrics": sorted(self._rule.metrics),
            "at": self._time(self._now),
            "timezone": self._setup.config.zone.key,
            "fires": [f"{severity} when {text}" for severity, text in conditions(self._rule)],
            "notifies": [each for each in push.on if each in options.severities] if push is not None else [],
            "alerts": [self._alert(alert) for alert in alerts if meets(alert.labels)],
            "clear": [
                {
                    "series": str(sample.series),
                    **self._value(sample),
                    "at": self._time(sample.time),
                    "stale": not self._state.series.is_fresh(sample, self._now),
                }
                for sample in samples
                if sample.series.labels not in active
                and sample.series.labels not in rest
                and meets(sample.series.labels)
            ],
            "failing": [
                {"source": source, "since": self._time(found.since), "reason": found.reason}
                for source, found in self._state.series.failing(self._rule.metrics, self._now).items()
            ],
            "rest": sum(meets(labels) for labels in rest),
            "now": self._rule.when.describe(view.seen_by(self._rule.when)) if self._rule.when is not None else "",
            "journal": [decision(entry, self._zone) for entry in met[-ENTRIES:]],
            "left_out": len(met[:-ENTRIES]),
            "deliveries": list(self._deliveries(met[-ENTRIES:])),
        }

    def _value(self, sample: Sample) -> Explanation:
        """The value of a sample; of a counter, what it counted in the time that its rule compares (None: not known)."""
        rule, series = self._rule, sample.series
        if not rule.is_on_counter:
            return {"value": sample.value, "counted": ""}
        view = SeriesView(self._state.series, self._past, self._now, self._zone)
        at = self._state.series.moment(sample, self._now)
        reference = rule.references[0]
        value = reference.measured(sample.value, lambda since: view.past(*series, since), at, rule.zone)
        return {"value": value, "counted": reference.counted()}

    def _alert(self, alert: Alert) -> Explanation:
        view = notify_view(self._setup, self._state, self._now)
        suppressed = suppressed_of(self._setup, self._state, self._rule.name, view)
        suppression = next((each for id_, each in suppressed.items() if id_.key == alert.key), None)
        sample = self._state.series.get(*alert.series)
        return {
            "labels": dict(alert.labels),
            "series": str(alert.series) if alert.metric else "",
            "severity": alert.severity,
            "since": self._time(alert.severity_since),
            "started": self._time(alert.since),
            "fired_at": self._time(alert.fired_at),
            **(self._value(sample) if sample is not None else {"value": alert.value, "counted": ""}),
            "cause": str(alert.cause),
            "next": list(self._next(alert)),
            "suppressed": None
            if suppression is None
            else {
                "reason": suppression.reason,
                "by": suppression.text,
                "until": self._time(suppression.until),
            },
        }

    def _next(self, alert: Alert) -> Iterator[str]:
        """What would have to happen for an alert to change, the likeliest first."""
        for (severity, condition), hold in zip(self._rule.thresholds, alert.holds, strict=True):
            timing = transitions.timing(self._rule, alert, hold, self._now)
            due = hold.due(timing)
            match hold.phase:
                case Phase.PENDING if due is not None:
                    yield f"{severity} at {self._clock(due)} if it stays {condition}"
                case Phase.FIRING:
                    clears = "the expression does not hold" if self._rule.when is not None else f"it is not {condition}"
                    if (recover := self._rule.recover.get(severity)) is not None:
                        clears = f"it is {recover}"
                    yield f"no longer {severity} when {clears}{for_at_least(timing.keep_firing_for)}"
                case Phase.RECOVERING if due is not None:
                    yield f"no longer {severity} at {self._clock(due)} if it stays clear"
                case Phase.INACTIVE:
                    yield f"{severity} when {fires_when(self._rule, str(condition))}{for_at_least(timing.hold)}"
        if alert.absence.is_missing:
            dues = [due for due in transitions.due_times(self._rule, alert) if due > self._now]
            closes = bool(dues) and alert.cause.kind is CauseKind.SERIES_MISSING
            yield "the next value changes it" + (f", or closes it at {self._clock(min(dues))}" if closes else "")

    def _deliveries(self, entries: Sequence[journal.Entry]) -> Iterator[Explanation]:
        """The deliveries of the notifications that the entries name, as far as the outbox remembers them."""
        statuses = self._state.outbox.pushes()
        refused = {str(key): queued for key, queued in self._state.outbox.waiting.items() if queued.is_refused}
        for key in dict.fromkeys(entry.notification for entry in entries if entry.notification):
            status = statuses.get(key, KeyStatus())
            known = status.shown or status.claimed or status.queued
            whose = {"account": known.key.account if known is not None else DEFAULT_ACCOUNT}
            if isinstance(status.shown, ShownPush):
                yield whose | self._delivery(key, "accepted", status.shown.content.title, status.shown.at)
            if status.in_flight:
                yield whose | self._delivery(key, "in flight", "", None)
            if isinstance(status.queued, Push | PushUpdate):
                how, queued = "refused" if key in refused else "waits to be sent", refused.get(key)
                yield whose | self._delivery(key, how, status.queued.content.title, status.queued.created, queued)

    def _delivery(self, key: str, how: str, title: str, at: float | None, refused: Queued | None = None) -> Explanation:
        found = {"notification": key, "state": how, "title": title, "at": self._time(at)}
        if refused is not None and refused.reason is not None:
            found["reason"] = why(refused.message.key, refused.reason, refused.detail)
            found["retry_at"] = self._time(refused.retry_at)
        return found

    def _time(self, at: float | None) -> str | None:
        return iso_time(at, self._zone)

    def _clock(self, at: float) -> str:
        return time_of_answer(self._time(at) or "", self._time(self._now) or "")


def decision(entry: journal.Entry, zone: tzinfo) -> Explanation:
    """An entry of the journal."""
    return {
        "at": iso_time(entry.at, zone),
        "labels": dict(entry.labels),
        "change": entry.change,
        "severity": entry.severity,
        "value": entry.value,
        "why": sentence(unpack(entry.evidence), entry.rule, entry.labels),
        "reason": entry.reason,
        "detail": entry.detail,
        "notification": entry.notification,
    }


def text(explanation: Explanation) -> Iterator[str]:
    """The lines of an explanation for a person. What was polled may have line feeds; they begin no line of its own."""
    notifies = ", ".join(explanation["notifies"])
    yield f"{explanation['rule']}: {'; '.join(explanation['fires'])}"
    yield f"  notifies of: {notifies}" if notifies else "  no notifications: it has no push"
    if explanation["now"]:
        yield f"  now: {explanation['now']}"
    for failing in explanation["failing"]:
        since = time_of_answer(failing["since"], explanation["at"])
        yield f"  source {failing['source']} fails since {since}: {failing['reason']}"
    yield from ("", *states(explanation), "", *_journal(explanation))
    if explanation["deliveries"]:
        yield from ("", "Notifications")
    for sent in explanation["deliveries"]:
        at = f" {time_of_answer(sent['at'], explanation['at'])}" if sent["at"] else ""
        whose = f"{sent['account']}: " if sent["account"] != DEFAULT_ACCOUNT else ""
        yield f"  {whose}{sent['state']}{at}: {sent['title'] or sent['notification']}"
        if "reason" in sent:
            again = time_of_answer(sent["retry_at"], explanation["at"])
            yield f"    {sent['reason']}; it is tried again every hour, next at {again}"


def _is(series: Explanation) -> str:
    """What the value of a series is, or what a counter counted."""
    what = series["series"] or "its value"
    if series["value"] is None:
        return f"{what}: too little is known of what it counted {series['counted']}"
    value = number(series["value"])
    return f"{what} rose by {value} {series['counted']}" if series["counted"] else f"{what} is {value}"


def states(explanation: Explanation) -> Iterator[str]:
    """How the alerts of a rule are now, and its series that are clear, for a person; a line that begins with blanks
    belongs to the one before.
    """
    for alert in explanation["alerts"][:SERIES]:
        name = labels_text(alert["labels"].items()) or explanation["rule"]
        value = f", {_is(alert)}" if alert["value"] is not None else ""
        since = f"{alert['severity']} since" if alert["severity"] else "pending since"
        is_worse = alert["severity"] and alert["started"] != alert["since"]
        started = f" (the alert: {time_of_answer(alert['started'], explanation['at'])})" if is_worse else ""
        yield f"{name}: {since} {time_of_answer(alert['since'], explanation['at'])}{started}{value}"
        if alert["cause"]:
            yield f"  because of what is missing: {alert['cause'].replace('source:', 'source ')}"
        if (suppressed := alert["suppressed"]) is not None:
            until = f" until {time_of_answer(suppressed['until'], explanation['at'])}" if suppressed["until"] else ""
            yield f"  {reason_text(suppressed['reason'], suppressed['by'])}{until}"
        yield from (f"  {step}" for step in alert["next"])
    for series in explanation["clear"][:SERIES]:
        if series["stale"] and series["value"] is not None:
            at = time_of_answer(series["at"], explanation["at"])
            yield f"{series['series']} was {number(series['value'])} at {at}: too old to say whether it fires"
        else:
            yield f"{_is(series)}; {'; '.join(explanation['fires'])}"
    if rest := explanation["rest"]:
        yield f"{rest:,} more series breach and have no alert: the rule has as many as it may have (max_alerts)"
    left = max(0, len(explanation["alerts"]) - SERIES) + max(0, len(explanation["clear"]) - SERIES)
    if left:
        yield f"and {left} more"
    if (nearest := explanation["nearest"]) is not None:
        known = f"there are: {', '.join(nearest)}" if nearest else "none with labels is known"
        yield f"no series of it that is known has these labels; {known}"
    elif not explanation["alerts"] and not explanation["clear"] and not rest:
        yield "no alert" if explanation["now"] else "no alert, and no sample of it is known"


def _journal(explanation: Explanation) -> Iterator[str]:
    if explanation["journal"]:
        yield "What happened"
    elif explanation["alerts"]:
        yield "The journal has nothing about it (it has no entries from while the state cannot be written)."
    else:
        yield "Nothing that happened to it is remembered."
    if explanation["left_out"]:
        yield f"  ({explanation['left_out']:,} earlier decisions are not listed)"
    elif gap := _forgotten(explanation):
        yield f"  (of what was before {gap}, nothing is kept)"
    for entry in explanation["journal"]:
        what = f"{entry['change']} {entry['severity']}".strip() or "-"
        labels = labels_text(entry["labels"].items())
        why = f": {entry['why']}" if entry["why"] else ""
        where = f" {labels}" if labels else ""
        # A transition without a change of severity decides nothing about notifications.
        decision = (
            f" [{reason_text(entry['reason'], entry['detail'])}]" if entry["reason"] != Reason.INTERMEDIATE else ""
        )
        yield f"  {time_of_answer(entry['at'], explanation['at'])}{where} {what}{why}{decision}"


def _forgotten(explanation: Explanation) -> str | None:
    """From when the journal tells of alerts that began earlier; None where it tells of their beginning."""
    # What is missing is so before anything was decided of it: since the last answer.
    breaching = (alert["started"] for alert in explanation["alerts"] if not alert["cause"])
    began = min(breaching, key=datetime.fromisoformat, default=None)
    if began is None or not explanation["journal"]:
        return None
    first = explanation["journal"][0]["at"]
    is_late = datetime.fromisoformat(first) > datetime.fromisoformat(began) + timedelta(seconds=1)
    return time_of_answer(first, explanation["at"]) if is_late else None

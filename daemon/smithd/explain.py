"""Explains: one rule's alerts as they are now, why each was told or was not, and what would have to happen next.

``explain`` takes what an engine knows, and returns plain values; ``text`` words them for a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from smithd import journal
from smithd.alerts import transitions
from smithd.alerts.alert import Alert
from smithd.alerts.machine import Hold, Phase, Timing
from smithd.alerts.reason import CauseKind, unpack
from smithd.alerts.rule import Rule
from smithd.alerts.sentences import sentence
from smithd.alerts.severity import Severity
from smithd.engine import Engine, Known
from smithd.formatting import duration, number
from smithd.notify.matcher import parse_matchers
from smithd.notify.reason import Reason, reason_text
from smithd.notify.suppression import Suppression
from smithd.outbox.message import Push, PushUpdate
from smithd.outbox.shown import ShownPush, Standing
from smithd.outbox.stored import StoredOutbox
from smithd.suggestion import did_you_mean

ENTRIES = 50
SERIES = 20
"""How many decisions, and how many series, are told at most."""

Explanation = dict[str, Any]
"""What is known, as JSON has it; times are in the configuration's zone, ISO 8601."""


def explain(engine: Engine, outbox: StoredOutbox, rule: str, labels: str, now: float, zone: tzinfo) -> Explanation:
    """Everything about a rule, or about those of its alerts whose labels meet the matchers in ``labels`` (empty: all).

    ValueError, for a person, where there is no such rule, or the matchers are none.
    """
    if rule not in engine.rules:
        hint = did_you_mean(rule, engine.rules) or f"rules: {', '.join(sorted(engine.rules)) or 'none'}"
        raise ValueError(f"there is no rule '{rule}'; {hint}")
    matchers = parse_matchers(labels) if labels.strip() else ()

    def meets(found: journal.Labels) -> bool:
        return all(matcher.matches({**dict(found), "rule": rule}) for matcher in matchers)

    known = engine.known(rule, now)
    entries = [entry for entry in known.entries if meets(entry.labels)][-ENTRIES:]
    return _Account(known, outbox.pushes(), now, zone).whole(meets, entries)


class _Account:
    """Puts together what is known of one rule."""

    def __init__(self, known: Known, standings: Mapping[str, Standing], now: float, zone: tzinfo) -> None:
        self._known = known
        self._rule = known.rule
        self._standings = standings
        self._now = now
        self._zone = zone

    def whole(self, meets: Callable[[journal.Labels], bool], entries: Sequence[journal.Entry]) -> Explanation:
        alerts = [
            self._alert(alert)
            for alert in sorted(self._known.alerts.values(), key=lambda alert: (alert.since, alert.key))
            if meets(alert.series.labels)
        ]
        clear = [
            {"series": str(sample.series), "value": sample.value, "at": self._time(sample.time)}
            for sample in self._known.samples
            if sample.series.labels not in self._known.alerts and meets(sample.series.labels)
        ]
        return {
            "rule": self._rule.name,
            "at": self._time(self._now),
            "fires": [f"{severity} when {text}" for severity, text in conditions(self._rule)],
            "tells": list(self._known.push.on) if self._known.push is not None else [],
            "alerts": alerts,
            "clear": clear,
            "now": self._known.described,
            "story": [self._entry(entry) for entry in entries],
            "deliveries": list(self._deliveries(entries)),
        }

    def _alert(self, alert: Alert) -> Explanation:
        held = next((held for id_, held in self._known.held.items() if id_.key == alert.key), None)
        sample = next((each for each in self._known.samples if each.series == alert.series), None)
        return {
            "labels": dict(alert.series.labels),
            "series": str(alert.series) if alert.series.metric else "",
            "severity": alert.severity,
            "since": self._time(alert.since),
            "fired_at": self._time(alert.fired_at),
            "value": sample.value if sample is not None else alert.value,
            "cause": str(alert.cause),
            "next": list(self._next(alert)),
            "held": self._held(held) if held is not None else None,
        }

    def _held(self, held: Suppression) -> Explanation:
        return {"reason": held.reason, "by": held.text, "until": self._time(held.until)}

    def _next(self, alert: Alert) -> Iterator[str]:
        """What would have to happen for an alert to move, the likeliest first."""
        for (severity, condition), hold in zip(self._rule.thresholds, alert.holds, strict=True):
            yield from self._next_of(
                severity, str(condition), hold, transitions.timing(self._rule, alert, hold, self._now)
            )
        if alert.absence.is_missing:
            dues = [due for due in transitions.due_times(self._rule, alert) if due > self._now]
            until = (
                f", or closes it at {self._clock(min(dues))}"
                if dues and alert.cause.kind is CauseKind.SERIES_MISSING
                else ""
            )
            yield f"the next value moves it{until}"

    def _next_of(self, severity: Severity, condition: str, hold: Hold, timing: Timing) -> Iterator[str]:
        due = hold.due(timing)
        match hold.phase:
            case Phase.PENDING if due is not None:
                yield f"{severity} at {self._clock(due)} if it stays {condition}"
            case Phase.FIRING:
                yield f"no longer {severity} when {self._clears(severity, condition)}{_for(timing.keep_firing_for)}"
            case Phase.RECOVERING if due is not None:
                yield f"no longer {severity} at {self._clock(due)} if it stays clear"
            case Phase.INACTIVE:
                yield f"{severity} when {_when(self._rule, condition)}{_for(timing.hold)}"

    def _clears(self, severity: Severity, condition: str) -> str:
        if (recover := self._rule.recover.get(severity)) is not None:
            return f"it is {recover}"
        return "the expression does not hold" if self._rule.when is not None else f"it is not {condition}"

    def _entry(self, entry: journal.Entry) -> Explanation:
        return {
            "at": self._time(entry.at),
            "labels": dict(entry.labels),
            "change": entry.change,
            "severity": entry.severity,
            "value": entry.value,
            "why": sentence(unpack(entry.evidence), entry.rule, entry.labels),
            "reason": entry.reason,
            "detail": entry.detail,
            "notification": entry.notification,
        }

    def _deliveries(self, entries: Sequence[journal.Entry]) -> Iterator[Explanation]:
        """What became of the notifications that the story names, as far as the outbox remembers."""
        for key in dict.fromkeys(entry.notification for entry in entries if entry.notification):
            standing = self._standings.get(key, Standing())
            if isinstance(standing.shown, ShownPush):
                yield self._delivery(key, "accepted", standing.shown.content.title, standing.shown.at)
            if standing.in_flight:
                yield self._delivery(key, "on its way", "", None)
            if isinstance(standing.queued, Push | PushUpdate):
                yield self._delivery(key, "waits to be sent", standing.queued.content.title, standing.queued.created)

    def _delivery(self, key: str, how: str, title: str, at: float | None) -> Explanation:
        return {"notification": key, "state": how, "title": title, "at": self._time(at)}

    def _time(self, at: float | None) -> str | None:
        return None if at is None else datetime.fromtimestamp(at, self._zone).isoformat(timespec="seconds")

    def _clock(self, at: float) -> str:
        return _short(self._time(at) or "", self._time(self._now) or "")


def conditions(rule: Rule) -> Iterator[tuple[str, str]]:
    """When a rule fires, for each of its severities."""
    for severity, condition in rule.thresholds:
        yield severity, f"{_when(rule, str(condition))}{_for(rule.timing.hold)}"


def _when(rule: Rule, condition: str) -> str:
    return condition if rule.when is not None else f"{rule.metric} {condition}"


def _for(seconds: float) -> str:
    return f" for {duration(seconds)}" if seconds else ""


def text(told: Explanation) -> str:
    """An explanation for a person, in lines."""
    return "\n".join([*_heading(told), "", *_states(told), *_story(told), *_sent(told)])


def _heading(told: Explanation) -> Iterator[str]:
    yield f"{told['rule']}: {'; '.join(told['fires'])}"
    yield f"  tells: {', '.join(told['tells'])}" if told["tells"] else "  tells nobody: it has no push"
    if told["now"]:
        yield f"  now: {told['now']}"


def _states(told: Explanation) -> Iterator[str]:
    for alert in told["alerts"][:SERIES]:
        name = _labels(alert["labels"]) or told["rule"]
        value = f", {alert['series'] or 'its value'} is {number(alert['value'])}" if alert["value"] is not None else ""
        since = f"{alert['severity']} since" if alert["severity"] else "pending since"
        yield f"{name}: {since} {_short(alert['since'], told['at'])}{value}"
        if alert["cause"]:
            yield f"  because of what is missing: {alert['cause'].replace('source:', 'source ')}"
        if (held := alert["held"]) is not None:
            until = f" until {_short(held['until'], told['at'])}" if held["until"] else ""
            yield f"  {reason_text(held['reason'], held['by'])}{until}"
        yield from (f"  {step}" for step in alert["next"])
    for series in told["clear"][:SERIES]:
        yield f"{series['series']} is {number(series['value'])}; {'; '.join(told['fires'])}"
    left = max(0, len(told["alerts"]) - SERIES) + max(0, len(told["clear"]) - SERIES)
    if left:
        yield f"and {left} more"
    if not told["alerts"] and not told["clear"]:
        yield "no alert" if told["now"] else "no alert, and no reading of it is known"


def _story(told: Explanation) -> Iterator[str]:
    yield ""
    yield "What happened" if told["story"] else "Nothing happened yet, as far as the journal goes back."
    for entry in told["story"]:
        what = f"{entry['change']} {entry['severity']}".strip() or "-"
        labels = _labels(entry["labels"])
        why = f": {entry['why']}" if entry["why"] else ""
        where = f" {labels}" if labels else ""
        decision = (
            f" [{reason_text(entry['reason'], entry['detail'])}]" if entry["reason"] != Reason.INTERMEDIATE else ""
        )
        yield f"  {_short(entry['at'], told['at'])}{where} {what}{why}{decision}"


def _sent(told: Explanation) -> Iterator[str]:
    if not told["deliveries"]:
        return
    yield ""
    yield "Notifications"
    for sent in told["deliveries"]:
        at = f" {_short(sent['at'], told['at'])}" if sent["at"] else ""
        yield f"  {sent['state']}{at}: {sent['title'] or sent['notification']}"


def _labels(labels: Mapping[str, str]) -> str:
    inner = ", ".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{{{inner}}}" if inner else ""


def _short(at: str, now: str) -> str:
    """A time as a person says it: the day only where it is another one."""
    moment, today = datetime.fromisoformat(at), datetime.fromisoformat(now)
    return moment.strftime("%H:%M:%S" if moment.date() == today.date() else "%a %d %b %H:%M:%S")

"""Explains one surface: what it shows, what it should, why the two differ, its score or its rank, and its deliveries.

``explain_surface`` returns plain values; ``text`` makes lines of them for a person. No I/O.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import Any

from smithd.delivery.sentences import summary
from smithd.delivery.waiting import Passages, place_by_worth
from smithd.desired import desired, difference, in_words, is_there, waiting_for
from smithd.formatting import counted, iso_time, time_of_answer
from smithd.keys import DEFAULT_ACCOUNT, BadgeKey, StreamKey, SurfaceKey, WidgetKey
from smithd.outbox.delivered import Delivered
from smithd.outbox.message import ActivityContent, ActivityState, LevelMessage, Priority, WidgetValue
from smithd.outbox.queue import fill_lanes
from smithd.outbox.queued import Queued
from smithd.outbox.shown import KeyStatus, Shown, ShownActivity, ShownBadge, ShownWidget
from smithd.outbox.state import Outbox
from smithd.outbox.worth import score, seen
from smithd.series.health import SourceHealth
from smithd.setup import Setup
from smithd.state import State
from smithd.surfaces.slots.memory import Slots
from smithd.surfaces.surface import rank_text
from smithd.views import surfaces_view

MOST_DELIVERIES = 20
"""How many deliveries the text lists, the newest."""

Found = dict[str, Any]
"""What is known, as JSON has it; times are in the configuration's zone, ISO 8601."""

_KINDS: dict[type[SurfaceKey], str] = {WidgetKey: "widget", StreamKey: "activity", BadgeKey: "badge"}
RULE = "rule"


def meanings(setup: Setup, name: str) -> list[tuple[str, str | SurfaceKey]]:
    """What a name can mean: the rule, then the surfaces of that name, each with how to say that it is meant.
    ``rule:NAME``, ``widget:NAME`` and ``activity:NAME`` say it; ``badge`` is the badge; ``NAME@ACCOUNT`` is what an
    account other than that of activitysmith has.
    """
    bare, at, account = name.rpartition("@")
    name = bare if at and account in setup.config.accounts else name
    accounts = [account] if at and account in setup.config.accounts else [*setup.config.accounts]
    kind, colon, rest = name.partition(":")
    wanted, bare = (kind, rest) if colon else ("", name)
    found: list[tuple[str, str | SurfaceKey]] = []
    if bare in setup.rules.by_name and wanted in ("", RULE):
        found.append((f"{RULE}:{bare}", bare))
    for key in sorted(setup.surfaces.keys, key=lambda key: [*setup.config.accounts].index(key.account)):
        of_kind = _KINDS[type(key)]
        own = of_kind if isinstance(key, BadgeKey) else key.name
        if own == bare and wanted in ("", of_kind) and key.account in accounts:
            said = of_kind if isinstance(key, BadgeKey) else f"{of_kind}:{own}"
            found.append((said if key.account == DEFAULT_ACCOUNT else f"{said}@{key.account}", key))
    return found


def explain_surface(
    setup: Setup, state: State, key: SurfaceKey, deliveries: Sequence[Delivered], passages: Passages | None, now: float
) -> Found:
    """Everything about a surface. ``deliveries``: what the journal has of it, the oldest first; ``passages``: what its
    account's gate lets go (None: no daemon runs, so that it is not known what it should show).
    """
    return _Explained(setup, state, key, passages, now).found(deliveries)


class _Explained:
    """Puts together what is known of one surface."""

    def __init__(self, setup: Setup, state: State, key: SurfaceKey, passages: Passages | None, now: float) -> None:
        self._setup, self._state, self._key, self._now = setup, state, key, now
        self._passages = passages
        owner = setup.surfaces.with_slots_of[key.account]
        self._surfaces, self._slots = setup.surfaces.by_account[owner], state.slots.get(owner, Slots())
        self._outbox: Outbox = fill_lanes(state.outbox, now)
        self._status: KeyStatus = self._outbox.status(key)
        self._view = surfaces_view(setup, state, now)
        found = (
            desired(setup, state, {key}, self._view)[key] if passages is not None else waiting_for(state.outbox, key)
        )
        self._should, self._desired, self._problem = found, found.message, found.problem

    def found(self, deliveries: Sequence[Delivered]) -> Found:
        key, shown = self._key, self._status.shown
        at_once = self._surfaces.updates_at_once
        differs = difference(self._outbox, key, self._should, self._passages, at_once, self._now)
        return {
            "kind": _KINDS[type(key)],
            "account": key.account,
            "name": "" if isinstance(key, BadgeKey) else key.name,
            "surface": str(key),
            "at": self._time(self._now),
            "timezone": self._setup.config.zone.key,
            "running": self._passages is not None,
            "shows": _shows(shown),
            "shows_in_words": in_words(shown),
            "since": self._time(shown.at) if is_there(shown) and shown is not None else None,
            "should_show": None if self._desired is None else _says(self._desired),
            "should_show_in_words": None if self._desired is None else summary(self._desired),
            "reason": differs.reason,
            "why": differs.why,
            "until": self._time(differs.until),
            "stale": [{"metric": metric, "newest_at": self._time(at)} for metric, at in self._stale()],
            "failing": [
                {"source": source, "since": self._time(each.since), "reason": each.reason}
                for source, each in self._failing().items()
            ],
            "score": self._score(),
            "slot": self._slot(),
            "updates": self._updates(),
            "deliveries": [delivery(each, self._setup.config.zone) for each in deliveries],
        }

    def _metrics(self) -> Sequence[str]:
        """The metrics that it shows, as far as their values are known: without a daemon none is."""
        key, surfaces = self._key, self._surfaces
        surface = surfaces.always.get(key) or (surfaces.streams.get(key) if isinstance(key, StreamKey) else None)
        return sorted(surface.dependencies.metrics) if surface is not None and self._passages is not None else []

    def _stale(self) -> Iterator[tuple[str, float | None]]:
        """The metrics of which nothing is fresh, each with the time of its newest value, if one is known."""
        series = self._state.series
        for metric in self._metrics():
            if series.is_stale(metric, self._now):
                known = series.samples(metric) or series.missing(metric)
                yield metric, max((sample.time for sample in known.values()), default=None)

    def _failing(self) -> Mapping[str, SourceHealth]:
        return self._state.series.failing(self._metrics(), self._now)

    def _score(self) -> Found | None:
        """What sending a widget's value now is worth; its place among the routine values that wait."""
        key, desired, shown = self._key, self._desired, self._status.widget
        queued = self._outbox.waiting.get(key)
        message = queued.message if queued is not None else desired
        if not isinstance(key, WidgetKey) or not isinstance(message, WidgetValue):
            return None
        movement = self._outbox.movements.get(key) or seen(None, message.value, self._now)
        value = score(message, shown, movement, self._now)
        place = place_by_worth(self._outbox, key, self._now)
        return {
            # It is not known what is shown: it goes before all others.
            "value": None if math.isinf(value) else value,
            "priority": self._setup.config.widgets[key.name].priority,
            "competes": message.priority is Priority.ROUTINE,
            "place": place and place[0],
            "waiting": place and place[1],
            "expected_at": self._expected_at(queued, place),
            # One that failed waits for its next try, however late it is.
            "sent_by": self._time(queued.late_at)
            if queued is not None and queued.retry_at <= self._now and queued.late_at < math.inf
            else None,
        }

    def _expected_at(self, queued: Queued | None, place: tuple[int, int] | None) -> str | None:
        """When a routine value at this place is expected to go: not before it may be sent at all."""
        if self._passages is None or queued is None or place is None:
            return None
        return self._time(max(queued.ready_at, self._passages.expected_at(place[0], self._now)))

    def _slot(self) -> Found | None:
        """Of a Live Activity: its rank, whether it has a slot and since when, and which streams have the slots."""
        key, streams, slots = self._key, self._surfaces.streams, self._slots
        if not isinstance(key, StreamKey):
            return None
        stream, record = streams.get(key), slots.record(key)
        severity = stream.incident_severity(self._view) if stream is not None else None
        wait = self._problem.wait if self._problem is not None else None
        on_phone = [each for name in self._surfaces.accounts for each in self._outbox.streams_on_phone(name)]
        holders = sorted(each.name for each in on_phone)
        return {
            "rank": rank_text(severity, stream.slot.priority)
            if stream is not None
            else "that of the highest of its rows",
            "has_slot": self._status.holds_slot,
            "since": self._time(record.slot_since) if record is not None and self._status.holds_slot else None,
            "decision": str(wait.decision) if wait is not None else None,
            "may_start_at": self._time(wait.until) if wait is not None else None,
            "holders": list(wait.holders) if wait is not None else holders,
            "slots": self._surfaces.limits.at_once,
            "starts_this_hour": len(slots.started),
            "rows": [each.name for each in slots.folded] if stream is None else [],
        }

    def _updates(self) -> Found | None:
        """Of a Live Activity: what is used of iOS' budget of updates."""
        if (shown := self._status.activity) is None:
            return None
        warned = shown.updates.warned_until
        return {
            "used": round(shown.updates.used_at(self._now), 1),
            "at_once": self._surfaces.updates_at_once,
            "warned_until": self._time(warned) if warned > self._now else None,
        }

    def _time(self, at: float | None) -> str | None:
        return iso_time(at, self._setup.config.zone)


def delivery(entry: Delivered, zone: tzinfo) -> Found:
    """An entry of the journal of deliveries."""
    return {
        "at": iso_time(entry.at, zone),
        "endpoint": entry.endpoint,
        "outcome": entry.outcome,
        "operation": entry.operation,
        "status": entry.status,
        "seconds": entry.seconds,
        "detail": entry.detail,
        "final": entry.is_final,
    }


def _shows(shown: Shown | None) -> Any:
    """What a surface shows: a value, a count or a content state; None: nothing, or it is not known what."""
    match shown:
        case ShownWidget(value=value):
            return value
        case ShownBadge(count=count):
            return count
        case ShownActivity(content=ActivityContent() as content, ended=False):
            return dict(content.content_state)
    return None


def _says(message: LevelMessage) -> Any:
    match message:
        case WidgetValue(value=value):
            return value
        case ActivityState(content=content):
            return dict(content.content_state)
    return getattr(message, "count", None)


def text(found: Found) -> Iterator[str]:
    """An explanation for a person, in lines."""
    now = found["at"]
    yield found["surface"]
    shows, should = found["shows_in_words"], found["should_show_in_words"]
    yield f"  shows {shows}, since {time_of_answer(found['since'], now)}" if shows is not None else "  shows nothing"
    if should is not None and found["reason"] != "same":
        yield f"  should show {should}"
    until = f", until {time_of_answer(found['until'], now)}" if found["until"] else ""
    yield f"  {found['why']}{until}"
    yield from (f"  {line}" for line in data_lines(found))
    yield from (f"  {line}" for line in place_lines(found))
    yield ""
    yield "Deliveries" if found["deliveries"] else "The journal has no deliveries of it."
    if (left := len(found["deliveries"]) - MOST_DELIVERIES) > 0:
        yield f"  ({left} earlier ones are not listed)"
    for entry in found["deliveries"][-MOST_DELIVERIES:]:
        yield f"  {time_of_answer(entry['at'], now)} {delivery_text(entry)}"


def data_lines(found: Found) -> Iterator[str]:
    """What of its data is stale, and which sources of it fail: in lines."""
    now = found["at"]
    for each in found["stale"]:
        since = f"since {time_of_answer(each['newest_at'], now)}" if each["newest_at"] else "yet"
        yield f"stale: {each['metric']} has no new value {since}"
    for each in found["failing"]:
        yield f"source {each['source']} fails since {time_of_answer(each['since'], now)}: {each['reason']}"


def place_lines(found: Found) -> Iterator[str]:
    """The score of a widget; the rank and the slot of a Live Activity, and its budget of updates: in lines."""
    now = found["at"]
    if (score := found["score"]) is not None:
        yield _score_text(score, now)
    if (slot := found["slot"]) is not None:
        yield from _slot_lines(slot, now)
    if (updates := found["updates"]) is not None:
        warned = (
            f"; the service warned, until {time_of_answer(updates['warned_until'], now)}"
            if updates["warned_until"]
            else ""
        )
        yield f"updates that count for iOS' budget: {updates['used']:g} of {updates['at_once']}{warned}"


def _score_text(score: Found, now: str) -> str:
    worth = (
        "goes before all others: it is not known what is shown" if score["value"] is None else f"{score['value']:.4g}"
    )
    place = f", place {score['place']} of {score['waiting']} that wait" if score["place"] else ""
    expected = f", expected to go at {time_of_answer(score['expected_at'], now)}" if score["expected_at"] else ""
    at_last = f", sent by {time_of_answer(score['sent_by'], now)} in any case" if score["sent_by"] else ""
    return f"score {worth} (priority {score['priority']}){place}{expected}{at_last}"


def _slot_lines(slot: Found, now: str) -> Iterator[str]:
    since = f" since {time_of_answer(slot['since'], now)}" if slot["since"] else ""
    start = f"; it may start at {time_of_answer(slot['may_start_at'], now)}" if slot["may_start_at"] else ""
    yield f"rank: {slot['rank']}; {'has a slot' + since if slot['has_slot'] else 'has no slot' + start}"
    holders = ", ".join(slot["holders"]) or "none"
    yield f"slots: {slot['slots']}, held by {holders}; {counted(slot['starts_this_hour'], 'start')} in the last hour"
    if slot["rows"]:
        yield f"rows: {', '.join(slot['rows'])}"


def delivery_text(entry: Found) -> str:
    """What became of a request, for a person."""
    took = f" after {entry['seconds']:.2f} s" if entry["seconds"] is not None else ""
    status = (
        f" (HTTP {entry['status']})" if entry["status"] else f" ({entry['operation']})" if entry["operation"] else ""
    )
    again = "" if entry["final"] else "; tried again"
    detail = f": {entry['detail']}{again}" if entry["detail"] else ""
    return f"{entry['outcome'].replace('_', ' ')}{status}{took}{detail}"

"""Decisions for the journal, and for listeners."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from smithd.alerts.reason import pack
from smithd.alerts.sentences import sentence
from smithd.events import AlertChanged, AlertProgressed, Event, NotificationChanged
from smithd.formatting import labels_text
from smithd.journal import Entry
from smithd.notify.reason import AlertDecision, Reason


def entries(decisions: Iterable[AlertDecision]) -> Iterator[Entry]:
    """What the journal keeps of decisions."""
    for each in decisions:
        yield Entry(
            each.at,
            each.rule,
            each.series.labels,
            each.change,
            each.severity,
            each.value,
            pack(each.evidence),
            each.reason,
            each.detail,
            each.notification,
        )


def events(decisions: Iterable[AlertDecision]) -> Iterator[Event]:
    """What listeners get of decisions: an event for each change, and one for all that a notification is about later."""
    later: dict[tuple[str, str], list[AlertDecision]] = defaultdict(list)
    for each in decisions:
        if each.change:
            event = AlertChanged if each.reason is not Reason.INTERMEDIATE else AlertProgressed
            why = sentence(each.evidence, each.rule, each.series.labels)
            yield event(each.rule, labels_text(each.series.labels), each.change, each.severity, why, str(each))
        else:
            later[each.notification or each.rule, str(each)].append(each)
    for (_, decision), (first, *others) in later.items():
        yield NotificationChanged(first.rule, labels_text(first.series.labels), first.severity, decision, len(others))

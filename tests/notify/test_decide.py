"""The ladder: a group's alerts beside its log entry give one action and one reason."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from rpds import HashTrieMap

from notify.scenes import CRITICAL, NOW, WARNING, alert, group
from smithd.alerts.severity import Severity
from smithd.notify.decide import Decision, GroupOptions, LastPush, NotifyAction, decide, wakes_at
from smithd.notify.group import AlertId, GroupedAlert, GroupScope
from smithd.notify.options import RepeatOptions
from smithd.notify.reason import Reason
from smithd.notify.suppression import Suppression

A, B, C = (alert(host=host) for host in "abc")
BAD = alert(CRITICAL, host="a")
A_OVER, B_OVER = (replace(each, ended=NOW + 10) for each in (A, B))

ALONE = GroupOptions(0.0, 0.0)
GROUPED = GroupOptions(30.0, 300.0)
LOUD = GroupOptions(30.0, 300.0, "push")
SILENT = GroupOptions(30.0, 300.0, "none")
HOURLY = GroupOptions(0.0, 0.0, repeat=RepeatOptions.model_validate("1h"))
GROUPED_HOURLY = GroupOptions(30.0, 7200.0, repeat=RepeatOptions.model_validate("1h"))

ONLY_A: HashTrieMap[AlertId, Severity] = HashTrieMap([(A.id, WARNING)])
NAMED: dict[str, Any] = {"log": {"named": ONLY_A.insert(B.id, WARNING)}, "at": 100.0}
"""The text names B already, though it was not announced."""

MUTED = Suppression(Reason.MUTED, "nights", NOW + 5000)
INHIBITED = Suppression(Reason.INHIBITED, "down")

Do, Why, Push = NotifyAction, Reason, LastPush


@dataclass(frozen=True)
class Row:
    """A situation, and what is to come of it. ``at`` and ``until`` are seconds after the group was opened."""

    name: str
    alerts: Collection[GroupedAlert]
    action: NotifyAction
    reason: Reason
    notified: Mapping[GroupedAlert, Severity] = field(default_factory=dict)
    suppressed: Mapping[AlertId, Suppression] = field(default_factory=dict)
    last: LastPush = LastPush.SENT
    options: GroupOptions = GROUPED
    at: float = 1000.0
    until: float = math.inf
    scope: GroupScope = GroupScope.RULE
    log: Mapping[str, object] = field(default_factory=dict)
    is_storm: bool = False

    def decide(self) -> Decision:
        log: dict[str, object] = {"highest": max(self.notified.values(), default=None, key=list(Severity).index)}
        log |= {"sequence": 0 if self.last is LastPush.NONE else 1}
        log |= dict.fromkeys(("notified_at", "announced_at", "changed_at"), NOW)
        found = group(*self.alerts, notified=self.notified, scope=self.scope, **(log | dict(self.log)))
        now = NOW + self.at
        return decide(found, self.suppressed, self.last, self.options, now, is_storm=self.is_storm)


ROWS = [
    # 1: no difference
    Row("it was notified as it is", [A], Do.NOTHING, Why.UNCHANGED, {A: WARNING}),
    Row("a rise that is suppressed", [BAD], Do.NOTHING, Why.UNCHANGED, {BAD: WARNING}, {BAD.id: MUTED}),
    Row("a reminder is not due", [A], Do.NOTHING, Why.UNCHANGED, {A: WARNING}, options=HOURLY, until=3600.0),
    # The text names it at a severity that it has no more.
    Row("it fell", [A], Do.UPDATE, Why.UPDATED, {A: CRITICAL}),
    Row("it fell while it is suppressed", [A], Do.UPDATE, Why.UPDATED, {A: CRITICAL}, {A.id: MUTED}),
    Row("it fell just after the push", [A], Do.WAIT, Why.UPDATE_INTERVAL, {A: CRITICAL}, at=5.0, until=15.0),
    Row("it fell before the push was sent", [A], Do.UPDATE_UNSENT, Why.UPDATED, {A: CRITICAL}, last=Push.WAITING),
    Row("it fell, on_resolve: push", [A], Do.UPDATE, Why.UPDATED, {A: CRITICAL}, options=LOUD),
    Row("it fell, on_resolve: none", [A], Do.UPDATE, Why.UPDATED, {A: CRITICAL}, options=SILENT),
    Row("it fell, and has no name", [A], Do.FORGET, Why.NOT_REPLACEABLE, {A: CRITICAL}, last=Push.FIXED),
    Row(
        "it fell while a digest waits for its window",
        [A],
        Do.UPDATE,
        Why.UPDATED,
        {A: CRITICAL},
        scope=GroupScope.DIGEST,
        log={"not_before": NOW + 9000},
    ),
    # 2: the first notification
    Row("an alert alone", [A], Do.PUSH, Why.NOTIFIED, last=Push.NONE, options=ALONE, at=0.0),
    Row("the first of a group", [A], Do.WAIT, Why.GROUP_WAIT, last=Push.NONE, at=0.0, until=30.0),
    Row("the first when the wait is over", [A, B], Do.PUSH, Why.NOTIFIED, last=Push.NONE, at=30.0),
    Row("a clock set back does not prolong the wait", [A], Do.PUSH, Why.NOTIFIED, last=Push.NONE, at=-500.0),
    Row("what comes and goes waits as well", [A_OVER], Do.WAIT, Why.GROUP_WAIT, last=Push.NONE, at=20.0, until=30.0),
    Row("one has ended while another fires", [A_OVER, B], Do.PUSH, Why.NOTIFIED, last=Push.NONE, at=30.0),
    # 3: the end of all
    Row("all came and went", [A_OVER], Do.END_BY_PUSH, Why.NOTIFIED, last=Push.NONE, at=30.0),
    Row("the end is not delayed", [A_OVER], Do.END, Why.UPDATED, {A: WARNING}, at=10.0),
    Row("the end of what is unsent", [A_OVER], Do.END_BY_PUSH, Why.NOTIFIED, {A: WARNING}, last=Push.WAITING),
    Row("the end of what was refused", [A_OVER], Do.WITHDRAW, Why.REFUSED, {A: WARNING}, last=Push.REFUSED),
    Row(
        "the end of what was refused after another notification",
        [A_OVER],
        Do.END_BY_PUSH,
        Why.NOTIFIED,
        {A: WARNING},
        last=Push.REFUSED,
        log={"sequence": 2},
    ),
    Row(
        "one of two that were refused ends",
        [A_OVER, B],
        Do.UPDATE_UNSENT,
        Why.UPDATED,
        {A: WARNING, B: WARNING},
        last=Push.REFUSED,
    ),
    Row(
        "one more joins what was refused, and is not tried at once",
        [A, B],
        Do.WAIT,
        Why.UPDATE_INTERVAL,
        {A: WARNING},
        last=Push.REFUSED,
        at=5.0,
        until=15.0,
    ),
    Row("a rise while the push before is refused", [BAD], Do.PUSH, Why.NOTIFIED, {BAD: WARNING}, last=Push.REFUSED),
    Row(
        "the end of what was dropped",
        [A_OVER],
        Do.FORGET,
        Why.RESOLVED_BEFORE_NOTIFIED,
        {A: WARNING},
        last=Push.DROPPED,
    ),
    Row("on_resolve: push", [A_OVER], Do.END_BY_PUSH, Why.NOTIFIED, {A: WARNING}, options=LOUD),
    Row("on_resolve: push, muted", [A_OVER], Do.END, Why.UPDATED, {A: WARNING}, {A.id: MUTED}, options=LOUD),
    Row("on_resolve: none", [A_OVER], Do.FORGET, Why.RESOLVE_NOT_NOTIFIED, {A: WARNING}, options=SILENT),
    Row("all left the group", [], Do.SUPERSEDE, Why.UPDATED, log={"is_outdated": True}),
    Row("all left before it was sent", [], Do.SUPERSEDE, Why.NOTIFIED, last=Push.WAITING, log={"is_outdated": True}),
    Row("a source answers", [], Do.END, Why.UPDATED, scope=GroupScope.SOURCE, log={"is_outdated": True}),
    # 4: a storm
    Row("a warning in a storm", [A], Do.JOIN_STORM, Why.STORM, last=Push.NONE, is_storm=True),
    Row("a critical in a storm", [A, BAD], Do.PUSH, Why.NOTIFIED, last=Push.NONE, is_storm=True),
    Row("a later one in a storm", [A, B], Do.PUSH, Why.NOTIFIED, {A: WARNING}, at=300.0, is_storm=True),
    Row("a digest in a storm", [A], Do.PUSH, Why.DIGEST, last=Push.NONE, scope=GroupScope.DIGEST, is_storm=True),
    Row("the summary", [A], Do.PUSH, Why.STORM, last=Push.NONE, scope=GroupScope.STORM, is_storm=True),
    Row("the summary takes in one more", [A, B], Do.UPDATE, Why.UPDATED, {A: WARNING}, at=20.0, scope=GroupScope.STORM),
    Row("the summary of another storm", [A, B], Do.PUSH, Why.STORM, {A: WARNING}, at=300.0, scope=GroupScope.STORM),
    # 5: worse than anything before
    Row("a rise", [BAD], Do.PUSH, Why.NOTIFIED, {BAD: WARNING}, at=1.0),
    Row("a rise while the push before is unsent", [BAD], Do.PUSH, Why.NOTIFIED, {BAD: WARNING}, last=Push.WAITING),
    Row("a worse one joins", [B, BAD], Do.PUSH, Why.NOTIFIED, {B: WARNING}, at=1.0),
    Row("another at the same severity", [A, B], Do.WAIT, Why.GROUP_INTERVAL, {A: WARNING}, at=1.0, until=15.0),
    Row(
        "what fell and rose again is not worse than anything before",
        [BAD],
        Do.UPDATE,
        Why.UPDATED,
        {BAD: WARNING},
        at=15.0,
        log={"highest": CRITICAL},
    ),
    # 6: the last push is unsent
    Row("one more joins the unsent push", [A, B], Do.PUSH, Why.NOTIFIED, {A: WARNING}, last=Push.WAITING, at=1.0),
    Row(
        "one that fires again joins the unsent push",
        [A, B],
        Do.UPDATE_UNSENT,
        Why.UPDATED,
        {A: WARNING, B: WARNING},
        last=Push.WAITING,
        at=1.0,
        log={"named": ONLY_A},
    ),
    # 7: reminders
    Row("a reminder", [A], Do.REMIND, Why.REMINDED, {A: WARNING}, options=HOURLY, at=3600.0),
    Row(
        "the second comes later",
        [A],
        Do.NOTHING,
        Why.UNCHANGED,
        {A: WARNING},
        options=GroupOptions(0, 0, "replace", RepeatOptions.model_validate({"every": "1h", "factor": 2})),
        at=3600.0,
        until=7200.0,
        log={"reminders": 1},
    ),
    Row(
        "the push before is unsent",
        [A],
        Do.SKIP_REMINDER,
        Why.PREVIOUS_UNSENT,
        {A: WARNING},
        last=Push.WAITING,
        options=HOURLY,
        at=3600.0,
    ),
    Row(
        "a muted reminder",
        [A],
        Do.SUSPEND_REMINDER,
        Why.MUTED,
        {A: WARNING},
        {A.id: MUTED},
        options=HOURLY,
        at=3600.0,
        until=5000.0,
    ),
    Row(
        "an inhibited reminder",
        [A],
        Do.SUSPEND_REMINDER,
        Why.INHIBITED,
        {A: WARNING},
        {A.id: INHIBITED},
        options=HOURLY,
        at=3600.0,
        until=3660.0,
    ),
    Row(
        "a suspended reminder",
        [A],
        Do.NOTHING,
        Why.UNCHANGED,
        {A: WARNING},
        {A.id: MUTED},
        options=HOURLY,
        at=4000.0,
        until=5000.0,
        log={"remind_not_before": NOW + 5000},
    ),
    Row(
        "one of two is muted",
        [A, B],
        Do.REMIND,
        Why.REMINDED,
        {A: WARNING, B: WARNING},
        {A.id: MUTED},
        options=HOURLY,
        at=3600.0,
    ),
    Row(
        "a reminder takes in the ended",
        [A_OVER, B],
        Do.REMIND,
        Why.REMINDED,
        {A: WARNING, B: WARNING},
        options=GROUPED_HOURLY,
        at=3600.0,
    ),
    Row(
        "news take the place of a reminder",
        [A, B],
        Do.PUSH,
        Why.NOTIFIED,
        {A: WARNING},
        options=GROUPED_HOURLY,
        at=3600.0,
    ),
    # 8: news and group_interval
    Row("news after the interval", [A, B], Do.PUSH, Why.NOTIFIED, {A: WARNING}, at=300.0),
    Row("news that are named wait for it", [A, B], Do.WAIT, Why.GROUP_INTERVAL, {A: WARNING}, until=300.0, **NAMED),
    Row("news that ended in it", [A, B_OVER], Do.UPDATE, Why.UPDATED, {A: WARNING}, at=300.0, log=NAMED["log"]),
    Row("what was announced ended, and news fire", [A_OVER, B], Do.UPDATE, Why.UPDATED, {A: WARNING}, at=20.0),
    Row("no one rings for what fires again", [A, B], Do.NOTHING, Why.UNCHANGED, {A: WARNING, B: WARNING}, at=300.0),
    Row("suppressed news", [A, B], Do.NOTHING, Why.UNCHANGED, {A: WARNING}, {B.id: MUTED}, at=300.0),
    Row(
        "one more rule of a failing source waits",
        [A, B],
        Do.WAIT,
        Why.GROUP_INTERVAL,
        {A: WARNING},
        scope=GroupScope.SOURCE,
        at=1.0,
        until=15.0,
    ),
    Row("one more rule of a failing source", [A, B], Do.UPDATE, Why.UPDATED, {A: WARNING}, scope=GroupScope.SOURCE),
    Row(
        "one more, and the first was dropped",
        [A, B],
        Do.PUSH,
        Why.NOTIFIED,
        {A: WARNING},
        last=Push.DROPPED,
        scope=GroupScope.SOURCE,
    ),
    # 9 and 10: joined, ended and outdated
    Row("one joins", [A, B], Do.UPDATE, Why.UPDATED, {A: WARNING}, at=15.0),
    Row("one joins, on_resolve: none", [A, B], Do.UPDATE, Why.UPDATED, {A: WARNING}, options=SILENT, at=15.0),
    Row(
        "one joins while the push is in flight",
        [A, B],
        Do.WAIT,
        Why.GROUP_INTERVAL,
        {A: WARNING},
        last=Push.IN_FLIGHT,
        at=20.0,
        until=25.0,
    ),
    Row(
        "one joins, and the text cannot be replaced",
        [A, B],
        Do.FORGET,
        Why.NOT_REPLACEABLE,
        {A: WARNING},
        last=Push.FIXED,
        at=20.0,
    ),
    Row("all end, and the text cannot be replaced", [A_OVER], Do.END, Why.UPDATED, {A: WARNING}, last=Push.FIXED),
    Row("one of two ended", [A_OVER, B], Do.WAIT, Why.UPDATE_INTERVAL, {A: WARNING, B: WARNING}, at=10.0, until=15.0),
    Row("one of two, after 15 s", [A_OVER, B], Do.UPDATE, Why.UPDATED, {A: WARNING, B: WARNING}, at=15.0),
    Row("one came and went", [A_OVER, B], Do.UPDATE, Why.UPDATED, {B: WARNING}),
    Row(
        "the notification is unsent",
        [A_OVER, B],
        Do.UPDATE_UNSENT,
        Why.UPDATED,
        {A: WARNING, B: WARNING},
        last=Push.WAITING,
    ),
    Row("by push", [A_OVER, B], Do.UPDATE_BY_PUSH, Why.NOTIFIED, {A: WARNING, B: WARNING}, options=LOUD),
    Row(
        "by push waits for the interval",
        [A_OVER, B],
        Do.WAIT,
        Why.GROUP_INTERVAL,
        {A: WARNING, B: WARNING},
        options=LOUD,
        at=20.0,
        until=300.0,
    ),
    Row("by push, muted", [A_OVER, B], Do.UPDATE, Why.UPDATED, {A: WARNING, B: WARNING}, {A.id: MUTED}, options=LOUD),
    Row("not at all", [A_OVER, B], Do.FORGET, Why.RESOLVE_NOT_NOTIFIED, {A: WARNING, B: WARNING}, options=SILENT),
    Row("another cause", [A], Do.UPDATE, Why.UPDATED, {A: WARNING}, options=ALONE, log={"is_outdated": True}),
    Row(
        "the notification was dropped",
        [A_OVER, B],
        Do.FORGET,
        Why.RESOLVED_BEFORE_NOTIFIED,
        {A: WARNING, B: WARNING},
        last=Push.DROPPED,
    ),
    # digests
    Row(
        "in the window",
        [A],
        Do.WAIT,
        Why.MUTED,
        last=Push.NONE,
        scope=GroupScope.DIGEST,
        until=5000.0,
        log={"not_before": NOW + 5000},
    ),
    Row(
        "it came and went in the window",
        [A_OVER],
        Do.WAIT,
        Why.MUTED,
        last=Push.NONE,
        scope=GroupScope.DIGEST,
        until=5000.0,
        log={"not_before": NOW + 5000},
    ),
    Row(
        "the window ends",
        [A, B_OVER],
        Do.PUSH,
        Why.DIGEST,
        last=Push.NONE,
        options=GroupOptions(0, 300),
        scope=GroupScope.DIGEST,
        at=5000.0,
        log={"not_before": NOW + 5000},
    ),
    Row(
        "all came and went",
        [A_OVER],
        Do.END_BY_PUSH,
        Why.DIGEST,
        last=Push.NONE,
        options=GroupOptions(0, 300),
        scope=GroupScope.DIGEST,
        at=5000.0,
        log={"not_before": NOW + 5000},
    ),
    Row(
        "last night's ends in the next window",
        [A_OVER, B],
        Do.END,
        Why.UPDATED,
        {A: WARNING},
        options=GroupOptions(0, 300),
        scope=GroupScope.DIGEST,
        log={"not_before": NOW + 5000},
    ),
    Row(
        "last night's, and it waits for the next update",
        [A_OVER, B],
        Do.WAIT,
        Why.UPDATE_INTERVAL,
        {A: WARNING},
        options=GroupOptions(0, 300),
        scope=GroupScope.DIGEST,
        at=10.0,
        until=15.0,
        log={"not_before": NOW + 5000},
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name.replace(" ", "-"))
def test_a_situation_gives_one_action_and_one_reason(row: Row) -> None:
    found = row.decide()
    assert (found.action, found.reason) == (row.action, row.reason)
    assert found.until == (row.until if row.until == math.inf else NOW + row.until)


def test_a_decision_settles_the_differences_and_nothing_else() -> None:
    row = Row("", [A_OVER, B, C], Do.PUSH, Why.NOTIFIED, {A: WARNING, B: WARNING})
    found = row.decide()
    assert (list(found.news), list(found.ended)) == ([C], [A_OVER])
    window = Row(
        "", [A_OVER, B, C], Do.END, Why.UPDATED, {A: WARNING}, scope=GroupScope.DIGEST, log={"not_before": NOW + 5000}
    )
    found = window.decide()
    assert (list(found.news), list(found.ended)) == ([], [A_OVER])


def test_what_fell_is_looked_at_when_the_text_may_change_next() -> None:
    fell = group(A, notified={A: CRITICAL}, changed_at=NOW)
    assert wakes_at(fell, {A.id: MUTED}, GROUPED, NOW) == NOW + 15
    assert wakes_at(group(A, notified={A: WARNING}, changed_at=NOW), {}, GROUPED, NOW) == math.inf


def test_a_reminder_is_about_what_is_not_suppressed() -> None:
    row = Row("", [A, B], Do.REMIND, Why.REMINDED, {A: WARNING, B: WARNING}, {A.id: MUTED}, options=HOURLY, at=3600.0)
    assert list(row.decide().reminded) == [B]

"""From transitions to messages: each station in order, and what holds whatever happens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from notify.scenes import NOW, changes, config, fires, open_alert, view
from smithd.alerts.alert import Alert, Transition
from smithd.alerts.severity import Severity, rank
from smithd.keys import DEFAULT_ACCOUNT, PushKey
from smithd.notify.config import NotifyConfig
from smithd.notify.group import AlertId, Groups, id_of
from smithd.notify.pipeline import Notified, notify
from smithd.notify.reason import AlertDecision, Reason
from smithd.notify.resume import look_again, reschedule, resume, suppressions
from smithd.notify.route import GroupDue, NotifyTimer, SuppressionEnds
from smithd.outbox.message import Push, PushUpdate
from smithd.outbox.shown import KeyStatus, ShownPush


@dataclass
class Drive:
    """Steps of the pipeline one after another, with the alerts, the timers and the outbox that belong to them."""

    config: NotifyConfig
    groups: Groups = field(default_factory=Groups)
    now: float = NOW
    alerts: dict[tuple[str, str], Alert] = field(default_factory=dict)
    timers: list[tuple[float, NotifyTimer]] = field(default_factory=list)
    statuses: dict[PushKey, KeyStatus] = field(default_factory=dict)
    windows: dict[str, float] = field(default_factory=dict)
    messages: list[Any] = field(default_factory=list)
    decisions: list[AlertDecision] = field(default_factory=list)
    accepts: bool = True

    def value(self, value: float, host: str = "", rule: str = "errors") -> None:
        """A rule's series has a value."""
        before = self.alerts.get((rule, host))
        if before is None and value <= 1:
            return
        if before is not None and before.value == value:
            return
        transition = changes(before, value, self.now) if before else fires(value, self.now, host, rule)
        if transition.after is not None:
            self.alerts[rule, host] = transition.after
        else:
            del self.alerts[rule, host]
        self.step([transition])

    def step(self, transitions: Sequence[Transition] = ()) -> None:
        """What changed, and the timers that are due."""
        due = [timer for at, timer in self.timers if at <= self.now]
        self.timers = [each for each in self.timers if each[0] > self.now]
        seen = view(self.now, list(self.alerts.values()), self.open(), (), self.statuses)
        self.take(notify(self.groups, transitions, due, seen, self.config))

    def open(self) -> dict[str, float]:
        return {name: until for name, until in self.windows.items() if until > self.now}

    def take(self, notified: Notified) -> None:
        self.groups = notified.groups
        self.timers += notified.timers
        self.decisions += notified.decisions
        for message in notified.messages:
            assert isinstance(message, Push | PushUpdate)
            self.messages.append(message)
            shown = ShownPush(message.key, message.content, self.now, "n-1")
            before = self.statuses.get(message.key, KeyStatus()).shown
            self.statuses[message.key] = KeyStatus(shown) if self.accepts else KeyStatus(before, message)

    def wait(self, until: float) -> None:
        """Let time pass, and take each timer when it is due."""
        for _ in range(500):
            at = min((at for at, _ in self.timers), default=math.inf)
            if at > until:
                break
            self.now = max(self.now, at)
            self.step()
        else:
            raise AssertionError("the same timers come again and again")
        self.now = until

    def titles(self) -> list[str]:
        found = [message.content.title for message in self.messages]
        self.messages.clear()
        return found

    def reasons(self) -> list[Reason]:
        return [decision.reason for decision in self.decisions]


def test_an_alert_goes_straight_from_its_transition_to_its_push() -> None:
    drive = Drive(config())
    drive.value(7.0)
    (message,) = drive.messages
    assert isinstance(message, Push)
    assert message.key == PushKey("default", "errors", NOW, 1)
    assert message.content.title == "errors is critical"
    assert drive.reasons() == [Reason.NOTIFIED]
    assert drive.decisions[0].notification == str(message.key)
    drive.value(0.5)
    assert drive.titles() == ["errors is critical", "Resolved: errors"]
    assert drive.groups == Groups(own=drive.groups.own, suppressed=drive.groups.suppressed)


def test_values_are_not_changed_in_place() -> None:
    drive = Drive(config(push={"group_by": []}))
    drive.value(2.0, "a")
    before = drive.groups
    (group,) = before.by_key.values()
    drive.value(2.0, "b")
    assert before.by_key[group.key] is group
    assert len(group.alerts) == 1
    assert len(drive.groups.by_key[group.key].alerts) == 2


def test_a_group_waits_with_the_reason_and_the_timer_that_it_waits_for() -> None:
    drive = Drive(config(push={"group_wait": "30s"}))
    drive.value(2.0, "a")
    (group,) = drive.groups.by_key.values()
    assert (drive.reasons(), drive.timers) == ([Reason.GROUP_WAIT], [(NOW + 30, GroupDue(group.key))])
    drive.value(2.0, "b")
    assert drive.timers == [(NOW + 30, GroupDue(group.key))]
    drive.wait(NOW + 30)
    assert drive.titles() == ["errors: 2 alerts, warning"]
    drive.value(2.0, "c")
    assert drive.reasons()[-1] == Reason.GROUP_INTERVAL
    assert drive.timers == [(NOW + 45, GroupDue(group.key))]
    drive.wait(NOW + 45)
    assert (drive.titles(), drive.reasons()[-1]) == (["errors: 3 alerts, warning"], Reason.UPDATED)
    assert drive.timers == [(NOW + 330, GroupDue(group.key))]
    drive.wait(NOW + 330)
    assert drive.titles() == ["Earlier: errors: 3 alerts, warning", "errors: 3 alerts, warning"]


def test_what_is_suppressed_is_in_no_group_and_has_a_timer() -> None:
    drive = Drive(config(mute=["nights"]), windows={"nights": NOW + 600})
    drive.value(7.0)
    alert = id_of(drive.alerts["errors", ""])
    assert (drive.groups.of(alert), drive.timers) == (None, [(NOW + 600, SuppressionEnds(alert))])
    assert drive.decisions[0].detail == "nights until 14:10"
    seen = view(alerts=list(drive.alerts.values()), windows=drive.windows)
    (found,) = suppressions(drive.groups, "errors", seen, drive.config).values()
    assert found.by == "nights"
    drive.wait(NOW + 600)
    assert drive.titles() == ["errors is critical"]


def test_a_rule_that_stops_firing_releases_what_it_inhibited() -> None:
    drive = Drive(config("down", "errors", unless_firing=["down"]))
    drive.value(7.0, rule="down")
    drive.value(7.0)
    assert (drive.titles(), drive.reasons()) == (["down is critical"], [Reason.NOTIFIED, Reason.INHIBITED])
    drive.value(0.5, rule="down")
    assert sorted(drive.titles()) == ["Resolved: down", "errors is critical"]


def test_the_text_of_what_is_unsent_is_replaced() -> None:
    drive = Drive(config(), accepts=False)
    drive.value(2.0)
    drive.value(7.0)
    assert {message.key for message in drive.messages} == {PushKey("default", "errors", NOW, 1)}
    assert drive.titles() == ["errors is warning", "errors is critical"]


def test_the_groups_of_an_earlier_run_are_resumed() -> None:
    drive = Drive(config("errors", "other"))
    drive.value(7.0)
    drive.alerts["other", ""] = open_alert(rule="other")
    drive.messages.clear()
    drive.timers.clear()
    seen = view(alerts=list(drive.alerts.values()), statuses=drive.statuses)
    drive.take(resume(drive.groups, seen, drive.config))
    assert drive.titles() == []
    assert [each.reason for each in suppressions(drive.groups, "other", seen, drive.config).values()] == [
        Reason.UNCONFIRMED
    ]
    drive.wait(NOW + 60)
    assert drive.titles() == ["other is critical"]
    drive.take(resume(drive.groups, seen, config("other")))
    assert (drive.titles(), drive.decisions[-1].reason) == (["Closed: errors"], Reason.CLOSED)


def test_after_the_clock_was_set_back_everything_is_looked_at_again() -> None:
    drive = Drive(config(mute=["nights"]), windows={"nights": NOW + 600})
    drive.value(7.0)
    alert = id_of(drive.alerts["errors", ""])
    _, timers = reschedule(drive.groups, DEFAULT_ACCOUNT, NOW - 3600)
    assert timers == [(NOW - 3600, SuppressionEnds(alert))]
    assert look_again(drive.groups, DEFAULT_ACCOUNT, NOW + 1) == [(NOW + 1, SuppressionEnds(alert))]
    notified = Drive(config(), now=NOW)
    notified.value(7.0)
    groups, timers = reschedule(notified.groups, DEFAULT_ACCOUNT, NOW - 3600)
    (group,) = groups.by_key.values()
    assert (group.log.notified_at, group.log.changed_at) == (NOW - 3600, NOW - 3600)
    assert timers == [(NOW - 3600, GroupDue(group.key))]


PUSHES: list[dict[str, object]] = [
    {},
    {"group_by": [], "group_wait": "10s", "group_interval": "3m"},
    {"group_by": ["..."]},
    {"group_by": ["..."], "max_series": 1},
    {"repeat": "10m"},
    {"group_by": [], "repeat": "5m"},
    {"on_resolve": "push"},
    {"on_resolve": "none"},
]
SUPPRESSED: list[dict[str, object]] = [
    {},
    {"mute": ["nights"]},
    {"mute": {"during": ["nights"], "digest": True}},
    {"unless_firing": ["down"]},
    {"depends_on": ["down"]},
]
EVENTS = st.one_of(
    st.tuples(st.sampled_from(["errors", "down"]), st.sampled_from("ab"), st.sampled_from([0.5, 2.0, 7.0])),
    st.integers(1, 900),
    st.sampled_from(["night", "accept", "refuse", "look"]),
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PUSHES), st.sampled_from(SUPPRESSED), st.lists(EVENTS, max_size=30))
def test_nothing_is_notified_twice_and_what_fires_is_notified_or_waits_for_a_time(
    push: dict[str, object], keys: dict[str, object], events: list[Any]
) -> None:
    drive = Drive(config("down", "errors", push=push, **keys))
    notified: dict[AlertId, Severity] = {}
    for event in events:
        already = len(drive.decisions)
        match event:
            case (rule, host, value):
                drive.value(value, host, rule)
            case int():
                drive.wait(drive.now + event)
            case "night":
                drive.windows["nights"] = drive.now + 500
            case "look":
                drive.timers += look_again(drive.groups, DEFAULT_ACCOUNT, drive.now)
                drive.step()
            case _:
                drive.accepts = event == "accept"
        for decision in drive.decisions[already:]:
            check_once(notified, decision)
        check_nothing_is_lost(drive)


def check_once(notified: dict[AlertId, Severity], decision: AlertDecision) -> None:
    """Each severity of an alert is notified once until it ends, or falls."""
    (id_,) = (id_of(open_alert(rule=decision.rule, host=host)) for host in dict(decision.series.labels).values())
    is_beginning = decision.change in ("fired", "raised") or (
        decision.change == "" and not decision.detail.startswith("it came and went")
    )
    if decision.change == "resolved":
        notified.pop(id_, None)
    elif decision.change == "lowered" and id_ in notified:
        notified[id_] = min(notified[id_], Severity(decision.severity))
    elif decision.reason in (Reason.NOTIFIED, Reason.DIGEST) and is_beginning and decision.severity:
        before = notified.get(id_)
        assert before is None or rank(Severity(decision.severity)) > rank(before), decision
        notified[id_] = Severity(decision.severity)


def check_nothing_is_lost(drive: Drive) -> None:
    """Each alert that fires was notified as it is, or waits for a time, or for another rule to change."""
    timers = {timer for _, timer in drive.timers}
    for alert in drive.alerts.values():
        id_ = id_of(alert)
        group, suppressed = drive.groups.of(id_), drive.groups.suppression(id_)
        if suppressed is not None:
            assert suppressed.until is None or SuppressionEnds(id_) in timers
        else:
            assert group is not None
            is_notified = rank(alert.severity) <= rank(group.log.severities.get(id_))
            assert is_notified or GroupDue(group.key) in timers

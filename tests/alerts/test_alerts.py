"""All alerts as one value; and the scale of severities."""

from __future__ import annotations

from dataclasses import replace

from smithd.alerts.alert import Alert, AlertKey, Change, Transition
from smithd.alerts.alerts import Alerts
from smithd.alerts.damping import Flapping
from smithd.alerts.machine import Hold, Phase
from smithd.alerts.reason import Evidence, TransitionReason
from smithd.alerts.severity import Severity, rank, worst_of
from smithd.alerts.spell import Spell

EVIDENCE = Evidence(TransitionReason.CLEARED)


def alert(host: str, since: float, severity: Severity | None = Severity.WARNING, rule: str = "errors") -> Alert:
    hold = Hold(Severity.WARNING, Phase.FIRING if severity else Phase.PENDING, since, since)
    return Alert(
        AlertKey("", rule, (("host", host),)),
        "shop.errors",
        (hold,),
        severity,
        since,
        since if severity else None,
        7.0,
        (Spell(severity, since),) if severity else (),
        flapping=Flapping(1.0, since),
    )


def test_alerts_come_the_oldest_first() -> None:
    given = [alert("b", 20.0), alert("a", 20.0), alert("c", 10.0)]
    assert [each.labels[0][1] for each in Alerts.of(given)] == ["c", "a", "b"]


def test_only_what_fires_is_among_the_firing() -> None:
    alerts = Alerts.of([alert("a", 10.0), alert("b", 10.0, None), alert("c", 10.0, None, "other")])
    assert {rule: set(those) for rule, those in alerts.firing.items()} == {"errors": {(("host", "a"),)}}
    assert set(alerts.by_rule) == {"errors", "other"}
    assert [each.labels[0][1] for each in alerts.of_rule("errors")] == ["a", "b"]
    assert alerts.of_rule("none") == []


def test_an_alert_that_ends_leaves_its_flapping_until_it_is_back() -> None:
    firing = alert("a", 10.0)
    before = Alerts.of([firing])
    ended = before.after(Transition(firing, None, Change.RESOLVED, 30.0, 1.0, EVIDENCE))
    assert list(ended) == []
    assert not ended.by_rule
    assert not ended.firing
    assert dict(ended.flapping) == {firing.key: Flapping(1.0, 10.0)}
    back = ended.after(Transition(None, firing, Change.FIRED, 40.0, 7.0, EVIDENCE))
    assert not back.flapping
    assert list(back) == [firing]
    assert list(before) == [firing]


def test_after_the_clock_was_set_back_nothing_began_in_the_future() -> None:
    (found,) = Alerts.of([alert("a", 100.0)]).clamped(50.0)
    assert (found.since, found.fired_at) == (50.0, 50.0)


def test_an_episode_has_the_name_of_its_alert_and_its_beginning() -> None:
    assert alert("a", 10.0).incident == 'errors{host="a"}@10.000'


def test_an_alert_from_outside_is_another_one_than_ours_of_the_same_name() -> None:
    ours = alert("a", 10.0)
    theirs = replace(ours, key=ours.key._replace(origin="alertmanager"))
    alerts = Alerts.of([ours, theirs])
    assert set(alerts) == {ours, theirs}
    assert alerts.get("errors", ours.labels) == ours
    assert alerts.get("alertmanager:errors", ours.labels) == theirs


def test_severities_are_ordered_by_how_bad_they_are() -> None:
    assert Severity.INFO < Severity.WARNING < Severity.CRITICAL
    assert Severity.CRITICAL > Severity.WARNING >= Severity.WARNING
    assert sorted([Severity.CRITICAL, Severity.INFO, Severity.WARNING]) == list(Severity)
    assert worst_of(None, Severity.WARNING, Severity.INFO) is Severity.WARNING
    assert worst_of(None) is None
    assert [rank(None), *(rank(severity) for severity in Severity)] == [-1, 0, 1, 2]

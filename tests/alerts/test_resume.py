"""What a start makes of the alerts of the last run, when rules were edited meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smithd.alerts.alert import Alert, AlertKey
from smithd.alerts.damping import Flapping
from smithd.alerts.machine import Hold, Phase
from smithd.alerts.missing import Absence, AbsencePhase
from smithd.alerts.reason import SERIES_MISSING
from smithd.alerts.resume import PENDING_SURVIVES, Resumed, fit, resume
from smithd.alerts.rule import Rule, RuleOptions, compile_rule
from smithd.alerts.severity import Severity
from smithd.alerts.spell import Spell

NOW = 10_000.0
W, C = Severity.WARNING, Severity.CRITICAL
KEY = AlertKey("", "errors", (("host", "a"),))


def rule(metric: str = "shop.errors", **keys: str) -> Rule:
    return compile_rule("errors", RuleOptions.model_validate({"metric": metric, **keys}))


def alert(*holds: tuple[Severity, Phase], severity: Severity | None, since: float = 100.0) -> Alert:
    kept = tuple(
        Hold(level, phase, since, since) if phase is not Phase.INACTIVE else Hold(level) for level, phase in holds
    )
    levels = {hold.severity for hold in kept if hold.fires} | ({severity} if severity else set())
    spells = tuple(Spell(level, since) for level in sorted(levels))
    return Alert(KEY, "shop.errors", kept, severity, since, since if severity else None, 7.0, spells)


def resumed(given: Alert, *rules: Rule, alive_at: float | None = NOW - 60) -> Resumed:
    return resume([given], {}, {each.name: each for each in rules}, alive_at, NOW)


FIRING = alert((W, Phase.FIRING), (C, Phase.FIRING), severity=C)


def test_an_alert_of_the_same_rule_goes_on_as_it_was() -> None:
    found = resumed(FIRING, rule(warning="> 1", critical="> 5"))
    assert list(found.alerts) == [FIRING]
    assert (found.orphans, found.forgotten) == ((), ())


@pytest.mark.parametrize("rules", [(), (rule(metric="shop.orders", warning="> 1"),)])
def test_an_alert_whose_rule_is_gone_or_has_another_metric_is_an_orphan(rules: tuple[Rule, ...]) -> None:
    found = resumed(FIRING, *rules)
    assert list(found.alerts) == []
    assert found.orphans == (FIRING,)
    assert found.forgotten == (KEY,)


@pytest.mark.parametrize(
    ("kept", "thresholds", "phases", "severity"),
    [
        # a new severity below one that fires, fires too
        (((C, Phase.FIRING),), {"warning": "> 1", "critical": "> 5"}, [Phase.FIRING, Phase.FIRING], C),
        (((C, Phase.RECOVERING),), {"warning": "> 1", "critical": "> 5"}, [Phase.RECOVERING] * 2, C),
        # a new severity above one that fires, begins at the beginning
        (((W, Phase.FIRING),), {"warning": "> 1", "critical": "> 5"}, [Phase.FIRING, Phase.INACTIVE], W),
        # one below stays as it was
        (((W, Phase.FIRING), (C, Phase.FIRING)), {"warning": "> 1"}, [Phase.FIRING], W),
        # the only one that fires was taken out, and a milder one is there
        (((W, Phase.INACTIVE), (C, Phase.FIRING)), {"warning": "> 1"}, [Phase.FIRING], W),
        # the only one that fires was taken out, and only a worse one is there: the next value decides
        (((W, Phase.FIRING),), {"critical": "> 5"}, [Phase.PENDING], W),
        (((W, Phase.FIRING), (C, Phase.PENDING)), {"critical": "> 5"}, [Phase.PENDING], W),
    ],
)
def test_an_edited_rule_does_not_forget_an_alert_that_fires(
    kept: tuple[tuple[Severity, Phase], ...], thresholds: dict[str, str], phases: list[Phase], severity: Severity
) -> None:
    worst = max(level for level, phase in kept if phase is not Phase.INACTIVE and phase is not Phase.PENDING)
    fitted = fit(alert(*kept, severity=worst), rule(**thresholds), NOW)
    assert [hold.phase for hold in fitted.holds] == phases
    assert [hold.severity for hold in fitted.holds] == [Severity(each) for each in thresholds]
    assert fitted.severity is severity


def test_a_new_severity_has_no_baseline_of_another() -> None:
    frozen = alert((C, Phase.FIRING), severity=C)
    frozen = replace(frozen, holds=tuple(replace(hold, baseline=100.0) for hold in frozen.holds))
    edited = rule(warning="drops > 10% over 1h", critical="drops > 50% over 1h")
    assert [hold.baseline for hold in fit(frozen, edited, NOW).holds] == [None, 100.0]


def test_what_is_pending_goes_on_after_a_short_outage_and_begins_anew_after_a_long_one() -> None:
    pending = alert((W, Phase.PENDING), severity=None)
    watching = rule(warning="> 1", **{"for": "1h"})
    assert list(resumed(pending, watching, alive_at=NOW - PENDING_SURVIVES + 1).alerts) == [pending]
    assert list(resumed(pending, watching, alive_at=None).alerts) == [pending]
    found = resumed(pending, watching, alive_at=NOW - PENDING_SURVIVES)
    assert list(found.alerts) == []
    assert found.forgotten == (KEY,)


def test_an_alert_about_missing_data_keeps_the_severity_of_the_absence() -> None:
    absent = replace(
        alert((W, Phase.INACTIVE), severity=C), cause=SERIES_MISSING, absence=Absence(AbsencePhase.FIRING, 200.0)
    )
    assert list(resumed(absent, rule(warning="> 1")).alerts) == [absent]


def test_nothing_began_in_the_future() -> None:
    (found,) = resumed(alert((W, Phase.FIRING), severity=W, since=NOW + 500), rule(warning="> 1")).alerts
    assert (found.since, found.fired_at) == (NOW, NOW)


def test_flapping_is_remembered_while_it_lasts() -> None:
    damped = rule(warning="> 1", damping="30m")
    young, old = Flapping(2.0, NOW - 60), Flapping(1.0, NOW - 2000)
    for kept, remembered in ((young, {KEY: young}), (old, {})):
        found = resume([], {KEY: kept}, {"errors": damped}, NOW, NOW)
        assert dict(found.alerts.flapping) == remembered
        assert found.forgotten == (() if remembered else (KEY,))
    assert resume([], {KEY: young}, {}, NOW, NOW).forgotten == (KEY,)

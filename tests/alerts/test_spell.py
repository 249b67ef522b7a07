"""How long an alert was at each severity: by hand, and against a count of seconds."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from smithd.alerts.alert import Alert
from smithd.alerts.rule import RuleOptions, compile_rule
from smithd.alerts.severity import SEVERITIES, Severity
from smithd.alerts.spell import Spell, spells_after
from smithd.alerts.transitions import on_value
from smithd.plugin.sample import Series

INFO, WARNING, CRITICAL = SEVERITIES
PLAIN = {"metric": "a.b", "info": "> 1", "warning": "> 3", "critical": "> 5"}
HELD = PLAIN | {"for": {"info": "7s", "warning": "5s", "critical": "2s"}, "keep_firing_for": {"critical": "3s"}}


def played(options: Mapping[str, object], values: list[int]) -> list[Alert | None]:
    """The alert after each second's value."""
    rule = compile_rule("r", RuleOptions.model_validate(options))
    alert: Alert | None = None
    found = []
    for at, value in enumerate(values):
        if transition := on_value(rule, Series("a.b"), alert, value, at):
            alert = transition.after
        found.append(alert)
    return found


def test_a_rise_a_fall_and_a_rise_again() -> None:
    spells = spells_after((), WARNING, {WARNING: 10.0}, 20.0)
    assert spells == (Spell(WARNING, 10.0),)
    spells = spells_after(spells, CRITICAL, {WARNING: 10.0, CRITICAL: 30.0}, 40.0)
    assert spells == (Spell(WARNING, 10.0), Spell(CRITICAL, 30.0))
    spells = spells_after(spells, WARNING, {WARNING: 10.0}, 50.0)
    assert spells == (Spell(WARNING, 10.0), Spell(CRITICAL, 30.0, 50.0))
    spells = spells_after(spells, CRITICAL, {WARNING: 10.0, CRITICAL: 60.0}, 60.0)
    assert spells == (Spell(WARNING, 10.0), Spell(CRITICAL, 60.0, None, 20.0))
    assert [spell.total(70.0) for spell in spells] == [60.0, 30.0]
    assert spells_after(spells, None, {}, 70.0) == ()


def test_what_falls_to_a_severity_that_it_never_was_at_was_at_a_worse_one() -> None:
    twice = (Spell(CRITICAL, 60.0, None, 20.0),)
    assert spells_after(twice, INFO, {INFO: 70.0}, 70.0) == (
        Spell(INFO, 60.0, None, 20.0),
        Spell(CRITICAL, 60.0, 70.0, 20.0),
    )


def test_a_clock_that_is_set_back_leaves_no_spell_in_the_future() -> None:
    assert Spell(WARNING, 50.0, 60.0, 5.0).by(40.0) == Spell(WARNING, 40.0, 40.0, 5.0)
    assert Spell(WARNING, 50.0).by(40.0) == Spell(WARNING, 40.0)
    assert Spell(WARNING, 50.0).ended(40.0).total(99.0) == 0


@given(st.lists(st.sampled_from([0, 2, 4, 6]), max_size=60))
def test_each_second_at_a_severity_counts_once(values: list[int]) -> None:
    seconds = dict.fromkeys(SEVERITIES, 0)
    for at, alert in enumerate(played(PLAIN, values)):
        if alert is None or alert.severity is None:
            seconds = dict.fromkeys(SEVERITIES, 0)
            continue
        assert {spell.severity: spell.total(at) for spell in alert.spells} == {
            severity: count for severity, count in seconds.items() if count or severity in _reached(alert)
        }
        for severity in SEVERITIES:
            seconds[severity] += severity <= alert.severity


@given(st.lists(st.sampled_from([0, 2, 4, 6]), max_size=60))
def test_a_severity_lasts_no_longer_than_a_lower_one_nor_than_the_alert(values: list[int]) -> None:
    for at, alert in enumerate(played(HELD, values)):
        if alert is None:
            continue
        totals = [at - alert.since, *(spell.total(at) for spell in alert.spells)]
        assert totals == sorted(totals, reverse=True)
        assert min(totals) >= 0
        assert alert.since <= alert.severity_since <= at
        # It lasts exactly where the alert is at the severity, or at a worse one.
        lasting = [spell.severity for spell in alert.spells if spell.until is None]
        assert lasting == [severity for severity in _reached(alert) if severity <= (alert.severity or INFO)]


def _reached(alert: Alert) -> list[Severity]:
    return [spell.severity for spell in alert.spells]

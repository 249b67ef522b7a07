"""The past of a metric: when its alerts fired."""

from __future__ import annotations

from smithd.journal import Entry
from smithd.past import FiringSpell, spells

A, B = (("instance", "a"),), (("instance", "b"),)


def entry(at: float, change: str, labels: tuple[tuple[str, str], ...] = A) -> Entry:
    return Entry(at, "errors", labels, change, "critical", None, "", "", "", "")


def test_spells_are_from_fired_to_resolved_of_each_alert() -> None:
    entries = [entry(1, "fired"), entry(2, "fired", B), entry(3, "raised"), entry(4, "resolved"), entry(6, "fired")]
    assert spells(entries, 0, 10) == [
        FiringSpell("errors", A, 1, 4),
        FiringSpell("errors", B, 2, None),
        FiringSpell("errors", A, 6, None),
    ]


def test_spells_are_those_of_the_span_and_one_may_have_begun_before_what_is_remembered() -> None:
    entries = [entry(1, "fired"), entry(4, "resolved"), entry(6, "resolved", B), entry(20, "fired")]
    assert spells(entries, 5, 10) == [FiringSpell("errors", B, None, 6)]

"""Why an alert changed: an identifier with numbers, kept as JSON, and shown as a sentence."""

from __future__ import annotations

import pytest

from smithd.alerts.reason import VALUE, Cause, Evidence, TransitionReason, pack, unpack
from smithd.alerts.sentences import sentence
from smithd.alerts.severity import Severity
from smithd.expression.expression import OperandValue
from smithd.locales import language

W, C = Severity.WARNING, Severity.CRITICAL
LABELS = (("host", "a"),)
R = TransitionReason

CLEAR_WITHOUT = 'shop.errors{host="a"} is no longer critical (> 5): the answer does not contain it'
SENTENCES = [
    (
        Evidence(R.THRESHOLD_BREACHED, "shop.errors", 7.0, None, W, "> 5", "> 5"),
        'shop.errors{host="a"} is 7 (warning > 5; normal: 5 or less)',
    ),
    (
        Evidence(R.THRESHOLD_BREACHED, "shop.errors", 12.0, None, C, "> 10", "> 5"),
        'shop.errors{host="a"} is 12 (critical > 10; normal: 5 or less)',
    ),
    (
        Evidence(R.THRESHOLD_BREACHED, "shop.orders", 60.0, 100.0, W, "drops > 20% over 1h", "drops > 20% over 1h"),
        'shop.orders{host="a"} is 60, 40% below the 100 of 1h before (warning: drops > 20% over 1h)',
    ),
    (
        Evidence(R.NEW_LEVEL, "shop.orders", 60.0, 60.0, W, *2 * ("drops > 20% over 1h",), seconds=86400.0),
        'shop.orders{host="a"} is 60, like the 60 of 1h before: after 1d the new level is taken as normal',
    ),
    (
        Evidence(R.CLEARED, "shop.errors", 4.0, None, W, "> 5", "> 5"),
        'shop.errors{host="a"} is 4 (normal: 5 or less)',
    ),
    (
        Evidence(R.CLEARED, "shop.errors", 2.0, None, W, "> 5", "> 5", "< 3"),
        'shop.errors{host="a"} is 2 (normal: < 3)',
    ),
    (
        Evidence(R.CLEARED, "shop.errors", 7.0, None, C, "> 10", "> 5"),
        'shop.errors{host="a"} is 7, no longer critical (> 10)',
    ),
    (
        Evidence(
            R.THRESHOLD_BREACHED,
            "",
            7.0,
            None,
            C,
            "shop.errors > 5",
            "shop.errors > 5",
            operands=(OperandValue("shop.errors", 1, 7.0, 7.0),),
        ),
        "shop.errors is 7 (critical: shop.errors > 5)",
    ),
    (
        Evidence(
            R.CLEARED,
            "",
            None,
            None,
            C,
            "shop.errors > 5",
            "shop.errors > 5",
            operands=(OperandValue("shop.errors", 2, 1.0, 3.0), OperandValue("b", 0, problem="too many")),
        ),
        "shop.errors has 2 values from 1 to 3 and b has no value (too many) (no longer critical: shop.errors > 5)",
    ),
    (
        Evidence(R.SERIES_MISSING, "shop.errors", 7.0, seconds=300.0),
        'shop.errors{host="a"} has no data for 5m; it was 7 before',
    ),
    (
        Evidence(R.SOURCE_FAILING, "shop.errors", seconds=300.0, source="shop"),
        'shop.errors{host="a"} has no data for 5m (source shop fails)',
    ),
    (
        Evidence(R.CLOSED_UNKNOWN, "", 7.0, seconds=300.0),
        'errors{host="a"} has no data for 5m; it was 7 before: its alert is closed, not knowing how it is',
    ),
    (Evidence(R.CLEARED, "shop.errors", None, None, C, "> 5", "> 5"), CLEAR_WITHOUT),
    (Evidence(R.CLEARED, "shop.errors", threshold="> 5"), 'the answer does not contain shop.errors{host="a"}'),
    (Evidence(R.CLEARED, threshold="shop.errors > 5"), "shop.errors > 5 does not hold"),
    (Evidence(R.DATA_RETURNED, "shop.errors", 9.0), 'shop.errors{host="a"} has data again: 9'),
    (Evidence(R.SOURCE_ANSWERS, "shop.errors", source="shop"), "source shop answers again"),
    (
        Evidence(R.ALERT_LIMIT, "shop.errors", 7.0),
        'shop.errors{host="a"} gave its place to a worse one: the rule has as many alerts as it may have (max_alerts)',
    ),
    (Evidence(R.RECORDED, text="as it was written"), "as it was written"),
]


def test_every_reason_has_a_sentence() -> None:
    assert {evidence.reason for evidence, _ in SENTENCES} == set(TransitionReason)


@pytest.mark.parametrize(("evidence", "expected"), SENTENCES)
def test_the_sentence_of_a_reason(evidence: Evidence, expected: str) -> None:
    assert sentence(evidence, "errors", LABELS) == expected


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (
            Evidence(R.THRESHOLD_BREACHED, "shop.stock", 0.5, None, W, "outside 1.5..2000", "outside 1.5..2000"),
            'shop.stock{host="a"} is 0,5 (warning outside 1.5..2000; normal: 1,5 to 2.000)',
        ),
        (
            Evidence(
                R.THRESHOLD_BREACHED,
                "sold",
                1500.0,
                2000.0,
                W,
                *2 * ("drops > 20% over 1d",),
                counted="in 1d",
            ),
            'sold{host="a"} rose by 1.500 in 1 Tg., 25% below the 2.000 of 1 Tg. before (warning: drops > 20% over 1d)',
        ),
        (
            Evidence(R.CLEARED, "shop.orders", 1990.0, 2000.0, W, *2 * ("drops > 2.5% over 1h",)),
            'shop.orders{host="a"} is 1.990, 0,5% below the 2.000 of 1 Std. before (normal: drops of 2,5% or less)',
        ),
        (
            Evidence(R.NEW_LEVEL, "shop.orders", 60.0, 60.0, W, *2 * ("drops > 20% over 1h",), seconds=86400.0),
            'shop.orders{host="a"} is 60, like the 60 of 1 Std. before: after 1 Tg. the new level is taken as normal',
        ),
        (
            Evidence(R.SERIES_MISSING, "shop.errors", 7000.0, seconds=7500.0),
            'shop.errors{host="a"} has no data for 2 Std. 5 Min.; it was 7.000 before',
        ),
        (
            Evidence(
                R.THRESHOLD_BREACHED, severity=C, threshold="a > 1000", operands=(OperandValue("a", 2, 1.5, 9e3),)
            ),
            "a has 2 values from 1,5 to 9.000 (critical: a > 1000)",
        ),
    ],
)
def test_numbers_are_those_of_the_locale_and_thresholds_stand_as_they_are_written(
    evidence: Evidence, expected: str
) -> None:
    assert sentence(evidence, "errors", LABELS, language("de")) == expected


@pytest.mark.parametrize("evidence", [None, *(evidence for evidence, _ in SENTENCES)])
def test_what_is_kept_is_what_is_read(evidence: Evidence | None) -> None:
    assert unpack(pack(evidence)) == evidence


def test_the_sentence_of_an_older_version_stays_as_it_was() -> None:
    assert unpack("shop.errors is 7") == Evidence(R.RECORDED, text="shop.errors is 7")


@pytest.mark.parametrize("text", ["", "series", "source:shop"])
def test_a_cause_is_written_as_the_documentation_says(text: str) -> None:
    assert str(Cause.parse(text)) == text
    assert bool(Cause.parse(text)) is bool(text)


def test_what_changed_an_alert_is_missing_data_or_a_value() -> None:
    assert Evidence(R.CLOSED_UNKNOWN, source="shop").cause == Cause.failing("shop")
    assert Evidence(R.SERIES_MISSING).cause == Cause.parse("series")
    assert Evidence(R.SOURCE_ANSWERS, source="shop").cause == VALUE

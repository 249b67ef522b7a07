"""How what stands in an answer becomes a number: durations, moments and ages, with scale and offset."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smithd.plugin import BadResponse
from smithd_sources.http_json.quantity import Conversion, Quantity
from smithd_sources.values import TimeContext

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC).timestamp()
BERLIN = TimeContext(NOON, ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (90, 90),
        (1.5, 1.5),
        ("90s", 90),
        ("1h30m", 5400),
        ("1h 30min", 5400),
        ("1d12h", 129600),
        ("250ms", 0.25),
        ("2w", 1209600),
        ("PT1H30M", 5400),
        ("P1DT0.5S", 86400.5),
        ("01:30:00", 5400),
        ("1:30", 5400),
        ("2.03:00:00", 183600),
        ("-PT5M", -300),
        (" 00:00:01.250 ", 1.25),
        ("90", 90),
        (" 1.5 ", 1.5),
        ("-90", -90),
        ("1h2m3.5s", 3723.5),
        ("850µs", 0.00085),  # the micro sign
        ("850\u03bcs", 0.00085),  # the Greek letter
        ("850us", 0.00085),
        ("1.5ns", 1.5e-9),
        ("1m0.25s", 60.25),
        (None, None),
        ("NaN", None),
        (math.inf, None),
    ],
)
def test_durations_are_seconds(written: Any, seconds: float | None) -> None:
    assert Conversion(Quantity.DURATION)(written, "$.a", BERLIN) == seconds


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("2026-11-26T12:00:00Z", NOON),
        ("2026-11-26T12:00:00.000Z", NOON),
        ("2026-11-26T13:00:00+01:00", NOON),
        ("2026-11-26 13:00:00", NOON),  # without a zone: the configured one
        ("2026-11-26", NOON - 13 * 3600),
        (NOON, NOON),
        (NOON * 1e3, NOON),
        (NOON * 1e6, NOON),
        (NOON * 1e9, NOON),
        (str(int(NOON)), NOON),
        ("2026-11-26t12:00:00z", NOON),
        ("2026-11-26 12:00:00 UTC", NOON),
        ("2026-11-26 12:00 GMT", NOON),
        ("2026-11-26T12:00:00 Z", NOON),
        ("2026-11-26 13:00:00 +0100", NOON),
        ("2026-11-26 07:00:00.000 -05:00", NOON),
        ("2026-11-26 13:00:00.000000001 +0100 CET m=+0.5", NOON),  # as Go prints a time
        ("Thu, 26 Nov 2026 12:00:00 GMT", NOON),
        ("26 Nov 2026 13:00 +0100", NOON),
        ("Thu, 26 Nov 2026 07:00:00 EST", NOON),
        ("Thursday, 26-Nov-26 12:00:00 GMT", NOON),
        ("Thu Nov 26 13:00:00 2026", NOON),  # asctime: without a zone
        ("Thu Nov 26 12:00:00 UTC 2026", NOON),  # the command date
        ("Thu Nov 26 13:00:00 +0100 2026", NOON),
        # What programs write for "never" is no value.
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01 00:00:00 +0000 UTC", None),
        ("0001-01-01T00:00:00+01:00", None),
        ("0001-01-01", None),
        (-62135596800, None),
        ("0000-00-00 00:00:00", None),
        ("2026-11-26T11:59:60Z", NOON),
        ("2026-11-26T12:59:60.5+01:00", NOON + 0.5),
        ("NaN", None),
        (math.nan, None),
        ("-inf", None),
        (None, None),
    ],
)
def test_moments_are_seconds_since_1970_or_since_then(written: Any, at: float | None) -> None:
    assert Conversion(Quantity.TIMESTAMP)(written, "$.a", BERLIN) == at
    age = Conversion(Quantity.AGE)(written, "$.a", BERLIN)
    assert age == (None if at is None else pytest.approx(NOON - at))


@pytest.mark.parametrize("quantity", [Quantity.DURATION, Quantity.TIMESTAMP, Quantity.AGE])
@pytest.mark.parametrize(
    "written", [True, "", "soon", "P", "PT", "1x", "2026-13-01", {}, [1], "9" * 5000, "--5", "1s1h", "5:60:60Z"]
)
def test_what_is_neither_is_a_bad_answer_or_no_value(quantity: Quantity, written: Any) -> None:
    with pytest.raises(BadResponse, match=r"^\$\.a is .{0,190}$"):
        Conversion(quantity)(written, "$.a", BERLIN)


@pytest.mark.parametrize(
    ("time_format", "written", "at"),
    [
        ("%d.%m.%Y %H:%M", "26.11.2026 13:00", NOON),
        ("%d/%b/%Y:%H:%M:%S %z", "26/Nov/2026:07:00:00 -0500", NOON),
        ("%Y%m%d", 20261126, NOON - 13 * 3600),
        ("%Y-%m-%dT%H:%M:%SZ", "0001-01-01T00:00:00Z", None),
        ("%d.%m.%Y", None, None),
    ],
)
def test_moments_in_a_format_of_ones_own(time_format: str, written: Any, at: float | None) -> None:
    assert Conversion(Quantity.TIMESTAMP, time_format=time_format)(written, "$.a", BERLIN) == at


def test_what_is_not_in_the_format_is_shown_with_it() -> None:
    with pytest.raises(BadResponse, match=r'\$.a is .?"2026-11-26".?, and not in the time_format \'%d.%m.%Y\''):
        Conversion(Quantity.AGE, time_format="%d.%m.%Y")("2026-11-26", "$.a", BERLIN)


@given(written=st.text(max_size=30) | st.floats() | st.integers(), quantity=st.sampled_from(Quantity))
def test_anything_is_a_finite_number_or_a_bad_answer(written: Any, quantity: Quantity) -> None:
    try:
        value = Conversion(quantity, Decimal("0.01"), Decimal(5))(written, "$.a", BERLIN)
    except BadResponse:
        return
    assert value is None or math.isfinite(value)


def test_scale_and_offset_are_decimal() -> None:
    assert Conversion(scale=Decimal("0.1"), offset=Decimal("0.2"))(1, "$.a", BERLIN) == 0.3
    assert Conversion(offset=Decimal(-32), scale=Decimal(1))("68", "$.a", BERLIN) == 36.0
    assert Conversion(Quantity.AGE, scale=Decimal(1) / Decimal(4))(NOON - 60, "$.a", BERLIN) == 15.0

"""How values become numbers."""

from __future__ import annotations

import json
import tracemalloc
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smithd.plugin import BadResponse
from smithd_sources.values import in_short, to_number


@pytest.mark.parametrize(
    ("found", "value"),
    [
        (5, 5.0),
        (-0.25, -0.25),
        ("19.99", 19.99),
        (" 42 ", 42.0),
        ("1e3", 1000.0),
        ("+.5", 0.5),
        ("5.", 5.0),
        (True, 1.0),
        (False, 0.0),
        (None, None),
        (float("nan"), None),
        (float("-inf"), None),
        ("NaN", None),
        ("+Inf", None),
        ("-Infinity", None),
        (10**400, None),
        ("1e999", None),
    ],
)
def test_numbers_truths_and_texts_of_numbers(found: Any, value: float | None) -> None:
    assert to_number(found, "it") == value


@pytest.mark.parametrize("found", ["1,234", "1_000", "0x10", "٣", "12 %", "", " ", "nano", [], {}])
def test_anything_else_is_refused_where_it_stood(found: Any) -> None:
    with pytest.raises(BadResponse, match=r"^\$\.a is .*, not a number$"):
        to_number(found, "$.a")


@given(st.integers(-(10**13), 10**13), st.integers(0, 4))
def test_scaling_is_exact_in_decimal(amount: int, places: int) -> None:
    scale = Decimal(1).scaleb(-places)
    as_written = float(f"{amount}e-{places}")
    assert to_number(amount, "it", scale) == to_number(str(amount), "it", scale) == as_written


@pytest.mark.parametrize(
    ("found", "scale", "value"), [(1999, "0.01", 19.99), (0.1, "3", 0.3), (10**400, "1e-400", 1.0)]
)
def test_scaling_does_not_show_binary_fractions(found: Any, scale: str, value: float) -> None:
    assert to_number(found, "it", Decimal(scale)) == value


@pytest.mark.parametrize("found", [float("nan"), float("inf"), 1e308, "1e999999999999999999999"])
def test_what_scaling_takes_out_of_range_is_no_value(found: Any) -> None:
    assert to_number(found, "it", Decimal("1e300")) is None


LONG = "x" * 20_000_000


@pytest.mark.parametrize("value", [LONG, {"a": [LONG]}, [["x"]] * 1_000_000, {LONG: 1}])
def test_no_more_of_a_value_is_written_than_is_shown(value: Any) -> None:
    tracemalloc.start()
    try:
        assert len(in_short(value)) == 81
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_a_value_is_shown_as_json_has_it(value: Any) -> None:
    whole = json.dumps(value, ensure_ascii=False)
    assert in_short(value) == (whole if len(whole) <= 80 else whole[:80] + "…")


def test_a_value_is_shown_in_short() -> None:
    assert in_short({"a": [1, "ä"]}) == '{"a": [1, "ä"]}'
    assert in_short(["x" * 200]) == '["' + "x" * 78 + "…"

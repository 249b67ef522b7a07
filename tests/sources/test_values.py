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
from smithd.redactor import Redactor
from smithd_sources.values import in_short, to_number, truth_to_number, word_to_number


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


@pytest.mark.parametrize("found", ["1_000", "0xg", "٣", "", " ", "nano", [], {}])
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


def shown(value: Any) -> str:
    return Redactor().clean(in_short(value))


LONG = "x" * 20_000_000


@pytest.mark.parametrize("value", [LONG, {"a": [LONG]}, [["x"]] * 1_000_000, {LONG: 1}])
def test_no_more_of_a_value_is_written_than_is_shown(value: Any) -> None:
    tracemalloc.start()
    try:
        assert len(shown(value)) == 81
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
    assert shown(value) == (whole if len(whole) <= 80 else whole[:80] + "…")


def test_a_value_is_shown_in_short() -> None:
    assert shown({"a": [1, "ä"]}) == '{"a": [1, "ä"]}'
    assert shown(["x" * 200]) == '["' + "x" * 78 + "…"


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("1,378", ".", 1378.0),
        ("67,432.10", ".", 67432.1),
        ("-1,234,567", ".", -1234567.0),
        ("12.5%", ".", 12.5),
        ("12 %", ".", 12.0),
        ("$1,234.50", ".", 1234.5),
        ("-$5", ".", -5.0),
        ("€ -5", ".", -5.0),
        ("5 €", ".", 5.0),
        ("€1.234,50", ",", 1234.5),
        ("1.234", ",", 1234.0),
        ("1234,5", ",", 1234.5),
        ("12,5%", ",", 12.5),
        ("1000 MB", ".", 1e9),
        ("1.5GB", ".", 1.5e9),
        ("512 B", ".", 512.0),
        ("16384256Ki", ".", 16384256 * 1024.0),
        ("2 MiB", ".", 2097152.0),
        ("250k", ".", 250000.0),
        ("1,5 kB", ",", 1500.0),
        ("0xd8ef11", ".", 14216977.0),
    ],
)
def test_numbers_as_people_and_programs_write_them(text: str, decimal: Any, value: float) -> None:
    assert to_number(text, "it", decimal=decimal) == value


@pytest.mark.parametrize(
    ("text", "decimal"),
    [
        ("1,37", "."),
        ("0,500", "."),
        ("0.500", ","),
        ("12,3456", "."),
        ("1.234,50", "."),
        ("1,234,5", "."),
        (",5", "."),
        ("3.14", ","),
        ("1,234.50", ","),
        ("1.23,4", ","),
        ("5 iB", "."),
        ("5 mb", "."),
        ("5 apples", "."),
        ("€5k", "."),
        ("€", "."),
        ("%", "."),
        ("--5", "."),
        ("€" + "9" * 301, "."),
    ],
)
def test_a_mark_or_a_unit_that_does_not_fit_is_no_number(text: str, decimal: Any) -> None:
    with pytest.raises(BadResponse, match="not a number"):
        to_number(text, "it", decimal=decimal)


@given(st.decimals(-(10**9), 10**9, places=3))
def test_a_grouped_number_is_the_number(number: Decimal) -> None:
    assert to_number(f"{number:,}", "it") == float(number)
    swapped = f"{number:,}".translate(str.maketrans(",.", ".,"))
    assert to_number(swapped, "it", decimal=",") == float(number)


@pytest.mark.parametrize(
    ("found", "value"),
    [("ok", 1.0), (" OK ", 1.0), ("degraded", 0.5), ("Down", 0.0), (200, 2.0), (200.0, 2.0), (None, None)],
)
def test_words_stand_for_numbers(found: Any, value: float | None) -> None:
    assert word_to_number(found, "it", {"ok": 1.0, "degraded": 0.5, "down": 0.0, "200": 2.0}) == value


@pytest.mark.parametrize("found", ["unknown", "", 5, True, ["ok"], {}])
def test_an_unknown_word_is_an_error_that_lists_the_words_known(found: Any) -> None:
    with pytest.raises(BadResponse, match=r"it is .*, which is none of the words known: ok, down$"):
        word_to_number(found, "it", {"ok": 1.0, "down": 0.0})


@pytest.mark.parametrize(
    ("found", "value"),
    [
        (True, 1),
        (False, 0),
        ("True", 1),
        ("on", 1),
        ("UP", 1),
        ("yes", 1),
        (1, 1),
        ("off", 0),
        ("DOWN", 0),
        (0, 0),
        (1.0, 1),
    ],
)
def test_truths_are_one_and_zero(found: Any, value: float) -> None:
    assert truth_to_number(found, "it") == value


def test_what_is_neither_true_nor_false_is_an_error() -> None:
    with pytest.raises(BadResponse, match=r'it is .?"maybe".?, neither true nor false'):
        truth_to_number("maybe", "it")

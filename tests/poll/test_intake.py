"""Only what a source declared is admitted: finite numbers, with sound labels and times."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smithd.plugin.sample import RawSample, Sample, Series
from smithd.poll.intake import MAX_SERIES, Intake
from smithd.redactor import NOT_SHOWN, Redactor

NOW = 1_790_000_000.0


def admit(*samples: Any) -> tuple[tuple[Sample, ...], tuple[str, ...]]:
    admission = Intake("shop", {"orders", "stock"}).admit(samples, NOW)
    return admission.samples, tuple(map(Redactor().clean, admission.problems))


def sample(*parts: Any) -> Any:
    """A sample made of anything."""
    return RawSample(*parts)


def test_a_good_sample_is_named_in_full_and_gets_the_time_of_its_poll() -> None:
    assert admit(RawSample("orders", 3.0), RawSample("stock", 5.0, {"town": "Köln", "depot": "2"}, NOW - 60)) == (
        (
            Sample(Series("shop.orders"), 3.0, NOW, NOW),
            Sample(Series("shop.stock", (("depot", "2"), ("town", "Köln"))), 5.0, NOW - 60, NOW),
        ),
        (),
    )


class Numpyish:
    def __float__(self) -> float:
        return 2.5


class Bad:
    def __float__(self) -> float:
        raise ZeroDivisionError


NUMBERS = [(3, 3.0), (True, 1.0), (Decimal("1.5"), 1.5), (Fraction(1, 4), 0.25), (Numpyish(), 2.5), (-0.0, 0.0)]


@pytest.mark.parametrize(("value", "number"), NUMBERS)
def test_numbers_of_all_kinds_become_floats(value: Any, number: float) -> None:
    (sample,), problems = admit(RawSample("orders", value))
    assert sample.value == number
    assert type(sample.value) is float
    assert not problems


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, Decimal("NaN")])
def test_nan_and_infinity_mean_no_value(value: Any) -> None:
    assert admit(RawSample("orders", value)) == ((), ())


REFUSED = [
    (sample("orders", "5"), "orders: the value must be a number, not the text '5'"),
    (sample("orders", None), "orders: the value must be a number, not None"),
    (sample("orders", 1j), "orders: the value must be a number, not a value of type complex"),
    (sample("orders", [1]), "orders: the value must be a number, not a value of type list"),
    (sample("orders", 10**400), "orders: the value, a value of type int, cannot be a float: OverflowError"),
    (sample("orders", Bad()), "orders: the value, a value of type Bad, cannot be a float: ZeroDivisionError"),
    (sample("order", 5), "order: no such metric; declared: orders, stock"),
    (sample(["orders"], 5), "poll: a metric's name must be a text, not a value of type list"),
    (sample(["orders"], 5, {"a": "b"}), "poll: a metric's name must be a text, not a value of type list"),
    (("orders", 5), "poll: expected a RawSample, found a value of type tuple"),
    ("orders", "poll: expected a RawSample, found the text 'orders'"),
    (sample("stock", 1, {"port": 80}), "stock: the value of label port must be a text, not a value of type int"),
    (sample("stock", 1, {"port": []}), "stock: the value of label port must be a text, not a value of type list"),
    (sample("stock", 1, {"a-b": "c"}), "stock: a label's name must be letters, digits and _, not the text 'a-b'"),
    (sample("stock", 1, {5: "c"}), "stock: a label's name must be letters, digits and _, not a value of type int"),
    (sample("stock", 1, [("a", "b")]), "stock: labels must be a dict of texts, not a value of type list"),
    (sample("stock", 1, {f"l{number}": "" for number in range(65)}), "stock: more than 64 labels"),
]


@pytest.mark.parametrize(("wrong", "problem"), REFUSED)
def test_what_is_not_admitted_is_named(wrong: Any, problem: str) -> None:
    samples, problems = admit(wrong, RawSample("orders", 1.0))
    assert problems == (f"shop.{problem}",)
    assert samples == (Sample(Series("shop.orders"), 1.0, NOW, NOW),)


@pytest.mark.parametrize(
    "wrong",
    [
        sample("orders", "abc"),
        sample("abc", 1),
        sample("stock", 1, {"abc": 1}),
        sample("stock", 1, {"a b, abc": "x"}),
        "abc",
    ],
)
def test_a_short_secret_that_a_plugin_repeats_is_not_shown(wrong: Any) -> None:
    (problem,) = Intake("shop", {"orders", "stock"}).admit([wrong], NOW).problems
    shown = Redactor(["abc"]).clean(problem)
    assert NOT_SHOWN in shown
    assert "abc" not in shown


@pytest.mark.parametrize("time", [0, -1, math.nan, "now", True])
def test_a_time_that_cannot_be_is_taken_as_now(time: Any) -> None:
    (sample,), problems = admit(RawSample("orders", 1.0, {}, time))
    assert sample.time == NOW
    assert problems == ("shop.orders: its time is not a moment of the past, in seconds since 1970; taken as now",)


@pytest.mark.parametrize("time", [NOW + 301, NOW * 1000, math.inf])
def test_a_sample_of_the_future_is_left_out_and_its_series_is_not_missing(time: float) -> None:
    admission = Intake("shop", {"orders"}).admit([RawSample("orders", 1.0, {}, time)], NOW)
    assert admission.samples == ()
    assert admission.problems == ("shop.orders: its time is more than 5m ahead of the clock here; it is left out",)
    assert admission.is_cut


def test_a_time_a_little_ahead_is_a_difference_of_clocks() -> None:
    assert admit(RawSample("orders", 1.0, {}, NOW + 5)) == ((Sample(Series("shop.orders"), 1.0, NOW, NOW),), ())


def test_label_values_are_cut_and_can_be_stored() -> None:
    (sample,), problems = admit(RawSample("stock", 1.0, {"a": "x" * 1000, "b": "half\ud83d"}))
    assert dict(sample.series.labels) == {"a": "x" * 256, "b": "half?"}
    assert not problems


def test_of_a_series_that_comes_twice_the_first_counts() -> None:
    twice = RawSample("stock", 1.0, {"a": "1", "b": "2"}), RawSample("stock", 2.0, {"b": "2", "a": "1"})
    samples, problems = admit(*twice, *twice)
    assert [sample.value for sample in samples] == [1.0]
    assert problems == ("shop.stock: a series came twice in one poll; the first counts (3 times)",)


def test_a_flood_is_capped_and_named_once() -> None:
    flood = [RawSample("stock", 1.0, {"id": str(number)}) for number in range(MAX_SERIES + 1)]
    assert not Intake("shop", {"stock"}).admit(flood[1:], NOW).is_cut
    samples, problems, is_cut = Intake("shop", {"stock"}).admit(flood, NOW)
    assert is_cut
    assert len(samples) == MAX_SERIES
    assert problems == ("shop: more than 10000 samples in one poll; the rest is left out",)
    samples, problems = admit(*(RawSample(f"typo{number}", 1.0) for number in range(1000)))
    assert len(problems) == 9
    assert problems[-1] == "and 992 more problems"


ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.decimals(), st.binary(),
    st.lists(st.integers()), st.dictionaries(st.text(), st.text() | st.integers(), max_size=3),
)  # fmt: skip


NAMES = st.sampled_from(["orders", "stock", "x"]) | ANYTHING


@given(st.lists(st.builds(sample, NAMES, ANYTHING, ANYTHING, ANYTHING) | ANYTHING))
def test_whatever_comes_what_is_admitted_is_sound(samples: list[Any]) -> None:
    intake = Intake("shop", {"orders", "stock"})
    first, again = intake.admit(samples, NOW), intake.admit(samples, NOW)
    assert first == again
    for (metric, labels), value, time, arrived, _ in first.samples:
        assert metric in ("shop.orders", "shop.stock")
        assert math.isfinite(value)
        assert time <= NOW == arrived
        assert list(labels) == sorted(labels)
        assert all(part.encode() is not None for pair in labels for part in pair)
    assert len({sample.series for sample in first.samples}) == len(first.samples)

"""How what a query brings becomes samples."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from smithd.plugin import BadResponse, Misconfigured, RawSample
from smithd.redactor import Redactor
from smithd_sources.sql.options import SqlMetric
from smithd_sources.sql.rows import QueryResult, read_rows
from smithd_sources.values import TimeContext

NO_TIME = "not a time like 2026-11-26T10:00:00Z or seconds since 1970; 'time_format' says how it is written"
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC).timestamp()
ASKED = TimeContext(NOW, ZoneInfo("Europe/Berlin"))


def read(metric: SqlMetric, grid: QueryResult) -> tuple[list[RawSample], list[str]]:
    problems: list[str] = []
    samples = read_rows("m", metric, grid, ASKED, problems.append)
    return samples, [Redactor().clean(problem) for problem in problems]


def scalar(value: Any, as_: str = "number") -> float | str | None:
    """What a single value becomes: a number, nothing, or a problem."""
    metric = SqlMetric.model_validate({"query": "SELECT 1", "as": as_})
    samples, problems = read(metric, QueryResult(["x"], [[value]]))
    return problems[0] if problems else samples[0].value if samples else None


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (5, 5.0),
        (True, 1.0),
        (False, 0.0),
        (Decimal("1234567890.125"), 1234567890.125),
        (" 1.5 ", 1.5),
        (b"12", 12.0),
        (None, None),
        (float("nan"), None),
        (float("inf"), None),
        (Decimal("NaN"), None),
        (Decimal("sNaN"), None),
        (Decimal("-Infinity"), None),
        (Decimal("1e400"), None),
        (10**400, None),
        ("nan", None),
        ("11110101", 11110101.0),  # also a day, as ISO 8601 writes it
        ("1111010112345", 1111010112345.0),
        ("true", 1.0),
        ("false", 0.0),
        ("0000-00-00", None),
        ("2026-00-00 00:00:00", None),
        (timedelta(hours=-1, minutes=-30), -5400.0),
        (datetime(2026, 1, 1, tzinfo=UTC), 1_767_225_600.0),
        (datetime(2026, 1, 1, 1), 1_767_225_600.0),  # one o'clock in Berlin
        (date(2026, 1, 1), 1_767_222_000.0),
        (datetime(1, 2, 1), datetime(1, 2, 1, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()),
        (datetime(1, 1, 1), None),  # Go's zero time
        (date(1, 1, 1), None),
        (time(12), 'm is "12:00:00", not a number'),
        ("many", 'm is "many", not a number'),
        ("2026-01-01 10:00:00", "m is the text \"2026-01-01 10:00:00\"; where that is a moment, say 'as: age'"),
        ([1], 'm is "[1]", not a number'),
    ],
)
def test_values(value: Any, number: float | str | None) -> None:
    assert scalar(value) == number


def test_a_text_that_was_cut_is_no_number() -> None:
    assert str(scalar("1" * 257)).endswith(", too long for a number")


def test_a_time_can_have_a_format_of_its_own() -> None:
    metric = SqlMetric.model_validate({"query": "q", "as": "age", "time_format": "%d.%m.%Y %H:%M"})
    problems: list[str] = []

    def ages(value: Any) -> list[float]:
        samples = read_rows("m", metric, QueryResult(["n"], [[value]]), TimeContext(NOW, BERLIN), problems.append)
        return [sample.value for sample in samples]

    assert ages("01.07.2026 13:00") == [3600.0]
    assert ages("2026-07-01 13:00") == []
    assert Redactor().clean(*problems) == "m is \"2026-07-01 13:00\", and not in the time_format '%d.%m.%Y %H:%M'"


@pytest.mark.parametrize(
    ("value", "age"),
    [
        (datetime(2026, 7, 1, 11, tzinfo=UTC), 3600.0),
        (datetime(2026, 7, 1, 13), 3600.0),
        (datetime(2026, 7, 1, 15), -3600.0),
        ("2026-07-01T11:00:00Z", 3600.0),
        ("2026-07-01 13:00:00.5", 3599.5),
        ("2026-07-01", 14 * 3600.0),
        (date(2026, 7, 1), 14 * 3600.0),
        (NOW - 60, 60.0),
        (str(NOW - 60), 60.0),
        (f"{NOW - 60:.0f}", 60.0),
        ("0000-00-00 00:00:00", None),
        (None, None),
        ("Wed, 01 Jul 2026 11:00:00 GMT", 3600.0),
        ("2026-07-01 11:00:00 UTC", 3600.0),
        ("0001-01-01T00:00:00Z", None),
        (datetime(1, 1, 1, tzinfo=UTC), None),
        ("soon", f'm is "soon", {NO_TIME}'),
        ("2026-02-30", 'm is "2026-02-30", and there is no such day, or no such time of a day'),
        (
            "2026-07-01 25:00:00 UTC",
            'm is "2026-07-01 25:00:00 UTC", and there is no such day, or no such time of a day',
        ),
        ("01.07.2026", f'm is "01.07.2026", {NO_TIME}'),
        ("12.5%", f'm is "12.5%", {NO_TIME}'),
    ],
)
def test_ages(value: Any, age: float | str | None) -> None:
    assert scalar(value, "age") == age


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (None, ""),
        (True, "true"),
        (5, "5"),
        (Decimal("1.50"), "1.50"),
        (date(2026, 1, 1), "2026-01-01"),
        (datetime(2026, 1, 1, 10), "2026-01-01T10:00:00"),
        (b"caf\xc3\xa9", "café"),
        ("x" * 300, "x" * 256),
    ],
)
def test_labels_are_texts(value: Any, label: str) -> None:
    metric = SqlMetric(query="SELECT 1", labels=["l"], value="n")
    assert read(metric, QueryResult(["l", "n"], [[value, 1]])) == ([RawSample("m", 1.0, {"l": label})], [])


def test_a_bad_value_costs_its_own_sample() -> None:
    metric = SqlMetric(query="SELECT 1", labels=["l"], values=["a", "b"])
    samples, problems = read(metric, QueryResult(["l", "a", "b"], [["x", 1, "?"], ["y", 2, None]]))
    assert samples == [RawSample("m.a", 1.0, {"l": "x"}), RawSample("m.a", 2.0, {"l": "y"})]
    assert problems == ['m.b{l="x"} is "?", not a number']


@pytest.mark.parametrize(
    ("given", "columns", "rows", "kind", "said"),
    [
        ({}, ["a", "b"], [[1, 2]], Misconfigured, r"brings 2 columns \(a, b\): say under 'value' which has the number"),
        ({}, ["a"], [[1], [2]], Misconfigured, "brings 2 rows: name the columns that tell them apart in 'labels'"),
        ({"value": "x"}, ["a", "X"], [[1, 2]], Misconfigured, "brings no column 'x', but a, X; did you mean 'X'?"),
        ({"value": "x"}, ["x", "x"], [[1, 2]], Misconfigured, "2 columns 'x': give each its own name with AS"),
        (
            {"labels": ["l"], "value": "n"},
            ["l", "n"],
            [["x", 1], ["x", 2]],
            BadResponse,
            'two rows have the labels {l=".?x.?"}, and labels must tell rows apart',
        ),
    ],
)
def test_answers_of_another_shape(
    given: dict[str, Any], columns: list[str], rows: list[list[Any]], kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind, match=said):
        read(SqlMetric.model_validate({"query": "SELECT 1", **given}), QueryResult(columns, rows))


@pytest.mark.parametrize(
    ("given", "value", "number"),
    [
        ({"words": {"ok": 1, "down": 0}}, "OK", 1.0),
        ({"words": {"ok": 1, "down": 0}}, b"down", 0.0),
        ({"words": {"ok": 1, "down": 0}}, None, None),
        ({"words": {"ok": 1, "down": 0}}, "?", 'm is "?", which is none of the words known: ok, down'),
        ({"as": "boolean"}, "Yes", 1.0),
        ({"as": "boolean"}, 0, 0.0),
        ({"as": "boolean"}, Decimal("1.0"), 1.0),
        ({"words": {"1": 5, "2": 6}}, Decimal("2.00"), 6.0),
        ({"as": "boolean"}, "maybe", 'm is "maybe", neither true nor false'),
        ({"decimal": ","}, "1.234,5", 1234.5),
        ({}, "1,234.5", 1234.5),
    ],
)
def test_words_truths_and_local_numbers(given: dict[str, Any], value: Any, number: float | str | None) -> None:
    metric = SqlMetric.model_validate({"query": "SELECT 1"} | given)
    samples, problems = read(metric, QueryResult(["x"], [[value]]))
    assert (problems[0] if problems else samples[0].value if samples else None) == number


READ_AT = datetime(2026, 6, 30, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        (READ_AT, READ_AT.timestamp()),
        (datetime(2026, 7, 1), READ_AT.timestamp()),  # midnight in Berlin, the source's zone
        (date(2026, 7, 1), READ_AT.timestamp()),
        ("2026-07-01 00:00:00", READ_AT.timestamp()),
        ("2026-06-30 22:00:00+00:00", READ_AT.timestamp()),
        ("2026-07-01 02:00:00+04", READ_AT.timestamp()),
        (int(READ_AT.timestamp()), READ_AT.timestamp()),
        (Decimal(str(READ_AT.timestamp())), READ_AT.timestamp()),
        (int(READ_AT.timestamp()) * 1000, READ_AT.timestamp()),
        (str(int(READ_AT.timestamp()) * 1_000_000), READ_AT.timestamp()),
        (None, None),  # never
        (0, None),
        (7, 'the time of m{room="1"} is no time of a sample: 7 s since 1970 are before the year 2000'),
        ("soon", f'the time of m{{room="1"}} is "soon", {NO_TIME}'),
        (timedelta(hours=2), 'the time of m{room="1"} is "2:00:00", not a moment'),
    ],
)
def test_a_row_has_the_time_that_its_column_says(written: Any, moment: float | str | None) -> None:
    metric = SqlMetric.model_validate({"query": "q", "labels": ["room"], "value": "kwh", "time": "at"})
    samples, problems = read(metric, QueryResult(["room", "kwh", "at"], [["1", 2.5, written]]))
    if isinstance(moment, str):
        assert (samples, problems) == ([], [moment])
    else:
        assert samples == ([] if moment is None else [RawSample("m", 2.5, {"room": "1"}, moment)])
        assert not problems


def test_the_only_column_beside_the_time_has_the_number() -> None:
    metric = SqlMetric.model_validate({"query": "q", "time": "at"})
    samples, _ = read(metric, QueryResult(["at", "depth"], [[NOW - 60, 3]]))
    assert samples == [RawSample("m", 3.0, {}, NOW - 60)]
    with pytest.raises(Misconfigured, match="brings no column 'at', but depth"):
        read(metric, QueryResult(["depth"], [[3]]))


def test_the_age_of_a_moment_is_counted_from_the_poll_and_not_from_the_rows_time() -> None:
    metric = SqlMetric.model_validate({"query": "q", "value": "done", "time": "at", "as": "age"})
    samples, _ = read(metric, QueryResult(["done", "at"], [[NOW - 600, NOW - 60]]))
    assert samples == [RawSample("m", 600.0, {}, NOW - 60)]

"""What expressions mean where Prometheus does not say it: stale metrics, divisions by zero, not, and gaps."""

from __future__ import annotations

import math
from datetime import timedelta, timezone

import pytest

from expression.world import World, labels
from smithd.expression import tree
from smithd.expression.expression import parse
from smithd.expression.window import rate
from smithd.plugin.sample import Labels

A, B, C = labels(host="a"), labels(host="b"), labels(host="c")
ONE: Labels = ()
WORLD = World(
    {
        "prod.cpu": {A: 96.0, B: 20.0},
        "prod.cores": {A: 4.0, B: 0.0},
        "prod.error_rate": {ONE: 7.0},
        "prod.idle": {},
        "shop.closed": {ONE: 0.0},
        "stale": None,
    },
    # Thursday, 1 January 1970, 12:16 in a zone that is twelve hours ahead.
    zone=timezone(timedelta(hours=12)),
)


def values(text: str, world: World = WORLD) -> dict[Labels, float]:
    result = parse(text).evaluate(world)
    assert result.is_known, result
    return dict(result.values)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("prod.cpu > 90", {A: 96.0}),
        ("10 < prod.cpu < 90", {B: 20.0}),
        ("prod.cpu > bool 90", {A: 1.0, B: 0.0}),
        ("sum(prod.cpu > bool 90)", {ONE: 1.0}),
        ("top(1, prod.cpu)", {A: 96.0}),
        ("prod.cpu > 90 AND ON() prod.error_rate > 5", {A: 96.0}),
        ("prod.cpu > 90 aNd oN() prod.error_rate > 5", {A: 96.0}),
        ("prod.cpu Unless prod.cpu > 90", {B: 20.0}),
        ("prod.cpu > Bool 90 Or prod.cpu", {A: 1.0, B: 0.0}),
        ("Sum BY (host) (prod.cpu{host='a'})", {A: 96.0}),
        ("count by (Or) (prod.cpu)", {ONE: 2.0}),
        ("prod.cpu{Not=''} > 90", {A: 96.0}),
        ("bottomk(1, prod.cpu)", {B: 20.0}),
        ("quantile(0.5, prod.cpu)", {ONE: 58.0}),
        ("stddev(prod.cpu)", {ONE: 38.0}),
        ("abs(-prod.cores)", {A: 4.0, B: 0.0}),
        ("ceil(prod.cpu / 10)", {A: 10.0, B: 2.0}),
        ("floor(prod.cpu / 10)", {A: 9.0, B: 2.0}),
        ("round(prod.error_rate / 2)", {ONE: 4.0}),
        ("round(prod.error_rate, 5)", {ONE: 5.0}),
        ("clamp(prod.cpu, 30, 90)", {A: 90.0, B: 30.0}),
        ("absent(prod.idle)", {ONE: 1.0}),
        ('absent(prod.idle{host="z", zone="", kind=~"x"})', {labels(host="z"): 1.0}),
        ('absent(prod.idle{host="z", host!="y"})', {ONE: 1.0}),
        ("absent(prod.cpu)", {}),
        ("absent(prod.cpu / prod.idle)", {ONE: 1.0}),
        ("hour()", {ONE: 12.0}),
        ("prod.cpu > 90 and on () hour() >= 9", {A: 96.0}),
        ("day_of_week()", {ONE: 4.0}),
        ("prod.cpu and prod.error_rate > 5", {}),  # their labels differ, as in PromQL
        ("prod.cpu > 90 and on() prod.error_rate > 5", {A: 96.0}),
        ("prod.cpu / on() group_left prod.error_rate > 10", {A: 96 / 7}),
        ("not prod.error_rate > 5", {}),
        ("not prod.error_rate > 9", {ONE: 1.0}),
        ("not prod.idle", {ONE: 1.0}),
        ("prod.cpu > 90 and not shop.closed > 0", {A: 96.0}),
        ("prod.cpu > 90 and not shop.closed == 0", {}),
        ("not shop.closed > 0 and prod.cpu > 90", {A: 96.0}),
        ("prod.cpu unless not shop.closed > 0", {}),
        ("prod.cpu unless not shop.closed == 0", {A: 96.0, B: 20.0}),
        ("not shop.closed > 0 unless prod.cpu > 90", {}),
        ("not shop.closed > 0 unless prod.cpu > 99", {ONE: 1.0}),
        ("not not prod.cpu > 90", {ONE: 1.0}),
        ("not (prod.cpu > 90 and prod.cpu < 10)", {ONE: 1.0}),
        ("not prod.idle and not shop.closed > 0", {ONE: 1.0}),
        ("not prod.cpu or not prod.idle", {ONE: 1.0}),
        ("count(prod.idle)", {}),
        ("count(prod.idle) or 0", {ONE: 0.0}),
        ("count(prod.cpu) or 0", {ONE: 2.0}),
        ("shop.closed + 1h30m", {ONE: 5400.0}),
        ("-2 ^ 2 * prod.error_rate", {ONE: -28.0}),
        ("2 ^ 3 ^ 2 + shop.closed", {ONE: 512.0}),
        ("3 - 2 - 1", {ONE: 0.0}),
        ("prod.cpu{host=~\"a|x\"} or prod.cpu{host!~'a.*'}", {A: 96.0, B: 20.0}),
        ('prod.cpu{host=""}', {}),
        ('prod.cpu{zone=""}', {A: 96.0, B: 20.0}),
    ],
)
def test_a_result_where_all_is_known(text: str, expected: dict[Labels, float]) -> None:
    assert values(text) == expected


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("stale > 5", None),
        ("not stale > 5", None),
        ("prod.error_rate > 5 and stale > 5", None),
        ("prod.error_rate > 9 and stale > 5", False),  # whatever the stale metric is, it is false
        ("stale > 5 and prod.error_rate > 9", False),
        ("stale > 5 and not prod.error_rate > 5", False),
        ("prod.error_rate > 5 or stale > 5", True),
        ("prod.error_rate > 9 or stale > 5", None),
        ("stale or 0", None),  # only what is known to be absent is 0
        ("(count(stale) or 0) > 1", None),
        ("stale or prod.error_rate", True),  # another metric takes over
        ("(prod.error_rate or 0) > 5", True),
        ("prod.error_rate > 5 unless stale > 5", None),
        ("prod.error_rate > 9 unless stale > 5", False),
        ("stale unless prod.error_rate > 5", None),
        ("sum(stale) > 1", None),
        ("sum(prod.error_rate or stale) > 1", None),  # a part is no sum
        ("100 * prod.error_rate / shop.closed > 1", None),
        ("not 100 * prod.error_rate / shop.closed > 1", None),
        ("shop.closed / prod.error_rate > 1", False),
        ("prod.error_rate % shop.closed", None),
        ("(0 - prod.error_rate) ^ 0.5", None),
        ("1e300 * prod.error_rate", True),
        ("1e300 * prod.error_rate ^ 100", None),
        ("rate(prod.error_rate, 5m) > 1", None),  # nothing is remembered
    ],
)
def test_what_is_not_so_and_what_cannot_be_known_are_two_things(text: str, holds: bool | None) -> None:
    assert parse(text).evaluate(WORLD).holds(ONE) is holds


@pytest.mark.parametrize(
    ("text", "compares"),
    [
        ("shop.closed", False),
        ("shop.closed == 0", True),
        ("shop.closed == bool 0", False),
        ("shop.closed == 0 and prod.cpu", True),
        ("shop.closed and prod.cpu > 5", False),  # the values are those of the left side
        ("not prod.idle and shop.closed == 0", True),  # and here those of the right
        ("not prod.idle and not shop.closed", False),
        ("shop.closed == 0 unless prod.idle", True),
        ("prod.cpu > 9 or shop.closed == 0", True),
        ("prod.cpu > 9 or 0", False),
        ("count(prod.cpu > 9)", False),
    ],
)
def test_an_expression_says_whether_a_comparison_keeps_its_series(text: str, compares: bool) -> None:
    assert parse(text).is_filter is compares


def test_a_metric_that_is_stale_is_named_only_where_it_matters() -> None:
    assert parse("prod.error_rate > 5 and stale > 5").evaluate(WORLD).unavailable == {"stale"}
    assert parse("prod.error_rate > 9 and stale > 5").evaluate(WORLD).unavailable == set()


def test_a_division_by_zero_costs_its_own_series_only() -> None:
    result = parse("prod.cpu / prod.cores").evaluate(WORLD)
    assert result.values == {A: 24.0}
    assert result.unknown == {B}
    assert not result.unavailable
    assert [result.holds(series) for series in (A, B, C)] == [True, None, False]
    assert parse("sum(prod.cpu / prod.cores)").evaluate(WORLD).values == {ONE: 24.0}


def test_series_that_have_the_same_labels_have_no_result_and_it_says_why() -> None:
    result = parse("prod.error_rate > 5 or prod.error_rate / on() prod.cpu").evaluate(WORLD)
    assert not result
    assert result.holds(ONE) is None
    assert result.problem == "several series have the labels {} where one is needed"


def test_what_would_cost_too_much_has_no_result_and_it_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "MOST_SERIES", 1)
    assert parse("prod.cpu").evaluate(WORLD).problem == "prod.cpu has more than 1 series"
    monkeypatch.setattr(tree, "MOST_SERIES", 2)
    monkeypatch.setattr(tree, "MOST_SAMPLES", 3)
    world = World(WORLD.series, {("prod.cpu", A): [(900.0, 1.0)] * 2, ("prod.cpu", B): [(900.0, 1.0)] * 2})
    assert "select series, or a shorter window" in parse("avg_over(prod.cpu, 5m)").evaluate(world).problem


def counter(*samples: tuple[float, float]) -> World:
    return World({"a.b": {ONE: samples[-1][1]}}, {("a.b", ONE): samples}, samples[-1][0])


@pytest.mark.parametrize(
    ("text", "samples", "expected"),
    [
        ("change(a.b, 1h)", [(0, 50), (3600, 60)], 20.0),
        ("change(a.b, 1h)", [(-200, 50), (3600, 60)], 20.0),
        ("change(a.b, 1h)", [(-400, 50), (3600, 60)], None),  # more than a tenth of the window away
        ("change(a.b, 1h)", [(300, 50), (3600, 60)], 20.0),
        ("change(a.b, 1h)", [(400, 50), (3600, 60)], None),
        ("change(a.b, 1d)", [(8000, 50), (86400, 60)], 20.0),
        ("change(a.b, 1h)", [(-100, 40), (100, 50), (3600, 60)], 50.0),  # what held then, not what came
        ("change(a.b, 1h)", [(0, -50), (3600, -60)], -20.0),
        ("change(a.b, 1h)", [(0, 0), (3600, 60)], None),
        ("change(a.b, 1h)", [(3600, 60)], None),
        ("change(a.b, 1h)", [(0, 50), (1800, 0), (3600, 60)], 20.0),
        ("rate(a.b, 1m)", [(0, 0), (30, 30), (60, 60)], 1.0),
        ("rate(a.b, 1m)", [(0, 30), (30, 60), (60, 30)], 1.0),  # it began again at zero
        ("rate(a.b, 1m)", [(60, 60)], None),
        ("avg_over(a.b, 1h)", [(0, 1), (1800, 3), (3600, 8)], 4.0),
        ("avg_over(a.b, 1h)", [(3590, 1), (3600, 3)], 2.0),  # a young memory: over what there is
        ("avg_over(a.b, 1h)", [(-1, 100), (3600, 3)], 3.0),
        ("min_over(a.b, 1h)", [(0, 2), (1800, 1), (3600, 3)], 1.0),
        ("max_over(a.b, 1h)", [(0, 2), (1800, 9), (3600, 3)], 9.0),
    ],
)
def test_functions_over_what_is_remembered(
    text: str, samples: list[tuple[float, float]], expected: float | None
) -> None:
    result = parse(text).evaluate(counter(*samples))
    assert result.values.get(ONE) == (None if expected is None else pytest.approx(expected))
    assert (ONE in result.unknown) is (expected is None)


HUGE = [(0.0, 1.7e308), (10.0, -1.7e308), (20.0, 1.7e308), (30.0, 1.7e308)]


@pytest.mark.parametrize(
    "text",
    [
        "sum_over(a.b, 1m)",
        "predict(a.b, 1m, 4h)",
        "change(a.b, 30s) + 0",
        "rate(a.b, 1m) * 1e308",
        "increase(a.b, 1m) * 10",
        "a.b * a.b",
        "a.b + a.b",
        "a.b ^ 2",
        "(0 - a.b) ^ 0.5",
        "a.b / 0",
        "a.b % 0",
        "sum(a.c)",
        "avg(a.c)",
        "stddev(a.c)",
    ],
)
def test_what_is_no_number_is_unknown(text: str) -> None:
    series = {
        "a.b": {ONE: 1.7e308},
        "a.c": {A: 1.7e308, B: 1.7e308, labels(host="z"): -1.7e308, labels(host="y"): 1e308},
    }
    result = parse(text).evaluate(World(series, {("a.b", ONE): HUGE}, 30.0))
    assert not result.values or all(map(math.isfinite, result.values.values()))
    assert result.unknown or text.startswith("change")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("round(a.b, 0.0001)", 1.7e308),
        ("round(a.c, 1e-320)", 0.0),
        ("ceil(a.b)", 1.7e308),
        ("floor(a.b)", 1.7e308),
        ("clamp(a.b, -1e308, 1e308)", 1e308),
        ("round(a.d)", 0.0),
        ("abs(a.d)", 5e-324),
    ],
)
def test_functions_take_numbers_of_any_size(text: str, expected: float) -> None:
    world = World({"a.b": {ONE: 1.7e308}, "a.c": {ONE: 0.0}, "a.d": {ONE: -5e-324}}, {}, 0.0)
    assert parse(text).evaluate(world).values == {ONE: expected}


@pytest.mark.parametrize(
    ("text", "windows"),
    [
        ("a.b > 5", {}),
        ("rate(a.b, 5m) + rate(a.b, 1h) + avg_over(a.c, 1d)", {"a.b": 3600.0, "a.c": 86400.0}),
        ("change(a.b, 1d)", {"a.b": 95040.0}),
        ("change(a.b, 1m)", {"a.b": 120.0}),
    ],
)
def test_an_expression_says_how_far_it_looks_back(text: str, windows: dict[str, float]) -> None:
    assert parse(text).windows == windows


@pytest.mark.parametrize(
    ("text", "series", "said"),
    [
        ("prod.error_rate > 5 and shop.closed < 1", ONE, "prod.error_rate is 7 and shop.closed is 0"),
        ("prod.cpu > 90 and not shop.closed > 0", A, "prod.cpu is 96 and shop.closed is 0"),
        ("prod.cpu > 90", ONE, "prod.cpu has 2 values from 20 to 96"),
        ("sum(prod.cpu) / 3 > 90", ONE, "sum(prod.cpu) / 3 is 38.6667"),
        ("stale > 1 or prod.idle > 1", ONE, "stale has no value and prod.idle has no series"),
        ("prod.cpu / prod.cores > 1", B, "prod.cpu / prod.cores has no value"),
        ("1 < prod.error_rate < 9", ONE, "prod.error_rate is 7"),
    ],
)
def test_what_decided_can_be_said(text: str, series: Labels, said: str) -> None:
    assert parse(text).describe(WORLD, series) == said


def test_a_rate_is_that_of_prometheus_to_the_last_digit() -> None:
    samples = [(15.0 * number, 21.0 * number) for number in range(41)]
    assert rate(samples, 50.0, 150.0) == 1.4000000000000001, "what promtool says of rate(x[100s]) at 150s"

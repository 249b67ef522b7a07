"""Laws of the language: texts read back, no text and no data breaks it, and what it claims to know is so."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expression.world import World
from expression.written import EXPRESSIONS, LABELS, METRICS, TOTAL
from smithd.expression.expression import Expression, parse
from smithd.expression.lexer import LONGEST, ExpressionError
from smithd.expression.tree import Node
from smithd.plugin.sample import Labels

WORDS = ["a.x", "a", "not", "and", "or", "sum", "top", "rate", "by", "on", "bool", "group_left", "5m", "2", '"b"', "{"]
WORDS += ["(", ")", "}", ",", "=", "==", "=~", ">", "-", "^", "/", "host", " ", "\n", "[", "'", "é", "1e999"]

SERIES: st.SearchStrategy[Labels] = st.dictionaries(
    st.sampled_from(LABELS), st.sampled_from(["a", "b", ""]), max_size=2
).map(lambda pairs: tuple(sorted(pairs.items())))
SMALL = st.integers(-3, 3).map(float)
ANY = SMALL | st.floats(allow_nan=False, allow_infinity=False)


def vectors(values: st.SearchStrategy[float]) -> st.SearchStrategy[dict[Labels, float]]:
    return st.dictionaries(SERIES, values, max_size=4)


SAMPLES = st.lists(st.tuples(st.floats(0, 1000), ANY), max_size=6).map(sorted)
WORLDS = st.builds(
    World,
    st.fixed_dictionaries({metric: st.none() | vectors(ANY) for metric in METRICS}),
    st.dictionaries(st.tuples(st.sampled_from(METRICS), SERIES), SAMPLES),
)


def parsed(text: str) -> Expression | ExpressionError:
    try:
        return parse(text)
    except ExpressionError as error:
        return error


@given(EXPRESSIONS)
def test_what_is_written_reads_back_as_the_same(tree: Node) -> None:
    assert parse(str(tree)).root == tree


@given(st.text() | st.lists(st.sampled_from(WORDS), max_size=20).map(" ".join))
def test_a_text_is_an_expression_or_an_error_that_points_into_it(text: str) -> None:
    expression = parsed(text)
    if isinstance(expression, ExpressionError):
        assert 1 <= expression.column <= len(text) + 1
    else:
        assert parse(str(expression)) == expression
        assert all(text[column - 1 :].startswith(metric) for metric, column in expression.references)


@pytest.mark.parametrize(
    "piece", ["(", "-", "not ", "a.x + ", "a.x ^ ", "sum(", "x{", "9", "a", '"', "x{a=~'(", "a.x or "]
)
@pytest.mark.parametrize("times", [30, 31, 200, LONGEST])
def test_no_text_is_too_deep_or_too_long_for_an_answer(piece: str, times: int) -> None:
    for text in (piece * times, piece * times + "1"):
        expression = parsed(text)
        assert (
            isinstance(expression, ExpressionError) or expression.evaluate(World({})).is_incomplete or "a" not in text
        )


@given(EXPRESSIONS, WORLDS)
def test_a_result_is_finite_and_knows_each_series_or_not(tree: Node, world: World) -> None:
    expression = parse(str(tree))
    result = expression.evaluate(world)
    assert all(type(value) is float and math.isfinite(value) for value in result.values.values())
    assert result.unknown.isdisjoint(result.values)
    assert result.unavailable <= expression.metrics - {
        metric for metric, values in world.series.items() if values is not None
    }
    assert expression.describe(world) or not expression.metrics


@given(TOTAL, st.data())
def test_what_is_known_without_a_metric_is_so_whatever_the_metric_is(tree: Node, data: st.DataObject) -> None:
    expression = parse(str(tree))
    known = {metric: data.draw(st.none() | vectors(SMALL)) for metric in METRICS}
    complete = {metric: data.draw(vectors(SMALL)) if values is None else values for metric, values in known.items()}
    before, after = expression.evaluate(World(known)), expression.evaluate(World(complete))
    for labels in {*before.values, *after.values, ()}:
        claimed = before.holds(labels)
        assert claimed is None or after.holds(labels) in (claimed, None)
        if claimed and after.holds(labels):
            assert before.values[labels] == after.values[labels]


@given(TOTAL, st.fixed_dictionaries({metric: vectors(SMALL) for metric in METRICS}))
def test_not_is_what_remains_where_nothing_does(tree: Node, series: dict[str, dict[Labels, float]]) -> None:
    expression = parse(str(tree))
    if not expression.root.is_number:
        result = expression.evaluate(World(series))
        negated = parse(f"not ({expression})").evaluate(World(series))
        assert not result.is_known or bool(negated) is not bool(result)


@given(EXPRESSIONS)
def test_an_expression_says_of_itself_what_its_text_says(tree: Node) -> None:
    text = str(tree)
    expression: Expression = parse(text)
    assert str(expression) == text
    assert expression.metrics == {metric for metric in METRICS if metric in text}
    assert set(expression.windows) <= expression.metrics
    assert expression.root.is_number <= (not expression.metrics)

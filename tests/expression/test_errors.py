"""A text that is no expression: where it stops being one, and what to write instead."""

from __future__ import annotations

import pytest

from smithd.expression.expression import parse
from smithd.expression.lexer import ExpressionError

MISTAKES = [
    ("", 1, "the expression is empty", ""),
    ("prod.cpu >", 11, "the end is not where a value may begin", ""),
    ("prod.cpu > 90 and", 18, "the end is not where", ""),
    ("prod.cpu 90", 10, "expected an operator before '90'", ""),
    ("prod.cpu && prod.mem", 10, "'&&' means nothing here", "and"),
    ("prod.cpu = 90", 10, "'=' only stands beside a label", "=="),
    ("!prod.cpu", 1, "'!' means nothing here", "not"),
    ("Prod.CPU > 90", 1, "'Prod.CPU' is no metric", "prod.cpu"),
    ("summ(prod.cpu)", 1, "there is no function 'summ'", "sum"),
    ("avg_over_time(prod.cpu, 5m)", 1, "there is no function", "avg_over"),
    ("topk(3, prod.cpu)", 1, "there is no function 'topk'", "top"),
    ("rate(prod.visits[5m])", 17, "there are no brackets here", ""),
    ("rate(prod.visits)", 17, "expected ',' and a window", ""),
    ("rate(prod.visits, 5)", 19, "expected a window like 5m or 1d", ""),
    ("rate(prod.visits, 0s)", 19, "a window is longer than 0s", ""),
    ("rate(prod.visits, 60d)", 19, "at most 31d", ""),
    ("rate(sum(prod.visits), 5m)", 6, "expected a metric, found 'sum'", ""),
    ("sum(prod.cpu", 4, "this '(' has no ')'", ""),
    ("prod.cpu)", 9, "this ')' has no '('", ""),
    ("sum(5)", 5, "'sum' needs a metric", ""),
    ("sum prod.cpu", 5, "expected '(' after 'sum'", ""),
    ("sum by host (prod.cpu)", 8, "expected '(' after 'by'", ""),
    ("top(prod.cpu)", 5, "expected how many", ""),
    ("top(0, prod.cpu)", 5, "expected how many, from 1 to 1000", ""),
    ("bottomk(0, prod.cpu)", 9, "expected how many, from 1 to 1000", ""),
    ("quantile(prod.cpu)", 10, "expected which quantile, from 0 to 1", ""),
    ("quantile(1.1, prod.cpu)", 10, "expected which quantile, from 0 to 1", ""),
    ("stddev(5)", 8, "'stddev' needs a metric", ""),
    ("a.b == 0 offset 5m", 10, "there is no 'offset' here", ""),
    ("a.b OFFSET 5m", 5, "there is no 'offset' here", ""),
    ("abs(5)", 5, "'abs' needs a metric", ""),
    ("abs(prod.cpu, 2)", 1, "'abs' takes a metric, and nothing else", ""),
    ("round(prod.cpu, prod.mem)", 17, "'round' takes a number here", ""),
    ("round(prod.cpu, 0)", 17, "rounding to a multiple of 0", ""),
    ("clamp(prod.cpu, 3)", 1, "'clamp' takes a metric and 2 numbers", ""),
    ("clamp(prod.cpu, 3, 2)", 17, "the lowest value is above the highest", ""),
    ("absent(5)", 8, "'absent' needs a metric", ""),
    ("hour(prod.cpu)", 6, "expected ')' after 'hour(', which takes nothing", ""),
    ("predict(prod.cpu, 1h)", 21, "expected ',' and how far ahead", ""),
    ("predict(prod.cpu, 1h, 4)", 23, "expected how far ahead like", ""),
    ("sum_over(prod.cpu, 2h)", 20, "needs every sample", ""),
    ("5 > 3", 3, "compares two numbers", ""),
    ("prod.cpu > 1 / 0", 14, "'1 / 0' is no number", ""),
    ("1e999", 1, "too large for a number", ""),
    ("prod.cpu > 5x", 12, "'5x' is no number and no duration", ""),
    ("prod.cpu and 5", 14, "'and' needs a metric", ""),
    ("5 or prod.cpu", 1, "'or' needs a metric", ""),
    ("not 5", 5, "'not' needs a metric", ""),
    ("prod.cpu > not prod.mem", 12, "'not' cannot stand here without brackets", ""),
    ("prod.cpu + bool 5", 12, "'bool' only follows a comparison", ""),
    ("prod.cpu + on (host) 5", 10, "labels can only be matched between two metrics", ""),
    ("prod.cpu and on () group_left prod.mem", 20, "'and' takes no 'group_left'", ""),
    ("prod.cpu * on (host) group_left (host) prod.mem", 22, "'host' is equal on both sides already", ""),
    ('prod.cpu{host="a}', 15, "this text has no end", ""),
    ('prod.cpu{host=="a"}', 14, "expected '=', '!=', '=~' or '!~'", ""),
    ("prod.cpu{host=a}", 15, "expected a text in quotes", ""),
    ('prod.cpu{prod.host="a"}', 10, "expected the name of a label", ""),
    ('prod.cpu{host="a" zone="b"}', 19, "expected '}' or ','", ""),
    ('prod.cpu{host=~"(a"}', 16, "in the pattern: missing ): (a", ""),
    ('prod.cpu > "5"', 12, "only stands beside a label", ""),
    ("prod.cpu > 5\x00", 13, "'U+0000' means nothing here", ""),
    ("by > 5", 1, "expected a metric, found 'by'", ""),
    ("(" * 40 + "1", 31, "more than 30 brackets", ""),
    ("a.b + " * 60 + "1", 301, "more than 100 parts", ""),
    ("a.b" + " " * 2000, 2001, "longer than 2000 characters", ""),
    ("prod.cpu >\n  5 and\n  or prod.mem", 22, "expected a metric, found 'or'", ""),
]


@pytest.mark.parametrize(("text", "column", "message", "near"), MISTAKES)
def test_a_mistake_is_pointed_at_and_named(text: str, column: int, message: str, near: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    error = caught.value
    assert message in error.message
    assert error.column == column
    assert (error.near or "") == near
    assert str(error).startswith(f"column {column}: {error.message}")


@pytest.mark.parametrize(
    ("text", "here"),
    [
        ("rate(prod.visits[2m]) > 1", "rate(prod.visits, 2m)"),
        ("prod.cpu > 5 and sum_over_time( prod.visits{a='b'} [ 10m ] ) > 1", "sum_over(prod.visits{a='b'}, 10m)"),
        ("predict_linear(disk.free[1h], 4 * 3600) < 0", "predict(disk.free, 1h, 4h)"),
        ("changes(prod.visits[1h])", "rate(prod.visits, 5m)"),
        ("rate(prod.visits[", "rate(prod.visits, 5m)"),
    ],
)
def test_a_range_of_promql_is_shown_as_it_is_written_here(text: str, here: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        parse(text)
    assert raised.value.expected == f"a window is an argument: {here}"
    parse(here)

"""Random expressions of the whole language, as hypothesis strategies and as texts."""

from __future__ import annotations

from hypothesis import strategies as st

from smithd.expression.expression import parse
from smithd.expression.functions import TimeFunction, ValueFunction
from smithd.expression.grouping import ONE_GROUP, Grouping
from smithd.expression.lexer import ExpressionError
from smithd.expression.matching import VectorMatching
from smithd.expression.operators import Calculation, Filter, SetOperation
from smithd.expression.tree import Aggregate, LabelMatcher, Node, Not, Number, Selector, Unary, WindowFunction

METRICS = ("a.x", "a.y", "b.z.column", "derived", "firing")
LABELS = ("host", "zone")

_NUMBERS = st.sampled_from(["0", "1", "2.5", ".5", "1e3", "2E-3", "7.", "1h", "1h30m", "250ms"])


def _number(text: str) -> Number:
    root = parse(text).root
    assert isinstance(root, Number)
    return root


_TEXTS = st.text("ab\\\"'\n\t{},=.ü", max_size=4) | st.sampled_from(["a", "b", ""])
_EXACT = st.builds(LabelMatcher, st.sampled_from(LABELS), st.sampled_from(["=", "!="]), _TEXTS, st.just(bool))
_PATTERNS = st.builds(
    LabelMatcher,
    st.sampled_from(LABELS),
    st.sampled_from(["=~", "!~"]),
    st.sampled_from(["a|b", ".+", "\\w*"]),
    st.just(bool),
)
SELECTORS = st.builds(Selector, st.sampled_from(METRICS), st.lists(_EXACT | _PATTERNS, max_size=2).map(tuple))
WINDOWS = st.one_of(
    st.builds(
        WindowFunction,
        st.sampled_from(["change", "rate", "increase", "avg_over", "min_over", "max_over"]),
        SELECTORS,
        st.sampled_from(["5m", "1h30m", "1d", "100ms"]).map(_number),
    ),
    st.builds(
        WindowFunction,
        st.sampled_from(["sum_over", "count_over"]),
        SELECTORS,
        st.sampled_from(["5m", "1h"]).map(_number),
    ),
    st.builds(WindowFunction, st.just("predict"), SELECTORS, *[st.sampled_from(["5m", "0s"]).map(_number)] * 2),
)
_CHOICES = st.builds(
    Grouping, st.lists(st.sampled_from(LABELS), unique=True).map(lambda names: tuple(sorted(names))), st.booleans()
)
_MATCHINGS = st.one_of(
    st.none(),
    st.builds(VectorMatching, _CHOICES),
    st.builds(VectorMatching, _CHOICES, st.sampled_from(["left", "right"]), st.sampled_from([(), ("zone",), LABELS])),
)


def _trees(leaves: st.SearchStrategy[Node], arithmetic: str, sets: list[str]) -> st.SearchStrategy[Node]:
    choices = st.just(ONE_GROUP) | _CHOICES
    comparisons = st.sampled_from(["==", "!=", ">", ">=", "<", "<="])

    def extended(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        return st.one_of(
            st.builds(Unary, st.sampled_from("+-"), inner),
            st.builds(Not, inner),
            st.builds(Aggregate, st.sampled_from(["sum", "avg", "min", "max", "count", "stddev"]), inner, choices),
            st.builds(Aggregate, st.sampled_from(["top", "bottomk"]), inner, choices, st.just(Number("2", 2.0))),
            st.builds(Aggregate, st.just("quantile"), inner, choices, st.just(Number("0.9", 0.9))),
            st.builds(ValueFunction, st.sampled_from(["abs", "ceil", "floor", "round"]), inner),
            st.builds(ValueFunction, st.just("clamp"), inner, st.just((Number("0", 0.0), Number("2", 2.0)))),
            st.builds(Calculation, st.sampled_from(arithmetic) | comparisons, inner, inner, _MATCHINGS),
            st.builds(Filter, comparisons, inner, inner, _MATCHINGS),
            st.builds(SetOperation, st.sampled_from(sets), inner, inner),
        )

    return st.recursive(leaves, extended, max_leaves=8)


def is_expression(tree: Node) -> bool:
    try:
        parse(str(tree))
    except ExpressionError:
        return False
    return True


_LEAVES = (
    _NUMBERS.map(_number) | SELECTORS | WINDOWS | st.builds(TimeFunction, st.sampled_from(["hour", "day_of_week"]))
)
EXPRESSIONS = _trees(_LEAVES, "+-*/%^", ["and", "or", "unless"]).filter(is_expression)
"""Of any shape."""
TOTAL = _trees(_NUMBERS.map(_number) | SELECTORS, "+-*", ["and", "unless"]).filter(is_expression)
"""Those of which every part has a value where its metrics have, and ``or`` puts no value in another's place."""

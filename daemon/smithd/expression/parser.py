"""The grammar: operators by how strongly they bind (Pratt 1973), with PromQL's order. No I/O.

expression  = "not" expression | sign expression | expression operator modifiers expression | "(" expression ")"
            | number | duration | selector | call
selector    = metric [ "{" label ("=" | "!=" | "=~" | "!~") text { "," ... } "}" ]
call        = window "(" selector "," duration ")"
            | aggregate [grouping] "(" [number ","] expression ")" [grouping]
grouping    = ("by" | "without") "(" [label { "," label }] ")"
modifiers   = ["bool"] [("on" | "ignoring") "(" labels ")" ["group_left" | "group_right" ["(" labels ")"]]]
operators, from the weakest: or; and unless; not; == != > >= < <=; + -; * / %; signs; ^ (from the right)
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from smithd.expression.arithmetic import ARITHMETIC, COMPARISONS, SETS
from smithd.expression.grouping import AGGREGATES, ONE_GROUP, Grouping
from smithd.expression.lexer import ExpressionError, Kind, Token, tokens
from smithd.expression.matching import VectorMatching
from smithd.expression.operators import Calculation, Filter, SetOperation
from smithd.expression.pattern import PatternError, compile_pattern
from smithd.expression.tree import (
    BINDING,
    Aggregate,
    LabelMatcher,
    Node,
    Not,
    Number,
    Selector,
    Unary,
    WindowFunction,
)
from smithd.expression.window import FUNCTIONS
from smithd.plugin.options import parse_duration
from smithd.plugin.sample import Labels
from smithd.suggestion import nearest

MOST_PARTS = 100
"""Operators, functions and metrics of one expression."""
DEEPEST = 30
"""Brackets within brackets."""
LONGEST_WINDOW = 31 * 86400.0

_GROUPING = ("by", "without")
_MODIFIERS = ("bool", "on", "ignoring", "group_left", "group_right")
_FUNCTIONS = (*AGGREGATES, "top", *FUNCTIONS)
RESERVED = frozenset({*SETS, "not", *_GROUPING, *_MODIFIERS, *_FUNCTIONS})
"""Words of the language: no metric without a dot may have one as its name."""

_METRIC = re.compile(r"[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)*")

_Item = TypeVar("_Item")
_KINDS: dict[str, type[Calculation] | type[Filter] | type[SetOperation]] = {
    **dict.fromkeys(ARITHMETIC, Calculation),
    **dict.fromkeys(COMPARISONS, Filter),
    **dict.fromkeys(SETS, SetOperation),
}
_A_VALUE = "expected a metric like prod.cpu, a number, a function or '('"


def parse_tree(text: str) -> tuple[Node, list[Selector], list[WindowFunction]]:
    """The tree of an expression, and its metrics and windows in the order of the text; ExpressionError for any text
    that is none.
    """
    parser = _Parser(tokens(text))
    return parser.whole(), parser.selectors, parser.windows


class _Parser:
    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._at = 0
        self._depth = 0
        self._parts = 0
        self.selectors: list[Selector] = []
        self.windows: list[WindowFunction] = []

    def whole(self) -> Node:
        if len(self._tokens) == 1:
            raise ExpressionError("the expression is empty", 1, expected=_A_VALUE)
        node = self._expression(0)
        if self._next.kind is not Kind.END:
            raise self._no_operator()
        return node

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._next
        self._at += 1
        return token

    def _takes(self, *texts: str) -> Token | None:
        """The next token, consumed, if it is a sign or a word that reads so."""
        token = self._next
        return self._take() if token.kind in (Kind.SIGN, Kind.NAME) and token.text in texts else None

    def _expect(self, sign: str, why: str) -> Token:
        token = self._takes(sign)
        if token is None:
            raise ExpressionError(f"expected '{sign}' {why}, found {self._next}", self._next.column)
        return token

    def _count(self, token: Token) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise ExpressionError(f"the expression has more than {MOST_PARTS} parts", token.column)

    def _expression(self, binding: int) -> Node:
        """What follows, up to an operator that binds no more strongly than ``binding``."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise ExpressionError(f"more than {DEEPEST} brackets or signs within each other", self._next.column)
        left = self._operand(binding)
        while (operator := self._next).kind in (Kind.SIGN, Kind.NAME) and operator.text in _KINDS:
            # The operator before this expression binds as strongly or more: it takes what was read so far.
            if BINDING[operator.text] <= binding:
                break
            self._count(self._take())
            left = self._binary(left, operator)
        self._depth -= 1
        return left

    def _operand(self, binding: int) -> Node:
        token = self._take()
        if token.kind is Kind.NUMBER or token.kind is Kind.DURATION:
            return _number(token)
        if token.kind is Kind.NAME:
            return self._named(token, binding)
        if token.text == "(" and token.kind is Kind.SIGN:
            inner = self._expression(0)
            self._close(token)
            return inner
        if token.text in ("-", "+") and token.kind is Kind.SIGN:
            self._count(token)
            operand = self._expression(BINDING["unary"] - 1)
            return Unary(token.text, operand, token.column)
        if token.kind is Kind.STRING:
            raise ExpressionError(f"a text like '{token.text:.20}' only stands beside a label", token.column)
        raise ExpressionError(f"{token} is not where a value may begin", token.column, expected=_A_VALUE)

    def _close(self, opening: Token) -> None:
        if self._takes(")") is None:
            if self._next.kind is Kind.END:
                raise ExpressionError("this '(' has no ')'", opening.column)
            raise self._no_operator()

    def _no_operator(self) -> ExpressionError:
        """Why what follows a value cannot follow it."""
        token = self._next
        if token.text == ")" and token.kind is Kind.SIGN:
            return ExpressionError("this ')' has no '('", token.column)
        if token.text == "=" and token.kind is Kind.SIGN:
            return ExpressionError("'=' only stands beside a label", token.column, near="==")
        near = nearest(token.text, [*SETS, "by"]) if token.kind is Kind.NAME else None
        return ExpressionError(f"expected an operator before {token}", token.column, near=near)

    def _named(self, token: Token, binding: int) -> Node:
        if token.text == "not":
            if binding >= BINDING["not"]:
                raise ExpressionError("'not' cannot stand here without brackets: (not ...)", token.column)
            self._count(token)
            return Not(self._with_series(self._expression(BINDING["not"] - 1), "'not'"), token.column)
        opens = self._next.kind is Kind.SIGN and self._next.text == "("
        if token.text in AGGREGATES or token.text == "top":
            return self._aggregate(token)
        if token.text in FUNCTIONS:
            return self._window(token)
        if opens:
            raise ExpressionError(
                f"there is no function '{token.text}'",
                token.column,
                expected=f"there are: {', '.join(_FUNCTIONS)}",
                near=nearest(token.text, _FUNCTIONS),
            )
        return self._selector(token)

    def _selector(self, token: Token) -> Selector:
        if token.kind is not Kind.NAME or token.text in RESERVED:
            raise ExpressionError(f"expected a metric, found {token}", token.column)
        if not _METRIC.fullmatch(token.text):
            raise ExpressionError(
                f"'{token.text}' is no metric: their names have small letters, digits and '_'",
                token.column,
                near=nearest(token.text, SETS) or token.text.lower(),
            )
        self._count(token)
        matchers = self._list("}", self._matcher) if self._takes("{") else ()
        selector = Selector(token.text, tuple(matchers), token.column)
        self.selectors.append(selector)
        return selector

    def _list(self, close: str, read: Callable[[], _Item]) -> list[_Item]:
        """Items between commas, up to a closing sign."""
        items: list[_Item] = []
        while self._takes(close) is None:
            items.append(read())
            if self._takes(",") is None:
                self._expect(close, "or ','")
                break
        return items

    def _matcher(self) -> LabelMatcher:
        label = self._label()
        self._count(self._next)
        operator = self._takes("=", "!=", "=~", "!~")
        if operator is None:
            raise ExpressionError(
                f"expected '=', '!=', '=~' or '!~' after the label '{label}', found {self._next}", self._next.column
            )
        text = self._take()
        if text.kind is not Kind.STRING:
            raise ExpressionError(f"expected a text in quotes after '{operator.text}', found {text}", text.column)
        return LabelMatcher(label, operator.text, text.text, _test(operator.text, text))

    def _label(self) -> str:
        token = self._take()
        if token.kind is not Kind.NAME or "." in token.text:
            raise ExpressionError(f"expected the name of a label, found {token}", token.column)
        return token.text

    def _window(self, function: Token) -> WindowFunction:
        self._count(function)
        opening = self._expect("(", f"after '{function.text}'")
        selector = self._selector(self._take())
        example = f"expected {function.text}({selector.metric}, 5m)"
        if self._takes(",") is None:
            raise ExpressionError(f"expected ',' and a window, found {self._next}", self._next.column, expected=example)
        length = self._take()
        if length.kind is not Kind.DURATION:
            raise ExpressionError(f"expected a window like 5m or 1d, found {length}", length.column, expected=example)
        number = _number(length)
        if not 0 < number.value <= LONGEST_WINDOW:
            raise ExpressionError(f"a window is longer than 0s and at most 31d, not {length.text}", length.column)
        self._close(opening)
        window = WindowFunction(function.text, selector, number, function.column)
        self.windows.append(window)
        return window

    def _aggregate(self, function: Token) -> Aggregate:
        self._count(function)
        # As in PromQL, ``by (...)`` may stand before the brackets or after them.
        by = self._grouping()
        opening = self._expect("(", f"after '{function.text}'")
        count = None
        if function.text == "top":
            token = self._take()
            if token.kind is not Kind.NUMBER or not token.text.isdigit() or not 1 <= int(token.text[:9]) <= 1000:
                message = f"expected how many, from 1 to 1000, found {token}"
                raise ExpressionError(message, token.column, expected="expected top(3, prod.cpu)")
            self._expect(",", "after how many")
            count = _number(token)
        operand = self._with_series(self._expression(0), f"'{function.text}'")
        self._close(opening)
        return Aggregate(function.text, operand, by or self._grouping() or ONE_GROUP, count, function.column)

    def _grouping(self) -> Grouping | None:
        word = self._takes(*_GROUPING)
        return Grouping(self._labels(word), word.text == "without") if word else None

    def _labels(self, word: Token) -> tuple[str, ...]:
        self._expect("(", f"after '{word.text}'")
        # Sorted, and each once: how the text lists them makes no difference, and equal groupings are equal values.
        return tuple(sorted(set(self._list(")", self._label))))

    def _with_series(self, node: Node, what: str) -> Node:
        if node.is_number:
            raise ExpressionError(f"{what} needs a metric, and this is one number", node.column)
        return node

    def _binary(self, left: Node, operator: Token) -> Node:
        as_number = self._takes("bool")
        if as_number and operator.text not in COMPARISONS:
            raise ExpressionError("'bool' only follows a comparison", as_number.column)
        matching = self._matching(operator)
        # An operator of the same strength ends the right side, so that ``a - b - c`` is ``(a - b) - c``; only ``^``
        # groups from the right.
        binding = BINDING[operator.text]
        right = self._expression(binding - 1 if operator.text == "^" else binding)
        self._check_sides(left, right, operator, bool(as_number), matching)
        kind = Calculation if as_number else _KINDS[operator.text]
        node = kind(operator.text, left, right, matching, operator.column)
        # ``1 / 0`` is found here, not at each evaluation.
        if node.is_number and not node.evaluate(_NoSeries()).values:
            raise ExpressionError(f"'{node}' is no number", node.column)
        return node

    def _matching(self, operator: Token) -> VectorMatching | None:
        word = self._takes("on", "ignoring")
        if word is None:
            return None
        grouping = Grouping(self._labels(word), word.text == "ignoring")
        many = self._takes("group_left", "group_right")
        if many and operator.text in SETS:
            raise ExpressionError(
                f"'{operator.text}' takes no '{many.text}': it always keeps the left side", many.column
            )
        if many is None:
            return VectorMatching(grouping)
        opens = self._next.kind is Kind.SIGN and self._next.text == "("
        include = self._labels(many) if opens else ()
        both = set() if grouping.without else set(include).intersection(grouping.labels)
        if both:
            raise ExpressionError(f"the label '{min(both)}' is equal on both sides already", many.column)
        return VectorMatching(grouping, many.text.removeprefix("group_"), include)

    def _check_sides(
        self, left: Node, right: Node, operator: Token, as_number: bool, matching: VectorMatching | None
    ) -> None:
        numbers = left.is_number, right.is_number
        name = f"'{operator.text}'"
        if operator.text in SETS:
            self._with_series(left, name)
            if operator.text != "or":
                self._with_series(right, name)
        elif matching is not None and any(numbers):
            raise ExpressionError("labels can only be matched between two metrics", operator.column)
        elif operator.text in COMPARISONS and all(numbers) and not as_number:
            raise ExpressionError(
                f"{name} compares two numbers, and its answer never changes",
                operator.column,
                expected="expected a metric on one side at least; 'bool' after it makes a number of it",
            )


class _NoSeries:
    """Where numbers alone are evaluated."""

    now = 0.0

    def fresh(self, _: str) -> None:
        return None

    def past(self, _metric: str, _labels: Labels, _since: float) -> Sequence[tuple[float, float]]:
        return ()


def _number(token: Token) -> Number:
    value = parse_duration(token.text) if token.kind is Kind.DURATION else float(token.text)
    if not math.isfinite(value):
        raise ExpressionError(f"{token} is too large for a number", token.column)
    return Number(token.text, value, token.column)


def _test(operator: str, text: Token) -> Callable[[str], bool]:
    wanted = text.text
    if operator == "=":
        return lambda value: value == wanted
    if operator == "!=":
        return lambda value: value != wanted
    try:
        matches = compile_pattern(wanted)
    except PatternError as error:
        raise ExpressionError(f"in the pattern: {error}", text.column) from error
    return matches if operator == "=~" else lambda value: not matches(value)

"""The grammar: operators by how strongly they bind (Pratt 1973), with PromQL's order. No I/O.

expression  = "not" expression | sign expression | expression operator modifiers expression | "(" expression ")"
            | number | duration | selector | call
selector    = metric [ "{" label ("=" | "!=" | "=~" | "!~") text { "," ... } "}" ]
call        = window "(" selector "," duration ["," duration] ")"
            | aggregate [grouping] "(" [number ","] expression ")" [grouping]
            | function "(" expression { "," number } ")" | ("hour" | "day_of_week") "(" ")"
grouping    = ("by" | "without") "(" [label { "," label }] ")"
modifiers   = ["bool"] [("on" | "ignoring") "(" labels ")" ["group_left" | "group_right" ["(" labels ")"]]]
operators, from the weakest: or; and unless; not; == != > >= < <=; + -; * / %; signs; ^ (from the right)
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC
from typing import TypeVar

from smithd.expression.arithmetic import ARITHMETIC, COMPARISONS, SETS
from smithd.expression.functions import FUNCTIONS_OF_TIME, FUNCTIONS_OF_VALUES, Absent, TimeFunction, ValueFunction
from smithd.expression.grouping import AGGREGATES, CHOICES, ONE_GROUP, Grouping
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
from smithd.expression.window import FUNCTIONS, NEED_EVERY_SAMPLE
from smithd.plugin.options import parse_duration
from smithd.plugin.sample import Labels
from smithd.suggestion import nearest

MOST_PARTS = 100
"""Operators, functions and metrics of one expression."""
DEEPEST = 30
"""Brackets within brackets."""
LONGEST_WINDOW = 31 * 86400.0
LONGEST_OF_EVERY_SAMPLE = 3600.0
"""Of an hour every sample is remembered; of what is older, one a minute."""

_GROUPING = ("by", "without")
_MODIFIERS = ("bool", "on", "ignoring", "group_left", "group_right")
_PREDICT = "predict"
_ABSENT = "absent"
_OF_GROUPS = (*AGGREGATES, *CHOICES, "quantile")
_OF_WINDOWS = (*FUNCTIONS, _PREDICT)
_FUNCTIONS = (*_OF_GROUPS, *_OF_WINDOWS, *FUNCTIONS_OF_VALUES, *FUNCTIONS_OF_TIME, _ABSENT)
_WORDS = (*SETS, "not", *_GROUPING, *_MODIFIERS)
RESERVED = frozenset({*_WORDS, *_FUNCTIONS})
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
        return _lower(self._tokens[self._at])

    def _take(self) -> Token:
        """The next token, consumed, as it was written."""
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _takes(self, *texts: str) -> Token | None:
        """The next token, consumed, if it is a sign or a word that reads so."""
        token = self._next
        if token.kind not in (Kind.SIGN, Kind.NAME) or token.text not in texts:
            return None
        self._at += 1
        return token

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
            return self._named(_lower(token), binding)
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
        if token.text.lower() == "offset" and token.kind is Kind.NAME:
            return ExpressionError(
                "there is no 'offset' here",
                token.column,
                expected="a rule compares with the past: 'drops > 20% over 1h'",
            )
        near = nearest(token.text, [*SETS, "by"]) if token.kind is Kind.NAME else None
        return ExpressionError(f"expected an operator before {token}", token.column, near=near)

    def _named(self, token: Token, binding: int) -> Node:
        if token.text == "not":
            if binding >= BINDING["not"]:
                raise ExpressionError("'not' cannot stand here without brackets: (not ...)", token.column)
            self._count(token)
            return Not(self._with_series(self._expression(BINDING["not"] - 1), "'not'"), token.column)
        if token.text in _OF_GROUPS:
            return self._aggregate(token)
        if token.text in _OF_WINDOWS:
            return self._window(token)
        if token.text in FUNCTIONS_OF_VALUES:
            return self._value_function(token)
        if token.text in FUNCTIONS_OF_TIME:
            self._count(token)
            self._expect("(", f"after '{token.text}'")
            self._expect(")", f"after '{token.text}(', which takes nothing")
            return TimeFunction(token.text, token.column)
        if token.text == _ABSENT:
            self._count(token)
            opening = self._expect("(", f"after '{_ABSENT}'")
            operand = self._with_series(self._expression(0), f"'{_ABSENT}'")
            self._close(opening)
            return Absent(operand, token.column)
        if self._next.kind is Kind.SIGN and self._next.text == "(":
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

    def _value_function(self, function: Token) -> ValueFunction:
        self._count(function)
        opening = self._expect("(", f"after '{function.text}'")
        operand = self._with_series(self._expression(0), f"'{function.text}'")
        parameters: list[Node] = []
        while self._takes(",") is not None:
            parameters.append(self._expression(0))
            if not parameters[-1].is_number:
                message = f"'{function.text}' takes a number here, and this is a metric"
                raise ExpressionError(message, parameters[-1].column)
        self._close(opening)

        _, fewest, most = FUNCTIONS_OF_VALUES[function.text]
        if not fewest <= len(parameters) <= most:
            example = {"clamp": "clamp(prod.cpu, 0, 100)", "round": "round(prod.cpu, 0.1)"}.get(function.text)
            takes = f"a metric and {fewest or most} numbers" if most > 1 else "a metric and, if need be, a number"
            raise ExpressionError(
                f"'{function.text}' takes {takes if most else 'a metric, and nothing else'}",
                function.column,
                expected=f"expected {example or f'{function.text}(prod.cpu)'}",
            )
        values = [number.evaluate(_NoSeries()).values[()] for number in parameters]
        if function.text == "round" and values and values[0] <= 0:
            raise ExpressionError("rounding to a multiple of 0 or less means nothing", parameters[0].column)
        if function.text == "clamp" and values[0] > values[1]:
            raise ExpressionError("the lowest value is above the highest", parameters[0].column)
        return ValueFunction(function.text, operand, tuple(parameters), function.column)

    def _window(self, function: Token) -> WindowFunction:
        self._count(function)
        opening = self._expect("(", f"after '{function.text}'")
        selector = self._selector(self._take())
        ahead = ", 4h" if function.text == _PREDICT else ""
        example = f"expected {function.text}({selector.metric}, 5m{ahead})"
        length = self._duration("a window", example)
        if not 0 < length.value <= LONGEST_WINDOW:
            raise ExpressionError(f"a window is longer than 0s and at most 31d, not {length.text}", length.column)
        if function.text in NEED_EVERY_SAMPLE and length.value > LONGEST_OF_EVERY_SAMPLE:
            message = f"'{function.text}' needs every sample, and of those older than an hour only some are kept"
            raise ExpressionError(message, length.column, expected="expected a window of at most 1h")
        later = self._duration("how far ahead", example) if function.text == _PREDICT else None
        self._close(opening)
        window = WindowFunction(function.text, selector, length, later, function.column)
        self.windows.append(window)
        return window

    def _duration(self, what: str, example: str) -> Number:
        if self._takes(",") is None:
            raise ExpressionError(f"expected ',' and {what}, found {self._next}", self._next.column, expected=example)
        token = self._take()
        if token.kind is not Kind.DURATION:
            raise ExpressionError(f"expected {what} like 5m or 1d, found {token}", token.column, expected=example)
        return _number(token)

    def _aggregate(self, function: Token) -> Aggregate:
        self._count(function)
        # As in PromQL, ``by (...)`` may stand before the brackets or after them.
        by = self._grouping()
        opening = self._expect("(", f"after '{function.text}'")
        parameter = None
        if function.text in CHOICES:
            token = self._take()
            if token.kind is not Kind.NUMBER or not token.text.isdigit() or not 1 <= int(token.text[:9]) <= 1000:
                message = f"expected how many, from 1 to 1000, found {token}"
                raise ExpressionError(message, token.column, expected=f"expected {function.text}(3, prod.cpu)")
            self._expect(",", "after how many")
            parameter = _number(token)
        elif function.text == "quantile":
            token = self._take()
            if token.kind is not Kind.NUMBER or not 0 <= float(token.text) <= 1:
                message = f"expected which quantile, from 0 to 1, found {token}"
                raise ExpressionError(message, token.column, expected="expected quantile(0.9, prod.cpu)")
            self._expect(",", "after which quantile")
            parameter = _number(token)
        operand = self._with_series(self._expression(0), f"'{function.text}'")
        self._close(opening)
        return Aggregate(function.text, operand, by or self._grouping() or ONE_GROUP, parameter, function.column)

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


def _lower(token: Token) -> Token:
    """An operator, a modifier or an aggregation in small letters: PromQL takes others too. A label may be called so."""
    is_word = token.kind is Kind.NAME and token.text.lower() in (*_WORDS, *_OF_GROUPS)
    return token._replace(text=token.text.lower()) if is_word else token


class _NoSeries:
    """Where numbers alone are evaluated."""

    now = 0.0
    zone = UTC

    def fresh(self, _: str) -> None:
        return None

    def is_partial(self, _: str) -> bool:
        return True

    def is_counter(self, _: str) -> bool:
        return False

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

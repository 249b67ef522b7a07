"""From text to tokens, each with the column where it begins; and the error that points at one. No I/O."""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

LONGEST = 2000
"""Characters of an expression."""


class ExpressionError(ValueError):
    """A text that is no expression, for a person.

    ``message``: what is wrong. ``column``: where, from 1. ``expected``: what could stand there, "" where the message
    says it. ``near``: what was probably meant, None where nothing is near.
    """

    def __init__(self, message: str, column: int, *, expected: str = "", near: str | None = None) -> None:
        self.message = message
        self.column = column
        self.expected = expected
        self.near = near
        hint = f"; did you mean '{near}'?" if near else ""
        super().__init__(f"column {column}: {message}{f' ({expected})' if expected else ''}{hint}")


class Kind(Enum):
    """What a token is; the value says it to a person."""

    DURATION = "a duration"
    NUMBER = "a number"
    STRING = "a text"
    NAME = "a name"
    SIGN = "a sign"
    END = "the end"


class Token(NamedTuple):
    """``text`` is as it was written; of a STRING, what it stands for. ``column`` counts from 1."""

    kind: Kind
    text: str
    column: int

    def __str__(self) -> str:
        return "the end" if self.kind is Kind.END else f"'{self.text}'"


# Each alternative reads a text once, from left to right: no input makes it slow.
_TOKEN = re.compile(
    r"""
    (?P<DURATION>(?:[0-9]+(?:\.[0-9]+)?(?:ms|[smhdw]))+(?![\w.]))
  | (?P<NUMBER>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?(?![\w.]))
  | (?P<STRING>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
  | (?P<NAME>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
  | (?P<SIGN>==|!=|>=|<=|=~|!~|[-+*/%^(){},=<>])
    """,
    re.VERBOSE | re.DOTALL,
)
_NOT_BLANK = re.compile(r"\S")
_NO_NUMBER = re.compile(r"\.?[0-9][\w.]*")
_ESCAPE = re.compile(r"\\([\\\"'nt])")
_ESCAPED = {"n": "\n", "t": "\t"}
# What other languages write, and what this one has for it.
_INSTEAD = {"&&": "and", "||": "or", "!": "not", "**": "^", "&": "and", "|": "or", "<>": "!="}
_OVER_TIME = {f"{name}_over_time": f"{name}_over" for name in ("avg", "min", "max", "sum", "count")}
_OF_RANGES = {"rate": "rate", "increase": "increase", "predict_linear": "predict", **_OVER_TIME}
_BEFORE_BRACKET = re.compile(r"([a-z_]+)\(\s*([^()\[\]]+)$")
_RANGE = re.compile(r"\[\s*(\w+)\s*\]")


def tokens(text: str) -> list[Token]:
    """The tokens of a text, an END last; ExpressionError where something is none."""
    if len(text) > LONGEST:
        raise ExpressionError(f"the expression is longer than {LONGEST} characters", LONGEST + 1)
    found = []
    end = 0
    while (start := _NOT_BLANK.search(text, end)) is not None:
        at = start.start()
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise _no_token(text, at)
        kind, word, end = Kind[match.lastgroup], match[0], match.end()
        if kind is Kind.STRING:
            # A backslash that escapes nothing is a backslash: patterns have them.
            word = _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), word[1:-1])
        found.append(Token(kind, word, at + 1))
    return [*found, Token(Kind.END, "", len(text.rstrip()) + 1)]


def quoted(text: str) -> str:
    """A text as it may stand in an expression."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{plain}"'


def _no_token(text: str, at: int) -> ExpressionError:
    column, sign = at + 1, text[at]
    if sign in "\"'":
        return ExpressionError("this text has no end", column, expected=f"expected a {sign} after it")
    if sign == "[":
        expected = f"a window is an argument: {_without_range(text, at)}"
        return ExpressionError("there are no brackets here", column, expected=expected)
    if match := _NO_NUMBER.match(text, at):
        return ExpressionError(
            f"'{match[0]}' is no number and no duration", column, expected="expected one like 0.5, 1e6, 30s or 1h30m"
        )
    # The longer sign first: ``&&`` is not two ``&``.
    for word in (text[at : at + 2], sign):
        if word in _INSTEAD:
            return ExpressionError(f"'{word}' means nothing here", column, near=_INSTEAD[word])
    shown = sign if sign.isprintable() else f"U+{ord(sign):04X}"
    return ExpressionError(f"'{shown}' means nothing here", column)


def _without_range(text: str, at: int) -> str:
    """A function of PromQL with its range at a bracket, as it is written here; else an example."""
    before, window = _BEFORE_BRACKET.search(text, 0, at), _RANGE.match(text, at)
    if before is None or window is None or before[1] not in _OF_RANGES:
        return "rate(prod.visits, 5m)"
    function = _OF_RANGES[before[1]]
    return f"{function}({before[2].strip()}, {window[1]}{', 4h' if function == 'predict' else ''})"

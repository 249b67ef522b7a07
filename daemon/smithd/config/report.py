"""Collects what is wrong, and prints it: where, what, the line with a caret, what was expected, what may be meant."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from smithd.config.columns import part_of
from smithd.config.masking import Mask
from smithd.config.positions import Node, Scalar
from smithd.errors import ConfigError
from smithd.events import Redactor
from smithd.suggestion import nearest

WIDEST = 140
MAX_SUGGESTIONS = 100
"""Looking for a near name is slow; a file with more mistakes than this has another trouble than typing errors."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. Lines and columns are counted from 1; line 0 stands for the file as a whole.

    ``expected`` and ``hint`` are sentences of their own; ``width`` is how many characters the carets mark.
    """

    line: int
    column: int
    message: str
    expected: str | None = None
    hint: str | None = None
    width: int = 1


class Report:
    """The mistakes and warnings of one file."""

    def __init__(self, path: Path, lines: Sequence[str] = (), redactor: Redactor | None = None) -> None:
        self.path = path
        self.mask = Mask(lines, redactor or Redactor())
        self._lines = lines
        self._problems: dict[tuple[int, int, str], Problem] = {}
        self._places: set[tuple[int, int]] = set()
        self._warnings: dict[tuple[int, int, str], None] = {}
        self._settled: dict[int, Node] = {}
        self._suggestions = 0

    def add(self, problem: Problem) -> None:
        """Remember a mistake; said twice of one place (a merged mapping has many readers), it counts once."""
        self._problems.setdefault((problem.line, problem.column, problem.message), problem)
        self._places.add((problem.line, problem.column))

    def at(self, node: Node, message: str, *, expected: str | None = None, hint: str | None = None) -> None:
        """Remember a mistake at a part of the file."""
        width = node.end.column - node.start.column if node.end.line == node.start.line else 1
        width = width if isinstance(node, Scalar) else 1
        self.add(Problem(node.start.line + 1, node.start.column + 1, message, expected, hint, max(width, 1)))

    def within(self, node: Scalar, column: int, message: str, *, width: int = 1, **more: str | None) -> None:
        """Remember a mistake at a column (from 1) of a value's text."""
        self.at(part_of(node, column, width, self._lines), message, **more)

    def replace_line(self, problem: Problem) -> None:
        """Remember a mistake in the place of all others of its line: they are consequences."""
        self._problems = {key: other for key, other in self._problems.items() if other.line != problem.line}
        self.add(problem)

    def at_file(self, message: str, *, hint: str | None = None) -> None:
        """Remember why the file cannot be read at all."""
        self.add(Problem(0, 0, message, hint=hint))

    def at_start(self, message: str, *, expected: str | None = None, hint: str | None = None) -> None:
        """Remember a mistake of the file as a whole."""
        self.add(Problem(1, 1, message, expected, hint))

    def warn(self, node: Node | None, message: str) -> None:
        """Remember a warning, about a part of the file or about all of it."""
        line, column = (node.start.line + 1, node.start.column + 1) if node else (0, 0)
        self._warnings.setdefault((line, column, message))

    def settle(self, node: Node) -> None:
        """All there is to say of this value was said: what a validator finds in it is a consequence."""
        self._settled[id(node)] = node

    def is_settled(self, node: Node) -> bool:
        return id(node) in self._settled

    def is_told(self, node: Node) -> bool:
        """Whether a mistake is reported at just this place."""
        return (node.start.line + 1, node.start.column + 1) in self._places

    def nearest(self, word: str, names: Collection[str]) -> str | None:
        """The name that was probably meant; None where none is near, and after very many questions."""
        if self._suggestions >= MAX_SUGGESTIONS:
            return None
        self._suggestions += 1
        return nearest(word, names)

    @property
    def failed(self) -> bool:
        return bool(self._problems)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings by position, one line each."""
        return tuple(
            f"{self._place(line, column)}: warning: {self.mask.text(message)}"
            for line, column, message in sorted(self._warnings)
        )

    def error(self) -> ConfigError:
        """All mistakes, by position, ready to print."""
        problems = [self._problems[key] for key in sorted(self._problems)]
        count = "1 mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
        return ConfigError("\n\n".join([*map(self._printed, problems), f"{count} in {self.path}"]))

    def _printed(self, problem: Problem) -> str:
        parts = [f"{self._place(problem.line, problem.column)}: {self.mask.text(problem.message)}"]
        if 0 < problem.line <= len(self._lines):
            parts += self._excerpt(problem)
        parts += [f"  {self.mask.text(text)}" for text in (problem.expected, problem.hint) if text]
        return "\n".join(parts)

    def _place(self, line: int, column: int) -> str:
        return f"{self.path}:{line}:{column}" if line else str(self.path)

    def _excerpt(self, problem: Problem) -> list[str]:
        column = problem.column - 1
        text, start, end = self.mask.line(problem.line - 1, column, column + problem.width)
        text, start, end = _cropped(text, start, max(end, start + 1))
        gutter = f"{problem.line:>5} | "
        carets = " " * _columns(text[:start]) + "^" * max(_columns(text[start:end]), 1)
        return [gutter + _printable(text), " " * (len(gutter) - 2) + "| " + carets]


def _cropped(text: str, start: int, end: int) -> tuple[str, int, int]:
    if len(text) <= WIDEST:
        return text, start, end
    left = max(0, min(start - WIDEST // 2, len(text) - WIDEST))
    window = ("…" if left else "") + text[left : left + WIDEST] + ("…" if left + WIDEST < len(text) else "")
    shift = left - (1 if left else 0)
    return window, start - shift, min(end - shift, len(window))


def _columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)

"""A mistake and its place. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


class Position(NamedTuple):
    """A place in one of the files of a configuration; ``line`` and ``column`` are counted from 0, and shown from 1."""

    file: Path
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line + 1}:{self.column + 1}"


class Repair(NamedTuple):
    """How a line could be written instead. It is shown only where nothing in the line is a secret."""

    line: int
    how: str
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One mistake: what is wrong, what was expected, and a hint; the last two are sentences of their own.

    ``position`` is a file alone where the mistake has no place within it. ``width`` is how many characters are marked.
    """

    position: Position | Path
    message: str
    expected: str | None = None
    hint: str | None = None
    width: int = 1
    repair: Repair | None = None

"""Collects the mistakes and warnings of a configuration, and prints them: place, message, the line with a caret, what
was expected, and a hint.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from smithd.config.diagnostic import Diagnostic, Position
from smithd.config.report.masking import Mask
from smithd.config.yaml.columns import part_of
from smithd.config.yaml.positions import Node, ScalarNode, mistake_at
from smithd.errors import ConfigError, Remark
from smithd.redactor import Redactor
from smithd.suggestion import did_you_mean, nearest

WIDEST = 140
MANY = 4
"""How many files with mistakes are named in the last line at most."""
MAX_SUGGESTIONS = 100
"""Searching for a near name is slow, and a file with more mistakes than this suffers from more than typing errors."""


class Report:
    """The mistakes and warnings of a file, or of several that are one configuration; ``path`` is the first."""

    def __init__(self, path: Path, lines: Sequence[str] = (), redactor: Redactor | None = None) -> None:
        self.path = path
        self._lines = {path: lines}
        self.mask = Mask(self._lines, redactor or Redactor())
        self._diagnostics: dict[tuple[Position | Path, str], Diagnostic] = {}
        self._positions: set[Position | Path] = set()
        self._warnings: dict[tuple[Position | Path, str], None] = {}
        self._settled: dict[int, Node] = {}
        self._suggestions = 0

    @property
    def lines(self) -> Mapping[Path, Sequence[str]]:
        """The lines of each file, in the order in which the files were read."""
        return self._lines

    def show(self, path: Path, lines: Sequence[str]) -> None:
        """Quote these lines where there is a mistake in this file."""
        self._lines[path] = lines

    def add(self, diagnostic: Diagnostic) -> None:
        """Remember a mistake. One that is found twice at a place counts once: a merged mapping is validated often."""
        self._diagnostics.setdefault((diagnostic.position, diagnostic.message), diagnostic)
        self._positions.add(diagnostic.position)

    def at(self, node: Node, message: str, *, expected: str | None = None, hint: str | None = None) -> None:
        """Remember a mistake at a node."""
        self.add(mistake_at(node, message, expected=expected, hint=hint))

    def within(self, node: ScalarNode, column: int, message: str, *, width: int = 1, **more: str | None) -> None:
        """Remember a mistake at a column (from 1) of a value's text."""
        self.at(part_of(node, column, width, self._lines[node.file]), message, **more)

    def at_start(self, message: str, *, expected: str | None = None) -> None:
        """Remember a mistake of the file as a whole."""
        self.add(Diagnostic(Position(self.path, 0, 0), message, expected))

    def warn(self, node: Node | None, message: str) -> None:
        """Remember a warning about a node, or about all of the file."""
        self._warnings.setdefault((node.start if node else self.path, message))

    def warn_of_file(self, path: Path, message: str) -> None:
        """Remember a warning about a file as a whole."""
        self._warnings.setdefault((path, message))

    def settle(self, node: Node) -> None:
        """Remember that the mistake of this value is reported: what a validator finds in it is a consequence."""
        self._settled[id(node)] = node

    def is_settled(self, node: Node) -> bool:
        return id(node) in self._settled

    def is_reported(self, node: Node) -> bool:
        """Whether a mistake was reported at exactly this place."""
        return node.start in self._positions

    def nearest(self, word: str, names: Collection[str]) -> str | None:
        """The name that was probably meant; None where none is near, and after very many searches."""
        self._suggestions += 1
        return nearest(word, names) if self._suggestions <= MAX_SUGGESTIONS else None

    def did_you_mean(self, word: str, names: Collection[str]) -> str | None:
        """The question for the nearest name, as a hint; None where none is near, and after very many searches."""
        self._suggestions += 1
        return did_you_mean(word, names) if self._suggestions <= MAX_SUGGESTIONS else None

    @property
    def failed(self) -> bool:
        return bool(self._diagnostics)

    @property
    def warnings(self) -> tuple[Remark, ...]:
        """The warnings by position."""
        ordered = sorted(self._warnings, key=lambda each: (self._order(each[0]), each[1]))
        return tuple(self._remark(Diagnostic(position, message)) for position, message in ordered)

    def error(self) -> ConfigError:
        """All mistakes, by position, ready to print."""
        ordered = sorted(self._diagnostics.values(), key=lambda each: (self._order(each.position), each.message))
        mistakes = [self._remark(each) for each in ordered]
        printed = []
        for each, remark in zip(ordered, mistakes, strict=True):
            lines = [f"{remark.place}: {remark.message}"]
            if isinstance(each.position, Position) and each.position.line < len(self._lines_of(each.position.file)):
                lines += self._excerpt(each.position, each.width)
            lines += [f"  {text}" for text in (remark.expected, remark.hint) if text]
            printed.append("\n".join(lines))
        count = "1 mistake" if len(ordered) == 1 else f"{len(ordered)} mistakes"
        files = _listed(_file_of(each.position) for each in ordered)
        return ConfigError("\n\n".join([*printed, f"{count} in {files}"]), mistakes)

    def _remark(self, diagnostic: Diagnostic) -> Remark:
        """A diagnostic as it may be shown."""
        position, hint = diagnostic.position, diagnostic.hint
        if (repair := diagnostic.repair) is not None and isinstance(position, Position):
            # The repaired line repeats the file's: it is shown only where nothing in that line is masked.
            is_shown = self.mask.line(position.file, repair.line, 0, 0)[0] == self._lines_of(position.file)[repair.line]
            hint = f"{repair.how}: {repair.text}" if is_shown else repair.how
        line, column = (position.line + 1, position.column + 1) if isinstance(position, Position) else (None, None)
        message, expected, hint = (
            self.mask.text(text) if text else None for text in (diagnostic.message, diagnostic.expected, hint)
        )
        return Remark(str(_file_of(position)), line, column, message or "", expected, hint)

    def _lines_of(self, file: Path) -> Sequence[str]:
        return self._lines.get(file, ())

    def _order(self, position: Position | Path) -> tuple[int, int, int]:
        """The sort key of a position: by file, as they were read; what concerns a file as a whole comes first."""
        file = _file_of(position)
        number = next((number for number, path in enumerate(self._lines) if path == file), len(self._lines))
        return (number, *position[1:]) if isinstance(position, Position) else (number, -1, -1)

    def _excerpt(self, position: Position, width: int) -> list[str]:
        """The line of a position, and below it carets that mark a part of it."""
        text, start, end = self.mask.line(position.file, position.line, position.column, position.column + width)
        # A mistake may be at the end of a line, where there is no character to mark.
        end = max(end, start + 1)
        if len(text) > WIDEST:
            left = max(0, min(start - WIDEST // 2, len(text) - WIDEST))
            window = ("…" if left else "") + text[left : left + WIDEST] + ("…" if left + WIDEST < len(text) else "")
            shift = left - (1 if left else 0)
            text, start, end = window, start - shift, min(end - shift, len(window))

        gutter = f"{position.line + 1:>5} | "
        carets = " " * _columns(text[:start]) + "^" * max(_columns(text[start:end]), 1)
        # A tab or a control character would move the caret, or drive the terminal.
        printable = "".join(letter if letter.isprintable() else " " for letter in text)
        return [gutter + printable, " " * (len(gutter) - 2) + "| " + carets]


def _file_of(position: Position | Path) -> Path:
    return position.file if isinstance(position, Position) else position


def _listed(files: Iterable[Path]) -> str:
    """The files that have mistakes, each once."""
    named = list(dict.fromkeys(map(str, files)))
    if len(named) > MANY:
        named[MANY:] = [f"{len(named) - MANY} more files"]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"


def _columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)

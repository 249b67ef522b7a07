"""Where a character of a value stands in the file: a mistake within an expression has its own column. No I/O."""

from __future__ import annotations

from collections.abc import Sequence

from smithd.config.diagnostic import Position
from smithd.config.yaml.positions import ScalarNode


def part_of(node: ScalarNode, column: int, width: int, lines: Sequence[str]) -> ScalarNode:
    """The part of a value that begins at a column (from 1) of its text; all of the value where that cannot be found.

    The text is searched in the file character by character, so that quotes, escapes and line breaks may stand between.
    """
    line, at = node.start.line, node.start.column
    # The text begins on the line after the | or >.
    if node.style in ("|", ">"):
        line, at = line + 1, 0
    # White space is left out: YAML folds line breaks, and an escape may stand for it.
    wanted = [letter for letter in node.text[: column - 1] if not letter.isspace()]
    rest = node.text[column - 1 :].strip()[:1] or ""
    for letter in [*wanted, *rest]:
        while line < len(lines) and (at := lines[line].find(letter, at)) < 0:
            line, at = line + 1, 0
        if line >= len(lines) or (line, at) > node.end[1:]:
            return node
        at += 1
    begin = Position(node.file, line, max(at - 1 if rest else at, 0))
    return ScalarNode(node.file, begin, begin._replace(column=begin.column + width), node.text, node.style)

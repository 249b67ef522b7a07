"""Where a character of a value stands in the file: mistakes within an expression are pointed at one by one."""

from __future__ import annotations

from collections.abc import Sequence

from smithd.config.positions import Mark, Scalar


def part_of(node: Scalar, column: int, width: int, lines: Sequence[str]) -> Scalar:
    """The part of a value that begins at a column (from 1) of its text; the whole of it where that cannot be found.

    The text is looked for in the file sign by sign, so that quotes, escapes and line breaks may stand between.
    """
    line, at = node.start.line, node.start.column
    if node.style in ("|", ">"):
        line, at = line + 1, 0  # the sign that began it is no part of the text
    wanted = [sign for sign in node.text[: column - 1] if not sign.isspace()]
    rest = node.text[column - 1 :].strip()[:1] or ""
    for sign in [*wanted, *rest]:
        while line < len(lines) and (at := lines[line].find(sign, at)) < 0:
            line, at = line + 1, 0
        if line >= len(lines) or (line, at) > node.end:
            return node
        at += 1
    begin = at - 1 if rest else at
    return Scalar(Mark(line, max(begin, 0)), Mark(line, max(begin, 0) + width), node.text, node.style)

"""Columns and colours on the terminal."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from shutil import get_terminal_size
from textwrap import wrap
from typing import NamedTuple

PLAIN, GOOD, BAD, WARNING, FAINT, HEADING = "", "32", "31", "33", "2", "1"
"""Styles: the parameters of SGR (ECMA-48). A colour never says what no word says."""

APART = 2
"""Spaces between two columns."""
NARROWEST = 40
"""Columns of a terminal for which lines are still cut."""
WIDEST = 60
"""How wide a column but the last may be where no terminal says how wide lines are: one long label must not push all
others away.
"""


class Cell(NamedTuple):
    """A text in a column. What was polled may stand in it: it is made harmless where it is shown."""

    text: str
    style: str = PLAIN


Row = Sequence[Cell]


class Output(NamedTuple):
    """How wide lines may be (None: as wide as they are), and whether they have colours."""

    width: int | None
    in_color: bool


def standard_output() -> Output:
    """As standard output is."""
    if not sys.stdout.isatty():
        return Output(None, in_color=False)
    in_color = "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return Output(max(NARROWEST, get_terminal_size().columns), in_color)


def painted(cell: Cell, out: Output) -> str:
    """A text with its colour, without what would control the terminal."""
    text = harmless(cell.text)
    return f"\033[{cell.style}m{text}\033[0m" if out.in_color and cell.style and text else text


def aligned(rows: Sequence[Row], out: Output, indent: int = 2) -> Iterator[str]:
    """The rows as lines. Each column but the last is as wide as its widest cell. On a terminal, the widest are cut
    where they find no room together; elsewhere, what is wider than ``WIDEST``. The last cell of a row has lines of its
    own, further in, where it does not fit behind the others.
    """
    rows = [[cell._replace(text=harmless(cell.text)) for cell in row] for row in rows]
    widths = [max(wide(row[place].text) for row in rows) for place in range(len(rows[0]) - 1)]
    if out.width is None:
        widths = [min(width, WIDEST) for width in widths]
    else:
        widths = _fitting(widths, out.width - indent - APART * len(widths))
    for *others, last in rows:
        line = " " * indent
        for cell, width in zip(others, widths, strict=True):
            text = cut(cell.text, width)
            line += painted(cell._replace(text=text), out) + " " * (width - wide(text) + APART)
        if out.width is None or indent + sum(widths) + APART * len(widths) + wide(last.text) <= out.width:
            yield (line + painted(last, out)).rstrip()
            continue
        if line := line.rstrip():
            yield line
        further = indent + 2 if others else indent
        # Letters may be two columns wide, and wrapping counts letters.
        letters = (out.width - further) * len(last.text) // wide(last.text)
        yield from (" " * further + painted(last._replace(text=part), out) for part in wrap(last.text, letters))


def _fitting(widths: list[int], room: int) -> list[int]:
    """The widths of columns that have ``room`` together: the widest give way."""
    widths = list(widths)
    while sum(widths) > room and max(widths) > 1:
        widths[widths.index(max(widths))] -= 1
    return widths


def harmless(text: str) -> str:
    """A text that does not control the terminal: what cannot be printed is a space."""
    return text if text.isprintable() else "".join(letter if letter.isprintable() else " " for letter in text)


def wide(text: str) -> int:
    """How many columns of the terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def cut(text: str, width: int) -> str:
    """A text that is no wider; where something was cut off, it ends with an ellipsis."""
    if wide(text) <= width:
        return text
    room, kept = width - 1, 0
    for letter in text:
        room -= wide(letter)
        if room < 0:
            break
        kept += 1
    return f"{text[:kept]}…" if width > 0 else ""

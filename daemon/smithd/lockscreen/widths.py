"""How many characters of a text an iPhone shows in one line, by where the text stands. No I/O.

They are worked out for the smallest phone with texts of the usual size, from the points in ``measures``. How the app
lays things out is not documented, so what is not Apple's is marked "ours": our assumption, by which the daemon's page
draws, too. A text that is longer is cut by the phone.
"""

from __future__ import annotations

from smithd.lockscreen.measures import ACTIVITY_MARGIN, PHONES, TEXT_SIZES

DIGIT = 0.6
LETTER = 0.52
"""How wide a digit, and a letter of an English text, is on average, as a share of the size of its font (ours)."""

_PHONE, _SIZES = PHONES["small"], {style: size for style, (size, _) in TEXT_SIZES["large"].items()}
_INSIDE = _PHONE.activity - 2 * ACTIVITY_MARGIN


def _characters(points: float, size: float, share: float) -> int:
    return int(points / (size * share))


ICON = 46
"""Points for an icon beside a title, with its gap (ours)."""

TITLE = _characters(_INSIDE, _SIZES["headline"], LETTER)
TITLE_BESIDE_ICON = _characters(_INSIDE - ICON, _SIZES["headline"], LETTER)
SUBTITLE = _characters(_INSIDE, _SIZES["footnote"], LETTER)
SUBTITLE_BESIDE_ICON = _characters(_INSIDE - ICON, _SIZES["footnote"], LETTER)
"""A title in the style "headline" and a subtitle in "footnote" (ours)."""

READOUT = _characters(_INSIDE, _SIZES["title3"], DIGIT)
"""The value of the type ``value``: a long one has a line of its own in the style "title3" (ours)."""

BADGE = _characters(0.4 * _INSIDE - 14, _SIZES["caption1"], LETTER)
"""A badge takes at most 40 % of the line with the title (ours)."""

BUTTON = _characters(_INSIDE - 28, _SIZES["footnote"], LETTER)
BUTTON_OF_TWO = _characters((_INSIDE - 8) / 2 - 28, _SIZES["footnote"], LETTER)
"""The title of a button, alone or beside another one (ours)."""

_GAP = 12


def row_columns(rows: int) -> int:
    """In how many columns that many rows stand (ours)."""
    return {1: 1, 2: 2, 3: 3, 5: 3, 6: 3}.get(rows, 4)


def row_value(rows: int) -> int:
    """The value of one of that many rows, with its unit, in the style "subhead" (ours)."""
    return _characters(_column(rows), _SIZES["subhead"], DIGIT)


def row_label(rows: int) -> int:
    """The label of one of that many rows, in the style "caption1" (ours)."""
    return _characters(_column(rows), _SIZES["caption1"], LETTER)


def _column(rows: int) -> float:
    columns = row_columns(rows)
    return (_INSIDE - _GAP * (columns - 1)) / columns


INLINE = _characters(_PHONE.inline, _SIZES["headline"], DIGIT)
RECTANGULAR = _characters(_PHONE.rectangular - 26, 18, DIGIT)
CIRCULAR = _characters(_PHONE.circular - 12, 12.5, DIGIT)
"""A widget's value: above the clock, in a rectangle, in a circle. The sizes of the fonts in the last two are ours; that
in the circle is the smallest which can be read.
"""

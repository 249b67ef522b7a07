"""The big clock's digits, drawn here by lines with round ends, so that it looks the same with any font installed."""

from __future__ import annotations

from markupsafe import Markup

_DIGITS = {
    "0": "M30 6C13 6 6 25 6 50s7 44 24 44 24-19 24-44S47 6 30 6z",
    "1": "M6 24 26 7v87",
    "2": "M8 29C8 15 18 6 30 6s22 9 22 23c0 12-7 20-17 31L8 94h46",
    "3": "M8 20C12 11 20 6 30 6c13 0 21 8 21 20 0 13-9 21-23 21 16 0 26 9 26 23 0 15-11 24-25 24-12 0-20-6-24-16",
    "4": "M42 94V6L5 69h52",
    "5": "M50 6H15l-5 40c5-5 12-8 20-8 14 0 24 11 24 27 0 17-11 29-26 29-11 0-19-6-23-15",
    "6": "M50 17C46 10 40 6 32 6 14 6 6 27 6 52c0 28 9 42 25 42 14 0 23-11 23-28S45 38 31 38C17 38 6 49 6 62",
    "7": "M6 6h48L23 94",
    "8": "M30 47c-12 0-20-8-20-20S18 6 30 6s20 9 20 21-8 20-20 20C15 47 6 57 6 70c0 15 10 24 24 24s24-9 24-24"
    "c0-13-9-23-24-23z",
    "9": "M10 83c4 7 10 11 18 11 18 0 26-21 26-46C54 20 45 6 29 6 15 6 6 17 6 34s9 28 23 28c14 0 25-11 25-24",
    ":": "M12 34v.1M12 76v.1",
}
_ADVANCE = {"1": 47, ":": 38}


def clockface(text: str) -> Markup:
    """The time (digits and a colon) as a drawing; KeyError for anything else."""
    paths, at = [], 0
    for character in text:
        paths.append(f'<path transform="translate({at} 0)" d="{_DIGITS[character]}"/>')
        at += _ADVANCE.get(character, 72)
    return Markup(  # noqa: S704 - only drawings that stand above go in
        f'<svg class="clockface" viewBox="-8 -8 {at + 4} 116" fill="none" stroke="currentColor" stroke-width="13" '
        f'stroke-linecap="round" stroke-linejoin="round" role="img" aria-label="{text}">{"".join(paths)}</svg>'
    )

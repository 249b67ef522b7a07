"""How large things are on an iPhone, in points, and where iOS cuts texts; each with its source. No I/O.

A measure that no source states is marked so. "HIG" is Apple's Human Interface Guidelines, as of December 2025.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PhoneModel:
    """An iPhone's screen. ``island`` is the width of the Dynamic Island with a Live Activity; 0: it has none.

    Screen sizes: HIG, Layout. ``activity``, ``island``: HIG, Live Activities, Specifications. ``circular`` (both
    sides), ``rectangular`` (width; it is as tall as a circle), ``inline`` (width): HIG, Widgets, Specifications.
    """

    title: str
    width: int
    height: int
    activity: int
    circular: int
    rectangular: int
    inline: int
    island: int = 0


PHONES = {
    "standard": PhoneModel("Standard", 393, 852, 371, 72, 160, 234, 230),
    "large": PhoneModel("Plus", 430, 932, 408, 76, 172, 257, 250),
    # How wide a Live Activity is on it is not documented; the margin of 11 is that of the other two.
    "small": PhoneModel("SE", 375, 667, 353, 68, 153, 225),
}
"""The phones that can be drawn, by the names that the page's address uses."""

# HIG, Live Activities: "84–160" on every iPhone; iOS cuts what is taller.
ACTIVITY_LOWEST = 84
ACTIVITY_TALLEST = 160
# "Be aware of 14 pt margins": WWDC23, Design dynamic Live Activities.
ACTIVITY_MARGIN = 14
# HIG, Live Activities: "a corner radius of 44 points", and the parts beside the camera are 36.67 high.
ISLAND_RADIUS = 44
ISLAND_HEIGHT = 36.67
# HIG, Widgets: inline ones are 26 high.
INLINE_HEIGHT = 26

# Not documented. iOS was seen to show a title of one line and a message of four on the Lock Screen.
TITLE_LINES = 1
MESSAGE_LINES = 4
# Not documented either: what fits into 160 points beside a title, without and with buttons.
ALERT_LINES = 4
ALERT_LINES_WITH_BUTTONS = 2

Styles = dict[str, tuple[int, int]]

TEXT_SIZES: dict[str, Styles] = {
    "large": {
        "title1": (28, 34), "title3": (20, 25), "headline": (17, 22), "body": (17, 22),
        "subhead": (15, 20), "footnote": (13, 18), "caption1": (12, 16), "caption2": (11, 13),
    },
    "xxxlarge": {
        "title1": (34, 41), "title3": (26, 32), "headline": (23, 29), "body": (23, 29),
        "subhead": (21, 28), "footnote": (19, 24), "caption1": (18, 23), "caption2": (17, 22),
    },
    "ax5": {
        "title1": (58, 68), "title3": (55, 65), "headline": (53, 62), "body": (53, 62),
        "subhead": (49, 58), "footnote": (44, 52), "caption1": (43, 51), "caption2": (40, 48),
    },
}  # fmt: skip
"""Sizes and line heights of the text styles: HIG, Typography, Dynamic Type sizes.

``large`` is what a phone has when it is new, ``ax5`` the largest of all, ``xxxlarge`` the largest without the switch
"Larger Accessibility Sizes".
"""

LARGEST_IN_ACTIVITY = "xxxlarge"
"""The largest text in a Live Activity. How the app scales its texts is not documented; larger ones leave nothing of an
activity within 160 points.
"""


def stylesheet() -> str:
    """The measures as custom properties, for the page's styles: a phone, a text size, and those of all phones."""
    return "\n".join(_rules()) + "\n"


def _rules() -> Iterator[str]:
    yield _rule(
        ".points",
        {
            "lowest": ACTIVITY_LOWEST, "tallest": ACTIVITY_TALLEST, "margin": ACTIVITY_MARGIN,
            "island-radius": ISLAND_RADIUS, "island-height": ISLAND_HEIGHT, "inline-height": INLINE_HEIGHT,
            "title-lines": TITLE_LINES, "message-lines": MESSAGE_LINES,
            "alert-lines": ALERT_LINES, "alert-lines-with-buttons": ALERT_LINES_WITH_BUTTONS,
        },
    )  # fmt: skip
    for name, phone in PHONES.items():
        yield _rule(
            f".phone-{name}",
            {
                "wide": phone.width, "high": phone.height, "activity": phone.activity, "circular": phone.circular,
                "rectangular": phone.rectangular, "inline": phone.inline, "island": phone.island,
            },
        )  # fmt: skip
    for name, styles in TEXT_SIZES.items():
        yield _rule(f".text-{name}", _fonts(styles))
    yield _rule(".text-ax5 .activity", _fonts(TEXT_SIZES[LARGEST_IN_ACTIVITY]))


def _fonts(styles: Styles) -> dict[str, str]:
    """Size and line height as the shorthand ``font`` takes them."""
    return {name: f"calc({size} * var(--pt)) / calc({leading} * var(--pt))" for name, (size, leading) in styles.items()}


def _rule(selector: str, properties: Mapping[str, str | float]) -> str:
    return f"{selector} {{ {' '.join(f'--{name}: {value};' for name, value in properties.items())} }}"

"""Draws the figures as an SVG: for each world the errors of the policies, as multiples of the bound. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_SCALE = 60
"""Pixels for one time the bound."""

_LEFT, _LINE, _WIDTH, _LONGEST = 150, 14, 900, 12.0
_COLOURS = {"smithd": "#2f6fdf", "thresholds": "#7aa874", "first come": "#c65b4b"}


@dataclass(frozen=True, slots=True)
class Bar:
    """One world: the bound, and the errors of the policies."""

    name: str
    bound: float
    ours: float
    thresholds: float
    first_come: float


def plot(bars: Sequence[Bar]) -> str:
    """The SVG."""
    shown = [bar for bar in bars if bar.bound > 1e-6]
    height = 40 + len(shown) * 4 * _LINE
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" font-family="sans-serif">']
    lines.append(
        f'<text x="8" y="20" font-size="13">Weighted error on the screen, in multiples of the bound{_key()}</text>'
    )
    for number, bar in enumerate(shown):
        lines += _of(bar, 40 + number * 4 * _LINE)
    one = _LEFT + _SCALE
    lines.append(f'<line x1="{one}" x2="{one}" y1="32" y2="{height}" stroke="black" stroke-dasharray="3"/>')
    return "\n".join([*lines, "</svg>\n"])


def _key() -> str:
    return "".join(f'<tspan fill="{colour}" dx="14">■ {name}</tspan>' for name, colour in _COLOURS.items())


def _of(bar: Bar, top: int) -> Iterator[str]:
    yield f'<text x="8" y="{top + 2 * _LINE}" font-size="12">{bar.name}</text>'
    values = (bar.ours, bar.thresholds, bar.first_come)
    for row, (value, colour) in enumerate(zip(values, _COLOURS.values(), strict=True)):
        ratio, y = value / bar.bound, top + row * _LINE
        width = min(ratio, _LONGEST) * _SCALE
        yield f'<rect x="{_LEFT}" y="{y}" width="{width:.0f}" height="{_LINE - 2}" fill="{colour}"/>'
        yield f'<text x="{_LEFT + width + 4:.0f}" y="{y + _LINE - 4}" font-size="10">{ratio:.2f}</text>'

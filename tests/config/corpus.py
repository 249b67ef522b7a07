"""Broken configurations, each with the places of its mistakes (») and what must be said of each.

A case gives the sections that differ from a sound configuration; ``whole`` ones are all of the file. Fragments that a
report must have are separated by `` / ``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SOUND = {
    "activitysmith": "activitysmith:\n  api_key: ask_sound_0123456789\n",
    "sources": """\
sources:
  shop:
    type: http_json
    url: https://shop.example.com/stats.json
    metrics:
      orders: $.orders
      revenue: {path: $.revenue, scale: 0.01}
  prod:
    type: prometheus
    url: http://127.0.0.1:9090
    metrics:
      error_rate: sum(rate(errors[5m]))
""",
    "rules": """\
rules:
  error-rate:
    metric: prod.error_rate
    warning: "> 1"
    critical: "> 5"
    push: true
""",
    "widgets": "widgets:\n  shop.revenue: shop.revenue\n",
    "live_activities": """\
live_activities:
  production:
    type: stats
    title: Production
    stats:
      - {label: Errors, value: prod.error_rate}
""",
}
PROD = "  prod: {type: prometheus, url: http://prod.example, metrics: {error_rate: up}}\n"
DURATION = "expected a duration like 30s"
_SECTION = re.compile(r"(?m)^»?([a-z_-]+):")


@dataclass(frozen=True)
class Broken:
    """A file that is wrong; ``said`` has, for each » in ``text``, what its report must hold."""

    text: str
    said: tuple[str, ...]

    @property
    def written(self) -> str:
        return self.text.replace("»", "")

    @property
    def places(self) -> list[str]:
        """The mistakes' places, as line:column."""
        pieces = self.text.split("»")
        before = ["".join(pieces[: count + 1]) for count in range(len(pieces) - 1)]
        return [f"{text.count(chr(10)) + 1}:{len(text) - text.rfind(chr(10))}" for text in before]


def part(text: str, *said: str) -> Broken:
    """A sound configuration, with the sections of this text in the place of its own."""
    text = text.lstrip("\n")
    given = {match[1] for match in _SECTION.finditer(text)}
    rest = "".join(section for name, section in SOUND.items() if name not in given)
    return Broken(text + rest, said)


def whole(text: str, *said: str) -> Broken:
    """A file that is this text and nothing else."""
    return Broken(text, said)

"""Silences: made by hand while the daemon runs, for alerts whose labels match, until a time. Pure.

Matchers are those of Alertmanager (https://prometheus.io/docs/alerting/latest/configuration/#matcher): an alert that
does not have a label has an empty one, and a regular expression must match all of a value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

LONGEST_PATTERN = 500
PATIENCE = 0.05
"""Characters of a pattern, and seconds that matching it may take: an expression can be made to take for ever."""

_MATCHER = re.compile(
    r"""\s*(?P<name>[^\s=!~,{}"']+)\s*(?P<operator>=~|!~|!=|=)\s*"""
    r"""(?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>[^']*)'|(?P<bare>[^\s,{}"']+))\s*(?:,|$|(?<=[\s"']))"""
)
_ESCAPE = re.compile(r"\\(.)")
_EXPECTED = 'expected matchers like rule=error-rate, severity!=critical or instance=~"web.*"'


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label: ``operator`` is =, !=, =~ or !~."""

    name: str
    operator: str
    value: str

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the label meets it. An expression that takes too long matches nothing: what is in doubt is told."""
        found = labels.get(self.name, "")
        if self.operator in ("=", "!="):
            return (found == self.value) is (self.operator == "=")
        import regex  # imported by the few who need it

        try:
            matched = regex.fullmatch(self.value, found, timeout=PATIENCE) is not None
        except TimeoutError:
            return False
        return matched is (self.operator == "=~")

    def __str__(self) -> str:
        plain = re.fullmatch(r"[\w.:/-]+", self.value)
        value = self.value if plain else f'"{self._escaped()}"'
        return f"{self.name}{self.operator}{value}"

    def _escaped(self) -> str:
        """Within quotes; a regular expression has escapes of its own."""
        if self.operator in ("=~", "!~"):
            return re.sub(r'(?<!\\)((?:\\\\)*)"', r'\1\\"', self.value)
        return self.value.replace("\\", "\\\\").replace('"', '\\"')


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """Matchers, set apart by commas or blanks; ValueError, with what was expected, for anything else, and for matchers
    that every alert would meet.
    """
    rest = text.strip()
    rest = rest[1:-1].strip() if rest.startswith("{") and rest.endswith("}") else rest
    found = []
    at = 0
    while at < len(rest):
        match = _MATCHER.match(rest, at)
        if match is None:
            raise ValueError(
                f"'{rest[at:].strip()}' is no matcher: {_EXPECTED} (quotes where there are blanks or commas)"
            )
        found.append(_matcher(match))
        at = match.end()
    if not found:
        raise ValueError(f"a silence needs a matcher: {_EXPECTED}")
    if all(matcher.matches({}) for matcher in found):
        raise ValueError(f"these matchers meet every alert, also one without these labels: {_EXPECTED}")
    return tuple(found)


def _matcher(match: re.Match[str]) -> Matcher:
    name, operator = match["name"], match["operator"]
    value = match["double"] if match["double"] is not None else match["single"] or match["bare"] or ""
    if operator in ("=~", "!~"):
        _check_pattern(value)
    elif match["double"] is not None:
        value = _ESCAPE.sub(r"\1", value)
    return Matcher(name, operator, value)


def _check_pattern(pattern: str) -> None:
    import regex

    if len(pattern) > LONGEST_PATTERN:
        raise ValueError(f"the regular expression is longer than {LONGEST_PATTERN} characters")
    try:
        regex.compile(pattern)
    except regex.error as error:
        raise ValueError(f"'{pattern}' is no regular expression: {error}") from None


@dataclass(frozen=True, slots=True)
class Silence:
    """Alerts that meet all matchers are not told from ``starts`` until ``ends`` (seconds since 1970)."""

    id: int
    matchers: tuple[Matcher, ...]
    comment: str
    author: str
    starts: float
    ends: float

    def covers(self, labels: Mapping[str, str], now: float) -> bool:
        """Whether an alert with these labels is silenced now; ``rule`` and ``severity`` are labels too."""
        return self.starts <= now < self.ends and all(matcher.matches(labels) for matcher in self.matchers)

    @property
    def text(self) -> str:
        """The matchers as they may be written."""
        return ", ".join(map(str, self.matchers))

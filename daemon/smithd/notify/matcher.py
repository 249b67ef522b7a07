"""Matchers: conditions on the labels of an alert. No I/O.

They are those of Alertmanager (https://prometheus.io/docs/alerting/latest/configuration/#matcher): an alert that
does not have a label has an empty one, and a regular expression must match all of a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from smithd.alerts.rule_labels import ALWAYS_THERE
from smithd.expression.pattern import PatternError, compile_pattern

# After a matcher comes a comma, the end, or something that sets the next one apart: a blank, or the quote of its own.
_MATCHER = re.compile(
    r"""\s*(?P<name>[^\s=!~,{}"']+)\s*(?P<operator>=~|!~|!=|=)\s*"""
    r"""(?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>[^']*)'|(?P<bare>[^\s,{}"'=~!][^\s,{}"']*))\s*(?:,|$|(?<=[\s"']))"""
)
_ESCAPE = re.compile(r"\\(.)")
_EXPECTED = 'expected matchers like rule=error-rate, severity!=critical or instance=~"web.*"'


@dataclass(frozen=True, slots=True)
class AlertMatcher:
    """One condition on one label: ``operator`` is =, !=, =~ or !~; ``meets`` is what a value must do, or must not."""

    name: str
    operator: str
    value: str
    meets: Callable[[str], bool] = field(compare=False, repr=False)

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the label meets it."""
        found = labels.get(self.name, "")
        return self.meets(found) is not self.operator.startswith("!")

    def __str__(self) -> str:
        plain = re.fullmatch(r"[\w.:/-]+", self.value)
        if plain:
            return f"{self.name}{self.operator}{self.value}"
        # A regular expression has escapes of its own: only a quote that is not escaped yet is.
        if self.operator in ("=~", "!~"):
            value = re.sub(r'(?<!\\)((?:\\\\)*)"', r'\1\\"', self.value)
        else:
            value = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.name}{self.operator}"{value}"'


def parse_matchers(text: str) -> tuple[AlertMatcher, ...]:
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
        name, operator, at = match["name"], match["operator"], match.end()
        value = match["double"] if match["double"] is not None else match["single"] or match["bare"] or ""
        if operator in ("=~", "!~"):
            try:
                found.append(AlertMatcher(name, operator, value, compile_pattern(value)))
            except PatternError as error:
                raise ValueError(f"'{value}' is no regular expression that can be used: {error}") from None
            continue
        # In single quotes, and without quotes, a backslash is what it is.
        value = _ESCAPE.sub(r"\1", value) if match["double"] is not None else value
        found.append(AlertMatcher(name, operator, value, value.__eq__))
    if not found:
        raise ValueError(f"a silence needs a matcher: {_EXPECTED}")
    # A label that an alert does not have is empty, so team!=web alone would silence nearly everything.
    if all(matcher.matches({}) and matcher.name not in ALWAYS_THERE for matcher in found):
        raise ValueError(f"these matchers meet every alert, also one without these labels: {_EXPECTED}")
    return tuple(found)

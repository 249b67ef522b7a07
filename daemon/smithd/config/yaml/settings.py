"""What ``--set KEY=VALUE`` changes: a path of keys, and a value in YAML. No I/O.

All that is set is read like the lines of a file of that name, so that a mistake in it has a line and a column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from smithd.config.diagnostic import Diagnostic, Position
from smithd.config.yaml.compose import Composition, compose
from smithd.config.yaml.document import Document
from smithd.config.yaml.positions import KeyAndValue, MappingNode, Node, ScalarNode

COMMAND_LINE = Path("--set")
"""What stands in the place of a file's path."""

_KEYS = re.compile(r"""(?:(?:"[^"\n]+"|[^\s."'={}\[\]]+)\.)*(?:"[^"\n]+"|[^\s."'={}\[\]]+)(?==)""")
_KEY = re.compile(r'"([^"]+)"|([^."]+)')
_QUOTES = "the value is YAML: a text like > 7 stands in quotes, as in --set 'rules.errors.critical=\"> 7\"'"


class _Place(NamedTuple):
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Setting:
    """One value that is set, and the keys that lead to it."""

    keys: tuple[ScalarNode, ...]
    value: Node

    def tree(self) -> MappingNode:
        """The setting alone, as a file would say it."""
        made: Node = self.value
        for key in reversed(self.keys):
            made = MappingNode(COMMAND_LINE, key.begins, self.value.ends, {key.text: KeyAndValue(key, made)})
        assert isinstance(made, MappingNode)
        return made


@dataclass(frozen=True, slots=True)
class Settings:
    """All that is set, its ``lines``, and what is wrong with it as YAML."""

    settings: Sequence[Setting]
    lines: Sequence[str]
    diagnostics: Sequence[Diagnostic]
    settled: Sequence[Node]


def parse(texts: Sequence[str]) -> Settings:
    """What these texts set, each like ``sources.shop.every=30s``; a key with dots in it stands in double quotes."""
    found: list[Setting] = []
    lines: list[str] = []
    diagnostics: list[Diagnostic] = []
    settled: list[Node] = []
    for text in texts:
        begin = Position(COMMAND_LINE, len(lines), 0)
        lines += text.splitlines() or [""]
        keys = _KEYS.match(text)
        if keys is None:
            expected = "expected KEY=VALUE, like sources.shop.every=30s; a key with a dot in it needs double quotes"
            diagnostics.append(Diagnostic(begin, "this names nothing that can be set", expected))
            continue
        composition = _value(text, begin.line, keys.end() + 1)
        diagnostics += map(_with_hint, composition.diagnostics)
        settled += composition.settled
        value = composition.tree or _plain(text, begin.line, keys.end() + 1, len(text))
        found.append(Setting(tuple(_keys(keys[0], begin.line)), value))
    return Settings(found, lines, diagnostics, settled)


def _with_hint(diagnostic: Diagnostic) -> Diagnostic:
    return diagnostic if diagnostic.expected or diagnostic.hint else replace(diagnostic, hint=_QUOTES)


def path(keys: Sequence[ScalarNode]) -> str:
    """The keys as ``--set`` takes them."""
    return ".".join(f'"{key.text}"' if "." in key.text else key.text for key in keys)


def _keys(text: str, line: int) -> Iterator[ScalarNode]:
    for key in _KEY.finditer(text):
        name = key[1] or key[2]
        yield ScalarNode(COMMAND_LINE, _Place(line, key.start()), _Place(line, key.end()), name)


def _value(text: str, line: int, column: int) -> Composition:
    # With lines and blanks before it, the value has the place where it stands.
    return compose(Document(COMMAND_LINE, "\n" * line + " " * column + text[column:]))


def _plain(text: str, line: int, start: int, end: int) -> ScalarNode:
    """A value that is none, or no YAML. All of it is marked as one text, so that none of a secret is shown."""
    return ScalarNode(COMMAND_LINE, _Place(line, start), _Place(line, end), text[start:end].strip())

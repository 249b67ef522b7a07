"""JSONPath (RFC 9535), compiled when the configuration is checked. No I/O.

Most metrics have plain paths (``$.orders.today``, ``$.a["b"][0]``, ``$.hosts[*]``). This module follows them itself, at
a tenth of the library's cost and without importing it; a test holds both to the same results. The library follows all
other paths.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from smithd.plugin import BadResponse

if TYPE_CHECKING:
    from jsonpath_rfc9535 import JSONPathEnvironment

LONGEST = 1_000
"""The characters of a text that is matched with a regular expression."""
MATCH_SECONDS = 0.02
"""The seconds of CPU that matching one text may take."""

_NAME = r"[A-Za-z_\u0080-\ud7ff\ue000-\U0010ffff][0-9A-Za-z_\u0080-\ud7ff\ue000-\U0010ffff]*"
_INDEX = r"0|-?[1-9][0-9]{0,14}"
_STEP = re.compile(
    rf"""\.(?P<name>{_NAME})|\[(?P<index>{_INDEX})\]|\["(?P<double>[^"\\\x00-\x1f\ud800-\udfff]*)"\]"""
    r"""|\['(?P<single>[^'\\\x00-\x1f\ud800-\udfff]*)'\]"""
)
_DOT = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|(\.)")

_LENGTH = re.compile(
    r"(\$.*?)(?:\[\*\])?\.(?:length|size|count)(?:\(\))?|(?:length|len|size|count)\((\$.*?)(?:\[\*\])?\)"
)
"""What other languages have for how many elements a list has: ``$.jobs.length``, ``length($.jobs)``."""

_HOLDERS = {str: dict, int: list}

Steps = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class CompiledPath:
    """A compiled path."""

    text: str
    find: Callable[[Any], list[Any]] = field(compare=False, repr=False)
    """All values that the path finds. Raises BadResponse where it cannot be followed to its end."""
    plain: bool
    """Whether finding takes next to no time, however large the document; else it may take any time."""
    base: CompiledPath | None = None
    """The path to what this one selects from, if it selects: ``$.hosts`` of ``$.hosts[*]`` and ``$.hosts[?@.up]``."""

    def find_with_keys(self, document: Any) -> list[tuple[str, Any]]:
        """All values that the path finds, each with the name, or the place, under which it stands in its parent."""
        if self.plain and self.base is not None:
            parent = self.base.find(document)
            found = parent[0].items() if parent and isinstance(parent[0], dict) else enumerate(_children(parent))
            return [(str(key), value) for key, value in found]
        return _compile_nodes(self.text)(document)

    def __str__(self) -> str:
        return self.text


def parse_path(text: Any) -> CompiledPath:
    """A path from its text. Raises ValueError, which says what is wrong and where, for anything else."""
    if isinstance(text, CompiledPath):
        return text
    if not isinstance(text, str) or not text.startswith("$"):
        hint = count_hint(text) if isinstance(text, str) else ""
        raise ValueError(f"expected a JSONPath, which starts with $, like $.orders.today{hint}")
    return _parsed(text)


# A fleet has one path in thousands of sources.
@lru_cache(maxsize=1_000)
def _parsed(text: str) -> CompiledPath:
    steps, end = _plain_beginning(text)
    base = CompiledPath(text[:end], lambda document: _walk(steps, document), plain=True)
    match text[end:]:
        case "":
            return base
        case "[*]" | ".*":
            return CompiledPath(text, lambda document: _children(base.find(document)), plain=True, base=base)
        case _:
            return CompiledPath(text, _compile(text), plain=False, base=base)


JSONPath = Annotated[
    CompiledPath,
    BeforeValidator(parse_path),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": r"^\$", "examples": ["$.orders.today", "$.hosts[*].load"]}),
]
"""A path in JSON (RFC 9535). Its regular expressions are matched with short texts only."""


def count_hint(text: str) -> str:
    """What to say of a path that means how many elements a list has, as other languages write it; empty of others."""
    guess = _LENGTH.fullmatch(text)
    return f"; to count: {{path: '{guess[1] or guess[2]}[*]', count: true}}" if guess else ""


def _plain_beginning(text: str) -> tuple[Steps, int]:
    """The names and places with which a path begins, and where they end in its text."""
    steps: list[str | int] = []
    position = 1
    while (step := _STEP.match(text, position)) is not None:
        key = step[step.lastgroup or 0]
        steps.append(int(key) if step.lastgroup == "index" else key)
        position = step.end()
    return tuple(steps), position


def _walk(steps: Steps, value: Any) -> list[Any]:
    for step in steps:
        if type(value) is not _HOLDERS[type(step)]:
            return []
        try:
            value = value[step]
        except (KeyError, IndexError):
            return []
    return [value]


def _children(found: list[Any]) -> list[Any]:
    if found and isinstance(found[0], list):
        return found[0]
    return list(found[0].values()) if found and isinstance(found[0], dict) else []


def _compile(text: str) -> Callable[[Any], list[Any]]:
    nodes = _compile_nodes(text)
    return lambda document: [value for _, value in nodes(document)]


@cache
def _compile_nodes(text: str) -> Callable[[Any], list[tuple[str, Any]]]:
    # Only a path that is not plain needs the library.
    from jsonpath_rfc9535 import JSONPathError

    try:
        query = _environment().compile(text)
    except JSONPathError as error:
        at = f", at character {error.token.index + 1}" if error.token is not None else ""
        raise ValueError(f"this is no JSONPath: {error.args[0]}{at}{count_hint(text)}") from None
    except RecursionError:
        raise ValueError("this is no JSONPath: it is nested too deep") from None

    def find(document: Any) -> list[tuple[str, Any]]:
        try:
            return [(str(node.location[-1]) if node.location else "", node.value) for node in query.finditer(document)]
        except (JSONPathError, RecursionError) as error:
            raise BadResponse(f"{text} cannot be followed in this answer: {error.args[0]}") from None
        except _TooCostly as error:
            raise BadResponse(f"{text} costs too much on this answer: {error}") from None

    return find


class _TooCostly(Exception):
    """Matching a regular expression could take for ever."""


@cache
def _environment() -> JSONPathEnvironment:
    """RFC 9535, but ``match`` and ``search`` stop where the library's own could hang."""
    import regex
    from iregexp_check import check
    from jsonpath_rfc9535 import JSONPathEnvironment
    from jsonpath_rfc9535.function_extensions import ExpressionType, FilterFunction

    class Bounded(FilterFunction):
        arg_types = [ExpressionType.VALUE, ExpressionType.VALUE]  # noqa: RUF012 # the library's way to declare it
        return_type = ExpressionType.LOGICAL

        def __init__(self, apply: Callable[..., Any]) -> None:
            self._apply = apply

        def __call__(self, text: Any, pattern: Any) -> bool:
            # What is no text, or no I-Regexp, matches nothing, and is no error (RFC 9535, sections 2.4.6 and 2.4.7).
            if not isinstance(text, str) or not isinstance(pattern, str) or not check(pattern):
                return False
            if max(len(text), len(pattern)) > LONGEST:
                raise _TooCostly(f"it holds a text of more than {LONGEST} characters to match")
            # In an I-Regexp (RFC 9485) a dot is any character but the ends of a line.
            dots = _DOT.sub(lambda found: "[^\\n\\r]" if found[1] else found[0], pattern)
            try:
                return self._apply(dots, text, timeout=MATCH_SECONDS) is not None
            except TimeoutError:
                raise _TooCostly(f"matching {pattern!r} takes too long") from None

    class Environment(JSONPathEnvironment):
        def setup_function_extensions(self) -> None:
            super().setup_function_extensions()
            self.function_extensions |= {"match": Bounded(regex.fullmatch), "search": Bounded(regex.search)}

    return Environment()

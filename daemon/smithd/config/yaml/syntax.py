"""Explains YAML's own errors in plain words, and writes the line as it should be where only quotes are missing. No I/O.

A repair is offered only after it was tried: with it, the parser gets past the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import yaml

from smithd.config.diagnostic import Diagnostic, Position, Repair
from smithd.config.yaml.document import Document

Parser = type[yaml.SafeLoader | yaml.CSafeLoader]

_QUOTES = "the value needs quotes"
_UNCLOSED = "found unexpected end of stream"
_INDENT = "the keys of one mapping begin in the same column, indented with spaces"

# libyaml's messages (https://github.com/yaml/libyaml, scanner.c and parser.c), each in plain words and with a hint.
_MEANINGS: dict[str, tuple[str, str | None]] = {
    "mapping values are not allowed in this context": ("a ': ' that does not belong here", _INDENT),
    "could not find expected ':'": ("expected 'key: value'", None),
    "did not find expected key": ("this does not fit here: expected a key", _INDENT),
    "did not find expected '-' indicator": ("this does not fit into the list above: expected '- '", None),
    "did not find expected comment or line break": ("nothing may follow > or | on their line", None),
    "did not find expected alphabetic or numeric character": ("a text cannot begin with * or & without quotes", None),
    "did not find expected <document start>": ("this line stands further left than the first key", _INDENT),
    "did not find expected node content": ("expected a value", None),
    "block sequence entries are not allowed in this context": (
        "a list cannot begin here: give '- ' its own line",
        None,
    ),
    "mapping keys are not allowed in this context": ("a text cannot begin with '? ' without quotes", None),
    "found incompatible YAML document": ("an unknown version of YAML", "this line can be left out"),
}
_BLOCK_VALUE = re.compile(
    r"(?P<head>\s*(?:- +)*(?:(?:\"[^\"]*\"|'[^']*'|[^\s#\"'{\[][^:#]*?)\s*:\s+|(?<=- )))"
    r"(?P<value>\S.*?)(?P<tail>\s+#.*)?"
)
_NESTED = r"\$\{[^{}]*\}|\{\{.*?\}\}|\[[^\]]*\]"
_FLOW_VALUE = re.compile(
    r"(?P<head>[{,]\s*[\w.-]+:\s+|\[\s*)"
    rf"(?P<value>(?:{_NESTED}|[^\s,{{}}\[\]\"'])(?:{_NESTED}|[^,{{}}\[\]])*?)"
    r"(?=\s*(?:,\s|[}\]]\s*(?:[,}\]]|$)))"
)
_OPEN_QUOTE = re.compile(r"(?:[:\[{,-]\s+|^)(?P<quote>[\"'])(?:(?!(?P=quote)).)*$")
_LINES_BACK = 1000
"""How far above an error an open quote is searched: each line with one is tried with the parser, which takes time."""
_NO_SPACE = re.compile(r"(?P<head>\s*(?:- +)*[A-Za-z_][\w.-]*):(?P<value>[^\s:].*)")
_NO_COLON = re.compile(r"\s*[A-Za-z_][\w.-]*\s*")
_SPECIAL = re.compile(r"[\[\]{}*&!|>%@`#'\"\\]|: |^[-?,]")


class _Mark(NamedTuple):
    line: int
    column: int


def explain(error: yaml.MarkedYAMLError, document: Document, parser: Parser) -> Diagnostic:
    """What a parser's error means, where it is, and how to repair it."""
    lines = document.lines
    mark = _place(error, lines)
    if (quote := _open_quote(lines, mark, parser)) is not None:
        return Diagnostic(Position(document.path, *quote), "the quote that begins here is not closed on its line")
    message, hint = _meaning(error, lines, mark)
    position = Position(document.path, *mark)
    # A repair is tried on the error's own line, the one it is about, and the last one before.
    before = next((number for number in range(mark.line - 1, -1, -1) if lines[number].strip()), mark.line)
    about = error.context_mark.line if error.context_mark else mark.line
    for number in dict.fromkeys(each for each in (mark.line, about, before) if 0 <= each < len(lines)):
        for repaired, how in _repairs(lines[number]):
            if _gets_past(lines, number, repaired, mark, parser):
                where = f"line {number + 1}: " if number != mark.line else ""
                return Diagnostic(position, message, repair=Repair(number, f"{where}{how}", repaired.strip()))
    return Diagnostic(position, message, hint=hint)


def _open_quote(lines: Sequence[str], mark: _Mark, parser: Parser) -> _Mark | None:
    """Where a value begins with a quote that is missing at its end, so that a quote some lines below ended it."""
    for number in range(mark.line, max(mark.line - _LINES_BACK, -1), -1):
        found = _OPEN_QUOTE.search(lines[number])
        if found and _gets_past(lines, number, lines[number].rstrip() + found["quote"], mark, parser):
            return _Mark(number, found.start("quote"))
    return None


def _place(error: yaml.MarkedYAMLError, lines: Sequence[str]) -> _Mark:
    mark, about = error.problem_mark or error.context_mark, error.context_mark
    # At the end of the file the parser notices what is not closed; the place where that began is worth showing.
    if about is not None and (mark is None or mark.line >= len(lines) or error.problem == _UNCLOSED):
        mark = about
    if mark is None or not lines:
        return _Mark(0, 0)
    if mark.line >= len(lines):
        return _Mark(len(lines) - 1, len(lines[-1]))
    # The parser stops within a template without quotes; the mistake is where the template begins.
    template = lines[mark.line].find(": {{", 0, mark.column)
    return _Mark(mark.line, template + 2 if template >= 0 else mark.column)


def _meaning(error: yaml.MarkedYAMLError, lines: Sequence[str], mark: _Mark) -> tuple[str, str | None]:
    problem = error.problem or "this is not YAML"
    here = lines[mark.line][mark.column :] if lines else ""
    if here.startswith("{{"):
        return "a text with {{ }} needs quotes", None
    if problem == _UNCLOSED:
        return "the quote that begins here is never closed", None
    # The misspelling is libyaml's.
    if problem.endswith(("escape character", "hexdecimal number")):
        hint = "in single quotes a backslash is an ordinary character"
        return "in double quotes a backslash begins an escape like \\n, and this is not one", hint
    if here.startswith("\t") or "tab character" in problem:
        return "a tab where YAML needs spaces", "indent with spaces only"
    if problem == "found character that cannot start any token":
        return f"a text cannot begin with {here[:1]} without quotes", None
    if problem.startswith("did not find expected ',' or") and error.context_mark is not None:
        begin = error.context_mark
        if mark == (begin.line, begin.column):
            return f"the {here[:1]} that begins here is never closed", None
        if here[:1] in ("{", "["):
            return f"a text with {here[0]} needs quotes within {{...}} and [...]", None
        far = f"it begins on line {begin.line + 1}: is it closed?" if begin.line != mark.line else None
        return "this does not fit into the {...} or [...] that it stands in", far
    if here[:1] in ("]", "}"):
        return f"a {here[0]} that closes nothing", None
    return _MEANINGS.get(problem, (problem, None))


def _repairs(line: str) -> Iterator[tuple[str, str]]:
    """The line with its values quoted, with a space after its colon, or with a colon: what may have been meant."""
    # In a line that is indented with tabs, quotes mend nothing.
    if line.lstrip(" ").startswith("\t"):
        return

    def quoted_if_special(part: re.Match[str]) -> str:
        value = part["value"]
        return part["head"] + (_quoted(value) if _SPECIAL.search(value) and not value.startswith("[") else value)

    repaired = _FLOW_VALUE.sub(quoted_if_special, line)
    if repaired != line:
        yield repaired, _QUOTES
    if found := _BLOCK_VALUE.fullmatch(line):
        value = found["value"]
        is_begun = value[0] == '"' and not (len(value) > 1 and value[-1] == '"')
        is_nested = value[0] in "[{" and not value.startswith("{{")
        if not is_begun and not is_nested and _SPECIAL.search(value):
            yield found["head"] + _quoted(value) + (found["tail"] or ""), _QUOTES
    if found := _NO_SPACE.fullmatch(line):
        yield f"{found['head']}: {found['value']}", "a space is missing after the colon"
    if _NO_COLON.fullmatch(line):
        yield f"{line.rstrip()}:", "a colon is missing"


def _quoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        value = value[1:-1]
    if '"' in value or "\\" in value:
        return "'" + value.replace("'", "''") + "'"
    return f'"{value}"'


def _gets_past(lines: Sequence[str], number: int, repaired: str, mark: _Mark, parser: Parser) -> bool:
    end = max(number, mark.line) + 1
    # Only up to the line in question: what is wrong further down has nothing to do with the repair.
    reader = parser("\n".join([*lines[:number], repaired, *lines[number + 1 : end]]) + "\n")
    try:
        while reader.check_event():
            reader.get_event()
    except yaml.MarkedYAMLError as error:
        return error.problem_mark is not None and error.problem_mark.line >= end
    finally:
        reader.dispose()
    return True

"""Takes secrets out of what a report shows: none may reach a terminal, or the log of a build. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path as FilePath
from typing import NamedTuple

from smithd.config.yaml.positions import Node, Path, ScalarNode, walk
from smithd.redactor import Redactor, is_database_user
from smithd.suggestion import nearest

MASK = Redactor.MASK
ELLIPSIS = "…"
"""Stands for a value under an unknown key: it may be a secret, but mostly is not."""
NEAR = 5_000
"""How many characters of a line, to each side of the position, are looked at."""

_SECRET_WORDS = {"key", "keys", "pass", "pwd", "pin", "auth", "cookie", "cookies", "bearer", "headers"}
_SECRET_PARTS = re.compile("password|passwd|passphrase|secret|token|apikey|credential|authoriz|private|signature")
_SECRET_NAMES = ("api_key", "token", "password", "secret", "authorization", "credentials")
_NAMES_OF_PLACES = re.compile(r"(?:^|_)(?:file|path|dir)$")
_WORDS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+")
_NAMED_BY_THE_USER = {"sources", "rules", "widgets", "live_activities", "metrics"}

_SECRET_TEXTS = re.compile(
    r"://(?P<user>[^/:@\s\"']*:[^\s\"']+|[^/\s\"']+)@"
    r"|(?i:\b(?:bearer|basic|token)\s+)(?P<bearer>(?:\$\{[^{}]*\}|[^\s\"',}])+)"
    r"|(?P<key>\b(?:ask|sk|rk|pk|ghp|gho|glpat|xox[abp])[-_][\w-]{4,})"
    r"|[?&](?i:[\w-]*(?:key|token|secret|pass|pwd|auth)[\w-]*)=(?P<query>[^\s\"']+)"
)
_SCHEME = re.compile(r"(?i:\b(?:bearer|basic|token))\s+$")
_QUOTED_SCHEME = re.compile(r"[\"'](?:[\w-]+:\s*)?(?i:bearer|basic|token)\s+$")
_REFERENCE = r"\$\{(?:env:[A-Za-z_]\w*|(?:file|credential):(?:(?!:-)[^{}])+|[A-Z_][A-Z0-9_]*)\}"
_REFERENCES_ONLY = re.compile(rf"(?:(?i:bearer|basic|token)\s+)?(?:{_REFERENCE}[:@]?)+")
_ADDRESSES = re.compile(r"(?:^|_)url$", re.IGNORECASE)
_READABLE = re.compile(
    # A complete address: its password stands between '://' and '@', and is found there.
    r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\"']*"
    # A host with a port and a path, the scheme misspelt or left out: no part of it could be a password. Secrets among
    # its parameters are found by their names.
    r"|(?:[A-Za-z][A-Za-z0-9+.-]*:?/{1,3})?[\w.-]+(?::[0-9]{1,5})?(?:/[\w./~-]*)?(?:\?[\w.&=%+-]*)?"
    # An app's own address, like spotify:track:1: without '@' it names no user, who could have a password. The schemes
    # of the web and of databases always have '//': what follows them here was meant to be something else.
    r"|(?!(?i:https?|postgres\w*|mysql|mariadb)[:+])[A-Za-z][A-Za-z0-9+.-]*:[\w.~+-][\w./:~?&=%#,;+-]*"
)
_KEY = re.compile(r"(?P<name>[\w.-]+)[\"']?\s*:(?=\s|$)\s*")
_HARMLESS = re.compile(rf"{_REFERENCE}|(?i:\b(?:bearer|basic|token))\s|[\w-]+:\s")
"""What may stand after a secret's key and be shown: references, and the keys of what is nested in the line."""


@lru_cache(maxsize=10_000)
def is_secret_name(name: str) -> bool:
    """Whether a key of this name, or of one nearly like it, is likely to hold a secret."""
    if _NAMES_OF_PLACES.search(name.lower()):
        return False
    return (
        not _SECRET_WORDS.isdisjoint(word.lower() for word in _WORDS.findall(name))
        or _SECRET_PARTS.search(re.sub(r"[^a-z]", "", name.lower())) is not None
        or nearest(name, _SECRET_NAMES, 0.75) is not None
    )


def hides_a_password(name: str, text: str) -> bool:
    """Whether an address, under a key of this name, is so misspelt that it cannot be said where its password stands."""
    return _ADDRESSES.search(name) is not None and _READABLE.fullmatch(text.strip()) is None


def is_reference(text: str) -> bool:
    """Whether a value says no more than where its secret is kept: that may be shown."""
    return _REFERENCES_ONLY.fullmatch(text.strip()) is not None


class _Span(NamedTuple):
    """A part of a line, from one column to another, and what is shown in its place."""

    start: int
    end: int
    mask: str = MASK


Lines = Mapping[FilePath, Sequence[str]]
"""The lines of each file of a configuration."""


class Mask:
    """Takes secrets out of what a report shows: out of the files' lines, and out of messages.

    Hidden are the values of keys that are named like a secret, texts that look like a secret, and everything that the
    redactor knows. While a file's structure is not known (YAML's own mistakes), its lines are judged by their look.
    """

    def __init__(self, lines: Lines, redactor: Redactor) -> None:
        self._lines = lines
        self._redactor = redactor
        self.roots: list[Node] = []
        """The trees of the files, as far as they are known."""
        self._names: set[str] = set()
        self._unknown: list[ScalarNode] = []
        self._index: _Index | None = None

    def know(self, root: Node) -> None:
        """From now on values of the file with this tree are found by their keys."""
        self.roots.append(root)
        self._index = None

    def add_names(self, names: Iterable[str]) -> None:
        """Keys that hold secrets because an options model says so."""
        fresh = set(names) - self._names
        if fresh:
            self._names |= fresh
            self._index = None

    def hide(self, node: Node) -> None:
        """Show nothing of this value: it stands under an unknown key."""
        scalars = [part for _, part in walk(node) if isinstance(part, ScalarNode) and not is_reference(part.text)]
        self._unknown += scalars
        if self._index is not None:
            self._index.hide(scalars, self._lines, ELLIPSIS)

    def secrets_in(self, node: Node) -> list[ScalarNode]:
        """The secrets that the file itself holds at and below a node."""
        literals = self._indexed().literals
        return [part for _, part in walk(node) if isinstance(part, ScalarNode) and id(part) in literals]

    def text(self, text: str) -> str:
        """A message without secrets."""
        text = self._indexed().words.clean(self._redactor.clean(text))
        # In our own words, "a bearer token" is none; what a value holds stands in quotes.
        spans = [span for span in _by_pattern(text) if not _is_of_ours(text, span)]
        return _masked(text, spans)[0]

    def line(self, file: FilePath, number: int, start: int, end: int) -> tuple[str, int, int]:
        """A line of a file (counted from 0) as it may be shown, and where two of its columns went."""
        line = self._lines[file][number]
        if all(root.file != file for root in self.roots):
            spans = list(_by_look(self._lines[file], number, self._is_secret))
        else:
            # A comment may hold anything, and nothing tells whether it is a secret.
            end_of_values = self._indexed().ends.get((file, number), 0)
            if comment := re.search(r"(?:^|\s)#", line[end_of_values:]):
                line = line[: end_of_values + comment.start()].rstrip()
            spans = self._indexed().spans.get((file, number), [])
        if len(line) > 2 * NEAR:
            # All of a file may be on one line. No secret is so long that its start would be missed.
            left, right = max(0, start - NEAR), start + NEAR
            spans = [_Span(max(a - left, 0), b - left, mask) for a, b, mask in spans if b > left and a < right]
            line, start, end = line[left:right], start - left, min(end, right) - left
        shown, start, end = _masked(line, [*spans, *_by_pattern(line)], start, end)
        clean = self._redactor.clean
        return clean(shown), len(clean(shown[:start])), len(clean(shown[:end]))

    def _is_secret(self, name: str) -> bool:
        return name in self._names or is_secret_name(name)

    def _indexed(self) -> _Index:
        if self._index is None:
            parts = (each for root in self.roots for each in walk(root))
            scalars = [(path, node) for path, node in parts if isinstance(node, ScalarNode)]
            secret = [(path, node) for path, node in scalars if self._is_secret_at(path, node)]
            self._index = _Index([node for _, node in scalars], [node for _, node in secret], self._lines)
            self._index.hide([node for _, node in secret], self._lines, MASK)
            for path, node in secret:
                last = _last_key(path)
                # Other values below such a key may be common words, which must not be masked in our own texts.
                if self._is_secret(last) or hides_a_password(last, node.text):
                    self._index.words.add(node.text)
            self._index.hide(self._unknown, self._lines, ELLIPSIS)
        return self._index

    def _is_secret_at(self, path: Path, node: ScalarNode) -> bool:
        if is_reference(node.text):
            return False
        # A single value where 'activitysmith' should be a mapping is most likely its API key.
        if path == ("activitysmith",) or hides_a_password(_last_key(path), node.text):
            return True
        # A rule or a source may be called 'token' or 'key' without being a secret.
        above = ""
        for step in (step for step in path if isinstance(step, str)):
            if above not in _NAMED_BY_THE_USER and self._is_secret(step):
                return True
            above = step
        return False


def _last_key(path: Path) -> str:
    return next((step for step in reversed(path) if isinstance(step, str)), "")


class _Index:
    """Which parts of each line are hidden, and where its last value ends."""

    def __init__(self, scalars: Sequence[ScalarNode], secret: Sequence[ScalarNode], lines: Lines) -> None:
        self.spans: dict[tuple[FilePath, int], list[_Span]] = {}
        self.ends: dict[tuple[FilePath, int], int] = {}
        self.literals = {id(node) for node in secret}
        self.words = Redactor()
        for node in scalars:
            for number, start, end in _lines_of(node, lines):
                line = node.file, number
                self.ends[line] = max(self.ends.get(line, 0), start if node.style in ("|", ">") else end)

    def hide(self, nodes: Sequence[ScalarNode], lines: Lines, mask: str) -> None:
        for node in nodes:
            for number, start, end in _lines_of(node, lines) if node.text else ():
                self.spans.setdefault((node.file, number), []).append(_Span(start, end, mask))


def _lines_of(node: ScalarNode, lines: Lines) -> Iterator[tuple[int, int, int]]:
    """The lines that a value takes, each with the columns where its part of the value begins and ends."""
    of_file = lines[node.file]
    last = min(node.end.line, len(of_file) - 1)
    for line in range(node.start.line, last + 1):
        start = node.start.column if line == node.start.line else 0
        end = node.end.column if line == node.end.line else len(of_file[line])
        if end > start:
            yield line, start, end


def _by_pattern(text: str) -> Iterator[_Span]:
    for match in _SECRET_TEXTS.finditer(text):
        name = match.lastgroup
        if name is None or is_reference(match[name]):
            continue
        if name != "user" or not is_database_user(text[: match.start()], match[name]):
            yield _Span(*match.span(name))


def _is_of_ours(text: str, span: _Span) -> bool:
    """Whether a span behind "bearer", "basic" or "token" belongs to a sentence of ours."""
    return _SCHEME.search(text[: span.start]) is not None and _QUOTED_SCHEME.search(text[: span.start]) is None


def _by_look(lines: Sequence[str], number: int, is_secret: Callable[[str], bool]) -> Iterator[_Span]:
    """What to hide of a line when only its look is known: all that follows a secret's key, or stands below one."""
    line = lines[number]
    # Only lines that are indented less than all below them are keys above; in the first column there are none.
    indent = _indent(line)
    for above in reversed(lines[:number]):
        if indent == 0:
            break
        if above.strip() and _indent(above) < indent:
            indent = _indent(above)
            if (match := _KEY.search(above)) is not None and is_secret(match["name"]):
                yield _Span(len(line) - len(line.lstrip()), len(line))
                break
    for match in _KEY.finditer(line):
        if is_secret(match["name"]) and re.search(r"\w", _HARMLESS.sub("", line[match.end() :])):
            yield _Span(match.end(), len(line))


def _indent(line: str) -> float:
    bare = line.lstrip()
    # A list may stand in the column of its key, and its items are still below it.
    return len(line) - len(bare) + (0.5 if bare.startswith("-") else 0.0)


def _masked(line: str, spans: Sequence[_Span], start: int = 0, end: int = 0) -> tuple[str, int, int]:
    """The line with a mask in the place of each span, and where two of its columns went."""
    pieces, done, shift = [], 0, {start: 0, end: 0}
    for begin, stop, mask in sorted(spans):
        begin = max(begin, done)
        if begin >= stop:
            continue
        pieces += [line[done:begin], mask]
        for column in shift:
            if column >= stop:
                shift[column] += len(mask) - (stop - begin)
            elif column > begin:
                shift[column] -= column - begin
        done = stop
    return "".join([*pieces, line[done:]]), start + shift[start], end + shift[end]

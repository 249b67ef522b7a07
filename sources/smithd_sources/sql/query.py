"""A query as the user wrote it: one statement, and its parameters. No I/O.

The statement is split into literals, comments, words and the rest, so that a colon or a semicolon within a text or a
comment is not taken for a parameter or for the end. This protects from mistakes, not from malice: that the query only
reads is enforced by the database, where it can (see ``postgresql``, ``mysql`` and ``sqlite``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from functools import cache

from smithd.plugin import did_you_mean

PARAMETERS = ("now", "today", "yesterday")

_LITERALS = {
    "postgresql": r"[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\""
    r"|\$(?P<tag>(?:[A-Za-z_]\w*)?)\$.*?\$(?P=tag)\$",
    "mysql": r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|`(?:[^`]|``)*`",
    "sqlite": r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\]",
    "other": r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`",
}
_COMMENTS = {"mysql": r"--(?=\s|$)[^\n]*|\#[^\n]*|/\*.*?\*/"}
_COMMENT = r"--[^\n]*|/\*.*?\*/"
_WORD = r"[^\W\d][\w$]*|[^\x00-\x7f]+[\w$]*"
"""Words are matched as a whole: the e' at the end of ``name'`` begins no text, nor does the $$ of ``a$$``."""
_REST = r"(?P<cast>::|:=)|:(?P<name>[A-Za-z_]\w*)|(?P<colon>:)|(?P<end>;)|(?P<open>['\"`]|/\*)"
_NESTED = frozenset({"postgresql"})
"""The databases in which comments may be nested."""
_TRANSACTION = frozenset({"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"})
_WRITES = frozenset(
    {"INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE", "TRUNCATE", "CREATE", "DROP", "ALTER", "GRANT", "REVOKE"}
)
_EXAMPLE = "like SELECT count(*) FROM jobs"
_SELECTS = ("SELECT", "WITH", "VALUES", "TABLE", "(")
_SHOWS = {
    "postgresql": ("SHOW", "EXPLAIN"),
    "mysql": ("SHOW", "EXPLAIN", "DESCRIBE", "DESC"),
    "sqlite": ("EXPLAIN",),
    "other": ("SHOW", "EXPLAIN", "DESCRIBE"),
}
"""The other first words of statements that read. Such a statement cannot stand within another one."""
_RUNS = re.compile(
    r"\s*(?:EXPLAIN|DESC|DESCRIBE)\b\s*(?:VERBOSE\s+|FORMAT\s*=\s*\w+\s+)*(?:\([^)]*)?\bANALY[SZ]E\b", re.IGNORECASE
)
"""EXPLAIN ANALYZE runs the statement that it explains."""


@dataclass(frozen=True, slots=True)
class SqlQuery:
    """One statement. ``text`` is for SQLAlchemy's text(): colons that begin no parameter are escaped.

    ``first`` is its first word, in capitals, or a bracket. ``parameters`` are the names of those that it uses.
    """

    text: str
    first: str
    parameters: frozenset[str]

    @property
    def selects(self) -> bool:
        """Whether it can stand within another query."""
        return self.first in _SELECTS


@cache
def _tokens(kind: str) -> re.Pattern[str]:
    """Matches the tokens of a statement; all between them is plain code."""
    comment, literal = _COMMENTS.get(kind, _COMMENT), _LITERALS[kind]
    return re.compile(f"(?P<comment>{comment})|(?P<literal>{literal})|(?P<word>{_WORD})|{_REST}", re.DOTALL)


def parse(written: str, kind: str) -> SqlQuery:
    """The statement, for a database of this kind. Raises ValueError, which says what is wrong with it."""
    pieces: list[str] = []
    code: list[str] = []
    names: set[str] = set()
    ended = False
    for what, piece in _pieces(written, kind):
        # After a semicolon only blanks, comments and further semicolons may follow.
        if what == "end" or (ended and what != "comment" and piece.strip()):
            if ended and what != "end":
                raise ValueError("expected one statement; there are several here, with a ; between them")
            ended = True
        elif what == "name":
            name = piece[1:]
            if name not in PARAMETERS:
                hint = (
                    did_you_mean(name, PARAMETERS, ":{}") or "where the colon begins no parameter, put a blank after it"
                )
                raise ValueError(f":{name} is no parameter: expected :now, :today or :yesterday; {hint}")
            names.add(name)
            pieces.append(piece)
        else:
            # In SQLAlchemy's text() every colon may begin a parameter. Those in literals and comments begin none.
            pieces.append(piece if what == "code" else piece.replace(":", "\\:"))
            code.append(" " if what == "comment" else piece)
    return SqlQuery("".join(pieces).strip(), _first("".join(code), kind), frozenset(names))


def _pieces(written: str, kind: str) -> Iterator[tuple[str, str]]:
    """The parts of the statement: ``code`` and the groups of ``_tokens``."""
    position = 0
    while token := _tokens(kind).search(written, position):
        if token.start() > position:
            yield "code", written[position : token.start()]
        what, position = token.lastgroup or "code", token.end()
        if what == "comment" and kind in _NESTED and token[0].startswith("/*"):
            # Such a comment may hold others, and ends where all of them have ended.
            depth, position = 0, -1
            for mark in re.compile(r"/\*|\*/").finditer(written, token.start()):
                depth += 1 if mark[0] == "/*" else -1
                if not depth:
                    position = mark.end()
                    break
        if what == "open" or position < 0:
            raise ValueError(f"the {token[0][:2].strip()} at its character {token.start() + 1} is not closed")
        if what == "comment" and kind == "mysql" and token[0].startswith(("/*!", "/*M!")):
            raise ValueError("a comment that begins with /*! is code that some servers run: write it without")
        yield what, written[token.start() : position]
    yield "code", written[position:]


def _first(code: str, kind: str) -> str:
    """The first word, in capitals. Raises ValueError where no query that reads begins with it."""
    found = re.match(r"\s*(\(|\w+)", code)
    word = found[1].upper() if found else code.strip()[:1]
    if word in _SELECTS:
        return word
    if not word:
        raise ValueError(f"expected a query, {_EXAMPLE}")
    if word in _TRANSACTION:
        raise ValueError(f"expected a query, and not {word}: smithd begins and ends the transaction itself")
    if word in _WRITES:
        raise ValueError(f"{word} writes, and smithd only reads: expected a query, {_EXAMPLE}")
    readers = (*_SELECTS[:-1], *_SHOWS[kind])
    if word not in readers:
        hint = did_you_mean(word, readers, "{}") or f"it may begin with {', '.join(readers)}"
        raise ValueError(f"{word} has no place here: expected a query, {_EXAMPLE}; {hint}")
    if _RUNS.match(code):
        raise ValueError(f"{word} ANALYZE does what it explains: leave ANALYZE out")
    return word


def moments(now: float, zone: tzinfo) -> dict[str, datetime]:
    """The values of the parameters at ``now`` (seconds since 1970). Days begin at midnight in ``zone``."""
    moment = datetime.fromtimestamp(now, zone)
    today = moment.date()
    yesterday = today - timedelta(days=1)
    return {
        "now": moment,
        "today": datetime.combine(today, time(), zone),
        "yesterday": datetime.combine(yesterday, time(), zone),
    }

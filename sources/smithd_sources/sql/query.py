"""A query as the user wrote it: one statement, and the parameters in it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from difflib import get_close_matches
from functools import cache

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
_REST = r"(?P<cast>::|:=)|:(?P<name>[A-Za-z_]\w*)|(?P<colon>:)|(?P<end>;)|(?P<open>['\"`]|/\*)"
_TRANSACTION = frozenset({"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"})
_SESSION = frozenset({"SET", "RESET", "LOCK", "USE", "PREPARE", "EXECUTE", "DISCARD", "LISTEN", "NOTIFY"})
"""What would change the session for those who come after."""
_UNBOUNDED = frozenset({"COPY", "CALL", "DO"})
_EXAMPLE = "like SELECT count(*) FROM jobs"
_ROWS = ("SELECT", "WITH", "VALUES", "TABLE", "(")


@dataclass(frozen=True, slots=True)
class Query:
    """One statement. ``text`` is as SQLAlchemy's text() takes it: colons that name no parameter are escaped.

    ``selects``: it can stand within another query. ``parameters`` are the names that it uses.
    """

    text: str
    selects: bool
    parameters: frozenset[str]


@cache
def _tokens(kind: str) -> re.Pattern[str]:
    """What a statement is cut at; all between these pieces is plain code."""
    return re.compile(f"(?P<comment>{_COMMENTS.get(kind, _COMMENT)})|(?P<literal>{_LITERALS[kind]})|{_REST}", re.DOTALL)


def parse(written: str, kind: str) -> Query:
    """The statement; ``kind`` is the database's. Raises ValueError, whose text says what is wrong with it."""
    pieces: list[str] = []
    code: list[str] = []
    names: set[str] = set()
    position, ended = 0, False
    for token in _tokens(kind).finditer(written):
        between = written[position : token.start()]
        position = token.end()
        if ended and (between.strip() or token["comment"] is None):
            raise ValueError("expected one statement; there are several here, with a ; between them")
        pieces.append(between)
        code.append(between)
        if token["end"]:
            ended = True
        elif token["name"]:
            names.add(_known(token["name"]))
            pieces.append(token[0])
        elif token["open"]:
            raise ValueError(f"the {token[0]} at its character {token.start() + 1} is not closed")
        else:
            pieces.append(token[0].replace(":", "\\:"))
            code.append(" " if token["comment"] else token[0])
    if ended and written[position:].strip():
        raise ValueError("expected one statement; there are several here, with a ; between them")
    pieces.append(written[position:])
    code.append(written[position:])
    word = _first_word("".join(code))
    if not word:
        raise ValueError(f"expected a query, {_EXAMPLE}")
    if word in _TRANSACTION:
        raise ValueError(f"expected a query, and not {word}: smithd begins and ends the transaction itself")
    if word in _SESSION | _UNBOUNDED:
        raise ValueError(f"{word} has no place here: expected a query, {_EXAMPLE}")
    return Query("".join(pieces).strip(), word in _ROWS, frozenset(names))


def moments(now: float, zone: tzinfo) -> dict[str, datetime]:
    """What the parameters stand for at ``now`` (seconds since 1970): days begin at midnight in ``zone``."""
    moment = datetime.fromtimestamp(now, zone)
    today = moment.date()
    return {"now": moment, "today": _midnight(today, zone), "yesterday": _midnight(today - timedelta(1), zone)}


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _known(name: str) -> str:
    if name in PARAMETERS:
        return name
    near = get_close_matches(name, PARAMETERS, 1)
    hint = f"did you mean :{near[0]}?" if near else "a colon that is none is set off by a blank"
    raise ValueError(f":{name} is no parameter: expected :now, :today or :yesterday; {hint}")


def _first_word(code: str) -> str:
    found = re.match(r"\s*(\(|[A-Za-z]+)", code)
    return found[1].upper() if found else code.strip()[:1]

"""A manual page in roff's man macros (man(7)), from the texts of a command's help. No I/O."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_AS_IT_IS = "\b"
"""click's mark, a line of its own: the paragraph below it is not wrapped."""


@dataclass(frozen=True, slots=True)
class ManualPage:
    """What the manual says of a command; ``path`` is how it is called, like ``smithd silence add``."""

    path: str
    version: str
    summary: str
    usage: str
    text: str
    options: Sequence[tuple[str, str]]
    commands: Sequence[tuple[str, str]]
    epilog: str

    @property
    def name(self) -> str:
        """The page's name: ``smithd-silence-add``."""
        return self.path.replace(" ", "-")


def roff(page: ManualPage) -> str:
    """The text of the page's file, in section 1."""
    return "\n".join(_lines(page)) + "\n"


def _lines(page: ManualPage) -> Iterator[str]:
    yield f'.TH {_escaped(page.name.upper())} 1 "" "{_escaped(page.version)}" "User Commands"'
    yield from (".SH NAME", rf"{_escaped(page.name)} \- {_escaped(page.summary.rstrip('.'))}")
    yield from (".SH SYNOPSIS", rf"\fB{_escaped(page.path)}\fR{_escaped(page.usage.removeprefix(page.path))}")
    yield from (".SH DESCRIPTION", *_text(page.text))
    yield from (".SH OPTIONS", *_entries(page.options))
    if page.commands:
        pages = [(f"{page.name}-{name}(1)", summary) for name, summary in page.commands]
        yield from (".SH COMMANDS", *_entries(pages))
    for paragraph in page.epilog.split("\n\n") if page.epilog else ():
        heading, _, rest = paragraph.removeprefix(f"{_AS_IT_IS}\n").partition(": ")
        yield from (f".SH {_escaped(heading.upper())}", *_text(rest))
    if " " in page.path:
        yield from (".SH SEE ALSO", rf"\fB{_escaped(page.name.rpartition('-')[0])}\fR(1)")


def _entries(entries: Iterable[tuple[str, str]]) -> Iterator[str]:
    for term, text in entries:
        yield from (".TP", rf"\fB{_escaped(term)}\fR", *_text(text))


def _text(text: str) -> Iterator[str]:
    """The paragraphs of a help text, which are parted by empty lines."""
    for number, paragraph in enumerate(re.split(r"\n\s*\n", inspect.cleandoc(text))):
        if number:
            yield ".PP"
        lines = paragraph.split("\n")
        if lines[0] == _AS_IT_IS:
            yield from (".nf", *map(_escaped, lines[1:]), ".fi")
        else:
            yield _escaped(" ".join(line.strip() for line in lines))


def _escaped(text: str) -> str:
    """The text as roff prints it: the hyphens of options can be copied, and no line of it is a request.

    groff_char(7) names the characters that it replaces by typographic ones.
    """
    plain = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq").replace("`", r"\(ga")
    plain = plain.replace("^", r"\(ha").replace("~", r"\(ti").replace('"', r"\(dq")
    return rf"\&{plain}" if plain.startswith(".") else plain

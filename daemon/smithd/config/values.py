"""The plain values of the tree: numbers, texts with their secrets filled in, lists and mappings."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from smithd.config import secrets
from smithd.config.positions import Listing, Mapping, Mark, Node, Scalar
from smithd.config.report import Report
from smithd.config.scalars import value_of
from smithd.events import Redactor

STAND_INS = ("stand-in", "https://stand-in.invalid", "1", "1m", "> 1", "UTC", "127.0.0.1:1", "true", "0.5", "a.b")
"""What takes the place of a secret that is not here, until one of them passes for it."""

_ODD_STARTS = tuple("+-iInN0123456789")
_NOT_FINITE = re.compile(r"[-+]?(?:inf|infinity|nan|\d[\d._]*e\+?\d{3,})", re.IGNORECASE)


@dataclass(slots=True)
class Blank:
    """A value with a secret in it that is not here."""

    pieces: Sequence[str | None]
    container: Any
    place: Any
    tried: set[str] = field(default_factory=set)

    def fill(self, preferred: Sequence[str] = ()) -> bool:
        """Put the next stand-in into the value, at last take the key out; False when all was tried."""
        for stand_in in (*preferred, *STAND_INS):
            if stand_in not in self.tried:
                self.tried.add(stand_in)
                self.container[self.place] = "".join(stand_in if piece is None else piece for piece in self.pieces)
                return True
        if isinstance(self.container, dict):
            return self.container.pop(self.place, None) is not None
        return False


class Values:
    """Makes plain values, and remembers by their nodes which of them are not as plain as they look.

    ``blanks`` lack a secret, ``secrets`` have some in them, ``odd`` ones could be taken for numbers and are none,
    ``empty`` ones are no values at all.
    """

    def __init__(
        self, report: Report, redactor: Redactor, folder: Path, lines: Sequence[str], *, required: bool
    ) -> None:
        self.blanks: dict[int, list[Blank]] = {}
        self.secrets: dict[int, list[str]] = {}
        self.odd: dict[int, Any] = {}
        self.empty: set[int] = set()
        self._report = report
        self._redactor = redactor
        self._folder = folder
        self._lines = lines
        self._required = required
        self._made: dict[int, Any] = {}

    def plain(self, node: Node) -> Any:
        """What a node stands for. A missing secret is a warning, or a mistake where secrets are required."""
        if isinstance(node, Scalar):
            return self._scalar(node, [None], 0)
        if id(node) not in self._made:
            self._made[id(node)] = self._mapping(node) if isinstance(node, Mapping) else self._list(node)
        return self._made[id(node)]

    def _mapping(self, node: Mapping) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, entry in node.entries.items():
            value = entry.value
            made[name] = self._scalar(value, made, name) if isinstance(value, Scalar) else self.plain(value)
        return made

    def _list(self, node: Listing) -> list[Any]:
        made: list[Any] = [None] * len(node.items)
        for index, item in enumerate(node.items):
            made[index] = self._scalar(item, made, index) if isinstance(item, Scalar) else self.plain(item)
        return made

    def _scalar(self, node: Scalar, container: Any, place: Any) -> Any:
        value = value_of(node)
        if isinstance(value, str):
            if "${" in value:
                return self._text(node, container, place)
            if value[:1] in _ODD_STARTS and _NOT_FINITE.fullmatch(value):
                self.odd[id(node)] = value
            return value
        if value is None:
            self.empty.add(id(node))
        elif isinstance(value, bool):
            self.odd[id(node)] = value
        if isinstance(value, float) and not math.isfinite(value):
            self._report.at(node, "this is not a finite number", expected="expected a number")
            self._report.settle(node)
            return 1
        return value

    def _text(self, node: Scalar, container: Any, place: Any) -> str:
        pieces = [self._filled(node, part) for part in secrets.parts(node.text)]
        if None in pieces:
            blank = Blank(pieces, container, place)
            self.blanks.setdefault(id(node), []).append(blank)
            blank.fill()
            return str(container[place])
        return "".join(piece for piece in pieces if piece is not None)

    def learn(self, secrets: Iterable[str]) -> None:
        """Secrets that the file itself holds: they, too, are taken out of every text from now on."""
        for secret in secrets:
            self._redactor.add(secret)

    def _filled(self, node: Scalar, part: str | secrets.Reference | secrets.Malformed) -> str | None:
        if isinstance(part, str):
            return part
        if isinstance(part, secrets.Malformed):
            self._malformed(node, part)
            return None
        try:
            found = secrets.read(part, self._folder)
        except secrets.Missing as missing:
            if part.default is not None:
                return part.default
            self._missing(node, part, str(missing))
            return None
        self._redactor.add(found)
        self.secrets.setdefault(id(node), []).append(found)
        return found

    def _malformed(self, node: Scalar, part: secrets.Malformed) -> None:
        expected = f"expected {', '.join(secrets.KINDS.values())}; a plain '${{' is written '$${{'"
        hint = f"did you mean {part.near}?" if part.near else None
        if part.kind is not None:
            near = self._report.nearest(part.kind, tuple(secrets.KINDS))
            hint = f"did you mean '{near}'?" if near else None
        self._report.at(self._place(node, part.text), part.message, expected=expected, hint=hint)

    def _missing(self, node: Scalar, part: secrets.Reference, why: str) -> None:
        place, message = self._place(node, part.text), f"${{{part.kind}:{part.name}}} {why}"
        if self._required:
            self._report.at(place, message)
        else:
            self._report.warn(place, message)

    def _place(self, node: Scalar, text: str) -> Scalar:
        """Where within a value a reference stands, if it stands there as it is."""
        line, start = node.start
        column = self._lines[line].find(text, start)
        if column < 0:
            return node
        return Scalar(Mark(line, column), Mark(line, column + len(text)), text)

"""Puts a validator's findings into the report: each at its place, with what was expected and what may be meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from smithd.config import fields, wording
from smithd.config.masking import is_reference, is_secret_name
from smithd.config.positions import Mapping, Node, Path, Scalar, nodes_on, walk
from smithd.config.report import Report
from smithd.config.scalars import described, value_of
from smithd.config.values import Values
from smithd.config.wording import Finding
from smithd.expression.lexer import ExpressionError

_PIECE = 4
"""A message that shares so many characters in a row with a secret is not shown."""


class Known(NamedTuple):
    """What describes a validated value: its model, and keys that are allowed beside the model's own."""

    model: fields.Model
    beside: fields.Model | None = None

    def keys(self, way: Path) -> list[str]:
        beside = fields.keys(self.beside) if self.beside is not None and not way else {}
        return [*beside, *fields.known_keys(self.model, way)]


class Complaints:
    """Words findings and adds them to a report. ``places`` tells where each key of the language belongs."""

    def __init__(self, report: Report, values: Values, root: Node, places: fields.Places) -> None:
        self._report = report
        self._root = root
        self._values = values
        self._places = places
        self._unknown: set[Path] = set()
        self._misspelt: set[Path] = set()
        self._meant: set[tuple[Path, str]] = set()

    def is_explained(self, path: Path) -> bool:
        """Whether what stands there was reported with something that it is a part of, or under an unknown key."""
        above = any(self._report.is_settled(node) for node in nodes_on(self._root, path[:-1]))
        return above or self._is_unknown(path)

    def _is_unknown(self, path: Path) -> bool:
        return any(path[:end] in self._unknown for end in range(1, len(path) + 1))

    def add(self, found: Sequence[Finding], known: Known) -> None:
        """Report one mistake: a finding, or (of a union none of whose branches fits) one for each branch."""
        first = found[0]
        if first.kind == "extra_forbidden":
            self._unknown_key(first, known)
        elif first.kind == "missing" and (first.spot.path, str(first.last)) in self._meant:
            return
        elif first.is_about_key:
            self._wrong_key(first, known)
        elif self._is_consequence(first):
            return
        elif first.kind == "missing":
            self._missing_key(first, known)
        else:
            self._wrong_value(found, known)

    def _is_consequence(self, finding: Finding) -> bool:
        """Whether a value is wrong only because of something that is reported already, or of a missing secret."""
        node = finding.spot.node
        if any(self._is_spoilt(part) for part in nodes_on(self._root, finding.spot.path)):
            return True
        if not isinstance(node, Mapping) or finding.kind == "missing" or not wording.is_own_text(finding.error):
            return False
        parts = walk(node, finding.spot.path)
        return any(
            self._is_spoilt(part) and (path in self._misspelt or not self._is_unknown(path)) for path, part in parts
        )

    def _is_spoilt(self, node: Node) -> bool:
        return self._report.is_settled(node) or id(node) in self._values.blanks

    def _unknown_key(self, finding: Finding, known: Known) -> None:
        spot, name = finding.spot, str(finding.last)
        allowed = known.keys(finding.way[:-1])
        near = self._report.nearest(name, allowed)
        hint = f"did you mean '{near}'?" if near else self._belongs(name)
        if near is None or is_secret_name(near):
            self._report.mask.hide(spot.node)
        if near is not None:
            self._meant.add((spot.path[:-1], near))
            self._misspelt.add(spot.path)
            self._report.settle(spot.node)  # what is wrong without this key may well be right with it
        self._unknown.add(spot.path)
        expected = f"expected one of: {', '.join(allowed)}" if allowed else None
        self._report.at(spot.key or spot.node, f"unknown key '{name}'", expected=expected, hint=hint)

    def _belongs(self, name: str) -> str | None:
        places = self._places.of(name)
        return f"'{name}' belongs in {' or '.join(places)}" if places else None

    def _wrong_key(self, finding: Finding, known: Known) -> None:
        spot, name = finding.spot, str(finding.spot.path[-1])
        near = self._report.nearest(name, wording.choices(finding.error))
        wanted = wording.expectation(finding.error)
        message = f"'{name}' cannot be a key here: expected {wanted}" if wanted else wording.sentence(finding.error)
        hint = f"did you mean '{near}'?" if near else None
        self._report.at(spot.key or spot.node, message, expected=_description(finding, known), hint=hint)

    def _missing_key(self, finding: Finding, known: Known) -> None:
        name, spot = str(finding.last), finding.spot
        field = fields.known_keys(known.model, finding.way).get(name)
        if field is None and known.beside is not None:
            field = fields.keys(known.beside).get(name)
        within = f" in '{'.'.join(map(str, spot.path))}'" if spot.path else ""
        expected = f"{name}: {field.description}" if field is not None and field.description else None
        self._report.at(spot.anchor, f"the key '{name}' is missing{within}", expected=expected)

    def _wrong_value(self, found: Sequence[Finding], known: Known) -> None:
        spot, cause = found[0].spot, wording.cause(found[0].error)
        if isinstance(cause, ExpressionError) and isinstance(spot.node, Scalar):
            self._wrong_expression(spot.node, cause)
            return
        wanted = [wording.expectation(finding.error) for finding in found]
        if all(wanted):
            alternatives = " or ".join(dict.fromkeys(text for text in wanted if text))
            message = f"expected {alternatives}"
            if isinstance(spot.node, Scalar) or not wording.is_own_text(found[0].error):
                message += f"{'; ' if ', found ' in message else ', '}found {self._found(spot.node)}"
        else:
            message = wording.sentence(found[0].error)
        own = any(wording.is_own_text(finding.error) for finding in found)
        if own and self.tells_a_secret(message, spot.node, piece=isinstance(spot.node, Scalar)):
            message = "this value cannot be used here; why is not shown, because a secret is in it"
        self._report.at(
            spot.anchor, message, expected=_description(found[0], known), hint=self._value_hint(found, spot.node)
        )

    def _wrong_expression(self, node: Scalar, error: ExpressionError) -> None:
        if self.tells_a_secret(str(error), node, piece=True):
            self._report.at(node, "this is no expression; why is not shown, because a secret is in it")
            return
        hint = f"did you mean '{error.near}'?" if error.near else None
        self._report.within(node, error.column, error.message, expected=error.expected or None, hint=hint)

    def tells_a_secret(self, text: str, node: Node, *, piece: bool) -> bool:
        """Whether a text holds a secret that stands in a node, or as little as a piece of it."""
        return any(_tells(text, secret, _PIECE if piece else len(secret)) for secret in self._secrets(node))

    def _secrets(self, node: Node) -> list[str]:
        literal = [scalar.text for scalar in self._report.mask.secrets_in(node)]
        return literal + [piece for _, part in walk(node) for piece in self._values.secrets.get(id(part), ())]

    def _found(self, node: Node) -> str:
        if not isinstance(node, Scalar):
            return described(self._values.plain(node))
        if node.text.strip() and (id(node) in self._values.secrets or self._report.mask.secrets_in(node)):
            return f"what {node.text} holds" if is_reference(node.text) else "a value that is not shown"
        return described(value_of(node))

    def _value_hint(self, found: Sequence[Finding], node: Node) -> str | None:
        if not isinstance(node, Scalar):
            return None
        if node.style in (">", "|"):
            return "a text that begins with > or | needs quotes"
        choices = [choice for finding in found for choice in wording.choices(finding.error)]
        if choices:
            near = self._report.nearest(node.text, choices)
            return f"did you mean '{near}'?" if near else None
        is_shown = bool(node.text) and not self._secrets(node)
        if found[0].kind == "string_type" and is_shown:
            return f'put it in quotes if it is meant as a text: "{node.text}"'
        if found[0].kind == "list_type" and is_shown:
            return f"a list of one is written [{node.text}]"
        if found[0].kind == "model_type" and (belongs := self._belongs(str(found[0].spot.path[-1]))) is not None:
            return f"{belongs}: is it indented far enough?"
        return None


def _description(finding: Finding, known: Known) -> str | None:
    found = fields.nearest_field(known.model, finding.way)
    if found is None and known.beside is not None:
        found = fields.nearest_field(known.beside, finding.way)
    if found is None or not found[1].description:
        return None
    if wording.is_own_text(finding.error) and not finding.is_about_key and found[0] != finding.spot.path[-1]:
        return None  # the sentence speaks of the value itself; a description of what it is a part of adds nothing
    return f"{found[0]}: {found[1].description}"


def _tells(text: str, secret: str, size: int) -> bool:
    if len(secret) < _PIECE:
        return f"'{secret}'" in text or f'"{secret}"' in text
    size = min(size, len(secret))
    return any(secret[start : start + size] in text for start in range(len(secret) - size + 1))

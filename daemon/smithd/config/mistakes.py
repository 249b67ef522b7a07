"""Puts a validator's findings into the report: each at its place, with what was expected and the nearest name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from smithd.config import fields
from smithd.config.report import foreign, messages
from smithd.config.report.diagnostics import Report
from smithd.config.report.masking import is_reference, is_secret_name
from smithd.config.report.messages import Finding
from smithd.config.values import Values
from smithd.config.yaml.positions import MappingNode, Node, Path, ScalarNode, Spot, locate, nodes_on, walk
from smithd.config.yaml.scalars import described, value_of
from smithd.config.yaml.settings import COMMAND_LINE
from smithd.expression.lexer import ExpressionError
from smithd.redactor import is_unmistakable, stands_in

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_PIECE = 4
"""A message that shares this many characters in a row with a secret is not shown."""


class KnownKeys(NamedTuple):
    """What describes a validated value: its model, and keys that are allowed beside the model's own."""

    model: fields.Model
    beside: fields.Model | None = None


# One mistake leads to several errors of a validator, and only the mistake itself is worth reading. These follow from
# another mistake, and are left out:
# - an error of a value that is `settled`: its YAML or its key was wrong, and that is reported;
# - an error of a value whose secret is missing: that was reported, or warned of, when the values were read;
# - an error of a mapping as a whole, while a value in it is one of these: it may be right once that is mended;
# - a missing key, while a key with nearly the same name is unknown: that key was meant.
# Validator.validate sorts unknown keys before missing ones, so that the first can explain the second.


class Mistakes:
    """Adds findings to a report, in plain words. ``places``: where each key of the language belongs."""

    def __init__(self, report: Report, values: Values, root: Node, places: fields.Places) -> None:
        self._report = report
        self._root = root
        self._values = values
        self._places = places
        self._unknown: set[Path] = set()
        self._misspelt: set[Path] = set()
        self._meant: set[tuple[Path, str]] = set()

    def is_explained(self, path: Path) -> bool:
        """Whether a mistake above this place, or an unknown key on the way to it, is reported already."""
        above = any(self._report.is_settled(node) for node in nodes_on(self._root, path[:-1]))
        return above or self._is_unknown(path)

    def _is_unknown(self, path: Path) -> bool:
        return any(path[:end] in self._unknown for end in range(1, len(path) + 1))

    def add(self, found: Sequence[Finding], known: KnownKeys) -> bool:
        """Report one mistake: a finding, or (of a union none of whose branches fits) one for each branch.

        False where it only follows from something else, and is not reported.
        """
        first, spot = found[0], found[0].spot
        if first.kind == "extra_forbidden":
            self._unknown_key(first, known)
        elif first.kind == "missing" and (spot.path, str(first.last)) in self._meant:
            return False
        elif first.is_about_key:
            name, wanted = str(spot.path[-1]), messages.expectation(first.error)
            message = f"'{name}' cannot be a key here: expected {wanted}" if wanted else messages.sentence(first.error)
            hint = self._report.did_you_mean(name, messages.choices(first.error))
            self._report.at(spot.key or spot.node, message, expected=_description(first, known), hint=hint)
        elif self._is_consequence(first):
            return False
        elif first.kind == "missing":
            name = str(first.last)
            field = fields.known_keys(known.model, first.inner_path).get(name)
            if field is None and known.beside is not None:
                field = fields.keys(known.beside).get(name)
            within = f" in '{'.'.join(map(str, spot.path))}'" if spot.path else ""
            expected = f"{name}: {field.description}" if field is not None and field.description else None
            hint = self._misnamed(spot)
            self._report.at(spot.anchor, f"the key '{name}' is missing{within}", expected=expected, hint=hint)
        else:
            self._wrong_value(found, known)
        return True

    def _misnamed(self, spot: Spot) -> str | None:
        """The question whether another entry was meant, where ``--set`` has made an entry that lacks something."""
        if spot.anchor.file != COMMAND_LINE or not spot.path:
            return None
        section, name = locate(self._root, spot.path[:-1]).node, spot.path[-1]
        others = [each for each in section.entries if each != name] if isinstance(section, MappingNode) else []
        return self._report.did_you_mean(str(name), others)

    def _is_consequence(self, finding: Finding) -> bool:
        """Whether a value is wrong only because of a mistake that is reported already, or of a missing secret."""
        node = finding.spot.node
        if any(self._is_excused(part) for part in nodes_on(self._root, finding.spot.path)):
            return True
        if not isinstance(node, MappingNode) or finding.kind == "missing" or not messages.is_own_text(finding.error):
            return False
        parts = walk(node, finding.spot.path)
        return any(
            self._is_excused(part) and (path in self._misspelt or not self._is_unknown(path)) for path, part in parts
        )

    def _is_excused(self, node: Node) -> bool:
        return self._report.is_settled(node) or id(node) in self._values.incomplete

    def _unknown_key(self, finding: Finding, known: KnownKeys) -> None:
        spot, name = finding.spot, str(finding.last)
        above = finding.inner_path[:-1]
        beside = fields.keys(known.beside) if known.beside is not None and not above else {}
        tags = [tag for _, tag in finding.tags]
        allowed = [*beside, *fields.known_keys(known.model, above, tags)]
        is_of_another_type = bool(tags) and name in fields.known_keys(known.model, above)
        near = None if is_of_another_type else foreign.meant(name, allowed) or self._report.nearest(name, allowed)
        hint = f"did you mean '{near}'?" if near else self._belongs(name)
        if is_of_another_type:
            hint = f"only other types have '{name}'"
        # A key that is not known may hold a secret, whatever it is called.
        if (near is None and not is_of_another_type) or is_secret_name(near or name):
            self._report.mask.hide(spot.node)
        if near is not None:
            self._meant.add((spot.path[:-1], near))
            self._misspelt.add(spot.path)
            # The mapping around it may be wrong only because this key was not understood.
            self._report.settle(spot.node)
        self._unknown.add(spot.path)
        expected = f"expected one of: {', '.join(allowed)}" if allowed else None
        self._report.at(spot.key or spot.node, f"unknown key '{name}'", expected=expected, hint=hint)

    def _belongs(self, name: str) -> str | None:
        """Where a key belongs, by our name for it or by one that others have."""
        known = name if self._places.of(name) else foreign.meant(name, self._places.keys)
        return f"'{known}' belongs in {' or '.join(self._places.of(known))}" if known is not None else None

    def _wrong_value(self, found: Sequence[Finding], known: KnownKeys) -> None:
        spot, cause = found[0].spot, messages.cause(found[0].error)
        if isinstance(cause, ExpressionError) and isinstance(spot.node, ScalarNode):
            if self.shows_a_secret(str(cause), spot.node, piece=True):
                message = "this is not an expression; the reason is not shown, because it holds a secret"
                self._report.at(spot.node, message)
            else:
                hint = f"did you mean '{cause.near}'?" if cause.near is not None else None
                self._report.within(spot.node, cause.column, cause.message, expected=cause.expected or None, hint=hint)
            return
        wanted = [messages.expectation(finding.error) for finding in found]
        if all(wanted):
            alternatives = " or ".join(dict.fromkeys(text for text in wanted if text))
            message = f"expected {alternatives}"
            if isinstance(spot.node, ScalarNode) or not messages.is_own_text(found[0].error):
                message += f"{'; ' if ', found ' in message else ', '}found {self._found(spot.node)}"
        else:
            message = messages.sentence(found[0].error)
        own = any(messages.is_own_text(finding.error) for finding in found)
        if own and self.shows_a_secret(message, spot.node, piece=isinstance(spot.node, ScalarNode)):
            message = "this value cannot be used here; the reason is not shown, because it holds a secret"
        is_whole = isinstance(spot.node, MappingNode)
        hint = self._value_hint(found, known) or (self._misnamed(spot) if is_whole else None)
        self._report.at(spot.anchor, message, expected=_description(found[0], known), hint=hint)

    def shows_a_secret(self, text: str, node: Node, *, piece: bool) -> bool:
        """Whether a text holds a secret that stands in a node, or as little as a piece of it."""
        for secret in filter(None, self._secrets(node)):
            if not is_unmistakable(secret):
                # It is also a part of common words, or one: only what stands in quotes is taken from the file.
                is_shown = any(stands_in(secret, repeated) for repeated in _QUOTED.findall(text))
            else:
                size = _PIECE if piece else len(secret)
                is_shown = any(secret[start : start + size] in text for start in range(len(secret) - size + 1))
            if is_shown:
                return True
        return False

    def _secrets(self, node: Node) -> list[str]:
        literal = [scalar.text for scalar in self._report.mask.secrets_in(node)]
        return [*literal, *self._values.secrets_in(node)]

    def _found(self, node: Node) -> str:
        if not isinstance(node, ScalarNode):
            return described(self._values.plain(node))
        if node.text.strip() and (id(node) in self._values.secrets or self._report.mask.secrets_in(node)):
            return f"what {node.text} holds" if is_reference(node.text) else "a value that is not shown"
        return described(value_of(node))

    def _value_hint(self, found: Sequence[Finding], known: KnownKeys) -> str | None:
        node, name = found[0].spot.node, str(found[0].spot.path[-1])
        if not isinstance(node, ScalarNode):
            return None
        if node.style in (">", "|"):
            return "a text that begins with > or | needs quotes"
        choices = [choice for finding in found for choice in messages.choices(finding.error)]
        if choices:
            return self._report.did_you_mean(node.text, choices)
        is_shown = bool(node.text) and not self._secrets(node)
        if found[0].kind == "string_type" and is_shown:
            return f'put it in quotes if it is meant as a text: "{node.text}"'
        if found[0].kind == "list_type" and is_shown:
            return f"a list of one is written [{node.text}]"
        # Where the user chooses the names, one that is a key of ours elsewhere is meant as that.
        if found[0].kind == "model_type" and name not in fields.known_keys(known.model, found[0].inner_path[:-1]):
            belongs = self._belongs(name)
            return f"{belongs}: is it indented far enough?" if belongs else None
        return None


def _description(finding: Finding, known: KnownKeys) -> str | None:
    found = fields.nearest_field(known.model, finding.inner_path)
    if found is None and known.beside is not None:
        found = fields.nearest_field(known.beside, finding.inner_path)
    if found is None or not found[1].description:
        return None
    # The sentence is about the value itself, and the description would be about what it is a part of.
    if messages.is_own_text(finding.error) and not finding.is_about_key and found[0] != finding.spot.path[-1]:
        return None
    return f"{found[0]}: {found[1].description}"

"""The plain values of the tree: numbers, texts with their secrets filled in, lists and mappings."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from smithd.config import secrets
from smithd.config.report.diagnostics import Report
from smithd.config.secrets import MalformedReference, SecretMissing, SecretReference
from smithd.config.yaml.positions import ListNode, Node, ScalarNode, walk
from smithd.config.yaml.scalars import value_of
from smithd.config.yaml.settings import COMMAND_LINE
from smithd.redactor import Redactor

_ODD_STARTS = tuple("+-iInN0123456789")
_NOT_FINITE = re.compile(r"[-+]?(?:inf|infinity|nan|\d[\d._]*e\+?\d{3,})", re.IGNORECASE)


class Values:
    """Makes plain values, and remembers the nodes whose values are not as plain as they look.

    ``incomplete`` nodes lack a secret: their value is the text as it was written, and nothing that a validator says
    of it counts. ``secrets`` are within the nodes of these ids; ``odd`` values could be taken for numbers and are none;
    ``empty`` nodes have no value.
    """

    def __init__(self, report: Report, redactor: Redactor, *, secrets_required: bool) -> None:
        self.incomplete: set[int] = set()
        self.secrets: dict[int, list[str]] = {}
        self.odd: dict[int, Any] = {}
        self.empty: set[int] = set()
        self._report = report
        self._redactor = redactor
        self._secrets_required = secrets_required
        self._made: dict[int, Any] = {}
        self._unfilled: set[str] = set()

    def plain(self, node: Node) -> Any:
        """What a node stands for. A missing secret is a warning, or a mistake where secrets are required."""
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        # An aliased node is made once, however many aliases stand for it.
        if id(node) not in self._made:
            if isinstance(node, ListNode):
                made: Any = [self.plain(item) for item in node.items]
            else:
                made = {
                    name: self._scalar(value) if isinstance(value, ScalarNode) else self.plain(value)
                    for name, (_, value) in node.entries.items()
                }
            self._made[id(node)] = made
        return self._made[id(node)]

    def learn(self, secrets: Iterable[str]) -> None:
        """Mask these secrets, which the options of the file hold, in every text from now on."""
        for secret in secrets:
            # Where a reference could not be filled, the options hold its text, like ``${env:NAME}``: that is no secret.
            if not any(reference in secret for reference in self._unfilled):
                self._redactor.add(secret)

    def secrets_in(self, node: Node) -> Iterator[str]:
        """What references at and below a node stand for."""
        for _, part in walk(node):
            yield from self.secrets.get(id(part), ())

    def _scalar(self, node: ScalarNode) -> Any:
        value = value_of(node)
        if isinstance(value, str):
            if "${" in value:
                return self._filled(node)
            # The first character is a quick test: the pattern would be tried on every text of the file.
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

    def _filled(self, node: ScalarNode) -> str:
        """A text with its secrets; as it was written where one is missing."""
        pieces: list[str | None] = []
        for part in secrets.parts(node.text):
            if isinstance(part, MalformedReference):
                expected = f"expected {', '.join(secrets.KINDS.values())}; a plain '${{' is written '$${{'"
                hint = f"did you mean {part.near}?" if part.near else None
                if part.kind is not None:
                    hint = self._report.did_you_mean(part.kind, tuple(secrets.KINDS))
                self._report.at(self._place(node, part.text), part.message, expected=expected, hint=hint)
                pieces.append(None)
            else:
                pieces.append(part if isinstance(part, str) else self._secret(node, part))
            if pieces[-1] is None and not isinstance(part, str):
                self._unfilled.add(part.text)
        if None in pieces:
            # Validators get the text as it was written; what they say of it is ignored, see `incomplete`.
            self.incomplete.add(id(node))
            return node.text
        return "".join(filter(None, pieces))

    def _secret(self, node: ScalarNode, reference: SecretReference) -> str | None:
        try:
            found = secrets.read(reference, self.folder_of(node))
        except SecretMissing as missing:
            if reference.default is None:
                place, message = self._place(node, reference.text), f"${{{reference.kind}:{reference.name}}} {missing}"
                if self._secrets_required:
                    self._report.at(place, message)
                else:
                    self._report.warn(place, message)
            return reference.default
        self._redactor.add(found)
        self.secrets.setdefault(id(node), []).append(found)
        return found

    def _place(self, node: ScalarNode, text: str) -> ScalarNode:
        """Where within a value a reference stands; the whole value if the file spells it differently."""
        column = self._report.lines[node.file][node.start.line].find(text, node.start.column)
        if column < 0:
            return node
        start = node.start._replace(column=column)
        return ScalarNode(node.file, start, start._replace(column=column + len(text)), text)

    def folder_of(self, node: Node) -> Path:
        """The folder where a relative path begins: that of its file; what ``--set`` sets is of the first file."""
        return (self._report.path if node.file == COMMAND_LINE else node.file).parent.absolute()

"""From the text of a file to its tree of nodes. No I/O.

The tree is built from the parser's events, one after another: PyYAML's own composers recurse for every level, and the
one in C crashes at a depth of some 25,000. Everything is counted while the tree grows, so that no file can use up the
memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from smithd.config.diagnostic import Diagnostic, Position
from smithd.config.yaml.document import Document
from smithd.config.yaml.positions import KeyAndValue, ListNode, MappingNode, Node, ScalarNode, mistake_at
from smithd.config.yaml.scalars import described, value_of
from smithd.config.yaml.syntax import explain

MAX_DEPTH = 100
MAX_VALUES = 1_000_000
MAX_ALIASED = 100_000
"""How many values all aliases together may stand for."""

# The slow parser reads the same language; it is used where PyYAML was built without libyaml.
_Parser: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STRING_TAGS = ("!", "tag:yaml.org,2002:str")
_MERGE = "<<"


@dataclass(slots=True)
class Composition:
    """A text's tree, and what is wrong with it as YAML: repeated keys, tags, aliases without an anchor.

    ``tree`` is None where YAML itself is broken, and where the text holds no value. ``settled`` are nodes whose mistake
    is reported already: what a validator finds in them is a consequence.
    """

    tree: Node | None = None
    diagnostics: list[Diagnostic] = field(default_factory=list)
    settled: list[Node] = field(default_factory=list)


def compose(document: Document) -> Composition:
    """The tree of a text."""
    composition = Composition()
    composer = _Composer(document, composition)
    parser = _Parser(document.text)
    try:
        composer.take_all(parser.get_event)
    except yaml.MarkedYAMLError as error:
        broken = explain(error, document, _Parser)
        # Other mistakes on that line are consequences.
        others = [each for each in composition.diagnostics if _line(each) != _line(broken)]
        return Composition(None, [*others, broken])
    except _Stopped:
        return Composition(None, composition.diagnostics)
    finally:
        parser.dispose()
    root = composer.root
    # A text with nothing but comments has no root, one with only ``---`` has an empty one.
    if root is not None and not (isinstance(root, ScalarNode) and root.style is None and not root.text):
        composition.tree = root
    return composition


def _line(diagnostic: Diagnostic) -> int | None:
    return diagnostic.position.line if isinstance(diagnostic.position, Position) else None


class _Stopped(Exception):
    """The file is not read any further; the last diagnostic says why."""


@dataclass(slots=True)
class _Open:
    """A list or mapping that has begun and not ended."""

    node: ListNode | MappingNode
    anchor: str | None
    key: Node | None = None
    merged: list[MappingNode] = field(default_factory=list)


class _Composer:
    """Takes the parser's events and builds the tree."""

    def __init__(self, document: Document, composition: Composition) -> None:
        self.root: Node | None = None
        self._file = document.path
        self._found = composition
        self._open: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._aliased = 0
        self._values = 0

    def take_all(self, next_event: Callable[[], Any]) -> None:
        """All events, up to the None after the last. Raises _Stopped."""
        scalar: Any = yaml.ScalarEvent
        file, add = self._file, self._add
        while (event := next_event()) is not None:
            # Nearly all are plain values. The parser's classes have no others below them.
            if type(event) is scalar:
                node = ScalarNode(file, event.start_mark, event.end_mark, event.value, event.style or None)
                if event.anchor is not None or event.tag is not None:
                    self._begin(node, event.anchor, event.tag)
                add(node)
            else:
                self._take(event)

    def _take(self, event: Any) -> None:
        kind = type(event)
        if kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            made = MappingNode if kind is yaml.MappingStartEvent else ListNode
            opened = made(self._file, event.start_mark, event.end_mark)
            if len(self._open) == MAX_DEPTH:
                self._stop(opened, f"nested more than {MAX_DEPTH} deep")
            self._begin(opened, event.anchor, event.tag)
            self._open.append(_Open(opened, event.anchor))
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            done = self._open.pop()
            done.node.ends = event.end_mark
            # Merged keys come last, and a mapping's own keys win, wherever '<<' stands in it.
            for name, pair in (pair for source in done.merged for pair in source.entries.items()):
                if isinstance(done.node, MappingNode):
                    done.node.entries.setdefault(name, pair)
            self._add(done.node)
        elif kind is yaml.AliasEvent:
            self._alias(event)
        elif kind is yaml.DocumentStartEvent and self.root is not None:
            place = ScalarNode(self._file, event.start_mark, event.end_mark, "")
            self._stop(place, "a second document begins here", "expected one document: remove the rest")

    def _begin(self, node: Node, anchor: str | None, tag: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = node
        if tag is None:
            return
        # These tags make a text of any value, as quotes do, so the style says it is quoted.
        if isinstance(node, ScalarNode) and tag in _STRING_TAGS:
            node.style = node.style or "!"
            return
        hint = "a text that begins with ! needs quotes" if isinstance(node, ScalarNode) else None
        self._mistake(node, "a YAML tag (!...) has no meaning here", hint=hint)
        self._found.settled.append(node)

    def _alias(self, event: Any) -> None:
        place = ScalarNode(self._file, event.start_mark, event.end_mark, f"*{event.anchor}", "*")
        target = self._anchors.get(event.anchor or "")
        if target is None:
            hint = "an anchor (&name) must stand above its alias; a text that begins with * needs quotes"
            self._mistake(place, "there is no anchor of this name above", hint=hint)
        elif any(target is outer.node for outer in self._open):
            self._mistake(place, "an alias within its own anchor: this would never end")
            target = None
        # A value must follow the key, so the alias itself stands there; what a validator says of it does not count.
        if target is None:
            target = place
            self._found.settled.append(place)
        # Counted before anything is built from it: aliases of aliases grow exponentially ("billion laughs").
        self._aliased += target.size
        if self._aliased > MAX_ALIASED:
            self._stop(place, f"the aliases up to here stand for more than {MAX_ALIASED} values")
        if len(self._open) + target.height > MAX_DEPTH:
            self._stop(place, f"with this alias, nested more than {MAX_DEPTH} deep")
        self._add(target)

    def _add(self, node: Node) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            self._stop(node, f"more than {MAX_VALUES} values")
        if not self._open:
            self.root = node
            return
        above = self._open[-1]
        outer = above.node
        outer.size += node.size
        if outer.height <= node.height:
            outer.height = node.height + 1
        if isinstance(outer, ListNode):
            outer.items.append(node)
        elif (key := above.key) is None:
            above.key = node
        else:
            above.key = None
            self._add_pair(above, outer, key, node)

    def _add_pair(self, above: _Open, mapping: MappingNode, key: Node, value: Node) -> None:
        name = value_of(key) if isinstance(key, ScalarNode) else None
        # As nearly always: a new name that is no '<<'.
        if isinstance(key, ScalarNode) and isinstance(name, str) and name not in mapping.entries and name != _MERGE:
            mapping.entries[name] = KeyAndValue(key, value)
        elif isinstance(key, ScalarNode) and key.style is None and key.text == _MERGE:
            given = value.items if isinstance(value, ListNode) else [value]
            above.merged += [part for part in given if isinstance(part, MappingNode)]
            if not all(isinstance(part, MappingNode) or part in self._found.settled for part in given):
                expected = "expected an alias of a mapping, like '<<: *name'"
                self._mistake(key, "'<<' merges mappings only", expected=expected)
        # ``{{ value }}`` without quotes is a mapping in YAML, whose key is a mapping that begins one column later.
        elif isinstance(key, MappingNode) and key.start == mapping.start._replace(column=mapping.start.column + 1):
            self._mistake(mapping, "a text with {{ }} needs quotes", hint='like title: "{{ value }}"')
            self._found.settled.append(mapping)
        elif not isinstance(key, ScalarNode):
            self._mistake(key, "this cannot be a key", expected="expected a name")
        # YAML reads a key like ``5`` or ``true`` as a number or a truth value; all our keys are texts.
        elif not isinstance(name, str):
            hint = None if name is None else "put it in quotes if it is meant as a name"
            self._mistake(key, "this cannot be a key", expected=f"expected a name, found {described(name)}", hint=hint)
        elif (first := mapping.entries.get(name)) is not None:
            self._mistake(key, f"the key '{name}' is given twice; the first is on line {first.key.start.line + 1}")
        else:
            mapping.entries[name] = KeyAndValue(key, value)

    def _mistake(self, node: Node, message: str, *, expected: str | None = None, hint: str | None = None) -> None:
        self._found.diagnostics.append(mistake_at(node, message, expected=expected, hint=hint))

    def _stop(self, node: Node, message: str, expected: str | None = None) -> NoReturn:
        self._mistake(node, message, expected=expected)
        raise _Stopped

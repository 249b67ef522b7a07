"""From YAML text to the tree of positions: counted while it grows, so that no file can hurt.

Built from the parser's events, one after another: PyYAML's own composers call themselves for every level, and the
fast one dies of some 25,000.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from smithd.config.positions import Entry, Listing, Mapping, Mark, Node, Scalar
from smithd.config.report import Report
from smithd.config.scalars import described, value_of
from smithd.config.syntax import explain

MAX_DEPTH = 100
MAX_VALUES = 1_000_000
MAX_BORROWED = 100_000
"""How many parts aliases may stand for, all together."""

# The slow parser reads the same language; it is there where PyYAML was built without libyaml.
_Parser: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STRING_TAGS = ("!", "tag:yaml.org,2002:str")
_MERGE = "<<"


def compose(text: str, report: Report) -> Mapping:
    """The file's one mapping.

    Raises ConfigError where YAML itself is broken, or where there is no one mapping to go on with; smaller mistakes
    (doubled keys, tags, aliases of nothing) are added to the report.
    """
    composer = _Composer(report)
    parser = _Parser(text)
    try:
        while parser.check_event():
            composer.take(parser.get_event())
    except yaml.MarkedYAMLError as error:
        report.replace_line(explain(error, text, report.mask, _Parser))
        raise report.error() from None
    finally:
        parser.dispose()
    root = composer.root
    if root is None or (isinstance(root, Scalar) and root.style is None and not root.text):
        report.at_start("the file is empty", hint="config.example.yaml shows what can stand in it")
        raise report.error()
    report.mask.know(root)
    if not isinstance(root, Mapping):
        kind = "a list" if isinstance(root, Listing) else "a single text"
        report.at(root, f"the file is {kind}", expected="expected keys with values, like 'sources:'")
        raise report.error()
    return root


@dataclass(slots=True)
class _Open:
    """A list or mapping that has begun and not ended."""

    node: Listing | Mapping
    anchor: str | None
    key: Node | None = None
    merged: list[Mapping] = field(default_factory=list)


class _Composer:
    """Takes the parser's events and builds the tree."""

    def __init__(self, report: Report) -> None:
        self.root: Node | None = None
        self._report = report
        self._open: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._borrowed = 0
        self._values = 0

    def take(self, event: yaml.Event | None) -> None:
        """The next event. Raises ConfigError where there is no use in going on."""
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._begin(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._end(_mark(event.end_mark))
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            self._stop(_place(event), "a second document begins here", "expected one document: remove what follows")

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        node = Scalar(_mark(event.start_mark), _mark(event.end_mark), event.value, event.style or None)
        self._anchor(event.anchor, node)
        if event.tag is not None:
            self._tag(node, event.tag)
        self._add(node)

    def _begin(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        start, end = _mark(event.start_mark), _mark(event.end_mark)
        node = Mapping(start, end) if isinstance(event, yaml.MappingStartEvent) else Listing(start, end)
        if len(self._open) == MAX_DEPTH:
            self._stop(node, f"nested more than {MAX_DEPTH} deep")
        if event.tag is not None:
            self._tag(node, event.tag)
        self._anchor(event.anchor, node)
        self._open.append(_Open(node, event.anchor))

    def _end(self, end: Mark) -> None:
        done = self._open.pop()
        done.node.end = end
        if isinstance(done.node, Mapping):
            for source in done.merged:
                for name, entry in source.entries.items():
                    done.node.entries.setdefault(name, entry)
        self._add(done.node)

    def _alias(self, event: yaml.AliasEvent) -> None:
        target = self._anchors.get(event.anchor or "")
        if target is None:
            hint = "an anchor (&name) must stand before its alias; a text that begins with * needs quotes"
            self._report.at(_place(event), "an alias of nothing: there is no such anchor above", hint=hint)
            target = self._settled(event)
        elif any(target is outer.node for outer in self._open):
            self._report.at(_place(event), "an alias within what it stands for: this would never end")
            target = self._settled(event)
        self._borrowed += target.size
        if self._borrowed > MAX_BORROWED:
            self._stop(_place(event), f"the aliases up to here stand for more than {MAX_BORROWED} values")
        if len(self._open) + target.height > MAX_DEPTH:
            self._stop(_place(event), f"with this alias, nested more than {MAX_DEPTH} deep")
        self._add(target)

    def _settled(self, event: yaml.AliasEvent) -> Scalar:
        node = Scalar(_mark(event.start_mark), _mark(event.end_mark), f"*{event.anchor}", "*")
        self._report.settle(node)
        return node

    def _anchor(self, name: str | None, node: Node) -> None:
        if name is not None:
            self._anchors[name] = node

    def _tag(self, node: Node, tag: str) -> None:
        if isinstance(node, Scalar) and tag in _STRING_TAGS:
            node.style = node.style or "!"
            return
        hint = "a text that begins with ! needs quotes" if isinstance(node, Scalar) else None
        self._report.at(node, "a YAML tag (!...) has no meaning here", hint=hint)
        self._report.settle(node)

    def _add(self, node: Node) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            self._stop(node, f"more than {MAX_VALUES} values: this is no configuration")
        if not self._open:
            self.root = node
            return
        above = self._open[-1]
        above.node.size += node.size
        above.node.height = max(above.node.height, node.height + 1)
        if isinstance(above.node, Listing):
            above.node.items.append(node)
        elif above.key is None:
            above.key = node
        else:
            key, above.key = above.key, None
            self._entry(above, above.node, key, node)

    def _entry(self, above: _Open, mapping: Mapping, key: Node, value: Node) -> None:
        if isinstance(key, Scalar) and key.style is None and key.text == _MERGE:
            self._merge(above, key, value)
        elif not isinstance(key, Scalar):
            self._no_name(mapping, key)
        elif not isinstance(found := value_of(key), str):
            expected = f"expected a name, found {described(found)}"
            hint = None if found is None else "put it in quotes if it is meant as a name"
            self._report.at(key, "this cannot be a key", expected=expected, hint=hint)
        elif (first := mapping.entries.get(found)) is not None:
            self._report.at(
                key, f"the key '{found}' stands here twice; the first is on line {first.key.start.line + 1}"
            )
        else:
            mapping.entries[found] = Entry(key, value)

    def _merge(self, above: _Open, key: Scalar, value: Node) -> None:
        given = value.items if isinstance(value, Listing) else [value]
        above.merged += [part for part in given if isinstance(part, Mapping)]
        if not all(isinstance(part, Mapping) or self._report.is_settled(part) for part in given):
            self._report.at(
                key, "'<<' merges mappings only", expected="expected an alias of a mapping, like '<<: *name'"
            )

    def _no_name(self, mapping: Mapping, key: Listing | Mapping) -> None:
        if isinstance(key, Mapping) and key.start == Mark(mapping.start.line, mapping.start.column + 1):
            self._report.at(mapping, "a text with {{ }} needs quotes", hint='like title: "{{ value }}"')
            self._report.settle(mapping)
        else:
            self._report.at(key, "this cannot be a key", expected="expected a name")

    def _stop(self, node: Node, message: str, expected: str | None = None) -> NoReturn:
        self._report.at(node, message, expected=expected)
        raise self._report.error()


def _mark(mark: Any) -> Mark:  # each of the two parsers has a class of its own
    return Mark(mark.line, mark.column)


def _place(event: yaml.Event) -> Scalar:
    return Scalar(_mark(event.start_mark), _mark(event.end_mark), "")

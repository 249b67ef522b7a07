"""A file as a tree of nodes that know where they stand, and the way from a value's path to its node. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import ClassVar, NamedTuple, Protocol

from smithd.config.diagnostic import Diagnostic, Position, Repair

Step = str | int
Path = tuple[Step, ...]
"""The way to a value: keys, and places in lists counted from 0."""


class Mark(Protocol):
    """A place as the parser gives it, counted from 0."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


# Nodes are compared by identity: equal values at two places are two nodes, with mistakes of their own. A large file has
# hundreds of thousands, and few are ever pointed at: their positions are made when they are asked for.
@dataclass(slots=True, eq=False)
class _Placed:
    file: FilePath
    begins: Mark
    ends: Mark

    @property
    def start(self) -> Position:
        """Where it begins."""
        return Position(self.file, self.begins.line, self.begins.column)

    @property
    def end(self) -> Position:
        """Where what follows it begins."""
        return Position(self.file, self.ends.line, self.ends.column)


@dataclass(slots=True, eq=False)
class ScalarNode(_Placed):
    """A single value. ``style`` is None for plain text, else the quote or the sign (``|``, ``>``) it begins with."""

    text: str
    style: str | None = None
    size: ClassVar[int] = 1
    height: ClassVar[int] = 0


@dataclass(slots=True, eq=False)
class ListNode(_Placed):
    """A list. ``size``: the parts in it, aliases counted as what they stand for; ``height``: how deep it goes."""

    items: list[Node] = field(default_factory=list)
    size: int = 1
    height: int = 0


class KeyAndValue(NamedTuple):
    """A key and its value."""

    key: ScalarNode
    value: Node


@dataclass(slots=True, eq=False)
class MappingNode(_Placed):
    """Keys with their values, in the file's order; merged ones (``<<``) last."""

    entries: dict[str, KeyAndValue] = field(default_factory=dict)
    size: int = 1
    height: int = 0


Node = ScalarNode | ListNode | MappingNode


class Spot(NamedTuple):
    """Where a path through the tree ends.

    ``path`` is the part of it that exists, ``rest`` what could not be followed, ``key`` the key that ``node`` stands
    under (None for the root, and in lists).
    """

    path: Path
    rest: tuple[Step, ...]
    key: ScalarNode | None
    node: Node

    @property
    def anchor(self) -> ScalarNode | ListNode | MappingNode:
        """What to point at when the whole of a mapping or list is meant: its key, if it has one."""
        return self.key if self.key is not None and not isinstance(self.node, ScalarNode) else self.node


def mistake_at(
    node: Node, message: str, *, expected: str | None = None, hint: str | None = None, repair: Repair | None = None
) -> Diagnostic:
    """A mistake at a node; all of a single value on one line is marked, else the node's first character."""
    is_marked = isinstance(node, ScalarNode) and node.end.line == node.start.line
    width = max(node.end.column - node.start.column, 1) if is_marked else 1
    return Diagnostic(node.start, message, expected, hint, width, repair)


def locate(root: Node, steps: Sequence[Step]) -> Spot:
    """Where steps lead. Those that name nothing in the file are skipped: a validator's path also has steps for the
    branches of unions, and for keys that a short form leaves out.
    """
    path: Path = ()
    rest: tuple[Step, ...] = ()
    key: ScalarNode | None = None
    node = root
    for step in steps:
        following = child(node, step)
        if following is None:
            rest = (*rest, step)
            continue
        (key, node), path, rest = following, (*path, step), ()
    return Spot(path, rest, key, node)


def child(node: Node, step: Step) -> tuple[ScalarNode | None, Node] | None:
    """The part of a node that a step leads to, with its key; None where there is none."""
    if isinstance(node, MappingNode) and isinstance(step, str) and step in node.entries:
        return node.entries[step]
    if isinstance(node, ListNode) and isinstance(step, int) and 0 <= step < len(node.items):
        return None, node.items[step]
    return None


def nodes_on(root: Node, path: Path) -> Iterator[Node]:
    """The nodes on a path, the last one included, as far as they exist."""
    node = root
    for step in path:
        following = child(node, step)
        if following is None:
            return
        node = following[1]
        yield node


def walk(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """A node and every node below it, from top to bottom, with their paths; an aliased node comes for each alias."""
    yield path, node
    if isinstance(node, MappingNode):
        for name, entry in node.entries.items():
            yield from walk(entry.value, (*path, name))
    elif isinstance(node, ListNode):
        for index, item in enumerate(node.items):
            yield from walk(item, (*path, index))

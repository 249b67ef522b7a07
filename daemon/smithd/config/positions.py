"""The configuration as a tree that knows where each part stands, and the way from a part's name to its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

Step = str | int
Path = tuple[Step, ...]
"""The way to a value: keys, and places in lists counted from 0."""


class Mark(NamedTuple):
    """A place in the file; line and column are counted from 0."""

    line: int
    column: int


@dataclass(slots=True, eq=False)
class Scalar:
    """A single value. ``style`` is None for plain text, else the quote or the sign (``|``, ``>``) it begins with."""

    start: Mark
    end: Mark
    text: str
    style: str | None = None
    size: int = 1
    height: int = 0


@dataclass(slots=True, eq=False)
class Listing:
    """A list. ``size``: the parts in it, aliases counted as what they stand for; ``height``: how deep it goes."""

    start: Mark
    end: Mark
    items: list[Node] = field(default_factory=list)
    size: int = 1
    height: int = 0


class Entry(NamedTuple):
    """A key and its value."""

    key: Scalar
    value: Node


@dataclass(slots=True, eq=False)
class Mapping:
    """Keys with their values, in the file's order; merged ones (``<<``) last."""

    start: Mark
    end: Mark
    entries: dict[str, Entry] = field(default_factory=dict)
    size: int = 1
    height: int = 0


Node = Scalar | Listing | Mapping


class Spot(NamedTuple):
    """Where a way through the tree ends.

    ``path`` is the part of it that exists, ``rest`` what could not be followed, ``key`` the key that ``node`` stands
    under (None for the root, and in lists).
    """

    path: Path
    rest: tuple[Step, ...]
    key: Scalar | None
    node: Node

    @property
    def anchor(self) -> Scalar | Listing | Mapping:
        """What to point at when the whole of a mapping or list is meant: its key, where it has one."""
        return self.key if self.key is not None and not isinstance(self.node, Scalar) else self.node


def locate(root: Node, way: Sequence[Step]) -> Spot:
    """Where ``way`` leads. Steps that name nothing in the file are left out: a validator's way names unions too."""
    path: Path = ()
    rest: tuple[Step, ...] = ()
    key: Scalar | None = None
    node = root
    for step in way:
        following = child(node, step)
        if following is None:
            rest = (*rest, step)
            continue
        (key, node), path, rest = following, (*path, step), ()
    return Spot(path, rest, key, node)


def child(node: Node, step: Step) -> tuple[Scalar | None, Node] | None:
    """The part of a node that a step leads to, with its key; None where there is none."""
    if isinstance(node, Mapping) and isinstance(step, str) and step in node.entries:
        return node.entries[step]
    if isinstance(node, Listing) and isinstance(step, int) and 0 <= step < len(node.items):
        return None, node.items[step]
    return None


def nodes_on(root: Node, path: Path) -> Iterator[Node]:
    """The nodes on the way to a place, its own included, as far as they exist."""
    node = root
    for step in path:
        following = child(node, step)
        if following is None:
            return
        node = following[1]
        yield node


def walk(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """A node and every part below it, from top to bottom, with their paths; what aliases stand for comes each time."""
    yield path, node
    if isinstance(node, Mapping):
        for name, entry in node.entries.items():
            yield from walk(entry.value, (*path, name))
    elif isinstance(node, Listing):
        for index, item in enumerate(node.items):
            yield from walk(item, (*path, index))

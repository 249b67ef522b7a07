"""Several trees as one: mappings are united, and whatever else is given twice is a mistake at both places. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from smithd.config.diagnostic import Diagnostic
from smithd.config.yaml.positions import KeyAndValue, MappingNode, Node, Path, ScalarNode, mistake_at


def unite(trees: Sequence[MappingNode], sections: Collection[str]) -> tuple[MappingNode, list[Diagnostic]]:
    """The tree of a configuration in several files, and what they give twice: the first counts then.

    Options of one mapping may stand in several files. What the user names may not: the entries of ``sections``, like
    one source or one rule. Keys have the order of the files.
    """
    found: list[Diagnostic] = []
    return _united(trees, (), sections, found), found


def _united(
    mappings: Sequence[MappingNode], at: Path, sections: Collection[str], found: list[Diagnostic]
) -> MappingNode:
    if len(mappings) == 1:
        return mappings[0]
    given: dict[str, list[KeyAndValue]] = {}
    for mapping in mappings:
        for name, pair in mapping.entries.items():
            given.setdefault(name, []).append(pair)
    made = MappingNode(mappings[0].file, mappings[0].begins, mappings[0].ends)
    for name, pairs in given.items():
        first, *others = pairs
        parts = [pair.value for pair in pairs if isinstance(pair.value, MappingNode)]
        is_named_by_the_user = len(at) == 1 and at[0] in sections
        if others and len(parts) == len(pairs) and not is_named_by_the_user:
            first = KeyAndValue(first.key, _united(parts, (*at, name), sections, found))
        elif others:
            found += _given_twice(".".join(map(str, (*at, name))), [pair.key for pair in pairs])
        made.entries[name] = first
    return made


def _given_twice(name: str, keys: Sequence[ScalarNode]) -> list[Diagnostic]:
    """A mistake at each place, which names another one."""
    others = [keys[1], *[keys[0]] * (len(keys) - 1)]
    return [
        mistake_at(key, f"'{name}' is given twice: here, and at {other.start}", expected="leave one of them out")
        for key, other in zip(keys, others, strict=True)
    ]


def replaced(tree: MappingNode, keys: Sequence[ScalarNode], value: Node) -> MappingNode:
    """The tree with a value in the place to which keys lead; mappings that are missing on the way are made.

    Raises NoMapping where something else stands in the way. Only the mappings on the way are copied: an anchor may have
    put them elsewhere, too.
    """
    key, *below = keys
    entries = dict(tree.entries)
    pair = entries.get(key.text)
    if below:
        inner = pair.value if pair is not None else MappingNode(key.file, key.begins, key.ends)
        if not isinstance(inner, MappingNode):
            raise NoMapping(key)
        value = replaced(inner, below, value)
    entries[key.text] = KeyAndValue(key if pair is None or not below else pair.key, value)
    return MappingNode(tree.file, tree.begins, tree.ends, entries)


class NoMapping(Exception):
    """``key`` is the last one that could be followed; it stands for a list or a single value."""

    def __init__(self, key: ScalarNode) -> None:
        super().__init__(key.text)
        self.key = key

"""``config.example.yaml`` is the reference: it is right, and it has every key that there is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from smithd.config.fields import every_field
from smithd.config.load import load
from smithd.config.model import File
from smithd.config.yaml.compose import compose
from smithd.config.yaml.document import read
from smithd.config.yaml.positions import MappingNode, ScalarNode, walk
from smithd.poll.registry import Registry
from smithd.poll.schedule import ScheduleOptions

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"
SHIPPED = ("http_json", "prometheus", "sql", "stripe")


def _known() -> Iterator[tuple[str, ...]]:
    """Every key of the language with its way; ``<name>`` stands for what the user names."""
    yield from (path for path, _ in every_field(File))
    yield from (path for path, _ in every_field(ScheduleOptions, ("sources", "<name>")))
    for kind in SHIPPED:
        yield from (path for path, _ in every_field(Registry().find(kind).Options, (kind,)))


def _used() -> set[tuple[str, ...]]:
    """The ways of the keys that the example has; those of sources begin with the source's type."""
    root = compose(read(EXAMPLE)).tree
    assert isinstance(root, MappingNode)
    kinds = {name: _text(entry.value, "type") for name, entry in _section(root, "sources").entries.items()}
    used: set[tuple[str, ...]] = set()
    for path, _ in walk(root):
        steps = tuple(step for step in path if isinstance(step, str))
        used.add(steps)
        if steps[:1] == ("sources",) and len(steps) > 1:
            used.add((kinds[steps[1]], *steps[2:]))
    return used


def _section(root: MappingNode, name: str) -> MappingNode:
    section = root.entries[name].value
    assert isinstance(section, MappingNode)
    return section


def _text(node: Any, key: str) -> str:
    value = node.entries[key].value
    assert isinstance(value, ScalarNode)
    return value.text


def test_the_example_is_right() -> None:
    warnings = load(EXAMPLE, secrets_required=False).warnings
    assert all("is not set" in warning for warning in warnings)


def test_the_example_has_every_key_that_there_is() -> None:
    used = _used()
    shapes = {tuple(steps) for path in used for steps in _generalised(path)}
    assert [path for path in _known() if path not in shapes] == []


def _generalised(path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    # A condition within all or any has the keys of one that stands alone.
    while len(path) > 4 and path[2] == "show" and path[3] in ("all", "any"):
        path = (*path[:3], *path[4:])
    yield path
    for index in range(1, len(path)):
        yield (*path[:index], "<name>", *path[index + 1 :])

"""Names in the package: a class name has one meaning."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def test_no_public_class_name_is_defined_twice() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for folder in ("daemon", "sources"):
        for path in sorted((PROJECT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places[node.name].append(f"{path.relative_to(PROJECT)}:{node.lineno}")
    assert places, "no classes were found: the folders have moved"
    assert {name: found for name, found in places.items() if len(found) > 1} == {}

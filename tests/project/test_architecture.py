"""The architecture's page names files and functions that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "daemon" / "smithd"
PAGE = (ROOT / "docs" / "architecture.md").read_text()

PATHS = sorted(set(re.findall(r"`((?:[a-z_]+/)*[a-z_]+\.(?:py|toml|md)|(?:[a-z_]+/)+)`", PAGE)))
FUNCTIONS = sorted(set(re.findall(r"`((?:[a-z_]+/)*[a-z_]+\.py)`: `([A-Za-z_.]+)`", PAGE)))


@pytest.mark.parametrize("path", PATHS)
def test_each_path_exists(path: str) -> None:
    assert (PACKAGE / path).exists() or (ROOT / path).exists()


@pytest.mark.parametrize(("path", "name"), FUNCTIONS)
def test_each_function_is_defined_there(path: str, name: str) -> None:
    *outer, last = name.split(".")
    scope: list[ast.stmt] = ast.parse((PACKAGE / path).read_text()).body
    for owner in outer:
        (found,) = [node for node in scope if isinstance(node, ast.ClassDef) and node.name == owner]
        scope = found.body
    names = {getattr(node, "name", None) for node in scope}
    names |= {
        target.id
        for node in scope
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    assert last in names

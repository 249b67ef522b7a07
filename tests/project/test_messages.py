"""The pages on what is wrong speak of messages that there are: each of them is a text of the program."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("docs/messages.md", "docs/troubleshooting.md")
ANYTHING = "…"


@cache
def texts() -> tuple[str, ...]:
    """Every text of the program's code; what is put into one is the ellipsis."""
    folders = (ROOT / "daemon/smithd", ROOT / "sources/smithd_sources")
    files = [file for folder in folders for file in sorted(folder.rglob("*.py"))]
    return tuple(text for file in files for text in _texts_of(ast.parse(file.read_text("utf-8"))))


def _texts_of(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.sub(r"\{\w+\}", ANYTHING, " ".join(node.value.split()))
        elif isinstance(node, ast.JoinedStr):
            parts = (str(part.value) if isinstance(part, ast.Constant) else ANYTHING for part in node.values)
            yield " ".join("".join(parts).split())


def messages() -> list[str]:
    """What stands in backticks in the first column of the tables."""
    rows = [line for page in PAGES for line in (ROOT / page).read_text().splitlines() if line.startswith("| `")]
    return list(dict.fromkeys(text for row in rows for text in re.findall(r"`([^`]+)`", row.split(" | ")[0])))


def test_the_page_has_messages() -> None:
    assert len(messages()) > 100


@pytest.mark.parametrize("message", messages())
def test_a_message_is_a_text_of_the_program(message: str) -> None:
    parts = [part.strip() for part in message.split(ANYTHING) if len(part.strip()) > 3]
    assert parts or message.startswith(ANYTHING)
    assert any(_in_order(parts, text) for text in texts()), f"no text of the program says {message!r}"


def _in_order(parts: list[str], text: str) -> bool:
    """Whether a text has these parts, one after the other."""
    place = 0
    for part in parts:
        found = text.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return True

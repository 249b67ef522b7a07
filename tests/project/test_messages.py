"""The pages on what is wrong speak of messages that there are: each of them is a text of the program."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import cache
from pathlib import Path

import pytest

from smithd.delivery.waiting import WaitReason
from smithd.notify.reason import Reason

ROOT = Path(__file__).parents[2]
PAGES = ("docs/messages.md", "docs/troubleshooting.md")
ANYTHING = "…"


@cache
def texts() -> tuple[str, ...]:
    """Every text of the program's code; what is put into one is the ellipsis."""
    folders = (ROOT / "daemon/smithd", ROOT / "sources/smithd_sources")
    files = [file for folder in folders for file in sorted(folder.rglob("*.py"))]
    return tuple(text for file in files for text in _texts_of(ast.parse(file.read_text("utf-8"))))


def _texts_of(tree: ast.AST) -> Iterator[str]:
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
    assert any(_says(message, text) for text in texts()), f"no text of the program says {message!r}"


@cache
def warnings() -> dict[str, list[str]]:
    """The texts of each event that the log has as a warning or an error, by the event's name."""
    files = [file for file in sorted((ROOT / "daemon/smithd").rglob("*.py")) if file.name == "events.py"]
    classes = [node for file in files for node in ast.parse(file.read_text()).body if isinstance(node, ast.ClassDef)]
    warned = [each for each in classes if re.search(r"logging\.(WARNING|ERROR)", ast.unparse(each))]
    said = {each.name: [text for part in each.body[1:] for text in _texts_of(part)] for each in warned}
    return {name: found for name, found in said.items() if found}


@pytest.mark.parametrize("event", warnings())
def test_what_the_log_warns_of_stands_on_the_page(event: str) -> None:
    found = [message for message in messages() if any(_says(message, text) for text in warnings()[event])]
    assert found, f"docs/messages.md lacks what {event} says: {warnings()[event]}"


@pytest.mark.parametrize(("reasons", "page"), [(Reason, "docs/rules.md"), (WaitReason, "docs/requests.md")])
def test_every_reason_is_explained(reasons: Iterable[StrEnum], page: str) -> None:
    text = (ROOT / page).read_text()
    assert [reason for reason in reasons if f"`{reason}`" not in text] == []


def _says(message: str, text: str) -> bool:
    parts = [part.strip() for part in message.split(ANYTHING) if len(part.strip()) > 3]
    return bool(parts) and _in_order(parts, text)


def _in_order(parts: list[str], text: str) -> bool:
    """Whether a text has these parts, one after the other."""
    place = 0
    for part in parts:
        found = text.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return True

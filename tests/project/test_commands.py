"""Every command that the documentation has a reader type is one that smithd has, with the options that it names."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from smithd.cli.main import group

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
_IN_BLOCKS = re.compile(r"^ *\$ (?:[^#\n]*[\s/])?smithd ([a-z](?:.*\\\n)*.*)", re.MULTILINE)
_IN_TEXTS = re.compile(r"`(?:sudo )?(?:\S*/)?smithd ((?!is |cannot |did )[a-z][^`]*)`")
"""What begins so is a message, and no command."""


def typed() -> list[str]:
    """What the pages have typed after the word smithd."""
    text = "\n".join(page.read_text() for page in PAGES)
    lines = (line.replace("\\\n", " ") for pattern in (_IN_BLOCKS, _IN_TEXTS) for line in pattern.findall(text))
    return sorted({shlex.join(shlex.split(line, comments=True)) for line in lines})


def test_the_pages_have_commands() -> None:
    assert len(typed()) > 60


@pytest.mark.parametrize("line", typed())
def test_a_command_of_the_documentation_is_there(line: str) -> None:
    command, words = resolved(shlex.split(line))
    # With the settings of the program, since a command remembers which options for help it has.
    context = click.Context(command, **group.context_settings)
    known = {option for parameter in command.get_params(context) for option in parameter.opts}
    assert [word for word in words if word.startswith("--") and word.partition("=")[0] not in known] == []


def resolved(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that words name, and those after it."""
    first = group.get_command(click.Context(group), words[0])
    assert first is not None, f"there is no command {words[0]}"
    second = first.get_command(click.Context(first), words[1]) if isinstance(first, click.Group) and words[1:] else None
    return (first, words[1:]) if second is None else (second, words[2:])

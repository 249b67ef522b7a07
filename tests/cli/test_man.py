"""The manual pages say what the help says, and man itself finds no fault with them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from smithd.cli.main import COMMANDS, group
from smithd.cli.roff import ManualPage, roff


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("manual")
    done = CliRunner().invoke(group, ["man", str(folder)])
    assert done.exit_code == 0, done.output
    return folder / "man1"


def every_command(command: click.Command, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    yield context.command_path.replace(" ", "-"), command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from every_command(found, click.Context(found, info_name=name, parent=context))


def commands() -> dict[str, click.Command]:
    return dict(every_command(group, click.Context(group, info_name="smithd")))


def shown(page: Path) -> str:
    """The page as man shows it, on lines that are long enough for every paragraph."""
    if shutil.which("groff") is None:
        pytest.skip("needs groff: apt-get install groff-base")
    command = ["groff", "-ww", "-man", "-Tutf8", "-P-cbou", "-rLL=2000n", "-rHY=0", str(page)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == "", f"{page.name}: {done.stderr}"
    return done.stdout


def words(text: str) -> str:
    return " ".join(text.replace("\b", "").split())


def test_there_is_a_page_for_each_command(pages: Path) -> None:
    assert {page.stem for page in pages.iterdir()} == set(commands())


def test_each_page_has_the_texts_of_the_help_and_roff_warns_of_nothing(pages: Path) -> None:
    for name, command in commands().items():
        found = words(shown(pages / f"{name}.1"))
        assert words(command.help or "") in found, name
        for paragraph in (command.epilog or "").split("\n\n"):
            assert words(paragraph).partition(": ")[2] in found, name
        for option in (option for option in command.params if isinstance(option, click.Option)):
            assert option.opts[0] in found, name
            assert words(option.help or "") in found, name


def test_the_first_page_names_every_command_with_its_line_of_the_help(pages: Path) -> None:
    found = words(shown(pages / "smithd.1"))
    for name, does in COMMANDS.items():
        assert f"smithd-{name}(1) {does}" in found


@pytest.mark.parametrize(
    "text",
    [
        ".SH not a request",
        "'br neither",
        r"C:\new\fP and \(aq",
        '-c FILE --log-level "a-b" ~/.config `x` 2^3',
        "\b\n.TH in a paragraph\n  as-it-is\n\n\b\n'and another",
        "two lines\nof one paragraph",
    ],
)
def test_no_text_is_taken_for_roff(text: str, tmp_path: Path) -> None:
    page = tmp_path / "page.1"
    page.write_text(roff(ManualPage("smithd x", "1", "s", "smithd x", text, [("--option", text)], [], "")))
    assert shown(page).count("\n") < 40
    assert words(shown(page)).count(words(text)) == 2


def test_a_directory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "man1").write_text("")
    refused = CliRunner().invoke(group, ["man", str(tmp_path)])
    assert (refused.exit_code, refused.output) == (1, f"Error: {tmp_path / 'man1'}: File exists\n")

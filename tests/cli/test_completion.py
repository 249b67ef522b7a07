"""What a shell offers on Tab, asked of the shells themselves with the scripts that smithd prints."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from smithd.cli.completion import SHELLS
from smithd.cli.main import COMMANDS, group

Offered = Callable[[str], set[str]]
"""The words that a shell offers for a command line whose end is to be completed."""

# $1 is the script, the further ones are the words of the line. compopt works in a completion only.
BASH = """
compopt() { :; }
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_smithd_completion smithd "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""
# _describe and compadd work in a completion only: these write what they are given.
ZSH = """
compdef() { :; }
_describe() { print -rl -- ${${(P)3}%%:*}; }
compadd() { print -rl -- ${(P)5}; }
_path_files() { print -rl -- *; }
source "$1"; shift
words=("$@"); CURRENT=$#
_smithd_completion
"""
FISH = """
source $argv[1]
complete --do-complete (string join ' ' -- $argv[2..])
"""
COMMAND = {"bash": ["bash", "--norc"], "zsh": ["zsh", "-f"], "fish": ["fish", "--no-config"]}


@pytest.fixture(params=SHELLS)
def offered(request: pytest.FixtureRequest, tmp_path: Path) -> Offered:
    shell: str = request.param
    if shutil.which(shell) is None:
        pytest.skip(f"needs the shell: apt-get install {shell}")
    printed = CliRunner().invoke(group, ["completion", shell])
    assert printed.exit_code == 0, printed.output
    script, program = tmp_path / "smithd.completion", tmp_path / "program"
    script.write_text(printed.stdout)
    program.write_text({"bash": BASH, "zsh": ZSH, "fish": FISH}[shell])
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "smithd.yaml").write_text("")
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}

    def ask(line: str) -> set[str]:
        command = [*COMMAND[shell], str(program), str(script), *line.split(" ")]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return {row.split("\t")[0] for row in done.stdout.splitlines() if row}

    return ask


def test_all_commands(offered: Offered) -> None:
    assert offered("smithd ") == set(COMMANDS)


def test_a_command_that_is_begun(offered: Offered) -> None:
    assert offered("smithd sil") == {"silence"}


def test_the_commands_of_a_command(offered: Offered) -> None:
    assert offered("smithd silence ") == {"add", "expire", "list"}


def test_options(offered: Offered) -> None:
    assert {"--config", "--log-level", "--help"} <= offered("smithd run --")


def test_the_choices_of_an_option(offered: Offered) -> None:
    assert offered("smithd run --log-level w") == {"warning", "web="}
    assert offered("smithd run --log-level state=w") >= {"state=warning"}


def test_after_an_unknown_command_nothing_is_offered_and_nothing_is_printed(offered: Offered) -> None:
    assert offered("smithd chek --log") == set()


def test_the_configuration_is_a_file(offered: Offered, request: pytest.FixtureRequest) -> None:
    found = offered("smithd run -c smi")
    # bash completes a file itself, where no word is offered.
    assert found == (set() if "[bash]" in request.node.name else {"smithd.yaml"})


def test_what_zsh_and_fish_say_of_a_command_is_what_the_help_says() -> None:
    environment = {"_SMITHD_COMPLETE": "fish_complete", "COMP_WORDS": "smithd sil", "COMP_CWORD": "sil"}
    asked = subprocess.run(
        [sys.executable, "-m", "smithd"], env=os.environ | environment, capture_output=True, text=True, check=True
    )
    assert asked.stdout == f"plain,silence\t{COMMANDS['silence']}\n"


@pytest.mark.skipif(shutil.which("fish") is None, reason="needs fish")
def test_fish_shows_descriptions_beyond_their_first_comma(tmp_path: Path) -> None:
    program = tmp_path / "smithd"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m smithd "$@"\n')
    program.chmod(0o755)
    line = "smithd completion fish | source; complete -C 'smithd status'"
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    shown = subprocess.run(
        ["fish", "--no-config", "-c", line], env=environment, capture_output=True, text=True, check=True
    )
    assert shown.stdout == f"status\t{COMMANDS['status']}\n"


def test_another_shell_is_refused_with_the_names_of_those_there_are() -> None:
    refused = CliRunner().invoke(group, ["completion", "tcsh"])
    assert refused.exit_code == 2
    assert "'bash', 'zsh', 'fish'" in refused.output

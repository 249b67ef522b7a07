"""The launch agent for macOS is a property list whose program starts smithd; launchd itself is not here to ask."""

from __future__ import annotations

import plistlib
import subprocess
from pathlib import Path

AGENT = Path(__file__).parents[2] / "examples/launchd/local.smithd.plist"


def test_its_program_becomes_smithd_with_the_configuration_and_the_log_of_the_user(tmp_path: Path) -> None:
    home = tmp_path / "a home"
    for folder in (".local/bin", "Library/Logs"):
        (home / folder).mkdir(parents=True)
    smithd = home / ".local/bin/smithd"
    smithd.write_text('#!/bin/sh\necho $$ "$@"\necho a message >&2\n')
    smithd.chmod(0o755)
    command = plistlib.loads(AGENT.read_bytes())["ProgramArguments"]
    with subprocess.Popen(command, env={"HOME": str(home)}, stdin=subprocess.DEVNULL) as started:
        pass
    log = (home / "Library/Logs/smithd.log").read_text()
    assert log == f"{started.pid} run -c {home}/.config/smithd/smithd.yaml\na message\n"


def test_it_is_started_again_unless_it_was_stopped_and_has_its_label_as_its_name() -> None:
    agent = plistlib.loads(AGENT.read_bytes())
    assert (agent["RunAtLoad"], agent["KeepAlive"]) == (True, {"SuccessfulExit": False})
    assert agent["Label"] == AGENT.stem
    assert oct(agent["Umask"]) == "0o77"

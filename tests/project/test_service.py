"""The systemd unit is one that systemd itself has nothing to say against."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from smithd.cli.main import LOST, MISTAKE
from smithd.control import SERVICE_FOLDER
from smithd.runtime.pulse import STALLED_AFTER

UNIT = Path(__file__).parents[2] / "systemd" / "smithd.service"
TEMPLATE = UNIT.with_name("smithd@.service")
DROP_IN = UNIT.parent / "smithd.service.d" / "secrets.conf"
EXPOSURE = 12  # tenths, of 100: what is left over is the network, and /proc for sources that look at the host


@pytest.fixture
def analyze() -> str:
    return shutil.which("systemd-analyze") or pytest.skip("systemd-analyze is not installed")


@pytest.mark.parametrize("drop_in", ["", DROP_IN.read_text()], ids=["alone", "with the drop-in"])
@pytest.mark.parametrize(("source", "name"), [(UNIT, "smithd.service"), (TEMPLATE, "smithd@shop.service")])
def test_systemd_verifies_the_unit(source: Path, name: str, drop_in: str, analyze: str, tmp_path: Path) -> None:
    executable = tmp_path / "smithd"
    executable.write_text("#!/bin/sh\n")
    executable.chmod(0o755)
    unit = tmp_path / name
    unit.write_text(source.read_text().replace("/opt/smithd/bin/smithd", str(executable)))
    (tmp_path / f"{name}.d").mkdir()
    (tmp_path / f"{name}.d" / DROP_IN.name).write_text(drop_in)
    done = subprocess.run([analyze, "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("unit", [UNIT, TEMPLATE])
def test_the_sandbox_stays_strict(unit: Path, analyze: str) -> None:
    command = [analyze, "security", "--offline=true", f"--threshold={EXPOSURE}", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_each_configuration_of_the_template_has_a_state_and_a_key_of_its_own_and_the_same_sandbox() -> None:
    unit, template = (path.read_text().partition("[Unit]")[2].splitlines() for path in (UNIT, TEMPLATE))
    assert len(unit) == len(template)
    assert [after for before, after in zip(unit, template, strict=True) if before != after] == [
        "Description=smithd for %i, metrics and alerts on an iPhone's Lock Screen",
        "ExecStart=/opt/smithd/bin/smithd run -c /etc/smithd/%i/smithd.yaml",
        "ExecReload=/opt/smithd/bin/smithd reload -c /etc/smithd/%i/smithd.yaml",
        "ConfigurationDirectory=smithd/%i",
        "StateDirectory=smithd-%i",
        "RuntimeDirectory=smithd-%i",
        "LoadCredential=activitysmith_key:/etc/smithd/%i/activitysmith_key",
    ]


def test_a_reload_waits_for_the_outcome_at_the_socket_that_the_service_has() -> None:
    lines = dict(line.split("=", 1) for line in UNIT.read_text().splitlines() if "=" in line and line[0].isalpha())
    assert lines["Type"] == "notify"
    assert lines["ExecReload"] == lines["ExecStart"].replace("smithd run", "smithd reload")
    assert (lines["RuntimeDirectory"], lines["RuntimeDirectoryMode"]) == (SERVICE_FOLDER.name, "0700")


def test_a_daemon_that_has_lost_its_state_is_not_restarted_and_a_crash_keeps_the_runtime_folder() -> None:
    lines = dict(line.split("=", 1) for line in UNIT.read_text().splitlines() if "=" in line and line[0].isalpha())
    assert {str(MISTAKE), str(LOST)} <= set(lines["RestartPreventExitStatus"].split())
    assert lines["RuntimeDirectoryPreserve"] == "restart"


def test_the_service_may_open_a_connection_to_each_of_10_000_sources_without_raising_its_soft_limit() -> None:
    (limit,) = [line.partition("=")[2] for line in UNIT.read_text().splitlines() if line.startswith("LimitNOFILE=")]
    # A single number is both limits, and raising one is what the sandbox refuses.
    assert int(limit) >= 11_000


@pytest.mark.parametrize("unit", [UNIT, TEMPLATE])
def test_a_service_that_stands_still_is_started_again_and_only_its_main_process_gives_signs_of_life(unit: Path) -> None:
    lines = dict(line.split("=", 1) for line in unit.read_text().splitlines() if "=" in line and line[0].isalpha())
    assert (lines["WatchdogSec"], lines["NotifyAccess"], lines["Restart"]) == ("30s", "main", "on-failure")
    # Less than thrice what may pass without a turn of the loop would end a daemon that is only slow.
    assert float(lines["WatchdogSec"].removesuffix("s")) >= 3 * STALLED_AFTER


def test_the_example_of_a_drop_in_has_the_lines_of_the_guide() -> None:
    lines = {line for line in DROP_IN.read_text().splitlines() if line and not line.startswith("#")}
    guide = (UNIT.parents[1] / "docs" / "service.md").read_text()
    assert "\n".join(line for line in DROP_IN.read_text().splitlines() if line in lines) in guide

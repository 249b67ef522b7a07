"""``smithd sources new``: what it writes works as it is, and is found as a third party's package is."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from smithd.cli.main import run


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new")
    assert run(["sources", "new", "fuel_prices", "--into", str(folder)]) == 0
    return folder / "smithd-fuel-prices"


def python(package: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(package), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, *arguments]
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(
        command, cwd=package, env=environment, capture_output=True, text=True, check=False, timeout=100
    )


def test_its_tests_pass(package: Path) -> None:
    done = python(package, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "17 passed" in done.stdout


def test_smithd_finds_it_where_it_is_installed(package: Path) -> None:
    """Installed as pip does it: what counts is the file that pip makes of ``[project.entry-points]``."""
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    group = project["entry-points"]["smithd.sources"]
    installed = package / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    lines = [f"{name} = {target}" for name, target in group.items()]
    (installed / "entry_points.txt").write_text("\n".join(["[smithd.sources]", *lines]) + "\n")
    listed = python(package, "-m", "smithd", "sources", "fuel_prices").stdout
    assert "fuel_prices: One number from a web service." in listed
    assert "the address to ask" in listed
    described = python(package, "-m", "smithd", "schema").stdout
    assert '"fuel_prices_source"' in described


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["FuelPrices"], "like 'fuel_prices'"),
        (["1"], "expected small letters"),
        (["a", "--into", "/proc/no"], "/proc/no"),
        (["none"], "a keyword of Python"),
        (["class"], "a keyword of Python"),
        (["raw_sample"], "its class would be called RawSample, as something that it needs"),
        (["value_error"], "its class would be called ValueError"),
        (["test_contract"], "its class would be called TestContract"),
        (["http_json"], "an installed package has this type already"),
        (["list"], "'smithd sources list' means something else"),
        (["sources"], "there is a package smithd_sources already"),
    ],
)
def test_mistakes_are_explained(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["sources", "new", *arguments]) != 0
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (package / "README.md").read_text()
    assert run(["sources", "new", "fuel_prices", "--into", str(package.parent)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert (package / "README.md").read_text() == before

"""The wheel has all that smithd needs: built with the locked tools, installed into an environment of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
BUILD_TOOLS = Path(sys.prefix) / "build"


def run(*command: str | Path, folder: Path) -> str:
    """What a command prints; it finds no other smithd than that of its own environment."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(BUILD_TOOLS), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(
        [str(word) for word in command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not BUILD_TOOLS.exists():
        pytest.skip(f"needs the locked build tools in {BUILD_TOOLS}: 'make test' puts them there")
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "-q", "wheel", "--no-deps", "-w", folder, ROOT, folder=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel; what smithd depends on is that of the tests, since nothing is downloaded."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "--without-pip", folder, folder=folder)
    (library,) = folder.glob("lib/python*/site-packages")
    for found in Path(sysconfig.get_path("purelib")).iterdir():
        if found.suffix != ".pth" and not found.name.startswith("smithd"):
            (library / found.name).symlink_to(found)
    pip = (sys.executable, "-m", "pip", "--python", folder / "bin/python", "-q")
    run(*pip, "install", "--no-deps", "--no-warn-script-location", wheel, folder=folder)
    return folder


def test_the_wheel_has_every_file_of_the_packages(wheel: Path) -> None:
    folders = (ROOT / "daemon/smithd", ROOT / "sources/smithd_sources")
    expected = {
        path.relative_to(folder.parent).as_posix()
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in ZipFile(wheel).namelist() if ".d" not in name.split("/")[0]} == expected


def test_no_secret_and_nothing_of_this_machine_is_in_the_wheel(wheel: Path) -> None:
    names = ZipFile(wheel).namelist()
    assert not [name for name in names if re.search(r"\.(db|pyc|sock|log|env)$|/\.|__pycache__", name)]


def test_the_program_is_that_of_the_wheel_and_knows_its_version(wheel: Path, installed: Path) -> None:
    place = run(installed / "bin/python", "-c", "import smithd; print(smithd.__file__)", folder=installed)
    assert Path(place.strip()).is_relative_to(installed)
    version = run(installed / "bin/smithd", "--version", folder=installed).split()[-1]
    assert wheel.name.startswith(f"smithd-{version}-")


def test_the_help_names_documentation_that_is_there(installed: Path) -> None:
    text = run(installed / "bin/smithd", "--help", folder=installed)
    found = re.search(r"Documentation: (\S+/README\.md)", text)
    assert found is not None
    assert Path(found[1]).is_relative_to(installed)
    assert Path(found[1]).exists()
    # What the help of commands names lies beside it.
    assert (Path(found[1]).parent / "docs/simulator.md").exists()


def test_the_links_of_the_documentation_hold_where_it_is_installed(installed: Path) -> None:
    pages = [page for page in (installed / "share/doc/smithd").rglob("*.md") if "smithd-host" not in page.parts]
    assert len(pages) > 10
    for page in pages:
        for link in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
            if "://" not in link:
                assert (page.parent / link).exists(), f"{page.name} links to {link}"


def test_every_type_of_source_is_listed(installed: Path) -> None:
    text = run(installed / "bin/smithd", "sources", folder=installed)
    assert all(name in text for name in ("http_json", "prometheus", "sql", "stripe"))


def test_a_configuration_is_checked_played_and_made(installed: Path) -> None:
    smithd, rules = installed / "bin/smithd", installed / "share/doc/smithd/examples/rules"
    run(smithd, "check", rules / "smithd.yaml", folder=installed)
    run(smithd, "test", rules / "rules.test.yaml", folder=installed)
    run(smithd, "sources", "new", "weather", folder=installed)
    run(smithd, "man", installed / "share/man", folder=installed)
    assert (installed / "share/man/man1/smithd-run.1").exists()

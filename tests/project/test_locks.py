"""The locks name one version and its hashes for everything, and agree with each other and with pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-docs.lock", "requirements-build.lock"]


def locked(name: str) -> dict[str, str]:
    """What a lock file asks for: the line without its hashes, by package; fails where one has no hash."""
    entries = (ROOT / name).read_text().replace("\\\n", " ").splitlines()
    assert all("--hash=sha256:" in entry for entry in entries)
    found = [(re.split(r"[=<>!~ ]", entry)[0], entry.partition(" --hash")[0].strip()) for entry in entries]
    assert len(dict(found)) == len(found), "a version that only another Python gets is one that no test has seen"
    return dict(found)


@pytest.mark.parametrize("name", LOCKS)
def test_every_version_is_pinned(name: str) -> None:
    assert all("==" in requirement for requirement in locked(name).values())


def test_tests_run_on_the_versions_that_users_run() -> None:
    assert locked("requirements.lock").items() <= locked("requirements-dev.lock").items()


def test_the_site_is_built_in_the_environment_of_the_tests() -> None:
    tests, site = locked("requirements-dev.lock"), locked("requirements-docs.lock")
    assert {name: site[name] for name in site.keys() & tests} == {name: tests[name] for name in site.keys() & tests}


def test_the_build_lock_has_the_backend_that_the_project_names() -> None:
    (backend,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert backend in locked("requirements-build.lock").values()

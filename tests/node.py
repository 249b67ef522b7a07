"""Node, and packages of it as a lock file names them."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

LOCK = ("package.json", "package-lock.json")


def installed(command: str) -> str:
    """Where a command is; skips the test where it is missing."""
    found = shutil.which(command)
    if found is None:
        pytest.skip(f"needs {command}: apt-get install nodejs npm")
    return found


@contextmanager
def packages(locked: Path) -> Iterator[Path]:
    """A folder with the packages that the lock file in another one names; skips the test where they cannot be had."""
    npm = installed("npm")
    with tempfile.TemporaryDirectory(prefix="smithd-node-") as name:
        for file in LOCK:
            shutil.copy(locked / file, name)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=name, capture_output=True, text=True, timeout=100, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            pytest.skip(f"npm cannot install what {locked} names: {done.stderr.strip()[-500:]}")
        yield Path(name)

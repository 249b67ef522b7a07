"""A machine of its own: Debian with a real systemd, booted in a container, with this checkout in ``/root/smithd``.

What it is made of is prepared once, with the network, and kept in the folder that ``SMITHD_MACHINE`` names; the machine
itself installs from there. It shares the loopback of this machine, where the service and the shop of ``world`` listen.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from e2e.world import wait_until

ROOT = Path(__file__).parents[2]
KEPT = Path(os.environ.get("SMITHD_MACHINE", "/var/tmp/smithd-machine"))
SUITE, PYTHON = "bookworm", "3.11"
PACKAGES = "systemd,systemd-sysv,dbus,python3,python3-venv,procps,sudo"
ENVIRONMENT = ("env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8")
GUIDE = (ROOT / "docs" / "service.md").read_text()


class Machine:
    """A machine that can be booted, asked, and cut off from its power."""

    def __init__(self, folder: Path) -> None:
        self.tree = folder
        self._container: subprocess.Popen[bytes] | None = None
        self._init = 0

    def boot(self) -> None:
        """Boot it, and wait until it is up."""
        command = ["systemd-nspawn", "-q", "-D", str(self.tree), "--boot", "--register=no", "--keep-unit"]
        wheels = f"--bind-ro={KEPT / 'wheels'}:/wheels"
        with (self.tree.parent / "console").open("ab") as console:
            # In a group of its own: Ctrl-C is for the tests, which end it.
            self._container = subprocess.Popen(
                [*command, "--console=pipe", "--link-journal=no", wheels],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )
        wait_until(lambda: self._found_init() and self._is_up(), 120, "the machine to boot")

    def _found_init(self) -> bool:
        assert self._container is not None
        children = Path(f"/proc/{self._container.pid}/task/{self._container.pid}/children").read_text().split()
        self._init = int(children[0]) if children else 0
        return bool(children)

    def _is_up(self) -> bool:
        asked = subprocess.run(self._inside("systemctl is-system-running"), capture_output=True, text=True, check=False)
        return asked.stdout.strip() in ("running", "degraded")

    def cut_power(self) -> None:
        """End all of its processes at once, without a word to any."""
        assert self._container is not None
        if self._container.poll() is None and self._init:
            os.kill(self._init, signal.SIGKILL)
        self._container.wait(60)

    def run(self, command: str, given: str = "", status: int | None = 0) -> str:
        """What a command of the shell says, both streams, run as root in the checkout; ``given`` is its input."""
        done = subprocess.run(
            self._inside(f"cd /root/smithd && {command}"),
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=600,
        )
        assert status is None or done.returncode == status, f"$ {command}\n{done.stdout}"
        return done.stdout

    def _inside(self, command: str) -> list[str]:
        spaces = ("-m", "-u", "-i", "-p", "-n", "-r", "-w")
        return ["nsenter", "-t", str(self._init), *spaces, *ENVIRONMENT, "sh", "-c", command]

    def property(self, name: str, unit: str = "smithd") -> str:
        """A property of a unit, as systemd has it."""
        return self.run(f"systemctl show -P {name} {unit}").strip()

    def journal(self, *matches: str, unit: str = "smithd") -> str:
        """What the journal has of a unit."""
        return self.run(f"journalctl -u {unit} -o cat --no-pager {' '.join(matches)}")


def commands(section: str) -> list[str]:
    """The commands of a section of docs/service.md, as they stand there, one after another."""
    text = re.split(r"(?m)^## ", GUIDE.partition(f"\n## {section}\n")[2])[0]
    blocks = re.findall(r"(?ms)^ *```console\n(.*?)```", text)
    assert blocks, f"docs/service.md has no commands under '{section}'"
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line.partition("$ ")[2] for line in lines if line.lstrip().startswith("$ ")]


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    """A machine in a folder, booted; skips the test where there can be none."""
    _prepare()
    tree = folder / "machine"
    subprocess.run(["cp", "-a", "--reflink=auto", str(KEPT / "tree"), str(tree)], check=True)
    (tree / "etc" / "pip.conf").write_text("[global]\nno-index = true\nfind-links = /wheels\n")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, tracked.split("\0")):
        place = tree / "root" / "smithd" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, place)
    found = Machine(tree)
    try:
        found.boot()
        yield found
    finally:
        found.cut_power()
        shutil.rmtree(tree)


def _prepare() -> None:
    """Have a tree of Debian and all wheels in the folder that is kept."""
    lacking = [name for name in ("systemd-nspawn", "debootstrap", "nsenter") if shutil.which(name) is None]
    if lacking:
        pytest.skip(f"needs {', '.join(lacking)}: apt-get install systemd-container debootstrap util-linux")
    if os.geteuid() != 0:
        pytest.skip("only root can boot a machine in a container: sudo .venv/bin/python -m pytest ...")
    wheels, tree = KEPT / "wheels", KEPT / "tree"
    if not tree.exists():
        made = KEPT / "tree.part"
        shutil.rmtree(made, ignore_errors=True)
        _fetch("debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(made))
        made.rename(tree)
    locks = [ROOT / "requirements.lock", ROOT / "requirements-build.lock"]
    complete = wheels / f"complete-{hashlib.sha256(b''.join(lock.read_bytes() for lock in locks)).hexdigest()}"
    if not complete.exists():
        for lock in locks:
            # The machine's Python is the one of its Debian.
            asked = ["--require-hashes", "--only-binary=:all:", "--python-version", PYTHON, "-d", str(wheels), "-r"]
            _fetch(sys.executable, "-m", "pip", "-q", "download", *asked, str(lock))
        complete.touch()


def _fetch(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"needs the network once, to fill {KEPT}: {command[0]} failed: {done.stderr.strip()[-300:]}")

"""Real servers on loopback: one that answers as a test says, and a real Prometheus."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest


@dataclass(frozen=True)
class Certificate:
    """A certificate for 127.0.0.1 that is its own authority."""

    cert_file: Path
    key_file: Path

    def context(self, ask_for_certificate: bool = False) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert_file, self.key_file)
        if ask_for_certificate:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.cert_file)
        return context


def make_certificate(folder: Path) -> Certificate:
    """A new certificate; skips the test where openssl is missing."""
    openssl = installed("openssl", "openssl")
    made = Certificate(folder / "cert.pem", folder / "key.pem")
    command = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=loopback"
    command += f" -addext subjectAltName=IP:127.0.0.1 -keyout {made.key_file} -out {made.cert_file}"
    subprocess.run([openssl, *command.split()], check=True, capture_output=True)
    return made


def installed(command: str, package: str, path: str | None = None) -> str:
    """The whole path of a command; skips the test where it is missing."""
    found = shutil.which(command, path=path)
    if found is None:
        pytest.skip(f"needs {command}: apt-get install {package}")
    return found


@contextmanager
def prometheus(openmetrics: str, files: Mapping[str, bytes] = {}, *, lookback: str = "1h") -> Iterator[str]:
    """The address (host:port) of a real Prometheus that holds this back-filled data; stopped at the end.

    ``files`` are put beside its configuration; one called ``web.yml`` is its ``--web.config.file``. An unprivileged
    user runs it. Skips the test where it is missing.
    """
    server, promtool = installed("prometheus", "prometheus"), installed("promtool", "prometheus")
    with tempfile.TemporaryDirectory(prefix="prometheus-") as name:
        folder = Path(name)
        for file, content in {"prometheus.yml": b"{}", "data.om": openmetrics.encode(), **files}.items():
            (folder / file).write_bytes(content)
        fill = [promtool, "tsdb", "create-blocks-from", "openmetrics", str(folder / "data.om"), str(folder / "data")]
        subprocess.run(fill, check=True, capture_output=True)
        command = f"--config.file=prometheus.yml --storage.tsdb.path=data --query.lookback-delta={lookback}"
        command += " --web.listen-address=127.0.0.1:0" + " --web.config.file=web.yml" * ("web.yml" in files)
        process = subprocess.Popen(
            [server, *command.split()], cwd=folder, stderr=subprocess.PIPE, text=True, **unprivileged(folder)
        )
        try:
            assert process.stderr is not None
            yield _ready(process.stderr)
        finally:
            process.terminate()
            process.communicate()


def unprivileged(folder: Path) -> dict[str, Any]:
    """What lets subprocess run a server in this folder as nobody, where we are root: servers refuse root."""
    if os.geteuid() != 0:
        return {}
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, "nobody", "nogroup")
    return {"user": "nobody", "group": "nogroup", "extra_groups": []}


def _ready(log: IO[str]) -> str:
    """The address that the server says it listens on; returns when it is ready."""
    address, ready, lines = "", False, []
    for line in log:  # the two lines come in any order
        lines.append(line)
        if found := re.search(r'msg="Listening on" address=(\S+)', line):
            address = found[1]
        ready = ready or "Server is ready to receive web requests" in line
        if address and ready:
            threading.Thread(target=log.read, daemon=True).start()  # so that it can go on writing
            return address
    raise AssertionError("Prometheus did not start:\n" + "".join(lines))

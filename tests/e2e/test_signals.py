"""``smithd run`` as a service manager sees it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from e2e.test_run import configured, data
from e2e.world import await_polls, wait_until, world

PLUGIN = """
import time
from smithd.plugin import Options, Sample, Source

class Hung(Source[Options]):
    Options = Options

    @classmethod
    def metrics(cls, options):
        return ["x"]

    def poll(self):
        while True:
            time.sleep(1000)

class Blocking(Hung):
    async def poll(self):
        time.sleep(1000)
"""


def test_it_says_when_it_is_ready_and_when_it_stops_and_that_it_cannot_reload(tmp_path: Path) -> None:
    with world(data()) as (service, shop, url), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(60)
        config = configured(tmp_path, service.key, url)
        (tmp_path / "hung.py").write_text(PLUGIN)
        config.write_text(
            config.read_text().replace(
                "sources:\n",
                "plugins: [hung.py]\nsources:\n  stuck: {type: hung, every: 1s}\n"
                "  blocked: {type: blocking, every: 1s}\n",
            )
        )
        environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        command = [sys.executable, "-m", "smithd", "run", "-c", str(config)]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        try:
            assert manager.recv(100) == b"READY=1"
            await_polls(shop, 1)
            process.send_signal(signal.SIGHUP)
            await_polls(shop, 3)
            process.send_signal(signal.SIGTERM)
            assert manager.recv(100) == b"STOPPING=1"
            wait_until(lambda: process.poll() is not None, what="the end, with a plugin that hangs")
        finally:
            process.kill()
            _, log = process.communicate()
    assert process.returncode == 0
    assert "restart smithd" in log
    assert "Traceback" not in log

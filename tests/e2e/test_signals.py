"""``smithd run`` as a service manager sees it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.test_run import configured, data
from e2e.world import await_polls, smithd, wait_until, world
from smithd.cli.main import run
from smithd.serving import bind

PLUGIN = """
import time
from concurrent.futures import ThreadPoolExecutor
from smithd.plugin import Options, RawSample, Source

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

class Littering(Hung):
    def poll(self):
        ThreadPoolExecutor().submit(time.sleep, 1000)
        return []
"""


def told(manager: socket.socket) -> dict[str, str]:
    """What the service manager was told next, but for sentences and signs of life."""
    while True:
        said = dict(line.split("=", 1) for line in manager.recv(1000).decode().splitlines())
        if not said.keys() & {"STATUS", "WATCHDOG"}:
            return said


def test_it_says_when_it_is_ready_when_it_reloads_and_when_it_stops(tmp_path: Path) -> None:
    with world(data(errors=7)) as (service, _, url), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
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
            assert told(manager) == {"READY": "1"}
            wait_until(lambda: len(service.of("push-notification-send")) == 1, what="the push")
            wait_until(lambda: all(request.answered for request in service.requests), what="the answers")
            right = config.read_text()
            config.write_text(right.replace('"> 5"', "5 up"))
            process.send_signal(signal.SIGHUP)
            reloading = told(manager)
            assert reloading["RELOADING"] == "1"
            assert reloading["MONOTONIC_USEC"].isdigit()
            assert told(manager) == {"READY": "1"}
            config.write_text(right.replace("shop.orders:", "shop.new:"))
            process.send_signal(signal.SIGHUP)
            assert told(manager)["RELOADING"] == "1"
            assert told(manager) == {"READY": "1"}
            wait_until(lambda: service.of("metric-value")[-1].name == "shop.new", what="the new widget")
            process.send_signal(signal.SIGTERM)
            assert told(manager) == {"STOPPING": "1"}
            wait_until(lambda: process.poll() is not None, what="the end, with a plugin that hangs")
        finally:
            process.kill()
            _, log = process.communicate()
    assert process.returncode == 0
    assert len(service.of("push-notification-send")) == 1
    assert re.search(r"ERROR +\S*smithd\.yaml:\d+:\d+: expected a comparison", log)
    assert "configuration reloaded; sources that go on: 3" in log
    assert "Traceback" not in log


def test_a_pool_of_threads_that_a_plugin_leaves_behind_does_not_keep_it_from_ending(tmp_path: Path) -> None:
    with world(data()) as (service, shop, url):
        config = configured(tmp_path, service.key, url)
        (tmp_path / "hung.py").write_text(PLUGIN)
        littering = "plugins: [hung.py]\nsources:\n  litter: {type: littering, every: 1s}\n"
        config.write_text(config.read_text().replace("sources:\n", littering))
        with smithd(config) as process:
            await_polls(shop, 10)
            process.terminate()
            wait_until(lambda: process.poll() is not None, what="the end, with a pool left behind")
    assert process.returncode == 0


def test_the_command_line_has_it_reload(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with world(data()) as (service, shop, url):
        config = configured(tmp_path, service.key, url)
        assert run(["reload", "-c", str(config)]) == 1
        assert "smithd is not running" in capsys.readouterr().err
        with smithd(config):
            await_polls(shop, 1)
            assert run(["reload", "-c", str(config)]) == 0
            assert "sources that go on: 1" in capsys.readouterr().out
            config.write_text(config.read_text().replace("rules:", "ruels:"))
            assert run(["reload", "-c", str(config)]) == 2
            assert "did you mean 'rules'?" in capsys.readouterr().err
        assert run(["reload", "-c", str(config)]) == 1


def test_a_page_whose_port_is_taken_is_a_failure_of_the_moment(tmp_path: Path) -> None:
    with world(data()) as (service, _, url), bind("127.0.0.1", 0) as taken:
        config = configured(tmp_path, service.key, url)
        with config.open("a") as file:
            file.write(f'web: {{listen: "127.0.0.1:{taken.getsockname()[1]}"}}\n')
        with smithd(config) as process:
            assert process.wait(15) == 1
        assert "another program uses this port" in (tmp_path / "smithd.log").read_text()


def test_ctrl_c_ends_it_in_order_with_the_status_of_an_interrupt(tmp_path: Path) -> None:
    with world(data()) as (service, shop, url), smithd(configured(tmp_path, service.key, url)) as process:
        await_polls(shop, 1)
        process.send_signal(signal.SIGINT)
        wait_until(lambda: process.poll() is not None, what="the end")
    assert process.returncode == 130

"""smithd as monitors see it: a real Prometheus that scrapes it, and a service manager's watchdog."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from e2e.test_signals import PLUGIN
from e2e.world import await_polls, smithd, wait_until, world
from servers import prometheus
from smithd.serving import bind

TOKEN = "a-token-for-prometheus"
CONFIG = """
activitysmith: {{api_key: {key}, base_url: "{url}/api"}}
state: sqlite:///state.db
web: {{listen: "127.0.0.1:{port}", token: {token}}}
sources:
  shop: {{type: http_json, url: "{url}/shop", every: 300ms, metrics: {{orders: $.orders}}}}
rules:
  many: {{metric: shop.orders, critical: "> 5", push: true}}
"""
SCRAPE = """
global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs:
  - job_name: smithd
    authorization: {{credentials: {token}}}
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


def free_port() -> int:
    with bind("127.0.0.1", 0) as listener:
        port: int = listener.getsockname()[1]
    return port


def asked(address: str, query: str) -> list[float]:
    """The values that a Prometheus has for a query."""
    with urllib.request.urlopen(f"http://{address}/api/v1/query?query={quote(query)}") as answer:
        found: dict[str, Any] = json.load(answer)
    return [float(each["value"][1]) for each in found["data"]["result"]]


def test_a_real_prometheus_scrapes_it_with_the_token(tmp_path: Path) -> None:
    port = free_port()
    files = {"prometheus.yml": SCRAPE.format(token=TOKEN, port=port).encode()}
    with world({"orders": 9}) as (service, _, url), prometheus("# EOF\n", files) as address:
        config = tmp_path / "smithd.yaml"
        config.write_text(CONFIG.format(key=service.key, url=url, port=port, token=TOKEN))
        with smithd(config):
            wait_until(lambda: asked(address, 'smithd_polls_total{outcome="ok"} > 2') != [], what="a scrape")
            wait_until(lambda: asked(address, 'smithd_notifications_total{outcome="accepted"}') == [1], what="the push")
            assert asked(address, 'up{job="smithd"}') == [1]
            assert asked(address, 'smithd_source_up{source="shop"}') == [1]
            assert asked(address, 'smithd_alerts{state="firing",severity="critical"}') == [1]
            assert asked(address, "smithd_build_info") == [1]
            assert asked(address, "histogram_quantile(0.5, smithd_poll_duration_seconds_bucket)") != []
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
                assert answer.read() == b"ready\n"


HANGING_COMMITS = """
import os, time
from smithd.storage.committer import ThreadCommitter
commit = ThreadCommitter.commit
def hang(self, write):
    def hung(connection):
        time.sleep(1000)
    return commit(self, hung if os.path.exists("{folder}/hang") else write)
ThreadCommitter.commit = hang
import smithd.runtime.monitors as monitors, smithd.status.fill as status
monitors.STATUS_EVERY, status.HANGS_AFTER = 0.2, 1.0
"""


def test_a_commit_and_a_plugin_that_hang_do_not_stop_the_signs_of_life_but_are_said(tmp_path: Path) -> None:
    with world({"orders": 1}) as (service, shop, url), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        config = tmp_path / "smithd.yaml"
        text = CONFIG.format(key=service.key, url=url, port=free_port(), token=TOKEN)
        (tmp_path / "hung.py").write_text(PLUGIN)
        config.write_text(
            text.replace("sources:\n", "plugins: [hung.py]\nsources:\n  blocked: {type: blocking, every: 1s}\n")
        )
        environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "6000000"}
        run = f"{HANGING_COMMITS.format(folder=tmp_path)}\nfrom smithd.cli.main import main; main()"
        process = subprocess.Popen([sys.executable, "-c", run, "run", "-c", str(config)], env=environment)
        try:
            await_polls(shop, 2)
            (tmp_path / "hang").touch()
            shop.data["orders"] = 9
            said: list[str] = []
            fed = 0
            # Fed four times more after the commit hangs: for longer than the watchdog's time.
            while fed < 4:
                told = manager.recv(1000).decode()
                hangs = any("a commit hangs since" in each for each in said)
                said += [told] if told.startswith("STATUS=") else []
                fed += told == "WATCHDOG=1" and hangs
            assert process.poll() is None
        finally:
            process.kill()
            process.wait()


def test_a_loop_that_hangs_feeds_no_watchdog(tmp_path: Path) -> None:
    with world({"orders": 1}) as (service, _, url), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        config = tmp_path / "smithd.yaml"
        config.write_text(CONFIG.format(key=service.key, url=url, port=free_port(), token=TOKEN))
        environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "3000000"}
        hang = "import threading, asyncio, time\n"
        hang += "import smithd.runtime.monitors as monitors\n"
        hang += "async def report(_):\n    await asyncio.sleep(4)\n    time.sleep(1000)\n"
        hang += "monitors.report_to_manager = report\n"
        run = f"{hang}\nfrom smithd.cli.main import main; main()"
        process = subprocess.Popen(
            [sys.executable, "-c", run, "run", "-c", str(config)], env=environment, stderr=subprocess.PIPE, text=True
        )
        try:
            manager.settimeout(30)
            told = []
            with suppress(TimeoutError):
                while True:
                    told.append(manager.recv(1000).decode())
                    # After the first sign of life, a silence as long as the watchdog's time is the end of it.
                    manager.settimeout(30 if "WATCHDOG=1" not in told else 5)
            assert "WATCHDOG=1" in told
            process.send_signal(6)  # as the watchdog does
            _, log = process.communicate(timeout=30)
        finally:
            process.kill()
    # The journal shows where it hung.
    assert "Fatal Python error: Aborted" in log
    assert "in report" in log


@pytest.mark.parametrize("path", ["/metrics", "/"])
def test_without_the_token_there_are_no_figures(path: str, tmp_path: Path) -> None:
    port = free_port()
    with world({"orders": 1}) as (service, _, url):
        config = tmp_path / "smithd.yaml"
        config.write_text(CONFIG.format(key=service.key, url=url, port=port, token=TOKEN))
        with smithd(config):

            def answers() -> bool:
                with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
                    return bool(answer.read() == b"ok\n")
                return False

            wait_until(answers, what="the health check")
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{path}")
            with refused.value as answer:
                assert answer.code == 401

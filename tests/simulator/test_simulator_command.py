"""``smithd simulator`` as a user runs it."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import IO

import pytest
from click.testing import CliRunner

from smithd.cli.main import group
from smithd.cli.simulator import simulator
from smithd.errors import ListenError


@pytest.fixture
def running() -> Iterator[subprocess.Popen[str]]:
    code = "from smithd.cli.simulator import simulator; simulator()"
    options = ["--listen", "127.0.0.1:0", "--key", "ask_mine", "--metric", "shop.revenue=currency"]
    process = subprocess.Popen([sys.executable, "-c", code, *options], stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.communicate()


def line(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline()


def test_it_prints_a_line_for_each_request_and_stops_on_sigterm(running: subprocess.Popen[str]) -> None:
    found = re.search(r"http://(127\.0\.0\.1:\d+)/api", line(running.stdout))
    assert found
    connection = http.client.HTTPConnection(found[1], timeout=10)
    connection.request(
        "POST", "/api/metrics/shop.revenue/value", '{"value": 12.5}', {"Authorization": "Bearer ask_mine"}
    )
    assert json.load(connection.getresponse()) == {"success": True}

    printed = line(running.stdout)
    assert re.fullmatch(r"\d\d:\d\d:\d\d  200 POST /api/metrics/shop\.revenue/value  shop\.revenue = 12\.5\n", printed)
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=10) == 0
    connection.close()


def test_a_taken_port_is_a_clear_error_with_the_flag() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = CliRunner().invoke(group, ["simulator", "--listen", f"127.0.0.1:{taken.getsockname()[1]}"])
    assert isinstance(result.exception, ListenError)
    assert "another program uses this port" in str(result.exception)
    assert "--listen" in str(result.exception)


@pytest.mark.parametrize(
    "options",
    [
        ["--listen", "8788"],
        ["--listen", "127.0.0.1:http"],
        ["--listen", "127.0.0.1:70000"],
        ["--metric", "shop.revenue"],
        ["--metric", "shop.revenue=euro"],
        ["--metric", "Shop=number"],
        ["--live-activities", "0"],
    ],
)
def test_a_wrong_option_is_explained(options: list[str]) -> None:
    result = CliRunner().invoke(simulator, options)
    assert result.exit_code == 2
    assert options[0] in result.output

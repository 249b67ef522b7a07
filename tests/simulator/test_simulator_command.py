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
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import pytest
from click.testing import CliRunner

from simulator.given import NOW
from smithd.cli.main import group
from smithd.cli.simulator import simulator
from smithd.errors import ListenError
from smithd.simulator.exchange import Call
from smithd.simulator.service import Service


@pytest.fixture
def running(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    code = "from smithd.cli.simulator import simulator; simulator()"
    account = tmp_path / "account.json"
    account.write_text('{"metrics": {"shop.status": "string"}, "device_limit": 4}')
    options = ["--listen", "127.0.0.1:0", "--key", "ask_mine", "--metric", "shop.revenue=currency:EUR"]
    options += [
        "--clock",
        "2037-01-02T03:04:05+01:00",
        "--account",
        str(account),
        "--live-activities",
        "3",
        "--fault",
        '{"on": "badge", "status": 503}',
    ]
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
    connection = http.client.HTTPConnection(found[1], timeout=60)
    connection.request(
        "POST", "/api/metrics/shop.revenue/value", '{"value": 12.5}', {"Authorization": "Bearer ask_mine"}
    )
    assert json.load(connection.getresponse()) == {"success": True}

    printed = line(running.stdout)
    # A line begins with the date and time of --clock, here in UTC.
    assert re.fullmatch(
        r"2037-01-02 02:0[45]:\d\d  200 POST /api/metrics/shop\.revenue/value  shop\.revenue = 12\.5\n", printed
    )
    connection.request("POST", "/api/badge", '{"badge": 1}', {"Authorization": "Bearer ask_mine"})
    assert connection.getresponse().read()
    assert "503 POST /api/badge  by order: status 503; the request was ignored" in line(running.stdout)
    connection.request("GET", "/control/clock")
    assert json.load(connection.getresponse())["now"].startswith("2037-01-02T02:")
    connection.request("GET", "/control/account")
    account = json.load(connection.getresponse())
    assert {key: metric["format"] for key, metric in account["metrics"].items()} == {
        "shop.status": "string",
        "shop.revenue": "currency",
    }
    assert (account["device_limit"], account["read_only"]["keys"]) == (3, [{"key": "ask_…", "channels": "all"}])
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=60) == 0
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
        ["--metric", "shop.revenue=number:EUR"],
        ["--metric", "shop.revenue=currency:euro"],
        ["--live-activities", "0"],
        ["--key", "ask_mine="],
        ["--key", "YWJj=="],
        ["--control-key", ""],
        ["--control-key", "two words"],
        ["--clock", "noon"],
        ["--clock", "2026-11-26T12:00:00"],
        ["--clock", "9999-12-31T23:59:59Z"],
        ["--account", "/nowhere.json"],
        ["--account", __file__],
        ["--fault", "{"],
        ["--fault", "[]"],
        ["--fault", '{"status": 503, "body": "\\ud800"}'],
        ["--fault", '{"delay": NaN}'],
        ["--fault", '{"status": 503, "body": NaN}'],
        ["--fault", '{"on": "badge"}'],
    ],
)
def test_a_wrong_option_is_explained(options: list[str]) -> None:
    result = CliRunner().invoke(simulator, options)
    assert result.exit_code == 2
    assert options[0] in result.output


@pytest.mark.parametrize(
    "content",
    [
        b'{"metrics": {"a": {"format": "unit", "unit": "\\ud800"}}}',
        b'{"device_limit": NaN}',
        b"\xff",
        b"[]",
        b'{"a": 1',
    ],
)
def test_an_account_file_that_is_no_sound_json_is_explained(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    file.write_bytes(content)
    result = CliRunner().invoke(simulator, ["--account", str(file)])
    assert (result.exit_code, "account.json is not" in " ".join(result.output.split())) == (2, True), result.output


def test_the_clock_can_be_set_from_the_start_and_a_reset_keeps_it() -> None:
    moment = datetime(2026, 11, 26, 12, tzinfo=UTC).timestamp()
    service = Service(ahead=moment - NOW)
    call = Call("GET", "/api/badge")
    service.handle(call, NOW)
    service.ahead += 60
    service.reset()
    service.handle(call, NOW + 1)
    assert [seen.at for seen in service.seen] == [moment + 1]

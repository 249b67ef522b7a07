"""Strangers that open connections, and more hosts than there are descriptors: alerts and polls notice nothing."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from campaign import LONG, rounds
from e2e.test_run import configured, data
from e2e.world import await_polls, smithd, wait_until, world
from smithd import control
from smithd.connections import BODY_TIMEOUT, HEAD_TIMEOUT, MOST
from smithd.serving import KEEP_ALIVE

STRANGERS = rounds(150, 1_100)
IMPATIENT = "pass" if LONG else "from smithd import connections; connections.HEAD_TIMEOUT = 1.0"
HOSTS, EVERY, LIMIT = rounds(120, 1_500), rounds(1, 10), rounds(220, 1_024)


@pytest.fixture(autouse=True)
def _descriptors() -> Iterator[None]:
    """This process has the other end of each connection."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] < 5_000:
        pytest.skip("needs a hard limit of 5,000 file descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def ask(config: Path, command: str) -> Any:
    return control.ask(control.places(config), command, {})


def page_of(log: Path) -> tuple[str, int]:
    wait_until(lambda: "the page:" in log.read_text(), what="the page")
    return "127.0.0.1", int(log.read_text().partition("the page: http://127.0.0.1:")[2].split()[0])


def is_open(connection: socket.socket) -> bool:
    try:
        while connection.recv(65_536):
            pass
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False


@contextmanager
def strangers(address: Any, family: int, says: bytes) -> Iterator[list[socket.socket]]:
    """Connections that say this and nothing more."""
    with ExitStack() as stack:
        made = []
        for _ in range(STRANGERS):
            connection = stack.enter_context(socket.socket(family))
            connection.settimeout(5)
            connection.connect(address)
            made.append(connection)
            try:
                connection.sendall(says)
            except OSError:
                continue
            finally:
                connection.setblocking(False)
        yield made


def count_open(connections: list[socket.socket]) -> int:
    return sum(map(is_open, connections))


SILENCE = b""
HALF_A_HEAD = b"GET / HTTP/1.1\r\nHost: loc"
HALF_A_BODY = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n1"
WHOLE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
GARBAGE = b"\x16\x03\x01\r\n\r\n"


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("says", "closed_after"),
    [
        (SILENCE, HEAD_TIMEOUT),
        (HALF_A_HEAD, HEAD_TIMEOUT),
        (HALF_A_BODY, BODY_TIMEOUT),
        (GARBAGE, 0),
        (WHOLE, KEEP_ALIVE),
    ]
    if LONG
    else [(HALF_A_HEAD, HEAD_TIMEOUT), (GARBAGE, 0)],
)
def test_strangers_at_the_page_cost_nothing(tmp_path: Path, says: bytes, closed_after: float) -> None:
    log = tmp_path / "smithd.log"
    with world(data()) as (service, shop, url):
        config = configured(tmp_path, service.key, url)
        config.write_text(config.read_text() + "web: {listen: '127.0.0.1:0'}\n")
        with smithd(config, "ulimit -n 256", first=IMPATIENT):
            await_polls(shop, 2)
            page = page_of(log)
            with strangers(page, socket.AF_INET, says) as connections:
                wait_until(lambda: count_open(connections) <= MOST, what="the closing of what is too much")
                polls, began = shop.polls, time.monotonic()
                shop.data = data(errors=9)
                wait_until(lambda: bool(service.of("push-notification-send")), seconds=5, what="the push")
                assert ask(config, "status")
                with socket.create_connection(page, timeout=5) as friend:
                    friend.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    assert friend.recv(100).startswith(b"HTTP/1.1 200")
                wait_until(lambda: count_open(connections) == 0, seconds=closed_after + 5, what="the closing")
                # The next poll may be about to come.
                assert shop.polls - polls >= ((time.monotonic() - began) / 0.2 - 1) * 0.8
            assert service.violations() == []
    assert "Traceback" not in log.read_text()
    assert "HTTP request" not in log.read_text()
    assert log.stat().st_size < 10_000


@pytest.mark.campaign
def test_silent_clients_of_the_control_socket_hold_nobody_up(tmp_path: Path) -> None:
    with world(data()) as (service, shop, url):
        config = configured(tmp_path, service.key, url)
        with smithd(config, "ulimit -n 256"):
            await_polls(shop, 2)
            with strangers(str(control.places(config)[0]), socket.AF_UNIX, b"") as connections:
                began = time.monotonic()
                assert ask(config, "status")
                assert time.monotonic() - began < 2
                assert count_open(connections) <= MOST
                shop.data = data(errors=9)
                wait_until(lambda: bool(service.of("push-notification-send")), seconds=5, what="the push")
    assert "Traceback" not in (tmp_path / "smithd.log").read_text()


@pytest.mark.campaign
def test_strangers_at_the_simulator_keep_nobody_from_it() -> None:
    code = f"{IMPATIENT}; from smithd.cli.simulator import simulator; simulator()"
    limited = ["sh", "-ec", 'ulimit -n 128; exec "$@"', "sh"]
    command = [*limited, sys.executable, "-c", code, "--listen", "127.0.0.1:0", "--create-metrics"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        port = int(process.stdout.readline().partition("http://127.0.0.1:")[2].partition("/")[0])
        with strangers(("127.0.0.1", port), socket.AF_INET, HALF_A_HEAD) as connections:
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            client.request(
                "POST", "/api/metrics/shop.orders/value", '{"value": 1}', {"Authorization": "Bearer ask_test"}
            )
            assert client.getresponse().status == 200
            client.close()
            assert count_open(connections) <= MOST
            wait_until(lambda: count_open(connections) == 0, seconds=HEAD_TIMEOUT + 5, what="the closing")
        process.terminate()
        assert process.stderr.read() == ""


LEAKY = """
from smithd.plugin import Options, RawSample, Source

kept = []

class LeakyOptions(Options):
    pass

class Leaky(Source[LeakyOptions]):
    Options = LeakyOptions
    polls = 0

    @classmethod
    def metrics(cls, options):
        return ["kept"]

    def poll(self):
        self.polls += 1
        try:
            while self.polls > 20:
                kept.append(open("/dev/null"))
        except OSError:
            pass
        return [RawSample("kept", len(kept))]
"""


def test_a_plugin_that_uses_up_all_descriptors_stops_neither_delivery_nor_commands(tmp_path: Path) -> None:
    log = tmp_path / "smithd.log"
    with world(data()) as (service, shop, url):
        config = configured(tmp_path, service.key, url)
        (tmp_path / "leaky.py").write_text(LEAKY)
        leaky = "plugins: [./leaky.py]\nsources:\n  leaky: {type: leaky, every: 100ms}\n"
        config.write_text(config.read_text().replace("sources:\n", leaky))
        with smithd(config, "ulimit -n 200") as process:
            wait_until(lambda: len(os.listdir(f"/proc/{process.pid}/fd")) >= 199, what="the leak")
            shop.data = data(errors=9)
            wait_until(lambda: bool(service.of("push-notification-send")), seconds=10, what="the push")
            assert ask(config, "status")
            assert control.ask(control.places(config), "explain", {"name": "errors", "labels": ""})
            shop.data = data(errors=0)
            wait_until(lambda: bool(service.of("push-notification-replace")), seconds=10, what="its end")
    assert "Traceback" not in log.read_text()


class Hosts:
    """Hosts on addresses of this machine, each with connections that it keeps open; ``polls`` counts them."""

    def __init__(self, count: int) -> None:
        self.addresses = [f"127.0.{1 + number // 250}.{1 + number % 250}" for number in range(count)]
        self.polls: Counter[str] = Counter()
        self.values: dict[str, int] = {}
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Hosts:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(60)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> None:
        self._servers = []
        for address in self.addresses:
            server = await asyncio.start_server(self._answer, address, self.port)
            self.port = server.sockets[0].getsockname()[1]
            self._servers.append(server)

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        answering = asyncio.all_tasks() - {asyncio.current_task()}
        for task in answering:
            task.cancel()
        await asyncio.gather(*answering, return_exceptions=True)
        await asyncio.sleep(0)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = writer.get_extra_info("sockname")[0]
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                self.polls[address] += 1
                body = json.dumps({"load": self.values.get(address, 0)}).encode()
                head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write(head.encode() + body)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()


def configured_for(hosts: Hosts, folder: Path, key: str, url: str) -> Path:
    text = f"activitysmith: {{api_key: {key}, base_url: '{url}/api'}}\nstate: sqlite:///state.db\nsources:\n"
    for number, address in enumerate(hosts.addresses):
        text += f"  h{number}: {{type: http_json, url: 'http://{address}:{hosts.port}/', every: {EVERY}s,"
        text += " metrics: {load: $.load}}\n"
    text += f"rules:\n  last: {{metric: h{len(hosts.addresses) - 1}.load, critical: '> 5', push: true}}\n"
    config = folder / "smithd.yaml"
    config.write_text(text)
    return config


@pytest.mark.campaign
@pytest.mark.parametrize("raised", [False, True])
def test_more_hosts_than_descriptors_are_all_polled_and_notified(tmp_path: Path, raised: bool) -> None:
    """Where the soft limit is too low, it is raised; where the hard one is, connections give way to others."""
    limits = f"ulimit -Sn {LIMIT}" if raised else f"ulimit -n {LIMIT}"
    with world({}) as (service, _, url), Hosts(HOSTS) as hosts:
        config = configured_for(hosts, tmp_path, service.key, url)
        with smithd(config, limits) as process:
            wait_until(lambda: len(hosts.polls) == HOSTS, seconds=60 + EVERY, what="a first poll of each")
            soft, hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
            assert soft == hard
            before = Counter(hosts.polls)
            hosts.values[hosts.addresses[-1]] = 9
            wait_until(lambda: bool(service.of("push-notification-send")), seconds=2 * EVERY + 3, what="the push")
            wait_until(lambda: min((hosts.polls - before).values()) >= 2, seconds=4 * EVERY, what="two more of each")
            assert len(hosts.polls - before) == HOSTS
            assert ask(config, "status")
            open_now = len(os.listdir(f"/proc/{process.pid}/fd"))
            assert open_now > HOSTS if raised else open_now <= LIMIT
    log = (tmp_path / "smithd.log").read_text()
    assert "Traceback" not in log
    assert "open files" not in log

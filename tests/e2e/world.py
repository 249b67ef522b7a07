"""The world around a real ``smithd run``: a service that records and judges every request, and a shop to poll.

Written apart from smithd and its simulator, on the standard library and the contract's schemas alone.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator

CONTRACT = Path(__file__).parents[1] / "contract"
LIMITS = {"notifications": 60, "live-activities": 300, "metrics": 300}

ROUTES = [
    ("POST", r"/api/push-notification", "push-notification-send", "notifications"),
    ("PUT", r"/api/push-notification/([^/]+)", "push-notification-replace", "notifications"),
    ("PUT", r"/api/live-activity/stream/([A-Za-z0-9_-]+)", "live-activity-stream-put", "live-activities"),
    ("DELETE", r"/api/live-activity/stream/([A-Za-z0-9_-]+)", "live-activity-stream-delete", "live-activities"),
    ("POST", r"/api/metrics/([a-z0-9][a-z0-9_.-]{0,63})/value", "metric-value", "metrics"),
]


@dataclass
class Request:
    """One request as it arrived; ``answered`` once its answer was written in full."""

    at: float
    endpoint: str
    family: str
    name: str
    body: Any
    violation: str | None
    answered: bool = False


@dataclass
class Service:
    """The recorder: what came, whether it was valid, how it was answered."""

    key: str = "ask_e2e_secret"
    requests: list[Request] = field(default_factory=list)
    delay: float = 0.0
    fault: Callable[[Request], int | None] = lambda _: None
    lock: threading.Lock = field(default_factory=threading.Lock)
    started: set[str] = field(default_factory=set)

    def judge(self, method: str, path: str, authorization: str | None, raw: bytes) -> Request:
        at = time.monotonic()
        for verb, pattern, endpoint, family in ROUTES:
            match = re.fullmatch(pattern, path)
            if verb != method or not match:
                continue
            name = unquote(match[1]) if match.groups() else ""
            body, violation = self._body(endpoint, raw)
            if authorization != f"Bearer {self.key}":
                violation = "wrong key"
            return Request(at, endpoint, family, name, body, violation)
        return Request(at, "unknown", "unknown", path, None, f"no such endpoint: {method} {path}")

    def _body(self, endpoint: str, raw: bytes) -> tuple[Any, str | None]:
        if not raw and endpoint == "live-activity-stream-delete":
            return None, None
        try:
            body = json.loads(raw)
        except ValueError as error:
            return None, f"not JSON: {error}"
        schema = json.loads((CONTRACT / f"{endpoint}.client.schema.json").read_text())
        errors = list(Draft202012Validator(schema).iter_errors(body))
        return body, errors[0].message if errors else None

    def answer(self, request: Request) -> tuple[int, dict[str, Any]]:
        if request.violation:
            return 400, {"error": "Bad request", "message": request.violation}
        if (status := self.fault(request)) is not None:
            return status, {"error": "fault", "message": "as ordered"}
        stamp = {"success": True, "timestamp": "2026-11-23T12:00:00Z"}
        if request.endpoint == "push-notification-send":
            return 200, stamp | {"notification_id": f"n{id(request)}"}
        if request.endpoint == "push-notification-replace":
            return 200, stamp | {"notification_id": request.name}
        if request.endpoint == "live-activity-stream-delete":
            self.started.discard(request.name)
            return 200, stamp | {"operation": "ended", "stream_key": request.name, "activity_id": "a1"}
        if request.endpoint == "live-activity-stream-put":
            operation = "updated" if request.name in self.started else "started"
            self.started.add(request.name)
            return 200, stamp | {"operation": operation, "stream_key": request.name, "activity_id": "a1"}
        return 200, {"success": True}

    def of(self, endpoint: str) -> list[Request]:
        with self.lock:
            return [request for request in self.requests if request.endpoint == endpoint]

    def violations(self) -> list[str]:
        with self.lock:
            return [f"{one.endpoint} {one.name}: {one.violation}" for one in self.requests if one.violation]

    def most_in_a_minute(self) -> Counter[str]:
        """The most requests of each family that arrived within any 60 seconds."""
        most: Counter[str] = Counter()
        with self.lock:
            for family in LIMITS:
                times = [request.at for request in self.requests if request.family == family]
                for index, at in enumerate(times):
                    within = sum(1 for other in times[index:] if other < at + 60)
                    most[family] = max(most[family], within)
        return most


class Shop:
    """What the shop says; set ``data`` and it answers that. ``others``: what it answers at other paths, as it is."""

    def __init__(self, data: Any) -> None:
        self.data = data
        self.others: dict[str, bytes] = {}
        self.delay = 0.0
        self.polls = 0


def _handler(service: Service, shop: Shop) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _read(self) -> bytes:
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def _reply(self, status: int, body: Any) -> None:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def do_GET(self) -> None:
            if self.path in shop.others:
                self._reply(200, shop.others[self.path])
                return
            shop.polls += 1
            data = shop.data
            time.sleep(shop.delay)
            self._reply(200, data)

        def _service(self) -> None:
            request = service.judge(self.command, self.path, self.headers.get("Authorization"), self._read())
            with service.lock:
                service.requests.append(request)
                status, body = service.answer(request)
            time.sleep(service.delay)
            self._reply(status, body)
            request.answered = True

        do_POST = do_PUT = do_DELETE = _service  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            pass

    return Handler


@contextmanager
def world(data: Any) -> Iterator[tuple[Service, Shop, str]]:
    """A recording service and a shop on one loopback server; yields them and its address."""
    service, shop = Service(), Shop(data)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(service, shop))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield service, shop, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def smithd(config: Path, limits: str = "", first: str = "pass") -> Iterator[subprocess.Popen[str]]:
    """A real ``smithd run`` on this configuration, ended when the block is left.

    ``limits`` are commands of the shell that starts it: ``ulimit -n 1024``; ``first`` is Python that it runs first, to
    have shorter time-outs.
    """
    shell = ["sh", "-ec", f'{limits}\nexec "$@"', "sh"] if limits else []
    run = f"{first}\nfrom smithd.cli.main import main; main()"
    with (config.parent / "smithd.log").open("a") as log:
        process = subprocess.Popen(
            [*shell, sys.executable, "-c", run, "run", "-c", str(config)], stdout=log, stderr=log, text=True
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(60)


def wait_until(true: Callable[[], bool], seconds: float = 60.0, what: str = "it") -> None:
    """Wait for another process, at most so long; AssertionError where it does not come."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.02)


def await_polls(shop: Shop, count: int) -> None:
    """Wait until the shop was polled so many times more."""
    wanted = shop.polls + count
    wait_until(lambda: shop.polls >= wanted, what=f"{count} polls")

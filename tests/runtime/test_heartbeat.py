"""The heartbeat of a daemon in virtual time: it is called while all is well, and only then."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from runtime.life import Life, living
from runtime.test_status import components_in
from smithd.clock import SystemClock
from smithd.config.model import HeartbeatOptions
from smithd.events import Events, HeartbeatFailed, HeartbeatResumed
from smithd.http import Http, Response
from smithd.runtime.heartbeat import Heartbeat
from smithd.runtime.pulse import Pulse
from smithd.storage.degraded import CommitHealth
from smithd.transport_errors import TransportError
from virtual_time import run_virtual

TEXT = """
sources:
  shop: {type: shop, every: 60s}
rules:
  errors: {metric: shop.errors, critical: "> 5"}
"""
BEAT = "heartbeat: {url: 'https://hc.example.com/ping/a-secret-path', every: 60s}\n"


@dataclass
class Receiver:
    """What is called: it notes each call, and answers as ``answer`` does."""

    called: list[tuple[float, str]] = field(default_factory=list)
    answer: Callable[[], int] = lambda: 200

    def prepare(self, _: Http, method: str, url: str, **__: Any) -> Receiver:
        assert method == "GET"
        self._url = url
        return self

    async def send(self) -> Response:
        self.called.append((time.monotonic(), self._url))
        status = self.answer()
        if status == 0:
            await asyncio.sleep(1e6)
        return Response(status, {}, b"")


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Receiver:
    made = Receiver()
    monkeypatch.setattr(Http, "prepare", lambda *args, **options: made.prepare(*args, **options))
    return made


def play(
    folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, scenario: Callable[[Life], Any]
) -> tuple[list[str], list[str]]:
    """What the log says of the heartbeat's failures and recoveries."""

    async def main() -> Life:
        async with living(folder, text, monkeypatch) as life:
            await scenario(life)
        return life

    life = run_virtual(main)
    return life.told(HeartbeatFailed), life.told(HeartbeatResumed)


def test_it_is_called_at_the_start_and_then_each_interval(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(_: Life) -> None:
        await asyncio.sleep(150)

    assert play(tmp_path, monkeypatch, BEAT + TEXT, scenario) == ([], [])
    at = [when - receiver.called[0][0] for when, _ in receiver.called]
    assert at == pytest.approx([0, 60, 120], abs=0.5)
    assert {url for _, url in receiver.called} == {"https://hc.example.com/ping/a-secret-path"}


def test_without_the_option_nothing_is_called_and_a_reload_begins_changes_and_ends_it(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(life: Life) -> None:
        await asyncio.sleep(100)
        assert receiver.called == []
        await life.reload(BEAT + TEXT)
        await asyncio.sleep(1)
        assert len(receiver.called) == 1
        await life.reload(BEAT.replace("60s", "10s").replace("a-secret", "another") + TEXT)
        await asyncio.sleep(15)
        assert [url.rpartition("/")[2] for _, url in receiver.called[1:]] == ["another-path"] * 2
        await life.reload(TEXT)
        await asyncio.sleep(100)
        assert len(receiver.called) == 3

    play(tmp_path, monkeypatch, TEXT, scenario)


def test_a_call_that_fails_is_said_once_without_the_address_and_disturbs_nothing(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> int:
        raise TransportError("connection refused")

    def broken() -> int:
        raise RuntimeError("https://hc.example.com/ping/a-secret-path")

    async def scenario(life: Life) -> None:
        for answer in (lambda: 404, refused, broken, lambda: 0, lambda: 301):
            receiver.answer = answer
            await asyncio.sleep(60)
        receiver.answer = lambda: 204
        await asyncio.sleep(60)
        receiver.answer = broken
        await asyncio.sleep(60)
        assert [what for what, _ in life.did("shop", "poll")].count("poll") >= 6

    failed, resumed = play(tmp_path, monkeypatch, BEAT + TEXT, scenario)
    later = "; it is tried again each time, and the log says when it succeeds"
    assert failed[-1] == f"heartbeat: the request to hc.example.com failed (RuntimeError){later}"
    assert len(failed) == 2
    assert resumed == ["heartbeat: it succeeds again"]
    assert "a-secret-path" not in "".join(failed)


def beat(url: str, every: str) -> HeartbeatOptions:
    return HeartbeatOptions.model_validate({"url": url, "every": every})


@dataclass
class Writer:
    """A writer of which a test says how it is; a step takes ``step`` seconds."""

    health: CommitHealth = field(default_factory=CommitHealth)
    step: float = 0.0
    asked: int = 0
    beside_since: float | None = None
    turned_at: float = 1e9

    async def ask(self, _: object) -> None:
        self.asked += 1
        await asyncio.sleep(self.step)


@pytest.mark.parametrize(
    ("writer", "calls", "asked"),
    [
        (Writer(), 1, 1),
        (Writer(CommitHealth(0.0, "full")), 0, 0),
        (Writer(CommitHealth(0.0, "full", is_degraded=True)), 0, 0),
        (Writer(step=3600.0), 0, 1),
        (Writer(turned_at=-1e9), 0, 0),
    ],
    ids=["well", "a commit failed", "degraded", "a commit hangs", "no step is computed"],
)
def test_it_stays_out_where_a_step_cannot_be_computed_and_written(
    writer: Writer, calls: int, asked: int, tmp_path: Path, receiver: Receiver
) -> None:
    async def main() -> None:
        async with components_in(tmp_path, lambda _: None) as components:
            components.writer, real = writer, components.writer  # type: ignore[assignment] # a stand-in
            object.__setattr__(components.config, "heartbeat", beat("https://x.example/", "60s"))
            pulse = Pulse(SystemClock(), Events(), writer)  # type: ignore[arg-type] # as above
            beating = asyncio.create_task(Heartbeat(components, pulse).run())
            await asyncio.sleep(30)
            beating.cancel()
            components.writer = real

    run_virtual(main)
    assert (len(receiver.called), writer.asked) == (calls, asked)


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """The address of a real server, and the paths that it was asked for."""
    asked: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.command} {self.path}")
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"OK")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_real_server_is_called(tmp_path: Path) -> None:
    async def main(address: str, asked: list[str]) -> None:
        events: list[object] = []
        async with components_in(tmp_path, events.append) as components:
            object.__setattr__(components.config, "heartbeat", beat(f"{address}/ping/abc?rid=1", "50ms"))
            beating = asyncio.create_task(
                Heartbeat(components, Pulse(SystemClock(), Events(), components.writer)).run()
            )
            async with asyncio.timeout(10):
                while len(asked) < 2:  # noqa: ASYNC110 - the server is in a thread
                    await asyncio.sleep(0.01)
            beating.cancel()
        assert [each for each in events if isinstance(each, HeartbeatFailed)] == []

    with listening() as (address, asked):
        asyncio.run(main(address, asked))
    assert set(asked) == {"GET /ping/abc?rid=1"}

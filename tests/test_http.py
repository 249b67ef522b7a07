"""What everyone who asks over HTTP relies on: what is slow elsewhere does not stand in the way."""

from __future__ import annotations

import asyncio
import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from smithd import http
from smithd.http import TLS, Http
from smithd.names import Names
from smithd.testing import ReceivedRequest, Reply, Server

FINE = Reply(b"fine")


@pytest.fixture
def web() -> Iterator[Server]:
    with Server({"/": FINE}) as server:
        yield server


def test_a_host_that_never_answers_holds_no_connection_of_another(monkeypatch: pytest.MonkeyPatch, web: Server) -> None:
    monkeypatch.setattr(http, "CONNECTIONS_PER_HOST", 2)

    async def main() -> bytes:
        loop, full, count = asyncio.get_running_loop(), asyncio.Event(), iter(range(1, 100))

        def hang(_: ReceivedRequest) -> Reply:
            if next(count) == 2:
                loop.call_soon_threadsafe(full.set)
            return Reply(hang=True)

        client = Http()
        with Server({"/": hang}) as silent:
            waiting = [asyncio.create_task(client.prepare("GET", silent.url).send()) for _ in range(5)]
            await full.wait()
            answer = await client.prepare("GET", web.url, timeout=20).send()
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        await client.aclose()
        return answer.body

    web.replies["/"] = FINE
    assert asyncio.run(main()) == FINE.body


Lookups = queue.SimpleQueue[tuple[str, bool]]


class TestNames:
    @pytest.fixture
    def lookups(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        """Names that end in ``.slow`` are looked up until the test is over; all others are this machine."""
        released, system = threading.Event(), socket.getaddrinfo
        asked: queue.SimpleQueue[tuple[str, bool]] = queue.SimpleQueue()

        def look_up(host: str, port: int, *args: Any, **more: Any) -> Any:
            asked.put((host, threading.current_thread().daemon))
            if host.endswith(".slow"):
                released.wait()
            return system("127.0.0.1", port, *args, **more)

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        yield asked
        released.set()

    def test_slow_names_hold_up_no_other_and_not_the_end(self, lookups: Lookups, web: Server) -> None:
        web.replies["/"] = FINE
        port = web.place.rpartition(":")[2]

        async def main() -> bytes:
            client = Http()
            urls = [f"http://host{number}.slow/" for number in range(80)]
            waiting = [asyncio.create_task(client.prepare("GET", url).send()) for url in urls]
            await asyncio.sleep(0)
            assert all([(await asyncio.to_thread(lookups.get))[1] for _ in waiting])
            answer = await client.prepare("GET", f"http://shop.test:{port}/", timeout=20).send()
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            await client.aclose()
            return answer.body

        assert asyncio.run(main()) == FINE.body

    def test_who_asks_again_for_a_slow_name_waits_for_the_same_answer(self, lookups: Lookups) -> None:
        async def main() -> None:
            names = Names()
            impatient, patient = (asyncio.create_task(names.look_up("one.slow", 80, socket.AF_INET)) for _ in range(2))
            await asyncio.sleep(0)  # both have asked
            impatient.cancel()
            await asyncio.gather(impatient, return_exceptions=True)
            later = asyncio.create_task(names.look_up("one.slow", 80, socket.AF_INET))
            await asyncio.sleep(0)
            patient.cancel()
            later.cancel()
            await asyncio.gather(patient, later, return_exceptions=True)

        asyncio.run(main())
        assert lookups.get()[0] == "one.slow"
        assert lookups.empty()


@pytest.mark.parametrize("tls", [TLS(ca_file="junk.pem"), TLS(cert_file="junk.pem"), TLS(ca_file="none.pem")])
def test_a_file_that_cannot_be_used_is_named(tls: TLS, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "junk.pem").write_text("junk")
    with pytest.raises(OSError, match=r"^(junk|none)\.pem: "):
        tls.context()


def test_an_answer_in_chunks_of_a_byte_is_cut_off_at_once() -> None:
    sent = 0

    def drip(connection: socket.socket) -> None:
        nonlocal sent
        connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        with connection, suppress(OSError):
            for _ in range(1_000):
                connection.sendall(b"1\r\na\r\n" * 5_000)
                sent += 5_000

    async def main(port: int) -> None:
        client = Http()
        with pytest.raises(http.DecodingError, match="drips: it comes in chunks of 1 bytes"):
            await client.prepare("GET", f"http://127.0.0.1:{port}/").send()
        await client.aclose()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = threading.Thread(target=lambda: drip(listener.accept()[0]), daemon=True)
        serving.start()
        asyncio.run(main(listener.getsockname()[1]))
        serving.join(30)
    assert sent < 1_000_000

"""What everyone who asks over HTTP relies on: what is slow elsewhere does not stand in the way."""

from __future__ import annotations

import asyncio
import errno
import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from smithd import http
from smithd.http import Http
from smithd.names import Names
from smithd.pool import Pool
from smithd.testing import ReceivedRequest, Reply, Server
from smithd.tls import TLS
from smithd.transport_errors import TransportError

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


def test_more_hosts_than_connections_are_all_answered() -> None:
    async def main() -> int:
        client = Http(pool=Pool(3))
        with ExitStack() as stack:
            servers = [stack.enter_context(Server({"/": FINE})) for _ in range(8)]
            requests = [client.prepare("GET", server.url, timeout=20) for server in servers]
            for _ in range(3):
                answers = await asyncio.gather(*(request.send() for request in requests))
                assert [answer.body for answer in answers] == [FINE.body] * len(servers)
            kept = sum(not server.is_left(0.2) for server in servers)
            await client.aclose()
        return kept

    assert 1 <= asyncio.run(main()) <= 3


def test_an_idle_connection_gives_way_where_there_is_no_descriptor_left(monkeypatch: pytest.MonkeyPatch) -> None:
    class Scarce(socket.socket):
        lacking = 0

        def __init__(self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None) -> None:  # noqa: A002
            if fileno is None and Scarce.lacking:
                Scarce.lacking -= 1
                raise OSError(errno.EMFILE, "Too many open files")
            super().__init__(family, type, proto, fileno)

    async def main() -> None:
        client = Http(pool=Pool(100))
        with Server({"/": FINE}) as first, Server({"/": FINE}) as second:
            assert (await client.prepare("GET", first.url).send()).body == FINE.body
            monkeypatch.setattr(socket, "socket", Scarce)
            Scarce.lacking = 2
            assert (await client.prepare("GET", second.url).send()).body == FINE.body
            assert first.is_left()
            await client.aclose()

    asyncio.run(main())


def test_who_gets_no_connection_is_told_so() -> None:
    async def main() -> None:
        client = Http(pool=Pool(1))
        with Server({"/": Reply(hang=True)}) as silent, Server({"/": FINE}) as other:
            waiting = asyncio.create_task(client.prepare("GET", silent.url).send())
            await asyncio.sleep(0)
            with pytest.raises(TransportError, match="no connection within the time-out") as error:
                await client.prepare("GET", other.url, connect_timeout=0.05).send()
            assert not error.value.sent
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            assert (await client.prepare("GET", other.url).send()).body == FINE.body
            await client.aclose()

    asyncio.run(main())


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

"""A loopback JSON server in a process of its own, as thin as asyncio allows, that counts who asked how often.

Paths are ``/<who>/<anything>``. It writes its port to stdout, then a line for each ``who`` when it asks first;
``GET /counts`` gives the counts. Whatever is written to it (the service's side of smithd) it accepts.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter

COUNTS: Counter[str] = Counter()


def say(line: object) -> None:
    """One line to whoever started this process."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def answer(path: str) -> bytes:
    """The JSON for a path. The number changes with every poll, and crosses nobody's threshold."""
    _, who, *_ = path.split("/")
    if who == "counts":
        return json.dumps(COUNTS).encode()
    COUNTS[who] += 1
    if COUNTS[who] == 1:
        say(who)
    today = 100 + COUNTS[who] % 97 / 4
    return (
        b'{"shop": "one of many", "currency": "EUR", "orders": {"today": %.2f, "open": 12, "refused": 1}, '
        b'"revenue": {"cents": 129900, "last_week_cents": 734500}, "warehouses": [{"name": "north", "stock": 312}, '
        b'{"name": "south", "stock": 97}, {"name": "harbour", "stock": 1204}], "updated": "2026-01-01T00:00:00Z"}'
    ) % today


class Connection(asyncio.Protocol):
    """One kept-alive connection; requests are assumed to arrive whole, as they do on loopback."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        body = answer(data.split(b" ", 2)[1].decode())
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        self._transport.write(head + body)


async def serve() -> None:
    """Serve on a free port until killed."""
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0)
    say(server.sockets[0].getsockname()[1])
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())

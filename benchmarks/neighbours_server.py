"""Good and bad neighbours in a process of its own: paths that answer, and paths that misbehave.

``/<who>/<number>`` answers JSON and notes how far from a second it came after the last time; ``/lateness`` gives the
99th percentile of that for each ``who``, in seconds, and begins anew. The others never end, drip, nest, or are no JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import defaultdict

EVERY = 1.0

LAST: dict[str, float] = {}
LATENESS: dict[str, list[float]] = defaultdict(list)


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection until the other side leaves it."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            path = head.split(b" ", 2)[1].decode()
            await _answer(path, writer)
            await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def _answer(path: str, writer: asyncio.StreamWriter) -> None:
    match path.rpartition("/")[2]:
        case "lateness":
            _whole(writer, json.dumps({who: _p99(late) for who, late in LATENESS.items()}).encode())
            LATENESS.clear()
        case "hung":
            await asyncio.Event().wait()
        case "endless":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n[")
            while True:
                writer.write(b"1," * 32_768)
                await writer.drain()
        case "drip":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while True:
                writer.write(b" ")
                await asyncio.sleep(1)
        case "deep":
            _whole(writer, b"[" * 1_000_000)
        case "nan":
            _whole(writer, b'{"orders": NaN}')
        case _:
            _note(path)
            _whole(writer, b'{"orders": 5}')


def _whole(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def _note(path: str) -> None:
    now, before = time.monotonic(), LAST.get(path)
    LAST[path] = now
    if before is not None:
        LATENESS[path.split("/")[1]].append(abs(now - before - EVERY))


def _p99(values: list[float]) -> float:
    return sorted(values)[int(0.99 * len(values))]


async def serve() -> None:
    """Serve on a free port until killed; the port is written to stdout."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())

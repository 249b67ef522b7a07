"""Takes a call off the wire, and puts its answer there in the way that was ordered for it."""

from __future__ import annotations

import asyncio
import json

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from smithd.clock import Clock
from smithd.serving import TRANSPORT
from smithd.simulator.body import MAX_BYTES
from smithd.simulator.exchange import Answer, Call

BODILESS = (204, 205, 304)
STRIDE = 0.1
GARBAGE = b"\x16\x03\x01\x00\xa5 this is no HTTP \xff\xfe\x00\r\n\r\n"


async def read_call(request: Request) -> Call:
    """The request as it stood on the wire; of a body that is too large, no more than tells that it is."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk[: MAX_BYTES + 1 - len(body)]
    return Call(
        method=request.method,
        path=request.scope["raw_path"].decode("latin-1"),
        headers=dict(request.headers),
        body=bytes(body),
        peer=request.client.host if request.client else "",
    )


async def send_answer(answer: Answer, clock: Clock, scope: Scope, receive: Receive, send: Send) -> None:
    """Send the answer. Whoever hangs up meanwhile ends it."""
    delivery = answer.delivery
    if delivery.delay:
        await clock.sleep(delivery.delay)
    if delivery.dropped or delivery.garbage:
        await _hang_up(scope, receive, GARBAGE if delivery.garbage else b"")
        return
    content = _content(answer)
    await send({"type": "http.response.start", "status": answer.status, "headers": _headers(answer, content)})
    whole = delivery.cut is None or delivery.cut >= len(content)
    await _send_body(content if whole else content[: delivery.cut], delivery.pace, clock, send)
    if whole:
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    else:
        await _hang_up(scope, receive)


async def _send_body(content: bytes, pace: float | None, clock: Clock, send: Send) -> None:
    stride = len(content) if pace is None else max(1, int(pace * STRIDE))
    for start in range(0, len(content), max(1, stride)):
        piece = content[start : start + stride]
        if pace is not None:
            await clock.sleep(len(piece) / pace)
        await send({"type": "http.response.body", "body": piece, "more_body": True})


def _content(answer: Answer) -> bytes:
    if answer.status in BODILESS:
        return b""
    text = json.dumps(answer.body, ensure_ascii=False) if answer.text is None else answer.text
    return text.encode(errors="replace")


def _headers(answer: Answer, content: bytes) -> list[tuple[bytes, bytes]]:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    headers.setdefault("content-type", "application/json" if answer.text is None else "text/plain; charset=utf-8")
    if answer.status not in BODILESS:
        headers["content-length"] = str(len(content))
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


async def _hang_up(scope: Scope, receive: Receive, last: bytes = b"") -> None:
    """Close the connection under the server's feet, and wait until it noticed."""
    transport: asyncio.Transport = scope["extensions"][TRANSPORT]
    if last:
        transport.write(last)
    transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass

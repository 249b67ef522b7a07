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
# It begins like a TLS record, as from a server that was asked in the wrong protocol.
GARBAGE = b"\x16\x03\x01\x00\xa5 this is no HTTP \xff\xfe\x00\r\n\r\n"


async def read_call(request: Request) -> Call:
    """The request as it stood on the wire; of a body that is too large, no more than shows that it is."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk[: MAX_BYTES + 1 - len(body)]
    return Call(
        method=request.method,
        # As it was sent: Starlette's own path is decoded, and "%2F" would part segments in it.
        path=request.scope["raw_path"].decode("latin-1"),
        headers=dict(request.headers),
        body=bytes(body),
        peer=request.client.host if request.client else "",
    )


async def send_answer(answer: Answer, clock: Clock, scope: Scope, receive: Receive, send: Send) -> None:
    """Send the answer. A client that hangs up meanwhile ends it."""
    delivery = answer.delivery
    if delivery.delay and not await _pause(delivery.delay, clock, receive):
        return
    if delivery.dropped or delivery.garbage:
        await _hang_up(scope, receive, GARBAGE if delivery.garbage else b"")
        return
    text = json.dumps(answer.body, ensure_ascii=False) if answer.text is None else answer.text
    content = b"" if answer.status in BODILESS else text.encode(errors="replace")
    headers = {name.lower(): value for name, value in answer.headers.items()}
    headers.setdefault("content-type", "application/json" if answer.text is None else "text/plain; charset=utf-8")
    # It is that of the whole answer, so a client can see that the answer was cut.
    if answer.status not in BODILESS:
        headers["content-length"] = str(len(content))
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": encoded})

    sent = content[: delivery.cut]
    # At a pace, the body goes in pieces, one for each stride of time; otherwise it is one piece.
    length = max(1, len(sent) if delivery.pace is None else int(delivery.pace * STRIDE))
    for start in range(0, len(sent), length):
        piece = sent[start : start + length]
        if delivery.pace is not None and not await _pause(len(piece) / delivery.pace, clock, receive):
            return
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    if delivery.cut is None or delivery.cut >= len(content):
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    else:
        await _hang_up(scope, receive)


async def _pause(seconds: float, clock: Clock, receive: Receive) -> bool:
    """Wait. Returns False where the client hung up, or the server stops, before that."""
    waits = [asyncio.ensure_future(one) for one in (clock.sleep(seconds), _disconnection(receive))]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    await asyncio.wait(waits)
    # A wait that has ended cannot be cancelled, so this says whether the client is still there.
    return waits[1].cancelled()


async def _disconnection(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _hang_up(scope: Scope, receive: Receive, last: bytes = b"") -> None:
    """Close the connection without the server, and wait until the server has noticed."""
    transport: asyncio.Transport | None = scope.get("extensions", {}).get(TRANSPORT)
    if transport is not None:
        transport.write(last)
        transport.close()
    await _disconnection(receive)

"""The stand-in as an application: thin ASGI around the service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from smithd.clock import Clock
from smithd.simulator.body import MAX_BYTES
from smithd.simulator.exchange import Call
from smithd.simulator.service import Service

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


def application(service: Service, clock: Clock) -> ASGIApp:
    """The ASGI application that asks ``service`` about every HTTP request."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            call = await _call(request)
        except ClientDisconnect:
            return
        answer = service.handle(call, clock.now())
        content = json.dumps(answer.body, ensure_ascii=False).encode()
        response = Response(content, answer.status, dict(answer.headers), media_type="application/json")
        await response(scope, receive, send)

    return app


async def _call(request: Request) -> Call:
    return Call(
        method=request.method,
        path=request.scope["raw_path"].decode("latin-1"),
        headers=dict(request.headers),
        body=await _body(request),
        peer=request.client.host if request.client else "",
    )


async def _body(request: Request) -> bytes:
    """The body; of one that is too large, no more than tells that it is."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk[: MAX_BYTES + 1 - len(body)]
    return bytes(body)

"""The page that shows the phone, the same as JSON, and the control API's addresses."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import tzinfo
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from smithd.clock import Clock
from smithd.lockscreen import page, view
from smithd.lockscreen.gallery import gallery
from smithd.lockscreen.screen import Page
from smithd.simulator import control, picture
from smithd.simulator.control import ORDERS, Order
from smithd.simulator.service import Service
from smithd.simulator.wire import read_call

Handler = Callable[[Request], Awaitable[Response]]


def site(service: Service, clock: Clock, zone: tzinfo) -> Starlette:
    """The addresses beside the service's own. ``zone`` is the phone's."""

    def look(request: Request) -> Page:
        now, device = clock.now(), request.query_params.get("device")
        base_url = f"{request.url.scheme}://{request.url.netloc}"
        try:
            screen = service.screen(now, device)
        except KeyError:
            raise HTTPException(404, f"There is no device {device}") from None
        phones = [phone.name for phone in service.state.devices]
        drawn = picture.page(screen, service.seen, now + service.ahead, zone, base_url, phones)
        return replace(drawn, view=view.read(request.query_params))

    async def whole(request: Request) -> Response:
        return HTMLResponse(page.document(look(request)))

    async def fragment(request: Request) -> Response:
        return HTMLResponse(page.fragment(look(request)))

    async def examples(request: Request) -> Response:
        return HTMLResponse(page.gallery(gallery(clock.now() + service.ahead, zone, view.read(request.query_params))))

    def ordered(order: Order) -> Handler:
        async def endpoint(request: Request) -> Response:
            return _json(*control.run(order, service, await read_call(request), request.query_params, clock.now()))

        return endpoint

    return Starlette(
        routes=[
            Route("/", whole),
            Route("/screen", fragment),
            Route("/gallery", examples),
            Route("/static/{name}", _file),
            *(Route(order.path, ordered(order), methods=[order.method]) for order in ORDERS),
        ],
        exception_handlers={HTTPException: _missing},
    )


def _json(status: int, document: Any) -> Response:
    content = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    return Response(content.encode(errors="replace"), status, media_type="application/json")


async def _file(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in page.FILES:
        raise HTTPException(404)
    return Response(page.static(name), media_type=page.FILES[name])


async def _missing(request: Request, error: Exception) -> Response:
    missing = error if isinstance(error, HTTPException) else HTTPException(404)
    message = "the service is below /api/, the page at /, and GET /control lists the orders"
    answer = _json(missing.status_code, {"error": missing.detail, "message": message})
    if missing.status_code == 405:
        # Starlette names the methods of one route only, and each order of a path is a route of its own.
        answer.headers["Allow"] = ", ".join(o.method for o in ORDERS if o.path == request.url.path) or "GET"
    return answer

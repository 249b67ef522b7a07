"""The page's addresses: the page itself, its fragment, its files."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from smithd.lockscreen import page, view
from smithd.lockscreen.screen import Note, Page
from smithd.web.api import api
from smithd.web.guard import HEALTH, PageGuard
from smithd.web.picture import Picture
from smithd.web.reads import Reads

LEAD = "What the iPhone was last sent and the service accepted. The page updates itself."
NOTES = (
    Note("Widgets", "iOS fetches their values about every 15 minutes. Here they change as soon as they are accepted."),
    Note("Live Activities", "They reach the phone within seconds; iOS may hold back one that changes all the time."),
    Note("Notifications", "An alert that resolves replaces its notification in place, without a sound."),
)


def build(reads: Reads, *, host: str, token: str | None = None, title: str = "smithd", lead: str = LEAD) -> ASGIApp:
    """The page as an ASGI application. ``host`` is the address it listens on; a ``token`` is asked for if given."""
    picture = Picture(reads.zone, reads.order)

    def look(request: Request) -> Page:
        screen = picture.draw(reads.shown(), reads.now())
        return Page(title, lead, screen, NOTES, tuple(reads.happened()), view=view.read(request.query_params))

    async def whole(request: Request) -> Response:
        return HTMLResponse(page.document(look(request)))

    async def fragment(request: Request) -> Response:
        return HTMLResponse(page.fragment(look(request)))

    routes: list[BaseRoute] = [
        Route(HEALTH, _healthy),
        Route("/", whole),
        Route("/screen", fragment),
        Route("/static/{name}", _file),
        api(reads),
    ]
    app = Starlette(routes=routes, exception_handlers={404: _missing})
    return PageGuard(app, page.POLICY, host, token)


async def _healthy(_: Request) -> Response:
    """That it answers is the proof: the loop turns."""
    return PlainTextResponse("ok\n")


async def _file(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in page.FILES:
        return await _missing(request, None)
    return Response(page.static(name), media_type=page.FILES[name])


async def _missing(_: Request, __: Exception | None) -> Response:
    return PlainTextResponse("There is nothing here; the page is at /.\n", 404)

"""The page's addresses: each page, what changes of it, the files that go with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from smithd.beside import beside
from smithd.errors import SmithdError
from smithd.lockscreen.screen import Note, Screen
from smithd.web import drawing, pages
from smithd.web.api import api
from smithd.web.client import DaemonClient
from smithd.web.guard import PageGuard, csrf_token
from smithd.web.picture import Picture
from smithd.web.probes import NO_PROBES, Probes
from smithd.web.reads import Reads
from smithd.web.visit import Visit, visit

LEAD = "What the iPhone was last sent and the service accepted. The page updates itself."
NOTES = (
    Note("Widgets", "iOS fetches their values about every 15 minutes. Here they change as soon as they are accepted."),
    Note("Live Activities", "They reach the phone within seconds; iOS may hold back one that changes all the time."),
    Note("Notifications", "An alert that resolves replaces its notification in place, without a sound."),
)


def build(
    reads: Reads,
    *,
    host: str,
    token: str | None = None,
    title: str = "smithd",
    lead: str = LEAD,
    probes: Probes = NO_PROBES,
) -> ASGIApp:
    """The page as an ASGI application. ``host`` is the address it listens on; a ``token`` is asked for if given;
    ``probes`` answer monitors.
    """
    common = {"brand": title, "lead": lead, "notes": NOTES, "csrf": csrf_token(token) if token is not None else None}
    site = _Site(reads, common)
    routes: list[BaseRoute] = [Route("/static/{name}", _file), api(reads), *probes.routes]
    for page in pages.PAGES:
        routes.append(Route(f"/{page.name}", site.answers(page, drawing.document)))
        routes.append(Route(f"/live/{page.name}", site.answers(page, drawing.fragment)))
    return PageGuard(
        Starlette(routes=routes, exception_handlers={404: _missing, SmithdError: _failed, OSError: _failed}),
        drawing.POLICY,
        host,
        token,
    )


class _Site:
    """Answers for the pages of one configuration."""

    def __init__(self, reads: Reads, common: Mapping[str, Any]) -> None:
        self._reads = reads
        self._client = DaemonClient(reads.commands, reads.now)
        self._pictures = {account: Picture(reads.zone, reads.order) for account in reads.accounts}
        self._common = {**common, "accounts_named": reads.accounts}

    def answers(self, page: pages.SitePage, draw: Callable[[Mapping[str, Any]], str]) -> Callable[[Request], Any]:
        """The endpoint of a page, or of what changes of it."""

        async def endpoint(request: Request) -> Response:
            asked = visit(page.name, request.query_params)
            shown = await pages.show(page, self._client, asked)
            happened = tuple(self._reads.happened())
            screen = self._screen(asked) if page.name == "" else None
            # In a thread, since a list may have a thousand rows.
            whole = self._common | shown | {"screen": screen, "happened": happened}
            # What somebody else wrote may hold half a character, which cannot be encoded.
            return HTMLResponse(await beside(lambda: draw(whole).encode(errors="replace")))

        return endpoint

    def _screen(self, asked: Visit) -> Screen:
        """The Lock Screen of the account that is asked for; without one that is known, of the first."""
        account = asked.account if asked.account in self._pictures else next(iter(self._pictures))
        shown = {key: each for key, each in self._reads.shown().items() if key.account == account}
        return self._pictures[account].draw(shown, self._reads.now())


async def _file(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in drawing.FILES:
        return await _missing(request, None)
    return Response(drawing.static(name), media_type=drawing.FILES[name])


async def _missing(_: Request, __: Exception | None) -> Response:
    return PlainTextResponse("There is nothing here; the page is at /.\n", 404)


async def _failed(_: Request, error: Exception) -> Response:
    """The daemon cannot answer now, as where its state cannot be read."""
    return PlainTextResponse(f"{error}\n", 503)

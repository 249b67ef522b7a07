"""Who may open the page: it shows business figures.

Without a token it answers only to this machine's own names: a foreign site that has its name point here (DNS
rebinding) is refused. With a token, the token is asked for, and the name does not matter.
"""

from __future__ import annotations

import hashlib
import hmac

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "smithd"
HEALTH = "/healthz"
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class PageGuard:
    """Wraps the page: lets through who may look, and puts the protecting headers on every answer."""

    def __init__(self, page: ASGIApp, policy: str, host: str, token: str | None = None) -> None:
        self._page = page
        self._names = LOCAL_NAMES | {host.lower()}
        self._token = token
        self._headers = {
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "no-store",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        headers = dict(self._headers)
        answer = self._refusal(request)
        # Not every request that is let through has shown the token: the health check needs none.
        if "token" in request.query_params and self._token is not None and _is_allowed(request, self._token):
            headers["Set-Cookie"] = f"{COOKIE}={_seal(self._token)}; Path=/; HttpOnly; SameSite=Strict"

        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        await (answer or self._page)(scope, receive, send_protected)

    def _refusal(self, request: Request) -> Response | None:
        # The health check shows no figures, and what watches the service has no token.
        if request.url.path == HEALTH:
            return None
        host = request.headers.get("host", "").strip().lower()
        # An IPv6 address stands in brackets, since it has colons of its own. A name may end with the root's dot.
        name = host.partition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
        if self._token is None and name.rstrip(".") not in self._names:
            return PlainTextResponse(
                "smithd serves this page to its own machine only: open it as localhost. "
                "To reach it by another name, set web.token in the configuration.\n",
                421,
            )
        if self._token is not None and not _is_allowed(request, self._token):
            return PlainTextResponse(
                "smithd asks for a token: open this page once as /?token=<web.token>, "
                "or send 'Authorization: Bearer <web.token>'.\n",
                401,
                {"WWW-Authenticate": "Bearer"},
            )
        return None


def _is_allowed(request: Request, token: str) -> bool:
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    offers = (
        (bearer.strip() if scheme.lower() == "bearer" else None, token),
        (request.query_params.get("token"), token),
        (request.cookies.get(COOKIE), _seal(token)),
    )
    # As bytes: compare_digest refuses text that is not ASCII.
    return any(offer is not None and hmac.compare_digest(offer.encode(), wanted.encode()) for offer, wanted in offers)


def _seal(token: str) -> str:
    """What the cookie holds: it opens the page, but does not give the token away."""
    return hashlib.sha256(b"smithd page\0" + token.encode()).hexdigest()

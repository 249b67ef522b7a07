"""Who may open the page and ask the API: they show business figures.

Without a token they answer only to this machine's own names: a foreign site that has its name point here (DNS
rebinding) is refused. With a token, the token is asked for, and the name does not matter. The ladder, in order:

    a health check                                              let through
    a name that is not this machine's, without web.token        421
    no token, or a wrong one, with web.token                    401
    the API, or a change, is asked by a page of another origin  403
    a change, without web.token                                 403: read-only
    a change, with the token as Bearer                          let through
    a change, with the cookie and the CSRF token                let through
    a change, with the cookie alone                             403
    else                                                        let through

A change is whatever is not GET or HEAD. No header allows other origins to read an answer (CORS).
"""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smithd.web.probes import HEALTH, READY

COOKIE = "smithd"
CSRF_HEADER = "X-CSRF-Token"
API = "/api/"
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

_READING = frozenset({"GET", "HEAD"})
_SAME_ORIGIN = frozenset({"same-origin", "none"})
"""What Sec-Fetch-Site says of a request of our own pages, and of one that a person began ("none")."""


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
        # The health checks show no figures, and what watches the service has no token.
        if request.url.path in (HEALTH, READY):
            return None
        if self._token is None and _name(request) not in self._names:
            return _refused(
                request,
                421,
                "smithd serves this page to its own machine only: open it as localhost. "
                "To reach it by another name, set web.token in the configuration.",
            )
        if self._token is not None and not _is_allowed(request, self._token):
            return _refused(
                request,
                401,
                "smithd asks for a token: open this page once as /?token=<web.token>, "
                "or send 'Authorization: Bearer <web.token>'.",
            )
        return self._refused_change(request)

    def _refused_change(self, request: Request) -> Response | None:
        reads = request.method in _READING
        if (not reads or request.url.path.startswith(API)) and _is_of_another_origin(request):
            return _refused(request, 403, "smithd does not answer to pages of other origins.")
        if reads:
            return None
        if self._token is None:
            return _refused(
                request,
                403,
                "Without a token smithd can only be looked at: set web.token in the configuration to change something "
                "here, or use the command line ('smithd silence').",
            )
        if _is_bearer(request, self._token):
            return None
        if not _same(request.headers.get(CSRF_HEADER), csrf_token(self._token)):
            return _refused(
                request,
                403,
                f"A change needs 'Authorization: Bearer <web.token>', or, from the page, its {CSRF_HEADER}.",
            )
        return None


def csrf_token(token: str) -> str:
    """What a page of ours sends along with a change, in ``X-CSRF-Token``: no page of another origin can read it."""
    return hmac.new(token.encode(), b"smithd csrf\0" + _seal(token).encode(), hashlib.sha256).hexdigest()


def _refused(request: Request, status: int, text: str) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    if request.url.path.startswith(API):
        return JSONResponse({"error": text}, status, headers)
    return PlainTextResponse(f"{text}\n", status, headers)


def _name(request: Request) -> str:
    """By what name it was asked."""
    host = request.headers.get("host", "").strip().lower()
    # An IPv6 address stands in brackets, since it has colons of its own. A name may end with the root's dot.
    name = host.partition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
    return name.rstrip(".")


def _is_of_another_origin(request: Request) -> bool:
    """Whether a browser says that a page of another origin asks. Programs, and older browsers, say nothing."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    # No page can set it. It also holds where a proxy before us has changed the host.
    if site is not None:
        return site not in _SAME_ORIGIN
    # The scheme is not compared: a proxy before us may end TLS.
    return origin is not None and urlsplit(origin).netloc.lower() != request.headers.get("host", "").strip().lower()


def _is_allowed(request: Request, token: str) -> bool:
    return (
        _is_bearer(request, token)
        or _same(request.query_params.get("token"), token)
        or _same(request.cookies.get(COOKIE), _seal(token))
    )


def _is_bearer(request: Request, token: str) -> bool:
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and _same(bearer.strip(), token)


def _same(offer: str | None, wanted: str) -> bool:
    # As bytes: compare_digest refuses text that is not ASCII.
    return offer is not None and hmac.compare_digest(offer.encode(), wanted.encode())


def _seal(token: str) -> str:
    """What the cookie holds: it opens the page, but does not give the token away."""
    return hashlib.sha256(b"smithd page\0" + token.encode()).hexdigest()

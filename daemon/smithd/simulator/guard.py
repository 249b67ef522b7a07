"""Who may look at the page and use the control API: this machine, or who has the control key.

A browser here can be made to ask by a foreign site. So without the key, the name that was asked for must be one of
this machine's own, and a page that asks must be one of our own.
"""

from __future__ import annotations

import hmac
import ipaddress

from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class SimulatorGuard:
    """Lets through who may, and puts the page's policy on every answer."""

    def __init__(self, site: ASGIApp, policy: str, control_key: str | None = None) -> None:
        self._site = site
        self._headers = {
            b"content-security-policy": policy.encode(),
            b"x-content-type-options": b"nosniff",
            b"cache-control": b"no-store",
        }
        self._control_key = control_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers.items()]
            await send(message)

        request = Request(scope)
        site = self._site if self._is_allowed(request) else _REFUSAL
        await site(scope, receive, send_protected)

    def _is_allowed(self, request: Request) -> bool:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        wanted = self._control_key if scheme.lower() == "bearer" else None
        # As bytes: compare_digest refuses text that is not ASCII.
        if wanted and hmac.compare_digest(key.strip().encode(), wanted.encode()):
            return True

        host = request.headers.get("host", "")
        try:
            name = URL(f"http://{host}").hostname or ""
        except ValueError:
            return False
        # A foreign site can have its own name point here, so the name must be one that no site can take for itself.
        is_own_name = name == "localhost" or _is_loopback(name)
        # curl sends no Origin; a browser sends one with whatever a page asks of another site.
        origin = request.headers.get("origin", f"http://{host}")
        peer = request.client.host if request.client else ""
        return _is_loopback(peer) and is_own_name and origin == f"http://{host}"


_REFUSAL = PlainTextResponse(
    "The simulator shows its page and takes orders on its own machine only: open it as localhost there. "
    "From elsewhere, send 'Authorization: Bearer KEY' with the KEY of --control-key.\n",
    403,
)


def _is_loopback(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    # A socket that listens for IPv6 too reports an IPv4 client as ::ffff:127.0.0.1.
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback

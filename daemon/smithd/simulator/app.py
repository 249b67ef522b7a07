"""The stand-in as an application: thin ASGI around the service, with its page and its control API beside it."""

from __future__ import annotations

from datetime import tzinfo
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request

from smithd.clock import Clock
from smithd.lockscreen.page import POLICY
from smithd.simulator.guard import SimulatorGuard
from smithd.simulator.router import BASE_PATH
from smithd.simulator.service import Service
from smithd.simulator.site import site
from smithd.simulator.wire import read_call, send_answer

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


def application(service: Service, clock: Clock, zone: tzinfo, control_key: str | None = None) -> ASGIApp:
    """The ASGI application: ``service`` answers everything below its base path.

    Beside it are the page, which shows the time in ``zone``, and the control API: for this machine, and for a
    client with the ``control_key``.
    """
    others = SimulatorGuard(site(service, clock, zone), POLICY, control_key)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # With a slash at its end, the path /api itself is the service's too, and /apis is not.
        if not f"{scope['raw_path'].decode('latin-1')}/".startswith(f"{BASE_PATH}/"):
            await others(scope, receive, send)
            return
        try:
            call = await read_call(Request(scope, receive))
        except ClientDisconnect:
            return
        await send_answer(service.handle(call, clock.now()), clock, scope, receive, send)

    return app

"""The shop: answers its figures as JSON over HTTP, on loopback."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from smithd.clock import Clock
from smithd.demo import scenario

PICKUP_EVERY = 600.0
"""Seconds between two lorries that fetch what was sold."""


class Shop:
    """Opens when it is made; ``elapsed`` counts from then."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._opened = clock.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the shop opened."""
        return self._clock.monotonic() - self._opened

    def app(self) -> Starlette:
        """The shop's web server; its one address is ``/stats.json``."""
        return Starlette(routes=[Route("/stats.json", self._stats)])

    async def _stats(self, _: Request) -> Response:
        elapsed = self.elapsed
        figures = scenario.figures(elapsed)
        if not figures.answers:
            return PlainTextResponse("out of order\n", 503)
        pickup_at = round(self._clock.now() + PICKUP_EVERY - elapsed % PICKUP_EVERY)
        return JSONResponse({**figures.as_json(), "pickup_at": pickup_at})

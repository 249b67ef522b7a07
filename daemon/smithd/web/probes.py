"""What monitors ask for: the metrics, whether the daemon lives, and whether it is ready."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

HEALTH = "/healthz"
READY = "/readyz"
METRICS = "/metrics"


class ProbeAnswer(NamedTuple):
    """Whether it is well, and a line about it that shows nothing of what is polled: everybody may read it."""

    is_well: bool
    said: str


Scrape = Callable[[str, str], Awaitable[tuple[Mapping[str, str], bytes]]]
"""The headers and the body of the answer to a scrape, by its headers Accept and Accept-Encoding."""


def _well() -> ProbeAnswer:
    # That it answers is the proof: the loop turns.
    return ProbeAnswer(True, "ok")


@dataclass(frozen=True, slots=True)
class Probes:
    """What answers the monitors; the runtime fills it in."""

    health: Callable[[], ProbeAnswer] = _well
    readiness: Callable[[], ProbeAnswer] = _well
    scrape: Scrape | None = None

    @property
    def routes(self) -> list[Route]:
        """Where they are asked."""
        found = [Route(HEALTH, _asking(self.health)), Route(READY, _asking(self.readiness))]
        if (scrape := self.scrape) is not None:

            async def metrics(request: Request) -> Response:
                accept, encoding = request.headers.get("accept", ""), request.headers.get("accept-encoding", "")
                headers, body = await scrape(accept, encoding)
                return Response(body, headers=dict(headers))

            found.append(Route(METRICS, metrics))
        return found


NO_PROBES = Probes()
"""For a page without a daemon that could be watched."""


def _asking(verdict: Callable[[], ProbeAnswer]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_: Request) -> Response:
        is_well, said = verdict()
        return PlainTextResponse(f"{said}\n", 200 if is_well else 503)

    return answer

"""One stand-in on loopback for a whole test module; each test gives it the state it needs."""

from __future__ import annotations

import asyncio
import http.client
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC

import pytest

from fakes import FakeClock
from simulator.loopback import KEY, Wire
from smithd.serving import bind, serve
from smithd.simulator.app import application
from smithd.simulator.service import Service
from smithd.simulator.state import ServiceState


@pytest.fixture(scope="module")
def served() -> Iterator[Wire]:
    service, clock, listener = Service(), FakeClock(), bind("127.0.0.1", 0)
    port: int = listener.getsockname()[1]
    stop: Future[None] = Future()

    async def run() -> None:
        serving = asyncio.ensure_future(serve(application(service, clock, UTC), listener))
        await asyncio.wrap_future(stop)
        serving.cancel()
        await asyncio.wait([serving])

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    yield Wire(service, clock, connection)
    connection.close()
    stop.set_result(None)
    thread.join()


@pytest.fixture
def wire(served: Wire) -> Wire:
    """The stand-in with a fresh account."""
    service = served.service
    service.state = ServiceState(keys={KEY: None})
    service.faults.clear()
    service.seen.clear()
    service.ahead = 0.0
    return served

"""What the tests of sources share: something to ask, and a way to ask it once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fake_stripe import FakeStripe
from servers import Certificate, make_certificate
from smithd.clock import SystemClock
from smithd.plugin import Context, Http, RawSample, Source
from smithd.testing import Server

Ask = Callable[..., list[RawSample]]


@pytest.fixture
def web() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def ask() -> Ask:
    """Opens a source with options as the configuration gives them, polls it, and closes it."""

    def ask(
        kind: type[Source[Any]],
        given: dict[str, Any],
        *,
        polls: int = 1,
        deadline: float = 20.0,
        folder: Path | None = None,
    ) -> list[RawSample]:
        options = kind.Options.model_validate(given, context={"folder": folder})
        return asyncio.run(_ask(kind, options, polls, deadline))

    return ask


async def _ask(kind: type[Source[Any]], options: Any, polls: int, deadline: float) -> list[RawSample]:
    http = Http()
    source = kind(options, Context("shop", deadline, SystemClock(), http, logging.getLogger("smithd.sources.shop")))
    samples: Iterable[RawSample] = []
    try:
        await source.open()
        for _ in range(polls):
            polled = source.poll()
            samples = polled if isinstance(polled, Iterable) else await polled
        return list(samples)
    finally:
        await source.close()
        await http.aclose()


@pytest.fixture(scope="session")
def stripe_server() -> Iterator[FakeStripe]:
    server = FakeStripe()
    yield server
    server.stop()


@pytest.fixture
def account(stripe_server: FakeStripe) -> FakeStripe:
    """An empty account of Stripe's."""
    stripe_server.reset()
    return stripe_server

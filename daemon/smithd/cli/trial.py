"""Tries a configuration that is being written: its source is polled once, without a state, and nothing is sent."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smithd.errors import ConfigError

if TYPE_CHECKING:
    from smithd.config.model import Config
    from smithd.plugin.sample import Sample


@dataclass(frozen=True, slots=True)
class Trial:
    """What a poll brought. ``problems``: why it failed, or which values were refused."""

    samples: tuple[Sample, ...]
    problems: list[str]


@contextmanager
def written_beside(path: Path, text: str) -> Iterator[Path]:
    """A file with this text in the folder of ``path``, where relative paths begin, for the length of a block. In a
    ConfigError, it is called by the name that the text will have.
    """
    draft = path.with_name(f".smithd-init-{os.getpid()}.yaml")
    draft.write_text(text, encoding="utf-8")
    try:
        yield draft
    except ConfigError as error:
        raise ConfigError(str(error).replace(str(draft), str(path))) from None
    finally:
        draft.unlink(missing_ok=True)


def poll(config: Config) -> Trial:
    """Poll the one source of a configuration."""
    return asyncio.run(_poll(config))


async def _poll(config: Config) -> Trial:
    from smithd.clock import SystemClock
    from smithd.events import Event, Events, SamplesRefused
    from smithd.http import Http
    from smithd.plugin.source import Context
    from smithd.poll.poller import Poller
    from smithd.redactor import Redactor

    (spec,) = config.sources.values()
    said: list[Event] = []
    http = Http()
    log = logging.getLogger(f"smithd.sources.{spec.name}")
    zone, redactor = spec.zone or config.zone, Redactor(spec.secrets)
    context = Context(spec.name, spec.timeout, SystemClock(), http, log, zone, config.zone, redactor)
    poller = Poller(spec, context, Events([said.append]), lambda _: None)
    try:
        found = await poller.poll_once()
    finally:
        await poller.close()
        await http.aclose()
    refused = [event.reason for event in said if isinstance(event, SamplesRefused)]
    problems = [*([found.failure] if found.failure else []), *refused]
    return Trial(found.samples, [config.redactor.clean(text) for text in problems])


def fetch_json(url: str) -> Any:
    """The JSON at an address; None where there is none, for whatever reason: the poll will say it."""
    return asyncio.run(_fetch(url))


async def _fetch(url: str) -> Any:
    from smithd.http import Http

    http = Http()
    try:
        async with asyncio.timeout(10):
            response = await http.prepare("GET", url, timeout=10).send()
        return json.loads(response.body) if response.status == 200 else None
    except Exception:  # noqa: BLE001 - there is nothing to choose from then, and nothing else follows from it
        return None
    finally:
        await http.aclose()

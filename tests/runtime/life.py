"""A whole daemon in virtual time, between sources that are scripted and a simulator in place of the service."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest

from smithd.clock import SystemClock
from smithd.config.files import ConfigFiles
from smithd.config.load import load
from smithd.config.model import Config
from smithd.config.watch import FileWatch, Look
from smithd.delivery.account import AccountOptions
from smithd.delivery.reply import Accepted, Reply, read
from smithd.delivery.wire import Request
from smithd.events import Event, Events, Reloaded, ReloadRefused
from smithd.plugin import Misconfigured, Options, RawSample, Source
from smithd.poll.registry import Registry
from smithd.runtime.daemon import Operator, run
from smithd.simulator.exchange import Call
from smithd.simulator.service import Service
from smithd.simulator.state import ServiceState
from smithd.storage.committer import InlineCommitter

KEYS = ("ask_1f7e21c9", "ask_2b08d35a")


class ScriptedOptions(Options):
    metric: str = "errors"
    hangs: bool = False
    tag: str = ""


class Scripted(Source[ScriptedOptions]):
    """What a plugin file of these tests inherits from: it says what ``values`` has for it (nothing where it is
    ``silent``; where it is ``mistaken``, that a person must mend it), and ``did`` what it did.
    """

    Options = ScriptedOptions
    values: ClassVar[dict[str, float]] = {}
    silent: ClassVar[set[str]] = set()
    mistaken: ClassVar[set[str]] = set()
    did: ClassVar[list[tuple[str, str, float]]] = []

    @classmethod
    def metrics(cls, options: ScriptedOptions) -> list[str]:
        return [options.metric, "other"]

    def _note(self, what: str) -> None:
        self.did.append((self.context.name, what, time.monotonic()))

    async def open(self) -> None:
        self._note("open")

    async def poll(self) -> list[RawSample]:
        self._note("poll")
        while self.options.hangs:
            try:
                await asyncio.sleep(1e6)
            except asyncio.CancelledError:
                continue
        if self.context.name in self.mistaken:
            raise Misconfigured("HTTP 404")
        if self.context.name in self.silent:
            return []
        value = self.values.get(self.context.name, 0.0)
        return [RawSample(self.options.metric, value), RawSample("other", value)]

    async def close(self) -> None:
        self._note("close")


PLUGIN = "from runtime.life import Scripted\n\nclass Shop(Scripted):\n    type_name = 'shop'\n"
HEAD = """
activitysmith: {{api_key: {key}, channels: [ops]}}
state: sqlite:///state.db
timezone: {zone}
plugins: [shop.py]
"""


@dataclass
class Sent:
    """One request that the service was sent."""

    at: float
    key: str
    method: str
    path: str
    body: Any
    is_taken: bool


@dataclass
class Phone:
    """The service: it answers as the simulator does, after ``delay`` seconds, unless ``fault`` says otherwise."""

    service: Service = field(
        default_factory=lambda: Service(ServiceState(keys=dict.fromkeys(KEYS), creates_metrics=True))
    )
    sent: list[Sent] = field(default_factory=list)
    delay: float = 0.0
    fault: Callable[[Request], Awaitable[Reply | None]] | None = None

    def client(self, account: AccountOptions, *_: object) -> Callable[[Request], Awaitable[Reply]]:
        """What stands in for delivery's client."""

        async def send(request: Request) -> Reply:
            await asyncio.sleep(self.delay)
            reply = await self.fault(request) if self.fault is not None else None
            key = account.api_key.get_secret_value()
            if reply is None:
                headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
                call = Call(request.method, f"/api{request.path}", headers, request.content)
                answer = self.service.handle(call, time.time())
                assert answer.status < 500, answer.body
                reply = read(request.endpoint, answer.status, {}, json.dumps(answer.body).encode(), time.time())
            is_taken = isinstance(reply, Accepted)
            self.sent.append(Sent(time.monotonic(), key, request.method, request.path, request.body, is_taken))
            return reply

        return send

    def pushes(self) -> list[str]:
        """The titles of the notifications that were taken, in order; a rise marks the one before it as earlier."""
        titles = [sent.body["title"] for sent in self.sent if "push" in sent.path and sent.is_taken]
        return [title for title in titles if not title.startswith("Earlier")]

    def values(self) -> list[Any]:
        """The widget values that were taken, in order."""
        return [sent.body["value"] for sent in self.sent if "metrics" in sent.path and sent.is_taken]


class Life:
    """One daemon: its file can be rewritten and read anew, and its facts be looked at."""

    def __init__(self, folder: Path, phone: Phone) -> None:
        self.phone = phone
        self.facts: list[Event] = []
        self.stopped_cleanly: bool | None = None
        self.reading_takes = 0.1
        self._path = folder / "smithd.yaml"
        self.plugin = folder / "shop.py"
        self.wanted = asyncio.Event()
        self._news = asyncio.Event()

    def write(self, text: str, key: str = KEYS[0], zone: str = "UTC") -> None:
        self._path.write_text(HEAD.format(key=key, zone=zone) + text)

    def read(self) -> Config:
        return load(self._path, secrets_required=True)

    async def reload(self, text: str | None = None, key: str = KEYS[0], zone: str = "UTC") -> Reloaded | ReloadRefused:
        """Rewrite the file (None: leave it), have it read anew, and wait for the outcome."""
        if text is not None:
            self.write(text, key, zone)
        known = len(self.reloads())
        self.wanted.set()
        await self.until(lambda: len(self.reloads()) > known)
        return self.reloads()[-1]

    def hear(self, event: Event) -> None:
        """Listen to the daemon."""
        self.facts.append(event)
        self._news.set()

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait for what the facts will tell."""
        while not true():
            self._news.clear()
            await self._news.wait()

    def reloads(self) -> list[Reloaded | ReloadRefused]:
        return [event for event in self.facts if isinstance(event, Reloaded | ReloadRefused)]

    def told(self, kind: type[Event]) -> list[str]:
        return [str(event) for event in self.facts if type(event) is kind]

    def did(self, name: str, *whats: str) -> list[tuple[str, float]]:
        """What a source did, and when."""
        wanted = whats or ("open", "poll", "close")
        return [(what, at) for source, what, at in Scripted.did if source == name and what in wanted]


@asynccontextmanager
async def living(
    folder: Path, text: str, monkeypatch: pytest.MonkeyPatch, phone: Phone | None = None
) -> AsyncIterator[Life]:
    """A daemon that runs, in virtual time; it is stopped at the end. ``phone``: that of an earlier life."""
    phone = phone or Phone()
    monkeypatch.setattr("smithd.runtime.components.Client", phone.client)
    monkeypatch.setattr("smithd.runtime.daemon.ThreadCommitter", InlineCommitter)  # virtual time waits for no thread
    monkeypatch.setattr(Registry, "needs_isolation", lambda *_: False)  # virtual time is that of one loop
    Scripted.values.clear()
    Scripted.did.clear()
    Scripted.silent.clear()
    Scripted.mistaken.clear()
    life = Life(folder, phone)
    life.plugin.write_text(PLUGIN)
    life.write(text)

    async def reread() -> Config:
        await asyncio.sleep(life.reading_takes)  # in a thread of its own
        return life.read()

    stop = asyncio.Event()
    watch = FileWatch(ConfigFiles((folder / "smithd.yaml",)))

    async def look() -> Look:
        return watch.look()

    operator = Operator(reread, look, life.wanted, folder / "control.sock")
    running = asyncio.create_task(run(life.read(), Events([life.hear]), SystemClock(), stop, operator=operator))
    try:
        yield life
    finally:
        stop.set()
        life.stopped_cleanly = await running

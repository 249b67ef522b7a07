"""The commands that a running daemon carries out for the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from smithd.control import Handler
from smithd.descriptors import RESERVE
from smithd.engine.entries import AddSilence, ExpireSilence
from smithd.events import Reloaded
from smithd.keys import DEFAULT_ACCOUNT
from smithd.notify.silence import Silence
from smithd.runtime.components import Components

Arguments = Mapping[str, Any]

LARGEST = 10**12
"""No argument of a command is a larger number."""


def of(components: Components) -> dict[str, Handler]:
    """What a daemon answers, by the names of the commands: to the control socket and to the page alike."""
    commands = _Commands(components)
    return {
        "status": commands.status,
        "outbox": commands.outbox,
        "explain": commands.explain,
        "silence.add": commands.add_silence,
        "silence.list": commands.list_silences,
        "silence.expire": commands.expire_silence,
    }


def reloading(reload: Callable[[], Awaitable[Reloaded]]) -> dict[str, Handler]:
    """The command that reads the configuration again, which the control socket alone takes."""

    async def carried_out(_: Arguments) -> str:
        return str(await reload())

    return {"reload": carried_out}


class _Commands:
    """Each takes its arguments as JSON gave them, and returns what JSON can hold."""

    def __init__(self, components: Components) -> None:
        self._components = components

    async def status(self, _: Arguments) -> Any:
        config, found = self._components.config, await self._components.status()
        with RESERVE.lent():
            from smithd.status.as_json import as_json
        return await asyncio.to_thread(lambda: config.redactor.clean_all(as_json(found, config.zone)))

    async def outbox(self, _: Arguments) -> Any:
        components = self._components
        # Imported here, as above.
        with RESERVE.lent():
            from smithd.delivery.waiting import passages
            from smithd.waiting import outbox_report

        engine, config, deliveries = components.engine, components.config, components.running.deliveries
        setup, state, now = engine.setup, engine.state, components.clock.now()
        instant = components.clock.monotonic()
        let_go = {account: passages(each.gate, instant, now) for account, each in deliveries.items()}
        return await asyncio.to_thread(lambda: config.redactor.clean_all(outbox_report(setup, state, let_go, now)))

    async def explain(self, given: Arguments) -> Any:
        # Imported here, as above.
        with RESERVE.lent():
            from smithd.delivery.waiting import passages
            from smithd.runtime.explaining import explained, meant, remembered

        components = self._components
        labels, about = _text(given, "labels"), meant(components.engine.setup, _text(given, "name"))

        def read() -> Any:
            with RESERVE.lent(), components.database.read_only() as connection:
                return remembered(connection, about, components.clock.now())

        # On a connection of its own, in a thread: neither the loop nor a commit waits for it.
        found, now = await asyncio.to_thread(read), components.clock.now()
        account = DEFAULT_ACCOUNT if isinstance(about.thing, str) else about.thing.account
        gate = components.running.deliveries[account].gate
        let_go = passages(gate, components.clock.monotonic(), now)
        said = explained(components.engine, about, found, labels, let_go, now)
        return components.config.redactor.clean_all(said)

    async def add_silence(self, given: Arguments) -> dict[str, Any]:
        now, seconds = self._components.clock.now(), _number(given, "seconds")
        matchers, comment, author = (_text(given, name) for name in ("matchers", "comment", "author"))
        made = await self._components.writer.ask(AddSilence(now, matchers, seconds, comment, author))
        return self._as_json(made)

    async def list_silences(self, _: Arguments) -> list[dict[str, Any]]:
        silences = self._components.engine.state.silences
        return [self._as_json(silence) for silence in silences.active(self._components.clock.now())]

    async def expire_silence(self, given: Arguments) -> None:
        if not (number := _number(given, "id")).is_integer():
            raise ValueError("expected a whole number as 'id'")
        await self._components.writer.ask(ExpireSilence(self._components.clock.now(), int(number)))

    def _as_json(self, silence: Silence) -> dict[str, Any]:
        return {
            "id": silence.id,
            "matchers": silence.text,
            "comment": silence.comment,
            "author": silence.author,
            "starts": silence.starts,
            "ends": silence.ends,
            "timezone": self._components.config.zone.key,
        }


def _text(given: Arguments, name: str) -> str:
    text = given.get(name)
    if not isinstance(text, str):
        raise ValueError(f"expected a text as '{name}'")
    # JSON can hold half a character, which cannot be written; Python makes such of a command line that is not UTF-8.
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError(f"expected a text as '{name}', and this one is not valid Unicode")
    return text


def _number(given: Arguments, name: str) -> float:
    value = given.get(name)
    # JSON has numbers that are too large for a float; Python reads 1e400 as infinite.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST:
        raise ValueError(f"expected a number as '{name}', of at most {LARGEST}")
    return float(value)

"""The commands that a running daemon carries out for the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection

from smithd import journal
from smithd.beside import beside
from smithd.control import Handler
from smithd.descriptors import RESERVE
from smithd.engine.entries import AddSilence, ExpireSilence
from smithd.errors import NotThere
from smithd.events import Reloaded
from smithd.formatting import iso_time
from smithd.keys import DEFAULT_ACCOUNT
from smithd.notify.silence import Silence
from smithd.runtime.components import Components

Arguments = Mapping[str, Any]

T = TypeVar("T")

DAY = 86400.0
"""How much of a metric's past is returned where none is asked for."""

LARGEST = 10**12
"""No argument of a command is a larger number."""


def of(components: Components) -> dict[str, Handler]:
    """What a daemon answers, by the names of the commands: to the control socket and to the page alike."""
    commands = _Commands(components)
    return {
        "status": commands.status,
        "outbox": commands.outbox,
        "explain": commands.explain,
        "decisions": commands.decisions,
        "history": commands.history,
        "screen": commands.screen,
        "silence.add": commands.add_silence,
        "silence.list": commands.list_silences,
        "silence.expire": commands.expire_silence,
    }


def reloading(
    reload: Callable[[], Awaitable[Reloaded]], changes: Callable[[], Awaitable[dict[str, Any]]]
) -> dict[str, Handler]:
    """The commands that read the configuration again, which the control socket alone takes; one only says what a reload
    would change.
    """

    async def carried_out(_: Arguments) -> dict[str, Any]:
        done = await reload()
        return {
            "said": str(done),
            "sources_kept": done.kept,
            "sources_added": done.added,
            "sources_removed": done.removed,
            "rules": done.rules,
        }

    async def asked(_: Arguments) -> dict[str, Any]:
        return await changes()

    return {"reload": carried_out, "changes": asked}


class _Commands:
    """Each takes its arguments as JSON gave them, and returns what JSON can hold."""

    def __init__(self, components: Components) -> None:
        self._components = components
        self._status: asyncio.Task[Any] | None = None

    async def status(self, _: Arguments) -> Any:
        """The read model. Those who ask while it is put together are given the same: with thousands of sources that
        takes long, and a page may be open in many windows.
        """
        if self._status is None or self._status.done():
            self._status = asyncio.create_task(self._read_status())
        # Somebody who leaves must not end what others wait for.
        return await asyncio.shield(self._status)

    async def _read_status(self) -> Any:
        config, filled = self._components.config, self._components.status()
        with RESERVE.lent():
            from smithd.status.as_json import as_json
        return await beside(lambda: config.redactor.clean_all(as_json(filled(), config.zone)))

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
        return await beside(lambda: config.redactor.clean_all(outbox_report(setup, state, let_go, now)))

    async def explain(self, given: Arguments) -> Any:
        # Imported here, as above.
        with RESERVE.lent():
            from smithd.delivery.waiting import passages
            from smithd.runtime.explaining import explained, explained_surface, meant, remembered

        components = self._components
        labels, about = _text(given, "labels"), meant(components.engine.setup, _text(given, "name"))
        found = await self._read(lambda connection: remembered(connection, about, components.clock.now()))
        now = components.clock.now()
        account = DEFAULT_ACCOUNT if isinstance(about.thing, str) else about.thing.account
        gate = components.running.deliveries[account].gate
        let_go = passages(gate, components.clock.monotonic(), now)
        engine, clean = components.engine, components.config.redactor.clean_all
        if isinstance(about.thing, str):
            # What rules look back on changes in place, so this is for the loop.
            return await beside(clean, explained(engine, about, found, labels, let_go, now))
        setup, state = engine.setup, engine.state
        return await beside(lambda: clean(explained_surface(setup, state, about, found, labels, let_go, now)))

    async def decisions(self, given: Arguments) -> Any:
        """The last decisions about a rule's alerts, or the last deliveries of a surface, or the last decisions about
        all rules; the newest first.
        """
        with RESERVE.lent():
            from smithd.runtime.explaining import decided, meant

        components, limit = self._components, _whole(given, "limit")
        about = meant(components.engine.setup, _text(given, "name")) if "name" in given else None
        thing, zone, now = about.thing if about is not None else None, components.config.zone, components.clock.now()
        if isinstance(thing, str) and thing not in components.engine.setup.rules.by_name:
            raise NotThere(f"there is no rule and no surface '{thing}'")
        clean = components.config.redactor.clean_all
        return await self._read(lambda connection: clean(decided(connection, thing, limit, zone, now)))

    async def history(self, given: Arguments) -> Any:
        """What is remembered of a metric, for a plot; ``from`` and ``to`` are seconds since 1970."""
        with RESERVE.lent():
            from smithd.notify.matcher import parse_matchers
            from smithd.past import LONGEST, SampleMemory, past
            from smithd.runtime.plotting import plotted

        components, labels = self._components, _text(given, "labels")
        engine, now = components.engine, components.clock.now()
        until = _number(given, "to") if "to" in given else now
        since = _number(given, "from") if "from" in given else until - DAY
        if not 0 <= until - since <= LONGEST:
            raise ValueError("expected 'from' before 'to', and at most 31 days between them")
        matchers = parse_matchers(labels) if labels.strip() else ()
        remembered = SampleMemory(engine.history, engine.trail)
        found = past(engine.setup, engine.state, remembered, _text(given, "metric"), matchers, (since, until))
        zone, redactor = components.config.zone, components.config.redactor

        def answer(connection: Connection) -> Any:
            entries = [entry for rule in found.rules for entry in journal.read(connection, rule.name)]
            return redactor.clean_all(plotted(found, entries, zone, now))

        return await self._read(answer)

    async def screen(self, _: Arguments) -> Any:
        """What each account's phone shows."""
        with RESERVE.lent():
            from smithd.phones import phones

        config, now = self._components.config, self._components.clock.now()
        outbox = self._components.engine.state.outbox
        return config.redactor.clean_all(
            {
                "at": iso_time(now, config.zone),
                "timezone": config.zone.key,
                "phones": phones(outbox, config.accounts, config.zone),
            }
        )

    async def add_silence(self, given: Arguments) -> Any:
        now, seconds = self._components.clock.now(), _number(given, "seconds")
        matchers, comment, author = (_text(given, name) for name in ("matchers", "comment", "author"))
        made = await self._components.writer.ask(AddSilence(now, matchers, seconds, comment, author))
        return self._as_json([made])[0]

    async def list_silences(self, _: Arguments) -> Any:
        silences = self._components.engine.state.silences
        return self._as_json(silences.active(self._components.clock.now()))

    async def expire_silence(self, given: Arguments) -> None:
        await self._components.writer.ask(ExpireSilence(self._components.clock.now(), _whole(given, "id")))

    async def _read(self, read: Callable[[Connection], T]) -> T:
        """What ``read`` finds on disk. On a connection of its own, in a thread: neither the loop nor a commit waits."""

        def reading() -> T:
            with RESERVE.lent(), self._components.database.read_only() as connection:
                return read(connection)

        return await beside(reading)

    def _as_json(self, silences: Sequence[Silence]) -> list[Any]:
        with RESERVE.lent():
            from smithd.status.as_json import as_json
            from smithd.status.fill import silence_status
        config = self._components.config
        zone = {"timezone": config.zone.key}
        found = [as_json(silence_status(each), config.zone) | zone for each in silences]
        cleaned: list[Any] = config.redactor.clean_all(found)
        return cleaned


def _text(given: Arguments, name: str) -> str:
    text = given.get(name)
    if not isinstance(text, str):
        raise ValueError(f"expected a text as '{name}'")
    # JSON can hold half a character, which cannot be written; Python makes such of a command line that is not UTF-8.
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError(f"expected a text as '{name}', and this one is not valid Unicode")
    return text


def _whole(given: Arguments, name: str) -> int:
    if not (number := _number(given, name)).is_integer():
        raise ValueError(f"expected a whole number as '{name}'")
    return int(number)


def _number(given: Arguments, name: str) -> float:
    value = given.get(name)
    # JSON has numbers that are too large for a float; Python reads 1e400 as infinite.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST:
        raise ValueError(f"expected a number as '{name}', of at most {LARGEST}")
    return float(value)

"""``smithd check --online``: asks every source once, and whether the service knows each account's key."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from smithd.cli.progress import progress
from smithd.formatting import counted
from smithd.keys import DEFAULT_ACCOUNT

if TYPE_CHECKING:
    from smithd.clock import Clock
    from smithd.config.model import Config
    from smithd.delivery.reply import Reply
    from smithd.http import Http
    from smithd.runtime.components import Components

AT_ONCE = 32
"""Sources and accounts that are asked at once."""

LONGEST = 120.0
"""Seconds that all of it may take; what has no answer by then is said to have none."""

UNCHECKED = (
    "Not checked, since only a message would show it: billing, channels, and whether the widgets' metrics exist."
)


class OnlineAnswer(NamedTuple):
    """What became of a question. ``ok``: None where the answer does not say; ``said``: the answer, in words."""

    name: str
    ok: bool | None
    said: str


class OnlineCheck(NamedTuple):
    """What sources and accounts answered."""

    sources: Sequence[OnlineAnswer]
    accounts: Sequence[OnlineAnswer]

    @property
    def ok(self) -> bool:
        """Whether everything was found to work."""
        return all(each.ok for each in (*self.sources, *self.accounts))

    def lines(self) -> Iterator[str]:
        """For a person."""
        words = {True: "ok", False: "FAILED", None: "not known"}
        for title, asked in (("Sources", self.sources), ("Accounts", self.accounts)):
            yield ""
            yield f"{title}:"
            width = max((len(each.name) for each in asked), default=0)
            yield from (f"  {each.name:<{width}}  {words[each.ok]}: {each.said}" for each in asked)
        yield ""
        yield UNCHECKED

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {name: [each._asdict() for each in asked] for name, asked in self._asdict().items()}


def ask_all(config: Config) -> OnlineCheck:
    """Poll every source, and end a stream that does not exist on every account. Nothing is kept or shown by it."""
    with (
        tempfile.TemporaryDirectory(prefix="smithd-check-") as folder,
        progress("asking", len(config.sources) + len(config.accounts)) as advance,
    ):
        return asyncio.run(_ask_all(config, Path(folder) / "state.db", advance))


async def _ask_all(config: Config, state: Path, advance: Callable[[int], None]) -> OnlineCheck:
    from smithd.clock import SystemClock
    from smithd.events import Events
    from smithd.http import Http
    from smithd.runtime.components import Components
    from smithd.storage.database import Database

    clock, http, places = SystemClock(), Http(), asyncio.Semaphore(AT_ONCE)
    lacking = {path[:2] for path in config.without_secret | config.unknown}
    if any(path[0] == "activitysmith" for path in lacking):
        lacking.add(("accounts", DEFAULT_ACCOUNT))
    end = clock.monotonic() + LONGEST

    async def ask(section: str, name: str, question: Callable[[str], Awaitable[OnlineAnswer]]) -> OnlineAnswer:
        try:
            if (section, name) in lacking:
                return OnlineAnswer(name, None, "not asked, since a secret of it is missing here")
            async with places, asyncio.timeout(max(end - clock.monotonic(), 0.0)):
                found = await question(name)
            return found._replace(said=config.redactor.clean(found.said))
        except TimeoutError:
            return OnlineAnswer(name, None, f"no answer within the {LONGEST:.0f} s that all of this may take")
        finally:
            advance(1)

    # Rules and surfaces are not evaluated, and may not be known where a secret is missing.
    polled = replace(config, derived={}, rules={}, windows=(), widgets={}, live_activities={}, badge=None)
    try:
        async with Components(polled, Events(), clock, Database.open(state, config.path)) as components:
            polls = [ask("sources", name, partial(_poll, components)) for name in config.sources]
            keys = [ask("accounts", name, partial(_verify, config, http, clock)) for name in config.accounts]
            found = await asyncio.gather(*polls, *keys)
    finally:
        await http.aclose()
    return OnlineCheck(found[: len(polls)], found[len(polls) :])


async def _poll(components: Components, name: str) -> OnlineAnswer:
    poll = await components.pollers[name].poll_once()
    metrics = components.config.sources[name].metrics
    found = {sample.series.metric.removeprefix(f"{name}.") for sample in poll.samples}
    lacking = f"; no value of {', '.join(sorted(metrics - found))}" if metrics - found else ""
    if poll.failure is not None:
        return OnlineAnswer(name, False, poll.failure)
    return OnlineAnswer(name, True, f"{counted(len(poll.samples), 'series', 'series')}{lacking}")


async def _verify(config: Config, http: Http, clock: Clock, account: str) -> OnlineAnswer:
    """Whether the service takes the account's key."""
    from smithd.delivery import wire
    from smithd.delivery.client import Client
    from smithd.delivery.probe import NO_STREAM
    from smithd.keys import StreamKey
    from smithd.outbox.message import ActivityContent, ActivityEnd

    options, now = config.accounts[account], clock.now()
    nothing = ActivityEnd(StreamKey(account, NO_STREAM), ActivityContent({}), now)
    request = wire.request(nothing, None, options.channels, now, config.zone)
    return verdict(account, await Client(options, http, clock.now)(request))


def verdict(account: str, reply: Reply) -> OnlineAnswer:
    """What the answer to the end of a stream that does not exist says of the key that it came with."""
    from smithd.delivery.reply import Accepted, Refusal, Rejected

    match reply:
        case Rejected(kind=Refusal.NOT_FOUND) | Accepted():
            return OnlineAnswer(account, True, "the service takes the key")
        case Rejected(kind=Refusal.UNAUTHORIZED, said=said):
            return OnlineAnswer(account, False, f"the service refuses the key ({said})")
        case Rejected(said=said):
            return OnlineAnswer(
                account, None, f"the service says neither that the key is right nor that it is wrong ({said})"
            )
    return OnlineAnswer(account, None, f"the service gave no answer: {reply.reason}")

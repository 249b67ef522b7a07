"""What the page may look at; the runtime fills it in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import TYPE_CHECKING

from smithd.clock import Clock
from smithd.control import Handler
from smithd.keys import DEFAULT_ACCOUNT, Key, SurfaceKey
from smithd.lockscreen.screen import Line
from smithd.outbox.shown import Shown
from smithd.web.recent import Recent

if TYPE_CHECKING:
    from smithd.config.model import Config
    from smithd.engine.engine import Engine


@dataclass(frozen=True, slots=True)
class Reads:
    """Windows into the daemon: the calendar's time, what the phones show, and what just happened.

    ``order`` has the keys of the surfaces in the order of the configuration; ``accounts`` the names of the accounts,
    each of which has a phone. ``commands``: what the daemon answers to the control socket, by name, as JSON has it and
    with secrets masked.
    """

    now: Callable[[], float]
    zone: tzinfo
    shown: Callable[[], Mapping[Key, Shown]]
    happened: Callable[[], Sequence[Line]]
    order: Sequence[SurfaceKey] = ()
    commands: Mapping[str, Handler] = field(default_factory=dict)
    accounts: Sequence[str] = (DEFAULT_ACCOUNT,)


def windows(config: Config, engine: Engine, clock: Clock, recent: Recent, commands: Mapping[str, Handler]) -> Reads:
    """The windows of a running daemon, as it is configured now."""
    # Each step puts a new state into the engine, so the page asks the engine anew each time.
    return Reads(
        clock.now,
        config.zone,
        lambda: engine.state.outbox.accepted(),
        recent.lines,
        engine.setup.surfaces.keys,
        commands,
        [*config.accounts],
    )

"""What the page may look at; the runtime fills it in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import TYPE_CHECKING

from smithd.clock import Clock
from smithd.control import Handler
from smithd.keys import DEFAULT_ACCOUNT, Key, StreamKey, SurfaceKey, WidgetKey
from smithd.lockscreen.screen import Line
from smithd.outbox.shown import Shown
from smithd.web.recent import Recent

if TYPE_CHECKING:
    from smithd.config.model import Config
    from smithd.engine.engine import Engine


@dataclass(frozen=True, slots=True)
class Reads:
    """Windows into the daemon: the calendar's time, what the phone shows, and what just happened.

    ``order`` has the keys of the surfaces in the order of the configuration. ``commands``: what the daemon answers to
    the control socket, by name, as JSON has it and with secrets masked.
    """

    now: Callable[[], float]
    zone: tzinfo
    shown: Callable[[], Mapping[Key, Shown]]
    happened: Callable[[], Sequence[Line]]
    order: Sequence[SurfaceKey] = ()
    commands: Mapping[str, Handler] = field(default_factory=dict)


def windows(config: Config, engine: Engine, clock: Clock, recent: Recent, commands: Mapping[str, Handler]) -> Reads:
    """The windows of a running daemon. The page draws one phone: that of the account of activitysmith."""
    order: list[SurfaceKey] = [WidgetKey(DEFAULT_ACCOUNT, name) for name in config.widgets]
    order += [StreamKey(DEFAULT_ACCOUNT, name) for name in config.live_activities]

    # Each step puts a new state into the engine, so the page asks the engine anew each time.
    def shown() -> Mapping[Key, Shown]:
        accepted = engine.state.outbox.accepted()
        return {key: each for key, each in accepted.items() if key.account == DEFAULT_ACCOUNT}

    return Reads(clock.now, config.zone, shown, recent.lines, order, commands)

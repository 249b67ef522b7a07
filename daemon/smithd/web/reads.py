"""What the page may look at; the runtime fills it in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING

from smithd.clock import Clock
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

    ``order`` has the keys of the surfaces in the order of the configuration.
    """

    now: Callable[[], float]
    zone: tzinfo
    shown: Callable[[], Mapping[Key, Shown]]
    happened: Callable[[], Sequence[Line]]
    order: Sequence[SurfaceKey] = ()


def windows(config: Config, engine: Engine, clock: Clock, recent: Recent) -> Reads:
    """The windows of a running daemon."""
    order: list[SurfaceKey] = [WidgetKey(DEFAULT_ACCOUNT, name) for name in config.widgets]
    order += [StreamKey(DEFAULT_ACCOUNT, name) for name in config.live_activities]
    # Each step puts a new state into the engine, so the page asks the engine anew each time.
    return Reads(clock.now, config.zone, lambda: engine.state.outbox.accepted(), recent.lines, order)

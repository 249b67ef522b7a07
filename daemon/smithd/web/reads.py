"""What the page may look at; the runtime fills it in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING

from smithd.clock import Clock
from smithd.lockscreen.screen import Line
from smithd.outbox.message import Shown
from smithd.web.recent import Recent

if TYPE_CHECKING:
    from smithd.config.model import Config
    from smithd.outbox.queue import Outbox


@dataclass(frozen=True, slots=True)
class Reads:
    """Windows into the daemon: the calendar's time, what the phone was told, and what just happened.

    ``order`` has the outbox keys (``metric:shop.orders``, ``stream:production``) in the order of the configuration.
    """

    now: Callable[[], float]
    zone: tzinfo
    shown: Callable[[], Mapping[str, Shown]]
    happened: Callable[[], Sequence[Line]]
    order: Sequence[str] = ()


def windows(config: Config, outbox: Outbox, clock: Clock, recent: Recent) -> Reads:
    """The windows of a running daemon."""
    order = [f"metric:{key}" for key in config.widgets] + [f"stream:{key}" for key in config.live_activities]
    return Reads(clock.now, config.zone, outbox.accepted, recent.lines, order)

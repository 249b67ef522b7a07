"""What slots are allocated for: the streams that are wanted, what the phone has, and the limits. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from enum import StrEnum

from smithd.alerts.severity import Severity
from smithd.keys import StreamKey

FOLD_KEY = "smithd-more"
"""The stream key of the common stream."""

FOLD_EVERY = 120.0
"""Seconds between two changes of which streams the common one shows (as between two cosmetic updates: iOS throttles an
activity that is updated more often)."""


class Readiness(StrEnum):
    """Whether a stream could be started: it can be rendered, and the service has not refused just that."""

    READY = "ready"
    EXPECTED = "expected"
    """Its first values since the start are still to come: a free slot is kept for it."""
    UNABLE = "unable"


@dataclass(frozen=True, slots=True)
class SlotOptions:
    """What a stream's options say of its slot; times are in seconds."""

    priority: int = 5
    min_hold: float = 600.0
    cool_down: float = 60.0
    fold: bool = False


FOLD_OPTIONS = SlotOptions(cool_down=FOLD_EVERY)
"""The common stream's."""


@dataclass(frozen=True, slots=True)
class SlotLimits:
    """How many streams may be on the phone at once and start in an hour, how long (seconds) a slot must be free for
    what was preempted, and the options of every stream, in the file's order.
    """

    at_once: int
    streams: Mapping[StreamKey, SlotOptions]
    starts_per_hour: int = 6
    return_after: float = 300.0

    @property
    def fold_key(self) -> StreamKey | None:
        """The common stream's key, where there are streams that may be folded."""
        return next((StreamKey(key.account, FOLD_KEY) for key, each in self.streams.items() if each.fold), None)


@dataclass(frozen=True, slots=True)
class SlotDemand:
    """What is wanted, and what the phone has. ``wanted``: with the severity of the incident that each stream shows.

    ``on_phone``: all that occupy a slot, also those that are not in the configuration; ``enqueued``: those of them
    whose start waits to be sent, and can be withdrawn; ``ending``: those whose end was sent.
    """

    wanted: Mapping[StreamKey, Severity | None]
    on_phone: Set[StreamKey] = frozenset()
    enqueued: Set[StreamKey] = frozenset()
    ending: Set[StreamKey] = frozenset()
    readiness: Callable[[StreamKey], Readiness] = lambda _: Readiness.READY

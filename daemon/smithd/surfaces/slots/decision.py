"""What is decided about each stream that is wanted or on the phone. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from smithd.keys import StreamKey
from smithd.surfaces.slots.memory import Slots


class SlotDecision(StrEnum):
    """The decision about a stream that is wanted or on the phone; see ``allocate`` for what each is."""

    SHOWN = "shown"
    COOLING_DOWN = "cooling_down"
    STARTED = "started"

    ENDED = "ended"
    OVER_LIMIT = "over_limit"
    PREEMPTED = "preempted"
    FOLDING = "folding"

    REFUSED = "refused"
    NO_SLOT = "no_slot"
    RESTING = "resting"
    NO_STARTS = "no_starts"
    RETURNING = "returning"
    NOT_READY = "not_ready"
    NEXT = "next"
    FOLDED = "folded"

    @property
    def has_slot(self) -> bool:
        """Whether the stream shows its state."""
        return self in (SlotDecision.SHOWN, SlotDecision.COOLING_DOWN, SlotDecision.STARTED)

    @property
    def leaves(self) -> bool:
        """Whether the stream is ended."""
        return self in _LEAVES

    @property
    def waits(self) -> bool:
        """Whether the stream is wanted, and not on the phone."""
        return not self.has_slot and not self.leaves


_LEAVES = frozenset({SlotDecision.ENDED, SlotDecision.OVER_LIMIT, SlotDecision.PREEMPTED, SlotDecision.FOLDING})


class TimedDecision(NamedTuple):
    """A decision, and when it may be another one though nothing else changes (None: never by itself)."""

    decision: SlotDecision
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Allocation:
    """The slots from now on, and what was decided for each stream that is wanted or on the phone, in the file's order,
    the common stream last.
    """

    slots: Slots
    decided: Mapping[StreamKey, TimedDecision]

    @property
    def holders(self) -> tuple[StreamKey, ...]:
        """The streams that show their state."""
        return tuple(key for key, each in self.decided.items() if each.decision.has_slot)

"""What enters the engine's queue beside polls: ticks, commands, claims and settlements, each with its time. No I/O."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Generic, TypeVar

from smithd.delivery.delivery import AccountDelivery
from smithd.delivery.outcome import Outcome
from smithd.delivery.reply import Reply
from smithd.delivery.sender import Departures, Flight
from smithd.keys import SurfaceKey
from smithd.notify.silence import Silence
from smithd.outbox.queued import Boot
from smithd.poll.intake import Poll
from smithd.setup import Setup

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed: timers may be due at ``at`` (seconds since 1970)."""

    at: float


@dataclass(frozen=True, slots=True)
class ClockSet:
    """The wall clock was set by ``seconds``, to ``at``; by 0, where the machine was suspended meanwhile."""

    at: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Command(Generic[Answer]):
    """Something that is waited for: ``Answer`` is what comes back, once the step is committed and applied."""

    at: float


@dataclass(frozen=True, slots=True)
class AddSilence(Command[Silence]):
    """Silence the alerts that meet ``matchers`` for ``seconds``. ValueError says what was expected."""

    matchers: str
    seconds: float
    comment: str
    author: str


@dataclass(frozen=True, slots=True)
class ExpireSilence(Command[None]):
    """End a silence now. ValueError where none with this id is active."""

    id: int


@dataclass(frozen=True, slots=True)
class ClaimMessages(Command[Departures]):
    """Claim what may be sent to an account now, for ``places`` more requests. ``instant``: now, by the monotonic clock;
    ``boot``: by the machine's own.
    """

    delivery: AccountDelivery
    places: int
    instant: float
    boot: Boot | None


@dataclass(frozen=True, slots=True)
class SettleClaim(Command[Outcome]):
    """A request was answered, or was not, after ``seconds``. ``chance``: a random number from 0 to 1, for the next
    try.
    """

    delivery: AccountDelivery
    flight: Flight
    reply: Reply
    chance: float
    boot: Boot | None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Reconfigure(Command[None]):
    """Go on with another configuration; ``staying`` are the sources that are what they were."""

    setup: Setup
    staying: Collection[str]


@dataclass(frozen=True, slots=True)
class EndSurfaces(Command[list[SurfaceKey]]):
    """The daemon stops: end the Live Activities and the badge that end with it; the answer names these."""


@dataclass(frozen=True, slots=True)
class CatchUp(Command[None]):
    """Let time pass, as a tick does, and say when that is done."""


@dataclass(frozen=True, slots=True)
class WriteAll(Command[None]):
    """Write what is not on disk yet: for the end."""


Entry = (
    Poll
    | Tick
    | ClockSet
    | AddSilence
    | ExpireSilence
    | ClaimMessages
    | SettleClaim
    | Reconfigure
    | EndSurfaces
    | CatchUp
    | WriteAll
)

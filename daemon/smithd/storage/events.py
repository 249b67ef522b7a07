"""What can happen to the state: it cannot be written, is written too slowly, or another one is found."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import ClassVar

from smithd.events import Condition, Event, Measurement


@dataclass(frozen=True, slots=True)
class Committed(Measurement):
    """A commit succeeded after ``seconds``."""

    part: ClassVar[str] = "state"
    seconds: float


@dataclass(frozen=True, slots=True)
class CommitsFailing(Event):
    """The state cannot be written: the step waits, and is tried again."""

    level: ClassVar[int] = logging.WARNING
    part: ClassVar[str] = "state"
    reason: str

    def __str__(self) -> str:
        return f"{self.reason}; messages wait until it can be written again"


@dataclass(frozen=True, slots=True)
class Degraded(Event):
    """The state could not be written for so long that the daemon goes on without it."""

    level: ClassVar[int] = logging.ERROR
    part: ClassVar[str] = "state"
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.reason}; smithd goes on without writing it: alerts are evaluated and sent, but what is sent now is "
            "not remembered if smithd ends before the state can be written"
        )


@dataclass(frozen=True, slots=True)
class CommitsRecovered(Event):
    """The state can be written again, and all that is remembered is on disk."""

    part: ClassVar[str] = "state"

    def __str__(self) -> str:
        return "the state can be written again, and all that is remembered is in it"


@dataclass(frozen=True, slots=True)
class EndedDegraded(Event):
    """The daemon ended while the state could not be written, so the next start does not know what was sent."""

    level: ClassVar[int] = logging.ERROR
    part: ClassVar[str] = "state"

    def __str__(self) -> str:
        return (
            "the state could not be written at the end: what happened since it could not is lost, the next start sends "
            "nothing for a minute, and an alert that still fires may be notified once more"
        )


@dataclass(frozen=True, slots=True)
class StartWaits(Event):
    """A start does not know what was sent in the last minute, or not when, and waits for as long."""

    level: ClassVar[int] = logging.WARNING
    part: ClassVar[str] = "state"
    reason: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.reason}, so smithd sends nothing for {self.seconds:.0f} s"


@dataclass(frozen=True, slots=True)
class AnswersDropped(Condition):
    """Answers of a source were dropped, because steps come too slowly; nothing depended on them. ``count`` so far."""

    part: ClassVar[str] = "sources"
    source: str
    count: int

    def __str__(self) -> str:
        return f"{self.source}: an answer was dropped, since the state is written too slowly ({self.count} so far)"


@dataclass(frozen=True, slots=True)
class StateAdopted(Event):
    """The state of an earlier version was renamed."""

    part: ClassVar[str] = "state"
    earlier: str
    state: str

    def __str__(self) -> str:
        return f"the state in {self.earlier} is kept in {self.state} from now on: each configuration has its own"


@dataclass(frozen=True, slots=True)
class StateLeftAlone(Event):
    """The state of an earlier version is another configuration's."""

    level: ClassVar[int] = logging.WARNING
    part: ClassVar[str] = "state"
    earlier: str
    state: str

    def __str__(self) -> str:
        return (
            f"the state in {self.earlier} has other widgets or Live Activities than this configuration, so it is left "
            f"alone, and {self.state} is begun; if it is this configuration's all the same, name it with 'state'"
        )


@dataclass(frozen=True, slots=True)
class StateUpgrading(Event):
    """The state of an earlier version is about to be copied and brought up to date, which may take a while."""

    part: ClassVar[str] = "state"
    state: str

    def __str__(self) -> str:
        return f"the state in {self.state} is of an earlier version and is upgraded; a copy of it is kept"


@dataclass(frozen=True, slots=True)
class StateUpgraded(Event):
    """The state of an earlier version was brought up to date. ``backup``: the copy of it as it was; "": none."""

    part: ClassVar[str] = "state"
    state: str
    before: str
    after: str
    backup: str
    reason: str

    def __str__(self) -> str:
        kept = f"as it was, it is kept in {self.backup}" if self.backup else f"no copy of it was kept: {self.reason}"
        return f"the state in {self.state} was upgraded from version {self.before} to {self.after}; {kept}"

"""Events: what happened, published once; logs, the demo and counters listen.

An event holds plain values, so that it can stand on the lowest floor. Its ``str`` is the line a person reads.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

from smithd.formatting import counted
from smithd.keys import DEFAULT_ACCOUNT, Key, of_account
from smithd.redactor import Redactor


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. ``level`` is one of ``logging``'s; ``part``: which of ``PARTS`` it happened in."""

    level: ClassVar[int] = logging.INFO
    part: ClassVar[str] = "daemon"

    def repeats(self) -> bool:
        """Whether it may be one of very many, so that the log has some of them only; never for a change of a state."""
        return False

    def lines(self) -> Iterable[str]:
        """What the log says of it; only what smithd itself has written may take more than one line."""
        return (str(self),)


PARTS = ("daemon", "sources", "rules", "notifications", "surfaces", "delivery", "state", "web")
"""What smithd consists of for a person who reads its log; each source is a part of ``sources``."""


@dataclass(frozen=True, slots=True)
class Condition(Event):
    """Something that goes on, and may be published again and again. ``is_thinned``: less and less often already, so
    that a log need not count how often.
    """

    level: ClassVar[int] = logging.WARNING
    is_thinned: ClassVar[bool] = False

    def repeats(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Measurement(Event):
    """Something that is counted, and says nothing to a person: no line of the log is written of it."""

    level: ClassVar[int] = logging.DEBUG

    def lines(self) -> Iterable[str]:
        return ()


Listener = Callable[[Event], None]


class Events:
    """Hands every event to those that listen to its kind, in the order they were added.

    A listener that only counts events of some kinds costs nothing for the others: the listeners of each kind are looked
    up once.
    """

    def __init__(self, listeners: Iterable[Listener] = ()) -> None:
        self._listeners: list[tuple[Listener, tuple[type[Event], ...]]] = [(each, (Event,)) for each in listeners]
        self._by_kind: dict[type[Event], tuple[Listener, ...]] = {}

    def listen(self, listener: Listener, *kinds: type[Event]) -> None:
        """Add a listener to events of these kinds (none given: to all); it must be quick and must not raise."""
        self._listeners.append((listener, kinds or (Event,)))
        self._by_kind.clear()

    def publish(self, event: Event) -> None:
        """Hand an event to its listeners."""
        kind = type(event)
        listeners = self._by_kind.get(kind)
        if listeners is None:
            listeners = tuple(listener for listener, kinds in self._listeners if issubclass(kind, kinds))
            self._by_kind[kind] = listeners
        for listener in listeners:
            listener(event)


def logger_name(event: Event) -> str:
    """The name of the logger for an event: that of its part, or of its source."""
    source: str | None = getattr(event, "source", None)
    return f"smithd.{event.part}.{source}" if source is not None else f"smithd.{event.part}"


def listen_with_logs(redactor: Redactor) -> Listener:
    """A listener that writes each event to the log of its part, with secrets masked. The record has the event itself,
    for its fields.
    """
    loggers: dict[str, logging.Logger] = {}

    def write(event: Event) -> None:
        name = logger_name(event)
        log = loggers.get(name) or loggers.setdefault(name, logging.getLogger(name))
        if log.isEnabledFor(event.level) and (lines := [redactor.clean(line) for line in event.lines()]):
            # Line feeds between lines are ours; one within a line was polled.
            text = "\n".join(line.replace("\n", " ") for line in lines)
            log.log(event.level, "%s", text, extra={"event": event})

    return write


# What can happen, in the order of the way of the data.


@dataclass(frozen=True, slots=True)
class Started(Event):
    """The daemon runs. Counted are the sources and the rules of its configuration."""

    version: str
    sources: int
    rules: int

    def __str__(self) -> str:
        return f"smithd {self.version} runs; sources: {self.sources}, rules: {self.rules}"


@dataclass(frozen=True, slots=True)
class Serving(Event):
    """The page can be opened at an address, given as a person would type it."""

    part: ClassVar[str] = "web"
    address: str

    def __str__(self) -> str:
        return f"the page: {self.address}"


@dataclass(frozen=True, slots=True)
class Reloaded(Event):
    """The configuration was read again. ``kept``, ``added`` and ``removed`` count sources; a changed one is both."""

    kept: int
    added: int
    removed: int
    rules: int

    def __str__(self) -> str:
        return (
            f"configuration reloaded; sources that go on: {self.kept}, started: {self.added}, "
            f"ended: {self.removed}; rules: {self.rules}"
        )


@dataclass(frozen=True, slots=True)
class ReloadRefused(Event):
    """The configuration was read again and cannot be used; ``report`` says why, and nothing was changed."""

    level: ClassVar[int] = logging.ERROR
    report: str

    def __str__(self) -> str:
        return "the configuration was not reloaded, and the one before goes on: its mistakes are in the log"

    def lines(self) -> Iterable[str]:
        yield "the configuration was not reloaded, and the one before goes on:"
        yield from filter(str.strip, self.report.splitlines())


@dataclass(frozen=True, slots=True)
class ControlUnavailable(Event):
    """The control socket could not be made: commands cannot reach the daemon."""

    level: ClassVar[int] = logging.WARNING
    reason: str

    def __str__(self) -> str:
        return f"no control socket, so 'smithd reload' and 'smithd silence' cannot reach this daemon: {self.reason}"


@dataclass(frozen=True, slots=True)
class Stopped(Event):
    """The daemon has ended. ``waiting`` counts the messages that are kept for its next start."""

    waiting: int

    def __str__(self) -> str:
        return f"stopped; messages that wait on disk: {self.waiting}"


@dataclass(frozen=True, slots=True)
class PollsDue(Measurement):
    """So many polls were begun, or skipped, together: ``late`` seconds after they were due."""

    part: ClassVar[str] = "sources"
    polls: int
    late: float


POLL_OUTCOMES = ("ok", "failed", "timed_out")


@dataclass(frozen=True, slots=True)
class Polled(Event):
    """A poll of a source of this type ended after ``seconds``, with so many samples; ``outcome``: of
    ``POLL_OUTCOMES``. That a poll failed, and why, ``PollFailed`` says, but not each time.
    """

    level: ClassVar[int] = logging.DEBUG
    part: ClassVar[str] = "sources"
    source: str
    samples: int
    seconds: float
    type: str
    outcome: str = "ok"

    def __str__(self) -> str:
        what = counted(self.samples, "sample") if self.outcome == "ok" else self.outcome.replace("_", " ")
        return f"{self.source}: {what} in {self.seconds * 1000:.0f} ms"


@dataclass(frozen=True, slots=True)
class PollMissed(Measurement):
    """A poll of a source of this type was skipped."""

    part: ClassVar[str] = "sources"
    type: str


@dataclass(frozen=True, slots=True)
class PollFailed(Condition):
    """A poll failed, the ``failures``-th in a row. ``retry_in`` is 0 where the schedule alone says when the next is."""

    part: ClassVar[str] = "sources"
    is_thinned: ClassVar[bool] = True
    source: str
    reason: str
    failures: int
    retry_in: float

    def repeats(self) -> bool:
        return self.failures > 1

    def __str__(self) -> str:
        again = f"; next try in {self.retry_in:.0f} s" if self.retry_in else ""
        count = f" ({self.failures} in a row)" if self.failures > 1 else ""
        return f"{self.source}: poll failed{count}: {self.reason}{again}"


@dataclass(frozen=True, slots=True)
class SourceRecovered(Event):
    """A source answered after so many failed polls in a row."""

    part: ClassVar[str] = "sources"
    source: str
    failures: int

    def __str__(self) -> str:
        return f"{self.source}: answers again after {counted(self.failures, 'failed poll')}"


@dataclass(frozen=True, slots=True)
class PollSkipped(Condition):
    """A poll was not made when it was due. ``skipped`` counts those of this source so far."""

    part: ClassVar[str] = "sources"
    source: str
    skipped: int
    why: str

    def __str__(self) -> str:
        return f"{self.source}: {self.why}, this one is skipped ({self.skipped} so far)"


@dataclass(frozen=True, slots=True)
class SamplesRefused(Condition):
    """An answer held what cannot be used. The rest of it was taken."""

    part: ClassVar[str] = "sources"
    is_thinned: ClassVar[bool] = True
    source: str
    reason: str

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}"


@dataclass(frozen=True, slots=True)
class LoopTurned(Measurement):
    """The event loop did what was to be done ``late`` seconds ago; it is asked once a second."""

    late: float


@dataclass(frozen=True, slots=True)
class HeartbeatFailed(Event):
    """The address of the heartbeat could not be called, for the first time since it could."""

    level: ClassVar[int] = logging.WARNING
    reason: str

    def __str__(self) -> str:
        return f"heartbeat: {self.reason}; it is tried again each time, and the log says when it succeeds"


@dataclass(frozen=True, slots=True)
class HeartbeatResumed(Event):
    """The address of the heartbeat can be called again."""

    def __str__(self) -> str:
        return "heartbeat: it succeeds again"


@dataclass(frozen=True, slots=True)
class TasksLeft(Condition):
    """A plugin left tasks behind that run on without being awaited."""

    part: ClassVar[str] = "sources"
    source: str
    count: int
    names: str

    def __str__(self) -> str:
        return (
            f"{self.source}: the plugin left {counted(self.count, 'task')} running ({self.names}): "
            "they should be awaited, or cancelled when it is closed"
        )


@dataclass(frozen=True, slots=True)
class ResourcesLeft(Condition):
    """A plugin has very many threads or descriptors, which are the whole process's."""

    part: ClassVar[str] = "sources"
    source: str
    threads: int
    descriptors: int

    def __str__(self) -> str:
        return (
            f"{self.source}: the plugin has {self.threads} threads running and {self.descriptors} descriptors open "
            "(sockets, files): they should end with the poll, or be used again by the next"
        )


@dataclass(frozen=True, slots=True)
class ClockStepped(Event):
    """The wall clock was set by so many seconds, forward where the number is positive; or smithd stood still."""

    level: ClassVar[int] = logging.WARNING
    seconds: float

    def __str__(self) -> str:
        what = f"the clock stepped by {self.seconds:+.0f} s" + (", or smithd stood still" if self.seconds > 0 else "")
        return f"{what}; all schedules are planned again"


@dataclass(frozen=True, slots=True)
class AlertChanged(Event):
    """An alert fired, was raised or lowered to another severity, or was resolved: that is its ``change``. ``decision``:
    whether it was notified, or why not.
    """

    part: ClassVar[str] = "rules"
    rule: str
    labels: str
    change: str
    severity: str
    why: str
    decision: str = ""

    def __str__(self) -> str:
        decision = f" ({self.decision})" if self.decision else ""
        return f"alert {self.rule}{self.labels} {self.change}: {self.why}{decision}"


@dataclass(frozen=True, slots=True)
class AlertProgressed(AlertChanged):
    """An alert changed without a change of severity: pending, abandoned and the like."""

    level: ClassVar[int] = logging.DEBUG


@dataclass(frozen=True, slots=True)
class NotificationChanged(Event):
    """The notification of an alert changed while the alert stayed as it was: that is the ``decision``. ``others``: how
    many more alerts it is about.
    """

    part: ClassVar[str] = "notifications"
    rule: str
    labels: str
    severity: str
    decision: str
    others: int = 0

    def __str__(self) -> str:
        others = f", and {self.others} more" if self.others else ""
        return f"alert {self.rule}{self.labels} ({self.severity}{others}): {self.decision}"


@dataclass(frozen=True, slots=True)
class SilenceAdded(Event):
    """A silence was made. It lasts for ``seconds``."""

    part: ClassVar[str] = "notifications"
    id: int
    matchers: str
    seconds: float
    comment: str
    author: str

    def __str__(self) -> str:
        what = f"silence {self.id} by {self.author} for {self.seconds:.0f} s: {self.matchers}"
        return f"{what} ({self.comment})" if self.comment else what


@dataclass(frozen=True, slots=True)
class SilenceExpired(Event):
    """A silence was ended by a person before its time."""

    part: ClassVar[str] = "notifications"
    id: int

    def __str__(self) -> str:
        return f"silence {self.id} was ended"


@dataclass(frozen=True, slots=True)
class SurfaceNotRenderable(Condition):
    """A surface shows nothing, or something older than it could, and why."""

    part: ClassVar[str] = "surfaces"
    surface: Key
    reason: str

    def __str__(self) -> str:
        return f"{self.surface.subject}: {self.reason}"


@dataclass(frozen=True, slots=True)
class StreamWasGone(Event):
    """A Live Activity was started anew by what was to update it."""

    part: ClassVar[str] = "surfaces"
    surface: Key

    def __str__(self) -> str:
        return (
            f"{self.surface.subject}: it was not on the phone any more (swiped away, or ended); the update started it"
        )


@dataclass(frozen=True, slots=True)
class RuleEvaluationFailed(Condition):
    """A rule's expression makes no sense with the series that came, and why."""

    part: ClassVar[str] = "rules"
    rule: str
    reason: str

    def __str__(self) -> str:
        return f"rule {self.rule} cannot be evaluated: {self.reason}"


@dataclass(frozen=True, slots=True)
class AlertLimitReached(Condition):
    """More series of a rule breach than it may have alerts. ``rest``: how many have none."""

    part: ClassVar[str] = "rules"
    rule: str
    rest: int

    def __str__(self) -> str:
        return f"rule {self.rule} has as many alerts as it may have (max_alerts); {self.rest:,} more series breach"


@dataclass(frozen=True, slots=True)
class HistoryFull(Condition):
    """There is no room to remember some series of a metric that is looked back on."""

    part: ClassVar[str] = "rules"
    metric: str

    def __str__(self) -> str:
        return (
            f"{self.metric} has more series than can be remembered: rules and expressions that look back know nothing "
            "of the others; aggregate them, or shorten 'history'"
        )


@dataclass(frozen=True, slots=True)
class SendAccepted(Event):
    """The service took a message; ``summary`` is what the phone now shows, in a few words."""

    part: ClassVar[str] = "delivery"
    key: Key
    operation: str
    summary: str

    def __str__(self) -> str:
        return f"{self.key.subject} {self.operation}: {self.summary}"


@dataclass(frozen=True, slots=True)
class SendDelayed(Condition):
    """A request failed in a way that may pass, and is sent again after so many seconds."""

    part: ClassVar[str] = "delivery"
    key: Key
    reason: str
    retry_in: float

    def __str__(self) -> str:
        return f"{self.key.subject}: {self.reason}; next try in {self.retry_in:.0f} s"


@dataclass(frozen=True, slots=True)
class SendDropped(Event):
    """A message was given up: it will not be sent. ``expired``: it had become too old."""

    level: ClassVar[int] = logging.ERROR
    part: ClassVar[str] = "delivery"
    key: Key
    reason: str
    expired: bool = False

    def __str__(self) -> str:
        return f"{self.key.subject}: not sent: {self.reason}"


@dataclass(frozen=True, slots=True)
class RequestEnded(Event):
    """A request to the service has ended: of which account and family, how (see ``DeliveryOutcome``), after how many
    seconds. It is for counting; other events say what it means.
    """

    level: ClassVar[int] = logging.DEBUG
    part: ClassVar[str] = "delivery"
    account: str
    family: str
    outcome: str
    seconds: float

    def __str__(self) -> str:
        request = of_account(f"a request of {self.family}", self.account)
        return f"{request} was {self.outcome.replace('_', ' ')} after {self.seconds:.3f} s"


@dataclass(frozen=True, slots=True)
class AccountForgotten(Event):
    """The configuration does not have an account any more: what it shows cannot be ended, nor what waits be sent."""

    level: ClassVar[int] = logging.WARNING
    part: ClassVar[str] = "delivery"
    account: str
    on_phone: int
    waiting: int

    def __str__(self) -> str:
        left = f"{self.on_phone} Live Activities or badges stay on its phones" if self.on_phone else ""
        lost = f"{self.waiting} notifications that waited are not sent" if self.waiting else ""
        return f"account {self.account} is not configured any more: {' and '.join(filter(None, (left, lost)))}"


@dataclass(frozen=True, slots=True)
class DeliveryBlocked(Event):
    """The gate of an account closed for everything, or for some families; ``scope`` says which."""

    level: ClassVar[int] = logging.ERROR
    part: ClassVar[str] = "delivery"
    scope: str
    reason: str
    account: str = DEFAULT_ACCOUNT

    def __str__(self) -> str:
        return f"{_delivery(self.scope, self.account)} is stopped: {self.reason}"


@dataclass(frozen=True, slots=True)
class DeliveryResumed(Event):
    """Requests that were held back are sent again."""

    part: ClassVar[str] = "delivery"
    scope: str
    account: str = DEFAULT_ACCOUNT

    def __str__(self) -> str:
        return f"{_delivery(self.scope, self.account)} goes on"


def _delivery(scope: str, account: str) -> str:
    return f"delivery of {scope}" + (f" to {account}" if account != DEFAULT_ACCOUNT else "")

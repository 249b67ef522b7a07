"""When a source is due: intervals spread over their length, cron's calendar, back-off after failures. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple
from zlib import crc32

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from smithd.formatting import duration
from smithd.plugin.options import Options, PositiveDuration
from smithd.plugin.zone import Zone
from smithd.poll.cron import next_run, parse_cron

FIRST_POLLS_WITHIN = 10.0
"""After a start, every source with an interval is polled once within this many seconds."""
FAILURES_WITHOUT_BACKOFF = 2
"""The first failures in a row do not delay a source: its next poll is the retry."""
LONGEST_BACKOFF = 600.0
LONGEST_RETRY_AFTER = 3600.0


class ScheduleOptions(Options):
    """The keys that every source has, whatever its type."""

    type: str = Field(description="the kind of source, like http_json or prometheus; 'smithd sources' lists them all")
    every: PositiveDuration | None = Field(None, description="the time between two polls; default: defaults.every")
    cron: str | None = Field(None, description="five fields of cron, in the configured time zone; instead of 'every'")
    timeout: PositiveDuration | None = Field(None, description="the deadline of one poll; default: defaults.timeout")
    timezone: Zone | None = Field(
        None, description="where its days begin, and its times without a zone are meant; default: the file's"
    )
    fresh_for: PositiveDuration | None = Field(
        None, description="how long a value counts as fresh; default: two and a half intervals and the timeout"
    )

    @field_validator("cron")
    @classmethod
    def _is_cron(cls, cron: str | None) -> str | None:
        if cron is not None:
            parse_cron(cron)
        return cron

    @model_validator(mode="after")
    def _one_schedule(self) -> ScheduleOptions:
        if self.every is not None and self.cron is not None:
            raise PydanticCustomError("one_schedule", "a source has either 'every' or 'cron', not both")
        return self


@dataclass(frozen=True, slots=True)
class Every:
    """An interval: the seconds from one poll to the next."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Cron:
    """The times of a cron expression, on the clocks of a time zone (an IANA name).

    Raises ValueError for an invalid expression, and for one that names a date that never comes.
    """

    expression: str
    zone: str

    def __post_init__(self) -> None:
        parse_cron(self.expression)

    def after(self, moment: float) -> float:
        """The first run after a moment; both in seconds since 1970."""
        return next_run(parse_cron(self.expression), self.zone, moment)


Schedule = Every | Cron


def schedule_text(schedule: Schedule) -> str:
    """A schedule as a person says it."""
    if isinstance(schedule, Every):
        return f"every {duration(schedule.seconds)}"
    return f"cron {schedule.expression}"


def period(schedule: Schedule, now: float) -> float:
    """The seconds between two polls; for cron, between its next two."""
    if isinstance(schedule, Every):
        return schedule.seconds
    following = schedule.after(now)
    return schedule.after(following) - following


def fresh_for(schedule: Schedule, timeout: float, now: float) -> float:
    """The seconds for which a sample of now counts as fresh: one poll may fail, two may not."""
    if isinstance(schedule, Every):
        return 2.5 * schedule.seconds + timeout
    return schedule.after(schedule.after(now)) - now + timeout


def first_answer_within(schedule: Schedule, timeout: float) -> float:
    """The seconds after a start within which a source's first answer is expected; a calendar's is not waited for."""
    return min(schedule.seconds, FIRST_POLLS_WITHIN) + timeout if isinstance(schedule, Every) else 0.0


def phase(name: str, seconds: float) -> float:
    """A source's own place within an interval, in [0, seconds): the same in every process, spread over all names."""
    # Python's own hash() of a text differs from process to process.
    return crc32(name.encode()) / 2**32 * seconds


def first_delay(name: str, seconds: float) -> float:
    """The seconds after a start until the first poll of a source with an interval: soon, but not all at once."""
    return phase(name, min(seconds, FIRST_POLLS_WITHIN))


def backoff(failures: int, interval: float, *, misconfigured: bool = False) -> float:
    """The seconds from a source's failed poll to its next, after this many failures in a row; 0: the next that is due.

    The time doubles with each failure, up to ten intervals or ten minutes, and is never shorter than the interval. A
    failure that only a person can fix delays from the first one on, and the time grows four times as fast.
    """
    # Twice the exponent is four times the growth.
    if misconfigured:
        longest, exponent = LONGEST_BACKOFF, 2 * failures
    else:
        longest, exponent = min(LONGEST_BACKOFF, 10 * interval), failures - FAILURES_WITHOUT_BACKOFF
    if exponent <= 0:
        return 0.0
    # The exponent is bounded: 2.0 ** 1024 would raise OverflowError after a long outage.
    return max(interval, min(longest, interval * 2.0 ** min(exponent, 64)))


class Heeded(NamedTuple):
    """How long a source that asks to be left alone is: the next poll follows after ``seconds``, and none that is due
    in the next ``closed`` takes place. ``is_capped``: it asks for longer than is waited.
    """

    seconds: float
    closed: float
    is_capped: bool


def heeded(retry_after: object, interval: float, passed: float) -> Heeded | None:
    """How a source is heeded whose answer asks for ``retry_after`` seconds; None where it does not ask.

    ``passed``: the seconds since that poll began. Ten intervals, or an hour, after which its next poll follows, are the
    most: what a server asks for must not silence a source. A plugin may hand over anything.
    """
    if isinstance(retry_after, bool) or not isinstance(retry_after, int | float) or not retry_after > 0:
        return None
    most = min(LONGEST_RETRY_AFTER, 10 * interval)
    longest = max(0.0, most - passed)
    if retry_after <= longest:
        return Heeded(float(retry_after), float(retry_after), is_capped=False)
    # Almost an interval early, so that the last poll which is due before that takes place.
    return Heeded(longest, max(0.0, longest - 0.9 * interval), is_capped=retry_after > most)

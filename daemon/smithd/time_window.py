"""Time windows: hours of the day and days of the week. No I/O.

A window goes by the clock on the wall: from 22:00 to 07:00 means those hours in its time zone, however long they are
on the nights when daylight saving begins or ends. A time that comes twice opens a window the first time, and closes it
the second; one that is skipped counts as if the clock had not been changed yet (RFC 5545, section 3.3.5).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from smithd.plugin.options import Options
from smithd.plugin.zone import Zone

MIDNIGHT = 24 * 60
"""The minute at which a day ends."""

LONGEST_SEARCH = 9
"""Days after which a window that has not ended never will: it repeats every week."""

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = get_args(Day)

_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])|24:00")


def parse_clock(text: Any) -> int:
    """``07:30`` as minutes since midnight, ``24:00`` being the day's end; ValueError for anything else."""
    match = _CLOCK.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("expected a time of day like 07:30 or 22:00")
    return int(match[1]) * 60 + int(match[2]) if match[1] else MIDNIGHT


ClockTime = Annotated[int, BeforeValidator(parse_clock), WithJsonSchema({"type": "string", "examples": ["22:00"]})]


class TimeWindowOptions(Options):
    """The keys of a time window."""

    start: ClockTime = Field(0, alias="from", description="the time of day it begins, like 22:00; default: midnight")
    to: ClockTime = Field(
        MIDNIGHT, description="the time of day it ends, like 07:00, on the next day if that is earlier"
    )
    days: list[Day] | None = Field(
        None, min_length=1, description="the days it begins on, like [sat, sun]; default: every day"
    )
    timezone: Zone | None = Field(None, description="the zone of its times; default: the file's")

    @model_validator(mode="after")
    def _ends(self) -> TimeWindowOptions:
        if self.start % MIDNIGHT == self.to % MIDNIGHT and (self.start, self.to) != (0, MIDNIGHT):
            raise PydanticCustomError("no_length", "a window cannot begin and end at the same time of day")
        if (self.start, self.to) == (0, MIDNIGHT) and len(set(self.days or DAYS)) == len(DAYS):
            raise PydanticCustomError("no_end", "this window never ends: add 'from' and 'to', 'days', or both")
        return self

    @property
    def text(self) -> str:
        """The window in words; the name of one that has none. Two with the same text are open at the same times."""
        days = f" on {', '.join(day for day in DAYS if day in self.days)}" if self.days else ""
        zone = f" in {self.timezone.key}" if self.timezone is not None else ""
        return f"{clock_text(self.start)} to {clock_text(self.to)}{days}{zone}"


def clock_text(minute: int) -> str:
    """A minute of the day as a file says it: ``07:30``."""
    return f"{minute // 60:02}:{minute % 60:02}"


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """A time window: minutes of the day, the days it begins on (Monday is 0), and its zone."""

    name: str
    start: int
    end: int
    days: frozenset[int]
    zone: tzinfo

    def contains(self, at: float) -> bool:
        """Whether it is open at a moment (seconds since 1970)."""
        return any(begin <= at < end for begin, end in self._spans(at, days=1))

    def ends_at(self, at: float) -> float:
        """When it closes, given that it is open at ``at``; days that follow each other are one."""
        closes = at
        for begin, end in self._spans(at, days=LONGEST_SEARCH):
            if begin <= closes:
                closes = max(closes, end)
        return closes

    def changes_at(self, at: float) -> float:
        """When it opens or closes next after ``at``."""
        return min(edge for span in self._spans(at, days=LONGEST_SEARCH) for edge in span if edge > at)

    def _spans(self, at: float, days: int) -> Iterator[tuple[float, float]]:
        """When it opens and closes, from yesterday on, and for ``days`` days after that."""
        midnight = datetime.fromtimestamp(at, self.zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        # From yesterday, since a window over midnight may have begun then.
        for day in range(-1, days):
            date = midnight + timedelta(days=day)
            # Adding a timedelta moves the clock on the wall, over a change to daylight saving too: that is wanted here.
            if date.weekday() in self.days:
                end = date + timedelta(days=self.end <= self.start, minutes=self.end)
                # A time that comes twice (fold) closes the window the second time.
                later = max(end.timestamp(), end.replace(fold=1).timestamp())
                yield (date + timedelta(minutes=self.start)).timestamp(), later


def compile_window(name: str, options: TimeWindowOptions, zone: tzinfo) -> TimeWindow:
    """The window that these options describe. ``zone``: the file's."""
    days = frozenset(DAYS.index(day) for day in options.days or DAYS)
    return TimeWindow(name, options.start, options.to, days, options.timezone or zone)


def open_windows(windows: Iterable[TimeWindow], now: float) -> dict[str, float]:
    """The time windows that are open, with their ends."""
    return {window.name: window.ends_at(now) for window in windows if window.contains(now)}

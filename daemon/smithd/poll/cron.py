"""Cron expressions: the five fields with cron's own meaning, and the times they stand for. No I/O.

The meaning is that of crontab(5): Sunday is 0 and 7; where day of month and day of week are both restricted (neither
starts with ``*``), one of the two is enough. Clocks that change are treated as cron(8) does: an expression whose
minute or hour starts with ``*`` is a beat, which goes on through the change. Any other expression names times of the
day, each of which comes once a day: a time that comes twice runs the first time, a time that is skipped runs at the
moment of the skip.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class _Field:
    title: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    @property
    def expected(self) -> str:
        words = f", or {self.names[0]} to {self.names[-1]}" if self.names else ""
        return f"expected {self.low} to {self.high}{words}, with lists (1,2), ranges (1-5) and steps (*/2)"


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 7, _WEEKDAYS),
)
_NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_ITEM = re.compile(r"(\*|(?P<first>\w+)(-(?P<last>\w+))?)(/(?P<step>[0-9]{1,4}))?", re.ASCII)
# Without a time zone: ``Calendar.after`` counts on a clock that never changes.
_EPOCH = datetime(1970, 1, 1)
_DAY = 86400.0
# 29 February does come.
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True, slots=True)
class Calendar:
    """A parsed cron expression. ``weekdays`` count from Sunday = 0. ``beats``: it is a beat, not times of the day."""

    times: tuple[tuple[int, int], ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    beats: bool

    def has(self, day: date) -> bool:
        """Whether there are runs on a day."""
        if day.month not in self.months:
            return False
        by_date, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return by_date or by_weekday if self.either_day else by_date and by_weekday

    def after(self, moment: datetime) -> datetime:
        """The first minute of the calendar after a moment's minute, on a clock that never changes."""
        day = moment.date()
        index = bisect_right(self.times, (moment.hour, moment.minute))
        if index == len(self.times) or not self.has(day):
            index, day = 0, day + timedelta(days=1)
            while not self.has(day):
                if day.month in self.months:
                    day += timedelta(days=1)
                else:
                    # No month has more than 31 days: 32 after its first, it is the next one.
                    day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        return datetime.combine(day, time(*self.times[index]))


@lru_cache(maxsize=1024)
def parse_cron(text: str) -> Calendar:
    """The calendar of a cron expression. Raises ValueError, which says what was expected, for anything else."""
    parts = _NICKNAMES.get(text.strip().lower(), text).split()
    if parts and parts[0].startswith("@"):
        raise ValueError(f"cron does not know {parts[0]}: expected one of {', '.join(_NICKNAMES)}, or five fields")
    if len(parts) != len(_FIELDS):
        titles = ", ".join(field.title for field in _FIELDS)
        raise ValueError(f"expected the five fields of cron ({titles}), found {len(parts)}")
    minutes, hours, days, months, weekdays = (
        frozenset(number for item in part.lower().split(",") for number in _parse_item(field, item))
        for field, part in zip(_FIELDS, parts, strict=True)
    )
    calendar = Calendar(
        times=tuple((hour, minute) for hour in sorted(hours) for minute in sorted(minutes)),
        days=days,
        months=months,
        weekdays=frozenset(day % 7 for day in weekdays),
        either_day=not parts[2].startswith("*") and not parts[4].startswith("*"),
        beats=parts[0].startswith("*") or parts[1].startswith("*"),
    )
    # 30 February: no later date would ever match, and the search for the next run would not end.
    if not calendar.either_day and all(min(days) > _LONGEST_MONTHS[month - 1] for month in months):
        raise ValueError(f"a date that never comes: day {parts[2]} of month {parts[3]}")
    return calendar


def _parse_item(field: _Field, item: str) -> range:
    match = _ITEM.fullmatch(item)
    if match is None:
        raise ValueError(f"{field.title}: {item!r} is not understood; {field.expected}")
    step = int(match["step"] or 1)
    if not 1 <= step <= field.high - field.low + 1:
        raise ValueError(f"{field.title}: the step in {item!r} must be 1 to {field.high - field.low + 1}")
    if match["first"] is None:
        return range(field.low, field.high + 1, step)
    first = _number(field, match["first"])
    # A start with a step runs to the end of the field: 5/15 is 5-59/15.
    if match["last"] is None:
        return range(first, (field.high if match["step"] else first) + 1, step)
    last = _number(field, match["last"])
    if match["last"] == "sun" and first > last:
        # Sunday is 0, but mon-sun and sat-sun can only mean that it ends the week.
        last = 7
    if first > last:
        raise ValueError(f"{field.title}: the range {item!r} runs backwards; {field.expected}")
    return range(first, last + 1, step)


def _number(field: _Field, word: str) -> int:
    if word in field.names:
        return field.names.index(word) + (field.low if field.names is _MONTHS else 0)
    if word.isdigit() and len(word) <= 4 and field.low <= int(word) <= field.high:
        return int(word)
    raise ValueError(f"{field.title}: {word!r} is not possible; {field.expected}")


def next_run(calendar: Calendar, zone_name: str, moment: float) -> float:
    """The first run after a moment, both in seconds since 1970, on the clocks of a time zone."""
    zone = ZoneInfo(zone_name)
    if calendar.beats:
        return _next_beat(calendar, zone, moment)
    local = datetime.fromtimestamp(moment, zone).replace(tzinfo=None)
    while True:
        local = calendar.after(local)
        # Of a time that comes twice, this is the first.
        run = local.replace(tzinfo=zone).timestamp()
        # A time that the clocks skip comes back from the time zone as another one.
        skipped = datetime.fromtimestamp(run, zone).replace(tzinfo=None) - local
        if skipped:
            run = _change(zone, run - skipped.total_seconds(), run)
        if run > moment:
            return run


def _next_beat(calendar: Calendar, zone: ZoneInfo, moment: float) -> float:
    # Offsets are compared at two moments that lie a day apart at most: over a longer time, the second change of a year
    # could undo the first unseen.
    start, offset = moment, _offset(zone, moment)
    while True:
        run = (calendar.after(_EPOCH + timedelta(seconds=start + offset)) - _EPOCH).total_seconds() - offset
        horizon = min(run, moment + _DAY)
        if _offset(zone, horizon) != offset:
            # The clocks change: go on from the minute before the change, as the new clocks count it.
            moment = _change(zone, moment, horizon)
            start, offset = moment - 60, _offset(zone, moment)
        elif run <= horizon:
            return run
        else:
            # Whatever the clocks do meanwhile: until a day before the run, there is no other.
            start = moment = max(horizon, run - _DAY)
            offset = _offset(zone, moment)


def _offset(zone: ZoneInfo, moment: float) -> float:
    offset = datetime.fromtimestamp(moment, zone).utcoffset()
    return offset.total_seconds() if offset is not None else 0.0


def _change(zone: ZoneInfo, low: float, high: float) -> float:
    """When, between two moments at which its offset differs, a zone changed its clocks; to the second."""
    before, after, offset = int(low), int(high), _offset(zone, low)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if _offset(zone, middle) == offset else (before, middle)
    return float(after)

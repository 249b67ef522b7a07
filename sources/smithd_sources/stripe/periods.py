"""The periods of figures: today, yesterday and this month, in the configured time zone. No I/O."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal, NamedTuple, get_args

DAY = 86_400

PeriodName = Literal["today", "yesterday", "this_month"]
PERIODS: tuple[PeriodName, ...] = get_args(PeriodName)


class Period(NamedTuple):
    """From ``start`` until before ``end`` (seconds since 1970; None: until now)."""

    start: int
    end: int | None = None

    def has(self, moment: int) -> bool:
        """Whether a moment lies in it."""
        return self.start <= moment and (self.end is None or moment < self.end)


def period(name: PeriodName, now: float, zone: tzinfo) -> Period:
    """The period of this name at ``now``. A day begins at midnight, and may have 23 or 25 hours."""
    today = datetime.fromtimestamp(now, zone).date()
    if name == "yesterday":
        return Period(_midnight(today - timedelta(days=1), zone), _midnight(today, zone))
    return Period(_midnight(today if name == "today" else today.replace(day=1), zone))


def utc_midnight(now: float) -> int:
    """When this day began in UTC: Stripe dates payouts in UTC."""
    return _midnight(datetime.fromtimestamp(now, UTC).date(), UTC)


def _midnight(day: date, zone: tzinfo) -> int:
    return int(datetime.combine(day, time(), zone).timestamp())

"""Cron expressions mean what they mean to cron: compared with cronsim, which follows Debian's, and told as stories."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smithd.poll.cron import parse_cron
from smithd.poll.schedule import Cron


def _field(low: int, high: int, names: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    ends = st.lists(number, min_size=2, max_size=2, unique=True).map(sorted)
    step = st.integers(1, min(12, high))
    item = st.one_of(
        number.map(str),
        ends.map(lambda pair: f"{pair[0]}-{pair[1]}"),
        st.builds(lambda pair, by: f"{pair[0]}-{pair[1]}/{by}", ends, step),
        st.builds(lambda by: f"*/{by}", step),
        *([st.sampled_from(names)] if names else []),
    )
    return st.one_of(st.just("*"), st.lists(item, min_size=1, max_size=3).map(",".join))


WEEKDAYS = ("sun", "MON", "tue", "wed", "Thu", "fri", "sat")
MONTHS = ("jan", "feb", "MAR", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "Dec")
EXPRESSIONS = st.tuples(_field(0, 59), _field(0, 23), _field(1, 28), _field(1, 12, MONTHS), _field(0, 7, WEEKDAYS)).map(
    " ".join
)


CHANGES = (  # days on which clocks change by an hour, not at midnight: there, cronsim knows what Debian's cron does
    ("Europe/Berlin", datetime(2026, 3, 29, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, 6, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 5, tzinfo=UTC)),
)


DIFFERENTIAL = settings(
    max_examples=1500, deadline=None, derandomize=True
)  # a judge of other hands: the same cases always


def runs(expression: str, zone: str, start: datetime, count: int) -> list[datetime]:
    cron, moment, found = Cron(expression, zone), start.timestamp(), []
    for _ in range(count):
        moment = cron.after(moment)
        found.append(datetime.fromtimestamp(moment, ZoneInfo(zone)))
    return found


def same_as_cron(expression: str, zone: str, start: datetime) -> None:
    authority = CronSim(expression, start.astimezone(ZoneInfo(zone)))
    moments = [next(authority).timestamp() for _ in range(6)]
    expected = [moment for moment in dict.fromkeys(moments) if moment > start.timestamp()]  # one run at a time
    assert [run.timestamp() for run in runs(expression, zone, start, len(expected))] == expected


@DIFFERENTIAL
@given(EXPRESSIONS, st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)))
@example("0 0 13 * 5", datetime(2026, 1, 1, tzinfo=UTC))
@example("0 0 */2 * 1", datetime(2026, 1, 1, tzinfo=UTC))
@example("0 0 29 2 1", datetime(2026, 1, 1, tzinfo=UTC))
def test_runs_are_those_of_cron(expression: str, start: datetime) -> None:
    same_as_cron(expression, "UTC", start)
    same_as_cron(expression, "Asia/Kathmandu", start)


@DIFFERENTIAL
@given(EXPRESSIONS, st.sampled_from(CHANGES), st.integers(-300, 300))
@example("30 2 * * *", CHANGES[0], -60)
@example("*/30 * * * *", CHANGES[1], -60)
@example("15,45 1-3 * * *", CHANGES[1], -60)
def test_runs_are_those_of_cron_when_the_clocks_change(
    expression: str, change: tuple[str, datetime], minutes: int
) -> None:
    same_as_cron(expression, change[0], change[1] + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("expression", "zone", "start", "expected"),
    [
        ("0 9 * * mon-fri", "UTC", (2026, 11, 6, 10), ["Mon 09 09:00"]),
        ("0 9 * * 0", "UTC", (2026, 11, 6), ["Sun 08 09:00"]),
        ("0 9 * * 5-7", "UTC", (2026, 11, 6, 10), ["Sat 07 09:00", "Sun 08 09:00", "Fri 13 09:00"]),
        ("0 9 * * sat-sun", "UTC", (2026, 11, 6), ["Sat 07 09:00", "Sun 08 09:00", "Sat 14 09:00"]),
        ("0 0 13 * fri", "UTC", (2026, 11, 12), ["Fri 13 00:00", "Fri 20 00:00"]),
        ("0 0 29 2 *", "UTC", (2026, 1, 1), ["Tue 29 00:00"]),
        ("@weekly", "UTC", (2026, 11, 6), ["Sun 08 00:00", "Sun 15 00:00"]),
        ("@hourly", "UTC", (2026, 11, 6, 0, 30), ["Fri 06 01:00", "Fri 06 02:00"]),
        # clocks that change by half an hour, and at midnight
        ("*/30 1 * * *", "Australia/Lord_Howe", (2026, 4, 4, 13), ["Sun 05 01:00", "Sun 05 01:30", "Sun 05 01:30"]),
        ("30 1 * * *", "Australia/Lord_Howe", (2026, 4, 4, 13), ["Sun 05 01:30", "Mon 06 01:30"]),
        ("0 0 * * *", "Asia/Beirut", (2026, 3, 28, 12), ["Sun 29 01:00", "Mon 30 00:00"]),
        ("59 23 * * *", "Pacific/Apia", (2011, 12, 30, 9), ["Thu 29 23:59", "Sat 31 00:00", "Sat 31 23:59"]),
    ],
)
def test_what_expressions_mean(expression: str, zone: str, start: tuple[int, ...], expected: list[str]) -> None:
    moment = datetime(*start, tzinfo=UTC)  # type: ignore[arg-type, misc] # a date of any precision
    assert [run.strftime("%a %d %H:%M") for run in runs(expression, zone, moment, len(expected))] == expected


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("", "five fields of cron (minute, hour, day of month, month, day of week), found 0"),
        ("* * * *", "found 4"),
        ("0 0 * * * *", "found 6"),
        ("60 * * * *", "minute: '60' is not possible; expected 0 to 59"),
        ("* 24 * * *", "hour: '24' is not possible; expected 0 to 23"),
        ("* * 0 * *", "day of month: '0'"),
        ("* * * 13 *", "month: '13' is not possible; expected 1 to 12, or jan to dec"),
        ("* * * * 8", "day of week: '8' is not possible; expected 0 to 7, or sun to sat"),
        ("* * * * funday", "day of week: 'funday'"),
        ("* * * * L", "day of week: 'l'"),
        ("* * ? * *", "day of month: '?' is not understood"),
        ("*/0 * * * *", "minute: the step in '*/0' must be 1 to 60"),
        ("*/90 * * * *", "minute: the step in '*/90' must be 1 to 60"),
        ("30-10 * * * *", "minute: the range '30-10' runs backwards"),
        ("1,,2 * * * *", "minute: '' is not understood"),
        ("-5 * * * *", "minute: '-5' is not understood"),
        ("٣ * * * *", "minute: '٣' is not understood"),
        ("0 0 31 2 *", "a date that never comes: day 31 of month 2"),
        ("0 0 31 4,6,sep,11 *", "a date that never comes"),
        ("@reboot", "cron does not know @reboot: expected one of @hourly, @daily"),
    ],
)
def test_what_is_no_expression_is_reported_with_what_was_expected(expression: str, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        parse_cron(expression)


@given(st.text(max_size=30) | st.text("0123456789*/,-@ ", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        Cron(text, "UTC").after(1.8e9)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - either end is right

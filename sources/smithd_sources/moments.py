"""Moments as programs write them: RFC 3339, RFC 1123, seconds since 1970, or in a format of the user's. No I/O."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from email.utils import parsedate_to_datetime
from typing import Annotated, Any

from pydantic import AfterValidator

from smithd.plugin import BadResponse
from smithd_sources.values import epoch_seconds, in_short, is_no_value

_EXPECTED = "a time like 2026-11-26T10:00:00Z or seconds since 1970"
_LONGEST = 80
_DIGITS = re.compile(r"\d{9,19}(?:\.\d+)?")
_LEAP = re.compile(r"(?<=:59):60")
"""A leap second, which counts as the first second of the next minute, as in POSIX."""
_ZONE_APART = re.compile(
    r"(?P<clock>\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)"
    r"\s+(?:UTC|GMT|Z|(?P<offset>[+-]\d{2}:?\d{2})(?:\s+(?:[A-Z]{2,5}|[+-]\d{2,4}))?)(?:\s+M=\S+)?"
)
"""A zone behind a blank: ``2026-11-28 18:16:36 UTC``, ``… +0100``, and as Go prints a time, ``… +0100 CET m=+0.5``."""
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2})?"
_MAIL = re.compile(
    rf"(?:[a-z]{{3,9}},?\s+)?\d{{1,2}}[\s-](?:{_MONTHS})[\s-](?:\d{{4}}|\d{{2}})\s+{_CLOCK}"
    r"\s+(?:GMT|UTC?|Z|[+-]\d{4}|[ECMP][SD]T)(?:\s*\([^()]*\))?",
    re.IGNORECASE,
)
"""RFC 1123, with its forerunners RFC 822 and RFC 850. Other names of zones mean several, so they are none here."""
_DATE = re.compile(
    rf"[a-z]{{3}}\s+(?P<day>(?:{_MONTHS})\s+\d{{1,2}}\s+{_CLOCK})\s+(?:(?P<zone>UTC|GMT|[+-]\d{{4}})\s+)?(?P<year>\d{{4}})",
    re.IGNORECASE,
)
"""As C's ``asctime``, the command ``date`` and Ruby write it."""
_WELL_FORMED = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s?(?:UTC|GMT|Z|[+-]\d{2}:?\d{2})?)?", re.IGNORECASE
)
"""RFC 3339 and what is near it, whatever its numbers."""
_NO_DAY = re.compile(r"\d{4}-(?:00-\d\d|\d\d-00)")
"""Dates that do not exist, like MySQL's 0000-00-00."""
_GO_ZERO = datetime(1, 1, 1, tzinfo=UTC).timestamp()


def _time_format(written: str) -> str:
    example = datetime(2026, 11, 28, 18, 16, 36, tzinfo=UTC)
    try:
        read = datetime.strptime(example.strftime(written), written)
    # re.error: a directive that stands twice.
    except (ValueError, re.error):
        raise ValueError("expected a format as in strftime, like %d.%m.%Y %H:%M") from None
    if read.date() != example.date():
        raise ValueError("expected a format with year, month and day, like %d.%m.%Y %H:%M")
    return written


TimeFormat = Annotated[str, AfterValidator(_time_format)]
"""A format of ``strftime`` in which a moment is written, down to its day at least."""


def to_moment(found: Any, where: object, zone: tzinfo, time_format: str | None = None) -> float | None:
    """Seconds since 1970; None for what is no value, Go's zero time and dates that do not exist among them.

    ``zone`` is that of times that name none; with a ``time_format`` only that is read. Raises BadResponse for anything
    else; the error says ``where`` it stands.
    """
    if is_no_value(found):
        return None
    if time_format is not None:
        seconds = _in_format(str(found).strip(), zone, time_format)
        if seconds is None:
            raise BadResponse(f"{where} is {in_short(found)}, and not in the time_format {time_format!r}")
    else:
        seconds = _of_text(found, zone) if isinstance(found, str) else _of_number(found)
        if seconds is None:
            if isinstance(found, str) and _NO_DAY.match(found.strip()):
                return None
            raise BadResponse(f"{where} is {in_short(found)}, {_what_is_wrong(found)}")
    return None if is_zero_time(seconds) else seconds


def _what_is_wrong(found: Any) -> str:
    """Why a value is no moment."""
    if not isinstance(found, str):
        return f"not {_EXPECTED}"
    if _WELL_FORMED.fullmatch(found.strip()):
        return "and there is no such day, or no such time of a day"
    return f"not {_EXPECTED}; 'time_format' says how it is written"


def is_moment(text: str) -> bool:
    """Whether a text is a moment as programs write it."""
    return _of_text(text, UTC) is not None


def is_zero_time(seconds: float) -> bool:
    """Whether it is what Go and .NET write for "never": the first moment of the year 1, in whatever zone."""
    return seconds < _GO_ZERO + 86_400


def _of_number(found: Any) -> float | None:
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return epoch_seconds(found)


def _of_text(written: str, zone: tzinfo) -> float | None:
    text = written.strip() if len(written) <= _LONGEST else ""
    if _DIGITS.fullmatch(text):
        return _of_number(float(text))
    try:
        if _MAIL.fullmatch(text):
            return _seconds(parsedate_to_datetime(text), UTC)
        if (found := _DATE.fullmatch(text)) is not None:
            return _of_date(found, zone)
        return _of_iso(text.upper(), zone)
    except (ValueError, OverflowError, IndexError):
        return None


def _of_iso(text: str, zone: tzinfo) -> float:
    """RFC 3339, which allows t and z too. Raises ValueError for anything else."""
    if (apart := _ZONE_APART.fullmatch(text)) is not None:
        text = apart["clock"] + (apart["offset"] or "Z")
    leap = _LEAP.search(text)
    moment = datetime.fromisoformat(text[: leap.start()] + ":59" + text[leap.end() :] if leap else text)
    return _seconds(moment, zone) + (leap is not None)


def _of_date(found: re.Match[str], zone: tzinfo) -> float:
    clock = "%H:%M:%S" if found["day"].count(":") == 2 else "%H:%M"
    if (name := found["zone"]) is None:
        return _seconds(datetime.strptime(f"{found['day']} {found['year']}", f"%b %d {clock} %Y"), zone)
    offset = name if name[0] in "+-" else "+0000"
    return datetime.strptime(f"{found['day']} {found['year']} {offset}", f"%b %d {clock} %Y %z").timestamp()


def _in_format(text: str, zone: tzinfo, time_format: str) -> float | None:
    try:
        return _seconds(datetime.strptime(text, time_format), zone)
    except (ValueError, OverflowError):
        return None


def _seconds(moment: datetime, zone: tzinfo) -> float:
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)).timestamp()

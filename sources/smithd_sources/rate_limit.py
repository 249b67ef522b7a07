"""How long a server asks to be left alone, as its headers say: ``Retry-After``, and limits of requests. No I/O."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"\d{1,13}(?:\.\d+)?")
_SINCE_1970 = 1e9
"""From here on a reset is a moment, in seconds since 1970 as GitHub writes it; below, it is how long to wait."""
_IN_MILLISECONDS = 1e11


@dataclass(frozen=True, slots=True)
class Asked:
    """A server's wish: for how many seconds it should not be asked again (None: it does not say).

    ``used_up``: it says that no request of its limit is left.
    """

    seconds: float | None = None
    used_up: bool = False

    def __str__(self) -> str:
        return "" if self.seconds is None else f"asks to wait {_in_words(self.seconds)}"

    def until(self, now: float, zone: tzinfo) -> str:
        """When its wait ends, in words, on the clocks of a zone."""
        if self.seconds is None:
            return ""
        moment = datetime.fromtimestamp(now + self.seconds, zone)
        today = datetime.fromtimestamp(now, zone).date()
        return moment.strftime("%H:%M:%S %Z" if moment.date() == today else "%Y-%m-%d %H:%M:%S %Z")


def asked_to_wait(headers: Mapping[str, str], now: float) -> Asked:
    """What an answer of ``now`` (seconds since 1970) asks for.

    ``Retry-After`` in seconds or as a date (RFC 9110, section 10.2.3) goes before the reset of a limit that is used up
    (``X-RateLimit-Remaining: 0`` as GitHub sends it, ``RateLimit-Remaining: 0`` as others do). Moments are counted from
    the server's own ``Date``, since its clock may differ from ours.
    """
    found = {name.lower(): value.strip() for name, value in headers.items()}
    theirs = _moment(found.get("date", ""))
    clock = now if theirs is None else theirs
    retry_after = _wait(found.get("retry-after", ""), clock)
    for prefix in ("x-ratelimit-", "ratelimit-", "x-rate-limit-"):
        if found.get(f"{prefix}remaining") in ("0", "0.0"):
            reset = _wait(found.get(f"{prefix}reset", ""), clock)
            return Asked(reset if retry_after is None else retry_after, used_up=True)
    return Asked(retry_after)


def _wait(text: str, clock: float) -> float | None:
    """The seconds to wait by a header's text; None where it does not say, and for a moment that has passed."""
    if _SECONDS.fullmatch(text):
        seconds = float(text)
        if seconds >= _SINCE_1970:
            seconds = (seconds if seconds < _IN_MILLISECONDS else seconds / 1000) - clock
    elif (moment := _moment(text)) is not None:
        seconds = moment - clock
    else:
        return None
    return seconds if seconds > 0 else None


def _moment(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, IndexError):
        return None


def _in_words(seconds: float) -> str:
    whole = math.ceil(seconds)
    parts = [(whole // 3600, "h"), (whole // 60 % 60, "m"), (whole % 60, "s")]
    return " ".join(f"{count}{unit}" for count, unit in parts if count)

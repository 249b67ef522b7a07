"""How many requests a minute: fixed windows for each account and address, and the headers that show them. No I/O.

The newest contract counts push, badge, Live Activities and metrics each on their own. The older one counted push,
streams and metric values together; a client should live with both. Without limits, nothing is
counted, and no header is sent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from smithd.simulator.exchange import Refused

WINDOW = 60
PER_ADDRESS = 600


class LimitFamily(StrEnum):
    """Requests that are counted together."""

    NOTIFICATIONS = "notifications"
    BADGES = "badges"
    LIVE_ACTIVITIES = "live-activities"
    METRICS = "metrics"


class RateMode(StrEnum):
    """Which of the two documented rules counts, if any."""

    SEPARATE = "separate"
    SHARED = "shared"
    OFF = "off"


PER_ACCOUNT = {
    LimitFamily.NOTIFICATIONS: 60,
    LimitFamily.BADGES: 60,
    LimitFamily.LIVE_ACTIVITIES: 300,
    LimitFamily.METRICS: 300,
}
SHARED = "shared"
SHARED_PER_ACCOUNT = 60


@dataclass(frozen=True, slots=True)
class Quota:
    """How many requests are allowed under one name; ``owner`` is an address, or "" for the account."""

    owner: str
    policy: str
    size: int


@dataclass(slots=True)
class RateWindow:
    """A minute that began with its first request, and how many came in it."""

    started: float
    used: int = 0


@dataclass(frozen=True, slots=True)
class Meter:
    """Where a window stands after a request: how many are left, and in how many whole seconds it ends."""

    policy: str
    quota: int
    left: int
    reset: int


Windows = dict[tuple[str, str], RateWindow]


def of_address(family: LimitFamily, address: str) -> Quota:
    """What an address may send, with whatever key."""
    return Quota(address, f"public-api-ip:{family}", PER_ADDRESS)


def of_account(family: LimitFamily, mode: RateMode) -> Quota:
    """What the account may send."""
    if mode is RateMode.SHARED and family is not LimitFamily.BADGES:
        return Quota("", f"account:{SHARED}", SHARED_PER_ACCOUNT)
    return Quota("", f"account:{family}", PER_ACCOUNT[family])


def use_up(windows: Windows, quota: Quota, now: float) -> None:
    """Leave nothing of it in the minute that begins now."""
    windows[quota.owner, quota.policy] = RateWindow(now, quota.size)


def count(windows: Windows, quota: Quota, now: float) -> Meter:
    """Count a request."""
    window = windows.get((quota.owner, quota.policy))
    # A control order can set the clock back; a window that lies in the future then does not count.
    if window is None or not 0 <= now - window.started < WINDOW:
        window = windows[quota.owner, quota.policy] = RateWindow(now)
    window.used += 1
    return Meter(quota.policy, quota.size, quota.size - window.used, math.ceil(window.started + WINDOW - now))


def check(meter: Meter) -> None:
    """Refuse the request when its window is used up."""
    if meter.left >= 0:
        return
    message = f"more than {meter.quota} requests in {WINDOW} seconds ({meter.policy}); retry in {meter.reset} s"
    # Unlike the 429 for Live Activities, this one says when to come again (contract section 1).
    refusal = Refused(429, "Rate limit exceeded", message, code="rate_limited")
    refusal.headers["Retry-After"] = str(meter.reset)
    raise refusal


def headers(meters: Iterable[Meter]) -> dict[str, str]:
    """The headers of an answer that show the windows it was counted in."""
    meters = list(meters)
    if not meters:
        return {}
    return {
        "RateLimit": ", ".join(f'"{meter.policy}"; r={max(meter.left, 0)}; t={meter.reset}' for meter in meters),
        "RateLimit-Policy": ", ".join(f'"{meter.policy}"; q={meter.quota}; w={WINDOW}' for meter in meters),
    }

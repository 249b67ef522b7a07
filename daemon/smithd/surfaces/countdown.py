"""Countdowns: what a timer on the phone counts down, and when it is over. No I/O.

The phone counts by itself: a duration that it is sent starts its clock anew, and without one the clock goes on. So it
is remembered what the clock should show, over restarts as well, and ``to_time`` and ``for_duration`` change that only
where a person would see a difference:

    the countdown          it happens that                                   then
    any                    its end has passed, as far as is known            it is over, frozen or not
    runs                   ``paused_when`` holds, or its end becomes stale   it is frozen
    frozen                 neither is so any more                            it goes on, from where it was frozen
    runs, or would go on   its end differs by LEAST_MOVE and LEAST_SHARE     a new one begins
"""

from __future__ import annotations

from dataclasses import dataclass, replace

LEAST_MOVE = 30.0
"""Seconds by which an end that moves must have moved before the clock is started anew."""
LEAST_SHARE = 0.05
"""The share of what is left by which it must have moved as well."""


@dataclass(frozen=True, slots=True)
class Countdown:
    """``left`` seconds were left ``at`` (since 1970), and they run out if it ``runs``. ``name`` tells it from an
    earlier one of its stream. ``over_at``: when it is over; None while it is paused. ``moves_at``: its end differs by
    little from what is known of it, which is a large share of what is left from then on (None: it does not).
    """

    name: str
    left: float
    at: float
    runs: bool
    over_at: float | None
    moves_at: float | None = None

    @classmethod
    def begun(cls, name: str, left: float, now: float, *, runs: bool) -> Countdown:
        """One that begins now."""
        return cls(name, left, now, runs, now + left if runs else None)

    @property
    def is_paused(self) -> bool:
        """Whether it was frozen because it is paused, not because its end is stale."""
        return not self.runs and self.over_at is None

    @property
    def times(self) -> list[float]:
        """When to look at it though nothing happens."""
        return [at for at in (self.over_at, self.moves_at) if at is not None]

    def remaining(self, now: float) -> float:
        """The seconds that the phone shows."""
        return max(0.0, self.left - max(0.0, now - self.at)) if self.runs else self.left

    def is_over(self, now: float) -> bool:
        """Whether its end has come."""
        return self.over_at is not None and now >= self.over_at

    def frozen(self, now: float, over_at: float | None) -> Countdown:
        """Stopped where it is. ``over_at``: when it is over all the same."""
        return Countdown(self.name, self.remaining(now), now, False, over_at) if self.runs else self._over_at(over_at)

    def _over_at(self, over_at: float | None) -> Countdown:
        return self if self.over_at == over_at else replace(self, over_at=over_at)

    def resumed(self, now: float) -> Countdown:
        """Running on."""
        return self if self.runs else Countdown.begun(self.name, self.left, now, runs=True)

    def shifted(self, seconds: float) -> Countdown:
        """The same by a wall clock that was set forward by ``seconds``."""
        over_at = None if self.over_at is None else self.over_at + seconds
        moves_at = None if self.moves_at is None else self.moves_at + seconds
        return replace(self, at=self.at + seconds, over_at=over_at, moves_at=moves_at)


def to_time(known: Countdown | None, end: float, now: float, *, is_paused: bool, is_stale: bool) -> Countdown:
    """The countdown to a time. ``is_stale``: the time is too old to be relied on."""
    name, left = f"until {end:.3f} from {now:.3f}", max(0.0, end - now)
    if known is None or not known.name.startswith("until "):
        known = Countdown.begun(name, left, now, runs=True)
    if is_paused:
        return known.frozen(now, None)
    if known.is_over(now) and end <= now:
        # Frozen, the phone's clock would stand above zero.
        return known if known.runs else Countdown.begun(name, 0.0, now, runs=True)
    if is_stale:
        return known.frozen(now, end)
    shown = known.remaining(now)
    if abs(left - shown) < max(LEAST_MOVE, LEAST_SHARE * shown):
        return replace(known.resumed(now), moves_at=_moves_at(shown, abs(left - shown), now))
    return Countdown.begun(name, left, now, runs=True)


def _moves_at(shown: float, difference: float, now: float) -> float | None:
    """When a difference that stays is so large a share of what is left that a new clock begins, to the second."""
    return round(now + shown - difference / LEAST_SHARE) + 1.0 if difference >= LEAST_MOVE else None


def for_duration(known: Countdown | None, seconds: float, now: float, *, is_paused: bool) -> Countdown:
    """The countdown of a duration, which begins when it is first asked for."""
    kind = f"for {seconds:g} from "
    if known is None or not known.name.startswith(kind):
        return Countdown.begun(f"{kind}{now:.3f}", seconds, now, runs=not is_paused)
    if known.is_over(now):
        return known
    return known.frozen(now, None) if is_paused else known.resumed(now)

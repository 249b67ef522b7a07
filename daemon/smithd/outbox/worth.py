"""What a routine update of a widget is worth, and how a widget's value moves, which decides that. No I/O.

Where more updates are due than the budget allows, those that are worth most go. A screen that shows ``s`` while the
value is ``x`` costs ``weight · |x - s|`` a second, and every update takes one place of the budget. The score of a
widget is its index in the sense of Whittle: the price of a place at which it is just worth sending.

**A random walk.** Let its variance be σ² a second. With a threshold ``b`` on the error, the time from one update to the
next is b²/σ² on average, and costs weight · b³ / (3σ²). The cost a second, with the price λ of an update, is then
(weight · b³ / (3σ²) + λ) · σ² / b², which is least where λ = weight · b³ / (6σ²). So the score is

    weight · |error|³ / (6 · variance a second)

**A drift** μ, as that of a counter of the day, reaches ``b`` after b/μ seconds. The same argument gives λ = weight · b²
/ (2μ), so that 2 · |μ| · |error| joins the denominator.

**Steps.** A value is seen at polls, or changes in steps. For a walk in steps of 1 the same argument gives n(n + 1)(n² +
n + 1) / (3(2n + 1)) at an error of n, which is (n + ½)³ / 6 within a few percent: half a step (the mean square of a
change by its mean size, of which half is a renewal's mean overshoot) is added to the error.

**Standing.** A value that is hardly ever seen to move is not expected to stand for longer than ``LONGEST_STAND``.

**Noise about a mean.** A value that is further from its mean than what is shown soon comes back, and the error vanishes
by itself. Where the mean is shown and the distance shrinks by ρ of itself a second, two updates (now, and when it has
halved) save (1 - ln 2) · |error| / ρ together, and the score is at most |error| / (6.5 · ρ). A drift of ρ · distance
would give half of 1 / ρ. ``RETURN``, between these 6.5 and 2, stands before ρ · distance · |error| in the denominator.
The same holds for states: what is seldom so, and not for long, is worth less than what is usually so.

A value that is closer to its mean than what is shown makes the screen right for long by one update. What that gains
until the next update of this widget is the other estimate of the score; the larger one counts. Below ``LEAST_RETURNS``
returns in the time seen, a walk would look alike.

The error is counted in units of the widget's ``min_change``, else of its usual change in an hour; a text is right or
wrong, 0 or 1.

Sources: P. Whittle, "Restless bandits" (1988). T. Z. Ornee and Y. Sun, "A Whittle index policy for the remote
estimation of multiple continuous Gauss-Markov processes over parallel channels" (MobiHoc 2023). C. Olston and J. Widom,
"Best-effort cache synchronization with source cooperation" (SIGMOD 2002), the ancestor: priority by the area of the
error. D. Siegmund, "Sequential Analysis" (1985), chapter X, on half a step.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from smithd.outbox.message import Value, WidgetValue
from smithd.outbox.shown import ShownWidget

HOUR = 3600.0

HALF_LIFE = 1800.0
"""Seconds after which what was seen of a value counts for half. Half of it, or twice, changes errors by one percent."""

LONGEST_STAND = HOUR
"""Seconds for which a value is expected to stand at most."""

LEAST_RETURNS = 8.0
"""How often a value must have returned to its mean in the time seen: a walk that is seen for as long seems to return
about three times.
"""

RETURN = 4.0
"""What a return to the mean weighs beside a variance, of which 6 are counted. From 3 to 6.5, errors hardly differ."""

_DECAY = math.log(2) / HALF_LIFE


class Movement(NamedTuple):
    """How a widget's value has moved until ``at`` (seconds since 1970). All sums halve every ``HALF_LIFE``.

    ``value``: the last one seen; ``level``: that as a number, of a text 0 or 1, which each other text flips.
    ``seconds`` were seen; ``squares``, ``sizes`` and ``drift`` sum the squares of its changes, their sizes, and the
    changes themselves. ``mean`` is its mean over time, ``spread`` its variance about that, times ``seconds``.
    ``updates``: how many were accepted.
    """

    value: Value
    level: float
    at: float
    seconds: float = 0.0
    squares: float = 0.0
    sizes: float = 0.0
    drift: float = 0.0
    mean: float = 0.0
    spread: float = 0.0
    updates: float = 0.0

    def until(self, now: float) -> Movement:
        """With the value held until ``now``."""
        if now <= self.at:
            return self
        kept = math.exp(_DECAY * (self.at - now))
        held, before = (1 - kept) / _DECAY, self.seconds * kept
        seconds, off = before + held, self.level - self.mean
        return Movement(
            self.value,
            self.level,
            now,
            seconds,
            self.squares * kept,
            self.sizes * kept,
            self.drift * kept,
            self.mean + off * held / seconds,
            self.spread * kept + off * off * before * held / seconds,
            self.updates * kept,
        )


def seen(movement: Movement | None, value: Value, now: float) -> Movement:
    """The movement after a value was seen; the same one where it is the value as before."""
    if movement is None or isinstance(value, str) is not isinstance(movement.value, str):
        level = 0.0 if isinstance(value, str) else float(value)
        return Movement(value, level, now, mean=level)
    if value == movement.value:
        return movement
    held = movement.until(now)
    level = 1 - held.level if isinstance(value, str) else float(value)
    change = level - held.level
    return held._replace(
        value=value,
        level=level,
        squares=held.squares + change * change,
        sizes=held.sizes + abs(change),
        drift=held.drift + change,
    )


def updated(movement: Movement, now: float) -> Movement:
    """The movement after an update was accepted."""
    held = movement.until(now)
    return held._replace(updates=held.updates + 1)


def updates_a_second(movement: Movement) -> float:
    """How often a widget is updated; as if none had been in the minute before it was first seen."""
    return movement.updates / (movement.seconds + 60)


def score(message: WidgetValue, shown: ShownWidget | None, movement: Movement, now: float) -> float:
    """What sending a value now is worth; infinite where it is not known what is shown. Derived above."""
    is_number = not isinstance(message.value, str)
    if shown is None or shown.value is None or isinstance(shown.value, str) is is_number:
        return math.inf
    known = movement.until(now)
    level, seconds = known.level, max(known.seconds, 1.0)
    on_screen = float(shown.value) if not isinstance(shown.value, str) else 1 - level
    error, variance, drift = abs(level - on_screen), known.squares / seconds, abs(known.drift) / seconds

    spread, from_mean = known.spread / seconds, abs(level - known.mean)
    returns = _returns(known)
    comes_back = RETURN * returns * from_mean if from_mean > abs(on_screen - known.mean) else 0.0

    reach = error + (known.squares / known.sizes / 2 if known.sizes else 0.0)
    # Divided by reach² above and below, so that a large value does not overflow.
    passing = (6 * variance + (2 * drift + comes_back) * error) / reach / reach if reach else 0.0
    worth = reach / (passing + 1 / LONGEST_STAND)

    if returns:
        # E|N(d, v)| is about √(d² + 2v/π): the mean error while the value fluctuates about its mean.
        noise, until_next = math.sqrt(2 * spread / math.pi), seconds / (known.updates + 1)
        gain = math.hypot(on_screen - known.mean, noise) - math.hypot(level - known.mean, noise)
        worth = max(worth, gain * until_next * (1 - math.exp(-2 * returns * until_next)))

    # A number whose square is none says nothing of how it moves.
    if math.isnan(worth):
        return 0.0
    if not is_number:
        return message.weight * worth
    return message.weight * worth / (message.tolerance or _usual_change(known, returns) or error or 1.0)


def _usual_change(known: Movement, returns: float) -> float:
    """The usual change of a number in an hour; ``returns``: by what share of itself a distance from its mean shrinks a
    second.
    """
    seconds = max(known.seconds, 1.0)
    hour = (1 - math.exp(-HOUR * returns)) / returns if returns else HOUR
    return math.hypot(math.sqrt(known.squares / seconds * hour), abs(known.drift) / seconds * HOUR)


def _returns(known: Movement) -> float:
    """By what share of itself a distance from the mean shrinks a second; 0: as far as is known, it does not."""
    seconds = max(known.seconds, 1.0)
    spread = known.spread / seconds
    return max(0.0, known.squares / seconds / (2 * spread) - LEAST_RETURNS / seconds) if spread else 0.0


def screen_error(message: WidgetValue, shown: ShownWidget | None, movement: Movement | None, now: float) -> float:
    """How wrong the screen is while a value waits: the difference in the widget's units, times its weight. What is not
    known to be shown is wrong by one unit, as a text is.
    """
    if shown is None or shown.value is None or isinstance(shown.value, str) or isinstance(message.value, str):
        return float(message.weight)
    error = abs(float(message.value) - float(shown.value))
    usual = 0.0
    if movement is not None:
        known = movement.until(now)
        usual = _usual_change(known, _returns(known))
    return message.weight * error / (message.tolerance or usual or error or 1.0)

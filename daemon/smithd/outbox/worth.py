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

**Noise about a mean.** A value that is further from its mean than what is shown soon comes back, and the error vanishes
by itself. Where the mean is shown and the distance shrinks by ρ of itself a second, two updates (now, and when it has
halved) save (1 - ln 2) · |error| / ρ together, and the score is at most |error| / (6.5 · ρ). A drift of ρ · distance
would give half of 1 / ρ. ``RETURN``, between these 6.5 and 2, stands before ρ · distance · |error| in the denominator.

A value that is closer to its mean than what is shown makes the screen right for long by one update. Let e(s) be the
mean error of the noise where ``s`` is shown, above that where its mean is shown, and U the time until the next update
of this widget. Shown instead of ``s``, the mean saves e(s) a second for U, of which the first 1 / ρ seconds hardly
count: for ρ · U² / (1 + ρ · U). To wait for the mean takes about 1 / ρ; it costs e(s) / ρ and saves e(x) · (U + 1 / ρ).
So the score is full at the mean, falls with e(x), and is none where waiting is as good:

    weight · ρ · U² · (e(s) / (1 + ρ · U) - e(x))

The larger estimate counts. Below ``LEAST_RETURNS`` returns in the time seen, a walk would look alike.

**Two states**, of which this one lasts for 1/a seconds and the other for 1/b on average, have an exact index. To send
now, and back at the next change, takes two updates and saves the error until then; to send now and never again saves
the error whenever the state is this one, less that whenever it is the other, which is (b - a) / (a + b) a second in the
long run and 1 now, between which the expectation falls by a + b a second. With β for the rate at which all that is
known ends, the index is the larger of the two prices:

    weight · |error| · max(1 / (2a + β), (b - a) / (a + b) / β + 2a / (a + b) / (a + b + β))

A text that changes takes turns with what is shown. A number does where all its steps are as large as the error and it
never was further apart: its variance is at most a quarter of a step's square.

**Rare changes.** A value that is hardly ever seen to move is not expected to stand for ever: β is 1 / ``HALF_LIFE``, as
what was seen before counts for less.

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

FIRST_STAY = 200.0
"""Seconds for which a state is first thought to last; that counts like one stay seen. From 100 to 400, errors hardly
differ.
"""

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
    is_text = isinstance(message.value, str)
    if shown is None or shown.value is None or isinstance(shown.value, str) is not is_text:
        return math.inf
    known = movement.until(now)
    on_screen = float(shown.value) if not isinstance(shown.value, str) else 1 - known.level
    error = abs(known.level - on_screen)
    if is_text:
        return message.weight * _of_two_states(known, error)

    returns = _returns(known)
    if _takes_turns(known, error):
        worth = _of_two_states(known, error)
    else:
        worth = max(_of_a_walk(known, on_screen, returns), _of_noise(known, on_screen, returns))
    # A number whose square is none says nothing of how it moves.
    if math.isnan(worth):
        return 0.0
    return message.weight * worth / (message.tolerance or _usual_change(known, returns) or error or 1.0)


def _returns(known: Movement) -> float:
    """ρ: by what share of itself a distance from the mean shrinks a second; 0 where the value may be a walk."""
    return max(0.0, known.squares / (2 * known.spread) - LEAST_RETURNS / known.seconds) if known.spread else 0.0


def _usual_change(known: Movement, returns: float) -> float:
    """By how much a value usually changes in an hour."""
    seconds = max(known.seconds, 1.0)
    hour = (1 - math.exp(-HOUR * returns)) / returns if returns else HOUR
    return math.hypot(math.sqrt(known.squares / seconds * hour), known.drift / seconds * HOUR)


def _takes_turns(known: Movement, error: float) -> bool:
    """Whether a number goes to and fro between what is shown and what is to be."""
    step = known.squares / known.sizes if known.sizes else 0.0
    return error > 0 and math.isclose(error, step) and 4 * known.spread <= step * step * known.seconds


def _of_two_states(known: Movement, error: float) -> float:
    """In unit-seconds, as all of these: of a value that takes turns with what is shown."""
    in_other = known.seconds * min(abs(known.level - known.mean) / error, 1.0)
    stays = known.sizes / error / 2 + 1
    this, other = (known.seconds - in_other + FIRST_STAY) / stays, (in_other + FIRST_STAY) / stays
    more_often = (this - other) / (this + other)
    and_back = 1 / (2 / this + 1 / HALF_LIFE)
    and_stay = more_often * HALF_LIFE + (1 - more_often) / (1 / this + 1 / other + 1 / HALF_LIFE)
    return error * max(and_back, and_stay)


def _of_a_walk(known: Movement, on_screen: float, returns: float) -> float:
    """Of a value that may go anywhere, or is on its way back to its mean."""
    seconds, error, from_mean = max(known.seconds, 1.0), abs(known.level - on_screen), abs(known.level - known.mean)
    comes_back = RETURN * returns * from_mean if from_mean > abs(on_screen - known.mean) else 0.0
    reach = error + (known.squares / known.sizes / 2 if known.sizes else 0.0)
    if not reach:
        return 0.0
    passing = 6 * known.squares / seconds + (2 * abs(known.drift) / seconds + comes_back) * error
    # Divided by reach² above and below, so that a large value does not overflow.
    return reach / (passing / reach / reach + 1 / HALF_LIFE)


def _of_noise(known: Movement, on_screen: float, returns: float) -> float:
    """Of a value that fluctuates about its mean."""
    if not returns:
        return 0.0
    # E|N(d, v)| is about √(d² + 2v/π).
    at_mean = math.sqrt(2 * known.spread / known.seconds / math.pi)
    if_kept = math.hypot(on_screen - known.mean, at_mean) - at_mean
    if_sent = math.hypot(known.level - known.mean, at_mean) - at_mean
    until_next = known.seconds / (known.updates + 1)
    return returns * until_next * until_next * (if_kept / (1 + returns * until_next) - if_sent)


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

"""What policies make of a world, on virtual time.

Ours is the real way of a value: desired state, message, outbox, choice, gate, settlement. First come, first served is a
plain queue, which knows neither ``min_change`` nor margin nor pace: 60 seconds after a request another one may go.
Thresholds keep the budget on average only: every value goes whose score is above a threshold for all, chosen such that
as many go in the hour as are allowed. No policy that does not know the future does better than the best thresholds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from zoneinfo import ZoneInfo

from benchmarks.freshness.worlds import HOUR, POLL, UNIT, Widget
from smithd.delivery.account import AccountOptions
from smithd.delivery.choice import AT_ONCE
from smithd.delivery.delivery import AccountDelivery
from smithd.delivery.reply import Accepted
from smithd.delivery.wire import Request
from smithd.keys import DEFAULT_ACCOUNT, WidgetKey
from smithd.outbox import queue
from smithd.outbox.message import Priority, WidgetValue
from smithd.outbox.queued import Claim
from smithd.outbox.shown import ShownWidget
from smithd.outbox.state import Outbox
from smithd.outbox.worth import Movement, score, seen, updated
from smithd.surfaces.messages import message
from smithd.surfaces.surface import DesiredValue

START = 1_763_906_400.0
ANSWER = 0.2
"""Seconds that the service takes to answer."""

FETCH = 900.0
"""Seconds between two fetches of a widget by the phone."""


@dataclass(frozen=True, slots=True)
class Update:
    """A value that reached the service ``at`` seconds after the start."""

    at: float
    widget: int
    value: float


class RealPath:
    """One account's outbox and delivery, driven by hand; each request is accepted after ``ANSWER`` seconds."""

    def __init__(self, limit: int, interval: float, tolerance: float = UNIT) -> None:
        options = AccountOptions.model_validate({"api_key": "a-key", "limits": {"metrics_per_minute": limit}})
        self.delivery = AccountDelivery(DEFAULT_ACCOUNT, options, ZoneInfo("UTC"))
        self.outbox = Outbox()
        self.updates: list[Update] = []
        self.is_reachable = True
        """Whether anything is claimed; while it is not, values come all the same."""
        self._interval = interval
        self._tolerance = tolerance
        self._answers: list[tuple[float, int, Claim, Request]] = []
        self._look_at = math.inf

    def show(self, widget: int, value: float) -> None:
        """A widget shows this value, from before the start."""
        key, movement = _key(widget), seen(None, value, START)
        shown = self.outbox.shown.insert(key, ShownWidget(key, value, START - HOUR))
        self.outbox = replace(self.outbox, shown=shown, movements=self.outbox.movements.insert(key, movement))

    def poll(self, at: float, widget: int, value: float, priority: int = 5) -> None:
        """A widget is to show this value from now on. ``at``: seconds since the start."""
        key, now = _key(widget), START + at
        desired = DesiredValue(key, value, None, self._interval, self._tolerance, now, value, weight=priority)
        self.outbox, _ = queue.enqueue(self.outbox, message(desired, self.outbox.shown.get(key), 12, now))

    def run(self, until: float) -> None:
        """Send and settle what may go until then, the last moment included."""
        while (at := min(self._answers[0][0] if self._answers else math.inf, self._look_at)) <= until:
            self.send(at)

    def send(self, at: float) -> None:
        """Settle what is answered by now, and send what may go now."""
        while self._answers and self._answers[0][0] <= at:
            _, _, claim, request = heappop(self._answers)
            outcome = self.delivery.judge(claim, request, Accepted("set"), START + at, 0.5)
            self.outbox, _ = queue.settle(self.outbox, claim, outcome.settlement, START + at)
            self.delivery.learn(claim, request, outcome, START + at, at)
        self._look_at = math.inf
        if not self.is_reachable:
            return
        self.outbox = queue.fill_lanes(self.outbox, START + at)
        choice = self.delivery.choose(self.outbox, START + at, at, AT_ONCE - len(self._answers))
        self._look_at = at + choice.look_again
        for queued, request in choice.requests:
            self.outbox, _, claim = queue.claim(self.outbox, queued, request.family, START + at)
            self.delivery.send(claim, request, at)
            heappush(self._answers, (at + ANSWER, claim.sent, claim, request))
            assert isinstance(queued.message, WidgetValue)
            value = queued.message.value
            assert not isinstance(value, str)
            self.updates.append(Update(at, int(request.name.removeprefix("w")), value))


def ours(widgets: Sequence[Widget], limit: int, interval: float = 0.0) -> list[Update]:
    """What is sent by worth. ``interval``: the ``min_interval`` of all widgets; 0, so that the limit alone decides."""
    return _driven(RealPath(limit, interval), widgets)


def first_come(widgets: Sequence[Widget], limit: int) -> list[Update]:
    """What a queue by age sends: every value that differs from what was sent last; a newer one takes the place of the
    one that waits.
    """
    sent: list[Update] = []
    waiting: dict[int, float] = {}
    shown, now = [widget.values[0] for widget in widgets], 0.0
    for at, number, value in [*polls(widgets), (HOUR, 0, shown[0])]:
        while waiting and (free_at := sent[-limit].at + 60 if len(sent) >= limit else 0.0) < at:
            oldest = next(iter(waiting))
            shown[oldest] = waiting.pop(oldest)
            sent.append(Update(max(now, free_at), oldest, shown[oldest]))
        now = at
        if value != shown[number]:
            waiting[number] = value
        else:
            waiting.pop(number, None)
    return sent


def thresholds(widgets: Sequence[Widget], limit: int) -> list[Update]:
    """What is sent where everything goes whose score is above a threshold."""
    wanted, low, high = int(limit * HOUR / 60), -5.0, 25.0
    found: list[Update] = []
    for _ in range(12):
        middle = (low + high) / 2
        tried = list(_above(widgets, math.exp(middle)))
        low, high = (middle, high) if len(tried) > wanted else (low, middle)
        found = tried if len(tried) <= wanted else found
    return found


def _driven(path: RealPath, widgets: Sequence[Widget]) -> list[Update]:
    for number, widget in enumerate(widgets):
        path.show(number, widget.values[0])
    for at, number, value in polls(widgets):
        path.run(at)
        path.poll(at, number, value, widgets[number].priority)
        path.send(at)
    path.run(HOUR)
    return path.updates


def polls(widgets: Sequence[Widget]) -> Iterator[tuple[float, int, float]]:
    """All polls after the first, in their order."""
    for turn in range(1, min(len(widget.values) for widget in widgets)):
        for number, widget in enumerate(widgets):
            # A poll that changes nothing is no news to the outbox.
            if widget.values[turn] != widget.values[turn - 1]:
                yield turn * POLL + widget.offset, number, widget.values[turn]


def _above(widgets: Sequence[Widget], threshold: float) -> Iterator[Update]:
    shown: dict[int, ShownWidget] = {}
    movements: dict[int, Movement] = {}
    for number, widget in enumerate(widgets):
        shown[number] = ShownWidget(_key(number), widget.values[0], START)
        movements[number] = seen(None, widget.values[0], START)
    for turn in range(1, min(len(widget.values) for widget in widgets)):
        for number, widget in enumerate(widgets):
            at, value = turn * POLL + widget.offset, widget.values[turn]
            movements[number] = seen(movements[number], value, START + at)
            if value == shown[number].value:
                continue
            key = shown[number].key
            waiting = WidgetValue(key, value, Priority.ROUTINE, START, tolerance=UNIT, weight=widget.priority)
            if score(waiting, shown[number], movements[number], START + at) > threshold:
                movements[number] = updated(movements[number], START + at)
                shown[number] = ShownWidget(key, value, START + at)
                yield Update(at, number, value)


def _key(widget: int) -> WidgetKey:
    return WidgetKey(DEFAULT_ACCOUNT, f"w{widget}")


def on_screen(widgets: Sequence[Widget], updates: Sequence[Update]) -> float:
    """The mean weighted error of a widget over the hour, where the screen shows what was sent last."""
    return _error(widgets, [_of(updates, number) for number in range(len(widgets))])


def on_phone(widgets: Sequence[Widget], updates: Sequence[Update]) -> float:
    """The same where each widget shows what was sent last when the phone fetched it."""
    found = []
    for number in range(len(widgets)):
        sent, fetches = _of(updates, number), []
        at = FETCH * (number * 0.618 % 1)
        while at < HOUR:
            before = [update for update in sent if update.at <= at]
            fetches += [Update(at, number, before[-1].value)] if before else []
            at += FETCH
        found.append(fetches)
    return _error(widgets, found)


def most_in_a_minute(updates: Sequence[Update]) -> int:
    """The most that was sent in any 60 seconds."""
    times = [update.at for update in updates]
    most = first = 0
    for last, at in enumerate(times):
        while times[first] < at - 60:
            first += 1
        most = max(most, last - first + 1)
    return most


def _of(updates: Sequence[Update], widget: int) -> list[Update]:
    return [update for update in updates if update.widget == widget]


def _error(widgets: Sequence[Widget], shown: Sequence[Sequence[Update]]) -> float:
    total = 0.0
    for widget, changes in zip(widgets, shown, strict=True):
        # In the order of time, a poll before an update at the same moment.
        marks = [(turn * POLL + widget.offset, 0, value) for turn, value in enumerate(widget.values)]
        marks += [(update.at, 1, update.value) for update in changes]
        marks.sort()
        now, true, screen = 0.0, widget.values[0], widget.values[0]
        for at, is_shown, value in [*marks, (HOUR, 0, 0.0)]:
            total += widget.priority * abs(true - screen) / UNIT * (min(at, HOUR) - now)
            now = min(at, HOUR)
            true, screen = (true, value) if is_shown else (value, screen)
    return total / len(widgets) / HOUR


def waiting(widgets: int) -> RealPath:
    """A path on which so many widgets wait, with a limit that is less than that."""
    path = RealPath(min(300, widgets // 2), 0.0)
    for number in range(widgets):
        path.show(number, 0.0)
    for number in range(widgets):
        path.poll(1.0, number, number % 7 + 1.0)
    path.outbox = queue.fill_lanes(path.outbox, START + 1)
    return path


def choose(path: RealPath) -> object:
    """What goes next."""
    return path.delivery.choose(path.outbox, START + 1, 1.0, AT_ONCE)


def best_score(path: RealPath) -> float:
    """One pass of ``max()`` over the scores of what waits."""
    outbox, now, best = path.outbox, START + 1, -math.inf
    for key, queued in outbox.waiting.items():
        message, shown = queued.message, outbox.shown.get(key)
        if isinstance(key, WidgetKey) and isinstance(message, WidgetValue) and isinstance(shown, ShownWidget):
            best = max(best, score(message, shown, outbox.movements[key], now))
    return best

"""Routine widget values compete by their worth where the budget is short: the laws, on virtual time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from heapq import heappop, heappush
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest

from outbox.stored import StoredOutbox
from smithd.delivery.account import AccountOptions
from smithd.delivery.choice import AT_ONCE
from smithd.delivery.delivery import AccountDelivery
from smithd.delivery.reply import Accepted
from smithd.delivery.sender import Flight
from smithd.keys import DEFAULT_ACCOUNT, Key, PushKey, WidgetKey
from smithd.outbox import queue
from smithd.outbox.message import Priority, Push, PushContent, Value, WidgetValue
from smithd.outbox.shown import ShownWidget
from smithd.outbox.state import Outbox
from smithd.outbox.worth import HALF_LIFE, Movement, score, seen, updated
from smithd.storage.database import Database

START = 1_763_906_400.0
HOUR = 3600.0


def key(number: int) -> WidgetKey:
    return WidgetKey(DEFAULT_ACCOUNT, f"w{number}")


class Line:
    """Widgets that wait for one account's budget, on virtual time. Each request is accepted after a tenth of a second;
    ``sent`` has when each left, for which widget.
    """

    def __init__(self, limit: int = 60) -> None:
        options = AccountOptions.model_validate({"api_key": "ask_test", "limits": {"metrics_per_minute": limit}})
        self.delivery = AccountDelivery(DEFAULT_ACCOUNT, options, ZoneInfo("UTC"))
        self.outbox = Outbox()
        self.sent: list[tuple[float, int]] = []
        self.pushed: list[float] = []
        """The seconds that each push waited."""
        self.now = 0.0
        self._answers: list[tuple[float, int, Flight]] = []
        self._look_at = math.inf

    def show(self, number: int, value: Value) -> None:
        shown = self.outbox.shown.insert(key(number), ShownWidget(key(number), value, START - HOUR))
        movements = self.outbox.movements.insert(key(number), seen(None, value, START + self.now))
        self.outbox = Outbox(shown=shown, movements=movements)

    def poll(self, number: int, value: Value, **others: object) -> None:
        given = {"priority": Priority.ROUTINE, "created": START + self.now, "tolerance": 0.01, **others}
        self.outbox, _ = queue.enqueue(self.outbox, WidgetValue(key(number), value, **given))  # type: ignore[arg-type]

    def send(self, until: float) -> None:
        self._step()
        while (at := min(self._answers[0][0] if self._answers else math.inf, self._look_at)) <= until:
            self.now = at
            self._step()
        self.now = until

    def _step(self) -> None:
        while self._answers and self._answers[0][0] <= self.now:
            claim, request = heappop(self._answers)[2]
            outcome = self.delivery.judge(claim, request, Accepted("set"), START + self.now, 0.5)
            self.outbox, _ = queue.settle(self.outbox, claim, outcome.settlement, START + self.now)
            self.delivery.learn(claim, request, outcome, START + self.now, self.now)
        choice = self.delivery.choose(self.outbox, START + self.now, self.now, AT_ONCE - len(self._answers))
        self._look_at = self.now + choice.look_again
        for queued, request in choice.requests:
            self.outbox, _, claim = queue.claim(self.outbox, queued, request.family, START + self.now)
            self.delivery.send(claim, request, self.now)
            heappush(self._answers, (self.now + 0.1, claim.sent, Flight(claim, request)))
            if isinstance(queued.message, Push):
                self.pushed.append(self.now + START - queued.message.created)
            else:
                self.sent.append((self.now, int(request.name[1:])))

    def counts(self) -> Counter[int]:
        return Counter(number for _, number in self.sent)


def walks(line: Line, sizes: list[float], weights: list[int], seconds: int = 1200) -> list[float]:
    """Walks with steps of these sizes, polled every 15 seconds; the mean error of each on the screen."""
    chance, values, errors = Random(5), [0.0] * len(sizes), [0.0] * len(sizes)  # noqa: S311 - a test, no secret
    for number in range(len(sizes)):
        line.show(number, 0.0)
    for turn in range(seconds // 15):
        for number, size in enumerate(sizes):
            values[number] += chance.gauss(0, size)
            line.poll(number, values[number], weight=weights[number])
        line.send(15.0 * (turn + 1))
        for number, value in enumerate(values):
            shown = line.outbox.shown[key(number)]
            assert isinstance(shown, ShownWidget)
            assert isinstance(shown.value, float)
            errors[number] += abs(value - shown.value)
    return errors


def test_a_constant_widget_is_never_sent_and_the_budget_is_kept_and_used() -> None:
    line = Line(30)
    walks(line, [1.0] * 60 + [0.0] * 5, [5] * 65)
    assert not line.counts().keys() & set(range(60, 65))
    times = [at for at, _ in line.sent]
    assert max(sum(at <= other < at + 60 for other in times) for at in times) == 30
    assert len(times) > 0.95 * 20 * 30


def test_one_volatile_widget_of_500_takes_at_most_a_twentieth() -> None:
    line = Line(60)
    walks(line, [1.0] * 499 + [1000.0], [5] * 499 + [10], 600)
    assert 0.02 * len(line.sent) < line.counts()[499] <= 0.05 * len(line.sent)


def test_what_weighs_more_is_truer_on_the_screen() -> None:
    errors = walks(Line(30), [1.0] * 100, [1] * 90 + [8] * 10, 2400)
    assert sum(errors[90:]) / 10 <= 0.65 * sum(errors[:90]) / 90


def test_after_an_hour_of_outage_the_first_to_go_are_those_with_the_highest_scores() -> None:
    line, chance = Line(60), Random(3)  # noqa: S311 - a test, no secret
    values, sizes = [0.0] * 500, [chance.uniform(0.1, 10) for _ in range(500)]
    for number in range(500):
        line.show(number, 0.0)
    for turn in range(60):
        line.now = 60.0 * turn
        for number, size in enumerate(sizes):
            values[number] += chance.gauss(0, size)
            line.poll(number, values[number], weight=1 + number % 10)
    line.now = HOUR

    def worth_now(widget: Key) -> float:
        message, shown = line.outbox.waiting[widget].message, line.outbox.shown[widget]
        assert isinstance(message, WidgetValue)
        assert isinstance(shown, ShownWidget)
        return score(message, shown, line.outbox.movements[message.key], START + HOUR)

    by_worth = sorted(line.outbox.waiting, key=worth_now, reverse=True)
    line.send(HOUR + 20)
    first = [key(number) for _, number in line.sent[:60]]
    assert set(first) == set(by_worth[:60])
    assert first[:20] == by_worth[:20]


def test_of_equals_the_older_goes_first() -> None:
    line = Line(30)
    for number in range(100):
        line.show(number, 0)
    for number in range(100):
        line.poll(number, 1 + number % 2)
    line.send(20.0)
    assert [number for _, number in line.sent[:30]] == list(range(1, 61, 2))


def test_with_room_for_all_everything_goes_at_once_by_age() -> None:
    line = Line(60)
    for number in range(50):
        line.show(number, 0)
    for number in range(50):
        line.poll(number, 50 - number)
    line.send(5.0)
    assert [number for _, number in line.sent] == list(range(50))


def test_what_has_waited_for_too_long_goes_from_a_tenth_of_the_budget() -> None:
    line = Line(20)
    for number in range(60):
        line.show(number, 0.0)
    for turn in range(80):
        for number in range(60):
            if number < 50:
                line.poll(number, float(turn + number), weight=10)
            else:
                # It differs by little, for ever.
                line.poll(number, 0.02 + turn * 0.0001, weight=1, send_within=600.0)
        line.send(15.0 * (turn + 1))
    late = [(at, number) for at, number in line.sent if number >= 50]
    assert {number for _, number in late} == set(range(50, 60))
    assert min(at for at, _ in late) >= 600
    for began in range(600, 1140, 60):
        assert sum(began <= at < began + 60 for at, _ in late) <= 3


def test_a_changed_severity_does_not_wait_for_those() -> None:
    line = Line(30)
    for number in range(100):
        line.show(number, 0)
    for turn in range(12):
        for number in range(100):
            line.poll(number, number + turn + 1)
        line.send(15.0 * (turn + 1))
    line.poll(0, 99, priority=Priority.SEVERITY, severity="critical")
    began = line.now
    line.send(began + 5)
    assert min(at for at, number in line.sent if number == 0 and at >= began) <= began + 2.5


def test_a_push_does_not_wait_for_them() -> None:
    line, chance = Line(30), Random(8)  # noqa: S311 - a test, no secret
    for number in range(100):
        line.show(number, 0)
    for turn in range(40):
        for number in range(100):
            line.poll(number, number + turn + 1)
        line.send(15.0 * turn + chance.uniform(0, 15))
        push = Push(PushKey(DEFAULT_ACCOUNT, "a", START, turn), PushContent("a"), Priority.PUSH, START + line.now)
        line.outbox, _ = queue.enqueue(line.outbox, push)
        line.send(15.0 * (turn + 1))
    assert len(line.pushed) == 40
    assert max(line.pushed) < 1


def moved(values: Callable[[int], Value], polls: int = 240) -> Movement:
    movement = None
    for turn in range(polls):
        movement = seen(movement, values(turn), START + 15.0 * turn)
    assert movement is not None
    return movement


def worth(movement: Movement, value: Value, on_screen: Value, **others: object) -> float:
    message = WidgetValue(key(0), value, Priority.ROUTINE, START, **others)  # type: ignore[arg-type]
    return score(message, ShownWidget(key(0), on_screen, START), movement, movement.at)


def walk(size: float) -> Movement:
    # Steps of one size whose mean neither drifts nor returns.
    signs = [1, 1, 1, 1, -1, -1, -1, -1] * 30
    return Movement(0.0, 0.0, START, HOUR, size * size * len(signs), size * len(signs), 0.0, 0.0, 1e12)


def test_the_score_of_a_walk_is_that_of_the_theory() -> None:
    movement, steps = walk(1.0), 10
    expected = 5 * steps**3 / (6 / 15)
    assert worth(movement, 0.0, float(steps), tolerance=1.0) == pytest.approx(expected, rel=0.1)
    # Half a step more, and no longer than half an hour is a value expected to stand.
    reach = steps + 0.5
    exact = 5 * reach**3 / (6 / 15 + reach**2 / HALF_LIFE)
    assert worth(movement, 0.0, float(steps), tolerance=1.0) == pytest.approx(exact, rel=1e-9)


def test_a_drift_and_a_unit_and_a_weight() -> None:
    counter = moved(lambda turn: turn * 3.0)
    # 0.2 a second: an error of 60 took 300 seconds, and the score is about the area of the error.
    assert worth(counter, counter.value, counter.level - 60, tolerance=1.0) == pytest.approx(5 * 60 * 300 / 2, rel=0.2)
    one = worth(counter, counter.value, counter.level - 60, tolerance=1.0)
    assert worth(counter, counter.value, counter.level - 60, tolerance=4.0) == pytest.approx(one / 4)
    assert worth(counter, counter.value, counter.level - 60, tolerance=1.0, weight=10) == pytest.approx(2 * one)
    # Without min_change: in units of what it usually changes in an hour, here 720.
    assert worth(counter, counter.value, counter.level - 60) == pytest.approx(one / 720, rel=0.1)


def test_noise_is_worth_more_when_it_is_close_to_its_mean() -> None:
    chance = Random(4)  # noqa: S311 - a test, no secret
    noise = moved(lambda _: chance.gauss(0, 10), 480)
    close, far = noise._replace(level=0.0, value=0.0), noise._replace(level=20.0, value=20.0)
    assert worth(close, 0.0, 20.0, tolerance=1.0) > 3 * worth(far, 20.0, 0.0, tolerance=1.0)


def test_noise_waits_until_it_is_close_to_its_mean() -> None:
    chance = Random(4)  # noqa: S311 - a test, no secret
    noise = moved(lambda _: chance.gauss(0, 10), 480)
    mean, on_screen = noise._replace(level=0.0, value=0.0), 25.0
    worths = [worth(mean._replace(level=level, value=level), level, on_screen, tolerance=1.0) for level in (0, 3, 10)]
    assert worths[0] > worths[1] > worths[2]
    assert worths[0] > 4 * worths[2]


@pytest.mark.parametrize("stays", [(60.0, 60.0), (60.0, 600.0), (600.0, 60.0), (300.0, 240.0)])
def test_the_score_of_two_states_is_that_of_a_dynamic_program(stays: tuple[float, float]) -> None:
    seen_for, share = 1e6, stays[1] / sum(stays)
    changes = 2 * seen_for / sum(stays)
    up = Movement(1.0, 1.0, START, seen_for, changes, changes, 0.0, share, share * (1 - share) * seen_for)
    assert worth(up, 1.0, 0.0, tolerance=1.0) == pytest.approx(5 * index_of_up(*stays), rel=0.1)
    text = up._replace(value="up")
    assert worth(text, "up", "down") == pytest.approx(worth(up, 1.0, 0.0, tolerance=1.0))


def index_of_up(down_stays: float, up_stays: float, step: float = 5.0) -> float:
    """The price at which sending "up" while "down" is shown is just worth it, by value iteration."""
    leaves, kept = (step / down_stays, step / up_stays), math.exp(-step / HALF_LIFE)
    low, high = 0.0, HALF_LIFE
    while high - low > 1:
        price, cost = (low + high) / 2, [[0.0, 0.0], [0.0, 0.0]]
        for _ in range(1500):
            hold = [
                [
                    step * (is_up is not shown) + kept * mix(leaves[is_up], cost[not is_up][shown], cost[is_up][shown])
                    for shown in (False, True)
                ]
                for is_up in (False, True)
            ]
            cost = [[min(hold[at][shown], hold[at][at] + price) for shown in (0, 1)] for at in (0, 1)]
        low, high = (price, high) if hold[1][0] > hold[1][1] + price else (low, price)
    return low


def mix(share: float, one: float, other: float) -> float:
    return share * one + (1 - share) * other


def test_an_excursion_from_the_mean_is_worth_less_than_the_way_back() -> None:
    mostly_down = moved(lambda turn: int(turn % 20 in (7, 8)))
    up, down = mostly_down._replace(value=1, level=1.0), mostly_down._replace(value=0, level=0.0)
    out, back = worth(up, 1, 0, tolerance=1.0), worth(down, 0, 1, tolerance=1.0)
    assert 0 < 5 * out < back
    # Without a mean to return to, the same changes would be worth more than the excursion.
    assert out < 0.8 * worth(up._replace(spread=1e12), 1, 0, tolerance=1.0)


def test_a_text_is_right_or_wrong() -> None:
    rare = moved(lambda turn: "up" if turn % 80 < 40 else "down")
    often = moved(lambda turn: f"{turn} up")
    assert worth(rare, rare.value, "something else") > 5 * worth(often, often.value, "something else") > 0
    assert worth(rare, rare.value, "a") == worth(rare, rare.value, "quite another text")


def test_what_is_not_known_on_the_screen_goes_first_and_large_numbers_break_nothing() -> None:
    message = WidgetValue(key(0), 1.0, Priority.ROUTINE, START)
    assert score(message, None, seen(None, 1.0, START), START) == math.inf
    assert score(message, ShownWidget(key(0), "a text", START), seen(None, 1.0, START), START) == math.inf
    huge = moved(lambda turn: 1e300 * (turn % 3))
    assert worth(huge, huge.value, -1e300) >= 0


def test_the_movement_survives_a_restart(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "state.db")
    outbox = StoredOutbox(database)
    for turn in range(4):
        with database.transaction() as connection:
            outbox.put(connection, WidgetValue(key(1), turn * turn, Priority.ROUTINE, START + 15.0 * turn))
    before = outbox.value.movements
    database.close()
    assert dict(StoredOutbox(Database.open(tmp_path / "state.db")).value.movements) == dict(before)
    assert updated(before[key(1)], START + 60).updates == 1

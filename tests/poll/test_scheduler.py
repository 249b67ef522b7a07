"""A timetable's days, in virtual time: nothing drifts, bunches, piles up or falls silent."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from smithd.clock import SystemClock
from smithd.events import ClockStepped, Event, Events, PollsDue
from smithd.poll.schedule import Cron, Every, Schedule
from smithd.poll.scheduler import Scheduler
from virtual_time import jump, run_virtual, step_clock

DAY = 86400
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
Calls = dict[str, list[float]]


class Watched:
    """A timetable, and when it called what, on the monotonic clock (``calls``) and on the wall's (``times``)."""

    def __init__(self, schedules: dict[str, Schedule]) -> None:
        self.calls: Calls = defaultdict(list)
        self.times: Calls = defaultdict(list)
        self.facts: list[Event] = []
        self.scheduler = Scheduler(SystemClock(), Events([self.facts.append]))
        for name, schedule in schedules.items():
            self.scheduler.add(name, schedule, lambda name=name: self._called(name))  # type: ignore[misc]
        self.scheduler.start()

    def _called(self, name: str) -> None:
        self.calls[name].append(asyncio.get_running_loop().time())
        self.times[name].append(time.time())

    async def run(self, seconds: float) -> None:
        """Let so much time pass, with the check that the runtime makes every second (here: every ten)."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            await asyncio.sleep(min(10, left))
            self.scheduler.check_step()

    def forget(self) -> None:
        self.calls.clear()
        self.times.clear()


def watched(schedules: dict[str, Schedule], seconds: float, start: datetime = NOON) -> Watched:
    async def main() -> Watched:
        watched = Watched(schedules)
        await watched.run(seconds)
        watched.scheduler.stop()
        await asyncio.sleep(60)
        return watched

    return run_virtual(main, start)


def gaps(calls: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(calls)]


def test_a_day_of_a_30_s_job_neither_drifts_nor_stops() -> None:
    calls = watched({"shop": Every(30)}, DAY).calls["shop"]
    assert len(calls) in (2880, 2881)
    assert gaps(calls)[1:] == pytest.approx([30] * (len(calls) - 2), abs=0.001)


@pytest.mark.parametrize("seconds", [1, 7.5, 10, 45, 3600])
def test_after_a_start_everything_is_asked_soon_and_then_evenly(seconds: float) -> None:
    names = [f"source{number}" for number in range(300)]
    calls = watched({name: Every(seconds) for name in names}, 5 * seconds).calls
    soon = min(seconds, 10)
    assert all(calls[name][0] <= soon for name in names)
    for name in names:
        first, *rest = gaps(calls[name])
        assert 0.5 * seconds - 0.1 <= first <= 1.5 * seconds + 0.1
        assert rest == pytest.approx([seconds] * len(rest), abs=0.01)
    for start, window in ((0.0, soon), (3 * seconds, seconds)):
        tenths = Counter(
            int((at - start) / window * 10) for all_ in calls.values() for at in all_ if start <= at < start + window
        )
        assert max(tenths.values()) < 60  # 30 would be even


def test_many_sources_share_few_jobs() -> None:
    async def main() -> int:
        watched = Watched({f"source{number}": Every(60) for number in range(5000)})
        jobs = len(watched.scheduler._scheduler.get_jobs())
        watched.scheduler.stop()
        return jobs

    assert run_virtual(main) <= 400


def test_intervals_go_on_when_the_clock_is_set_back() -> None:
    async def main() -> Watched:
        watched = Watched({"shop": Every(30), "bill": Cron("0 * * * *", "UTC")})
        await watched.run(600)
        step_clock(-3600)
        await watched.run(600)
        return watched

    result = run_virtual(main)
    assert max(gaps(result.calls["shop"])) <= 45
    assert [event.seconds for event in result.facts if isinstance(event, ClockStepped)] == pytest.approx([-3600])


@pytest.mark.parametrize("asleep", [5, 300, 8 * 3600, 40 * 365 * DAY])
def test_a_suspend_causes_no_burst(asleep: float) -> None:
    async def main() -> Watched:
        watched = Watched({f"source{number}": Every(30) for number in range(200)})
        await watched.run(600)
        watched.forget()
        step_clock(asleep)
        await watched.run(120)
        return watched

    calls = run_virtual(main).calls
    assert len(calls) == 200
    assert all(len(times) <= 6 and times[0] <= 620 for times in calls.values())
    together = Counter(round(at, 1) for times in calls.values() for at in times)
    assert max(together.values()) <= 12


def test_a_loop_that_was_blocked_calls_once_and_keeps_its_pace() -> None:
    async def main() -> Watched:
        watched = Watched({"shop": Every(1)})
        await watched.run(10)
        watched.forget()
        jump(4.3)  # nothing ran for 4.3 s
        await watched.run(10)
        return watched

    calls = run_virtual(main).calls["shop"]
    assert len(calls) in (10, 11)
    assert gaps(calls)[1:] == pytest.approx([1.0] * (len(calls) - 2))


def test_corrections_of_the_clock_are_no_steps() -> None:
    async def main() -> Watched:
        watched = Watched({"shop": Every(30)})
        for _ in range(600):
            step_clock(0.5)
            await watched.run(10)
        return watched

    assert [fact for fact in run_virtual(main).facts if not isinstance(fact, PollsDue)] == []


def berlin(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=ZoneInfo("Europe/Berlin"))  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("expression", "day", "expected"),
    [
        ("30 2 * * *", (2026, 10, 25), ["02:30 CEST"]),
        ("30 2 * * *", (2026, 3, 29), ["03:00 CEST"]),
        ("0 1-4 * * *", (2026, 10, 25), ["01:00 CEST", "02:00 CEST", "03:00 CET", "04:00 CET"]),
        (
            "0 * * * *",
            (2026, 10, 25),
            ["00:00 CEST", "01:00 CEST", "02:00 CEST", "02:00 CET", "03:00 CET", "04:00 CET"],
        ),
        ("0 * * * *", (2026, 3, 29), ["00:00 CET", "01:00 CET", "03:00 CEST", "04:00 CEST"]),
    ],
)
def test_calendars_on_days_when_the_clocks_change(
    expression: str, day: tuple[int, int, int], expected: list[str]
) -> None:
    start, end = berlin(*day).timestamp() - 60, berlin(*day, 4, 30).timestamp()
    result = watched({"bill": Cron(expression, "Europe/Berlin")}, end - start, datetime.fromtimestamp(start, UTC))
    zone = ZoneInfo("Europe/Berlin")
    assert [datetime.fromtimestamp(at + 0.01, zone).strftime("%H:%M %Z") for at in result.times["bill"]] == expected


def test_a_calendar_that_was_slept_through_runs_once() -> None:
    async def main() -> Watched:
        watched = Watched({"bill": Cron("0 * * * *", "UTC")})
        await watched.run(600)
        step_clock(5 * 3600)
        await watched.run(3600)
        return watched

    times = run_virtual(main).times["bill"]
    assert [datetime.fromtimestamp(at + 0.01, UTC).hour for at in times] == [5, 6]


def test_a_calendar_follows_a_clock_that_is_set_back() -> None:
    async def main() -> Watched:
        watched = Watched({"bill": Cron("*/10 * * * *", "UTC")})
        await watched.run(1205)
        step_clock(-7200)
        await watched.run(1200)
        return watched

    assert gaps(run_virtual(main).calls["bill"]) == pytest.approx([600, 600, 600], abs=0.01)


def test_what_is_added_later_is_asked_soon_and_disturbs_no_other() -> None:
    async def main() -> Watched:
        names = [f"source{number}" for number in range(50)]
        watched = Watched(dict.fromkeys(names, Every(30)))
        await watched.run(100)
        before = {name: list(calls) for name, calls in watched.calls.items()}
        watched.forget()
        watched.scheduler.begin_round()
        for number in range(50):
            name = f"later{number}"
            watched.scheduler.add(name, Every(30), lambda name=name: watched._called(name))  # type: ignore[misc]
        await watched.run(200)
        watched.scheduler.stop()
        for name in names:
            assert gaps([before[name][-1], *watched.calls[name]]) == pytest.approx(
                [30] * len(watched.calls[name]), abs=0.001
            )
        return watched

    watched = run_virtual(main, NOON)
    for name in (f"later{number}" for number in range(50)):
        assert watched.calls[name][0] <= 110
        assert max(gaps(watched.calls[name])) <= 45
        assert gaps(watched.calls[name])[2:] == pytest.approx([30] * (len(watched.calls[name]) - 3), abs=0.001)


def test_what_is_removed_is_not_called_any_more_and_its_name_may_come_back() -> None:
    async def main() -> Watched:
        watched = Watched({"a": Every(30), "b": Every(30), "c": Cron("* * * * *", "UTC")})
        await watched.run(100)
        watched.scheduler.remove("a")
        watched.scheduler.remove("c")
        watched.forget()
        await watched.run(100)
        assert watched.calls.keys() == {"b"}
        watched.scheduler.begin_round()
        watched.scheduler.add("a", Every(5), lambda: watched._called("a"))
        step_clock(3600)
        await watched.run(100)
        watched.scheduler.stop()
        return watched

    watched = run_virtual(main, NOON)
    assert len(watched.calls["a"]) in (19, 20, 21)
    assert max(gaps(watched.calls["b"])) <= 60


def test_it_says_when_each_source_is_due_next() -> None:
    schedules: dict[str, Schedule] = {"minute": Every(60), "hour": Every(3600), "daily": Cron("0 6 * * *", "UTC")}

    async def main() -> tuple[dict[str, float | None], Watched]:
        watched = Watched(schedules)
        await watched.run(1800)
        planned = watched.scheduler.planned()
        due = {name: planned.next_poll(name, schedule, None) for name, schedule in schedules.items()}
        watched.forget()
        await watched.run(DAY)
        watched.scheduler.stop()
        return due, watched

    due, after = run_virtual(main, NOON)
    assert due == {name: pytest.approx(times[0], abs=0.1) for name, times in after.times.items()}

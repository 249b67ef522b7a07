"""Calls each source when it is due, by APScheduler, with one job for all sources of one interval and phase.

Intervals run on the monotonic clock in effect: APScheduler plans in wall time, and when the wall clock steps,
everything is planned again. Calendars run on the wall clock.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.date import DateTrigger

from smithd.clock import Clock
from smithd.events import ClockStepped, Events, PollsDue
from smithd.poll.planned import Planned
from smithd.poll.schedule import FIRST_POLLS_WITHIN, Cron, Schedule, first_delay, phase

STEP = 2.0
"""A change of this many seconds between the wall clock and the monotonic one is a step, not a correction."""
SLOT = 0.05
"""Sources whose phases differ by less than this many seconds share a job..."""
SLOTS = 200
"""...and no interval has more jobs than this."""

Action = Callable[[], None]


class _Interval(BaseTrigger):  # type: ignore[misc] # APScheduler has no types
    """Fires at an interval from the first run on. Missed runs are left out, however many they are."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def get_next_fire_time(self, previous: datetime, now: datetime) -> datetime:
        # Counted from the last run, so that the phase stays. A clock that was set back gives a negative number.
        passed = math.floor((now - previous).total_seconds() / self.seconds)
        return previous + timedelta(seconds=self.seconds * (max(passed, 0) + 1))


class _Calendar(BaseTrigger):  # type: ignore[misc] # APScheduler has no types
    """Fires at cron's times. APScheduler's own cron has other weekdays and days, and fires twice in autumn."""

    def __init__(self, cron: Cron) -> None:
        self.cron = cron

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        return _wall(self.cron.after(max(previous or now, now).timestamp()))


@dataclass(slots=True)
class _Slot:
    """One job: when it runs first, counted from the moment of planning, and the actions that it calls, by name."""

    trigger: BaseTrigger
    first_run: Callable[[float], float]
    on_calendar: bool = False
    actions: dict[str, Action] = field(default_factory=dict)


class Scheduler:
    """Calls actions on their schedules. Made before the loop runs, started inside it; actions are added at any time.

    An action must return at once; it starts a task for what takes time. After a start, after it was added, and after a
    step of the clock, an interval's action is called early (within ten seconds), and then at its own phase of the
    interval.
    """

    def __init__(self, clock: Clock, events: Events) -> None:
        self._clock = clock
        self._events = events
        self._slots: dict[str, _Slot] = {}
        self._jobs_of: dict[str, list[str]] = {}
        self._round = 0
        self._drift = 0.0
        self._running = False
        # APScheduler logs every single run.
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        self._scheduler: Any = AsyncIOScheduler(
            timezone=UTC,
            # This executor calls the job directly, without a thread or a task.
            executors={"default": DebugExecutor()},
            # However late a job is, it runs, and the runs that it missed count as one.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def add(self, name: str, schedule: Schedule, action: Action) -> None:
        """Have an action called on a schedule. Its name is unique and decides its phase."""
        if isinstance(schedule, Cron):
            slot = _Slot(_Calendar(schedule), schedule.after, on_calendar=True)
            self._join(f"cron {schedule.expression} {schedule.zone}", slot, name, action)
            return
        seconds = schedule.seconds
        # APScheduler's cost is one of jobs: sources with almost the same phase share one.
        slots = max(1, min(SLOTS, int(seconds / SLOT)))
        place = int(phase(name, slots))
        early, delay = place / slots * min(seconds, FIRST_POLLS_WITHIN), place / slots * seconds
        # The first run at the interval's own phase leaves room after the early one of a start.
        if seconds > FIRST_POLLS_WITHIN and delay - early < seconds / 2:
            delay += seconds
        slot = _Slot(_Interval(seconds), lambda now: now + delay)
        self._join(f"every {seconds} {place}", slot, name, action)
        if seconds > FIRST_POLLS_WITHIN:
            early_place = int(first_delay(name, seconds) / SLOT)
            # Only the time that _plan_slot gives the job counts: after that run, a DateTrigger has no other.
            slot = _Slot(DateTrigger(_wall(0), UTC), lambda now: now + early_place * SLOT)
            self._join(f"first {early_place} of round {self._round}", slot, name, action)

    def begin_round(self) -> None:
        """Begin a new round of early calls: actions that are added from now on are called early, older ones are not."""
        self._round += 1

    def remove(self, name: str) -> None:
        """Stop calling the action of this name."""
        # An action is in two slots: that of its early call, and its own.
        for job in self._jobs_of.pop(name, ()):
            slot = self._slots[job]
            del slot.actions[name]
            if not slot.actions:
                del self._slots[job]
                if self._running and self._scheduler.get_job(job) is not None:
                    self._scheduler.remove_job(job)

    def _join(self, job: str, slot: _Slot, name: str, action: Action) -> None:
        is_new = job not in self._slots
        self._slots.setdefault(job, slot).actions[name] = action
        self._jobs_of.setdefault(name, []).append(job)
        if is_new and self._running:
            self._plan_slot(job, slot, self._clock.now())

    def planned(self) -> Planned:
        """When each source is due next. Takes no longer with more sources than copying their names does."""
        jobs = self._scheduler.get_jobs() if self._running else []
        return Planned(dict(self._jobs_of), {job.id: job.next_run_time.timestamp() for job in jobs})

    def start(self) -> None:
        """Begin, inside the running loop."""
        self._running = True
        self._drift = self._clock.now() - self._clock.monotonic()
        # While it is paused, a job that is added does not wake it up.
        self._scheduler.start(paused=True)
        self._plan()

    def stop(self) -> None:
        """Stop calling any action."""
        self._running = False
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def check_step(self) -> bool:
        """Whether the wall clock stepped, or the machine slept; then plan again. Must be called every few seconds.

        APScheduler alone would call nothing after a step back, and everything at once after a step forward.
        """
        step, self._drift = self._step(), self._clock.now() - self._clock.monotonic()
        if not self._running or abs(step) <= STEP:
            return False
        self._events.publish(ClockStepped(step))
        self._scheduler.pause()
        self._plan()
        return True

    def _step(self) -> float:
        return self._clock.now() - self._clock.monotonic() - self._drift

    def _plan(self) -> None:
        now = self._clock.now()
        for job, slot in self._slots.items():
            planned = self._scheduler.get_job(job)
            if slot.on_calendar and planned is not None and planned.next_run_time <= _wall(now):
                # Its time passed while the machine slept, so it is left to run once now.
                continue
            self._plan_slot(job, slot, now)
        self._scheduler.resume()

    def _plan_slot(self, job: str, slot: _Slot, now: float) -> None:
        self._scheduler.add_job(
            self._call,
            slot.trigger,
            args=(job, slot),
            id=job,
            next_run_time=_wall(slot.first_run(now)),
            replace_existing=True,
        )

    def _call(self, job: str, slot: _Slot) -> None:
        if not self._running:
            return
        if not slot.on_calendar and abs(self._step()) > STEP:
            # The clock stepped forward, and every job is overdue: spread them again when APScheduler is done.
            asyncio.get_running_loop().call_soon(self.check_step)
            return
        # APScheduler plans the next run after this one, so that the job still has the time at which it was due.
        due = self._scheduler.get_job(job).next_run_time.timestamp()
        self._events.publish(PollsDue(len(slot.actions), max(0.0, self._clock.now() - due)))
        for action in list(slot.actions.values()):
            action()


def _wall(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, UTC)

"""The dispatcher: gathers alerts into notices, holds back what is hushed, and says when and why each one speaks. Pure.

Every alert that fires is told by exactly one notice. What a notice has told of each alert is compared with how the
alert is now, whenever it moves, its hush ends, or its notice may speak again: the difference is what there is to say.
So nothing is queued while it is hushed, nothing is lost, and nothing is said twice.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from smithd.alerts.alert import Transition
from smithd.alerts.rule import Rule
from smithd.notify.group import AlertId, Group, Notice, Notices, Scope
from smithd.notify.grouping import Placement
from smithd.notify.notifier import Speaker
from smithd.notify.options import PushOptions
from smithd.notify.suppression import Held, Hush, Quiet
from smithd.notify.turn import Hushed, NotifyTimer, Speak, Telling, Turn
from smithd.surfaces.view import View
from smithd.timers import TimerQueue

LEAST_PAUSE = 1.0
"""Seconds between two words of one notice: whatever it finds to say, it never speaks in circles."""


class Dispatcher:
    """Knows the open notices, and what holds back the alerts that are untold. ``channels``: the account's."""

    def __init__(
        self,
        notices: Notices,
        rules: Mapping[str, Rule],
        pushes: Mapping[str, PushOptions],
        hushes: Mapping[str, Hush],
        channels: Sequence[str] | None,
    ) -> None:
        self.notices = notices
        self._timers = TimerQueue[NotifyTimer]()
        self._planned: dict[Group, float] = {}
        self._placement = Placement(notices, rules, pushes, hushes, self._timers)
        self._speaker = Speaker(notices, self._placement.held, rules, pushes, hushes, channels)
        self._dependents: dict[str, list[str]] = defaultdict(list)
        for name, each in hushes.items():
            for other in {*each.unless_firing, *each.depends_on}:
                self._dependents[other].append(name)

    def next_at(self) -> float | None:
        """When something may be told that cannot be told now; None where only a poll can change that."""
        return self._timers.next_at()

    def held_of(self, rule: str, quiet: Quiet) -> Mapping[AlertId, Held]:
        """What holds the telling of a rule's alerts back, as far as they have something to tell."""
        return self._placement.held_of(rule, quiet)

    def resume(self, view: View, quiet: Quiet) -> Telling:
        """Go on with the notices of the last run. What the configuration no longer has is closed."""
        turn = Turn(view, quiet)
        for notice in self.notices:
            notice.shift(turn.now)
            self._speaker.close(notice, turn)
        for notice in self.notices:
            for member in notice.firing if notice.group.scope is Scope.MUTE else ():
                if member.told is None:  # as it is by then, and as the windows are by now
                    heard_by = view.series.first_answer_by(member.series.metric)
                    notice.not_before = max(notice.not_before, heard_by)
                    self._timers.add(heard_by, Hushed(member.id))
            self._plan(notice, turn)
        alerts = [alert for those in quiet.alerts.values() for alert in those.values() if alert.severity is not None]
        for alert in sorted(alerts, key=lambda alert: (alert.since, alert.key)):
            self._placement.resume(alert, view)
        return turn.close(())

    def replan(self, now: float) -> None:
        """The clock was set: everything is looked at again."""
        self._timers.clear()
        self._planned.clear()
        self._speaker.forget_reminders()
        for notice in self.notices:
            notice.shift(now)
            self._timers.add(now, Speak(notice.group))
        self.look_again(now)

    def look_again(self, now: float) -> None:
        """What is quiet has changed: whatever is held back is looked at again, with the next ``tell``."""
        self._placement.look_again(now)

    def tell(self, transitions: Sequence[Transition], view: View, quiet: Quiet) -> Telling:
        """What there is to tell after these transitions, and of what was waiting for this moment."""
        turn = Turn(view, quiet)
        for transition in transitions:
            self._placement.take(transition, turn)
        for item in self._timers.take(turn.now):
            match item:
                case Speak(group):
                    self._planned.pop(group, None)
                    turn.touched[group] = None
                case Hushed(alert):
                    self._placement.again(alert, turn)
        for rule in {dependent for each in transitions for dependent in self._dependents.get(each.alert.rule, ())}:
            self._placement.lift(rule, turn)
        while turn.touched:
            group = next(iter(turn.touched))
            del turn.touched[group]
            self._attend(group, turn)
        return turn.close(transitions)

    def _attend(self, group: Group, turn: Turn) -> None:
        """Have a notice speak if it may, and plan when it will look again."""
        notice, earliest = self.notices.get(group), -math.inf
        if notice is not None and self._speaker.due(notice, turn.now) <= turn.now:
            for member in self._speaker.news(notice):
                self._placement.again(member.id, turn)  # it may be hushed by now
            notice = self.notices.get(group)
            if notice is not None and self._speaker.due(notice, turn.now) <= turn.now:
                self._speaker.speak(notice, turn)
                notice = self.notices.get(group)
                earliest = turn.now + LEAST_PAUSE
        if notice is not None:
            self._plan(notice, turn, earliest)

    def _plan(self, notice: Notice, turn: Turn, earliest: float = -math.inf) -> None:
        due = max(self._speaker.due(notice, turn.now), earliest)
        if due < self._planned.get(notice.group, math.inf):
            self._planned[notice.group] = due
            self._timers.add(due, Speak(notice.group))

"""The busiest minute of an alert: how often it changes, and is notified, as fast as its rule's times let it. No I/O."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from smithd.alerts.damping import after_firing, delay
from smithd.alerts.severity import Severity
from smithd.config.model import RuleConfig

MINUTE = 60.0

MOST_EPISODES = 500
"""Episodes of an alert that are worked out for its busiest minute."""


class BusyMinute(NamedTuple):
    """A rule's minute: how often its severity changes, how many notifications are sent (of them critical ones), and how
    many of those that were sent before are replaced: by what rose, or by an end.
    """

    changes: int = 0
    pushes: int = 0
    criticals: int = 0
    replaced: int = 0

    def times(self, factor: float) -> BusyMinute:
        """As many times as much."""
        return BusyMinute(*(round(factor * count) for count in self))

    def plus(self, other: BusyMinute) -> BusyMinute:
        """With what is in another one."""
        return BusyMinute(*map(operator.add, self, other))

    def minus(self, other: BusyMinute) -> BusyMinute:
        """Without what is in another one."""
        return BusyMinute(*map(operator.sub, self, other))


def busiest_minute(rule: RuleConfig, interval: float) -> BusyMinute:
    """That of one alert of a rule which fires, at each of its severities in turn, and resolves, as fast as it can.
    ``interval``: the seconds between two polls; 0: not known.
    """
    return _busiest_minute(_alert_times(rule, interval))


class _AlertTimes(NamedTuple):
    """What decides how fast an alert of a rule comes and goes, and is notified. ``interval``: between two polls;
    ``severities``: each that it may have, the lowest first, with its ``for`` and ``keep_firing_for``; ``notified``:
    those of which a person is notified; ``wait``: ``group_wait``; ``notifies_ends``: whether an end
    changes a notification.
    """

    interval: float
    severities: tuple[tuple[Severity, float, float], ...]
    damping: float
    notified: tuple[Severity, ...]
    wait: float
    notifies_ends: bool


def _alert_times(rule: RuleConfig, interval: float) -> _AlertTimes:
    push, timings = rule.push, rule.timings.items()
    severities = tuple((severity, timing.hold, timing.keep_firing_for) for severity, timing in timings)
    if push is None:
        return _AlertTimes(interval, severities, rule.damping, (), 0.0, notifies_ends=False)
    return _AlertTimes(
        interval, severities, rule.damping, tuple(push.on), push.pace[0], notifies_ends=push.on_resolve != "none"
    )


# Most of a thousand rules have the same times.
@lru_cache(maxsize=1_000)
def _busiest_minute(times: _AlertTimes) -> BusyMinute:
    if not times.interval or not times.severities:
        return BusyMinute()
    events, found, counted = sorted(_episodes(times)), BusyMinute(), BusyMinute()
    first = 0
    for time, event in events:
        counted = counted.plus(event)
        while events[first][0] <= time - MINUTE:
            counted = counted.minus(events[first][1])
            first += 1
        found = max(found, counted, key=sum)
    # Where not all episodes of the minute were worked out, they go on as they began.
    seconds = events[-1][0] - events[0][0]
    return found.times(MINUTE / seconds) if seconds < MINUTE else found


def _episodes(times: _AlertTimes) -> Iterator[tuple[float, BusyMinute]]:
    """What happens in a minute at least, and in two episodes of the alert; values are polled from 0 on."""
    poll, flapping = 0.0, None
    for episode in range(MOST_EPISODES):
        if episode >= 2 and poll > MINUTE:
            return
        fired = list[tuple[float, Severity]]()
        for severity, hold, _ in times.severities:
            fired.append((poll + hold, severity))
            poll = _next_poll(poll, poll + hold, times.interval)
        flapping = after_firing(flapping, times.damping, fired[-1][0]) if times.damping else None
        _, _, keep_firing_for = times.severities[0]
        resolved = poll + keep_firing_for + delay(flapping, times.damping, poll)
        yield from ((time, BusyMinute(changes=1)) for time in [*(time for time, _ in fired), resolved])
        yield from _notified(times, [each for each in fired if each[1] in times.notified], resolved)
        poll = _next_poll(poll, resolved, times.interval)


def _notified(
    times: _AlertTimes, fired: Sequence[tuple[float, Severity]], resolved: float
) -> Iterator[tuple[float, BusyMinute]]:
    """The notifications of one episode."""
    if not fired:
        return
    first = fired[0][0] + times.wait
    # What is over when its group has waited is notified at its end.
    if resolved <= first:
        yield resolved, BusyMinute(pushes=1)
        return
    is_critical = any(severity is Severity.CRITICAL for time, severity in fired if time <= first)
    yield first, BusyMinute(pushes=1, criticals=is_critical)
    for time, severity in fired:
        if time > first:
            yield time, BusyMinute(pushes=1, criticals=severity is Severity.CRITICAL, replaced=1)
    if times.notifies_ends:
        yield resolved, BusyMinute(replaced=1)


def _next_poll(poll: float, after: float, interval: float) -> float:
    """The first poll after ``after``, where one is at ``poll``: one at that moment would undo what happens then."""
    return poll + interval * (math.floor((after - poll) / interval + 1e-9) + 1)

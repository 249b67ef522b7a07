"""Recent pushes: what the people of each channel set got in the last minute, or are about to get. No I/O.

They decide two things: whether there is a storm, so that what is less than critical joins a summary, and whether a push
is the first of its rule, so that it goes before the later ones of others. They are kept in memory only; a start takes
them from the groups' log entries.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from rpds import HashTrieMap

from smithd.keys import PushKey
from smithd.notify.view import NotifyView
from smithd.outbox.message import Push

STORM_WINDOW = 60.0
"""Seconds in which pushes are counted."""


class RecentPush(NamedTuple):
    """A push that was enqueued at ``at`` (seconds since 1970). ``rule``: the rule that it is about, or what notifies in
    place of rules.
    """

    at: float
    key: PushKey
    rule: str
    is_critical: bool

    def counts(self, view: NotifyView) -> bool:
        """Whether it went out within the window, or still waits."""
        since = view.now - STORM_WINDOW
        if self.at > since:
            return True
        status = view.status(self.key)
        shown = status.push
        went_out = shown is not None and not shown.replaced and since < shown.at <= view.now
        return went_out or isinstance(status.queued or status.claimed, Push)


@dataclass(frozen=True, slots=True)
class RecentPushes:
    """The newest pushes of each channel set, in order, and the newest of each rule, critical or not."""

    of_channels: HashTrieMap[tuple[str, ...], tuple[RecentPush, ...]] = field(default_factory=HashTrieMap)
    of_rule: HashTrieMap[tuple[str, bool], RecentPush] = field(default_factory=HashTrieMap)

    def add(self, channels: tuple[str, ...], push: RecentPush, storm: int) -> RecentPushes:
        """With a push; of a channel set as many are kept as show whether there are more than ``storm``."""
        before = self.of_channels.get(channels, ())
        of_rule = self.of_rule.insert((push.rule, push.is_critical), push)
        # One that still waited to be sent got another text, and is no second push.
        if any(push.key == other.key for other in before):
            return replace(self, of_rule=of_rule)
        kept = (*before, push)[-(storm + 1) :]
        return replace(self, of_channels=self.of_channels.insert(channels, kept), of_rule=of_rule)

    def by(self, now: float) -> RecentPushes:
        """As they can be by ``now``: the clock may have been set back, and a storm does not last until it is there."""
        pushes = {
            channels: tuple(push._replace(at=min(push.at, now)) for push in found)
            for channels, found in self.of_channels.items()
        }
        of_rule = {rule: push._replace(at=min(push.at, now)) for rule, push in self.of_rule.items()}
        return RecentPushes(HashTrieMap(pushes), HashTrieMap(of_rule))

    def is_storm(self, channels: tuple[str, ...], storm: int, view: NotifyView) -> bool:
        """Whether more than ``storm`` pushes to these channels went out in the last minute, or wait."""
        # More may be kept than count: a reload may have lowered the bound.
        found = self.of_channels.get(channels, ())[-(storm + 1) :]
        return len(found) > storm and all(push.counts(view) for push in found)

    def is_first(self, push: RecentPush, view: NotifyView) -> bool:
        """Whether a push is the first of its rule for a minute, of what is critical or of the rest, and none waits."""
        before = self.of_rule.get((push.rule, push.is_critical))
        return before is None or before.key == push.key or not before.counts(view)

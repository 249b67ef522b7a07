"""When a notice speaks, and what becomes of its notifications. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from smithd.alerts.rule import Rule
from smithd.alerts.severity import Severity, worst_of
from smithd.notify import content as notification
from smithd.notify import suppression
from smithd.notify.content import Story, never_accepted
from smithd.notify.decision import Reason
from smithd.notify.group import AlertId, Group, Member, Notice, Notices, Scope, told
from smithd.notify.grouping import told_of
from smithd.notify.options import GROUP_INTERVAL, GROUP_WAIT, PushOptions, RepeatOptions
from smithd.notify.suppression import Held, Hush
from smithd.notify.turn import Turn
from smithd.outbox.message import EdgeMessage, Push, PushContent, PushUpdate
from smithd.outbox.shown import ShownPush

REMINDER_LOOKS_AGAIN = 60.0
"""Seconds after which a reminder that another rule holds back looks again."""


class Speaker:
    """Words what notices have to say. ``held``: what holds an alert's news back; ``channels``: the account's."""

    def __init__(
        self,
        notices: Notices,
        held: Callable[[AlertId], Held | None],
        rules: Mapping[str, Rule],
        pushes: Mapping[str, PushOptions],
        hushes: Mapping[str, Hush],
        channels: Sequence[str] | None,
    ) -> None:
        self._notices = notices
        self._held = held
        self._rules = rules
        self._pushes = pushes
        self._hushes = hushes
        self._channels = channels
        self._reminders_held: dict[Group, float] = {}

    def forget_reminders(self) -> None:
        """The clock was set: no reminder waits for a time that may be far away now."""
        self._reminders_held.clear()

    def news(self, notice: Notice) -> list[Member]:
        return [member for member in notice.members.values() if member.is_news and self._held(member.id) is None]

    def _options(self, group: Group) -> PushOptions:
        if group.scope in (Scope.RULE, Scope.REST):
            return self._pushes[group.name]
        return PushOptions(channels=list(group.channels) or None)

    def _repeat(self, notice: Notice) -> RepeatOptions | None:
        """How one is reminded: as the first rule asks of those that fire and were told."""
        given = (self._pushes[member.rule].repeat for member in notice.firing if member.told is not None)
        return next((repeat for repeat in given if repeat is not None), None)

    def _pace(self, group: Group) -> tuple[float, float]:
        match group.scope:
            case Scope.REST:
                return GROUP_WAIT, GROUP_INTERVAL
            case Scope.SOURCE | Scope.MUTE:
                return 0.0, GROUP_INTERVAL
        return self._options(group).pace

    def due(self, notice: Notice, now: float) -> float:
        """When a notice speaks next, as things are; infinite where it has nothing to say."""
        wait, interval = self._pace(notice.group)
        news = self.news(notice)
        times = []
        missed = any(member.told is None for member in notice.ended)
        if news or missed:
            times.append(self._loud_at(notice, news, wait, interval, now))
        if notice.is_stale or any(member.told is not None for member in notice.ended):
            times.append(notice.spoke_at + interval if notice.firing else now)
        if (repeat := self._repeat(notice)) is not None:
            due = notice.told_at + repeat.wait(notice.repeats)
            times.append(max(due, self._reminders_held.get(notice.group, due)))
        return min(times, default=math.inf)

    def _loud_at(self, notice: Notice, news: Sequence[Member], wait: float, interval: float, now: float) -> float:
        if notice.group.scope is Scope.MUTE:
            return notice.not_before
        if not notice.chapter:
            return notice.opened + wait if notice.opened <= now else now
        if any(notice.tops(member) for member in news):
            return now
        return notice.spoke_at + interval

    def speak(self, notice: Notice, turn: Turn) -> None:
        """Say what there is to say, and remember that it was said."""
        waits = notice.group.scope is Scope.MUTE and turn.now < notice.not_before
        news = [] if waits else self.news(notice)
        over = [member for member in notice.ended if member.told is not None or not waits]
        told_now = {member.id for member in news}
        firing = [turn.current(each) for each in notice.firing if each.told is not None or each.id in told_now]
        story = notification.story(notice, firing, over)
        # That a source is silent is told once: one more rule that it takes along is no news, unless it is a worse one.
        joins = notice.group.scope is Scope.SOURCE and notice.chapter > 0
        if not story.firing:
            self._tell_end(notice, story, turn)
        elif any(not joins or notice.tops(member) for member in news):
            self._tell_news(notice, story, news, turn)
        elif news or over or notice.is_stale:
            self._tell_update(notice, story, news, turn)
        else:
            self._remind(notice, story, turn)
        self._settle(notice, news, over, turn)

    def close(self, notice: Notice, turn: Turn) -> None:
        """Let go of the alerts that have no rule any more, or whose rule tells nobody."""
        gone = [
            member
            for member in notice.members.values()
            if member.rule not in self._pushes or (member.ended is None and not turn.fires(member))
        ]
        if not gone:
            return
        if len(gone) == len(notice.members) and notice.chapter:
            self._tell_closed(notice, notification.story(notice, notice.firing, notice.ended), turn)
        for member in gone:
            turn.decide(member, Reason.CLOSED, "", notice.key)
        self._settle(notice, (), gone, turn)
        notice.is_stale = True

    def _settle(self, notice: Notice, news: Sequence[Member], over: Sequence[Member], turn: Turn) -> None:
        notice.is_stale = False
        for member in news:
            self._notices.put(notice.group, told(member), turn.now)
            notice.loudest = worst_of(notice.loudest, member.severity)
        for member in over:
            self._notices.drop(member.id)
        if not notice.members:
            self._notices.remove(notice)
        turn.telling.changed[notice.group] = None

    def _tell_news(self, notice: Notice, story: Story, news: Sequence[Member], turn: Turn) -> None:
        rose = notice.chapter > 0 and all(member.told is not None for member in news)
        self._turn_page(notice, f"It rose to {story.firing[0].severity}" if rose else "More came", turn)
        self._put_aloud(notice, story, turn)
        notice.repeats = 0
        reason = Reason.DIGEST if notice.group.scope is Scope.MUTE else Reason.TOLD
        for member in (*news, *story.ended):
            turn.decide(member, reason, _detail(member, story), notice.key)

    def _tell_update(self, notice: Notice, story: Story, news: Sequence[Member], turn: Turn) -> None:
        """Something ended, or left, and something else still fires."""
        options, standing = self._options(notice.group), turn.view.standing(notice.key)
        unsent = never_accepted(standing)
        notice.spoke_at = turn.now
        is_told = standing.queued is not None if unsent else options.on_resolve != "none"
        reason = Reason.UPDATED if is_told else Reason.UNTOLD_END
        for member in (*news, *story.ended):
            turn.decide(member, reason, _detail(member, story), notice.key)
        if unsent and is_told:
            self._put_aloud(notice, story, turn)
        elif is_told:
            content = replace(self._firing(story, turn), interruption_level="passive")
            is_aloud = bool(story.ended) and self._ends_aloud(story, options, turn)
            self._put(notice, content, turn, in_place=not is_aloud)

    def _tell_end(self, notice: Notice, story: Story, turn: Turn) -> None:
        """Everything ended, or left."""
        options, standing = self._options(notice.group), turn.view.standing(notice.key)
        is_first, unsent = notice.chapter == 0, never_accepted(standing)
        notice.chapter = max(notice.chapter, 1)
        is_told = is_first or (standing.queued is not None if unsent else options.on_resolve != "none")
        in_place = not unsent and (not story.ended or not self._ends_aloud(story, options, turn))
        reason = Reason.UPDATED if in_place else Reason.TOLD
        if is_first and notice.group.scope is Scope.MUTE:
            reason = Reason.DIGEST
        if not is_told:
            reason = Reason.UNTOLD_END if options.on_resolve == "none" else Reason.NEVER_TOLD
        for member in story.ended:
            turn.decide(member, reason, _detail(member, story), notice.key)
        if is_told and (story.ended or notice.group.scope is Scope.SOURCE):
            self._put(notice, notification.ended(story, turn.view), turn, in_place=in_place, is_over=True)
        elif is_told:
            self._supersede(notice, "Its alerts moved on", turn)
        notice.spoke_at = turn.now

    def _tell_closed(self, notice: Notice, story: Story, turn: Turn) -> None:
        """The configuration has nothing of this any more; who was told is told the end."""
        standing = turn.view.standing(notice.key)
        before = standing.shown or standing.queued or standing.claimed
        if not isinstance(before, ShownPush | Push | PushUpdate):
            return
        is_watched = all(member.rule in self._rules and turn.fires(member) for member in story.firing)
        closed = notification.closed(story, turn.view, is_watched=is_watched)
        content = replace(closed, channels=before.content.channels, tags=before.content.tags)
        make = notification.push if never_accepted(standing) else notification.update
        turn.telling.messages.append(make(notice.key, content, turn.view))

    def _remind(self, notice: Notice, story: Story, turn: Turn) -> None:
        """Tell once more of what still fires, unless all of it is hushed, or the last word has not gone out yet."""
        hushed = [suppression.held(self._hushes[member.rule], member, turn.quiet) for member in story.firing]
        kept_back = [each for each in hushed if each is not None]
        if len(kept_back) == len(hushed):
            if notice.group not in self._reminders_held:
                detail = f"{told_of(kept_back[0], turn.view)} (a reminder)"
                turn.decide(story.firing[0], kept_back[0].reason, detail, notice.key)
            ends = min(each.until or turn.now + REMINDER_LOOKS_AGAIN for each in kept_back)
            self._reminders_held[notice.group] = max(ends, turn.now + 1)
            return
        self._reminders_held.pop(notice.group, None)
        notice.repeats += 1
        if never_accepted(turn.view.standing(notice.key)):
            reason = Reason.UNSENT
            notice.told_at = turn.now
        else:
            reason = Reason.REPEATED
            self._turn_page(notice, "It was told again", turn)
            self._put_aloud(notice, story, turn, reminder=notice.repeats)
        for member in (member for member, kept in zip(story.firing, hushed, strict=True) if kept is None):
            turn.decide(member, reason, f"reminder {notice.repeats}", notice.key)

    def _turn_page(self, notice: Notice, what: str, turn: Turn) -> None:
        """Begin the next notification of a notice; the one before says that it is the past. One that has not gone out
        is not followed by another: the new text takes its place.
        """
        standing = turn.view.standing(notice.key)
        if notice.chapter and never_accepted(standing) and standing.queued is not None:
            return
        if notice.chapter and not never_accepted(standing) and self._options(notice.group).on_resolve == "replace":
            self._supersede(notice, what, turn)
        notice.chapter += 1

    def _supersede(self, notice: Notice, what: str, turn: Turn) -> None:
        shown = turn.view.standing(notice.key).push
        content = notification.superseded(notice, shown.content if shown is not None else None, what, turn.view)
        self._put(notice, content, turn, in_place=True, is_over=True, only_in_place=True)

    def _put_aloud(self, notice: Notice, story: Story, turn: Turn, reminder: int = 0) -> None:
        is_urgent = story.firing[0].severity is Severity.CRITICAL
        self._put(notice, self._firing(story, turn, reminder), turn, in_place=False, is_urgent=is_urgent)
        notice.told_at = notice.spoke_at = turn.now

    def _firing(self, story: Story, turn: Turn, reminder: int = 0) -> PushContent:
        return notification.firing(story, self._rules, self._options(story.group), turn.view, reminder)

    def _put(
        self,
        notice: Notice,
        content: PushContent,
        turn: Turn,
        *,
        in_place: bool,
        only_in_place: bool = False,
        is_over: bool = False,
        is_urgent: bool = False,
    ) -> None:
        options = self._options(notice.group)
        whole = options.addressed(content, self._channels)
        is_open, key, view = not is_over and options.on_resolve != "none", notice.key, turn.view
        message: EdgeMessage = (
            notification.update(key, whole, view, is_open=is_open, only_in_place=only_in_place)
            if in_place
            else notification.push(key, whole, view, is_urgent=is_urgent, is_open=is_open)
        )
        turn.telling.messages.append(message)

    def _ends_aloud(self, story: Story, options: PushOptions, turn: Turn) -> bool:
        """Whether an end is a push of its own: asked for, and nothing hushes it."""
        if options.on_resolve != "push":
            return False
        return not any(suppression.held(self._hushes[member.rule], member, turn.quiet) for member in story.ended)


def _detail(member: Member, story: Story) -> str:
    """What else is told with an alert, and whether it is over already."""
    count = len(story.firing) + len(story.ended)
    parts = ["it came and went"] if member.ended is not None and member.told is None else []
    return ", ".join([*parts, *([f"with {count - 1} more"] if count > 1 else [])])

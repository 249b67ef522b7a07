"""The dispatcher: gathers alerts into notices, holds back what is hushed, and says when and why each one speaks. Pure.

Every alert that fires is told by exactly one notice. What a notice has told of each alert is compared with how the
alert is now, whenever it moves, its hush ends, or its notice may speak again: the difference is what there is to say.
So nothing is queued while it is hushed, nothing is lost, and nothing is said twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from smithd.alerts import hush
from smithd.alerts.agenda import Agenda, Hushed, Speak
from smithd.alerts.decision import Decision, Reason
from smithd.alerts.hush import Held, Hush, Quiet
from smithd.alerts.notice import AlertId, Group, Member, Notice, Notices, Scope, ended, fell, member_of, rank, told
from smithd.alerts.rule import Rule, Severity
from smithd.alerts.state import VISIBLE, Alert, Change, Transition
from smithd.outbox.message import ONLY_IN_PLACE, Message
from smithd.surfaces import notification
from smithd.surfaces.push import GROUP_INTERVAL, GROUP_WAIT, PushOptions, RepeatOptions
from smithd.surfaces.view import View

REMINDER_LOOKS_AGAIN = 60.0
"""Seconds after which a reminder that another rule holds back looks again."""


@dataclass(slots=True)
class Telling:
    """What came of a turn: messages for the outbox, decisions for the journal, and the notices that changed."""

    messages: list[Message] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    changed: dict[Group, None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.messages or self.decisions or self.changed)


class _Turn:
    """One turn of the dispatcher: what it sees, and what it has decided of each alert so far."""

    def __init__(self, view: View, quiet: Quiet) -> None:
        self.view = view
        self.quiet = quiet
        self.now = view.now
        self.telling = Telling()
        self.touched: dict[Group, None] = {}
        self.placed: set[AlertId] = set()
        self.reasons: dict[AlertId, tuple[Member | Alert, Reason, str, str]] = {}

    def alert(self, id_: AlertId) -> Alert | None:
        """The alert, if it fires."""
        rule, labels = id_
        alert = self.quiet.alerts.get(rule, {}).get(labels)
        return alert if alert is not None and alert.severity is not None else None

    def touch(self, notice: Notice) -> None:
        self.touched[notice.group] = None
        self.telling.changed[notice.group] = None

    def decide(self, what: Member | Alert, reason: Reason, detail: str = "", notice: str = "") -> None:
        self.reasons[what.rule, what.series.labels] = (what, reason, detail, notice)


class Dispatcher:
    """Knows the open notices, and what holds back the alerts that are untold. ``channels``: the account's."""

    def __init__(
        self,
        rules: Mapping[str, Rule],
        pushes: Mapping[str, PushOptions],
        hushes: Mapping[str, Hush],
        channels: Sequence[str] | None,
    ) -> None:
        self.notices = Notices()
        self._rules = rules
        self._pushes = pushes
        self._hushes = hushes
        self._channels = channels
        self._dependents: dict[str, list[str]] = defaultdict(list)
        for name, each in hushes.items():
            for other in {*each.unless_firing, *each.depends_on}:
                self._dependents[other].append(name)
        self._held: dict[str, dict[AlertId, Held]] = defaultdict(dict)
        self._reminders_held: dict[Group, float] = {}
        self._planned: dict[Group, float] = {}
        self._agenda = Agenda()

    def next_at(self) -> float | None:
        """When something may be told that cannot be told now; None where only a poll can change that."""
        return self._agenda.next_at()

    def held(self, id_: AlertId) -> Held | None:
        """What holds an alert's telling back, as far as it has something to tell."""
        return self._held.get(id_[0], {}).get(id_)

    def resume(self, notices: Notices, view: View, quiet: Quiet) -> Telling:
        """Take up the notices of the last run. What the configuration no longer has is closed; what was held back waits
        for the first word of its source: it may have ended meanwhile.
        """
        self.notices = notices
        turn = _Turn(view, quiet)
        for notice in notices:
            self._close(notice, turn)
        for notice in notices:
            late = [view.latest.heard_by(member.series.metric) for member in notice.firing if member.told is None]
            if notice.group.scope is Scope.MUTE and late:
                notice.not_before = max(notice.not_before, *late)
            self._plan(notice, turn)
        for alerts in quiet.alerts.values():
            for alert in alerts.values():
                if alert.severity is not None and alert.rule in self._pushes and self._was_held(alert):
                    self._hold(alert, Held(Reason.UNCONFIRMED, "", view.latest.heard_by(alert.series.metric)))
        return self._done(turn, ())

    def _was_held(self, alert: Alert) -> bool:
        """Whether the last run held an alert's news back: what waits in a notice was to be told."""
        notice = self.notices.of((alert.rule, alert.series.labels))
        if notice is None:
            return True
        was_told = notice.members[alert.rule, alert.series.labels].told is not None
        return was_told and self._is_untold(alert, notice)

    def replan(self, now: float) -> None:
        """The clock was set: everything is looked at again."""
        self._agenda = Agenda()
        self._planned.clear()
        self._reminders_held.clear()
        for notice in self.notices:
            notice.shift(now)
            self._agenda.add(now, Speak(notice.group))
            for member in notice.firing:
                if notice.group.scope is Scope.MUTE and member.told is None:
                    self._agenda.add(now, Hushed(member.rule, member.series.labels))
        self.look_again(now)

    def look_again(self, now: float) -> None:
        """What is quiet has changed: whatever is held back is looked at again."""
        for alerts in self._held.values():
            for rule, labels in alerts:
                self._agenda.add(now, Hushed(rule, labels))

    def tell(self, transitions: Sequence[Transition], view: View, quiet: Quiet) -> Telling:
        """What there is to tell after these transitions, and of what was waiting for this moment."""
        turn = _Turn(view, quiet)
        for transition in transitions:
            self._take(transition, turn)
        for item in self._agenda.take(turn.now):
            match item:
                case Speak(group):
                    self._planned.pop(group, None)
                    turn.touched[group] = None
                case Hushed(rule, labels):
                    self._place_again((rule, labels), turn)
        for rule in {dependent for each in transitions for dependent in self._dependents.get(each.alert.rule, ())}:
            for id_ in [id_ for id_, held in self._held[rule].items() if held.until is None]:
                self._place_again(id_, turn)
        while turn.touched:
            group = next(iter(turn.touched))
            del turn.touched[group]
            self._attend(group, turn)
        return self._done(turn, transitions)

    # An alert finds its notice.

    def _take(self, transition: Transition, turn: _Turn) -> None:
        alert = transition.alert
        if transition.change not in VISIBLE and _cause(transition.before) == _cause(transition.after):
            turn.decide(alert, Reason.STEP)
        elif alert.rule not in self._pushes:
            turn.decide(alert, Reason.NO_PUSH)
        elif transition.change is Change.RESOLVED:
            self._end(alert, transition, turn)
        elif transition.after is not None and transition.after.severity is not None:
            self._place(transition.after, turn)

    def _end(self, alert: Alert, transition: Transition, turn: _Turn) -> None:
        id_ = (alert.rule, alert.series.labels)
        kept_back = self._held[alert.rule].pop(id_, None)
        notice = self.notices.of(id_)
        if notice is None:
            turn.decide(alert, Reason.NEVER_TOLD, _told_of(kept_back, turn.view) if kept_back else "")
            return
        notice.members[id_] = ended(notice.members[id_], transition.value, transition.at)
        turn.decide(alert, Reason.GROUPED, "", notice.key)
        turn.touch(notice)

    def _place_again(self, id_: AlertId, turn: _Turn) -> None:
        alert = turn.alert(id_)
        if alert is not None and id_ not in turn.placed:
            self._place(alert, turn)

    def _place(self, alert: Alert, turn: _Turn) -> None:
        """Find the notice that tells of an alert that fires, or what holds it back."""
        assert alert.severity is not None
        id_ = (alert.rule, alert.series.labels)
        turn.placed.add(id_)
        notice = self.notices.of(id_)
        if not self._is_untold(alert, notice):
            assert notice is not None
            self._held[alert.rule].pop(id_, None)
            self._follow(alert, notice, turn)
            return
        if alert.severity not in self._pushes[alert.rule].on:
            self._pass_over(alert, notice, turn)
            return
        kept_back = hush.held(self._hushes[alert.rule], alert, turn.quiet)
        group = self._group(alert, kept_back, notice, turn.now)
        if group is None:
            assert kept_back is not None
            self._keep_back(alert, kept_back, notice, turn)
            return
        self._held[alert.rule].pop(id_, None)
        member = member_of(alert, notice.members[id_] if notice is not None and notice.group == group else None)
        if notice is not None and notice.group != group:
            self._leave(id_, notice, turn)
        notice = self.notices.put(group, member, turn.now)
        if kept_back is not None and kept_back.until is not None:
            notice.not_before = kept_back.until
            turn.decide(alert, kept_back.reason, f"{_told_of(kept_back, turn.view)}, then in its digest", notice.key)
        else:
            turn.decide(alert, Reason.GROUPED, "", notice.key)
        turn.touch(notice)

    def _is_untold(self, alert: Alert, notice: Notice | None) -> bool:
        """Whether an alert that fires is news: told as less than it is, as something else, or not at all."""
        if notice is None:
            return True
        member = notice.members[alert.rule, alert.series.labels]
        moved = notice.group.scope is Scope.SOURCE and _cause(alert) != notice.group.name
        return moved or member.told is None or rank(alert.severity) > rank(member.told)

    def _follow(self, alert: Alert, notice: Notice, turn: _Turn) -> None:
        """An alert that was told as it is, or as worse: nobody is told of a fall."""
        member = notice.members[alert.rule, alert.series.labels]
        if member.severity is not alert.severity or member.ended is not None:
            assert alert.severity is not None
            came_back = member.ended is not None
            notice.members[member.id] = fell(member_of(alert, member), alert.severity)
            turn.decide(alert, Reason.BACK if came_back else Reason.FALL, "", notice.key)
            turn.touch(notice)

    def _pass_over(self, alert: Alert, notice: Notice | None, turn: _Turn) -> None:
        """A severity that nobody asked for."""
        id_ = (alert.rule, alert.series.labels)
        turn.decide(alert, Reason.SEVERITY, f"on: {', '.join(self._pushes[alert.rule].on)}")
        if notice is None:
            return
        if notice.members[id_].told is None:
            self._leave(id_, notice, turn)
        else:
            assert alert.severity is not None
            notice.members[id_] = fell(member_of(alert, notice.members[id_]), alert.severity)
            turn.touch(notice)

    def _keep_back(self, alert: Alert, kept_back: Held, notice: Notice | None, turn: _Turn) -> None:
        id_ = (alert.rule, alert.series.labels)
        if self.held(id_) != kept_back:
            turn.decide(alert, kept_back.reason, _told_of(kept_back, turn.view))
        self._hold(alert, kept_back)
        if notice is None:
            return
        if notice.members[id_].told is None:
            self._leave(id_, notice, turn)
        else:
            notice.members[id_] = member_of(alert, notice.members[id_])
            turn.touch(notice)

    def _hold(self, alert: Alert, kept_back: Held) -> None:
        self._held[alert.rule][alert.rule, alert.series.labels] = kept_back
        if kept_back.until is not None:
            self._agenda.add(kept_back.until, Hushed(alert.rule, alert.series.labels))

    def _group(self, alert: Alert, kept_back: Held | None, notice: Notice | None, now: float) -> Group | None:
        """What an alert with news is told with; None where it is held back."""
        options = self._pushes[alert.rule]
        channels = tuple(options.channels or ())
        current = notice.group if notice is not None else None
        if kept_back is not None:
            return Group(Scope.MUTE, kept_back.digest, (), channels) if kept_back.digest is not None else None
        if notice is not None and notice.group.scope is Scope.MUTE and notice.not_before <= now:
            member = notice.members[alert.rule, alert.series.labels]
            if member.told is None:
                return notice.group
        if source := _cause(alert):
            return Group(Scope.SOURCE, source, (), channels)
        if current is not None and current.scope in (Scope.RULE, Scope.REST):
            return current
        return self._own_group(alert, options)

    def _own_group(self, alert: Alert, options: PushOptions) -> Group:
        if options.group_by is not None:
            labels = tuple(label for label in alert.series.labels if label[0] in options.group_by)
            return Group(Scope.RULE, alert.rule, labels)
        if self.notices.alone(alert.rule) >= options.max_series:
            return Group(Scope.REST, alert.rule)
        return Group(Scope.RULE, alert.rule, alert.series.labels)

    def _leave(self, id_: AlertId, notice: Notice, turn: _Turn) -> None:
        """An alert leaves its notice: another tells of it from now on."""
        notice.is_stale = notice.is_stale or notice.members[id_].told is not None
        self.notices.drop(id_)
        if not notice.members and not notice.is_stale:
            self.notices.remove(notice)
        turn.touch(notice)

    # A notice speaks.

    def _attend(self, group: Group, turn: _Turn) -> None:
        """Have a notice speak if it may, and plan when it will look again."""
        notice = self.notices.get(group)
        if notice is None:
            return
        if self._due(notice, turn.now) <= turn.now:
            for member in self._news(notice):
                self._place_again(member.id, turn)
            notice = self.notices.get(group)
            if notice is not None and self._due(notice, turn.now) <= turn.now:
                self._speak(notice, turn)
        if self.notices.get(group) is not None and notice is not None:
            self._plan(notice, turn)

    def _plan(self, notice: Notice, turn: _Turn) -> None:
        due = self._due(notice, turn.now)
        if due < min(self._planned.get(notice.group, float("inf")), float("inf")):
            self._planned[notice.group] = due
            self._agenda.add(due, Speak(notice.group))

    def _news(self, notice: Notice) -> list[Member]:
        return [member for member in notice.members.values() if member.is_news and self.held(member.id) is None]

    def _options(self, group: Group) -> PushOptions:
        if group.scope in (Scope.RULE, Scope.REST):
            return self._pushes[group.name]
        return PushOptions(channels=list(group.channels) or None)

    def _repeat(self, notice: Notice) -> RepeatOptions | None:
        """How one is reminded: as the first rule asks of those that fire."""
        given = (self._pushes[member.rule].repeat for member in notice.firing)
        return next((repeat for repeat in given if repeat is not None), None)

    def _pace(self, group: Group) -> tuple[float, float]:
        match group.scope:
            case Scope.REST:
                return GROUP_WAIT, GROUP_INTERVAL
            case Scope.SOURCE | Scope.MUTE:
                return 0.0, GROUP_INTERVAL
        return self._options(group).pace

    def _due(self, notice: Notice, now: float) -> float:
        """When a notice speaks next, as things are; infinite where it has nothing to say."""
        wait, interval = self._pace(notice.group)
        news = self._news(notice)
        times = []
        missed = any(member.told is None for member in notice.ended)
        if news or missed:
            times.append(self._loud_at(notice, news, wait, interval, now))
        if notice.is_stale or any(member.told is not None for member in notice.ended):
            times.append(notice.spoke_at + interval if notice.firing else now)
        if (repeat := self._repeat(notice)) is not None and notice.chapter:
            due = notice.told_at + repeat.wait(notice.repeats)
            times.append(max(due, self._reminders_held.get(notice.group, due)))
        return min(times, default=float("inf"))

    def _loud_at(self, notice: Notice, news: Sequence[Member], wait: float, interval: float, now: float) -> float:
        if notice.group.scope is Scope.MUTE:
            return notice.not_before
        if not notice.chapter:
            return notice.opened + wait if notice.opened <= now else now
        if any(rank(member.severity) > notice.loudest for member in news):
            return now
        return notice.spoke_at + interval

    def _speak(self, notice: Notice, turn: _Turn) -> None:
        """Say what there is to say, and remember that it was said."""
        waits = notice.group.scope is Scope.MUTE and turn.now < notice.not_before
        news = [] if waits else self._news(notice)
        over = [member for member in notice.ended if member.told is not None or not waits]
        fires = [member for member in notice.firing if member.told is not None or member in news]
        tale = notification.story(notice, fires, over)
        # That a source is silent is told once: one more rule that it takes along is no news, unless it is a worse one.
        joins = notice.group.scope is Scope.SOURCE and notice.chapter > 0
        if not fires:
            self._tell_end(notice, tale, turn)
        elif any(not joins or rank(member.severity) > notice.loudest for member in news):
            self._tell_news(notice, tale, news, turn)
        elif news or over or notice.is_stale:
            self._tell_update(notice, tale, news, turn)
        else:
            self._remind(notice, tale, turn)
        notice.is_stale = False
        for member in news:
            notice.members[member.id] = told(member)
        for member in over:
            self.notices.drop(member.id)
        turn.telling.changed[notice.group] = None
        if not notice.members:
            self.notices.remove(notice)

    def _tell_news(self, notice: Notice, tale: notification.Story, news: Sequence[Member], turn: _Turn) -> None:
        risen = notice.chapter > 0 and all(member.told is not None for member in news)
        what = f"It became {tale.firing[0].severity}" if risen else "It was told with more"
        self._turn_page(notice, what, turn)
        options = self._options(notice.group)
        content = notification.firing(tale, self._rules, options, turn.view)
        self._put(notice, content, turn, is_loud=True, severity=tale.firing[0].severity)
        notice.told_at = notice.spoke_at = turn.now
        notice.repeats = 0
        reason = Reason.DIGEST if notice.group.scope is Scope.MUTE else Reason.TOLD
        for member in (*news, *tale.ended):
            turn.decide(member, reason, _together(tale), notice.key)

    def _tell_update(self, notice: Notice, tale: notification.Story, news: Sequence[Member], turn: _Turn) -> None:
        options = self._options(notice.group)
        standing = turn.view.standing(notice.key)
        unsent = notification.never_accepted(standing)
        reason = Reason.UPDATED if options.on_resolve != "none" else Reason.UNTOLD_END
        for member in (*news, *tale.ended):
            turn.decide(member, reason, _together(tale), notice.key)
        notice.spoke_at = turn.now
        if (unsent and standing.queued is None) or (options.on_resolve == "none" and not unsent):
            return
        content = notification.firing(tale, self._rules, options, turn.view)
        in_place = not unsent and not self._is_told_aloud(tale, options, turn)
        level = content if unsent else content | {"interruption_level": "passive"}
        self._put(notice, level | {"in_place": in_place}, turn, is_loud=unsent, severity=tale.firing[0].severity)

    def _tell_end(self, notice: Notice, tale: notification.Story, turn: _Turn) -> None:
        options = self._options(notice.group)
        standing = turn.view.standing(notice.key)
        unsent = notification.never_accepted(standing)
        first = notice.chapter == 0
        if first:
            notice.chapter = 1
        is_told = first or (unsent and standing.queued is not None)
        is_told = is_told or (options.on_resolve != "none" and not unsent)
        in_place = not unsent and not self._is_told_aloud(tale, options, turn)
        reason = Reason.UPDATED if is_told else Reason.UNTOLD_END if options.on_resolve == "none" else Reason.NEVER_TOLD
        if is_told and not in_place:
            reason = Reason.DIGEST if notice.group.scope is Scope.MUTE and first else Reason.TOLD
        for member in tale.ended:
            turn.decide(member, reason, _together(tale), notice.key)
        notice.spoke_at = turn.now
        if not is_told:
            return
        if tale.ended:
            content = notification.ended(tale, turn.view)
        else:
            shown = standing.shown or standing.queued
            content = notification.superseded(
                notice, (shown and shown.content) or {}, "It is told elsewhere", turn.view
            )
            in_place = True
        self._put(notice, content | {"in_place": in_place}, turn, is_over=True)

    def _remind(self, notice: Notice, tale: notification.Story, turn: _Turn) -> None:
        """Tell once more of what still fires, unless all of it is hushed, or the last word has not gone out yet."""
        hushed = [hush.held(self._hushes[member.rule], member, turn.quiet) for member in tale.firing]
        if all(hushed):
            until = min(each.until or turn.now + REMINDER_LOOKS_AGAIN for each in hushed if each is not None)
            if notice.group not in self._reminders_held and hushed[0] is not None:
                turn.decide(
                    tale.firing[0], hushed[0].reason, f"{_told_of(hushed[0], turn.view)} (a reminder)", notice.key
                )
            self._reminders_held[notice.group] = max(until, turn.now + 1)
            return
        self._reminders_held.pop(notice.group, None)
        if notification.never_accepted(turn.view.standing(notice.key)):
            reason, detail = Reason.UNSENT, ""
        else:
            self._turn_page(notice, "It was told again", turn)
            content = notification.firing(tale, self._rules, self._options(notice.group), turn.view, notice.repeats + 1)
            self._put(notice, content, turn, is_loud=True, severity=tale.firing[0].severity)
            reason, detail = Reason.REPEATED, f"reminder {notice.repeats + 1}"
        for member in tale.firing:
            turn.decide(member, reason, detail, notice.key)
        notice.told_at = notice.spoke_at = turn.now
        notice.repeats += 1

    def _turn_page(self, notice: Notice, what: str, turn: _Turn) -> None:
        """Begin the next notification of a notice; the one before says that it is the past."""
        standing = turn.view.standing(notice.key)
        on_phone = notice.chapter > 0 and not notification.never_accepted(standing)
        if notice.chapter and not on_phone and standing.queued is not None:
            return  # it has not gone out: the new text takes its place
        if on_phone and self._options(notice.group).on_resolve == "replace":
            shown = standing.shown.content if standing.shown is not None else None
            content = notification.superseded(notice, shown or {}, what, turn.view)
            self._put(notice, content | {"in_place": ONLY_IN_PLACE}, turn, is_over=True)
        notice.chapter += 1

    def _put(
        self,
        notice: Notice,
        content: notification.Content,
        turn: _Turn,
        *,
        is_loud: bool = False,
        is_over: bool = False,
        severity: Severity | None = None,
    ) -> None:
        options = self._options(notice.group)
        message = notification.message(
            notice.key,
            {"in_place": False} | content | options.envelope(self._channels),
            turn.view,
            urgent=is_loud and severity is Severity.CRITICAL,
            is_open=not is_over and options.on_resolve != "none",
        )
        turn.telling.messages.append(message)

    def _is_told_aloud(self, tale: notification.Story, options: PushOptions, turn: _Turn) -> bool:
        """Whether an end is a push of its own: asked for, and not in a quiet hour."""
        if options.on_resolve != "push":
            return False
        return not any(hush.held(self._hushes[member.rule], member, turn.quiet) for member in tale.ended)

    # The rest.

    def _close(self, notice: Notice, turn: _Turn) -> None:
        """Let go of the alerts that have no rule any more, or whose rule tells nobody."""
        gone = [
            member
            for member in notice.members.values()
            if member.rule not in self._pushes or (member.ended is None and turn.alert(member.id) is None)
        ]
        if not gone:
            return
        standing = turn.view.standing(notice.key)
        said = standing.shown or standing.queued
        if len(gone) == len(notice.members) and notice.chapter and said is not None:
            tale = notification.story(notice, [each for each in gone if each.ended is None], [])
            kept = {name: (said.content or {})[name] for name in ("channels", "tags") if name in (said.content or {})}
            content = kept | notification.closed(replace(tale, ended=notice.ended), turn.view)
            content["in_place"] = not notification.never_accepted(standing)
            turn.telling.messages.append(notification.message(notice.key, content, turn.view))
        for member in gone:
            turn.decide(member, Reason.CLOSED, "", notice.key)
            self.notices.drop(member.id)
        notice.is_stale = True
        turn.telling.changed[notice.group] = None
        if not notice.members:
            self.notices.remove(notice)

    def _done(self, turn: _Turn, transitions: Iterable[Transition]) -> Telling:
        """Word the decisions: one for each transition, and one for each alert whose telling moved on by itself."""
        for transition in transitions:
            alert = transition.alert
            id_ = (alert.rule, alert.series.labels)
            _, reason, detail, notice = turn.reasons.get(id_, (alert, Reason.STEP, "", ""))
            if transition.change not in VISIBLE:
                reason, detail, notice = (Reason.STEP, "", "")
            severity = (transition.after or alert).severity or ""
            turn.telling.decisions.append(
                Decision(
                    transition.at,
                    alert.rule,
                    alert.series,
                    transition.change,
                    severity,
                    transition.value,
                    transition.why,
                    reason,
                    detail,
                    notice,
                )
            )
        moved = {(each.alert.rule, each.alert.series.labels) for each in transitions}
        for id_, (what, reason, detail, notice) in turn.reasons.items():
            if id_ not in moved:
                severity = what.severity or ""
                turn.telling.decisions.append(
                    Decision(turn.now, what.rule, what.series, "", severity, what.value, "", reason, detail, notice)
                )
        return turn.telling


def _cause(alert: Alert | None) -> str:
    """The name of the source that an alert is about; empty where it is about a value, or a series."""
    kind, _, name = (alert.cause if alert is not None else "").partition(":")
    return name if kind == "source" else ""


def _told_of(kept_back: Held, view: View) -> str:
    """What holds an alert back, and until when."""
    until = f" until {view.clock(kept_back.until)}" if kept_back.until is not None else ""
    return f"{hush.words(kept_back)}{until}".strip()


def _together(tale: notification.Story) -> str:
    count = len(tale.firing) + len(tale.ended)
    return f"with {count - 1} more" if count > 1 else ""

"""Where an alert is told: in which notice, or, while it is hushed, in none. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from smithd.alerts.alert import VISIBLE, Alert, Change, Transition
from smithd.alerts.reason import Evidence
from smithd.alerts.rule import Rule
from smithd.alerts.severity import rank
from smithd.notify import suppression
from smithd.notify.decision import Reason
from smithd.notify.group import (
    AlertId,
    Group,
    Member,
    Notice,
    Notices,
    Scope,
    ended,
    fell,
    id_of,
    member_of,
    source_of,
)
from smithd.notify.options import PushOptions
from smithd.notify.suppression import Held, Hush, Quiet
from smithd.notify.turn import Hushed, NotifyTimer, Turn
from smithd.surfaces.view import View
from smithd.timers import TimerQueue


class Placement:
    """Puts alerts that have news into notices, and keeps back those that are hushed. ``agenda`` is asked to call when
    a hush ends by itself.
    """

    def __init__(
        self,
        notices: Notices,
        rules: Mapping[str, Rule],
        pushes: Mapping[str, PushOptions],
        hushes: Mapping[str, Hush],
        timers: TimerQueue[NotifyTimer],
    ) -> None:
        self._notices = notices
        self._rules = rules
        self._pushes = pushes
        self._hushes = hushes
        self._timers = timers
        self._held: dict[str, dict[AlertId, Held]] = defaultdict(dict)

    def held(self, id_: AlertId) -> Held | None:
        """What holds an alert's telling back, as far as it has something to tell."""
        return self._held.get(id_[0], {}).get(id_)

    def held_of(self, rule: str, quiet: Quiet) -> Mapping[AlertId, Held]:
        """What holds back the alerts of a rule; what is not confirmed yet may be hushed as well."""
        found = dict(self._held.get(rule, {}))
        for id_, kept_back in found.items():
            alert = quiet.alerts.get(rule, {}).get(id_.labels)
            if kept_back.reason is Reason.UNCONFIRMED and alert is not None:
                found[id_] = suppression.held(self._hushes[rule], alert, quiet) or kept_back
        return found

    def look_again(self, now: float) -> None:
        """What is quiet has changed, or the clock was set: whatever waits is looked at again."""
        for alerts in self._held.values():
            for id_ in alerts:
                self._timers.add(now, Hushed(id_))
        for notice in self._notices:
            for member in notice.firing:
                if notice.group.scope is Scope.MUTE and member.told is None:
                    self._timers.add(now, Hushed(member.id))

    def resume(self, alert: Alert, view: View) -> None:
        """Keep back what the last run kept back, until the first word of its source: it may have ended meanwhile."""
        notice = self._notices.of(id_of(alert))
        waits = notice is not None and notice.members[id_of(alert)].told is None
        if alert.rule in self._pushes and not waits and self._is_untold(alert, notice):
            known = view.series.get(*alert.series) is not None
            until = view.now if known else view.series.first_answer_by(alert.series.metric)
            self._hold(alert, Held(Reason.UNCONFIRMED, "", until))

    def lift(self, rule: str, turn: Turn) -> None:
        """Another rule moved that may hold this one's alerts back: look at them again."""
        for id_ in [id_ for id_, held in self._held[rule].items() if held.until is None]:
            self.again(id_, turn)

    def take(self, transition: Transition, turn: Turn) -> None:
        """An alert moved."""
        before, after, alert = transition.before, transition.after, transition.alert
        turned = source_of(before) != source_of(after)
        if transition.change not in VISIBLE and not turned:
            turn.decide(alert, Reason.STEP)
            if before is not None and after is not None and before.cause != after.cause:
                self._correct(after, transition.evidence, turn)
            return
        if alert.rule not in self._pushes:
            turn.decide(alert, Reason.NO_PUSH)
            return
        if before is not None and source_of(before) and turned:
            self._end(before, id_of(before), transition, turn)
        if transition.change is Change.RESOLVED and before is not None:
            self._end(before, AlertId(before.rule, before.labels), transition, turn)
        elif after is not None and after.severity is not None:
            self._place(after, turn, transition.evidence)

    def _correct(self, alert: Alert, evidence: Evidence, turn: Turn) -> None:
        """An alert is as bad as before, for another reason: what was told of it is not true any more."""
        notice = self._notices.of(id_of(alert))
        if alert.severity is not None and notice is not None:
            before = notice.members[id_of(alert)]
            self._notices.put(notice.group, member_of(alert, before, evidence), turn.now)
            notice.is_stale = notice.is_stale or before.told is not None
            turn.touch(notice)

    def _end(self, alert: Alert, id_: AlertId, transition: Transition, turn: Turn) -> None:
        kept_back = self._held[alert.rule].pop(id_, None)
        notice = self._notices.of(id_)
        if notice is not None:
            member = ended(notice.members[id_], transition)
            self._notices.put(notice.group, member, turn.now)
            turn.decide(member, Reason.GROUPED, "", notice.key)
            turn.touch(notice)
        elif kept_back is not None or id_ == id_of(alert):
            turn.decide(alert, Reason.NEVER_TOLD, told_of(kept_back, turn.view) if kept_back else "")

    def again(self, id_: AlertId, turn: Turn) -> None:
        """Look at an alert again that has not moved."""
        alert = turn.alert(id_)
        if alert is not None and id_ not in turn.placed:
            self._place(alert, turn)

    def _place(self, alert: Alert, turn: Turn, evidence: Evidence | None = None) -> None:
        """Find the notice that tells of an alert that fires, or what holds it back."""
        assert alert.severity is not None
        id_ = id_of(alert)
        turn.placed.add(id_)
        notice = self._notices.of(id_)
        if not self._is_untold(alert, notice):
            assert notice is not None
            self._held[alert.rule].pop(id_, None)
            self._follow(alert, notice, turn, moved=evidence is not None)
            return
        if alert.severity not in self._pushes[alert.rule].on:
            self._pass_over(alert, notice, turn)
            return
        kept_back = suppression.held(self._hushes[alert.rule], alert, turn.quiet)
        group = self._group(alert, kept_back, notice, turn.now)
        if group is None:
            assert kept_back is not None
            self._keep_back(alert, kept_back, notice, turn, moved=evidence is not None)
            return
        self._held[alert.rule].pop(id_, None)
        before = notice.members[id_] if notice is not None and notice.group == group else None
        member = member_of(alert, before, evidence)
        if notice is not None and notice.group != group:
            self._leave(id_, notice, turn)
        notice = self._notices.put(group, member, turn.now)
        if kept_back is not None and kept_back.until is not None:
            notice.not_before = kept_back.until
            turn.decide(alert, kept_back.reason, f"{told_of(kept_back, turn.view)}, then in its digest", notice.key)
        else:
            turn.decide(alert, Reason.GROUPED, "", notice.key)
        turn.touch(notice)

    def _member(self, alert: Alert, before: Member) -> Member:
        return member_of(alert, before)

    def _is_untold(self, alert: Alert, notice: Notice | None) -> bool:
        """Whether an alert that fires is news: told as less than it is, or not at all."""
        if notice is None:
            return True
        member = notice.members[id_of(alert)]
        return member.told is None or rank(alert.severity) > rank(member.told)

    def _follow(self, alert: Alert, notice: Notice, turn: Turn, *, moved: bool) -> None:
        """An alert that was told as it is, or as worse: nobody is told of a fall."""
        member = notice.members[id_of(alert)]
        if moved or member.severity is not alert.severity or member.ended is not None:
            came_back = member.ended is not None
            self._notices.put(notice.group, fell(self._member(alert, member)), turn.now)
            turn.decide(alert, Reason.BACK if came_back else Reason.FALL, "", notice.key)
            turn.touch(notice)

    def _pass_over(self, alert: Alert, notice: Notice | None, turn: Turn) -> None:
        """A severity that nobody asked for."""
        id_ = id_of(alert)
        turn.decide(alert, Reason.SEVERITY, f"on: {', '.join(self._pushes[alert.rule].on)}")
        if notice is None:
            return
        if notice.members[id_].told is None:
            self._leave(id_, notice, turn)
        else:
            assert alert.severity is not None
            self._notices.put(notice.group, fell(self._member(alert, notice.members[id_])), turn.now)
            turn.touch(notice)

    def _keep_back(self, alert: Alert, kept_back: Held, notice: Notice | None, turn: Turn, *, moved: bool) -> None:
        id_ = id_of(alert)
        if moved or self.held(id_) != kept_back:
            turn.decide(alert, kept_back.reason, told_of(kept_back, turn.view))
        self._hold(alert, kept_back)
        if notice is None:
            return
        if notice.members[id_].told is None:
            self._leave(id_, notice, turn)
        else:
            self._notices.put(notice.group, self._member(alert, notice.members[id_]), turn.now)
            turn.touch(notice)

    def _hold(self, alert: Alert, kept_back: Held) -> None:
        self._held[alert.rule][id_of(alert)] = kept_back
        if kept_back.until is not None:
            self._timers.add(kept_back.until, Hushed(id_of(alert)))

    def _group(self, alert: Alert, kept_back: Held | None, notice: Notice | None, now: float) -> Group | None:
        """What an alert with news is told with; None where it is held back."""
        options = self._pushes[alert.rule]
        channels = tuple(options.channels or ())
        scope = notice.group.scope if notice is not None else None
        is_first = notice is None or notice.members[id_of(alert)].told is None
        if kept_back is not None:
            in_digest = kept_back.digest is not None and (is_first or scope is Scope.MUTE)
            return Group(Scope.MUTE, kept_back.digest or "", (), channels) if in_digest else None
        if notice is not None and scope is Scope.MUTE and is_first and notice.not_before <= now:
            return notice.group
        if source := source_of(alert):
            return Group(Scope.SOURCE, source, (), channels)
        if notice is not None and scope in (Scope.RULE, Scope.REST):
            return notice.group
        return self._own_group(alert, options)

    def _own_group(self, alert: Alert, options: PushOptions) -> Group:
        if options.group_by is not None:
            labels = tuple(label for label in alert.series.labels if label[0] in options.group_by)
            return Group(Scope.RULE, alert.rule, labels)
        if self._notices.alone(alert.rule) >= options.max_series:
            return Group(Scope.REST, alert.rule)
        return Group(Scope.RULE, alert.rule, alert.series.labels)

    def _leave(self, id_: AlertId, notice: Notice, turn: Turn) -> None:
        """An alert leaves its notice: another tells of it from now on."""
        notice.is_stale = notice.is_stale or notice.members[id_].told is not None
        self._notices.drop(id_)
        if not notice.members and not notice.is_stale:
            self._notices.remove(notice)
        turn.touch(notice)


def told_of(kept_back: Held, view: View) -> str:
    """What holds an alert back, and until when."""
    until = f" until {view.clock(kept_back.until)}" if kept_back.until is not None else ""
    return f"{suppression.words(kept_back)}{until}".strip()

"""One turn of the dispatcher: what it sees, and what it has decided so far. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from smithd.alerts.alert import VISIBLE, Alert, Transition
from smithd.keys import PushKey
from smithd.notify.decision import Decision, Reason
from smithd.notify.group import AlertId, Group, Member, Notice, id_of, source_of
from smithd.notify.suppression import Quiet
from smithd.outbox.message import EdgeMessage
from smithd.surfaces.view import View


class Hushed(NamedTuple):
    """An alert whose notification was suppressed until now."""

    alert: AlertId


class Speak(NamedTuple):
    """A notification group that may notify now."""

    group: Group


NotifyTimer = Hushed | Speak


@dataclass(slots=True)
class Telling:
    """What came of a turn: messages for the outbox, decisions for the journal, and the notices that changed."""

    messages: list[EdgeMessage] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    changed: dict[Group, None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.messages or self.decisions or self.changed)


class Turn:
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
        """The alert, if it fires and that is what it is about."""
        alert = self.quiet.alerts.get(id_.rule, {}).get(id_.labels)
        return alert if alert is not None and alert.severity is not None and id_of(alert) == id_ else None

    def fires(self, member: Member) -> bool:
        """Whether a member's alert fires, whatever it is about."""
        alert = self.quiet.alerts.get(member.rule, {}).get(member.series.labels)
        return alert is not None and alert.severity is not None

    def current(self, member: Member) -> Member:
        """A member that fires, with the value that its series has by now."""
        sample = self.view.series.get(*member.series)
        return replace(member, value=sample.value) if sample is not None and self.view.is_fresh(sample) else member

    def touch(self, notice: Notice) -> None:
        self.touched[notice.group] = None
        self.telling.changed[notice.group] = None

    def decide(self, what: Member | Alert, reason: Reason, detail: str = "", notice: PushKey | None = None) -> None:
        id_ = what.id if isinstance(what, Member) else id_of(what)
        self.reasons[id_] = (what, reason, detail, str(notice or ""))

    def close(self, transitions: Iterable[Transition]) -> Telling:
        """Word the decisions: one for each transition, and one for each alert whose telling moved on by itself."""
        moved: set[AlertId] = set()
        for transition in transitions:
            ids = {id_of(alert): None for alert in (transition.after, transition.before) if alert is not None}
            moved.update(ids)
            self.telling.decisions.append(self._of_transition(transition, ids))
        for id_, (what, reason, detail, notice) in self.reasons.items():
            if id_ not in moved:
                severity = what.severity or ""
                self.telling.decisions.append(
                    Decision(self.now, what.rule, what.series, "", severity, what.value, None, reason, detail, notice)
                )
        return self.telling

    def _of_transition(self, transition: Transition, ids: Iterable[AlertId]) -> Decision:
        """The decision about what the alert is about now, or was until now."""
        alert = transition.alert
        reasons = [self.reasons[id_] for id_ in ids if id_ in self.reasons]
        _, reason, detail, notice = next((each for each in reasons if each[1] is not Reason.STEP), reasons[0])
        if transition.change not in VISIBLE and source_of(transition.before) == source_of(transition.after):
            reason, detail, notice = Reason.STEP, "", ""
        return Decision(
            transition.at,
            alert.rule,
            alert.series,
            transition.change,
            (transition.after or alert).severity or "",
            transition.value,
            transition.evidence,
            reason,
            detail,
            notice,
        )

"""Whether an alert may be notified now, and if not, what suppresses it and until when. No I/O.

Rules are evaluated all the same while they are suppressed: only their notifications wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from pydantic import Field

from smithd.alerts.alert import Alert
from smithd.alerts.rule import Rule
from smithd.alerts.severity import Severity
from smithd.notify.mute import MuteOptions
from smithd.notify.reason import Reason
from smithd.notify.view import NotifyView
from smithd.plugin.options import Options
from smithd.plugin.sample import Labels, Series
from smithd.references import RuleRef


class Suppressible(Protocol):
    """An alert, or what its group knows of it."""

    @property
    def rule(self) -> str: ...
    @property
    def series(self) -> Series: ...
    @property
    def severity(self) -> Severity | None: ...


class SuppressionOptions(Options):
    """The keys of a rule that suppress its notifications."""

    mute: MuteOptions | None = Field(
        None, description="time windows in which the rule sends no notifications, like [nights]"
    )
    unless_firing: list[RuleRef] = Field(
        [], description="rules that suppress this one while they fire, on series that share their labels"
    )
    depends_on: list[RuleRef] = Field(
        [], description="rules that this one is a consequence of: it waits while one of them fires, or is about to"
    )


@dataclass(frozen=True, slots=True)
class Suppressors:
    """What may suppress a rule. ``depends_on`` has the rules that those depend on, too."""

    mute: MuteOptions | None = None
    unless_firing: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()


NO_SUPPRESSORS = Suppressors()


@dataclass(frozen=True, slots=True)
class Suppression:
    """That an alert is not notified now. ``by``: the time window, rule or silence; ``until``: when that ends (seconds
    since 1970; None: when that rule changes); ``digest``: the time window whose digest will notify it.
    """

    reason: Reason
    by: str
    until: float | None = None
    digest: str | None = None

    @property
    def text(self) -> str:
        """What suppresses it, for a person; the reason and the end apart."""
        return f"{self.by} fires" if self.reason is Reason.INHIBITED else self.by

    def describe(self, view: NotifyView) -> str:
        """What suppresses it, and until when."""
        until = f" until {view.clock(self.until)}" if self.until is not None else ""
        return f"{self.text}{until}".strip()


def suppression(
    suppressors: Suppressors, alert: Suppressible, rule: Rule, view: NotifyView, earlier: Suppression | None = None
) -> Suppression | None:
    """What suppresses an alert of ``rule`` now. ``earlier``: what did when it was last looked at, unless it changed.

    The branches stand in the order in which they are named to a person.
    """
    # What an earlier run left unnotified is confirmed first: it may be over.
    if earlier is not None and earlier.reason is Reason.UNCONFIRMED and view.now < (earlier.until or 0.0):
        return earlier

    # What was set by hand comes before what the configuration says.
    labels = {**rule.seen_labels(alert.series.labels), "rule": alert.rule, "severity": alert.severity or ""}
    matching = [silence for silence in view.silences if silence.matches(labels, view.now)]
    if matching:
        # The one that ends last is named: the alert is silenced until then.
        last = max(matching, key=lambda silence: silence.ends)
        name = f"silence {last.id} ({last.comment})" if last.comment else f"silence {last.id}"
        return Suppression(Reason.SILENCED, name, last.ends)

    # A fixed end comes before an unknown one.
    mute = suppressors.mute
    if mute is not None and alert.severity not in mute.except_:
        ends = [(view.windows[name], name) for name in mute.during if name in view.windows]
        if ends:
            until, name = max(ends)
            return Suppression(Reason.MUTED, name, until, digest=name if mute.digest else None)

    # Two alerts are compared by the labels of their series alone: what a rule is called by does not tell hosts apart.
    for name in suppressors.unless_firing:
        others = view.alerts.get(name, {}).values()
        if any(other.severity is not None and _shares_labels(other, alert) for other in others):
            return Suppression(Reason.INHIBITED, name)
    for name in suppressors.depends_on:
        others = view.alerts.get(name, {}).values()
        # A pending alert counts too: the cause may be noticed a little later than its consequence.
        if any((other.severity is not None or other.is_pending) and _shares_labels(other, alert) for other in others):
            return Suppression(Reason.DEPENDENT, name)
    return None


def unsuppressed(
    alerts: Mapping[Labels, Alert], rule: Rule, suppressors: Suppressors, view: NotifyView, before: NotifyView
) -> Mapping[Labels, Alert]:
    """Those of a rule's alerts that nothing suppresses now. ``before``: what there was to see when the last run ended:
    an alert that is unconfirmed since the start counts as it did then.
    """
    # Most rules have nothing that could suppress them, and a rule may have thousands of alerts.
    if suppressors == NO_SUPPRESSORS and not view.silences and not before.silences:
        return alerts
    counting = {}
    for labels, alert in alerts.items():
        seen = view if _is_confirmed(alert, view) else before
        if suppression(suppressors, alert, rule, seen) is None:
            counting[labels] = alert
    return counting


def _is_confirmed(alert: Alert, view: NotifyView) -> bool:
    """Whether it is known since the start that an alert fires."""
    has_begun_since = alert.fired_at is not None and alert.fired_at >= view.series.started
    return has_begun_since or view.confirmed_by(alert.series) <= view.now


def compile_suppressors(rules: Mapping[str, SuppressionOptions]) -> dict[str, Suppressors]:
    """What may suppress each rule."""
    compiled = {}
    for name, options in rules.items():
        # The rules that were found are kept, since rules may depend on each other by several ways.
        found: set[str] = set()
        open_ = list(options.depends_on)
        while open_:
            parent = open_.pop()
            if parent not in found:
                found.add(parent)
                open_ += rules[parent].depends_on
        compiled[name] = Suppressors(options.mute, tuple(options.unless_firing), tuple(sorted(found)))
    return compiled


def _shares_labels(one: Alert, other: Suppressible) -> bool:
    """Whether the labels that both alerts have are equal; where they share none, they are."""
    labels: dict[str, str] = dict(one.series.labels)
    return all(labels.get(name, value) == value for name, value in other.series.labels)

"""Whether an alert may be told now, and if not, why not and until when. Pure.

Rules are judged all the same while they are hushed: only the telling waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import Field

from smithd.alerts.alert import Alert
from smithd.alerts.severity import Severity
from smithd.notify.decision import Reason
from smithd.notify.silence import Silence
from smithd.notify.time_window import MuteOptions, Window
from smithd.plugin.options import Options
from smithd.plugin.sample import Labels, Series
from smithd.references import RuleRef

Alerts = Mapping[str, Mapping[Labels, Alert]]
"""The alerts that are not inactive, by rule and labels."""


class Told(Protocol):
    """What is told: an alert, or what a notice knows of it."""

    @property
    def rule(self) -> str: ...
    @property
    def series(self) -> Series: ...
    @property
    def severity(self) -> Severity | None: ...


class HushOptions(Options):
    """The keys of a rule that hold its telling back."""

    mute: MuteOptions | None = Field(None, description="time windows in which it is not told, like [nights]")
    unless_firing: list[RuleRef] = Field(
        [], description="rules whose firing makes this one no news, on series that share their labels"
    )
    depends_on: list[RuleRef] = Field(
        [], description="rules that this one is a consequence of: it waits while one of them fires, or is about to"
    )


@dataclass(frozen=True, slots=True)
class Hush:
    """What may hold a rule's telling back. ``depends_on`` has the rules that those depend on, too."""

    mute: MuteOptions | None = None
    unless_firing: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Quiet:
    """What is quiet at ``now``: the windows that are open, with their ends; the silences; the alerts of all rules."""

    now: float
    windows: Mapping[str, float]
    silences: Sequence[Silence]
    alerts: Alerts


@dataclass(frozen=True, slots=True)
class Held:
    """That an alert is not told now. ``by``: the name of the window, the rule or the silence; ``until``: when that
    ends (seconds since 1970; None: when that rule moves); ``digest``: the window whose digest will tell it.
    """

    reason: Reason
    by: str
    until: float | None = None
    digest: str | None = None


def quiet(windows: Iterable[Window], silences: Sequence[Silence], alerts: Alerts, now: float) -> Quiet:
    """What is quiet now."""
    return Quiet(
        now, {window.name: window.ends_at(now) for window in windows if window.contains(now)}, silences, alerts
    )


def held(hush: Hush, alert: Told, quiet: Quiet) -> Held | None:
    """What holds an alert back, if anything: what was done by hand is named first."""
    return (
        _silenced(alert, quiet)
        or _muted(hush.mute, alert, quiet)
        or _inhibited(hush.unless_firing, alert, quiet)
        or _dependent(hush.depends_on, alert, quiet)
    )


def compile_hushes(rules: Mapping[str, HushOptions]) -> dict[str, Hush]:
    """The hush of each rule."""
    return {
        name: Hush(options.mute, tuple(options.unless_firing), tuple(sorted(_ancestors(name, rules))))
        for name, options in rules.items()
    }


def _ancestors(name: str, rules: Mapping[str, HushOptions]) -> set[str]:
    found: set[str] = set()
    open_ = list(rules[name].depends_on)
    while open_:
        parent = open_.pop()
        if parent not in found:
            found.add(parent)
            open_ += rules[parent].depends_on
    return found


def _silenced(alert: Told, quiet: Quiet) -> Held | None:
    if not quiet.silences:
        return None
    labels = {**dict(alert.series.labels), "rule": alert.rule, "severity": alert.severity or ""}
    ends = [(silence.ends, silence) for silence in quiet.silences if silence.covers(labels, quiet.now)]
    if not ends:
        return None
    until, last = max(ends, key=lambda each: each[0])
    return Held(Reason.SILENCED, f"silence {last.id} ({last.comment})" if last.comment else f"silence {last.id}", until)


def _muted(mute: MuteOptions | None, alert: Told, quiet: Quiet) -> Held | None:
    if mute is None or alert.severity in mute.except_:
        return None
    ends = [(quiet.windows[name], name) for name in mute.during if name in quiet.windows]
    if not ends:
        return None
    until, name = max(ends)
    return Held(Reason.MUTED, name, until, digest=name if mute.digest else None)


def _inhibited(rules: Sequence[str], alert: Told, quiet: Quiet) -> Held | None:
    for rule in rules:
        others = quiet.alerts.get(rule, {}).values()
        if any(other.severity is not None and _same_place(other, alert) for other in others):
            return Held(Reason.INHIBITED, rule)
    return None


def _dependent(rules: Sequence[str], alert: Told, quiet: Quiet) -> Held | None:
    for rule in rules:
        others = quiet.alerts.get(rule, {}).values()
        if any(_is_coming(other) and _same_place(other, alert) for other in others):
            return Held(Reason.DEPENDENT, rule)
    return None


def _is_coming(alert: Alert) -> bool:
    """Whether an alert fires, or is about to."""
    return alert.severity is not None or alert.is_pending


def _same_place(one: Alert, other: Told) -> bool:
    """Whether the labels that both alerts have are equal; where they share none, they are."""
    labels: dict[str, str] = dict(one.series.labels)
    return all(labels.get(name, value) == value for name, value in other.series.labels)


def words(held: Held) -> str:
    """What holds an alert back, for a person; its reason and its end apart."""
    return f"{held.by} fires" if held.reason is Reason.INHIBITED else held.by

"""Pushes: what is told when an alert fires, gets worse, and resolves. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from smithd.alerts.rule import Rule, Severity
from smithd.alerts.state import Alert, Change, Transition
from smithd.outbox.message import Kind, Message, Priority, Standing
from smithd.plugin.options import Options
from smithd.surfaces.text import AnyLabels, Text, duration, number, template
from smithd.surfaces.view import View, plain

EXPIRES_AFTER = 24 * 3600.0
"""How long a push that nobody took is worth trying, in seconds; Apple keeps trying as long (contract section 7)."""

PUSH_NAMES: dict[str, Any] = {
    "rule": "a-rule",
    "metric": "source.metric",
    "severity": "critical",
    "value": 1234.5,
    "threshold": 1000.0,
    "labels": AnyLabels(),
    "since": "02:14",
    "duration": 90.0,
    "count": 1,
}
PushText = Annotated[Text, template(PUSH_NAMES)]
Level = Literal["passive", "active", "time-sensitive"]
Channel = Annotated[str, StringConstraints(min_length=1, pattern=r"^\S+$")]
Tag = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._:-]{0,63}$")]
_BLOCKED = frozenset(
    ["about", "activitysmith", "app-prefs", "blob", "data", "file", "itms-services", "javascript", "prefs"]
)
"""Schemes that the service refuses to open (contract section 7.1)."""


def _openable(link: str) -> str:
    scheme = link.partition(":")[0].lower()
    if not link.isprintable():
        raise ValueError("expected an address without control characters")
    if scheme in _BLOCKED:
        raise ValueError(f"the service opens no {scheme}: addresses; expected https or an app's own scheme")
    return link


Link = Annotated[
    str,
    StringConstraints(max_length=2048, pattern=r"^[A-Za-z][A-Za-z0-9+.-]*:\S+$"),
    AfterValidator(_openable),
]

_LEVELS: dict[Severity, Level] = {Severity.WARNING: "active", Severity.CRITICAL: "time-sensitive"}


class PushOptions(Options):
    """How a rule is told; ``push: true`` is all of the defaults."""

    on: list[Severity] = Field(list(Severity), min_length=1, description="the severities that are told")
    title: PushText | None = None
    message: PushText | None = None
    subtitle: PushText | None = None
    interruption_level: Level | dict[Severity, Level] | None = Field(
        None, description="default: time-sensitive where critical, active where a warning"
    )
    on_resolve: Literal["replace", "push", "none"] = Field(
        "replace",
        description="replace: rewrite the notification in place, silently; push: a new one; none: say nothing",
    )
    channels: list[Channel] | None = Field(None, min_length=1, description="default: activitysmith.channels")
    tags: list[Tag] | None = Field(None, max_length=20)
    redirection: Link | None = Field(None, description="what a tap on the notification opens")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        return {} if given is True else given


def word(
    transition: Transition, rule: Rule, options: PushOptions, channels: Sequence[str] | None, view: View
) -> Message | None:
    """What to tell of a transition, if anything. ``channels``: the account's, for a rule without its own."""
    if transition.change in (Change.FIRED, Change.RAISED) and transition.after is not None:
        alert = transition.after
        content = _firing(alert, transition, rule, options, view) if alert.severity in options.on else None
    elif transition.change is Change.RESOLVED and transition.before is not None:
        alert = transition.before
        content = _resolved(alert, transition, options, view)
    else:
        return None
    if not content:
        return None
    resolves = transition.change is Change.RESOLVED
    is_open = not resolves and options.on_resolve != "none"
    return _message(alert, content | _envelope(options, channels), view, resolves=resolves, is_open=is_open)


def _message(alert: Alert, content: dict[str, Any], view: View, *, resolves: bool, is_open: bool) -> Message:
    """``resolves``: the story ends, so that another's beginning goes first; ``is_open``: its next chapter will want to
    replace this one.
    """
    is_urgent = alert.severity is Severity.CRITICAL and not resolves
    priority = Priority.CRITICAL_PUSH if is_urgent else Priority.PUSH
    return Message(
        _key(alert), Kind.PUSH, content, priority, view.now, expires=view.now + EXPIRES_AFTER, aside={"open": is_open}
    )


def _key(alert: Alert) -> str:
    return f"push:{alert.incident}"


def _never_accepted(standing: Standing) -> bool:
    return standing.shown is None and not standing.in_flight


def _worth_resolving(standing: Standing, options: PushOptions) -> bool:
    """Whether the end is told: only of what was told, or is about to be (one push then tells both)."""
    if standing.queued is not None and _never_accepted(standing):
        return True
    return options.on_resolve != "none" and (standing.shown is not None or standing.in_flight)


def _firing(alert: Alert, transition: Transition, rule: Rule, options: PushOptions, view: View) -> dict[str, Any]:
    assert alert.severity is not None
    threshold = rule.threshold(alert.severity)
    names = {
        "rule": rule.name,
        "metric": rule.metric,
        "severity": alert.severity.value,
        "value": plain(transition.value),
        "threshold": plain(threshold.number),
        "labels": dict(alert.series.labels),
        "since": view.clock(alert.since),
        "duration": view.now - alert.since,
        "count": 1,
    }
    stock = f"{alert.series} is {number(transition.value)} ({alert.severity} {threshold}) since {names['since']}."
    content = {
        "title": _rendered(options.title, names) or f"{_title(alert)} is {alert.severity}",
        "message": _rendered(options.message, names) or stock,
        "interruption_level": _level(options, alert.severity),
        "in_place": False,
    }
    subtitle = _rendered(options.subtitle, names)
    return content | ({"subtitle": subtitle} if subtitle else {})


def _resolved(alert: Alert, transition: Transition, options: PushOptions, view: View) -> dict[str, Any] | None:
    """The whole story in one text, so that it stands alone where the first push never arrived."""
    standing = view.standing(_key(alert))
    if not _worth_resolving(standing, options):
        return None
    assert alert.fired_at is not None
    lasted = duration(view.now - alert.fired_at)
    story = f"{view.clock(alert.fired_at)} to {view.clock(view.now)}"
    return {
        "title": f"Resolved: {_title(alert)}",
        "message": f"{alert.series} is {number(transition.value)}. It was {alert.worst} for {lasted}, {story}.",
        "interruption_level": "passive",
        "in_place": options.on_resolve != "push" and not _never_accepted(standing),
    }


def removed(alert: Alert, view: View) -> Message | None:
    """The end of an alert whose rule was taken out of the configuration, where its beginning was told or is to be."""
    standing = view.standing(_key(alert)) if alert.fired_at is not None else Standing()
    said = (standing.shown, standing.queued, standing.going)
    told = next((each.content for each in said if each and each.content), None)
    if not told:
        return None
    kept = {name: told[name] for name in ("channels", "tags") if name in told}
    content = kept | {
        "title": f"Closed: {_title(alert)}",
        "message": f"{alert.series} is not watched any more. It was {alert.severity} since {view.clock(alert.since)}.",
        "interruption_level": "passive",
        "in_place": not _never_accepted(standing),
    }
    return _message(alert, content, view, resolves=True, is_open=False)


def _title(alert: Alert) -> str:
    values = ", ".join(value for _, value in alert.series.labels)
    return f"{alert.rule} ({values})" if values else alert.rule


def _rendered(text: Text | None, names: dict[str, Any]) -> str:
    return text.render(names) if text is not None else ""


def _level(options: PushOptions, severity: Severity) -> Level:
    given = options.interruption_level
    if isinstance(given, dict):
        return given.get(severity, _LEVELS[severity])
    return given or _LEVELS[severity]


def _envelope(options: PushOptions, channels: Sequence[str] | None) -> dict[str, Any]:
    given = {
        "channels": list(options.channels or channels or ()) or None,
        "tags": list(options.tags or ()) or None,
        "redirection": options.redirection,
    }
    return {name: value for name, value in given.items() if value is not None}

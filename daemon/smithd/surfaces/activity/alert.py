"""The type ``alert``: a message. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from smithd.alerts import sentences
from smithd.alerts.alert import Alert
from smithd.alerts.condition import Threshold
from smithd.alerts.severity import rank
from smithd.outbox.message import Json
from smithd.plugin.sample import Sample
from smithd.surfaces.activity.options import ITS_END, ITS_TYPE, End, FinalOptions
from smithd.surfaces.activity.parts import WithBadge, WithColor, WithTwoButtons
from smithd.surfaces.activity.view import ActivityView, FinalText, HeadlineText
from smithd.surfaces.view import SurfacesView

NOTHING_FIRES = "Nothing fires."

MOST_LINES = 3
"""Alerts that a message names; the Lock Screen shows about four lines (our assumption)."""


class FinalWithMessage(FinalOptions):
    """The texts of a final state with a message."""

    message: FinalText | None = Field(None, description="what it says; a template that also knows now: the clock time")


class EndWithMessage(End):
    """How an alert leaves."""

    final: FinalWithMessage = Field(
        FinalWithMessage(), description="texts of the final state in place of the usual ones"
    )


class AlertOptions(WithColor, WithBadge, WithTwoButtons):
    """A Live Activity with a message."""

    type: Literal["alert"] = Field(description=ITS_TYPE)
    message: HeadlineText | None = Field(
        None, description="what it says; a template. Default: what fires of the rules that it names, the worst first"
    )
    end: EndWithMessage = Field(EndWithMessage(), description=ITS_END)

    @model_validator(mode="after")
    def _says_something(self) -> AlertOptions:
        if self.message is None and not self.dependencies.rules:
            message = "an alert needs a 'message', or rules that it is about: 'show: {while_firing}' or 'color_by'"
            raise PydanticCustomError("no_message", message)
        return self

    @property
    def says_what_fires(self) -> bool:
        """Yes, and says where that is stale."""
        return True

    def own_state(self, seen: ActivityView) -> dict[str, Any]:
        """The message, with the time of what it says where that is stale."""
        return self.marked(seen, seen.stale_mark if seen.samples else "")

    def marked(self, seen: ActivityView, mark: str) -> dict[str, Any]:
        """The message says it."""
        text = seen.headline(self.message) or _said(self._alerts(seen.surfaces), seen.surfaces) or NOTHING_FIRES
        return {"message": f"{text} ({mark})" if mark else text}

    def own_meaning(self, state: Json) -> Any:
        """Its colour, and how many alerts it names; which rules fire counts anyway."""
        return [state.get("color"), len(state["message"].splitlines())]

    def samples(self, view: SurfacesView) -> list[Sample]:
        """Those that the alerts are about which it names."""
        found = [view.series.get(alert.metric, alert.labels) for alert in self._alerts(view)]
        return [*super().samples(view), *(sample for sample in found if sample is not None)]

    def _alerts(self, view: SurfacesView) -> list[Alert]:
        """The firing alerts that it names, the worst first, and of equal ones the oldest."""
        rules = self.dependencies.rules
        # While only suppressed ones fire, what is shown stays, and is about these.
        counted = view.counted(rules, include_suppressed=self.include_suppressed) or view.counted(
            rules, include_suppressed=True
        )
        alerts = [alert for of_rule in counted.values() for alert in of_rule if alert.severity is not None]
        return sorted(alerts, key=lambda alert: (-rank(alert.severity), alert.severity_since, alert.key))


def _said(alerts: Sequence[Alert], view: SurfacesView) -> str:
    lines = [_line(alert, view) for alert in alerts[:MOST_LINES]]
    rest = len(alerts) - MOST_LINES
    return "\n".join([*lines, f"and {view.language.number(rest)} more"] if rest > 0 else lines)


def _line(alert: Alert, view: SurfacesView) -> str:
    """How an alert is now: its newest value, and the threshold that it breaches."""
    rule, severity = view.rules[alert.rule], alert.severity
    assert severity is not None
    if alert.cause:
        seconds = view.now - alert.severity_since
        return sentences.missing_now(rule, alert.series, alert.cause, alert.value, seconds, view.language)
    # Where the severity has no threshold (a reload took it away), no bound can be named.
    if severity not in dict(rule.thresholds):
        return f"{alert.rule} is {severity}"
    newest = view.series.get(alert.metric, alert.labels)
    # A relative threshold compares what was evaluated, which need not be the sample itself.
    is_plain = newest is not None and isinstance(rule.threshold(severity), Threshold)
    value = newest.value if is_plain and newest is not None else alert.value
    return sentences.still_firing(rule, alert.series, severity, value, alert.baseline(severity), language=view.language)

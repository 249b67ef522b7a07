"""The badge: the number on the app's icon. No I/O."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from smithd.contract.bodies import LARGEST_BADGE
from smithd.contract.values import Channels
from smithd.expression.option import metric_of, metrics_named_in
from smithd.keys import BadgeKey
from smithd.plugin.options import Options
from smithd.references import ITS_DEFAULT, AccountNames, ReferenceKind, RefersTo
from smithd.surfaces.surface import Dependencies, DesiredBadge, NotRenderable, Obstacle
from smithd.surfaces.view import SurfacesView, summary_names


class Counted(StrEnum):
    """What a badge counts; anything else that it may show is a metric or an expression."""

    FIRING = "count(firing)"
    """The rules that fire."""
    ALERTS = "count(alerts)"
    """The alerts that fire."""


def _counted(given: Any) -> Counted | None:
    text = "".join(given.split()) if isinstance(given, str) else None
    return next((counted for counted in Counted if counted == text), None)


def _value(given: str) -> str:
    return _counted(given) or metric_of(given)


def _metrics(given: Any) -> Iterable[tuple[str, int | None]]:
    return () if _counted(given) else metrics_named_in(given)


_REFERS = RefersTo(ReferenceKind.METRIC, _metrics, beside=("firing", "alerts"))


class BadgeOptions(Options):
    """The badge's keys; ``badge: count(firing)`` is short for ``badge: {value: count(firing)}``."""

    short_form: ClassVar = {"type": "string"}
    short_form_of: ClassVar = "value"

    value: Annotated[str, AfterValidator(_value), _REFERS] = Field(
        description="count(firing): how many rules fire; count(alerts): how many alerts; or a metric or expression"
    )
    channels: Channels | None = Field(None, description="whose badge it is; default: those of the account")
    on_shutdown: Literal["keep", "end"] = Field(
        "keep", description="when smithd is stopped, it stays as it is (keep), or becomes 0 (end)"
    )
    include_suppressed: bool = Field(False, description="count alerts that are muted, silenced or inhibited, too")
    account: AccountNames | None = Field(None, description="whose badge it is: an account, or several; " + ITS_DEFAULT)

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        return {"value": given} if isinstance(given, str) else given


@dataclass(frozen=True, slots=True)
class BadgeSurface:
    """The badge with these options. ``channels``: its own, or those of the account; ``sources``: those that rules look
    at. Before one of them answered it is not known that nothing fires.
    """

    key: BadgeKey
    options: BadgeOptions
    channels: tuple[str, ...] | None
    sources: frozenset[str] = frozenset()

    @property
    def dependencies(self) -> Dependencies:
        """All rules, or the metric that it shows."""
        if isinstance(self.options.value, Counted):
            return Dependencies(all_rules=True, all_sources=True)
        return Dependencies(frozenset([self.options.value]))

    def render(self, view: SurfacesView) -> DesiredBadge | NotRenderable:
        """The number: rounded half up, and 0 for what is below it. A value that is missing or stale changes nothing."""
        if view.is_stopping and self.options.on_shutdown == "end":
            return self._desired(0)
        match self.options.value:
            case Counted() as counted:
                alerts = view.counted(include_suppressed=self.options.include_suppressed)
                if not alerts and self.sources and all(map(view.is_unseen, self.sources)):
                    return NotRenderable(self.key, Obstacle.UNSEEN)
                names = summary_names(alerts)
                return self._desired(len(names["firing"]) if counted is Counted.FIRING else names["count"])
            case metric:
                samples = view.samples(metric)
                if len(samples) > 1:
                    return NotRenderable(self.key, Obstacle.SEVERAL_SERIES, (metric,), len(samples))
                value = next((sample.value for sample in samples if view.is_fresh(sample)), None)
                if value is None:
                    return NotRenderable(self.key, Obstacle.UNSEEN if view.is_unseen(metric) else Obstacle.NO_VALUE)
                return self._desired(value)

    def _desired(self, value: float) -> DesiredBadge:
        bounded = min(max(value, 0.0), float(LARGEST_BADGE))
        return DesiredBadge(self.key, math.floor(bounded + 0.5), self.channels)

"""When a Live Activity is shown: conditions that may be combined. No I/O.

A condition is true, false, or unknown: it starts an activity, ends it, or leaves it as it is. Unknown is an expression
whose metrics are stale or unseen, and a rule of which only suppressed alerts fire. ``all`` is false where one of its
conditions is false, and true where all are true; ``any`` is true where one is true, and false where all are false.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from smithd.alerts.severity import Severity, ThresholdSeverity, rank
from smithd.expression.option import ValueRef
from smithd.plugin.options import Options
from smithd.references import ReferenceKind, RuleRef, TimeWindowRef, references
from smithd.surfaces.view import SurfacesView
from smithd.time_window import TimeWindowOptions

Rules = Annotated[
    Annotated[list[RuleRef], Field(min_length=1), Tag("a list of rules")]
    | Annotated[dict[RuleRef, ThresholdSeverity], Field(min_length=1), Tag("rules with severities")],
    Discriminator(lambda given: "rules with severities" if isinstance(given, dict) else "a list of rules"),
]

Window = Annotated[
    Annotated[TimeWindowRef, Tag("the name of a window")] | Annotated[TimeWindowOptions, Tag("a window")],
    Discriminator(lambda given: "the name of a window" if isinstance(given, str) else "a window"),
]


class ShowOptions(Options):
    """A condition: one of its keys."""

    while_firing: Rules | None = Field(
        None, description="rules, one of which fires: a list, or {rule: severity} for that severity at least"
    )
    when: ValueRef | None = Field(
        None, description="a metric whose value is not 0, or an expression that is true, like shop.queue > 500"
    )
    between: Window | None = Field(
        None, description="a time window that is open: its name in time_windows, or its keys from, to, days"
    )
    all: list[Show] | None = Field(None, min_length=1, description="conditions that are all true")
    any: list[Show] | None = Field(None, min_length=1, description="conditions of which one is true")

    @model_validator(mode="after")
    def _one_key(self) -> ShowOptions:
        if len(self.model_fields_set) != 1:
            keys = ", ".join(type(self).model_fields)
            raise PydanticCustomError(
                "one_condition",
                "expected exactly one of the keys {keys}; 'all' and 'any' combine several",
                {"keys": keys},
            )
        return self

    @property
    def rules(self) -> list[str]:
        """The rules that it names, also within ``all`` and ``any``."""
        return [each.name for each in references(self) if each.kind is ReferenceKind.RULE]

    @property
    def windows(self) -> frozenset[str]:
        """The names of the time windows that it depends on."""
        return frozenset(_name(each.between) for each in self.parts() if each.between is not None)

    @property
    def own_windows(self) -> Iterator[TimeWindowOptions]:
        """The time windows that stand in it, and not in ``time_windows``."""
        return (each.between for each in self.parts() if isinstance(each.between, TimeWindowOptions))

    def parts(self) -> Iterator[ShowOptions]:
        """This condition and those within it."""
        yield self
        for each in self.all or self.any or ():
            if isinstance(each, ShowOptions):
                yield from each.parts()

    def is_true(self, view: SurfacesView, *, include_suppressed: bool) -> bool | None:
        """Whether it is true now; None: unknown."""
        if self.while_firing is not None:
            return _fires(self.while_firing, view, include_suppressed)
        if self.when is not None:
            return view.holds(self.when)
        if self.between is not None:
            return view.is_open(_name(self.between))
        found = {
            each == "always" or each.is_true(view, include_suppressed=include_suppressed)
            for each in (self.all or self.any or ())
        }
        decisive = self.all is None
        if decisive in found:
            return decisive
        return None if None in found else not decisive


Show = Literal["always"] | ShowOptions
"""When an activity is shown."""

ShowOptions.model_rebuild()


def _fires(rules: Sequence[str] | Mapping[str, Severity], view: SurfacesView, include_suppressed: bool) -> bool | None:
    """Whether one of these rules fires, and badly enough; None: only suppressed alerts do."""
    least = rules if isinstance(rules, Mapping) else dict.fromkeys(rules, Severity.INFO)

    def reached(severity: Callable[[Iterable[str]], Severity | None]) -> bool:
        return any(rank(severity([name])) >= rank(each) for name, each in least.items())

    if reached(view.severity if include_suppressed else view.unsuppressed_severity):
        return True
    return None if reached(view.severity) else False


def _name(window: str | TimeWindowOptions) -> str:
    return window if isinstance(window, str) else window.text

"""What it means for a rule that there is nothing to judge: ``no_data`` and ``on_error``. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from smithd.alerts.severity import Severity
from smithd.plugin.options import Duration, Options

GIVEN_UP_AFTER = 86400.0
"""So many seconds after it was told that a series with labels is missing, it is taken for gone."""


class MissingOptions(Options):
    """``no_data: warning`` is short for ``no_data: {severity: warning}``."""

    severity: Literal["keep", "ok", "warning", "critical"] = Field(
        description="keep: the alert stays as it is; ok: it resolves; warning, critical: that is an alert of its own"
    )
    after: Duration | None = Field(
        None, description="how long the last value must be ago; at the least, until it is too old to count as fresh"
    )


def _short_form(given: Any) -> Any:
    return {"severity": given} if isinstance(given, str) else given


MissingOption = Annotated[MissingOptions, BeforeValidator(_short_form)]


@dataclass(frozen=True, slots=True)
class Missing:
    """What a rule makes of missing values: after so many seconds they have a severity of their own, or end the alert
    (``ends``), or nothing happens, however long it takes.
    """

    severity: Severity | None = None
    ends: bool = False
    after: float = 0.0

    @property
    def matters(self) -> bool:
        """Whether anything happens at all."""
        return self.ends or self.severity is not None


KEEP = Missing()


def of_no_data(options: MissingOptions | None, patience: float) -> Missing:
    """What ``no_data`` asks for. By default a series that is gone ends its alert after ``patience`` seconds."""
    if options is None or options.severity == "keep":
        given = options.after if options is not None else None
        return Missing(ends=True, after=patience if given is None else given)
    return _missing(options)


def of_error(options: MissingOptions | None) -> Missing:
    """What ``on_error`` asks for. By default alerts stay as they are for as long as their source fails."""
    return KEEP if options is None or options.severity == "keep" else _missing(options)


def _missing(options: MissingOptions) -> Missing:
    if options.severity == "ok":
        return Missing(ends=True, after=options.after or 0.0)
    return Missing(Severity(options.severity), after=options.after or 0.0)

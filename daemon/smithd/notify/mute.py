"""When a rule sends no notifications, by the clock. No I/O."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, model_validator

from smithd.alerts.severity import ThresholdSeverity
from smithd.plugin.options import Options
from smithd.references import TimeWindowRef


class MuteOptions(Options):
    """When a rule sends no notifications; ``mute: [nights]`` is short for ``mute: {during: [nights]}``."""

    short_form_of: ClassVar = "during"

    during: list[TimeWindowRef] = Field(
        min_length=1, description="the time windows, of those that time_windows declares"
    )
    except_: list[ThresholdSeverity] = Field(
        [], alias="except", description="severities that are notified all the same"
    )
    digest: bool = Field(
        False, description="when the window ends, notify in one message what it suppressed; default: what still fires"
    )

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        return {"during": given} if isinstance(given, list | str) else given

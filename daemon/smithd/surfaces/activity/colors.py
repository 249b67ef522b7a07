"""The colours of what is shown, fixed or by the severity of a rule. No I/O."""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator

from smithd.alerts.severity import Severity
from smithd.contract.values import Color
from smithd.plugin.options import Options
from smithd.references import RuleRef
from smithd.surfaces.view import SurfacesView

CALM: Color = "green"
_COLORS: dict[Severity, Color] = {Severity.INFO: "blue", Severity.WARNING: "orange", Severity.CRITICAL: "red"}


def severity_color(severity: Severity | None) -> Color:
    """The colour of a severity; None: nothing fires."""
    return CALM if severity is None else _COLORS[severity]


class ColorOptions(Options):
    """The colour of something that is shown."""

    color: Color | None = Field(None, description="a fixed colour")
    color_by: RuleRef | None = Field(None, description="a rule: green, blue (info), orange (warning) or red (critical)")

    @field_validator("color_by")
    @classmethod
    def _one_color(cls, rule: str | None, info: ValidationInfo) -> str | None:
        if rule is not None and info.data.get("color") is not None:
            raise ValueError("a colour is either fixed ('color') or by the severity of a rule ('color_by')")
        return rule

    def tint(self, view: SurfacesView) -> dict[str, Color]:
        """The field ``color``, where there is one."""
        if self.color_by is not None:
            return {"color": severity_color(view.severity([self.color_by]))}
        return {"color": self.color} if self.color is not None else {}

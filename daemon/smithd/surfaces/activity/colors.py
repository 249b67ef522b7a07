"""The colours of what is shown, fixed or by the severity of a rule. No I/O."""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator

from smithd.alerts.severity import Severity
from smithd.contract.values import Color
from smithd.plugin.options import Options
from smithd.references import RuleRef
from smithd.surfaces.view import SurfacesView

SEVERITY_COLORS: dict[Severity | None, Color] = {
    None: "green",
    Severity.INFO: "blue",
    Severity.WARNING: "orange",
    Severity.CRITICAL: "red",
}


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
            return {"color": SEVERITY_COLORS[view.severity([self.color_by])]}
        return {"color": self.color} if self.color is not None else {}

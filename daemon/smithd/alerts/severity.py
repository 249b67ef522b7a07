"""How bad it is."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """From bad to worse."""

    WARNING = "warning"
    CRITICAL = "critical"


SEVERITIES = tuple(Severity)

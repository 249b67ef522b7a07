"""Marks that say without a colour how severe something is. No I/O."""

from __future__ import annotations

from smithd.alerts.severity import Severity

MARKS = {Severity.WARNING: "!", Severity.CRITICAL: "!!"}
"""What a row that only its colour would tell from others has, for a person who does not see colours."""

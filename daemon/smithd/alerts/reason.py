"""Why an alert changed: stable identifiers, with the numbers that belong to them. No I/O.

Sentences for a person are made from these where they are shown, by ``sentences``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from smithd.alerts.severity import Severity
from smithd.expression.expression import OperandValue


class CauseKind(StrEnum):
    """What the severity of an alert is based on."""

    VALUE = "value"
    SERIES_MISSING = "series_missing"
    SOURCE_FAILING = "source_failing"


@dataclass(frozen=True, slots=True)
class Cause:
    """What the severity of an alert is based on; ``source``: the one that fails, or is silent."""

    kind: CauseKind = CauseKind.VALUE
    source: str = ""

    @classmethod
    def failing(cls, source: str) -> Cause:
        """That a source fails, or is silent."""
        return cls(CauseKind.SOURCE_FAILING, source)

    @classmethod
    def parse(cls, text: str) -> Cause:
        """The cause that ``str`` made this text of."""
        kind, _, source = text.partition(":")
        return cls.failing(source) if kind == "source" else SERIES_MISSING if kind else VALUE

    def __bool__(self) -> bool:
        """Whether something is missing."""
        return self.kind is not CauseKind.VALUE

    def __str__(self) -> str:
        """As the documentation writes it: nothing for a value, ``series``, or ``source:<name>``."""
        return {CauseKind.VALUE: "", CauseKind.SERIES_MISSING: "series"}.get(self.kind, f"source:{self.source}")


VALUE = Cause()
SERIES_MISSING = Cause(CauseKind.SERIES_MISSING)


class TransitionReason(StrEnum):
    """Why an alert changed."""

    THRESHOLD_BREACHED = "threshold_breached"
    CLEARED = "cleared"
    NEW_LEVEL = "new_level"
    """It breached for as long as a baseline is frozen (``rebase_after``): what lasts so long is normal."""
    SERIES_MISSING = "series_missing"
    SOURCE_FAILING = "source_failing"
    CLOSED_UNKNOWN = "closed_unknown"
    """It ended because its value was missing for too long; its state is not known."""
    DATA_RETURNED = "data_returned"
    SOURCE_ANSWERS = "source_answers"
    ALERT_LIMIT = "alert_limit"
    """It breaches still, and a worse one has its place: the rule has ``max_alerts`` alerts."""
    RECORDED = "recorded"
    """An older smithd has kept the sentence only."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why an alert changed, and the numbers of that moment.

    ``metric``: what the rule watched ("" for an expression); ``value``, ``baseline``: of its series; ``severity`` and
    ``threshold``: which condition was breached or left, as the configuration wrote it; ``lowest``, ``recover``: the
    conditions that say what is normal. ``operands``: those of an expression; ``seconds``: for how long the value was
    missing, or after how long a new level is normal; ``source``: the one that failed. ``counted``: in which time a
    counter counted the value; empty where it is none. ``days``: how many days ago the baseline was, where it is that of
    another day. ``text``: the sentence, where that is all there is.
    """

    reason: TransitionReason
    metric: str = ""
    value: float | None = None
    baseline: float | None = None
    severity: Severity | None = None
    threshold: str = ""
    lowest: str = ""
    recover: str = ""
    operands: tuple[OperandValue, ...] = ()
    seconds: float | None = None
    source: str = ""
    counted: str = ""
    days: int | None = None
    text: str = ""

    @property
    def cause(self) -> Cause:
        """What changed the alert: a value, or that it was missing."""
        if self.reason not in _ABOUT_MISSING:
            return VALUE
        return Cause.failing(self.source) if self.source else SERIES_MISSING


_FIELDS = [field.name for field in fields(Evidence)]
_ABOUT_MISSING = (TransitionReason.SERIES_MISSING, TransitionReason.SOURCE_FAILING, TransitionReason.CLOSED_UNKNOWN)


def pack(evidence: Evidence | None) -> str:
    """Evidence as it is kept: JSON with what it has; empty for none."""
    if evidence is None:
        return ""
    # Not ``asdict``, which copies what is in it, too: a storm packs thousands.
    given = ((name, getattr(evidence, name)) for name in _FIELDS)
    known = {name: value for name, value in given if value not in (None, "", ())}
    return json.dumps(known, separators=(",", ":"))


def unpack(kept: str) -> Evidence | None:
    """What ``pack`` made; a text that it did not make is the sentence of an older smithd."""
    if not kept:
        return None
    if not kept.startswith('{"reason":'):
        return Evidence(TransitionReason.RECORDED, text=kept)
    given: Mapping[str, Any] = json.loads(kept)
    severity = Severity(given["severity"]) if "severity" in given else None
    operands = tuple(OperandValue(*operand) for operand in given.get("operands", ()))
    reason = TransitionReason(given["reason"])
    return Evidence(**{**given, "reason": reason, "severity": severity, "operands": operands})

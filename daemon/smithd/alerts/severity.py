"""The severities, an ordered scale. No I/O."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import Discriminator, GetPydanticSchema, Tag
from pydantic_core import core_schema


class Severity(StrEnum):
    """From the mildest to the worst; compared by that order, not as texts."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """The place on the scale, from 0."""
        return _RANKS[self]

    def __lt__(self, other: str) -> bool:
        return _RANKS[self] < _RANKS[Severity(other)]

    def __le__(self, other: str) -> bool:
        return _RANKS[self] <= _RANKS[Severity(other)]

    def __gt__(self, other: str) -> bool:
        return _RANKS[self] > _RANKS[Severity(other)]

    def __ge__(self, other: str) -> bool:
        return _RANKS[self] >= _RANKS[Severity(other)]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}

SEVERITIES = tuple(Severity)

THRESHOLD_SEVERITIES = SEVERITIES
"""Those that a rule has a key for, lowest first."""

ThresholdSeverity = Annotated[
    Severity,
    GetPydanticSchema(
        lambda source, _handler: core_schema.no_info_after_validator_function(
            source, core_schema.literal_schema([str(severity) for severity in THRESHOLD_SEVERITIES])
        )
    ),
]
"""What an option accepts that names a severity."""

_T = TypeVar("_T")
BySeverity = Annotated[
    Annotated[_T, Tag("for all severities")] | Annotated[dict[ThresholdSeverity, _T], Tag("for each severity")],
    Discriminator(lambda given: f"for {'each severity' if isinstance(given, dict) else 'all severities'}"),
]
"""An option that is the same for all severities, or a mapping of them, as in ``{warning: 10m, critical: 1m}``."""


def by_severity(given: Any, severities: Collection[Severity]) -> dict[Severity, Any]:
    """What ``BySeverity`` is for each severity; ``severities``: those that the short form is for."""
    if isinstance(given, dict):
        return given
    return dict.fromkeys(severities, given) if given is not None else {}


def worst_of(*severities: Severity | None) -> Severity | None:
    """The worst of some severities; None where there is none."""
    return max((severity for severity in severities if severity is not None), default=None)


def rank(severity: Severity | None) -> int:
    """The place of a severity on the scale; -1 for none."""
    return -1 if severity is None else _RANKS[severity]

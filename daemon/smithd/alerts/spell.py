"""How long an alert was at each severity of one episode. No I/O.

A spell of a severity is a time without a break in which the alert fires at it, or at a worse one: what is critical is a
warning, too. It begins when the severity's own threshold was first breached, before its ``for`` (as Prometheus'
``activeAt``), and ends when the alert falls below the severity. Of several spells of one severity the newest is kept,
and how long those before it were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from smithd.alerts.severity import Severity


@dataclass(frozen=True, slots=True)
class Spell:
    """The newest spell of a severity, in seconds since 1970 (``until`` None: it lasts); ``earlier``: the seconds of
    those before it.
    """

    severity: Severity
    since: float
    until: float | None = None
    earlier: float = 0.0

    def ended(self, at: float) -> Spell:
        """The spell where it is over by ``at``."""
        return self if self.until is not None else replace(self, until=max(at, self.since))

    def total(self, now: float) -> float:
        """The seconds of all spells of the severity until now."""
        return self.earlier + (now if self.until is None else self.until) - self.since

    def by(self, now: float) -> Spell:
        """The spell as it can be by ``now``: the clock may have been set back since it began."""
        if max(self.since, self.until or now) <= now:
            return self
        return replace(self, since=min(self.since, now), until=None if self.until is None else min(self.until, now))


Spells = tuple[Spell, ...]
"""One for each severity that an episode has been at, lowest first."""


def since_at(severity: Severity | None, spells: Spells, started: float) -> float:
    """Since when an alert is at a severity; ``started`` where it has no spell of it."""
    return next((spell.since for spell in spells if spell.severity is severity), started)


def spells_after(spells: Spells, severity: Severity | None, breached: Mapping[Severity, float], now: float) -> Spells:
    """The spells of an alert that fires at ``severity`` from ``now`` on (None: its episode is over). ``breached``: the
    severities that fire, and since when each is breached.
    """
    if severity is None:
        return ()
    known = {spell.severity: spell for spell in spells}
    return tuple(
        known[each].ended(now) if each > severity else _lasting(each, known, breached, now)
        for each in sorted({*known, *breached, severity})
    )


def _lasting(
    severity: Severity, known: Mapping[Severity, Spell], breached: Mapping[Severity, float], now: float
) -> Spell:
    """The spell that a severity has now."""
    before = known.get(severity)
    if before is not None and before.until is None:
        return before
    since = min((at for each, at in breached.items() if each >= severity), default=now)
    if before is not None:
        return Spell(severity, since, earlier=before.total(now))
    # It falls to a severity that it never was at: it was at a worse one, which counts.
    worse = min((spell for spell in known.values() if spell.severity > severity), key=_severity, default=None)
    if worse is None:
        return Spell(severity, since)
    return Spell(severity, min(since, worse.since), earlier=worse.earlier)


def _severity(spell: Spell) -> Severity:
    return spell.severity

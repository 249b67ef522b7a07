"""Why a stream may not start now, apart from slots. No I/O."""

from __future__ import annotations

from smithd.keys import StreamKey
from smithd.surfaces.slots.decision import SlotDecision, TimedDecision
from smithd.surfaces.slots.draft import CRITICAL, ROUTINE, SlotDraft
from smithd.surfaces.slots.memory import Start
from smithd.surfaces.slots.starts import may_start_at


def held_back(draft: SlotDraft, key: StreamKey, victim: StreamKey | None = None) -> TimedDecision | None:
    """The reason that holds it longest. ``victim``: whose slot it would take."""
    record, severity = draft.records[key], draft.rank(key).severity
    if record.recalled:
        return None
    starts = _starts(draft, victim)
    starts_at = may_start_at(starts, draft.limits.starts_per_hour, draft.now, critical=severity == CRITICAL)
    found = [TimedDecision(SlotDecision.NO_STARTS, starts_at)]
    if severity == ROUTINE and record.left_at is not None:
        found.append(TimedDecision(SlotDecision.RESTING, record.left_at + draft.options[key].min_hold))
    if severity == ROUTINE and record.preempted and draft.free.is_any:
        found.append(TimedDecision(SlotDecision.RETURNING, draft.free.longest + draft.limits.return_after))
    longest = max(found, key=lambda each: each.until or 0.0)
    return longest if longest.until is not None and longest.until > draft.now else None


def _starts(draft: SlotDraft, victim: StreamKey | None) -> list[Start]:
    """The starts of this hour, with those on their way; one that would be withdrawn for this one does not count."""
    on_way = [
        Start(record.slot_since, record.as_critical)
        for record in draft.records.values()
        if record.slot_since is not None and record.started_at is None
        if record.key != victim or draft.is_here(record.key)
    ]
    return [*draft.before.started, *on_way]

"""The outbox when the wall clock was set, and after a start: ages and waits keep their length. No I/O."""

from __future__ import annotations

from dataclasses import replace

from rpds import HashTrieMap

from smithd.outbox.draft import Draft
from smithd.outbox.message import Push, PushUpdate
from smithd.outbox.queued import Boot, Queued, WallClock
from smithd.outbox.shown import ShownActivity, unknown
from smithd.outbox.state import Outbox, OutboxChanges, StoredMessage, ordered

CLOCK_STEP = 2.0
"""Seconds by which the wall clock must leave the machine's own one to count as set."""


def shift(outbox: Outbox, seconds: float) -> tuple[Outbox, OutboxChanges]:
    """The wall clock was set by ``seconds``: ages and waits keep their length."""
    if not seconds:
        return outbox, OutboxChanges()
    waiting = {key: _shifted(queued, seconds) for key, queued in outbox.waiting.items()}
    claimed = {key: replace(claim, queued=_shifted(claim.queued, seconds)) for key, claim in outbox.claimed.items()}
    clock = replace(outbox.clock, began=outbox.clock.began + seconds) if outbox.clock is not None else None
    messages = {queued.id: StoredMessage(queued.message, claimed=False) for queued in waiting.values()}
    messages |= {claim.queued.id: StoredMessage(claim.queued.message, claimed=True) for claim in claimed.values()}
    streams = {key: shown.shifted(seconds) for key, shown in outbox.shown.items() if isinstance(shown, ShownActivity)}
    shifted = replace(
        outbox,
        waiting=HashTrieMap(waiting),
        claimed=HashTrieMap(claimed),
        shown=outbox.shown.update(HashTrieMap(streams)),
        clock=clock,
    )
    written = {key: unknown(shown) if key in claimed else shown for key, shown in streams.items()}
    return ordered(shifted), OutboxChanges(messages=HashTrieMap(messages), shown=HashTrieMap(written), clock=clock)


def go_on(outbox: Outbox, now: float, boot: Boot | None) -> tuple[Outbox, OutboxChanges]:
    """After a start, with the outbox of the last run: where the wall clock was set meanwhile, ages keep their length.
    ``boot``: now, by the machine's own clock.
    """
    before, clock = outbox.clock, WallClock(boot.id, now - boot.time) if boot is not None else None
    changes = OutboxChanges()
    if before is not None and clock is not None and before.boot == clock.boot:
        seconds = clock.began - before.began
        outbox, changes = shift(outbox, seconds if abs(seconds) >= CLOCK_STEP else 0.0)
    # The machine was off meanwhile, or has no such clock, so that only the wall clock remains. No message is from the
    # future, whatever that says.
    draft = Draft(replace(outbox, clock=clock))
    for key, queued in outbox.waiting.items():
        if queued.message.created > now:
            draft.wait(key, _shifted(queued, now - queued.message.created))
    return draft.outbox, changes | replace(draft.changes, clock=clock if clock != before else None)


def shift_sent(outbox: Outbox, seconds: float) -> tuple[Outbox, OutboxChanges]:
    """The clock was set: requests of which only its time is known are as old as they were."""
    draft = Draft(outbox)
    for request in outbox.sent.values():
        if request.boot is None:
            draft.count(replace(request, at=request.at + seconds))
    return draft.result


def _shifted(queued: Queued, seconds: float) -> Queued:
    """A message with its times by another wall clock; a time of 0 means that there is none."""
    message = queued.message
    moved = replace(message, created=message.created + seconds, due=message.due + seconds if message.due else 0.0)
    if isinstance(moved, Push | PushUpdate) and moved.expires is not None:
        moved = replace(moved, expires=moved.expires + seconds)
    return replace(queued, message=moved, retry_at=queued.retry_at + seconds if queued.retry_at else 0.0)

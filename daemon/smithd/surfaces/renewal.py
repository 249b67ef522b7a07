"""Renewal: iOS ends a Live Activity eight hours after its start, unless the service starts it anew. No I/O.

A stream that goes on changing is renewed by its next update. One that stays the same is sent again though nothing
changed: a minute after the eight hours, so that the service takes it for a start. Streams that began together are
renewed a minute apart, since starts have a budget of their own in iOS (contract section 9.3).
"""

from __future__ import annotations

from collections.abc import Collection

from smithd.keys import StreamKey
from smithd.outbox.shown import ShownActivity

APART = 60.0
"""Seconds between two renewals, or a start and a renewal."""

LOOK_AGAIN = 15.0
"""Seconds after which is looked again whether a stream that is to be renewed may be."""

IN_ORDER = 600.0
"""Seconds for which a stream goes before those whose eight hours ended later. After that its request seems to be
refused, and they take turns, a minute each.
"""


def is_due(shown: ShownActivity, now: float) -> bool:
    """Whether an activity is to be renewed."""
    return not shown.ended and shown.renewal_at <= now


def to_renew(on_phone: Collection[ShownActivity], now: float) -> StreamKey | None:
    """Which of these activities is renewed now; None where there is none, or one has started too lately."""
    due = sorted((shown for shown in on_phone if is_due(shown, now)), key=lambda each: (each.renewal_at, each.key))
    if not due or any(now - APART < shown.since <= now for shown in on_phone):
        return None
    turn = int(now // APART) if now > due[0].renewal_at + IN_ORDER else 0
    return due[turn % len(due)].key

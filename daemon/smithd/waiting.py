"""What the outbox holds, for ``smithd outbox``: what waits, why, and until when. No I/O."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import tzinfo
from typing import Any

from smithd.delivery.sentences import summary, why
from smithd.delivery.waiting import Passages, Waiting, waiting, worth
from smithd.formatting import iso_time
from smithd.keys import BadgeKey, PushKey, StreamKey, kind_of
from smithd.outbox.queue import fill_lanes
from smithd.outbox.queued import Queued
from smithd.outbox.state import lane_of
from smithd.setup import Setup
from smithd.state import State

Found = dict[str, Any]
"""What is known, as JSON has it; times are in the configuration's zone, ISO 8601."""


def outbox_report(setup: Setup, state: State, passages: Mapping[str, Passages], now: float) -> Found:
    """The messages in the order of sending, those in flight first; the Live Activities that wait for a slot, of which
    there is no message; and what the service refused. ``passages``: what the gates let go, by account; of an account
    that is not there, no daemon runs.
    """
    return {
        "at": iso_time(now, setup.config.zone),
        "timezone": setup.config.zone.key,
        "running": bool(passages),
        "messages": list(_messages(setup, state, passages, now)),
        "waiting_for_a_slot": list(_waiting_for_a_slot(state, setup.config.zone)),
        "refused": sorted({str(key) for key, _ in state.outbox.refused}),
    }


def _messages(setup: Setup, state: State, passages: Mapping[str, Passages], now: float) -> Iterator[Found]:
    outbox, zone = fill_lanes(state.outbox, now), setup.config.zone
    in_flight = [claim.queued for claim in outbox.claimed.values()]
    ordered = sorted(in_flight, key=_order) + sorted(outbox.waiting.values(), key=_order)
    for queued in ordered:
        account = queued.message.key.account
        let_go = passages.get(account)
        # An account that is not configured any more only ends what it shows.
        at_once = setup.config.accounts.get(account, setup.config.account).limits.updates_at_once
        found = waiting(outbox, queued, let_go, at_once, now)
        yield _message(queued, found, worth(outbox, queued, now), zone)


def _order(queued: Queued) -> tuple[int, int]:
    return queued.message.priority, queued.id


def _message(queued: Queued, found: Waiting, score: float | None, zone: tzinfo) -> Found:
    message, key, lane = queued.message, queued.message.key, lane_of(queued.message)
    failed = why(key, queued.reason, queued.detail) if queued.reason is not None else ""
    return {
        "account": key.account,
        "kind": kind_of(key),
        "name": key.group if isinstance(key, PushKey) else key.name if not isinstance(key, BadgeKey) else "",
        "key": str(key),
        "says": summary(message, is_plain=queued.is_plain),
        "priority": lane.priority.name.lower(),
        "family": str(lane.family),
        "since": iso_time(message.created, zone),
        "reason": str(found.reason),
        "why": str(found),
        "until": iso_time(found.until, zone),
        "expires_at": iso_time(queued.expires if queued.can_expire else None, zone),
        "attempts": queued.attempts,
        "refusals": queued.refusals,
        "last_failure": failed,
        # It is not known what is shown: it goes before all others.
        "score": None if score is None or math.isinf(score) else score,
    }


def _waiting_for_a_slot(state: State, zone: tzinfo) -> Iterator[Found]:
    for key, problem in sorted(state.not_renderable.items(), key=lambda each: str(each[0])):
        if isinstance(key, StreamKey) and problem.wait is not None:
            until = iso_time(problem.wait.until, zone)
            yield {"account": key.account, "name": key.name, "key": str(key), "why": str(problem), "until": until}

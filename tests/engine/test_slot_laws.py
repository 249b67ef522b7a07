"""Whatever is wanted, and whatever becomes of requests: the service never has more Live Activities than allowed."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaign import rounds
from engine.harness import Harness
from smithd.keys import StreamKey
from smithd.outbox.message import ActivityEnd, ActivityState
from smithd.outbox.settlement import Accept, DeliveryReason, Drop, Retry

T = 1_800_000_000.0
NAMES = "abcdefg"
AT_ONCE = 4

Fate = Literal["accepted", "unknown, arrived", "unknown, lost", "refused", "not sent"]
fates = st.sampled_from(["accepted", "unknown, arrived", "unknown, lost", "refused", "not sent"])
steps = st.lists(
    st.tuples(st.sets(st.sampled_from(NAMES)), st.floats(1, 90), st.lists(fates, max_size=8), st.booleans()), max_size=8
)


def configuration(cool_down: int) -> str:
    rules = [f"  {name}: {{when: 'shop.stock{{house=\"{name}\"}} > 1', severity: warning}}" for name in NAMES]
    streams = [
        f"  {name}: {{type: stats, title: {name}, show: {{while_firing: [{name}]}}, end: {{cool_down: {cool_down}s}},"
        f" stats: [{{label: Orders, value: shop.orders}}]}}"
        for name in NAMES
    ]
    return "\n".join(["rules:", *rules, "live_activities:", *streams, ""])


class Service:
    """What the phone shows, and what a daemon does that knows of it only by answers."""

    def __init__(self) -> None:
        self.streams: set[StreamKey] = set()

    def take(self, harness: Harness, fates: list[Fate]) -> None:
        """Send what may go now, as far as there are fates for it."""
        for fate in fates:
            queued = next(iter(harness.outbox.ready(harness.now)), None)
            if queued is None:
                return
            message = queued.message
            claim = harness.outbox.claim(queued, "any", harness.now)
            if fate in ("accepted", "unknown, arrived"):
                self.arrive(message)
            match fate:
                case "accepted":
                    harness.outbox.settle(claim, Accept(ended=isinstance(message, ActivityEnd)), harness.now)
                case "refused":
                    harness.outbox.settle(claim, Drop(DeliveryReason.REFUSED, ""), harness.now)
                case "not sent":
                    harness.outbox.settle(claim, Retry(harness.now + 5, DeliveryReason.NOT_CONNECTED), harness.now)
                case _:
                    retry = Retry(harness.now + 5, DeliveryReason.NO_ANSWER, sent=True)
                    harness.outbox.settle(claim, retry, harness.now)

    def arrive(self, message: object) -> None:
        if isinstance(message, ActivityState):
            self.streams.add(message.key)
        elif isinstance(message, ActivityEnd):
            self.streams.discard(message.key)
        assert len(self.streams) <= AT_ONCE


@pytest.mark.campaign
@settings(max_examples=rounds(12, 2000), suppress_health_check=list(HealthCheck), deadline=None)
@given(steps, st.sampled_from([0, 30]))
def test_the_service_never_has_more_than_allowed(
    steps: list[tuple[set[str], float, list[Fate], bool]], cool_down: int
) -> None:
    """Each step: which rules fire, how long it takes, what becomes of requests, and whether the daemon restarts."""
    service = Service()
    with tempfile.TemporaryDirectory() as folder:
        now, harness = T, _open(Path(folder), cool_down, T)
        try:
            for firing, seconds, outcomes, restarts in steps:
                now += seconds
                if restarts:
                    harness.__exit__(None, None, None)
                    harness = _open(Path(folder), cool_down, now)
                harness.pass_time(now)
                harness.poll(now, orders=now % 7, stock={name: 7.0 if name in firing else 0.0 for name in NAMES})
                service.take(harness, outcomes)
            harness.pass_time(now + 600)
            service.take(harness, ["accepted"] * 30)
            harness.pass_time(now + 1200)
            service.take(harness, ["accepted"] * 30)
            wanted = set(steps[-1][0]) if steps else set()
            assert {key.name for key in service.streams} <= wanted, "what nobody wants any more has ended"
            if not any("refused" in outcomes for _, _, outcomes, _ in steps):
                assert len(service.streams) == min(AT_ONCE, len(wanted)), "and the free slots are used"
        finally:
            harness.__exit__(None, None, None)


def _open(folder: Path, cool_down: int, now: float) -> Harness:
    return Harness(folder, configuration(cool_down), now)

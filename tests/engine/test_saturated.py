"""A push while widgets use up their limit: from the poll that crosses the threshold to the wire, on virtual time."""

from __future__ import annotations

import math
from heapq import heappop, heappush
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from engine.harness import HEAD, Harness
from smithd.contract.endpoint import Family
from smithd.delivery.account import AccountOptions
from smithd.delivery.choice import AT_ONCE
from smithd.delivery.delivery import AccountDelivery
from smithd.delivery.reply import Accepted
from smithd.delivery.sender import Flight
from smithd.engine.entries import ClaimMessages, SettleClaim
from smithd.keys import DEFAULT_ACCOUNT
from smithd.outbox.message import Push

T = 1_763_906_400.0
LIMIT, WIDGETS, RULES = 20, 40, 20
LIMITED = {"api_key": "ask_test", "limits": {"metrics_per_minute": LIMIT}}
VALUES = "".join(f"  w{n}: {{value: shop.orders, min_interval: 0}}\n" for n in range(WIDGETS))
PUSHES = "".join(f"  r{n}: {{metric: depot.errors, warning: '> {n}', push: true}}\n" for n in range(RULES))
CONFIG = f"widgets:\n{VALUES}rules:\n{PUSHES}"


class Wire:
    """What leaves an engine; each request is accepted after 0.1 to 0.9 seconds. ``pushed``: when each push left."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness
        self._delivery = AccountDelivery(DEFAULT_ACCOUNT, AccountOptions.model_validate(LIMITED), ZoneInfo("UTC"))
        self._chance = Random(6)  # noqa: S311 - a test, no secret
        self._answers: list[tuple[float, int, Flight]] = []
        self._ask_at = math.inf
        self.pushed: list[float] = []
        self.values: list[float] = []

    def run(self, now: float, until: float) -> None:
        """From a poll on: whatever is asked for and answered until then."""
        self._ask(now)
        while (at := min(self._answers[0][0] if self._answers else math.inf, self._ask_at)) <= until:
            while self._answers and self._answers[0][0] <= at:
                flight = heappop(self._answers)[2]
                is_value = flight.request.family is Family.METRICS
                reply = Accepted("set" if is_value else f"n-{flight.claim.sent}")
                self._harness.engine.ask(SettleClaim(at, self._delivery, flight, reply, 0.5, None))
            self._ask(at)

    def _ask(self, now: float) -> None:
        places = AT_ONCE - len(self._answers)
        departures: Any = self._harness.engine.ask(ClaimMessages(now, self._delivery, places, now - T, None))
        self._ask_at = now + departures.ask_again
        for flight in departures.flights:
            heappush(self._answers, (now + self._chance.uniform(0.1, 0.9), flight.claim.sent, flight))
            is_push = isinstance(flight.claim.queued.message, Push)
            (self.pushed if is_push else self.values).append(now)


def test_a_push_is_on_the_wire_within_a_second_of_its_poll_while_widgets_use_up_their_limit(tmp_path: Path) -> None:
    chance, crossed = Random(7), []  # noqa: S311 - a test, no secret
    with Harness(tmp_path, CONFIG, T, HEAD) as harness:
        wire = Wire(harness)
        for turn in range(2 * RULES):
            now = T + 15.0 * turn
            harness.poll(now, orders=turn)
            if turn % 2:
                # The poll of the other source comes at any time between two of the widgets'.
                crossed.append(now + chance.choice([0.0, 0.05, chance.uniform(0, 15)]))
                wire.run(now, crossed[-1])
                harness.poll(crossed[-1], "depot", errors=len(crossed) - 0.5)
                now = crossed[-1]
            wire.run(now, T + 15.0 * (turn + 1))
        assert len(wire.values) > 0.95 * LIMIT * RULES / 2
        assert len(wire.pushed) == len(crossed) == RULES
        assert max(left - at for left, at in zip(wire.pushed, crossed, strict=True)) < 1

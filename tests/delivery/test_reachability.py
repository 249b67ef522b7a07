"""When the service is out of reach, and when it is back: one line a situation."""

from __future__ import annotations

import pytest

from answers import Answer, no, ok, reply_to
from smithd.contract.endpoint import Endpoint
from smithd.delivery.outcome import judge
from smithd.delivery.reachability import PROBE_EVERY, Reachability
from smithd.delivery.reply import NotSent, Reply, Unknown
from smithd.delivery.wire import Request
from smithd.keys import DEFAULT_ACCOUNT, BadgeKey

BADGE = Request(Endpoint.BADGE, "", {"badge": 1}, BadgeKey(DEFAULT_ACCOUNT))
REFUSED, CUT, BUSY, YES = NotSent("refused"), Unknown("cut"), no(503), ok()
Try = tuple[Answer | Reply, float, float]
"""What came of a request, and when it began and ended."""


def after(*tries: Try, start: Reachability = Reachability(), is_probe: bool = False) -> Reachability:  # noqa: B008 - it is frozen
    found = start
    for answer, began, ended in tries:
        outcome = judge(BADGE, reply_to(BADGE, answer), 0, 0.0, 0.5)
        found = found.after(outcome, began, ended, is_probe=is_probe)
    return found


@pytest.mark.parametrize(
    ("tries", "reachable"),
    [
        ([(REFUSED, 1, 1)], True),
        ([(REFUSED, 1, 1), (BUSY, 2, 2)], True),
        ([(REFUSED, 1, 1), (BUSY, 2, 2), (CUT, 3, 3)], False),
        ([(REFUSED, 1, 1), (REFUSED, 2, 2), (YES, 3, 3), (REFUSED, 4, 4), (REFUSED, 5, 5)], True),
        # A refusal, too, is an answer.
        ([(REFUSED, 1, 1), (REFUSED, 2, 2), (no(401), 3, 3), (REFUSED, 4, 4)], True),
        # One that waited for long for nothing says it alone, unless another was answered meanwhile.
        ([(CUT, 1, 26)], False),
        ([(YES, 5, 6), (CUT, 1, 26)], True),
        ([(YES, 0, 0.5), (CUT, 1, 26)], False),
    ],
)
def test_out_of_reach(tries: list[Try], *, reachable: bool) -> None:
    assert after(*tries).is_reachable is reachable


def test_a_probe_may_go_at_once_and_then_every_so_many_seconds() -> None:
    down = after((CUT, 1, 26))
    assert (down.since, down.probe_at, down.was_outage) == (26, 26, False)
    probed = after((CUT, 27, 37), start=down, is_probe=True)
    assert (probed.since, probed.probe_at, probed.was_outage) == (26, 27 + PROBE_EVERY, True)
    # What went out before the outage was noticed says nothing about when to probe.
    assert after((CUT, 10, 38), start=probed).probe_at == probed.probe_at
    back = after((no(422), 39, 40), start=probed, is_probe=True)
    assert (back.is_reachable, back.since, back.unanswered) == (True, 40, 0)

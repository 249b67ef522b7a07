"""What slots promise, over a simulated time: thirty Live Activities on four slots. ``benchmarks`` simulates weeks."""

from __future__ import annotations

import pytest
from benchmarks.slots import promises

from campaign import rounds


@pytest.mark.campaign
def test_slots_keep_their_promises() -> None:
    """Never more than four, no routine start within ``min_hold`` of its own end, six starts an hour and ten where
    criticals need them, no incident waits for longer than two minutes while it could start.
    """
    for name, pairs in promises(0.25 * rounds(1, 28), rounds(2, 20)):
        assert [(worst, allowed) for worst, allowed in pairs if worst > allowed] == [], name

"""The demo's one minute, in a time that jumps."""

from __future__ import annotations

import asyncio
import io

from smithd.demo.demo import run
from virtual_time import run_virtual


def test_within_a_minute_a_visitor_sees_all_that_smithd_does() -> None:
    out = io.StringIO()

    async def minute() -> bool:
        return await run(0, True, asyncio.Event(), out)

    assert run_virtual(minute, real_wait=0.02), out.getvalue()
    assert sum(line.startswith("  ✓ ") for line in out.getvalue().splitlines()) == 7
    # The phone of the other account gets the alert, too.
    assert "checkout-errors (team) sent: Checkout fails" in out.getvalue()

"""How far the tests that search go: a little among the others, far in ``make campaign``."""

from __future__ import annotations

import os

LONG = os.environ.get("SMITHD_CAMPAIGN") == "long"


def rounds(short: int, long: int) -> int:
    """How often a test marked ``campaign`` repeats what it does."""
    return long if LONG else short

"""Slots: the phone holds only so many Live Activities at once. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def grant(wanted: Sequence[str], held: Collection[str], limit: int) -> list[str]:
    """Which of the wanted streams may be on the phone: those that are, then the others in the file's order.

    A stream that leaves keeps its slot until its end was accepted; the gate sees to that.
    """
    staying = [key for key in wanted if key in held]
    waiting = [key for key in wanted if key not in held]
    return (staying + waiting)[:limit]

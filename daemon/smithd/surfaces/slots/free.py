"""The slots that are free, or about to be, while they are allocated. No I/O."""

from __future__ import annotations


class FreeSlots:
    """``count`` slots are free; below zero, as many streams must leave before one is. ``since``: since when those are
    free that were free before (seconds since 1970).
    """

    def __init__(self, count: int, since: tuple[float, ...], now: float) -> None:
        self._now, self._count, self._coming = now, count, 0
        known = since[: max(count, 0)]
        self._since = [*known, *[now] * (count - len(known))]
        self._kept: list[float] = []

    def add(self) -> None:
        """One stream fewer occupies a slot."""
        self._count += 1
        if self._count > 0:
            self._since.append(self._now)

    def expect(self, leaving: int) -> None:
        """That many streams are about to leave the phone."""
        self._coming = max(0, min(leaving, self._count + leaving))

    @property
    def is_any(self) -> bool:
        """Whether a slot is free now."""
        return self._count > 0

    @property
    def is_any_soon(self) -> bool:
        """Whether a slot is free, or about to be."""
        return self._count > 0 or self._coming > 0

    @property
    def longest(self) -> float:
        """Since when one is free for longest."""
        return self._since[0]

    def take_longest(self) -> None:
        """Use the slot that is free for longest."""
        self._count -= 1
        self._since.pop(0)

    def take_newest(self) -> None:
        """Use the slot that is free since last."""
        self._count -= 1
        self._since.pop()

    def take_coming(self) -> None:
        """Use the next slot that becomes free."""
        self._coming -= 1

    def keep(self) -> None:
        """Keep a slot free, for a stream that cannot start yet."""
        if self._count > 0:
            self._count -= 1
            self._kept.append(self._since.pop(0))
        elif self._coming:
            self._coming -= 1

    def all_since(self) -> tuple[float, ...]:
        """Since when slots are free that no stream has taken."""
        return tuple(sorted([*self._kept, *self._since]))

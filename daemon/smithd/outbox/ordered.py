"""An ordered set that never changes: adding to it, or taking out of it, makes a new one that shares most of the old.

Its items are kept in chunks, so that a change copies one chunk and the list of chunks. No I/O.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item", bound=tuple[object, ...])

LARGEST_CHUNK = 128


class Ordered(Generic[Item]):
    """The items in order; each is there once."""

    __slots__ = ("_chunks",)

    def __init__(self, chunks: tuple[tuple[Item, ...], ...] = ()) -> None:
        self._chunks = chunks

    @staticmethod
    def of(items: Sequence[Item]) -> Ordered[Item]:
        """These items, which are in order."""
        # Chunks begin half full, so that adding to one does not split it at once.
        half = LARGEST_CHUNK // 2
        return Ordered(tuple(tuple(items[at : at + half]) for at in range(0, len(items), half)))

    def __iter__(self) -> Iterator[Item]:
        for chunk in self._chunks:
            yield from chunk

    def __len__(self) -> int:
        return sum(map(len, self._chunks))

    def __bool__(self) -> bool:
        return bool(self._chunks)

    @property
    def first(self) -> Item | None:
        """The least item; None where there is none."""
        return self._chunks[0][0] if self._chunks else None

    def add(self, item: Item) -> Ordered[Item]:
        """With this item, which was not there."""
        if not self._chunks:
            return Ordered(((item,),))
        at = self._chunk_of(item)
        chunk = self._chunks[at]
        place = bisect_left(chunk, item)
        grown = (*chunk[:place], item, *chunk[place:])
        # A chunk that is too large becomes two, as in a B-tree; small ones are never joined.
        half = len(grown) // 2
        parts = (grown,) if len(grown) <= LARGEST_CHUNK else (grown[:half], grown[half:])
        return Ordered((*self._chunks[:at], *parts, *self._chunks[at + 1 :]))

    def remove(self, item: Item) -> Ordered[Item]:
        """Without this item, which was there; KeyError where it was not."""
        at = self._chunk_of(item) if self._chunks else 0
        chunk = self._chunks[at] if self._chunks else ()
        place = bisect_left(chunk, item)
        if place == len(chunk) or chunk[place] != item:
            raise KeyError(item)
        rest = (*chunk[:place], *chunk[place + 1 :])
        parts = (rest,) if rest else ()
        return Ordered((*self._chunks[:at], *parts, *self._chunks[at + 1 :]))

    def _chunk_of(self, item: Item) -> int:
        # An item that lies before all others belongs into the first chunk.
        return max(0, bisect_right(self._chunks, item, key=lambda chunk: chunk[0]) - 1)

"""Whether an answer over HTTP comes fast enough for what it costs. No I/O."""

from __future__ import annotations

FREE_CHUNKS = 1_000
SMALL_CHUNK = 64
"""A body of more chunks than that must have that many bytes a chunk on average: each costs as much as a large one."""
FREE_SECONDS = 5.0
FEW_CHUNKS = 20
SLOWEST = 100
"""After the seconds, a body of more than the few chunks must have brought that many bytes a second."""


class BodyPace:
    """Watches one body, which began at ``now`` (monotonic seconds)."""

    def __init__(self, now: float) -> None:
        self._began = now
        self._chunks = 0
        self._size = 0

    def problem(self, size: int, now: float) -> str | None:
        """After a chunk of ``size`` bytes: why no more of the body should be read, if so."""
        self._chunks += 1
        self._size += size
        if self._chunks > FREE_CHUNKS and self._size < self._chunks * SMALL_CHUNK:
            return f"the answer drips: it comes in chunks of {self._size / self._chunks:.0f} bytes"
        seconds = now - self._began
        if self._chunks > FEW_CHUNKS and seconds > FREE_SECONDS and self._size < seconds * SLOWEST:
            return f"the answer drips: {self._size} bytes in {seconds:.0f} s"
        return None

"""The name that was probably meant, and the question "did you mean ...?". No I/O."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches


def nearest(word: str, names: Collection[str], likeness: float = 0.6) -> str | None:
    """The name that is nearest to a word; None where none is near enough.

    Capitals and the signs between words do not count, and the last part of a dotted name may stand for the whole name.
    ``likeness`` is difflib's ratio, from 0 to 1.
    """
    wanted = _plain(word)
    # Comparing is slow, so names of quite another length are left out first.
    near = {_plain(name): name for name in names if abs(len(name) - len(word)) <= 2 + len(word) // 2}
    if wanted in near:
        return near[wanted]
    tails = [name for name in names if wanted and wanted == _plain(name.replace("/", ".").rpartition(".")[2])]
    if tails:
        return tails[0]
    found = get_close_matches(wanted, near, 1, likeness)
    return near[found[0]] if found else None


def did_you_mean(word: str, names: Collection[str], written: str = "'{}'") -> str | None:
    """The question, like ``did you mean 'orders'?``; None where no name is near. ``written``: how the name is shown."""
    near = nearest(word, names)
    return f"did you mean {written.format(near)}?" if near is not None else None


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "").replace(" ", "")

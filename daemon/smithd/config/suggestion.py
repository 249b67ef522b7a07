"""The name that was probably meant."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches


def nearest(word: str, names: Collection[str]) -> str | None:
    """The name that is nearest to a word, None where none is near: capitals and signs between words count for nothing,
    and the last part of a dotted name may stand for the whole.
    """
    wanted = _plain(word)
    near = {_plain(name): name for name in names if abs(len(name) - len(word)) <= 2 + len(word) // 2}
    if wanted in near:
        return near[wanted]
    tails = [name for name in names if wanted and wanted == _plain(name.replace("/", ".").rpartition(".")[2])]
    if tails:
        return tails[0]
    found = get_close_matches(wanted, near, 1, 0.6)
    return near[found[0]] if found else None


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "").replace(" ", "")

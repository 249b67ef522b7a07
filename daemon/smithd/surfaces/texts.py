"""What a surface writes, and how many characters of that the phone shows. No I/O."""

from __future__ import annotations

from typing import NamedTuple

from smithd.references import Path
from smithd.template import Text


class ShownText(NamedTuple):
    """A text of a surface. ``path``: where its options have it; ``what``: what a person calls it; ``text``: what it
    says, or how it writes the value of ``metric`` (None: that is sent as a number); ``width``: how many characters are
    shown; ``ending``: what follows, which is shown, too.
    """

    path: Path
    what: str
    text: str | Text | None
    width: int
    metric: str | None = None
    ending: str = ""

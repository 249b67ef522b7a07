"""What an address of the page asks for: which rows, which account, how it is looked at. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

from smithd.lockscreen import view
from smithd.lockscreen.view import USUAL, View

ROWS = 100
"""How many rows are shown at first."""
MOST_ROWS = 1_000
LONGEST = 1_000
"""Characters of a parameter that are read."""

_NAMES = ("q", "state", "rows", "account", "name", "labels", "span")


@dataclass(frozen=True, slots=True)
class Visit:
    """One address of the page.

    ``q``: words that a row must hold, ``state``: which one it must have, ``rows``: how many are shown; ``name`` and
    ``labels``: the rule or surface, and the matchers of its alerts; ``span``: how much of the past a plot shows.
    """

    page: str
    view: View = USUAL
    q: str = ""
    state: str = ""
    rows: str = ""
    account: str = ""
    name: str = ""
    labels: str = ""
    span: str = ""

    @property
    def most(self) -> int:
        """How many rows are shown."""
        return min(int(self.rows), MOST_ROWS) if self.rows.isascii() and self.rows.isdigit() else ROWS

    @property
    def asked(self) -> dict[str, str]:
        """What it asks for beside the view, without what is empty."""
        return {name: value for name in _NAMES if (value := getattr(self, name))}

    def to(self, page: str, **asked: object) -> str:
        """The address of a page that is looked at as this one, relative to the page's base."""
        given = {name: str(value) for name, value in asked.items() if value not in ("", None)}
        query = urlencode({**given, **self.view.unusual}, quote_via=quote)
        return f"{page or './'}?{query}" if query else page or "./"

    def again(self, **changes: object) -> str:
        """This address, asking for something else, too."""
        return self.to(self.page, **{**self.asked, **changes})

    def seen(self, choice: str, value: str) -> str:
        """This address, looked at in another way."""
        return replace(self, view=self.view.having(choice, value)).again()

    @property
    def fragment(self) -> str:
        """The address of what changes on this page."""
        return self.to(f"live/{self.page}", **self.asked)


def visit(page: str, query: Mapping[str, str]) -> Visit:
    """The visit that an address is; what it does not know is left out."""
    return Visit(page, view.read(query), **{name: query.get(name, "")[:LONGEST] for name in _NAMES})

"""One exchange with the stand-in: what is asked, what is answered, and how a check refuses. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it stood on the wire: ``path`` with the base path and still percent-encoded, ``peer`` its address.

    The headers hold the key, so they are never shown.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = b""
    peer: str = "127.0.0.1"

    def header(self, name: str) -> str | None:
        """The value of a header, whatever the case of its name."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), None)


@dataclass(frozen=True, slots=True)
class Delivery:
    """How an answer goes over the wire; at once and whole, unless a fault was ordered.

    ``delay``: seconds before it begins. ``pace``: bytes of the body in a second. ``cut``: the connection is closed
    after this many bytes of the body. ``dropped``: it is closed instead of answering. ``garbage``: what is sent is no
    HTTP.
    """

    delay: float = 0.0
    pace: float | None = None
    cut: int | None = None
    dropped: bool = False
    garbage: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service says: JSON, and in ``note`` the same in a few words for the log.

    ``text`` is sent in the place of the JSON, as it is.
    """

    status: int
    headers: Mapping[str, str]
    body: Any
    note: str = ""
    text: str | None = None
    delivery: Delivery = Delivery()


@dataclass(frozen=True, slots=True)
class Seen:
    """One request with its verdict, at ``at`` (seconds since 1970); as text, one printable line."""

    call: Call
    answer: Answer
    at: float

    @property
    def mark(self) -> str:
        """What came back: the status, or that there was none."""
        if self.answer.delivery.garbage:
            return "noise"
        return "cut" if self.answer.delivery.dropped else str(self.answer.status)

    def __str__(self) -> str:
        line = f"{self.mark:<3} {self.call.method} {self.call.path}  {self.answer.note}"
        # The text comes from any client: it must not drive the terminal, nor make two lines of one.
        return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line)


class Refused(Exception):
    """The one way out of a check: the request is answered with this and changes nothing further.

    ``error`` and ``code`` are what a client can act on, ``message`` is for people, ``more`` are further fields.
    """

    def __init__(self, status: int, error: str, message: str | None = None, **more: Any) -> None:
        super().__init__(error)
        self.status = status
        self.body: Json = {"error": error} | ({} if message is None else {"message": message}) | more
        self.note = error if message is None else f"{error}: {message}"
        self.headers: dict[str, str] = {}


def accepted(body: Json, note: str) -> Answer:
    """The answer to a request that was taken."""
    return Answer(200, {}, {"success": True} | body, note)


def iso(at: float) -> str:
    """A moment (seconds since 1970) as the service writes it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

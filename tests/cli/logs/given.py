"""Every kind of event with given texts, and the log in a format, read back."""

from __future__ import annotations

import json
import logging
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_type_hints

from fakes import FakeClock
from smithd.cli.logs.writing import LogHandler, write_logs
from smithd.events import Condition, Event, Measurement
from smithd.keys import PushKey, WidgetKey
from smithd.redactor import Redactor
from smithd.storage import events as _of_the_state  # noqa: F401 - its events are kinds too


def kinds(kind: type[Event] = Event) -> Iterator[type[Event]]:
    """Every kind of event of smithd itself that the log has a line of."""
    for each in kind.__subclasses__():
        # A dataclass with slots is made anew, and the class before it is still there.
        is_of_ours = getattr(sys.modules[each.__module__], each.__name__, None) is each
        if is_of_ours and each is not Measurement:
            if each is not Condition and each.__module__ in ("smithd.events", "smithd.storage.events"):
                yield each
            yield from kinds(each)


def made(kind: type[Event], text: str, number: int = 3) -> Event:
    """An event whose texts are ``text``, in its keys too."""
    values: dict[Any, Any] = {str: text, int: number, float: float(number), bool: False}
    names = [name for name, hint in get_type_hints(kind).items() if "ClassVar" not in str(hint)]
    hints = get_type_hints(kind)
    key = PushKey(text, text, 1.0, 1) if kind.__name__ == "SendDropped" else WidgetKey(text, text)
    return kind(**{name: values.get(hints[name], key) for name in names})


def fields_of(datagram: bytes) -> dict[str, str]:
    """The fields of an entry in the journal's protocol, as systemd reads them."""
    found: dict[str, str] = {}
    while datagram:
        line, _, rest = datagram.partition(b"\n")
        if b"=" in line:
            name, _, value = line.partition(b"=")
        else:
            name, (length,) = line, struct.unpack("<Q", rest[:8])
            value, after, rest = rest[8 : 8 + length], rest[8 + length : 9 + length], rest[9 + length :]
            assert after == b"\n"
        found[name.decode()] = value.decode()
        datagram = rest
    return found


class Journald:
    """Stands in for journald: a socket at its path."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "socket"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._socket.settimeout(5)

    def read(self) -> dict[str, str]:
        """The next entry, also one that came as a file."""
        message, descriptors, _, _ = socket.recv_fds(self._socket, 1 << 20, 1)
        if not descriptors:
            return fields_of(message)
        with open(descriptors[0], "rb") as file:
            file.seek(0)
            return fields_of(file.read())

    def close(self) -> None:
        self._socket.close()


@contextmanager
def handled(
    redactor: Redactor, form: str, clock: FakeClock | None = None, to_journal: Path = Path("/nonexistent")
) -> Iterator[LogHandler]:
    """The log ``smithd`` written in a format, from its first level on, and as it was afterwards."""
    log = logging.getLogger("smithd")
    before = list(log.handlers), log.propagate, log.level
    log.handlers = []
    log.setLevel(logging.DEBUG)
    try:
        yield write_logs(redactor, clock or FakeClock(), form=form, to_journal=to_journal)
    finally:
        log.handlers, log.propagate = before[:2]
        log.setLevel(before[2])


def objects(text: str) -> list[dict[str, Any]]:
    """The objects of a log in JSON; a text that is no JSON fails."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return [json.loads(line, parse_constant=refuse) for line in text.splitlines()]

"""Writes to the journal by its own protocol, with fields (https://systemd.io/JOURNAL_NATIVE_PROTOCOL)."""

from __future__ import annotations

import array
import errno
import fcntl
import os
import socket
import struct
import sys
from pathlib import Path

from smithd.cli.logs.entry import LogMessage, Value
from smithd.cli.logs.formats import NOTICE, PRIORITIES

SOCKET = Path("/run/systemd/journal/socket")
IDENTIFIER = "smithd"

_TOO_LARGE = (errno.EMSGSIZE, errno.ENOBUFS)


def is_stderr() -> bool:
    """Whether stderr is the journal: systemd names its device and inode (systemd.exec(5), $JOURNAL_STREAM)."""
    try:
        found = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def send(entry: LogMessage, path: Path) -> None:
    """Write an entry to the journal's socket; OSError where nobody listens there. The journal itself knows the time,
    the unit and the process.
    """
    message = datagram(entry)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        try:
            sender.sendto(message, str(path))
        except OSError as error:
            if error.errno not in _TOO_LARGE:
                raise
            _send_as_file(message, sender, path)


def _send_as_file(message: bytes, sender: socket.socket, path: Path) -> None:
    """What is too large for a datagram is handed over as a file in memory, which nobody can change any more."""
    with os.fdopen(os.memfd_create(IDENTIFIER, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "wb") as file:
        file.write(message)
        file.flush()
        seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, seals)
        descriptor = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file.fileno()]))
        sender.sendmsg([b""], [descriptor], 0, str(path))


def datagram(entry: LogMessage) -> bytes:
    """An entry in the journal's protocol."""
    of_ours = {"part": entry.part, "event": entry.event or None, **entry.fields}
    fields: dict[str, Value] = {
        "MESSAGE": "\n".join(entry.lines),
        "PRIORITY": PRIORITIES.get(entry.level, NOTICE),
        "SYSLOG_IDENTIFIER": IDENTIFIER,
        **{f"SMITHD_{name.upper()}": value for name, value in of_ours.items()},
    }
    return b"".join(_field(name, str(value)) for name, value in fields.items() if value is not None)


def _field(name: str, value: str) -> bytes:
    """A field with the length of its value before it, so that a line feed in it begins no other field."""
    octets = value.encode()
    return name.encode() + b"\n" + struct.pack("<Q", len(octets)) + octets + b"\n"

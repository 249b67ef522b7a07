"""Notifies the service manager (systemd)."""

from __future__ import annotations

import os
import socket
from contextlib import suppress


def notify(*assignments: str) -> None:
    """Send ``assignments`` to systemd where it asked for them (sd_notify(3): a datagram to ``$NOTIFY_SOCKET``). A
    socket that does not answer is no reason to stop.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifications:
        # The name of an abstract socket begins with @ in the variable, and with a zero byte in the address.
        notifications.connect("\0" + address[1:] if address.startswith("@") else address)
        notifications.sendall("\n".join(assignments).encode())


def is_there() -> bool:
    """Whether a service manager listens."""
    return bool(os.environ.get("NOTIFY_SOCKET"))


def watchdog() -> float | None:
    """The seconds after which the service manager ends a process of which it has heard nothing; None: it does not
    (sd_watchdog_enabled(3)).
    """
    pid, microseconds = os.environ.get("WATCHDOG_PID"), os.environ.get("WATCHDOG_USEC", "")
    is_ours = pid is None or pid == str(os.getpid())
    return int(microseconds) / 1e6 if is_ours and microseconds.isdecimal() and int(microseconds) else None

"""What the service manager is told."""

from __future__ import annotations

import os
import socket
from contextlib import suppress


def notify(*assignments: str) -> None:
    """Tell systemd, where it asked to be told (sd_notify(3): a datagram to ``$NOTIFY_SOCKET``). If nobody listens
    there, that is no reason to stop.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notifications:
        notifications.connect("\0" + address[1:] if address.startswith("@") else address)
        notifications.sendall("\n".join(assignments).encode())

"""A client of the stand-in that sends exactly what it is told, over HTTP on loopback."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from typing import Any

from fakes import FakeClock
from smithd.simulator.service import Service

KEY = "ask_test"


@dataclass
class Reply:
    """What came back over HTTP."""

    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class Wire:
    """A connection to a stand-in whose clock stands still unless it is moved."""

    service: Service
    clock: FakeClock
    connection: http.client.HTTPConnection
    headers: dict[str, str] = field(default_factory=lambda: {"Authorization": f"Bearer {KEY}"})

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str | None] | None = None) -> Reply:
        """Send a request below the base path, the body as JSON; a header of None is left out."""
        content = None if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", **self.headers, **(headers or {})}
        self.connection.request(method, f"/api{path}", content, {k: v for k, v in sent.items() if v is not None})
        response = self.connection.getresponse()
        return Reply(response.status, dict(response.getheaders()), json.loads(response.read()))

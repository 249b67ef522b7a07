"""A client of the stand-in that sends exactly what it is given, over HTTP on loopback."""

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
        reply = self.send(method, f"/api{path}", content, {k: v for k, v in sent.items() if v is not None})
        return Reply(reply.status, reply.headers, json.loads(reply.body))

    def order(self, method: str, path: str, document: Any = None) -> Reply:
        """Use the control API, as curl does."""
        content = None if document is None else json.dumps(document).encode()
        reply = self.send(method, f"/control{path}", content, {"Content-Type": "application/json"})
        return Reply(reply.status, reply.headers, json.loads(reply.body))

    def send(
        self, method: str, path: str, content: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """Send a request as it is given; the reply's body is bytes. Afterwards the connection is good for another."""
        try:
            self.connection.request(method, path, content, headers or {})
            response = self.connection.getresponse()
            return Reply(response.status, dict(response.getheaders()), response.read())
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise

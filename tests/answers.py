"""Answers of the service, made up by tests, and how the client reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from smithd.delivery import reply
from smithd.delivery.reply import Reply
from smithd.delivery.wire import Request


class Answer(NamedTuple):
    """An answer as it comes over HTTP."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""


def ok(**fields: Any) -> Answer:
    """The service took it."""
    return Answer(200, {}, json.dumps({"success": True, **fields}).encode())


def no(status: int, headers: Mapping[str, str] | None = None, **fields: Any) -> Answer:
    """The service did not."""
    return Answer(status, headers or {}, json.dumps({"error": "no", **fields}).encode())


def reply_to(request: Request, answer: Answer | Reply, now: float = 0.0) -> Reply:
    """How the client reads an answer to a request."""
    if isinstance(answer, Answer):
        return reply.read(request.endpoint, answer.status, answer.headers, answer.body, now)
    return answer

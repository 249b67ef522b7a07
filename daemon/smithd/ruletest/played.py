"""The result of a test. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from smithd.alerts.alert import Alert
from smithd.contract.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class Sent:
    """One request: when it went out, in seconds since the start, its body as it was on the wire, and why the service
    refused it, if it did.
    """

    at: float
    account: str
    endpoint: Endpoint
    name: str
    body: Any
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Played:
    """The result of a test that began at ``start`` (seconds since 1970): the requests, the alerts at the times that
    were asked for, and the alerts' transitions.
    """

    start: float
    sent: list[Sent] = field(default_factory=list)
    alerts: dict[float, list[Alert]] = field(default_factory=dict)
    transitions: list[tuple[float, str]] = field(default_factory=list)

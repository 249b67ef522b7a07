"""The stand-in for ActivitySmith as one function: a call and the time go in, an answer comes out. Pure.

What it does is what the service's documentation says; where that is silent, the reading that is hardest on a client.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from smithd.simulator import badge, body, contract, legacy, limits, metrics, notifications, router, screen, streams
from smithd.simulator.exchange import Answer, Call, Refused, Seen
from smithd.simulator.limits import Meter
from smithd.simulator.request import Request
from smithd.simulator.state import State

Listener = Callable[[Seen], None]

_HANDLERS: dict[str, Callable[[State, Request], Answer]] = {
    "push-notification-send": notifications.send,
    "push-notification-replace": notifications.replace,
    "live-activity-stream-put": streams.put,
    "live-activity-stream-delete": streams.delete,
    "live-activity-start": legacy.start,
    "live-activity-update": legacy.update,
    "live-activity-end": legacy.end,
    "badge": badge.update,
    "metric-value": metrics.post_value,
}

_WITHOUT_METERS = (401, 402)


class Service:
    """The service of one account; ``on_request`` is told of every request with its verdict, and must not raise."""

    def __init__(self, state: State | None = None, on_request: Listener | None = None) -> None:
        self.state = state or State()
        self._on_request = on_request

    def handle(self, call: Call, now: float) -> Answer:
        """Answer a call that came at ``now`` (seconds since 1970). Never raises; it is refused or it is done."""
        meters: list[Meter] = []
        try:
            answer = self._admit(call, now, meters)
        except Refused as refusal:
            answer = refusal.answer()
        if answer.status not in _WITHOUT_METERS:
            answer = replace(answer, headers=limits.headers(meters) | dict(answer.headers))
        if self._on_request is not None:
            self._on_request(Seen(call, answer, now))
        return answer

    def screen(self, now: float, device: str | None = None) -> screen.Screen:
        """What a phone shows (the account's first, unless it is named); KeyError where there is none of that name."""
        for phone in self.state.devices:
            if device in (None, phone.name):
                return screen.screen(self.state, phone, now)
        raise KeyError(device)

    def _admit(self, call: Call, now: float, meters: list[Meter]) -> Answer:
        route = router.find(call.method, call.path)
        state, endpoint = self.state, route.endpoint
        meters.append(limits.count_address(state.windows, endpoint.family, call.peer, now))
        limits.check(meters[-1])
        scope = self._scope(call)
        meters.append(limits.count_account(state.windows, endpoint.family, state.rate_mode, now))
        limits.check(meters[-1])
        param = contract.path_param(endpoint.param, route.segment) if endpoint.param else ""
        return _HANDLERS[endpoint.name](state, Request(param, body.read(call), scope, now))

    def _scope(self, call: Call) -> tuple[str, ...] | None:
        """The channels that the call's key is confined to. Raises Refused (401)."""
        scheme, _, key = (call.header("Authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise Refused(401, "Unauthorized", "the header 'Authorization: Bearer <key>' is missing")
        if key.strip() not in self.state.keys:
            raise Refused(401, "Unauthorized", "the key is unknown")
        return self.state.keys[key.strip()]

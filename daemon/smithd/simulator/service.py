"""The stand-in for ActivitySmith as one function: a call and the time go in, an answer comes out. No I/O.

What it does is what the service's documentation says; where that is silent, it is strict. See docs/simulator.md.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from smithd.simulator import badge, body, contract, legacy, limits, metrics, notifications, router, screen, streams
from smithd.simulator.exchange import Answer, Call, Refused, Seen
from smithd.simulator.faults import Faults
from smithd.simulator.limits import Meter, Quota, RateMode
from smithd.simulator.request import ServiceRequest
from smithd.simulator.state import Device, ServiceState

NO_PHONE = Device("", "")
Listener = Callable[[Seen], None]

_HANDLERS: dict[str, Callable[[ServiceState, ServiceRequest], Answer]] = {
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

# The contract lists no rate headers for 402, and no 401 at all (sections 3 and 9.1).
_WITHOUT_METERS = (401, 402)
KEPT_REQUESTS = 500


class Service:
    """The service of one account; ``on_request`` is called with every request and its verdict, and must not raise.

    ``ahead``: by how many seconds its clock is ahead of the one that it is handed. ``seen``: the newest requests.
    """

    def __init__(
        self, state: ServiceState | None = None, on_request: Listener | None = None, ahead: float = 0.0
    ) -> None:
        self.state = state or ServiceState()
        self.faults = Faults()
        self.seen: deque[Seen] = deque(maxlen=KEPT_REQUESTS)
        self.ahead = self._first_ahead = ahead
        self._first = copy.deepcopy(self.state)
        self._on_request = on_request

    def handle(self, call: Call, at: float) -> Answer:
        """Answer a call that came at ``at`` (seconds since 1970). Never raises; it is refused or it is done."""
        now = at + self.ahead
        fault = self.faults.take(call)
        if fault is None:
            answer = self._answer(call, now)
        else:
            answer = fault.spoil(self._answer(call, now) if fault.takes_effect else None)
        seen = Seen(call, answer, now)
        self.seen.append(seen)
        if self._on_request is not None:
            self._on_request(seen)
        return answer

    def screen(self, at: float, device: str | None = None) -> screen.ScreenDocument:
        """What a phone shows: the account's first, unless it is named. KeyError where there is none of that name."""
        phones = {phone.name: phone for phone in self.state.devices}
        named = phones[device] if device is not None else next(iter(phones.values()), NO_PHONE)
        return screen.screen(self.state, named, at + self.ahead)

    def reset(self) -> None:
        """Go back to the start: its account and its clock, no faults, no requests."""
        self.state = copy.deepcopy(self._first)
        self.faults.clear()
        self.seen.clear()
        self.ahead = self._first_ahead

    def _answer(self, call: Call, now: float) -> Answer:
        meters: list[Meter] = []
        try:
            answer = self._admit(call, now, meters)
        except Refused as refusal:
            answer = Answer(refusal.status, refusal.headers, refusal.body, f"refused: {refusal.note}")
        if answer.status in _WITHOUT_METERS:
            return answer
        return replace(answer, headers=limits.headers(meters) | dict(answer.headers))

    def _admit(self, call: Call, now: float, meters: list[Meter]) -> Answer:
        self.state.settle(now)
        # A path that means nothing belongs to no family, so it is not counted.
        route = router.find(call.method, call.path)
        endpoint = route.endpoint
        # The address is counted before the key is looked at, so that wrong keys count too; the account after it.
        self._count(limits.of_address(endpoint.family, call.peer), now, meters)
        scheme, _, key = (call.header("Authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise Refused(401, "Unauthorized", "the header 'Authorization: Bearer <key>' is missing")
        if key.strip() not in self.state.keys:
            raise Refused(401, "Unauthorized", "the key is unknown")
        self._count(limits.of_account(endpoint.family, self.state.rate_mode), now, meters)
        param = contract.path_param(endpoint.param, route.segment) if endpoint.param else ""
        request = ServiceRequest(param, body.read(call), scope=self.state.keys[key.strip()], now=now)
        return _HANDLERS[endpoint.name](self.state, request)

    def _count(self, quota: Quota, now: float, meters: list[Meter]) -> None:
        if self.state.rate_mode is not RateMode.OFF:
            meters.append(limits.count(self.state.windows, quota, now))
            limits.check(meters[-1])

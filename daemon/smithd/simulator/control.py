"""The control API's orders: each takes the service, the document that came with it and the time. No I/O.

They stand below ``/control``, apart from the service's own paths. A query is read as a document too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from smithd.simulator import account, body, contract
from smithd.simulator.exchange import Call, Json, Refused, Seen, iso
from smithd.simulator.service import Service

FARTHEST = 100 * 365 * 86400


@dataclass(frozen=True, slots=True)
class Order:
    """``run`` answers JSON, or raises Refused; ``what`` describes it in the list of orders."""

    method: str
    path: str
    what: str
    run: Callable[[Service, Json, float], Any]


def run(order: Order, service: Service, call: Call, query: Mapping[str, str], at: float) -> tuple[int, Any]:
    """The status and the JSON that answer this order, at ``at`` (seconds since 1970)."""
    try:
        return 200, order.run(service, dict(query) | (body.read(call) or {}), at)
    except Refused as refusal:
        return refusal.status, refusal.body


def described(seen: Seen) -> Json:
    """A request with its verdict, without the key; its body as text where it is no JSON object."""
    call, answer = seen.call, seen.answer
    try:
        document: Any = body.read(call)
    except Refused:
        document = call.body.decode(errors="replace")
    return {
        "at": iso(seen.at),
        "method": call.method,
        "path": call.path,
        "body": document,
        "status": answer.status if seen.mark == str(answer.status) else None,
        "verdict": answer.note,
        "answer": answer.body if answer.text is None else answer.text,
        "headers": dict(answer.headers),
    }


def _screen(service: Service, document: Json, at: float) -> Any:
    device = document.get("device")
    try:
        return service.screen(at, device)
    except KeyError:
        raise Refused(404, "Unknown device", f"the account has no device {device}") from None


def _change(service: Service, document: Json, at: float) -> Any:
    service.state = account.change(service.state, document, at + service.ahead)
    return account.describe(service.state)


def _order_fault(service: Service, document: Json, _: float) -> Any:
    service.faults.order(document)
    return service.faults.as_json()


def _clock(service: Service, document: Json, at: float) -> Any:
    if document:
        contract.check_shape("clock", document)
        ahead = service.ahead + document["advance"]
        if abs(ahead) > FARTHEST:
            raise Refused(400, "Invalid clock", f"{ahead} s is farther than a century")
        service.ahead = ahead
    return {"now": iso(at + service.ahead), "ahead": service.ahead}


def _reset(service: Service, *_: Any) -> Any:
    service.reset()
    return account.describe(service.state)


ORDERS: tuple[Order, ...] = (
    Order("GET", "/control", "what there is", lambda *_: {f"{o.method} {o.path}": o.what for o in ORDERS}),
    Order("GET", "/control/screen", "what the phone shows; ?device=NAME for another", _screen),
    Order("GET", "/control/account", "the account", lambda service, *_: account.describe(service.state)),
    Order("PATCH", "/control/account", "change the account", _change),
    Order(
        "GET", "/control/requests", "the newest requests", lambda service, *_: [described(one) for one in service.seen]
    ),
    Order("DELETE", "/control/requests", "forget them", lambda service, *_: service.seen.clear()),
    Order("GET", "/control/faults", "the faults that are ordered", lambda service, *_: service.faults.as_json()),
    Order("POST", "/control/faults", "order a fault", _order_fault),
    Order("DELETE", "/control/faults", "forget them", lambda service, *_: service.faults.clear()),
    Order("GET", "/control/clock", "the simulator's time", _clock),
    Order("POST", "/control/clock", "move it: {advance: seconds}", _clock),
    Order("POST", "/control/reset", "be as at the start", _reset),
)

"""Faults to order: what goes wrong in a network and a service. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus

from smithd.simulator import contract, router
from smithd.simulator.exchange import Answer, Call, Delivery, Json, Refused

# The server sets these itself; ``cut`` and ``drop`` are the ways to break an answer.
_FRAMING = ("connection", "content-length", "transfer-encoding")
_EXCLUDED = {"drop": ("status", "pace", "cut", "garbage"), "garbage": ("status", "pace", "cut"), "text": ("body",)}
_KINDS = ("delay", "drop", "status", "pace", "cut", "garbage")


@dataclass(slots=True)
class OrderedFault:
    """One order; ``document`` is how it was given, ``left`` how often it still strikes (None: until it is removed).

    ``skip``: how many requests it lets pass first. ``takes_effect``: whether the request is carried out.
    """

    document: Json
    left: int | None
    skip: int
    takes_effect: bool

    def strikes(self, endpoint: str) -> bool:
        """Whether this request meets the fault; counts it."""
        if endpoint not in self.document.get("on", [endpoint]):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.left is not None:
            self.left -= 1
        return True

    def spoil(self, answer: Answer | None) -> Answer:
        """The answer that is given; None where the request was not carried out."""
        order = self.document
        delivery = Delivery(
            delay=float(order.get("delay", 0)),
            pace=order.get("pace"),
            cut=None if "cut" not in order else int(order["cut"]),
            dropped="drop" in order,
            garbage=order.get("garbage", False),
        )
        done = "the request was ignored" if answer is None else answer.note
        if answer is None or "status" in order:
            # JSON may say 503.0.
            status = int(order.get("status", 200))
            # An order may name any status, also one that the standard library has no name for.
            phrase = next((known.phrase for known in HTTPStatus if known == status), f"Status {status}")
            body = order.get("body", {"error": phrase, "message": "a fault that was ordered"})
            answer = Answer(status, order.get("headers", {}), body, text=order.get("text"))

        words = [f"{name} {order[name]}" for name in ("status", "delay", "pace", "cut") if name in order]
        words += ["garbage"] if order.get("garbage") else []
        words += [f"dropped {order['drop']} it took effect"] if "drop" in order else []
        return replace(answer, delivery=delivery, note=f"by order: {', '.join(words)}; {done}")


class Faults:
    """The orders that stand; each request meets at most one, the oldest that fits."""

    def __init__(self) -> None:
        self._orders: list[OrderedFault] = []

    def order(self, document: Json) -> None:
        """Take an order. Raises Refused (400) where it makes no sense."""
        if isinstance(document.get("on"), str):
            document = document | {"on": [document["on"]]}
        contract.check_shape("fault", document)

        if document.keys().isdisjoint(_KINDS):
            raise _senseless(f"order one of: {', '.join(_KINDS)}")
        if "takes_effect" in document and document.keys().isdisjoint(("status", "garbage")):
            raise _senseless("takes_effect goes with status or garbage")
        for name, excluded in _EXCLUDED.items():
            clash = [other for other in excluded if name in document and other in document]
            if clash:
                raise _senseless(f"{name} does not go with {clash[0]}")
        set_here = [name for name in document.get("headers", ()) if name.lower() in _FRAMING]
        if set_here:
            raise _senseless(f"{set_here[0]} is set by the simulator itself; see cut and drop")

        # A status stands for a service that did nothing; a lost, cut or spoilt answer is one to what was done.
        takes_effect = document.get("takes_effect", "status" not in document) and document.get("drop") != "before"
        self._orders.append(OrderedFault(document, document.get("times", 1), document.get("skip", 0), takes_effect))

    def take(self, call: Call) -> OrderedFault | None:
        """The fault that this request meets."""
        if not self._orders:
            return None
        try:
            endpoint = router.find(call.method, call.path).endpoint.name
        # A fault names endpoints, and this request is for none.
        except Refused:
            return None
        # ``strikes`` counts, so the search ends with the first that does: the others are not used up.
        struck = next((fault for fault in self._orders if fault.strikes(endpoint)), None)
        self._orders = [fault for fault in self._orders if fault.left != 0]
        return struck

    def clear(self) -> None:
        """Forget all orders."""
        self._orders.clear()

    def as_json(self) -> list[Json]:
        """The orders that stand, each with what is left of it, the oldest first."""
        return [fault.document | {"times": fault.left, "skip": fault.skip} for fault in self._orders]


def _senseless(why: str) -> Refused:
    return Refused(400, "Invalid fault", why)

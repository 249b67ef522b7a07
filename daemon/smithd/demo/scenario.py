"""What happens in the shop: its figures as a function of the seconds since it opened. No I/O.

Trouble comes in rounds of two and a half minutes, each of another kind: it begins at second 14, is at its worst from
24 to 33 and over at 36. So within the first minute an alert fires and is resolved.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

ROUND = 150.0
_BEGINS, _WORST, _MENDS, _OVER = 14.0, 24.0, 33.0, 36.0
_DEPLOY = ((4.0, "queued"), (6.0, "building"), (9.0, "testing"), (12.0, "live"), (18.0, ""))
"""The steps of a round's deploy, each from its second on."""


class Trouble(Enum):
    """The kinds of trouble, in the order of the rounds, with its announcement when it begins and when it ends."""

    ERRORS = ("A bad deploy: the checkout begins to fail", "The deploy is rolled back")
    SLOWNESS = ("The payment provider becomes slow", "The payment provider is quick again")
    STOCK = ("A run on the warehouse in Lyon", "A lorry arrives in Lyon")
    OUTAGE = ("The shop's statistics stop answering", "The shop's statistics answer again")


_KINDS = tuple(Trouble)


@dataclass(frozen=True, slots=True)
class Figures:
    """The shop at one moment; ``answers`` is False while it answers no request. Money in cents, latency in ms."""

    orders: int
    revenue: int
    visitors: int
    error_percent: float
    latency: int
    stock: dict[str, int]
    deploy: tuple[int, str] | None = None
    """The number of the deploy that is going on, and the step that it has come to."""
    answers: bool = True

    def as_json(self) -> dict[str, Any]:
        """What the shop's address answers."""
        return {
            "currency": "EUR",
            "orders": {"today": self.orders},
            "revenue": {"today_cents": self.revenue},
            "visitors": {"now": self.visitors},
            "checkout": {"error_percent": self.error_percent, "latency_ms": self.latency},
            "warehouses": [{"name": name, "stock": stock} for name, stock in self.stock.items()],
            "deploys": [{"number": number, "step": step} for number, step in ([self.deploy] if self.deploy else [])],
        }


def figures(elapsed: float) -> Figures:
    """The shop ``elapsed`` seconds after it opened."""
    number, moment = divmod(max(0.0, elapsed), ROUND)
    kind = _KINDS[int(number) % len(_KINDS)]
    trouble = severity(moment) * (1 + 0.12 * math.sin(2.4 * number))
    errors = 11.6 * trouble if kind is Trouble.ERRORS else 0.0
    slowness = 1900 * trouble if kind is Trouble.SLOWNESS else 240 * errors / 11.6
    # One order every three seconds, and hardly any while there is trouble: the integral of a rate, which only grows.
    troubled = number * _troubled(ROUND) + _troubled(moment)
    orders = 184 + math.floor(0.33 * (elapsed - 0.9 * troubled))
    sold = orders % 40
    in_lyon = 64 - sold // 4
    if kind is Trouble.STOCK:
        in_lyon = round(in_lyon - (in_lyon - 3) * severity(moment))
    return Figures(
        orders=orders,
        revenue=round(4130 * orders + 1500 * math.sin(1.7 * orders)),
        visitors=round(87 + 9 * math.sin(elapsed / 13) + 4 * math.sin(elapsed / 4.1) - 20 * severity(moment)),
        error_percent=round(0.42 + 0.14 * math.sin(elapsed / 5) + errors, 2),
        latency=round(212 + 18 * math.sin(elapsed / 7) + slowness),
        stock={"Berlin": 412 - sold, "Porto": 188 - sold // 2, "Lyon": in_lyon},
        deploy=_deploy(418 + int(number), moment, kind),
        answers=not (kind is Trouble.OUTAGE and _BEGINS <= moment < _MENDS),
    )


def severity(moment: float) -> float:
    """How severe the trouble is at this moment of a round: 0 is none, 1 is the worst."""
    rising = (moment - _BEGINS) / (_WORST - _BEGINS)
    falling = (_OVER - moment) / (_OVER - _MENDS)
    return max(0.0, min(1.0, rising, falling))


def _deploy(number: int, moment: float, kind: Trouble) -> tuple[int, str] | None:
    """The deploy of a round at this moment; a bad one is live until it is rolled back."""
    if kind is Trouble.ERRORS and moment >= _BEGINS:
        step = "live" if moment < _MENDS else "rolled back" if moment < _OVER else ""
    else:
        step = next((step for begins, step in reversed(_DEPLOY) if begins <= moment), "")
    return (number, step) if step else None


def announcements(since: float, until: float) -> Iterator[str]:
    """What the shop announced after ``since`` and up to ``until`` (seconds since it opened)."""
    for number in range(int(since // ROUND), int(until // ROUND) + 1):
        begun, mended = _KINDS[number % len(_KINDS)].value
        for moment, text in ((_BEGINS, begun), (_MENDS, mended)):
            if since < number * ROUND + moment <= until:
                yield text


def _troubled(moment: float) -> float:
    """The integral of ``severity`` from the beginning of a round to this moment."""
    rising = min(max(moment - _BEGINS, 0.0), _WORST - _BEGINS)
    worst = min(max(moment - _WORST, 0.0), _MENDS - _WORST)
    falling = min(max(moment - _MENDS, 0.0), _OVER - _MENDS)
    fallen = falling - falling**2 / (2 * (_OVER - _MENDS))
    return rising**2 / (2 * (_WORST - _BEGINS)) + worst + fallen

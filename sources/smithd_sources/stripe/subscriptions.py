"""The subscriptions of an account, kept up to date: all are read again and again, or only those that changed.

An account of a few pages is read as a whole at each poll. A larger one is read as a whole every six hours; in between,
Stripe's events name the subscriptions that changed, and only those are read again. Where the key may not read events,
all are read at every poll.

A subscription does not show everything that its worth depends on: tiers of prices, prices in another currency, coupons,
and items beyond the first ten or so. These are asked for besides, and kept for six hours.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from smithd.plugin import BadResponse
from smithd_sources.stripe.api import Api, OutOfTime
from smithd_sources.stripe.errors import StripeRefused
from smithd_sources.stripe.lists import FEW, OVERLAP, ApiObject, Listing, ResumableListing
from smithd_sources.stripe.money import whole
from smithd_sources.stripe.mrr import Subscription
from smithd_sources.stripe.periods import DAY
from smithd_sources.stripe.subscription_figures import CHURN_DAYS
from smithd_sources.stripe.subscription_parser import (
    currency_of,
    hides_a_coupon,
    needed_coupons,
    needed_prices,
    parse_subscription,
)

WHOLE_AGAIN = 21_600
"""Seconds after which a large account is read as a whole again, and prices and coupons are asked for again."""
_EVENTS = [f"customer.subscription.{what}" for what in ("created", "updated", "deleted", "paused", "resumed")]
_NOT_FOUND = 404
_MISSHAPEN = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)


class SubscriptionChange(NamedTuple):
    """An event of a subscription: when it happened, and the subscription's id."""

    created: int
    subscription: str


@dataclass
class _Details:
    """What was asked for besides the subscriptions. Kept for hours only: a deleted coupon's name may be used again."""

    since: float = float("-inf")
    prices: dict[tuple[str, str], ApiObject] = field(default_factory=dict)
    """By id, and the currency that they are sold in."""
    coupons: dict[str, ApiObject] = field(default_factory=dict)
    deleted_coupons: set[str] = field(default_factory=set)
    items: dict[str, list[ApiObject]] = field(default_factory=dict)
    """Of subscriptions on the page that is being read, so that the next poll need not ask again."""


class Subscriptions:
    """Reads and keeps the subscriptions that run, and (where churn is configured) those that ended lately."""

    def __init__(self, api: Api, log: logging.Logger, *, cap: int, discounts: bool, with_ended: bool) -> None:
        """``discounts``: whether discounts are needed, and so the permission to read coupons."""
        self._api = api
        self._log = log
        self._cap = cap
        self._expand = ["discounts.source.coupon", "items.data.discounts"] if discounts else []
        self._discounts = discounts
        self._with_ended = with_ended
        self._details = _Details()
        self._kept: dict[str, Subscription] = {}
        self._listing = ResumableListing[Subscription]()
        self._whole_at = float("-inf")
        self._pages = 0
        self._event_listing = ResumableListing[SubscriptionChange]()
        self._events_from = 0
        self._known_events: frozenset[str] = frozenset()
        self._changed: set[str] = set()
        self._has_events = True

    async def read(self, now: float) -> Collection[Subscription]:
        """All of them at ``now``. Raises SourceErrors, and OutOfTime where the next poll goes on."""
        if self._pages > FEW and self._has_events and now - self._whole_at < WHOLE_AGAIN:
            await self._read_changed(now)
        else:
            await self._read_whole(now)
        since = now - CHURN_DAYS * DAY
        self._kept = {
            key: subscription
            for key, subscription in self._kept.items()
            if subscription.status != "canceled" or subscription.ended_at > since
        }
        return self._kept.values()

    async def newest_currency(self) -> str | None:
        """The currency of the newest subscription that ever was."""
        objects, _ = await self._api.page("subscriptions", {"status": "all", "limit": 1})
        try:
            return currency_of(objects[0]) if objects else None
        except _MISSHAPEN as error:
            raise _misshapen(objects[0], error) from None

    async def _read_whole(self, now: float) -> None:
        def begin() -> Listing[Subscription]:
            if now - self._details.since >= WHOLE_AGAIN:
                self._details = _Details(now)
            # What changes while the list is read may be on a page that was read already: its event is looked at later.
            self._events_from = int(now) - OVERLAP
            expand = {"expand": [f"data.{path}" for path in self._expand]} if self._expand else {}
            lists: list[dict[str, Any]] = [expand]
            if self._with_ended:
                # One that ended in these days was paid until then or later. One more day is a safety margin.
                since = int(now - (CHURN_DAYS + 1) * DAY)
                lists.append({"status": "canceled", "current_period_end": {"gte": since}, **expand})
            return Listing(self._api, "subscriptions", lists, self._take, self._cap)

        listing = await self._listing.run(begin, now)
        self._kept = listing.kept
        self._pages = listing.pages
        self._whole_at = now
        self._known_events = frozenset()
        self._changed = set()

    async def _take(self, objects: Sequence[ApiObject]) -> Mapping[str, Subscription]:
        kept: dict[str, Subscription] = {}
        for found in objects:
            subscription = await self._complete(found)
            kept[subscription.id] = subscription
        self._details.items.clear()
        return kept

    async def _complete(self, found: ApiObject) -> Subscription:
        """A subscription, after asking for what it does not show itself."""
        details = self._details
        try:
            if found["items"].get("has_more"):
                items = await self._items(found["id"], ["data.discounts"] if self._discounts else [])
                found = {**found, "items": {"data": items}}
            if not self._discounts:
                items = [{**item, "discounts": [], "discount": None} for item in found["items"]["data"]]
                found = {**found, "discounts": [], "discount": None, "items": {"data": items}}
            currency = currency_of(found)
            prices = {price: await self._price(price, currency) for price in needed_prices(found)}
            for coupon in needed_coupons(found):
                if coupon not in details.coupons and coupon not in details.deleted_coupons:
                    await self._ask_for_coupon(coupon)
            if hides_a_coupon(found, details.coupons):
                details.items.pop(found["id"], None)
                items = await self._items(found["id"], ["data.discounts.source.coupon"])
                found = {**found, "items": {"data": items}}
            return parse_subscription(found, prices, details.coupons)
        except _MISSHAPEN as error:
            raise _misshapen(found, error) from None

    async def _price(self, price: str, currency: str) -> ApiObject:
        known = self._details.prices
        if (price, currency) not in known:
            found = await self._api.get(f"prices/{price}", {"expand": ["tiers", "currency_options"]})
            # Tiers in another currency are shown only where they are asked for by its name.
            if found["currency"] != currency and found.get("billing_scheme") == "tiered":
                expand = ["tiers", "currency_options", f"currency_options.{currency}.tiers"]
                found = await self._api.get(f"prices/{price}", {"expand": expand})
            known[price, currency] = found
        return known[price, currency]

    async def _ask_for_coupon(self, coupon: str) -> None:
        try:
            self._details.coupons[coupon] = await self._api.get(
                f"coupons/{coupon}", {"expand": ["applies_to", "currency_options"]}
            )
        except StripeRefused as error:
            if error.status != _NOT_FOUND:
                raise
            # Subscriptions that redeemed it keep it.
            self._details.deleted_coupons.add(coupon)

    async def _items(self, subscription: str, expand: list[str]) -> list[ApiObject]:
        """All items of a subscription, which itself shows the first ten or so."""

        async def take(objects: Sequence[ApiObject]) -> Mapping[str, ApiObject]:
            return {found["id"]: found for found in objects}

        if subscription not in self._details.items:
            params = {"subscription": subscription, **({"expand": expand} if expand else {})}
            listing = Listing(self._api, "subscription_items", [params], take, self._cap)
            await listing.run()
            self._details.items[subscription] = list(listing.kept.values())
        return self._details.items[subscription]

    async def _read_changed(self, now: float) -> None:
        """Read those again that had an event since the last time."""

        def begin() -> Listing[SubscriptionChange]:
            params = {"types": _EVENTS, "created": {"gte": self._events_from}}
            return Listing(self._api, "events", [params], _take_changes, self._cap)

        try:
            changes = (await self._event_listing.run(begin, now)).kept
        except StripeRefused as error:
            self._has_events = False
            self._log.warning("%s; until then, all subscriptions are read for every poll", error)
            return await self._read_whole(now)
        # The newest end of the list is read again each time, since events may be listed late.
        self._changed |= {change.subscription for key, change in changes.items() if key not in self._known_events}
        newest = max((change.created for change in changes.values()), default=0)
        self._events_from = max(self._events_from, newest - OVERLAP)
        self._known_events = frozenset(changes)
        # Reading all of them takes no more requests than reading those that changed.
        if len(self._changed) > self._pages:
            self._whole_at = float("-inf")
            return await self._read_whole(now)
        try:
            while self._changed:
                subscription = next(iter(self._changed))
                try:
                    expand = {"expand": self._expand} if self._expand else {}
                    found = await self._api.get(f"subscriptions/{subscription}", expand)
                except StripeRefused as error:
                    if error.status != _NOT_FOUND:
                        raise
                    self._kept.pop(subscription, None)
                else:
                    self._kept |= await self._take([found])
                self._changed.discard(subscription)
        except OutOfTime:
            left = len(self._changed)
            raise OutOfTime(f"subscriptions: {left} that changed are still to be read; the next poll goes on") from None


def _misshapen(found: ApiObject, error: Exception) -> BadResponse:
    what = f"{type(error).__name__}: {error}"
    return BadResponse(f"subscription {found.get('id')}: {what}: not shaped as Stripe's objects are")


async def _take_changes(objects: Iterable[ApiObject]) -> Mapping[str, SubscriptionChange]:
    try:
        return {
            event["id"]: SubscriptionChange(whole(event["created"]), str(event["data"]["object"]["id"]))
            for event in objects
        }
    except (KeyError, TypeError, ValueError) as error:
        raise BadResponse(f"events: {type(error).__name__}: {error}: not shaped as Stripe's objects are") from None

"""The subscriptions of an account, kept up to date: all of them again and again, or by what changed."""

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
"""Seconds after which a large account is read whole again, and prices and coupons are asked for anew."""
_CHANGES = [f"customer.subscription.{what}" for what in ("created", "updated", "deleted", "paused", "resumed")]
_GONE = 404
_MISSHAPEN = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)


class SubscriptionChange(NamedTuple):
    """That something happened to a subscription."""

    created: int
    subscription: str


@dataclass
class _Details:
    """What is asked of prices and coupons besides. Kept for hours only: a deleted coupon leaves its name to others."""

    since: float = float("-inf")
    prices: dict[tuple[str, str], ApiObject] = field(default_factory=dict)
    """By id, and the currency that they are sold in."""
    coupons: dict[str, ApiObject] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    items: dict[str, list[ApiObject]] = field(default_factory=dict)
    """Of subscriptions of the page that is being read, so that a poll that follows need not ask again."""


class Subscriptions:
    """Reads and keeps the subscriptions that run, and (where churn is asked for) those that ended lately.

    An account of a few pages is read whole each time. A larger one is read whole every six hours; between, Stripe's
    events tell which subscriptions changed, and only those are asked for.
    """

    def __init__(self, api: Api, log: logging.Logger, *, cap: int, discounts: bool, with_ended: bool) -> None:
        """``discounts``: whether they are needed, and so the permission to read coupons."""
        self._api = api
        self._log = log
        self._cap = cap
        self._expand = ["discounts.source.coupon", "items.data.discounts"] if discounts else []
        self._discounts = discounts
        self._with_ended = with_ended
        self._details = _Details()
        self._kept: dict[str, Subscription] = {}
        self._whole = ResumableListing[Subscription]()
        self._whole_at = float("-inf")
        self._pages = 0
        self._news = ResumableListing[SubscriptionChange]()
        self._changes_from = 0
        self._heeded: frozenset[str] = frozenset()
        self._changed: set[str] = set()
        self._has_events = True

    async def read(self, now: float) -> Collection[Subscription]:
        """All of them, as of now; raises SourceErrors, and OutOfTime where the next poll goes on."""
        if self._can_follow(now):
            await self._follow(now)
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
        """The currency of the newest of all that ever were."""
        objects, _ = await self._api.page("subscriptions", {"status": "all", "limit": 1})
        try:
            return currency_of(objects[0]) if objects else None
        except _MISSHAPEN as error:
            raise _not_stripes(objects[0], error) from None

    def _can_follow(self, now: float) -> bool:
        return self._pages > FEW and self._has_events and now - self._whole_at < WHOLE_AGAIN

    async def _read_whole(self, now: float) -> None:
        sample = await self._whole.run(lambda: self._begin(now), now)
        self._kept = sample.kept
        self._pages = sample.pages
        self._whole_at = now
        self._heeded = frozenset()
        self._changed = set()

    def _begin(self, now: float) -> Listing[Subscription]:
        if now - self._details.since >= WHOLE_AGAIN:
            self._details = _Details(now)
        self._changes_from = int(now) - OVERLAP
        expand = {"expand": [f"data.{path}" for path in self._expand]} if self._expand else {}
        lists: list[dict[str, Any]] = [expand]
        if self._with_ended:
            # One that ended in these days was paid until then or later; a day more, to be on the safe side.
            since = int(now - (CHURN_DAYS + 1) * DAY)
            lists.append({"status": "canceled", "current_period_end": {"gte": since}, **expand})
        return Listing(self._api, "subscriptions", lists, self._take, self._cap)

    async def _take(self, objects: Sequence[ApiObject]) -> Mapping[str, Subscription]:
        kept: dict[str, Subscription] = {}
        for found in objects:
            subscription = await self._understood(found)
            kept[subscription.id] = subscription
        self._details.items.clear()
        return kept

    async def _understood(self, found: ApiObject) -> Subscription:
        """A subscription, after asking for what it does not say itself."""
        details = self._details
        try:
            found = await self._with_all_items(found)
            if not self._discounts:
                found = _without_discounts(found)
            currency = currency_of(found)
            prices = {price: await self._price(price, currency) for price in needed_prices(found)}
            for coupon in needed_coupons(found):
                await self._learn_coupon(coupon)
            if hides_a_coupon(found, details.coupons):
                details.items.pop(found["id"], None)
                items = await self._items(found["id"], ["data.discounts.source.coupon"])
                found = {**found, "items": {"data": items}}
            return parse_subscription(found, prices, details.coupons)
        except _MISSHAPEN as error:
            raise _not_stripes(found, error) from None

    async def _price(self, price: str, currency: str) -> ApiObject:
        known = self._details.prices
        if (price, currency) not in known:
            found = await self._api.get(f"prices/{price}", {"expand": ["tiers", "currency_options"]})
            if found["currency"] != currency and found.get("billing_scheme") == "tiered":
                expand = ["tiers", "currency_options", f"currency_options.{currency}.tiers"]
                found = await self._api.get(f"prices/{price}", {"expand": expand})
            known[price, currency] = found
        return known[price, currency]

    async def _learn_coupon(self, coupon: str) -> None:
        details = self._details
        if coupon in details.coupons or coupon in details.gone:
            return
        try:
            details.coupons[coupon] = await self._api.get(
                f"coupons/{coupon}", {"expand": ["applies_to", "currency_options"]}
            )
        except StripeRefused as error:
            if error.status != _GONE:
                raise
            details.gone.add(coupon)  # deleted; whoever redeemed it keeps it

    async def _with_all_items(self, found: ApiObject) -> ApiObject:
        """With its items complete: a subscription shows the first ten or so."""
        if not found["items"].get("has_more"):
            return found
        expand = ["data.discounts"] if self._discounts else []
        return {**found, "items": {"data": await self._items(found["id"], expand)}}

    async def _items(self, subscription: str, expand: list[str]) -> list[ApiObject]:
        async def take(objects: Sequence[ApiObject]) -> Mapping[str, ApiObject]:
            return {found["id"]: found for found in objects}

        if subscription not in self._details.items:
            params = {"subscription": subscription, **({"expand": expand} if expand else {})}
            sample = Listing(self._api, "subscription_items", [params], take, self._cap)
            await sample.run()
            self._details.items[subscription] = list(sample.kept.values())
        return self._details.items[subscription]

    async def _follow(self, now: float) -> None:
        """Ask for those that something happened to since the last time."""
        try:
            changes = (await self._news.run(self._begin_news, now)).kept
        except StripeRefused as error:
            self._has_events = False
            self._log.warning("%s; until then, all subscriptions are read for every poll", error)
            return await self._read_whole(now)
        self._changed |= {change.subscription for key, change in changes.items() if key not in self._heeded}
        newest = max((change.created for change in changes.values()), default=0)
        self._changes_from = max(self._changes_from, newest - OVERLAP)
        self._heeded = frozenset(changes)
        if len(self._changed) > self._pages:  # as many requests as for all of them
            self._whole_at = float("-inf")
            return await self._read_whole(now)
        return await self._refresh_changed()

    async def _refresh_changed(self) -> None:
        try:
            while self._changed:
                subscription = next(iter(self._changed))
                await self._refresh(subscription)
                self._changed.discard(subscription)
        except OutOfTime:
            left = len(self._changed)
            raise OutOfTime(f"subscriptions: {left} that changed are still to be read; the next poll goes on") from None

    def _begin_news(self) -> Listing[SubscriptionChange]:
        params = {"types": _CHANGES, "created": {"gte": self._changes_from}}
        return Listing(self._api, "events", [params], _take_changes, self._cap)

    async def _refresh(self, subscription: str) -> None:
        try:
            found = await self._api.get(
                f"subscriptions/{subscription}", {"expand": self._expand} if self._expand else {}
            )
        except StripeRefused as error:
            if error.status != _GONE:
                raise
            self._kept.pop(subscription, None)
            return
        self._kept |= await self._take([found])


def _not_stripes(found: ApiObject, error: Exception) -> BadResponse:
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


def _without_discounts(found: ApiObject) -> ApiObject:
    items = [{**item, "discounts": [], "discount": None} for item in found["items"]["data"]]
    return {**found, "discounts": [], "discount": None, "items": {"data": items}}

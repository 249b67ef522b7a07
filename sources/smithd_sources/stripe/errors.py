"""What Stripe's error responses mean for the user, and what to do about them. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from smithd.plugin import Misconfigured, SourceError, Unavailable, quoted
from smithd_sources.http_errors import excerpt

_DASHBOARD = "in the Stripe Dashboard under Developers > API keys"
_PERMISSION = re.compile(r"'?rak_([a-z_]+)_read'?")
_PERMISSION_NAMES = {
    "balance": "Balance",
    "charge": "Charges and Refunds",
    "coupon": "Coupons",
    "customer": "Customers",
    "dispute": "Disputes",
    "event": "Events",
    "invoice": "Invoices",
    "payment_intent": "PaymentIntents",
    "payout": "Payouts",
    "plan": "Prices",
    "product": "Products",
    "subscription": "Subscriptions",
}
_RESOURCES = {
    "balance": "balance",
    "balance_transactions": "balance",
    "charges": "charge",
    "coupons": "coupon",
    "customers": "customer",
    "disputes": "dispute",
    "events": "event",
    "invoices": "invoice",
    "payment_intents": "payment_intent",
    "payouts": "payout",
    "prices": "plan",
    "products": "product",
    "refunds": "charge",
    "subscription_items": "subscription",
    "subscriptions": "subscription",
}


class StripeRefused(Misconfigured):
    """Stripe refuses a request. ``status`` is HTTP's, ``param`` the parameter that is wrong."""

    def __init__(self, message: str, status: int, param: str | None) -> None:
        super().__init__(message)
        self.status = status
        self.param = param


class MissingPermission(StripeRefused):
    """The key may not read something. ``permission`` is what has to be set for it in the Dashboard."""

    def __init__(self, permission: str) -> None:
        super().__init__(_lacking([permission]), 403, None)
        self.permission = permission


def merge_permissions(failures: Sequence[SourceError]) -> Sequence[SourceError]:
    """The same failures, but one that names all the permissions that the key lacks."""
    permissions = sorted({failure.permission for failure in failures if isinstance(failure, MissingPermission)})
    others = [failure for failure in failures if not isinstance(failure, MissingPermission)]
    return [Misconfigured(_lacking(permissions)), *others] if permissions else others


def _lacking(permissions: Sequence[str]) -> str:
    return (
        f"the api_key lacks a permission: edit the key {_DASHBOARD}, and set to Read: {', '.join(permissions)}; "
        "or leave out the metrics that need it (HTTP 403)"
    )


def error_for(path: str, status: int, body: bytes) -> SourceError:
    """The error to raise for a response of this status, which is not 2xx."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    found = answer.get("error") if isinstance(answer, dict) else None
    # It stays empty where the answer is not Stripe's own.
    error: Mapping[str, object] = found if isinstance(found, dict) else {}
    said = quoted(str(error["message"])) if error.get("message") else excerpt(body)
    if status == 401:
        what = "has expired" if error.get("code") == "api_key_expired" else "is not accepted (HTTP 401)"
        return Misconfigured(
            f"the api_key {what}: make a restricted, read-only key {_DASHBOARD}, and put it there. Stripe says: {said}"
        )
    if status == 403:
        if error.get("code") in ("account_invalid", "platform_account_required"):
            return StripeRefused(
                f"the api_key has no access to the account under 'account' (HTTP 403): {said}", status, None
            )
        # Where Stripe's text names no permission, it follows from the first part of the path.
        named = _PERMISSION.search(said)
        resource = named[1] if named else _RESOURCES.get(path.partition("/")[0])
        if resource is None:
            return StripeRefused(f"{path}: the api_key may not read this (HTTP 403): {said}", status, None)
        permission = _PERMISSION_NAMES.get(resource, resource.replace("_", " ").capitalize())
        return MissingPermission(f"{permission} (rak_{resource}_read)")
    if status == 429:
        return Unavailable(f"{path}: too many requests (HTTP 429); the next poll tries again: {said}")
    if status >= 500 or status == 409:
        return Unavailable(f"{path}: Stripe has a problem of its own (HTTP {status}): {said}")
    param = error.get("param")
    hint = " (is there something else at this api_base?)" if status == 404 and not error else ""
    return StripeRefused(
        f"{path}: Stripe refuses (HTTP {status}): {said}{hint}", status, None if param is None else str(param)
    )

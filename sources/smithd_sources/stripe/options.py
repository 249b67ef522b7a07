"""The options of a source of ``type: stripe``. No I/O."""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum
from ipaddress import ip_address
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from smithd.plugin import HttpUrl, MetricName, MetricOptions, Options, Secret
from smithd_sources.stripe.mrr import DiscountRule, MRRRules
from smithd_sources.stripe.query import CHOICES, FILTER, Filter, read_choices, read_filter

STRIPE = "https://api.stripe.com"


class Figure(StrEnum):
    """The figures that docs/sources/stripe.md defines."""

    @property
    def counts_from_midnight(self) -> bool:
        """Whether it adds up what came today, and so starts again at midnight."""
        return self.endswith("_today") and self is not Figure.AVERAGE_ORDER_TODAY

    MRR = "mrr"
    ARR = "arr"
    ACTIVE_SUBSCRIPTIONS = "active_subscriptions"
    TRIALING_SUBSCRIPTIONS = "trialing_subscriptions"
    PAST_DUE_SUBSCRIPTIONS = "past_due_subscriptions"
    NEW_SUBSCRIPTIONS_TODAY = "new_subscriptions_today"
    NEW_SUBSCRIPTIONS_30D = "new_subscriptions_30d"
    ACTIVE_SUBSCRIBERS = "active_subscribers"
    CHURN_RATE_30D = "churn_rate_30d"
    CHURNED_SUBSCRIPTIONS_30D = "churned_subscriptions_30d"
    CHURNED_MRR_30D = "churned_mrr_30d"
    GROSS_REVENUE_TODAY = "gross_revenue_today"
    GROSS_REVENUE_YESTERDAY = "gross_revenue_yesterday"
    GROSS_REVENUE_THIS_MONTH = "gross_revenue_this_month"
    NET_REVENUE_TODAY = "net_revenue_today"
    NET_REVENUE_YESTERDAY = "net_revenue_yesterday"
    NET_REVENUE_THIS_MONTH = "net_revenue_this_month"
    REFUNDS_TODAY = "refunds_today"
    REFUNDS_YESTERDAY = "refunds_yesterday"
    REFUNDS_THIS_MONTH = "refunds_this_month"
    DISPUTED_TODAY = "disputed_today"
    DISPUTED_YESTERDAY = "disputed_yesterday"
    DISPUTED_THIS_MONTH = "disputed_this_month"
    FEES_TODAY = "fees_today"
    FEES_YESTERDAY = "fees_yesterday"
    FEES_THIS_MONTH = "fees_this_month"
    TRANSFERRED_TODAY = "transferred_today"
    TRANSFERRED_YESTERDAY = "transferred_yesterday"
    TRANSFERRED_THIS_MONTH = "transferred_this_month"
    PAYMENTS_TODAY = "payments_today"
    PAYMENTS_YESTERDAY = "payments_yesterday"
    PAYMENTS_THIS_MONTH = "payments_this_month"
    AVERAGE_ORDER_TODAY = "average_order_today"
    AVERAGE_ORDER_YESTERDAY = "average_order_yesterday"
    AVERAGE_ORDER_THIS_MONTH = "average_order_this_month"
    NEW_CUSTOMERS_TODAY = "new_customers_today"
    FAILED_PAYMENTS_24H = "failed_payments_24h"
    OPEN_DISPUTES = "open_disputes"
    AVAILABLE_BALANCE = "available_balance"
    PENDING_BALANCE = "pending_balance"
    NEXT_PAYOUT = "next_payout"
    NEXT_PAYOUT_DATE = "next_payout_date"
    NEXT_PAYOUT_IN = "next_payout_in"


def _lower(text: Any) -> Any:
    return text.lower() if isinstance(text, str) else text


def _currency(code: str) -> str:
    if re.fullmatch("[a-z]{3}", code) is None:
        raise ValueError("expected the three letters of a currency, like eur")
    return code


Currency = Annotated[str, BeforeValidator(_lower), AfterValidator(_currency)]


def _rate(rate: Decimal) -> Decimal:
    if not rate.is_finite() or rate <= 0:
        raise ValueError("expected a number above 0, like 1.08")
    return rate


Rate = Annotated[Decimal, AfterValidator(_rate)]


def _key(key: Secret) -> Secret:
    text = key.get_secret_value()
    if text.startswith("pk_"):
        raise PydanticCustomError(
            "publishable_key",
            "expected a restricted key (rk_...) or a secret one (sk_...); a publishable one (pk_...) reads nothing",
        )
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise PydanticCustomError("no_key", "expected a key of Stripe's: one word, like rk_live_...")
    return key


def _only_over_tls(url: str) -> str:
    host = urlsplit(url).hostname or ""
    try:
        is_own_machine = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        # It is a name, which may lead to any machine.
        is_own_machine = False
    if urlsplit(url).scheme != "https" and not is_own_machine:
        raise ValueError("expected https: a key is sent there (http is for this machine's own addresses)")
    return url


class MRROptions(Options):
    """What Stripe's definition of MRR leaves to the user."""

    discounts: Literal["recurring", "forever", "all", "none"] = Field(
        "recurring", description="those that lower it; recurring: that last for ever, or for some months yet"
    )
    cancelling: Literal["counted", "left_out"] = Field(
        "counted", description="subscriptions that are to end with their period"
    )
    paused: Literal["counted", "left_out"] = Field(
        "left_out", description="subscriptions whose payment collection is paused"
    )

    def rules(self) -> MRRRules:
        """The same for the computation."""
        return MRRRules(DiscountRule(self.discounts), self.cancelling == "counted", self.paused == "counted")


FieldPath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$")]
LabelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class QueryOptions(MetricOptions):
    """A metric of the user's own: the number of objects in a list of the API, or the sum of one of their fields."""

    path: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]+(/[A-Za-z0-9_]+)*$")] = Field(
        alias="list", description="the list's path in the API, without /v1/: invoices, refunds, checkout/sessions"
    )
    filters: dict[str, Annotated[Filter, BeforeValidator(read_filter), WithJsonSchema(FILTER)]] = Field(
        {}, description="the list's own parameters; a moment may be today, yesterday, this_month, or like 24h ago"
    )
    where: dict[FieldPath, Annotated[list[str], BeforeValidator(read_choices), WithJsonSchema(CHOICES)]] = Field(
        {}, description="what the API cannot filter: field to the value, or the values, that count"
    )
    sum: FieldPath | None = Field(None, description="the field to add up; left out, the objects are counted")
    money: bool = Field(False, description="true: the sum is an amount in each object's currency")
    labels: dict[LabelName, FieldPath] = Field({}, description="one series for each value: label to field")

    @model_validator(mode="after")
    def _money_is_a_sum(self) -> QueryOptions:
        if self.money and self.sum is None:
            raise PydanticCustomError("money_needs_sum", "'money' needs 'sum', the field with the amount")
        if self.money and "currency" in self.labels:
            raise PydanticCustomError("two_currencies", "'money' brings the label 'currency' itself")
        return self

    @property
    def has_series(self) -> bool:
        """Whether it has a series for each value of a field."""
        return bool(self.labels)


class StripeOptions(Options):
    """The keys of a source of ``type: stripe``."""

    api_key: Annotated[Secret, AfterValidator(_key)] = Field(description="a restricted, read-only key: rk_...")
    metrics: list[Figure] = Field(
        [], description="figures like mrr, net_revenue_today; docs/sources/stripe.md has them all"
    )
    query: dict[MetricName, QueryOptions] = Field({}, description="metrics of your own, from any list of the API")
    mrr: MRROptions = Field(default_factory=MRROptions, description="what counts as MRR")
    currency: Currency | None = Field(None, description="one currency for all amounts; left out: a series for each")
    rates: dict[Currency, Rate] = Field({}, description="what one unit of each other currency is worth in it")
    account: Annotated[str, StringConstraints(pattern=r"^acct_\w+$")] | None = Field(
        None, description="a connected account (acct_...) to ask in place of your own"
    )
    max_objects: Annotated[int, Field(gt=0)] = Field(100_000, description="the longest list to read")
    api_base: Annotated[HttpUrl, AfterValidator(_only_over_tls)] = Field(STRIPE, description="where the API is")

    @model_validator(mode="after")
    def _keys_fit(self) -> StripeOptions:
        if not self.metrics and not self.query:
            raise PydanticCustomError("nothing_to_ask", "expected 'metrics' (a list of figures), 'query', or both")
        if twice := sorted(set(self.query) & set(Figure)):
            raise PydanticCustomError(
                "name_taken", "'{name}' under 'query' is the name of a figure", {"name": twice[0]}
            )
        if self.rates and self.currency is None:
            raise PydanticCustomError("rates_alone", "'rates' needs 'currency', the one that amounts are turned into")
        if self.currency in self.rates:
            raise PydanticCustomError("own_rate", "'currency' itself needs no rate")
        return self

    def names(self) -> list[str]:
        """The names of all metrics."""
        return [*dict.fromkeys(metric.value for metric in self.metrics), *self.query]

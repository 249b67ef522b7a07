"""From subscriptions to figures: MRR, how many there are, and who left. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from smithd_sources.stripe.money import Amounts
from smithd_sources.stripe.mrr import Rules, Subscription, a_month
from smithd_sources.stripe.periods import DAY

CHURN_DAYS = 30


@dataclass(frozen=True, slots=True)
class Figures:
    """What subscriptions add up to; amounts are a month's, by currency."""

    mrr: Amounts
    churned_mrr: Amounts
    by_status: Counter[str]
    subscribers: int
    churned: int
    churn_rate: float | None


def figures(live: Iterable[Subscription], ended: Iterable[Subscription], rules: Rules, now: float) -> Figures:
    """The figures of now (seconds since 1970), from the subscriptions that run and those that ended lately.

    The churn rate is Stripe's: subscribers who left in the last 30 days, of those who were there before or came since,
    in percent points; None where there was nobody. A subscriber is a customer who pays for a subscription.
    """
    mrr: defaultdict[str, Fraction] = defaultdict(Fraction)
    statuses: Counter[str] = Counter()
    subscribers: set[str] = set()
    for subscription in live:
        statuses[subscription.status] += 1
        value = a_month(subscription, rules.discounts, now) if subscription.counts(rules, now) else Fraction()
        mrr[subscription.currency] += value
        if value:
            subscribers.add(subscription.customer)
    churned_mrr: defaultdict[str, Fraction] = defaultdict(Fraction, dict.fromkeys(mrr, Fraction()))
    left: set[str] = set()
    churned = 0
    for subscription in ended:
        value = a_month(subscription, rules.discounts, now)
        if value and subscription.churned(now - CHURN_DAYS * DAY):
            churned += 1
            churned_mrr[subscription.currency] += value
            left.add(subscription.customer)
    gone = len(left - subscribers)
    rate = 100 * gone / (len(subscribers) + gone) if subscribers or gone else None
    return Figures(mrr, churned_mrr, statuses, len(subscribers), churned, rate)

"""Computes figures from subscriptions: MRR, their number, and churn. No I/O."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from smithd_sources.stripe.money import Amounts
from smithd_sources.stripe.mrr import MRRRules, Subscription, a_month
from smithd_sources.stripe.periods import DAY

CHURN_DAYS = 30


@dataclass(frozen=True, slots=True)
class SubscriptionFigures:
    """The figures of all subscriptions; amounts are for a month, by currency."""

    mrr: Amounts
    churned_mrr: Amounts
    by_status: Counter[str]
    subscribers: int
    churned: int
    churn_rate: float | None


def subscription_figures(known: Iterable[Subscription], rules: MRRRules, now: float) -> SubscriptionFigures:
    """The figures at ``now`` (seconds since 1970), from the subscriptions that run and those that ended lately.

    The churn rate is defined as Stripe defines it: subscribers who left in the last 30 days, as a percentage of those
    who were there before or came since; None where there were none. A subscriber is a customer who pays for a
    subscription.
    """
    mrr: defaultdict[str, Fraction] = defaultdict(Fraction)
    churned_mrr: defaultdict[str, Fraction] = defaultdict(Fraction)
    statuses: Counter[str] = Counter()
    subscribers: set[str] = set()
    left: set[str] = set()
    churned = 0
    for subscription in known:
        statuses[subscription.status] += 1
        counts, has_left = subscription.counts(rules, now), subscription.churned(now - CHURN_DAYS * DAY)
        value = a_month(subscription, rules.discounts, now) if counts or has_left else Fraction()
        mrr[subscription.currency] += value if counts else 0
        churned_mrr[subscription.currency] += value if has_left else 0
        churned += has_left and value > 0
        if value:
            (subscribers if counts else left).add(subscription.customer)
    # A customer who ended one subscription and still pays for another has not left.
    leaving = len(left - subscribers)
    rate = 100 * leaving / (len(subscribers) + leaving) if subscribers or leaving else None
    return SubscriptionFigures(mrr, churned_mrr, statuses, len(subscribers), churned, rate)

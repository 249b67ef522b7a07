"""The source that polls Stripe for the figures of a business. ``import stripe`` in here is the official library."""

from smithd_sources.stripe.source import Stripe

__all__ = ["Stripe"]

"""A source that asks Stripe for the figures of a business. ``import stripe`` in here is the official library."""

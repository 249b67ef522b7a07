"""A thin client for Stripe's API, over the official library: objects and pages, within the time of a poll."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import Any

import stripe

from smithd.plugin import (
    BadResponse,
    CertificateError,
    Clock,
    DecodingError,
    Http,
    Misconfigured,
    Response,
    SourceError,
    TransportError,
    Unavailable,
)
from smithd_sources.http_errors import excerpt, place
from smithd_sources.stripe.errors import complaint
from smithd_sources.stripe.transport import ErrorResponse, StripeTransport

AT_ONCE = 4
"""Requests that may be under way together; Stripe limits that, too."""
PAGE = 100
"""The most objects that Stripe gives at once."""
TRIES = 3
"""How often a request is sent before its failure counts."""
FIRST_WAIT = 0.5
"""Seconds before the second try; each further wait is twice as long, and up to half of it is left to chance."""


class OutOfTime(Unavailable):
    """The poll's time is over; what was read so far is not lost."""


class Api:
    """Asks Stripe. ``deadline`` (on the monotonic clock) is when the poll that is under way must be done."""

    def __init__(
        self, http: Http, clock: Clock, *, key: str, base: str, account: str | None = None, timeout: float
    ) -> None:
        """``timeout`` is a poll's, in seconds; ``base`` is the address that the paths of the API are added to."""
        stripe.enable_telemetry = False
        self.deadline = clock.monotonic() + timeout
        self._clock = clock
        self._key = key
        self._place = place(base)
        self._timeout = timeout
        self._places = asyncio.Semaphore(AT_ONCE)
        self._library = stripe.StripeClient(
            key,
            stripe_account=account,
            base_addresses={"api": base.rstrip("/")},
            http_client=StripeTransport(http, timeout),
            max_network_retries=0,  # it would not wait for what limits the rate, nor look at the deadline
        )

    async def page(self, path: str, params: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], bool]:
        """A page of the list at a path (without /v1/), and whether there is more; raises what ``get`` raises."""
        answer = await self.get(path, {"limit": PAGE, **params})
        objects, more = answer.get("data"), answer.get("has_more")
        if not isinstance(objects, list) or not all(isinstance(found, dict) and "id" in found for found in objects):
            raise BadResponse(f"{path}: expected a list of objects")
        return objects, bool(more)

    async def get(self, path: str, params: Mapping[str, Any] = {}) -> Mapping[str, Any]:
        """What is at a path; raises OutOfTime at the deadline, and other SourceErrors after a few tries."""
        async with self._places:
            for number in range(1, TRIES + 1):
                try:
                    return await self._ask(path, params)
                except _Passing as passing:
                    wait = passing.after or FIRST_WAIT * 2 ** (number - 1) * (0.5 + random.random() / 2)  # noqa: S311 # no secret
                    if number == TRIES or self._clock.monotonic() + wait >= self.deadline:
                        raise self._masked(passing.error) from None
                    await self._clock.sleep(wait)
        raise AssertionError  # the last try returns or raises

    async def _ask(self, path: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        left = self.deadline - self._clock.monotonic()
        if left <= 0:
            raise OutOfTime(f"{path}: the poll's time is over")
        try:
            async with asyncio.timeout(left):
                response = await self._library.raw_request_async("get", f"/v1/{path}", **params)
        except TimeoutError:
            raise OutOfTime(f"{self._place}: {path}: no answer within the {self._timeout:g} s of a poll") from None
        except CertificateError as error:
            raise Misconfigured(f"{self._place}: {error}") from None
        except TransportError as error:
            raise _Passing(Unavailable(f"{self._place}: {error}")) from None
        except DecodingError as error:
            raise BadResponse(f"{self._place}: {path}: {error}") from None
        except ErrorResponse as refusal:
            raise self._judged(path, refusal.answer) from None
        except stripe.StripeError as error:
            said = excerpt((error.http_body or "").encode())
            raise self._masked(BadResponse(f"{path}: expected JSON as Stripe writes it, got: {said}")) from None
        if not isinstance(response.data, dict):
            raise BadResponse(f"{path}: expected an object")
        return response.data

    def _judged(self, path: str, answer: Response) -> Exception:
        """The error to raise for a refusal; what may pass on its own is tried again."""
        found = complaint(path, answer.status, answer.body)
        passes = answer.status in (409, 429) or answer.status >= 500
        advice = answer.headers.get("stripe-should-retry")
        if advice == "true" or (passes and advice != "false"):
            return _Passing(found, _seconds(answer.headers.get("retry-after")))
        return self._masked(found)

    def _masked(self, error: SourceError) -> SourceError:
        """The same error without the key, which a stand-in may have put into its answer."""
        if self._key in str(error):
            error.args = (str(error).replace(self._key, "***"),)
        return error


class _Passing(Exception):
    """What may be gone at the next try, ``after`` so many seconds where Stripe says how long that takes."""

    def __init__(self, error: SourceError, after: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.after = after


def _seconds(header: str | None) -> float | None:
    try:
        return max(0.0, float(header)) if header is not None else None
    except ValueError:
        return None

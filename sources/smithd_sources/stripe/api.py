"""A thin client of Stripe's API, over the official library: objects and pages, within the time of a poll."""

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
    TimedOut,
    TransportError,
    Unavailable,
)
from smithd_sources.http_errors import excerpt, place
from smithd_sources.rate_limit import asked_to_wait
from smithd_sources.stripe.errors import error_for
from smithd_sources.stripe.transport import ErrorResponse, StripeTransport

REQUESTS_AT_ONCE = 4
"""Stripe limits this too."""
PAGE = 100
"""The most objects of one page."""
TRIES = 3
"""The times that a request is sent before it fails."""
FIRST_WAIT = 0.5
"""Seconds before the second try. Each further wait is twice as long; up to half of each wait is random."""


class OutOfTime(TimedOut):
    """The time of the poll is over. What was read so far is kept for the next one."""


class Api:
    """Sends requests to Stripe. ``deadline`` (on the monotonic clock) is that of the current poll."""

    def __init__(
        self, http: Http, clock: Clock, *, key: str, base: str, account: str | None = None, timeout: float
    ) -> None:
        """``timeout`` is that of a poll, in seconds. ``base`` is the address that the API's paths are appended to."""
        stripe.enable_telemetry = False
        self.deadline = clock.monotonic() + timeout
        self._clock = clock
        self._place = place(base)
        self._timeout = timeout
        self._places = asyncio.Semaphore(REQUESTS_AT_ONCE)
        self._library = stripe.StripeClient(
            key,
            stripe_account=account,
            base_addresses={"api": base.rstrip("/")},
            http_client=StripeTransport(http, timeout),
            # The library's own retries would obey neither Retry-After nor the deadline.
            max_network_retries=0,
        )

    async def page(self, path: str, params: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], bool]:
        """A page of the list at a path (without /v1/), and whether more follow. Raises what ``get`` raises."""
        answer = await self.get(path, {"limit": PAGE, **params})
        objects, more = answer.get("data"), answer.get("has_more")
        if not isinstance(objects, list) or not all(isinstance(found, dict) and "id" in found for found in objects):
            raise BadResponse(f"{path}: expected a list of objects")
        return objects, bool(more)

    async def get(self, path: str, params: Mapping[str, Any] = {}) -> Mapping[str, Any]:
        """The object at a path. Raises OutOfTime at the deadline, and other SourceErrors after a few tries."""
        async with self._places:
            for number in range(1, TRIES + 1):
                try:
                    return await self._ask(path, params)
                except _Retryable as retryable:
                    after = retryable.error.retry_after
                    wait = after or FIRST_WAIT * 2 ** (number - 1) * (0.5 + random.random() / 2)  # noqa: S311 # no secret
                    if number == TRIES or self._clock.monotonic() + wait >= self.deadline:
                        raise retryable.error from None
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
            kind = TimedOut if error.timed_out else Unavailable
            raise _Retryable(kind(f"{self._place}: {error}")) from None
        except DecodingError as error:
            raise BadResponse(f"{self._place}: {path}: {error}") from None
        except ErrorResponse as error:
            raise self._error_for(path, error.response) from None
        except stripe.StripeError as error:
            said = excerpt((error.http_body or "").encode())
            raise BadResponse(f"{path}: expected JSON as Stripe writes it, got: {said}") from None
        if not isinstance(response.data, dict):
            raise BadResponse(f"{path}: expected an object")
        return response.data

    def _error_for(self, path: str, response: Response) -> Exception:
        """The error to raise for an error response: _Retryable where another try may help."""
        found = error_for(path, response.status, response.body)
        # 409 is a conflict with another request, and passes as 429 does.
        is_temporary = response.status in (409, 429) or response.status >= 500
        # Stripe says itself whether another try may help, where the status alone does not.
        advice = response.headers.get("stripe-should-retry")
        if advice == "true" or (is_temporary and advice != "false"):
            found.retry_after = asked_to_wait(response.headers, self._clock.now()).seconds
            return _Retryable(found)
        return found


class _Retryable(Exception):
    """Another try may help, after ``retry_after`` seconds where the error says so."""

    def __init__(self, error: SourceError) -> None:
        super().__init__(str(error))
        self.error = error

"""Has the official library send its requests over smithd's own HTTP client.

The only file that imports stripe besides ``api``; both are first imported when a source is opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import stripe

from smithd.plugin import DecodingError, Http, Response
from smithd_sources.http_errors import excerpt

LIMIT = 16_000_000
"""The largest response, in unpacked bytes."""
_SENT = ("authorization", "stripe-version", "stripe-account")


class ErrorResponse(Exception):
    """A response with a status other than 2xx. The library fails on some that are not Stripe's own."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


class StripeTransport(stripe.HTTPClient):
    """Sends what the library prepared, without the headers that describe this machine.

    TransportError, DecodingError and ErrorResponse pass through the library.
    """

    name = "smithd"

    def __init__(self, http: Http, timeout: float) -> None:
        """``timeout`` (seconds) bounds the connecting and each silence."""
        super().__init__()
        self._http = http
        self._timeout = timeout

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """The body, the status and the headers of the response."""
        assert post_data is None  # smithd only reads
        kept = {name: value for name, value in headers.items() if name.lower() in _SENT}
        request = self._http.prepare(method.upper(), url, headers=kept, timeout=self._timeout, limit=LIMIT)
        response = await request.send()
        if not 200 <= response.status < 300:
            raise ErrorResponse(response)
        # The library decodes the body too, and fails over one that is no text.
        try:
            response.body.decode()
        except UnicodeDecodeError:
            raise DecodingError(f"expected JSON, got: {excerpt(response.body)}") from None
        return response.body, response.status, response.headers

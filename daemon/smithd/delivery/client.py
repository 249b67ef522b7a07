"""The client: one request over HTTP, and what came back of it. It never repeats anything by itself."""

from __future__ import annotations

import asyncio

from smithd import http
from smithd.delivery.account import AccountOptions
from smithd.delivery.wire import Answer, NotSent, Reply, Request, Unknown
from smithd.outbox.message import LONGEST_REQUEST

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 25.0
TOTAL_TIMEOUT = LONGEST_REQUEST - 5.0
"""Seconds to connect, between two pieces of an answer, and for all of it."""

LARGEST_ANSWER = 256 * 1024


class Client:
    """Speaks to the service, with the account's key."""

    def __init__(self, account: AccountOptions, connections: http.Http) -> None:
        self._account = account
        self._connections = connections

    async def __call__(self, request: Request) -> Reply:
        """What the service answered, or whether the request can have reached it."""
        try:
            async with asyncio.timeout(TOTAL_TIMEOUT):
                return await self._exchange(request)
        except TimeoutError:
            return Unknown(f"no answer within {TOTAL_TIMEOUT:.0f} s")
        except http.failures() as error:
            reason = str(error) or type(error).__name__
            return NotSent(reason) if http.failed_to_connect(error) else Unknown(reason)

    async def _exchange(self, request: Request) -> Reply:
        async with self._connections.client().stream(
            request.method,
            self._account.base_url + request.path,
            content=request.body,
            headers={
                "Authorization": f"Bearer {self._account.api_key.get_secret_value()}",
                "Accept": "application/json",
                "Content-Type": "application/json",
            },
            timeout=http.timeout(CONNECT_TIMEOUT, READ_TIMEOUT),
            follow_redirects=False,
        ) as response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            try:
                body = await http.read(response, LARGEST_ANSWER)
            except http.TooLarge:
                body = b""
            except http.failures() as error:
                if response.is_success:
                    return Unknown(f"the answer was cut off: {error}")
                body = b""
            return Answer(response.status_code, headers, body)

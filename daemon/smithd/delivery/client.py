"""The client: one request over HTTP, and what came back of it. It never repeats anything by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

from smithd import http
from smithd.delivery import reply
from smithd.delivery.account import AccountOptions
from smithd.delivery.reply import NotSent, Reply, Unknown
from smithd.delivery.wire import Request
from smithd.outbox.message import LONGEST_REQUEST
from smithd.transport_errors import TransportError

CONNECT_TIMEOUT = 10.0
SILENCE_TIMEOUT = 25.0
TOTAL_TIMEOUT = LONGEST_REQUEST - 5.0
"""Seconds to connect; for each silence, while the request is written or its answer is read; and for all of it."""

PROBE_CONNECT_TIMEOUT = 3.0
PROBE_TIMEOUT = 10.0
"""The same for a probe: to connect, and for the answer."""

LARGEST_ANSWER = 256 * 1024


class Client:
    """Speaks to the service, with the account's key. ``now`` says the seconds since 1970."""

    def __init__(self, account: AccountOptions, connections: http.Http, now: Callable[[], float]) -> None:
        self._account = account
        self._host = urlsplit(account.base_url).hostname or ""
        self._connections = connections
        self._now = now

    async def __call__(self, request: Request) -> Reply:
        """What the service made of a request, or whether it can have reached it; raises nothing but cancellation."""
        is_probe = request.is_probe
        total = PROBE_CONNECT_TIMEOUT + PROBE_TIMEOUT if is_probe else TOTAL_TIMEOUT
        try:
            prepared = self._connections.prepare(
                request.method,
                self._account.base_url + request.path,
                content=request.content,
                headers={
                    "Authorization": f"Bearer {self._account.api_key.get_secret_value()}",
                    "Accept": "application/json",
                    "Content-Type": "application/json",
                },
                timeout=PROBE_TIMEOUT if is_probe else SILENCE_TIMEOUT,
                connect_timeout=PROBE_CONNECT_TIMEOUT if is_probe else CONNECT_TIMEOUT,
                limit=LARGEST_ANSWER,
                new_connection=is_probe,
            )
        except Exception as error:  # noqa: BLE001 - for one, a proxy's address that is invalid; nothing was sent
            # The error's text is left out: a proxy's password might be in it.
            return NotSent(
                f"no request to {self._host} could be prepared ({type(error).__name__}): "
                "are the variables http_proxy, https_proxy and all_proxy right?"
            )
        try:
            async with asyncio.timeout(total):
                answer = await prepared.send()
        except TimeoutError:
            return Unknown(f"{self._host} gave no answer within {total:.0f} s")
        except TransportError as error:
            if error.sent:
                return Unknown(f"{self._host}: {error}")
            return NotSent(f"could not connect to {self._host}: {error}")
        except http.DecodingError as error:
            return Unknown(f"{self._host}: {error}")
        except Exception as error:  # noqa: BLE001 - whatever a library raises, its request must not stay on its way for ever
            # The error's text is left out: the request's headers might be in it, and the key among them.
            return Unknown(f"the request to {self._host} failed ({type(error).__name__})")
        return reply.read(request.endpoint, answer.status, answer.headers, answer.body, self._now())

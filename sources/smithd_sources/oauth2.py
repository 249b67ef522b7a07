"""OAuth 2.0 client credentials (RFC 6749, section 4.4): a token, fetched when needed and kept while it is good."""

from __future__ import annotations

import json
import math
from base64 import b64encode
from typing import Any, Literal
from urllib.parse import quote_plus, urlencode

from pydantic import Field

from smithd.plugin import (
    TLS,
    BadAnswer,
    Context,
    HttpUrl,
    Misconfigured,
    NoAnswer,
    Options,
    Secret,
    Unavailable,
    Unreadable,
)

MARGIN = 30.0
"""Seconds before its end at which a token is no longer used: clocks differ, and requests take their time."""
LARGEST = 64_000


class OAuth2(Options):
    """Where tokens come from, and who asks for them."""

    token_url: HttpUrl = Field(description="the address that hands out tokens")
    client_id: str
    client_secret: Secret
    scope: str | None = Field(None, description="what to ask for; several with blanks between them")
    audience: str | None = Field(None, description="for whom the token is, where the server wants to know")
    credentials: Literal["header", "body"] = Field(
        "header", description="where the id and the secret go: into HTTP Basic, or into the form"
    )


class Tokens:
    """Hands out the header ``Authorization``; asks the server for a new token only when the last one runs out."""

    def __init__(self, options: OAuth2, context: Context, tls: TLS, patience: float) -> None:
        """``patience``: seconds that the server may take."""
        self._options = options
        self._context = context
        self._tls = tls
        self._patience = patience
        self._header = ""
        self._good_until = -math.inf

    def forget(self) -> None:
        """The last token was refused."""
        self._good_until = -math.inf

    async def header(self) -> str:
        """The header's value. Raises Misconfigured, Unavailable or BadAnswer where no token can be had."""
        now = self._context.clock.monotonic()
        if now >= self._good_until:
            answer = await self._fetch()
            self._header = f"Bearer {_token(answer)}"
            self._good_until = now + _lifetime(answer) - MARGIN
        return self._header

    async def _fetch(self) -> dict[str, Any]:
        options, secret = self._options, self._options.client_secret.get_secret_value()
        form = {"grant_type": "client_credentials", "scope": options.scope, "audience": options.audience}
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        if options.credentials == "header":
            pair = f"{quote_plus(options.client_id)}:{quote_plus(secret)}"  # encoded first: RFC 6749, section 2.3.1
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": options.client_id, "client_secret": secret}
        content = urlencode({name: value for name, value in form.items() if value is not None})
        request = self._context.http.prepare(
            "POST",
            options.token_url,
            headers=headers,
            content=content,
            timeout=self._patience,
            limit=LARGEST,
            tls=self._tls,
        )
        try:
            answer = await request.send()
        except NoAnswer as error:
            raise Unavailable(f"the token server: {error}") from None
        except Unreadable as error:
            raise BadAnswer(f"the token server: {error}") from None
        body = _object(answer.body)
        if answer.status == 429 or answer.status >= 500:
            raise Unavailable(f"the token server answers HTTP {answer.status}")
        if answer.status != 200:
            said = body.get("error") if isinstance(body.get("error"), str) else "no reason given"
            raise Misconfigured(
                f"the token server refuses (HTTP {answer.status}, {said:.60}): check client_id, client_secret and scope"
            )
        return body


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _token(answer: dict[str, Any]) -> str:
    token = answer.get("access_token")
    if not isinstance(token, str) or not token or not (token.isascii() and token.isprintable()):
        raise BadAnswer("the token server's answer has no access_token")
    if str(answer.get("token_type", "bearer")).lower() != "bearer":
        raise Misconfigured("the token server hands out no bearer tokens, and others are not known here")
    return token


def _lifetime(answer: dict[str, Any]) -> float:
    """For how many seconds a token is good; without a word about it, for one request (it may be a day, or no time)."""
    seconds = answer.get("expires_in")
    try:
        return float(seconds) if isinstance(seconds, int | float | str) else MARGIN
    except ValueError:
        return MARGIN

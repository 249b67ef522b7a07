"""OAuth 2.0 client credentials (RFC 6749, section 4.4): a token, fetched when needed and kept while it is good."""

from __future__ import annotations

import json
import math
from base64 import b64encode
from collections.abc import Iterator
from typing import Any, Literal
from urllib.parse import quote_plus, urlencode

from pydantic import Field

from smithd.plugin import (
    TLS,
    BadResponse,
    Context,
    DecodingError,
    HttpUrl,
    Misconfigured,
    Options,
    Secret,
    TransportError,
)
from smithd_sources.http_options import TLSOptions, cut, excerpt, place, status_failure, transport_failure
from smithd_sources.values import to_number

MARGIN = 30.0
"""Seconds before its end at which a token is no longer used: clocks differ, and requests take their time."""
UNSAID = 300.0
"""Seconds for which a token is used where nobody says how long it is good; one that is refused is replaced."""
LARGEST = 64_000
_REFUSED = (400, 401, 403)


class OAuth2Options(Options):
    """Where tokens come from, and who asks for them."""

    token_url: HttpUrl = Field(description="the address that hands out tokens")
    client_id: str
    client_secret: Secret
    scope: str | None = Field(None, description="what to ask for; several with blanks between them")
    audience: str | None = Field(None, description="for whom the token is, where the server wants to know")
    credentials: Literal["header", "body"] = Field(
        "header", description="where the id and the secret go: into HTTP Basic, or into the form"
    )
    tls: TLSOptions | None = Field(
        None, description="how the token server's certificate is checked; default: by the system's authorities"
    )

    @property
    def pair(self) -> str:
        """Id and secret as HTTP Basic has them; encoded for a form first (RFC 6749, section 2.3.1)."""
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret.get_secret_value())}"
        return b64encode(pair.encode()).decode()

    def secrets(self) -> Iterator[str]:
        """What of this must not be shown, as it stands here and as it is sent."""
        yield from (self.client_secret.get_secret_value(), self.pair.rstrip("="))


class OAuth2Tokens:
    """Hands out the header ``Authorization``; asks the server for a new token only when the last one runs out."""

    def __init__(self, options: OAuth2Options, context: Context, tls: TLS, patience: float) -> None:
        """``tls`` counts where the options have none of their own; ``patience``: seconds that the server may take."""
        self._options = options
        self._who = f"the token server {place(options.token_url)}"
        self._context = context
        self._tls = options.tls.settings() if options.tls else tls
        self._patience = patience
        self._token = ""
        self._good_until = -math.inf

    def forget(self) -> None:
        """The last token was refused."""
        self._good_until = -math.inf

    async def header(self) -> str:
        """The header's value. Raises Misconfigured, Unavailable or BadResponse where no token can be had."""
        now = self._context.clock.monotonic()
        if now >= self._good_until:
            answer = await self._fetch()
            self._token = self._token_in(answer)
            self._good_until = now + _good_for(answer)
        return f"Bearer {self._token}"

    @property
    def token(self) -> str:
        """The last one; empty where there was none yet. It is a secret."""
        return self._token

    async def _fetch(self) -> dict[str, Any]:
        options, secret = self._options, self._options.client_secret.get_secret_value()
        form = {"grant_type": "client_credentials", "scope": options.scope, "audience": options.audience}
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        if options.credentials == "header":
            headers["Authorization"] = f"Basic {options.pair}"
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
        except (TransportError, DecodingError) as error:
            raise transport_failure(self._who, error) from None
        body = _object(answer.body)
        if answer.status in _REFUSED:
            said = body.get("error") if isinstance(body.get("error"), str) else "no reason given"
            raise Misconfigured(
                f"{self._who} refuses (HTTP {answer.status}, {cut(str(said))}): "
                "check client_id, client_secret and scope"
            )
        if answer.status != 200:
            raise status_failure(self._who, answer.status, answer.headers.get("location", ""), excerpt(answer.body))
        return body

    def _token_in(self, answer: dict[str, Any]) -> str:
        token = answer.get("access_token")
        if not isinstance(token, str) or not token or not (token.isascii() and token.isprintable()):
            raise BadResponse(f"{self._who}: its answer has no access_token")
        if str(answer.get("token_type", "bearer")).lower() != "bearer":
            raise Misconfigured(f"{self._who} hands out no bearer tokens, and others are not known here")
        return token


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _good_for(answer: dict[str, Any]) -> float:
    """For how many seconds a token is used; of a life shorter than a minute, for half of it."""
    try:
        life = to_number(answer.get("expires_in"), "expires_in")
    except BadResponse:
        life = None
    return UNSAID if life is None else max(life - MARGIN, life / 2, 0.0)

"""OAuth 2.0 client credentials (RFC 6749, section 4.4): a token, fetched when needed and kept while it is valid."""

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
from smithd_sources.http_errors import excerpt, one_line, place, status_failure, transport_failure
from smithd_sources.http_options import TLSOptions
from smithd_sources.values import to_number

MARGIN = 30.0
"""A token is no longer used this many seconds before its end: clocks differ, and requests take time."""
DEFAULT_LIFE = 300.0
"""Seconds for which a token is used where the server does not say; a token that is refused is replaced."""
LIMIT = 64_000
"""The bytes of the token server's answer."""
_REFUSED = (400, 401, 403)


class OAuth2Options(Options):
    """The token server, and the client's credentials."""

    token_url: HttpUrl = Field(description="the address that hands out tokens")
    client_id: str = Field(description="the client's name at the token server")
    client_secret: Secret = Field(description="the client's password there")
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
        """Id and secret for HTTP Basic; both are encoded as in a form first (RFC 6749, section 2.3.1)."""
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret.get_secret_value())}"
        return b64encode(pair.encode()).decode()

    def secrets(self) -> Iterator[str]:
        """The parts of this that must not be shown, as they stand here and as they are sent."""
        yield from (self.client_secret.get_secret_value(), self.pair.rstrip("="))


class OAuth2Tokens:
    """Gives the header ``Authorization``. Fetches a new token only when the last one runs out."""

    def __init__(self, options: OAuth2Options, context: Context, tls: TLS, timeout: float) -> None:
        """``tls`` applies where the options have no TLS settings; ``timeout`` (seconds) is the server's."""
        self._options = options
        self._who = f"the token server {place(options.token_url)}"
        self._context = context
        self._tls = options.tls.settings() if options.tls else tls
        self._timeout = timeout
        self.token = ""
        """The last token; empty before the first. It is a secret."""
        self._valid_until = -math.inf

    def forget(self) -> None:
        """Note that the last token was refused."""
        self._valid_until = -math.inf

    async def header(self) -> str:
        """The header's value. Raises Misconfigured, Unavailable or BadResponse where there is no token."""
        now = self._context.clock.monotonic()
        if now >= self._valid_until:
            answer = await self._fetch()
            token = answer.get("access_token")
            if not isinstance(token, str) or not token or not (token.isascii() and token.isprintable()):
                raise BadResponse(f"{self._who}: its answer has no access_token")
            # The case of the type does not count (RFC 6749, section 5.1).
            if str(answer.get("token_type", "bearer")).lower() != "bearer":
                raise Misconfigured(f"{self._who} hands out no bearer tokens, and others are not known here")
            # A life that cannot be read is no reason to have no values: the token works all the same.
            try:
                life = to_number(answer.get("expires_in"), "expires_in")
            except BadResponse:
                life = None
            self.token = token
            # A token that lives less than a minute is used for half of its life.
            self._valid_until = now + (DEFAULT_LIFE if life is None else max(life - MARGIN, life / 2, 0.0))
        return f"Bearer {self.token}"

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
            timeout=self._timeout,
            limit=LIMIT,
            tls=self._tls,
        )
        try:
            answer = await request.send()
        except (TransportError, DecodingError) as error:
            raise transport_failure(self._who, error) from None
        try:
            parsed = json.loads(answer.body)
        except (ValueError, RecursionError):
            parsed = None
        body: dict[str, Any] = parsed if isinstance(parsed, dict) else {}
        if answer.status in _REFUSED:
            said = one_line(body["error"]) if isinstance(body.get("error"), str) else "no reason given"
            raise Misconfigured(
                f"{self._who} refuses (HTTP {answer.status}, {said}): check client_id, client_secret and scope"
            )
        if answer.status != 200:
            now, said = self._context.clock.now(), excerpt(answer.body)
            raise status_failure(self._who, answer.status, answer.headers, said, now=now, zone=self._context.zone)
        return body

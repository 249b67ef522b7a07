"""Gets the answer of a source over HTTP, however many requests it takes: tokens, redirects, pages, unchanged answers.

Credentials go to the host that the configuration names, and to no other. That holds for a token, for the configured
headers, for our certificate and for what is sent: another host, whether a redirect or a link to the next page leads
there, gets none of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from smithd.plugin import (
    TLS,
    BadResponse,
    Context,
    DecodingError,
    Misconfigured,
    PreparedRequest,
    Response,
    SourceError,
    TransportError,
    Unavailable,
    http_url,
)
from smithd_sources.http_errors import (
    OWN_DEADLINE,
    excerpt,
    place,
    status_failure,
    transport_failure,
    without_secrets,
)
from smithd_sources.http_json.oauth2 import OAuth2Tokens
from smithd_sources.http_json.options import HttpJsonAuthOptions, HttpJsonOptions
from smithd_sources.http_options import reveal

_REDIRECTS = (301, 302, 303, 307, 308)
_REWRITING = (301, 302)
"""Redirects that make a GET of a POST, and of nothing else; a 303 does of everything (RFC 9110, section 15.4)."""


class PageResponse(NamedTuple):
    """A response, and the address that it came from after all redirects."""

    response: Response
    address: str


class HttpJsonClient:
    """Sends the requests of one source."""

    def __init__(
        self, options: HttpJsonOptions, context: Context, headers: dict[str, str], content: str | None
    ) -> None:
        """``headers`` are those without secrets, which any host may see; the configured ones are added."""
        self._options = options
        self._context = context
        self._public_headers = headers
        self._content = content
        self._tls = options.tls.settings()
        self._timeout = OWN_DEADLINE * context.timeout
        self._digest = options.auth.digest.answers() if options.auth and options.auth.digest else None
        self._tokens: OAuth2Tokens | None = None
        if options.auth and (oauth2 := options.auth.oauth2):
            # The source's TLS settings are for its own host only.
            own = place(oauth2.token_url) == place(options.url)
            self._tokens = OAuth2Tokens(oauth2, context, self._tls if own else TLS(), self._timeout)
        self._request = self._prepared(options.effective_method, options.url, content, reveal(options.query))
        self._is_conditional = False

    async def get(self) -> PageResponse | None:
        """The response; None where the server says that nothing changed since the last one that was used.

        Raises Misconfigured, Unavailable or BadResponse where no response can be used.
        """
        options = self._options
        response = await self._send(self._request, options.url)
        if response.status == 304 and self._is_conditional:
            return None
        return await self._final(PageResponse(response, options.url), options.effective_method, self._content)

    async def get_page(self, last: PageResponse, next_page: str) -> PageResponse:
        """The page at an address that the ``last`` one names; the address may be relative."""
        target = self._target(next_page, last.address)
        response = await self._send(self._prepared("GET", target, None, {}), target)
        return await self._final(PageResponse(response, target), "GET", None)

    async def get_again(self, query: dict[str, str]) -> PageResponse:
        """The page that the same request brings with further parameters, which replace those of the same name."""
        url, method = self._options.url, self._options.effective_method
        given = reveal(self._options.query) | query
        response = await self._send(self._prepared(method, url, self._content, given), url)
        return await self._final(PageResponse(response, url), method, self._content)

    def use(self, page: PageResponse) -> bool:
        """Note that this response was used: from now on ask for changes only, where the server marks its responses
        (RFC 9110, section 13). Returns whether it is needed again, for when nothing changed.
        """
        # Only the configured address can be asked for changes, and only where it is the whole answer.
        may_keep = page.address == self._options.url and self._options.pages is None
        # A server ignores the date where it gets an ETag as well (RFC 9110, section 13.1.3).
        etag = page.response.headers.get("etag") if may_keep else None
        date = page.response.headers.get("last-modified") if may_keep and etag is None else None
        if etag is not None or date is not None or self._is_conditional:
            self._request.set_header("If-None-Match", etag)
            self._request.set_header("If-Modified-Since", date)
        self._is_conditional = etag is not None or date is not None
        return self._is_conditional

    def secrets(self) -> Iterator[str]:
        """All that is sent and must not be shown when an answer repeats it."""
        yield from self._options.secrets()
        if self._tokens is not None:
            yield self._tokens.token

    async def _final(self, page: PageResponse, method: str, content: str | None) -> PageResponse:
        """The response at the end of all redirects from a page; raises where it cannot be used."""
        left = self._options.redirects
        while left > 0 and page.response.status in _REDIRECTS:
            target = self._target(page.response.headers.get("location", ""), page.address)
            if page.response.status == 303 or (page.response.status in _REWRITING and method == "POST"):
                method, content = "GET", None
            # A body may hold secrets too: it stays with the configured host.
            if content is not None and not self._is_own_host(target):
                raise Misconfigured(
                    f"{place(page.address)} redirects to another host, {place(target)}, and what is sent is not sent "
                    "there: if it should be, make that the url"
                )
            response = await self._send(self._prepared(method, target, content, {}), target)
            page, left = PageResponse(response, target), left - 1
            if left == 0 and page.response.status in _REDIRECTS:
                raise Unavailable(f"{place(self._options.url)} redirects more than {self._options.redirects} times")
        response = page.response
        if not self._options.accepts(response.status):
            said = f"({response.failure})" if response.failure is not None else excerpt(response.body)
            raise self._status_failure(page, said)
        if response.failure is not None:
            raise transport_failure(place(page.address), response.failure)
        return page

    def _status_failure(self, page: PageResponse, said: str) -> SourceError:
        response, now, zone = page.response, self._context.clock.now(), self._context.zone
        auth = self._options.auth if self._is_own_host(page.address) else None
        ways = {way: getattr(auth, way, None) is not None for way in HttpJsonAuthOptions.ways}
        # OAuth 2.0 sends bearer tokens.
        ways["bearer"] = ways["bearer"] or ways["oauth2"]
        return status_failure(
            place(page.address), response.status, response.headers, said, now=now, zone=zone, ways=ways
        )

    def _target(self, location: str, base: str) -> str:
        """The address that a response from ``base`` points at."""
        # The fragment of an address is never sent.
        try:
            target = http_url(urljoin(base, location.strip()).partition("#")[0]) if location else ""
        except ValueError as error:
            raise BadResponse(f"{place(base)} points at '{without_secrets(location)}': {error}") from None
        if not target:
            raise BadResponse(f"{place(base)} redirects, and does not say where to")
        if urlsplit(base).scheme == "https" and urlsplit(target).scheme == "http":
            raise Misconfigured(f"{place(base)} points at {place(target)} without TLS, and is not followed there")
        if self._options.unix_socket is not None and place(target) != place(self._options.url):
            raise Misconfigured(f"{place(base)} points at another host, {place(target)}, which the socket cannot reach")
        return target

    def _is_own_host(self, target: str) -> bool:
        """Whether an address has the configured one's host and port, or is the same host's HTTPS."""
        own, other = urlsplit(self._options.url), urlsplit(target)
        upgraded = own.port in (None, 80) and other.port in (None, 443) and other.scheme == "https"
        same = (own.scheme, place(self._options.url)) == (other.scheme, place(target))
        return same or (own.scheme == "http" and upgraded and own.hostname == other.hostname)

    def _prepared(self, method: str, url: str, content: str | None, query: dict[str, str]) -> PreparedRequest:
        headers, tls, digest = self._public_headers, TLS(self._tls.verify, self._tls.ca_file), None
        if self._is_own_host(url):
            configured = self._options.sent_headers()
            replaced = {name.lower() for name in configured}
            headers = {name: value for name, value in headers.items() if name.lower() not in replaced} | configured
            tls, digest = self._tls, self._digest
        return self._context.http.prepare(
            method,
            url,
            query=query,
            headers=headers,
            content=content,
            timeout=self._timeout,
            limit=self._options.max_size,
            tls=tls,
            unix_socket=self._options.unix_socket,
            digest=digest,
        )

    async def _send(self, request: PreparedRequest, url: str) -> Response:
        """The response, whatever its status. A token that the source's own host refuses is replaced, once."""
        tokens = self._tokens if self._tokens is not None and self._is_own_host(url) else None
        try:
            if tokens is None:
                return await request.send()
            request.set_header("Authorization", await tokens.header())
            response = await request.send()
            if response.status == 401:
                tokens.forget()
                request.set_header("Authorization", await tokens.header())
                response = await request.send()
            return response
        except (TransportError, DecodingError) as error:
            raise transport_failure(place(url), error) from None

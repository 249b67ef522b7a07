"""One answer over HTTP, however many requests it takes: tokens, redirects, pages, and what has not changed since."""

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
    TransportError,
    Unavailable,
    http_url,
)
from smithd_sources.http_json.oauth2 import OAuth2Options, OAuth2Tokens
from smithd_sources.http_json.options import HttpJsonOptions
from smithd_sources.http_options import (
    PATIENCE,
    excerpt,
    place,
    reveal,
    status_failure,
    transport_failure,
    without_secrets,
)

_REDIRECTS = (301, 302, 303, 307, 308)
_REWRITING = (301, 302)
"""Redirects that make a GET of a POST, and of nothing else; a 303 does of everything (RFC 9110, section 15.4)."""


class PageResponse(NamedTuple):
    """An answer, and the address that gave it at last."""

    answer: Response
    address: str


class HttpJsonClient:
    """Asks the address of a source. Credentials go to the host that the configuration names, and to no other."""

    def __init__(
        self, options: HttpJsonOptions, context: Context, headers: dict[str, str], content: str | None
    ) -> None:
        """``headers`` are those that anybody may see; the configured ones are added."""
        self._options = options
        self._context = context
        self._public = headers
        self._content = content
        self._tls = options.tls.settings()
        self._patience = PATIENCE * context.timeout
        oauth2 = options.auth.oauth2 if options.auth else None
        self._tokens = (
            OAuth2Tokens(oauth2, context, _tls_of_tokens(options, oauth2), self._patience) if oauth2 else None
        )
        self._request = self._prepared(options.asked_by, options.url, content, reveal(options.query))
        self._is_conditional = False

    async def ask(self) -> PageResponse | None:
        """The answer; None where the server says that nothing has changed since the last one that was taken.

        Raises Misconfigured, Unavailable or BadResponse where there is none that counts.
        """
        options = self._options
        answer = await self._send(self._request, options.url, known=True)
        if answer.status == 304 and self._is_conditional:
            return None
        return self._accepted(await self._followed(PageResponse(answer, options.url), options.asked_by, self._content))

    async def ask_page(self, last: PageResponse, next_page: str) -> PageResponse:
        """The page at an address that the ``last`` one names (it may be relative)."""
        target = self._target(next_page, last.address)
        page = PageResponse(await self._elsewhere("GET", target, None), target)
        return self._accepted(await self._followed(page, "GET", None))

    def take(self, page: PageResponse) -> bool:
        """This answer could be used: ask for changes only, from now on, where the server marks its answers (RFC 9110,
        section 13). Returns whether it is needed again, for when there are none.
        """
        keeps = page.address == self._options.url and self._options.pages is None
        mark = page.answer.headers.get("etag") if keeps else None
        date = page.answer.headers.get("last-modified") if keeps and mark is None else None
        if mark is not None or date is not None or self._is_conditional:
            self._request.set_header("If-None-Match", mark)
            self._request.set_header("If-Modified-Since", date)
        self._is_conditional = mark is not None or date is not None
        return self._is_conditional

    def secrets(self) -> Iterator[str]:
        """All that is sent and must not be shown when an answer repeats it."""
        yield from self._options.secrets()
        if self._tokens is not None:
            yield self._tokens.token

    def _accepted(self, page: PageResponse) -> PageResponse:
        answer = page.answer
        if not self._options.accepts(answer.status):
            said = f"({answer.failure})" if answer.failure is not None else excerpt(answer.body)
            raise status_failure(place(page.address), answer.status, answer.headers.get("location", ""), said)
        if answer.failure is not None:
            raise transport_failure(place(page.address), answer.failure)
        return page

    async def _followed(self, page: PageResponse, method: str, content: str | None) -> PageResponse:
        """Where the redirects from a page lead; the page itself, where it is none."""
        left = self._options.redirects
        while left > 0 and page.answer.status in _REDIRECTS:
            target = self._target(page.answer.headers.get("location", ""), page.address)
            if page.answer.status == 303 or (page.answer.status in _REWRITING and method == "POST"):
                method, content = "GET", None
            if content is not None and not self._is_home(target):
                raise Misconfigured(
                    f"{place(page.address)} redirects to another host, {place(target)}, and what is sent is not sent "
                    "there: if it should be, make that the url"
                )
            page, left = PageResponse(await self._elsewhere(method, target, content), target), left - 1
            if left == 0 and page.answer.status in _REDIRECTS:
                raise Unavailable(f"{place(self._options.url)} redirects more than {self._options.redirects} times")
        return page

    def _target(self, location: str, base: str) -> str:
        """The address that an answer points at."""
        try:
            target = http_url(urljoin(base, location.strip()).partition("#")[0]) if location else ""
        except ValueError as error:
            raise BadResponse(f"{place(base)} points at {without_secrets(location)!r}: {error}") from None
        if not target:
            raise BadResponse(f"{place(base)} redirects, and does not say where to")
        if urlsplit(base).scheme == "https" and urlsplit(target).scheme == "http":
            raise Misconfigured(f"{place(base)} points at {place(target)} without TLS, and is not followed there")
        if self._options.unix_socket is not None and place(target) != place(self._options.url):
            raise Misconfigured(f"{place(base)} points at another host, {place(target)}, which the socket cannot reach")
        return target

    def _is_home(self, target: str) -> bool:
        """Whether an address is on the configured one's own host and port, or the same host's HTTPS."""
        home, there = urlsplit(self._options.url), urlsplit(target)
        upgraded = home.port in (None, 80) and there.port in (None, 443) and there.scheme == "https"
        same = (home.scheme, place(self._options.url)) == (there.scheme, place(target))
        return same or (home.scheme == "http" and upgraded and home.hostname == there.hostname)

    async def _elsewhere(self, method: str, url: str, content: str | None) -> Response:
        """What another address answers; without credentials, where it is another host's."""
        return await self._send(self._prepared(method, url, content, {}), url, known=self._is_home(url))

    def _prepared(self, method: str, url: str, content: str | None, query: dict[str, str]) -> PreparedRequest:
        home = self._is_home(url)
        return self._context.http.prepare(
            method,
            url,
            query=query,
            headers=_merged(self._public, self._options.sent_headers()) if home else self._public,
            content=content,
            timeout=self._patience,
            limit=self._options.max_size,
            tls=self._tls if home else TLS(self._tls.verify, self._tls.ca_file),
            unix_socket=self._options.unix_socket,
        )

    async def _send(self, request: PreparedRequest, url: str, *, known: bool) -> Response:
        """``known``: the host may have our credentials; a token that it refuses is replaced, once."""
        if self._tokens is None or not known:
            return await self._answer(request, url)
        request.set_header("Authorization", await self._tokens.header())
        answer = await self._answer(request, url)
        if answer.status != 401:
            return answer
        self._tokens.forget()
        request.set_header("Authorization", await self._tokens.header())
        return await self._answer(request, url)

    async def _answer(self, request: PreparedRequest, url: str) -> Response:
        try:
            return await request.send()
        except (TransportError, DecodingError) as error:
            raise transport_failure(place(url), error) from None


def _merged(usual: dict[str, str], given: dict[str, str]) -> dict[str, str]:
    """The headers that are sent: the given ones in place of the usual ones, whatever their case."""
    names = {name.lower() for name in given}
    return {name: value for name, value in usual.items() if name.lower() not in names} | given


def _tls_of_tokens(options: HttpJsonOptions, oauth2: OAuth2Options) -> TLS:
    """The source's own setting is for its own host only."""
    return options.tls.settings() if place(oauth2.token_url) == place(options.url) else TLS()

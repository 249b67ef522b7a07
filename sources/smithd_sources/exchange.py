"""One answer over HTTP, however many requests it takes: tokens, redirects, pages, and what has not changed since."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

from smithd.plugin import (
    TLS,
    Answer,
    BadAnswer,
    Context,
    Misconfigured,
    NoAnswer,
    Prepared,
    Unavailable,
    Unreadable,
    Untrusted,
    http_url,
)
from smithd_sources.connection import PATIENCE, excerpt, place, refusal, reveal
from smithd_sources.json_options import HttpJsonOptions
from smithd_sources.oauth2 import Tokens

_REDIRECTS = (301, 302, 303, 307, 308)
_KEEPING = (307, 308)
"""Redirects after which the same request is meant, its method and its body included (RFC 9110, section 15.4)."""
_LINK = re.compile(r"<([^>]*)>((?:\s*;[^,<]*)*)")
_NEXT = re.compile(r""";\s*rel\s*=\s*"?(?:[^"]*\s)?next(?:\s[^"]*)?"?\s*(?:;|$)""", re.IGNORECASE)


class Exchange:
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
        self._tokens = Tokens(oauth2, context, self._tls, self._patience) if oauth2 else None
        self._request = self._prepared(options.asked_by, options.url, content, reveal(options.query))
        self._is_conditional = False

    async def ask(self) -> Answer | None:
        """The answer; None where the server says that nothing has changed since the last one.

        Raises Misconfigured, Unavailable or BadAnswer where there is none that counts.
        """
        answer = await self._send(self._request, self._options.url, known=True)
        if answer.status == 304 and self._is_conditional:
            return None
        redirected = answer.status in _REDIRECTS and self._options.redirects > 0
        answer = self._accepted(await self._followed(answer) if redirected else answer, self._options.url)
        self._remember(answer, keeps=not redirected and self._options.pages is None)
        return answer

    async def ask_page(self, address: str, page: str) -> tuple[Answer, str]:
        """The next page at an address that ``page`` names (it may be relative), and the page's own address."""
        target = self._target(page, address)
        return self._accepted(await self._elsewhere("GET", target, None), target), target

    def next_link(self, answer: Answer) -> str | None:
        """The address of the next page by the header Link (RFC 8288); None where there is none."""
        links = _LINK.findall(answer.headers.get("link", "")[:10_000])
        return next((target for target, parameters in links if _NEXT.search(parameters)), None)

    def _accepted(self, answer: Answer, url: str) -> Answer:
        if self._options.accepts(answer.status):
            return answer
        raise refusal(place(url), answer.status, answer.headers.get("location", ""), excerpt(answer.body))

    def _remember(self, answer: Answer, *, keeps: bool) -> None:
        """Ask for changes only, from now on, where the server marks its answers (RFC 9110, section 13)."""
        mark = answer.headers.get("etag") if keeps else None
        date = answer.headers.get("last-modified") if keeps and mark is None else None
        if mark is not None or date is not None or self._is_conditional:
            self._request.set_header("If-None-Match", mark)
            self._request.set_header("If-Modified-Since", date)
        self._is_conditional = mark is not None or date is not None

    async def _followed(self, answer: Answer) -> Answer:
        url, method, content = self._options.url, self._options.asked_by, self._content
        for _ in range(self._options.redirects):
            target = self._target(answer.headers.get("location", ""), url)
            if answer.status not in _KEEPING:
                method, content = "GET", None
            if content is not None and not self._is_home(target):
                raise Misconfigured(
                    f"{place(url)} redirects to another host, {place(target)}, and what is sent is not sent there: "
                    "if it should be, make that the url"
                )
            answer, url = await self._elsewhere(method, target, content), target
            if answer.status not in _REDIRECTS:
                return answer
        raise Unavailable(f"{place(self._options.url)} redirects more than {self._options.redirects} times")

    def _target(self, location: str, base: str) -> str:
        """The address that an answer points at."""
        try:
            target = http_url(urljoin(base, location.strip()).partition("#")[0]) if location else ""
        except ValueError as error:
            raise BadAnswer(f"{place(base)} points at {location[:80]!r}: {error}") from None
        if not target:
            raise BadAnswer(f"{place(base)} redirects, and does not say where to")
        if urlsplit(base).scheme == "https" and urlsplit(target).scheme == "http":
            raise Misconfigured(f"{place(base)} points at {place(target)} without TLS, and is not followed there")
        if self._options.unix_socket is not None and not self._is_home(target):
            raise Misconfigured(f"{place(base)} points at another host, {place(target)}, which the socket cannot reach")
        return target

    def _is_home(self, target: str) -> bool:
        """Whether an address is on the configured one's own host and port, or the same host's HTTPS."""
        home, there = urlsplit(self._options.url), urlsplit(target)
        upgraded = home.port in (None, 80) and there.port in (None, 443) and there.scheme == "https"
        same = (home.scheme, place(self._options.url)) == (there.scheme, place(target))
        return same or (home.scheme == "http" and upgraded and home.hostname == there.hostname)

    async def _elsewhere(self, method: str, url: str, content: str | None) -> Answer:
        """What another address answers; without credentials, where it is another host's."""
        return await self._send(self._prepared(method, url, content, {}), url, known=self._is_home(url))

    def _prepared(self, method: str, url: str, content: str | None, query: dict[str, str]) -> Prepared:
        home = self._is_home(url)
        return self._context.http.prepare(
            method,
            url,
            query=query,
            headers=self._public | self._options.sent_headers() if home else self._public,
            content=content,
            timeout=self._patience,
            limit=self._options.max_size,
            tls=self._tls if home else TLS(self._tls.verify, self._tls.ca_file),
            unix_socket=self._options.unix_socket,
        )

    async def _send(self, request: Prepared, url: str, *, known: bool) -> Answer:
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

    async def _answer(self, request: Prepared, url: str) -> Answer:
        try:
            return await request.send()
        except Untrusted as error:
            raise Misconfigured(f"{place(url)}: {error}") from None
        except NoAnswer as error:
            raise Unavailable(f"{place(url)}: {error}") from None
        except Unreadable as error:
            raise BadAnswer(f"{place(url)}: {error}") from None

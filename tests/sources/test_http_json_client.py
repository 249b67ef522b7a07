"""What a user relies on when one answer takes more than one request: tokens, redirects, pages, and no change."""

from __future__ import annotations

import asyncio
import gc
import gzip
import hashlib
import json
import logging
import re
import socketserver
import threading
import zlib
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import brotli
import pytest
from backports import zstd

from servers import Certificate
from smithd.clock import SystemClock
from smithd.plugin import BadResponse, Context, Http, Misconfigured, RawSample, SourceError, Unavailable
from smithd.testing import ReceivedRequest, Reply, Server
from smithd_sources.http_json.source import HttpJson

Ask = Callable[..., list[RawSample]]

ORDERS = Reply(b'{"orders": 7}')
SEVEN = [RawSample("orders", 7.0)]


def options(url: str, metrics: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"url": url, "metrics": metrics or {"orders": "$.orders"}} | more


def to(location: str, status: int = 302) -> Reply:
    return Reply(status=status, headers={"Location": location})


@pytest.fixture
def other() -> Iterator[Server]:
    """Another host."""
    with Server() as server:
        yield server


class TestRedirects:
    SECRETS = {"headers": {"X-Key": "s3cret"}, "auth": {"bearer": "t0ken"}}  # noqa: RUF012 - a test's constant

    def test_on_the_same_host_it_goes_on_as_before(self, ask: Ask, web: Server) -> None:
        web.replies |= {"/": to("/a", 301), "/a": to("b?x=1", 307), "/b": ORDERS}
        assert ask(HttpJson, options(web.url, **self.SECRETS)) == SEVEN
        assert [asked.path for asked in web.requests] == ["/", "/a", "/b?x=1"]
        assert all(asked.headers["X-Key"] == "s3cret" for asked in web.requests)
        assert all(asked.headers["Authorization"] == "Bearer t0ken" for asked in web.requests)

    def test_another_host_gets_no_credentials(self, ask: Ask, web: Server, other: Server) -> None:
        web.replies["/"] = to(f"{other.url}/stats")
        other.replies |= {"/stats": to("/more"), "/more": ORDERS}
        assert ask(HttpJson, options(web.url, **self.SECRETS)) == SEVEN
        for asked in other.requests:
            assert "s3cret" not in str(asked.headers)
            assert "t0ken" not in str(asked.headers)

    @pytest.mark.parametrize("status", [301, 302, 303])
    def test_a_post_becomes_a_get(self, ask: Ask, web: Server, status: int) -> None:
        web.replies |= {"/": to("/a", status), "/a": ORDERS}
        assert ask(HttpJson, options(web.url, body={"q": 1})) == SEVEN
        assert [(asked.method, asked.body) for asked in web.requests] == [("POST", b'{"q": 1}'), ("GET", b"")]

    def test_a_303_is_always_fetched(self, ask: Ask, web: Server) -> None:
        web.replies |= {"/": to("/a", 303), "/a": ORDERS}
        assert ask(HttpJson, options(web.url, method="PUT", body="x")) == SEVEN
        assert [(asked.method, asked.body) for asked in web.requests] == [("PUT", b"x"), ("GET", b"")]

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    @pytest.mark.parametrize("status", [301, 302])
    def test_a_put_stays_a_put(self, ask: Ask, web: Server, status: int, method: str) -> None:
        web.replies |= {"/": to("/a", status), "/a": ORDERS}
        assert ask(HttpJson, options(web.url, method=method, body="x")) == SEVEN
        assert [(asked.method, asked.body) for asked in web.requests] == [(method, b"x")] * 2

    @pytest.mark.parametrize("status", [307, 308])
    def test_or_is_sent_again_where_the_answer_says_so_but_to_no_other_host(
        self, ask: Ask, web: Server, other: Server, status: int
    ) -> None:
        web.replies |= {"/": to("/a", status), "/a": ORDERS}
        assert ask(HttpJson, options(web.url, body={"q": 1})) == SEVEN
        assert [(asked.method, asked.body) for asked in web.requests] == [("POST", b'{"q": 1}')] * 2
        web.replies["/"] = to(f"{other.url}/", status)
        with pytest.raises(Misconfigured, match="redirects to another host"):
            ask(HttpJson, options(web.url, body={"q": 1}))
        assert other.requests == []

    def test_there_is_an_end_to_it(self, ask: Ask, web: Server) -> None:
        web.replies["/"] = to("/")
        with pytest.raises(Unavailable, match="redirects more than 5 times"):
            ask(HttpJson, options(web.url))
        assert len(web.requests) == 6

    @pytest.mark.parametrize(
        ("location", "said"),
        [
            ("", "does not say where to"),
            ("ftp://x.example/", "points at 'ftp://x.example/'"),
            ("http://me:pw@x.example/", "no place in an address"),
            ("http://[", "points at"),
            ("javascript:alert(1)", "points at"),
            ("//me:s3cret@[::x/?s3cret", r"points at '//\[::x/'"),
        ],
    )
    def test_a_place_that_is_none(self, ask: Ask, web: Server, location: str, said: str) -> None:
        web.replies["/"] = to(location)
        with pytest.raises(BadResponse, match=said) as caught:
            ask(HttpJson, options(web.url))
        assert "s3cret" not in str(caught.value)

    def test_not_from_tls_to_the_clear(self, ask: Ask, certificate: Certificate, web: Server) -> None:
        with Server({"/": to(web.url)}, tls=certificate.context()) as secure, pytest.raises(Misconfigured) as caught:
            ask(HttpJson, options(secure.url, tls={"ca_file": str(certificate.cert_file)}))
        assert "without TLS" in str(caught.value)
        assert web.requests == []


class TestTokens:
    @pytest.fixture
    def login(self, web: Server) -> Server:
        web.replies["/token"] = lambda _: Reply(json.dumps(self.token(web)).encode())
        web.replies["/"] = self.guarded(web)
        return web

    @staticmethod
    def token(web: Server) -> dict[str, Any]:
        number = sum(asked.path == "/token" for asked in web.requests)
        return {"access_token": f"t{number}", "token_type": "Bearer", "expires_in": 3600}

    @staticmethod
    def guarded(web: Server) -> Callable[[ReceivedRequest], Reply]:
        def answer(asked: ReceivedRequest) -> Reply:
            wanted = f"Bearer t{sum(each.path == '/token' for each in web.requests)}"
            return ORDERS if asked.headers["Authorization"] == wanted else Reply(status=401)

        return answer

    @staticmethod
    def oauth2(web: Server, **more: Any) -> dict[str, Any]:
        given = {"token_url": f"{web.url}/token", "client_id": "a b", "client_secret": "s:3"}
        return options(web.url, auth={"oauth2": given | more})

    def test_a_token_is_fetched_once_and_kept(self, ask: Ask, login: Server) -> None:
        assert ask(HttpJson, self.oauth2(login, scope="read"), polls=3) == SEVEN
        assert [asked.path for asked in login.requests] == ["/token", "/", "/", "/"]
        assert login.requests[0].headers["Authorization"] == f"Basic {b64encode(b'a+b:s%3A3').decode()}"
        assert login.requests[0].body == b"grant_type=client_credentials&scope=read"

    def test_credentials_may_go_into_the_form(self, ask: Ask, login: Server) -> None:
        assert ask(HttpJson, self.oauth2(login, credentials="body")) == SEVEN
        assert login.requests[0].body == b"grant_type=client_credentials&client_id=a+b&client_secret=s%3A3"
        assert login.requests[0].headers["Authorization"] is None

    def test_one_that_runs_out_is_replaced(self, ask: Ask, login: Server) -> None:
        login.replies["/token"] = lambda _: Reply(json.dumps(self.token(login) | {"expires_in": 0}).encode())
        assert ask(HttpJson, self.oauth2(login), polls=2) == SEVEN
        assert [asked.path for asked in login.requests] == ["/token", "/", "/token", "/"]

    @pytest.mark.parametrize(
        ("life", "seconds"),
        [
            (3600, 3570),
            ("3600", 3570),
            (20, 10),
            (None, 300),
            (True, 0.5),
            (10**400, 300),
            (float("nan"), 300),
            ("a while", 300),
            (-5, 0),
        ],
    )
    def test_how_long_one_is_kept(
        self, ask: Ask, login: Server, monkeypatch: pytest.MonkeyPatch, life: Any, seconds: float
    ) -> None:
        def asked_when(*moments: float) -> int:
            passing = iter(moments)
            monkeypatch.setattr(SystemClock, "monotonic", lambda _: next(passing))
            login.requests.clear()
            assert ask(HttpJson, self.oauth2(login), polls=len(moments)) == SEVEN
            return sum(asked.path == "/token" for asked in login.requests)

        login.replies["/token"] = lambda _: Reply(json.dumps(self.token(login) | {"expires_in": life}).encode())
        if seconds:
            assert asked_when(1000.0, 1000.0 + seconds - 0.25) == 1
        assert asked_when(1000.0, 1000.0 + seconds) == 2

    def test_one_without_a_word_about_its_life_serves_all_pages(self, ask: Ask, login: Server) -> None:
        login.replies |= {
            "/token": Reply(b'{"access_token": "t1"}'),
            "/": Reply(b'{"orders": 7, "next": "/2"}'),
            "/2": Reply(b'{"orders": 8}'),
        }
        assert ask(HttpJson, self.oauth2(login) | {"pages": {"next": "$.next"}}) == SEVEN
        assert [asked.path for asked in login.requests] == ["/token", "/", "/2"]

    def test_the_token_server_is_checked_on_its_own(self, ask: Ask, certificate: Certificate) -> None:
        """What the source says of its own host's certificates holds for no other."""
        ca, cert, key = str(certificate.cert_file), str(certificate.cert_file), str(certificate.key_file)
        own = {"verify": False, "cert_file": cert, "key_file": key}
        with (
            Server({"/token": Reply(b'{"access_token": "t1"}')}, tls=certificate.context()) as login,
            Server({"/": ORDERS}, tls=certificate.context()) as web,
        ):
            given = self.oauth2(login) | {"url": web.url, "tls": own}
            with pytest.raises(Misconfigured, match=f"the token server {login.place}: its certificate is not trusted"):
                ask(HttpJson, given)
            assert login.requests == []
            given = self.oauth2(login, tls={"ca_file": ca}) | {"url": web.url, "tls": own}
            assert ask(HttpJson, given) == SEVEN

    def test_our_certificate_is_not_shown_to_it(self, ask: Ask, certificate: Certificate) -> None:
        own = {"ca_file": str(certificate.cert_file)}
        own |= {"cert_file": str(certificate.cert_file), "key_file": str(certificate.key_file)}
        with (
            Server(
                {"/token": Reply(b'{"access_token": "t1"}')}, tls=certificate.context(ask_for_certificate=True)
            ) as login,
            Server({"/": ORDERS}, tls=certificate.context(ask_for_certificate=True)) as web,
        ):
            given = self.oauth2(login, tls={"ca_file": str(certificate.cert_file)}) | {"url": web.url, "tls": own}
            with pytest.raises(Unavailable, match=r"the token server .* certificate of ours"):
                ask(HttpJson, given)
            assert ask(HttpJson, self.oauth2(login, tls=own) | {"url": web.url, "tls": own}) == SEVEN

    def test_on_the_same_host_it_is_checked_the_same_way(self, ask: Ask, certificate: Certificate) -> None:
        token = Reply(b'{"access_token": "t1"}')
        with Server({"/token": token, "/": ORDERS}, tls=certificate.context()) as web:
            given = self.oauth2(web) | {"tls": {"ca_file": str(certificate.cert_file)}}
            assert ask(HttpJson, given) == SEVEN

    def test_one_that_is_refused_is_replaced_once(self, ask: Ask, login: Server) -> None:
        login.replies["/"] = Reply(status=401)
        with pytest.raises(Misconfigured, match="HTTP 401, we are not let in"):
            ask(HttpJson, self.oauth2(login))
        assert [asked.path for asked in login.requests] == ["/token", "/", "/token", "/"]

    @pytest.mark.parametrize(
        ("reply", "kind", "said"),
        [
            (Reply(b'{"error": "invalid_client"}', 401), Misconfigured, "invalid_client.*check client_id"),
            (Reply(b"[]", 400), Misconfigured, "no reason given"),
            (Reply(b"{}"), BadResponse, "no access_token"),
            (Reply(b'{"access_token": "a\\nb"}'), BadResponse, "no access_token"),
            (Reply(b'{"access_token": "a", "token_type": "mac"}'), Misconfigured, "no bearer tokens"),
            (Reply(b"down", 503), Unavailable, r"the token server 127.0.0.1:\d+: HTTP 503: down"),
            (Reply(b"", 404), Misconfigured, "HTTP 404, there is nothing at this address"),
            (Reply(b"", 302, {"Location": "/login?a=b"}), Misconfigured, "redirects to /login, which is not followed"),
        ],
    )
    def test_no_token_can_be_had(
        self, ask: Ask, login: Server, reply: Reply, kind: type[SourceError], said: str
    ) -> None:
        login.replies["/token"] = reply
        with pytest.raises(kind, match=said) as caught:
            ask(HttpJson, self.oauth2(login))
        assert "s:3" not in str(caught.value)


class TestNoChange:
    @pytest.mark.parametrize(
        ("mark", "condition"),
        [
            ({"ETag": '"a1"'}, "If-None-Match"),
            ({"Last-Modified": "Thu, 26 Nov 2026 10:00:00 GMT"}, "If-Modified-Since"),
        ],
    )
    def test_what_has_not_changed_is_not_sent_again_and_counts(
        self, ask: Ask, web: Server, mark: dict[str, str], condition: str
    ) -> None:
        def answer(asked: ReceivedRequest) -> Reply:
            known = asked.headers[condition] in mark.values()
            return Reply(status=304) if known else Reply(ORDERS.body, headers=mark)

        web.replies["/"] = answer
        assert ask(HttpJson, options(web.url), polls=3) == SEVEN
        assert [asked.headers[condition] for asked in web.requests] == [None, *mark.values(), *mark.values()]

    def test_an_answer_that_could_not_be_read_is_not_kept(self, ask: Ask, web: Server) -> None:
        """Its mark would make the server say that nothing has changed, and an old value would count as fresh."""
        answers = iter([Reply(ORDERS.body, headers={"ETag": '"a"'}), Reply(b"{", headers={"ETag": '"b"'})])
        marks = []

        def answer(asked: ReceivedRequest) -> Reply:
            marks.append(asked.headers["If-None-Match"])
            return Reply(status=304) if marks[-1] == '"b"' else next(answers, Reply(b"{", headers={"ETag": '"b"'}))

        async def polls(source: HttpJson) -> None:
            assert list(await source.poll()) == SEVEN
            for _ in range(3):
                with pytest.raises(BadResponse, match="expected JSON"):
                    await source.poll()

        web.replies["/"] = answer
        asyncio.run(self.opened(web, polls))
        assert marks == [None, '"a"', '"a"', '"a"']

    def test_the_first_one_neither(self, ask: Ask, web: Server) -> None:
        async def polls(source: HttpJson) -> None:
            for _ in range(3):
                with pytest.raises(BadResponse, match="expected JSON"):
                    await source.poll()

        web.replies["/"] = Reply(b"{", headers={"ETag": '"b"'})
        asyncio.run(self.opened(web, polls))
        assert [asked.headers["If-None-Match"] for asked in web.requests] == [None] * 3

    def test_a_document_that_is_not_needed_again_is_let_go(self, web: Server) -> None:
        def documents() -> int:
            gc.collect()
            return sum(type(each) is dict and "let go of me" in each for each in gc.get_objects())

        async def polls(source: HttpJson) -> None:
            await source.poll()
            counts.append(documents())

        counts: list[int] = []
        body = b'{"orders": 7, "let go of me": []}'
        for headers in ({}, {"ETag": '"a"'}):
            web.replies["/"] = Reply(body, headers=headers)
            asyncio.run(self.opened(web, polls))
        assert counts == [0, 1]

    @staticmethod
    async def opened(web: Server, polls: Callable[[HttpJson], Awaitable[None]]) -> None:
        http = Http()
        context = Context("shop", 20.0, SystemClock(), http, logging.getLogger("smithd.sources.shop"))
        source = HttpJson(HttpJson.Options.model_validate(options(web.url)), context)
        await source.open()
        await polls(source)
        await source.close()
        await http.aclose()

    def test_a_server_that_claims_it_unasked_is_not_believed(self, ask: Ask, web: Server) -> None:
        web.replies["/"] = Reply(status=304)
        with pytest.raises(SourceError, match="HTTP 304"):
            ask(HttpJson, options(web.url))


class TestDigest:
    """The challenge of HTTP Digest is answered; the server's side is written down here as RFC 7616 has it."""

    @staticmethod
    def guard(
        web: Server, *, algorithm: str = "SHA-256", qop: str = "auth", uses: int = 99, before: str = "", path: str = "/"
    ) -> None:
        """Let in who answers with user and password; a nonce serves for so many requests."""
        counts: dict[str, int] = {}

        def answer(asked: ReceivedRequest) -> Reply:
            sent = dict(re.findall(r'(\w+)="?([^",]*)"?', asked.headers["Authorization"] or ""))
            nonce = sent.get("nonce", "")
            if nonce in counts and counts[nonce] < uses:
                counts[nonce] += 1

                def hashed(*parts: str) -> str:
                    kind = "md5" if algorithm == "MD5" else "sha256"
                    return hashlib.new(kind, ":".join(parts).encode()).hexdigest()

                first, second = hashed("me", "shop", "p4ssword"), hashed(asked.method, asked.path)
                middle = (nonce, sent["nc"], sent["cnonce"], "auth") if qop else (nonce,)
                if sent["response"] == hashed(first, *middle, second) and sent["uri"] == asked.path:
                    return ORDERS
            nonce = f"nonce{len(counts)}"
            counts[nonce] = 0
            fields = f'realm="shop", nonce="{nonce}", algorithm={algorithm}' + (f', qop="{qop}"' if qop else "")
            return Reply(b"no", 401, {"WWW-Authenticate": f"{before}Digest {fields}"})

        web.replies[path] = answer

    AUTH: ClassVar = {"digest": {"username": "me", "password": "p4ssword"}}

    @pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
    @pytest.mark.parametrize("qop", ["auth", "auth,auth-int", ""])
    @pytest.mark.parametrize("before", ["", 'Basic realm="shop", '])
    def test_a_challenge_is_answered(self, ask: Ask, web: Server, algorithm: str, qop: str, before: str) -> None:
        self.guard(web, algorithm=algorithm, qop=qop, before=before)
        assert ask(HttpJson, options(web.url, auth=self.AUTH)) == SEVEN
        assert len(web.requests) == 2

    def test_it_is_answered_at_once_the_next_time_until_it_ends(self, ask: Ask, web: Server) -> None:
        self.guard(web, uses=2)
        assert ask(HttpJson, options(web.url, auth=self.AUTH), polls=4) == SEVEN
        # The first, and again where the nonce was used up.
        assert len(web.requests) == 4 + 2

    def test_a_wrong_password_is_for_a_person(self, ask: Ask, web: Server) -> None:
        self.guard(web)
        wrong = {"digest": {"username": "me", "password": "wr0ng-one"}}
        with pytest.raises(Misconfigured, match=r"HTTP 401, we are not let in.*check auth"):
            ask(HttpJson, options(web.url, auth=wrong))
        assert len(web.requests) == 2

    @pytest.mark.parametrize(
        "challenge", ["Digest", "Digest realm", 'Digest realm="a", nonce="b", algorithm=X', 'Digest nonce="b"']
    )
    def test_a_challenge_that_cannot_be_answered(self, ask: Ask, web: Server, challenge: str) -> None:
        web.replies["/"] = Reply(b"no", 401, {"WWW-Authenticate": challenge})
        with pytest.raises(SourceError, match=r"Digest challenge cannot be answered|HTTP 401"):
            ask(HttpJson, options(web.url, auth=self.AUTH), polls=1)

    def test_another_host_is_not_answered(self, ask: Ask, web: Server, other: Server) -> None:
        self.guard(web, path="/in")
        web.replies |= {"/": to("/in"), "/out": to(f"{other.url}/in")}
        self.guard(other, path="/in")
        assert ask(HttpJson, options(web.url, auth=self.AUTH)) == SEVEN
        with pytest.raises(Misconfigured, match="HTTP 401"):
            ask(HttpJson, options(f"{web.url}/out", auth=self.AUTH))
        assert all(asked.headers["Authorization"] is None for asked in other.requests)


class TestPages:
    EACH = {"stock": {"each": "$.items[*]", "value": "$.n", "labels": {"id": "$.id"}}, "total": "$.total"}  # noqa: RUF012

    @staticmethod
    def page(number: int, following: str | None) -> bytes:
        return json.dumps({"total": 4, "items": [{"id": f"i{number}", "n": number}], "next": following}).encode()

    def expected(self, count: int) -> list[RawSample]:
        return [*(RawSample("stock", float(n), {"id": f"i{n}"}) for n in range(1, count + 1)), RawSample("total", 4.0)]

    def test_by_a_path_in_the_answer(self, ask: Ask, web: Server) -> None:
        web.replies |= {
            "/": Reply(self.page(1, "/2")),
            "/2": Reply(self.page(2, f"{web.url}/3?p=3")),
            "/3": Reply(self.page(3, None)),
        }
        given = options(web.url, self.EACH, pages={"next": "$.next"}, auth={"bearer": "t"})
        assert ask(HttpJson, given) == self.expected(3)
        assert [asked.headers["Authorization"] for asked in web.requests] == ["Bearer t"] * 3

    def test_by_the_header_link(self, ask: Ask, web: Server) -> None:
        link = {"Link": '</0>; rel="first", <2>; title="a, b"; rel="next"'}
        web.replies |= {"/": Reply(self.page(1, None), headers=link), "/2": Reply(self.page(2, None))}
        assert ask(HttpJson, options(web.url, self.EACH, pages={"next": "link"})) == self.expected(2)

    def test_its_address_starts_where_the_last_one_was_found(self, ask: Ask, web: Server) -> None:
        web.replies |= {
            "/": to("/v2/items"),
            "/v2/items": Reply(self.page(1, "more?page=2")),
            "/v2/more": to("/v3/more?page=2", 301),
            "/v3/more": Reply(self.page(2, "last")),
            "/v3/last": Reply(self.page(3, None)),
        }
        assert ask(HttpJson, options(web.url, self.EACH, pages={"next": "$.next"})) == self.expected(3)

    @pytest.mark.parametrize(
        ("pages", "more", "said"),
        [
            ({"/": "/2", "/2": "/"}, {}, "was read already"),
            ({"/": "/2", "/2": "/3", "/3": "/4"}, {"at_most": 2}, "more than 2 pages"),
            ({"/": "/2"}, {}, "HTTP 404"),
        ],
    )
    def test_what_breaks_off_costs_the_rest_only(
        self, ask: Ask, web: Server, pages: dict[str, str], more: dict[str, Any], said: str
    ) -> None:
        for number, (path, following) in enumerate(pages.items(), 1):
            web.replies[path] = Reply(self.page(number, following))
        with pytest.raises(SourceError, match=said) as caught:
            ask(HttpJson, options(web.url, self.EACH, pages={"next": "$.next"} | more))
        assert RawSample("stock", 1.0, {"id": "i1"}) in caught.value.samples

    COUNT = {"items": {"path": "$.items[*]", "count": True}, "total": "$.total"}  # noqa: RUF012

    @pytest.mark.parametrize("padding", [0, 300_000], ids=["here", "in the process"])
    def test_what_is_counted_is_counted_in_all(self, ask: Ask, web: Server, padding: int) -> None:
        for number, following in ((1, "/2"), (2, "/3"), (3, None)):
            web.replies["/" if number == 1 else f"/{number}"] = Reply(self.page(number, following) + b" " * padding)
        expected = [RawSample("items", 3.0), RawSample("total", 4.0)]
        assert ask(HttpJson, options(web.url, self.COUNT, pages={"next": "$.next"})) == expected

    @pytest.mark.parametrize("padding", [0, 300_000], ids=["here", "in the process"])
    @pytest.mark.parametrize(
        ("second", "more", "said"),
        [
            (Reply(status=404), {}, "HTTP 404"),
            (Reply(b"{"), {}, "expected JSON"),
            (Reply(b'{"total": 4}'), {}, r"items: \$.items finds nothing"),
            (Reply(b'{"items": [{"id": 2}], "next": "/3"}'), {"at_most": 2}, "more than 2 pages"),
        ],
    )
    def test_some_pages_are_not_taken_for_all(
        self, ask: Ask, web: Server, second: Reply, more: dict[str, Any], said: str, padding: int
    ) -> None:
        web.replies |= {"/": Reply(self.page(1, "/2") + b" " * padding), "/2": second}
        with pytest.raises(SourceError, match=said) as caught:
            ask(HttpJson, options(web.url, self.COUNT, pages={"next": "$.next"} | more))
        assert caught.value.samples == (RawSample("total", 4.0),)

    @staticmethod
    def cursors(web: Server, following: dict[str | None, Any]) -> None:
        """Answer with a page for each cursor, in which the one that follows stands."""
        numbers = {cursor: number for number, cursor in enumerate(following, 1)}

        def answer(asked: ReceivedRequest) -> Reply:
            (cursor,) = parse_qs(urlsplit(asked.path).query).get("cursor", [None])
            document = json.loads(TestPages.page(numbers[cursor], None)) | {"next": following[cursor]}
            return Reply(json.dumps({name: item for name, item in document.items() if item != "missing"}).encode())

        web.replies["/items"] = answer

    @pytest.mark.parametrize("end", [None, "", "missing", 0, "0", False])
    def test_by_a_cursor(self, ask: Ask, web: Server, end: str | int | None) -> None:
        self.cursors(web, {None: "a b&c=ä", "a b&c=ä": 17, "17": end})
        given = options(
            f"{web.url}/items?all=1",
            self.EACH,
            pages={"cursor": "$.next", "query": "cursor"},
            query={"limit": 2},
            headers={"X-Key": "s3cret"},
            body={"q": 1},
        )
        assert ask(HttpJson, given) == self.expected(3)
        assert [asked.path for asked in web.requests] == [
            "/items?all=1&limit=2",
            "/items?all=1&limit=2&cursor=a+b%26c%3D%C3%A4",
            "/items?all=1&limit=2&cursor=17",
        ]
        assert [(asked.method, asked.body, asked.headers["X-Key"]) for asked in web.requests] == [
            ("POST", b'{"q": 1}', "s3cret")
        ] * 3

    def test_a_cursor_replaces_one_of_the_address(self, ask: Ask, web: Server) -> None:
        self.cursors(web, {"first": "second", "second": None})
        given = options(f"{web.url}/items?cursor=first", self.EACH, pages={"cursor": "$.next", "query": "cursor"})
        assert ask(HttpJson, given) == self.expected(2)

    @pytest.mark.parametrize(
        ("cursors", "more", "said", "requests"),
        [
            ({None: "a", "a": "b", "b": "a"}, {}, "was read already", 3),
            ({None: "a", "a": "a"}, {}, "was read already", 2),
            ({None: "a", "a": "b", "b": "c"}, {"at_most": 2}, "more than 2 pages; pages.at_most can be raised", 2),
            ({None: {"id": 1}}, {}, r'\$.next is {"id": 1}, and names no next page', 1),
            ({None: True}, {}, r"\$.next is true, and names no next page", 1),
        ],
    )
    def test_a_cursor_that_leads_nowhere_costs_the_rest_only(
        self, ask: Ask, web: Server, cursors: dict[str | None, Any], more: dict[str, Any], said: str, requests: int
    ) -> None:
        self.cursors(web, cursors)
        with pytest.raises(BadResponse, match=said) as caught:
            ask(
                HttpJson,
                options(f"{web.url}/items", self.EACH, pages={"cursor": "$.next", "query": "cursor"} | more),
            )
        assert RawSample("stock", 1.0, {"id": "i1"}) in caught.value.samples
        assert len(web.requests) == requests

    def test_another_host_gets_no_credentials(self, ask: Ask, web: Server, other: Server) -> None:
        web.replies["/"] = Reply(self.page(1, other.url))
        other.replies["/"] = Reply(self.page(2, None))
        ask(HttpJson, options(web.url, self.EACH, pages={"next": "$.next"}, headers={"X-Key": "s3cret"}))
        assert other.requests[0].headers["X-Key"] is None


class TestPacking:
    BODY = json.dumps({"orders": 7, "padding": "x" * 100_000}).encode()
    PACKERS: dict[str, Callable[[bytes], bytes]] = {  # noqa: RUF012 - a test's constant
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "br": brotli.compress,
        "zstd": zstd.compress,
    }

    @pytest.mark.parametrize("encoding", PACKERS)
    def test_it_is_unpacked(self, ask: Ask, web: Server, encoding: str) -> None:
        web.replies["/"] = Reply(self.PACKERS[encoding](self.BODY), headers={"Content-Encoding": encoding})
        assert ask(HttpJson, options(web.url)) == SEVEN
        assert encoding in web.requests[0].headers["Accept-Encoding"]

    def test_deflate_without_its_header(self, ask: Ask, web: Server) -> None:
        packer = zlib.compressobj(wbits=-15)
        raw = packer.compress(self.BODY) + packer.flush()
        web.replies["/"] = Reply(raw, headers={"Content-Encoding": "deflate"})
        assert ask(HttpJson, options(web.url)) == SEVEN

    @pytest.mark.parametrize("encoding", PACKERS)
    def test_a_little_that_unpacks_to_a_lot_is_too_large(self, ask: Ask, web: Server, encoding: str) -> None:
        bomb = self.PACKERS[encoding](b"0" * 50_000_000)
        web.replies["/"] = Reply(bomb, headers={"Content-Encoding": encoding})
        with pytest.raises(BadResponse, match="larger than 5000000 bytes"):
            ask(HttpJson, options(web.url))

    @pytest.mark.parametrize("encoding", PACKERS)
    def test_what_cannot_be_unpacked_is_a_bad_answer(self, ask: Ask, web: Server, encoding: str) -> None:
        web.replies["/"] = Reply(b'{"orders": 7}', headers={"Content-Encoding": encoding})
        with pytest.raises(BadResponse, match=r"cannot be unpacked|its end is missing"):
            ask(HttpJson, options(web.url))

    @pytest.mark.parametrize("encoding", PACKERS)
    def test_half_of_it_is_a_bad_answer(self, ask: Ask, web: Server, encoding: str) -> None:
        packed = self.PACKERS[encoding](b"123456789")
        for end in (1, 4):
            web.replies["/"] = Reply(packed[:-end], headers={"Content-Encoding": encoding})
            with pytest.raises(BadResponse, match="its end is missing"):
                ask(HttpJson, options(web.url, {"n": "$"}, format="number"))

    def test_several_in_a_row_are_one(self, ask: Ask, web: Server) -> None:
        packed = gzip.compress(self.BODY[:50]) + gzip.compress(self.BODY[50:])
        web.replies["/"] = Reply(packed, headers={"Content-Encoding": "gzip"})
        assert ask(HttpJson, options(web.url)) == SEVEN


class TestForms:
    def test_lines_of_json(self, ask: Ask, web: Server) -> None:
        web.replies["/"] = Reply(b'{"n": 1, "id": "a"}\n\n{"n": 2, "id": "b"}\r\n')
        metrics = {"last": "$[-1].n", "all": {"each": "$[*]", "value": "$.n", "labels": {"id": "$.id"}}}
        assert ask(HttpJson, options(web.url, metrics, format="json_lines")) == [
            RawSample("last", 2.0),
            RawSample("all", 1.0, {"id": "a"}),
            RawSample("all", 2.0, {"id": "b"}),
        ]

    def test_a_broken_line_is_named(self, ask: Ask, web: Server) -> None:
        web.replies["/"] = Reply(b'{"n": 1}\n\n{"n": 2}\n{"n": \n')
        with pytest.raises(BadResponse, match=r'expected JSON in line 4, got .*: \{"n":$'):
            ask(HttpJson, options(web.url, {"n": "$[0].n"}, format="json_lines"))

    def test_a_plain_number(self, ask: Ask, web: Server) -> None:
        web.replies["/"] = Reply(b" 12.5\n")
        assert ask(HttpJson, options(web.url, {"n": "$"}, format="number")) == [RawSample("n", 12.5)]
        web.replies["/"] = Reply(b"many")
        with pytest.raises(BadResponse, match='n: \\$ is "many", not a number'):
            ask(HttpJson, options(web.url, {"n": "$"}, format="number"))

    def test_a_status_that_is_expected(self, ask: Ask, web: Server) -> None:
        web.replies["/"] = Reply(ORDERS.body, 503)
        assert ask(HttpJson, options(web.url, expect_status=[200, 503])) == SEVEN
        web.replies["/"] = Reply(ORDERS.body, 202)
        with pytest.raises(SourceError, match="HTTP 202"):
            ask(HttpJson, options(web.url, expect_status=[200]))

    def test_an_expected_failure_that_is_too_large_says_so(self, ask: Ask, web: Server) -> None:
        web.replies["/"] = Reply(b'"' + b"x" * 2_000 + b'"', 503)
        for expected, kind in (([503], BadResponse), ([200], Unavailable)):
            with pytest.raises(kind, match="the answer is larger than 1000 bytes"):
                ask(HttpJson, options(web.url, expect_status=expected, max_size="1 kB"))

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_methods(self, ask: Ask, method: str) -> None:
        with Server({"/": ORDERS}) as web:
            assert ask(HttpJson, options(web.url, method=method, body="x")) == SEVEN
            assert [(asked.method, asked.body) for asked in web.requests] == [(method, b"x")]


class TestUnixSocket:
    def test_a_socket_is_asked(self, ask: Ask, tmp_path: Path) -> None:
        asked = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append((self.path, self.headers["Host"]))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(ORDERS.body)

            def log_message(self, *_: Any) -> None:
                """Tests need no log."""

            def address_string(self) -> str:
                return "unix"

        with socketserver.UnixStreamServer(str(tmp_path / "s"), Handler) as server:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
            given = options("http://docker/info", unix_socket="s")
            assert ask(HttpJson, given, folder=tmp_path) == SEVEN
            server.shutdown()
        assert asked == [("/info", "docker")]

    def test_nobody_listens(self, ask: Ask, tmp_path: Path) -> None:
        with pytest.raises(Unavailable, match=f"the socket {tmp_path}/s: no such file"):
            ask(HttpJson, options("http://docker/info", unix_socket="s"), folder=tmp_path)

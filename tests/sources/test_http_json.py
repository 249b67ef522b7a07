"""What a user relies on when smithd asks an address for JSON; against a real server."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from servers import Certificate
from smithd.plugin import BadAnswer, Misconfigured, Sample, SourceError, Unavailable
from smithd.testing import Asked, HttpSourceContract, Reply, Server
from smithd_sources.http_json import HttpJson

Ask = Callable[..., list[Sample]]

SHOP = {
    "orders": {"today": 12, "open": "7", "none": None},
    "revenue": {"cents": 1999},
    "warehouses": [
        {"name": "Berlin", "stock": 5, "open": True},
        {"name": "Bonn", "stock": " 1e3 ", "open": False},
        {"name": "Ulm", "stock": None, "open": True},
    ],
}
STOCK = {"each": "$.warehouses[*]", "value": "$.stock", "labels": {"warehouse": "$.name"}}


def as_json(document: Any) -> Reply:
    return Reply(json.dumps(document).encode(), headers={"Content-Type": "application/json"})


@pytest.fixture
def shop(web: Server) -> Server:
    web.replies["/stats"] = as_json(SHOP)
    return web


def options(web: Server, metrics: dict[str, Any] | None = None, path: str = "/stats", **more: Any) -> dict[str, Any]:
    return {"url": web.url + path, "metrics": metrics or {"orders": "$.orders.today"}} | more


class TestReading:
    def test_metrics_are_read_by_path_with_scale_and_one_series_per_match(self, ask: Ask, shop: Server) -> None:
        metrics = {
            "orders": "$.orders.today",
            "waiting": {"path": '$.orders["open"]'},
            "revenue": {"path": "$.revenue.cents", "scale": 0.01},
            "stock": STOCK,
            "busiest": "$.warehouses[?@.stock == 5].stock",
        }
        assert ask(HttpJson, options(shop, metrics)) == [
            Sample("orders", 12.0),
            Sample("waiting", 7.0),
            Sample("revenue", 19.99),
            Sample("stock", 5.0, {"warehouse": "Berlin"}),
            Sample("stock", 1000.0, {"warehouse": "Bonn"}),
            Sample("busiest", 5.0),
        ]

    def test_null_is_no_value_and_no_mistake(self, ask: Ask, shop: Server) -> None:
        assert ask(HttpJson, options(shop, {"none": "$.orders.none"})) == []

    def test_a_truth_is_one_or_zero(self, ask: Ask, shop: Server) -> None:
        metric = {"each": "$.warehouses[*]", "value": "$.open", "labels": {"name": "$.name"}}
        assert [sample.value for sample in ask(HttpJson, options(shop, {"open": metric}))] == [1.0, 0.0, 1.0]

    def test_an_empty_list_brings_no_series(self, ask: Ask, web: Server) -> None:
        web.replies["/stats"] = as_json({"warehouses": []})
        assert ask(HttpJson, options(web, {"stock": STOCK})) == []

    def test_a_packed_answer_is_unpacked(self, ask: Ask, web: Server) -> None:
        body = gzip.compress(json.dumps(SHOP).encode())
        web.replies["/stats"] = Reply(body, headers={"Content-Encoding": "gzip"})
        assert ask(HttpJson, options(web)) == [Sample("orders", 12.0)]

    def test_a_large_answer_is_searched_too(self, ask: Ask, web: Server) -> None:
        web.replies["/stats"] = as_json({"filler": "x" * 100_000, "deep": {"er": {"orders": 3}}})
        assert ask(HttpJson, options(web, {"orders": "$..orders"})) == [Sample("orders", 3.0)]

    def test_connections_are_kept_and_requests_repeat_themselves(self, ask: Ask, shop: Server) -> None:
        ask(HttpJson, options(shop, body={"a": 1}), polls=3)
        assert [asked.body for asked in shop.asked] == [b'{"a": 1}'] * 3


class TestRequest:
    def test_everything_that_was_configured_is_sent(self, ask: Ask, shop: Server) -> None:
        more: dict[str, Any] = {
            "query": {"limit": 5, "key": "a b&c", "all": True},
            "headers": {"X-Key": "s3cret", "X-Version": 2},
            "auth": {"bearer": "t0ken"},
            "body": {"query": "{ orders }"},
        }
        ask(HttpJson, options(shop, path="/stats?day=today", **more))
        asked = shop.asked[0]
        assert (asked.method, asked.path) == ("POST", "/stats?day=today&limit=5&key=a+b%26c&all=true")
        assert json.loads(asked.body) == {"query": "{ orders }"}
        assert (asked.headers["X-Key"], asked.headers["X-Version"]) == ("s3cret", "2")
        assert asked.headers["Authorization"] == "Bearer t0ken"
        assert asked.headers["Content-Type"] == "application/json"
        assert asked.headers["User-Agent"].startswith("smithd/")

    def test_basic_auth_speaks_utf_8(self, ask: Ask, shop: Server) -> None:
        ask(HttpJson, options(shop, auth={"basic": {"username": "reader", "password": "pässword"}}))
        assert shop.asked[0].headers["Authorization"] == "Basic cmVhZGVyOnDDpHNzd29yZA=="

    def test_a_text_is_sent_as_it_is_and_the_method_can_be_chosen(self, ask: Ask, shop: Server) -> None:
        ask(HttpJson, options(shop, body="plain", method="GET", headers={"content-type": "text/plain"}))
        assert (shop.asked[0].method, shop.asked[0].body) == ("GET", b"plain")

    def test_nothing_is_taken_from_netrc(
        self, ask: Ask, shop: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
        ask(HttpJson, options(shop))
        assert "Authorization" not in shop.asked[0].headers

    def test_the_environments_proxy_is_used(self, ask: Ask, shop: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("http_proxy", shop.url)
        asked = {"url": "http://shop.invalid/stats", "metrics": {"orders": "$.orders.today"}}
        assert ask(HttpJson, asked) == [Sample("orders", 12.0)]
        assert shop.asked[0].path == "http://shop.invalid/stats"

    def test_no_proxy_names_those_that_are_asked_directly(
        self, ask: Ask, shop: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        monkeypatch.setenv("no_proxy", "example.com, 0.0.0.0")
        elsewhere = shop.url.replace("127.0.0.1", "0.0.0.0")  # noqa: S104 - asked, not bound: the same, but not loopback
        asked = options(shop) | {"url": f"{elsewhere}/stats"}
        assert ask(HttpJson, asked) == [Sample("orders", 12.0)]


class TestTLS:
    @pytest.fixture
    def guarded(self, certificate: Certificate) -> Any:
        server = Server(tls=certificate.context(ask_for_certificate=True))
        server.replies["/stats"] = as_json(SHOP)
        yield server
        server.stop()

    def test_files_are_found_beside_the_configuration(
        self, ask: Ask, guarded: Server, certificate: Certificate
    ) -> None:
        tls = {"ca_file": "cert.pem", "cert_file": "cert.pem", "key_file": "key.pem"}
        polled = ask(HttpJson, options(guarded, tls=tls), folder=certificate.cert_file.parent)
        assert polled == [Sample("orders", 12.0)]

    def test_any_certificate_will_do_where_verify_is_false(
        self, ask: Ask, guarded: Server, certificate: Certificate
    ) -> None:
        tls = {"verify": False, "cert_file": str(certificate.cert_file), "key_file": str(certificate.key_file)}
        assert ask(HttpJson, options(guarded, tls=tls)) == [Sample("orders", 12.0)]

    def test_an_unknown_authority_needs_a_person(self, ask: Ask, guarded: Server) -> None:
        with pytest.raises(Misconfigured, match=f"{guarded.place}: its certificate is not trusted: self-signed"):
            ask(HttpJson, options(guarded))

    def test_a_file_that_is_not_there_needs_a_person(self, ask: Ask, guarded: Server) -> None:
        with pytest.raises(Misconfigured, match="the files under tls cannot be used"):
            ask(HttpJson, options(guarded, tls={"ca_file": "/nowhere/ca.pem"}))

    def test_tls_where_none_is_spoken(self, ask: Ask, shop: Server) -> None:
        with pytest.raises(Unavailable, match="does not speak TLS: is its address one of http, not https"):
            ask(HttpJson, options(shop) | {"url": shop.url.replace("http:", "https:")})


class TestPartOfAnAnswer:
    def failure(self, ask: Ask, web: Server, metrics: dict[str, Any]) -> SourceError:
        with pytest.raises(BadAnswer) as caught:
            ask(HttpJson, options(web, metrics))
        return caught.value

    def test_a_path_that_finds_nothing_is_named_and_the_others_arrive(self, ask: Ask, shop: Server) -> None:
        failure = self.failure(ask, shop, {"orders": "$.orders.today", "visits": "$.visits.today"})
        assert str(failure).startswith('visits: $.visits.today finds nothing in {"orders": {"today": 12')
        assert len(str(failure)) < 150
        assert failure.samples == (Sample("orders", 12.0),)

    def test_a_path_that_finds_several_is_told_of_each(self, ask: Ask, shop: Server) -> None:
        failure = self.failure(ask, shop, {"stock": "$.warehouses[*].stock"})
        assert "finds 3 values" in str(failure)
        assert "'each'" in str(failure)

    @pytest.mark.parametrize("found", ["1,234", "", "twelve", [1], {"a": 1}])
    def test_what_is_no_number_is_shown(self, ask: Ask, web: Server, found: Any) -> None:
        web.replies["/stats"] = as_json({"orders": found})
        assert f"$.orders is {json.dumps(found)}, not a number" in str(self.failure(ask, web, {"orders": "$.orders"}))

    def test_an_element_without_its_label_costs_its_own_series(self, ask: Ask, web: Server) -> None:
        web.replies["/stats"] = as_json({"warehouses": [{"name": "Berlin", "stock": 5}, {"stock": 6}]})
        failure = self.failure(ask, web, {"stock": STOCK})
        assert str(failure) == 'stock: element 1 of $.warehouses[*]: $.name finds nothing in {"stock": 6}'
        assert failure.samples == (Sample("stock", 5.0, {"warehouse": "Berlin"}),)

    def test_series_that_cannot_be_told_apart_are_refused(self, ask: Ask, web: Server) -> None:
        web.replies["/stats"] = as_json({"warehouses": [{"name": "Ulm", "stock": 5}, {"name": "Ulm", "stock": 6}]})
        failure = self.failure(ask, web, {"stock": STOCK})
        assert '{warehouse="Ulm"}' in str(failure)
        assert failure.samples == ()

    def test_a_list_that_is_not_there_is_no_empty_list(self, ask: Ask, shop: Server) -> None:
        failure = self.failure(ask, shop, {"stock": STOCK | {"each": "$.stores[*]"}})
        assert "$.stores finds nothing" in str(failure)

    def test_a_regular_expression_cannot_hang_the_source(self, ask: Ask, web: Server) -> None:
        web.replies["/stats"] = as_json([{"name": "a" * 60, "load": 1}])
        failure = self.failure(ask, web, {"load": "$[?match(@.name, '(a|aa)+b')].load"})
        assert "takes too long" in str(failure)

    def test_many_failures_are_told_in_short(self, ask: Ask, shop: Server) -> None:
        failure = self.failure(ask, shop, {f"m{number}": f"$.m{number}" for number in range(10)})
        assert str(failure).endswith("; and 7 more like these")


class TestRefusals:
    @pytest.mark.parametrize(
        ("kind", "status"),
        [(Misconfigured, status) for status in (400, 401, 403, 404)]
        + [(Unavailable, status) for status in (429, 500, 503)],
    )
    def test_a_status_says_whether_waiting_helps(
        self, ask: Ask, web: Server, status: int, kind: type[SourceError]
    ) -> None:
        web.replies["/stats"] = Reply(b"<h1>Not now,\n\0 " + b"x" * 500, status)
        with pytest.raises(SourceError, match=f"{web.place}: HTTP {status}.*<h1>Not now, � xxx") as caught:
            ask(HttpJson, options(web))
        assert type(caught.value) is kind
        assert len(str(caught.value)) < 200

    def test_a_redirect_that_is_not_wanted_is_told(self, ask: Ask, web: Server) -> None:
        web.replies["/stats"] = Reply(status=302, headers={"Location": f"{web.url}/login?session=s3cret"})
        with pytest.raises(Misconfigured, match=f"redirects to {web.url}/login, which is not followed") as caught:
            ask(HttpJson, options(web, redirects=0))
        assert "s3cret" not in str(caught.value)
        assert len(web.asked) == 1

    def test_a_login_page_is_recognised(self, ask: Ask, web: Server) -> None:
        web.replies["/stats"] = Reply(b"<!doctype html><title>Sign in", headers={"Content-Type": "text/html"})
        with pytest.raises(BadAnswer, match=r"expected JSON, got text/html .*login\?\): <!doctype html><title>Sign in"):
            ask(HttpJson, options(web))

    @pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe\x00", b"9" * 5000, b"\x80"])
    def test_what_is_no_json(self, ask: Ask, web: Server, body: bytes) -> None:
        web.replies["/stats"] = Reply(body)
        with pytest.raises(BadAnswer, match="expected JSON, got no content type"):
            ask(HttpJson, options(web))

    def test_an_answer_nested_without_end(self, ask: Ask, web: Server) -> None:
        web.replies["/stats"] = Reply(b"[" * 100_000)
        with pytest.raises(BadAnswer, match="nested too deep"):
            ask(HttpJson, options(web))

    @pytest.mark.parametrize("packed", [False, True])
    def test_an_answer_beyond_its_limit(self, ask: Ask, web: Server, packed: bool) -> None:
        body = b'"' + b"x" * 2_000_000 + b'"'
        web.replies["/stats"] = (
            Reply(gzip.compress(body), headers={"Content-Encoding": "gzip"}) if packed else Reply(body)
        )
        with pytest.raises(BadAnswer, match="larger than 1000000 bytes"):
            ask(HttpJson, options(web, max_size="1 MB"))

    def test_an_answer_that_cannot_be_unpacked(self, ask: Ask, web: Server) -> None:
        web.replies["/stats"] = Reply(b"no gzip", headers={"Content-Encoding": "gzip"})
        with pytest.raises(BadAnswer, match="cannot be unpacked"):
            ask(HttpJson, options(web))

    def test_an_answer_that_breaks_off(self, ask: Ask, web: Server) -> None:
        web.replies["/stats"] = Reply(b'{"orders":', cut=True)
        with pytest.raises(Unavailable, match=f"{web.place}: the answer broke off"):
            ask(HttpJson, options(web))

    def test_a_server_that_says_nothing(self, ask: Ask, web: Server) -> None:
        web.replies["/stats"] = Reply(hang=True)
        with pytest.raises(Unavailable, match=f"{web.place}: no answer within the time-out"):
            ask(HttpJson, options(web), deadline=0.5)

    def test_nobody_listens(self, ask: Ask) -> None:
        with socket.socket() as unheard:
            unheard.bind(("127.0.0.1", 0))
            port = unheard.getsockname()[1]
            with pytest.raises(Unavailable, match=f"127.0.0.1:{port}: connection refused"):
                ask(HttpJson, {"url": f"http://127.0.0.1:{port}/", "metrics": {"a": "$.a"}})

    def test_what_speaks_no_http(self, ask: Ask, web: Server) -> None:
        def greet(_: Asked) -> Reply:
            return Reply(status=99)  # no status that HTTP knows

        web.replies["/stats"] = greet
        with pytest.raises(Unavailable, match="does not answer in HTTP"):
            ask(HttpJson, options(web))


class TestConfiguration:
    """A mistake is an error at its key, in words for whoever wrote the file."""

    @pytest.mark.parametrize(
        ("wrong", "where", "said"),
        [
            ({"url": "shop.example.com/stats"}, "url", "expected an address"),
            ({"url": "ftp://shop.example.com"}, "url", "expected an address"),
            ({"url": "http://shop:99999/"}, "url", "Port out of range"),
            ({"url": "http://shop..example.com/"}, "url", "cannot be the name of a host"),
            ({"url": "http://me:s3cret@shop/"}, "url", "under auth"),
            ({"method": "DELETE"}, "method", "'GET', 'POST', 'PUT' or 'PATCH'"),
            ({"headers": {"X Key": "a"}}, "headers.X Key.[key]", "the name of a header"),
            ({"headers": {"X-Key": "s3cret\nb"}}, "headers.X-Key", "on one line"),
            ({"auth": {}}, "auth", "exactly one of 'basic'"),
            ({"auth": {"oauth2": {"client_id": "a", "client_secret": "b"}}}, "auth.oauth2.token_url", "Field required"),
            ({"format": "xml"}, "format", "'json', 'json_lines' or 'number'"),
            ({"expect_status": [99]}, "expect_status.0", "200"),
            ({"redirects": 99}, "redirects", "20"),
            ({"format": "number", "pages": {"next": "$.next"}}, "", "needs 'format: json'"),
            ({"metrics": {"a": {"path": "$.a", "as": "speed"}}}, "metrics.a.as", "'age'"),
            ({"metrics": {"a": {"path": "$.a", "offset": "inf"}}}, "metrics.a.offset", "finite number"),
            ({"auth": {"bearer": "t"}, "headers": {"authorization": "s3cret"}}, "", "either 'auth' or a header"),
            ({"tls": {"key_file": "key.pem"}}, "tls", "needs 'cert_file'"),
            ({"max_size": "5 apples"}, "max_size", "expected a size"),
            ({"metrics": {}}, "metrics", "at least 1"),
            ({"metrics": {"Orders": "$.a"}}, "metrics.Orders.[key]", "small letters"),
            ({"metrics": {"a": "orders.today"}}, "metrics.a.path", "starts with $"),
            ({"metrics": {"a": "$.a["}}, "metrics.a.path", "unbalanced brackets, at character 5"),
            ({"metrics": {"a": 5}}, "metrics.a.path", "starts with $"),
            ({"metrics": {"a": {"scale": 2}}}, "metrics.a", "either 'path' or 'each'"),
            ({"metrics": {"a": {"path": "$.a", "scale": 0}}}, "metrics.a.scale", "other than 0"),
            ({"metrics": {"a": {"path": "$.a", "labels": {"b": "$.b"}}}}, "metrics.a", "go with 'each'"),
            ({"metrics": {"a": {"each": "$.a[*]", "value": "$.b"}}}, "metrics.a", "needs 'value' and 'labels'"),
            ({"metrics": {"a": STOCK | {"labels": {"b c": "$.b"}}}}, "metrics.a.labels.b c.[key]", "match pattern"),
        ],
    )
    def test_mistakes_point(self, wrong: dict[str, Any], where: str, said: str) -> None:
        right = {"url": "https://shop.example.com", "metrics": {"orders": "$.orders"}}
        with pytest.raises(ValidationError) as caught:
            HttpJson.Options.model_validate(right | wrong)
        (error,) = caught.value.errors()
        assert ".".join(map(str, error["loc"])) == where
        assert said in error["msg"]
        assert "s3cret" not in error["msg"]

    def test_secrets_are_not_shown(self) -> None:
        given = {
            "url": "https://shop.example.com",
            "headers": {"X-Key": "s3cret"},
            "query": {"key": "s3cret"},
            "auth": {"basic": {"username": "reader", "password": "s3cret"}},
            "body": {"key": "s3cret"},
            "metrics": {"orders": "$.orders"},
        }
        assert "s3cret" not in repr(HttpJson.Options.model_validate(given))

    def test_metrics_are_named_without_asking(self) -> None:
        given = {"url": "https://shop.example.com", "metrics": {"orders": "$.orders", "stock": STOCK}}
        assert list(HttpJson.metrics(HttpJson.Options.model_validate(given))) == ["orders", "stock"]


class TestContract(HttpSourceContract):
    source = HttpJson
    options: ClassVar = {"metrics": {"orders": "$.orders", "stock": STOCK}}
    answers: ClassVar = {"/": b'{"orders": 3, "warehouses": [{"name": "a", "stock": 5}]}'}
    wrong_options: ClassVar = ({"url": "ftp://x.example", "metrics": {"a": "$.a"}}, {"url": "https://x.example"})

"""What a user relies on when smithd asks an address for JSON; against a real server."""

from __future__ import annotations

import gzip
import html
import json
import logging
import socket
import threading
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, quote_plus

import pytest
from pydantic import ValidationError

from servers import Certificate
from smithd.clock import SystemClock
from smithd.plugin import BadResponse, CertificateError, Misconfigured, RawSample, SourceError, TimedOut, Unavailable
from smithd.testing import HttpSourceContract, ReceivedRequest, Reply, Server
from smithd_sources.http_errors import transport_failure
from smithd_sources.http_json.source import HttpJson

Ask = Callable[..., list[RawSample]]

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


MEASURED = "2026-11-26T10:00:00Z"
MEASURED_AT = 1_795_687_200.0


class TestTimes:
    @pytest.mark.parametrize(
        "written",
        [
            MEASURED,
            "2026-11-26T11:00:00+01:00",
            MEASURED_AT,
            str(int(MEASURED_AT)),
            MEASURED_AT * 1000,
            int(MEASURED_AT) * 10**6,
            int(MEASURED_AT) * 10**9,
        ],
    )
    def test_a_value_has_the_time_that_its_path_finds(self, ask: Ask, web: Server, written: Any) -> None:
        web.replies["/stats"] = as_json({"value": 3, "at": written, "rooms": [{"no": 1, "t": 20, "at": written}]})
        metrics = {
            "plain": {"path": "$.value", "time": "$.at", "fresh_for": "2h"},
            "room": {"each": "$.rooms[*]", "value": "$.t", "labels": {"no": "$.no"}, "time": "$.at"},
            "now": "$.value",
        }
        assert ask(HttpJson, options(web, metrics)) == [
            RawSample("plain", 3.0, {}, MEASURED_AT),
            RawSample("room", 20.0, {"no": "1"}, MEASURED_AT),
            RawSample("now", 3.0),
        ]

    @pytest.mark.parametrize("never", [None, 0])
    def test_what_was_never_measured_has_no_value(self, ask: Ask, web: Server, never: Any) -> None:
        rooms = [{"no": 1, "t": 0, "at": never}, {"no": 2, "t": 20, "at": MEASURED}]
        web.replies["/stats"] = as_json({"value": 0, "at": never, "rooms": rooms})
        metrics = {
            "plain": {"path": "$.value", "time": "$.at"},
            "room": {"each": "$.rooms[*]", "value": "$.t", "labels": {"no": "$.no"}, "time": "$.at"},
        }
        assert ask(HttpJson, options(web, metrics)) == [RawSample("room", 20.0, {"no": "2"}, MEASURED_AT)]

    @pytest.mark.parametrize("wrong", ["soon", True, 12, {"at": MEASURED}])
    def test_a_wrong_time_costs_the_value_and_never_makes_it_new(self, ask: Ask, web: Server, wrong: Any) -> None:
        web.replies["/stats"] = as_json({"value": 3, "at": wrong, "orders": 7})
        metrics = {"plain": {"path": "$.value", "time": "$.at"}, "orders": "$.orders"}
        with pytest.raises(BadResponse, match=r"plain: \$.at is ") as failed:
            ask(HttpJson, options(web, metrics))
        assert list(failed.value.samples) == [RawSample("orders", 7.0)]

    def test_times_are_read_in_the_process_of_large_answers_too(self, ask: Ask, web: Server) -> None:
        rooms = [{"no": no, "t": no, "at": MEASURED_AT + no} for no in range(8000)]
        web.replies["/stats"] = as_json({"rooms": rooms})
        room = {"each": "$.rooms[*]", "value": "$.t", "labels": {"no": "$.no"}, "time": "$.at", "fresh_for": "2h"}
        found = ask(HttpJson, options(web, {"room": room}))
        assert [(each.value, each.time) for each in found] == [(no, MEASURED_AT + no) for no in range(8000)]


class TestValues:
    def test_metrics_are_read_by_path_with_scale_and_one_series_per_match(self, ask: Ask, shop: Server) -> None:
        metrics = {
            "orders": "$.orders.today",
            "waiting": {"path": '$.orders["open"]'},
            "revenue": {"path": "$.revenue.cents", "scale": 0.01},
            "stock": STOCK,
            "busiest": "$.warehouses[?@.stock == 5].stock",
        }
        assert ask(HttpJson, options(shop, metrics)) == [
            RawSample("orders", 12.0),
            RawSample("waiting", 7.0),
            RawSample("revenue", 19.99),
            RawSample("stock", 5.0, {"warehouse": "Berlin"}),
            RawSample("stock", 1000.0, {"warehouse": "Bonn"}),
            RawSample("busiest", 5.0),
        ]

    def test_null_is_no_value_and_no_mistake(self, ask: Ask, shop: Server) -> None:
        assert ask(HttpJson, options(shop, {"none": "$.orders.none"})) == []

    def test_a_truth_is_one_or_zero(self, ask: Ask, shop: Server) -> None:
        metric = {"each": "$.warehouses[*]", "value": "$.open", "labels": {"name": "$.name"}}
        assert [sample.value for sample in ask(HttpJson, options(shop, {"open": metric}))] == [1.0, 0.0, 1.0]

    def test_what_a_path_finds_is_counted(self, ask: Ask, web: Server) -> None:
        web.replies["/stats"] = as_json(
            {"jobs": [{"failed": True}, {"failed": False}], "none": [], "by_name": {"a": 1}, "pairs": [[1, 2], [3, 4]]}
        )
        metrics: dict[str, Any] = {
            "all": {"path": "$.jobs[*]", "count": True},
            "failed": {"path": "$.jobs[?@.failed == true]", "count": True},
            "none": {"path": "$.none[*]", "count": True},
            "no_one": {"path": "$.jobs[?@.failed == 3]", "count": True},
            "named": {"path": "$.by_name.*", "count": True},
            "dozens": {"path": "$.jobs[*]", "count": True, "scale": 0.5},
            "lists": {"path": "$.pairs[?@[0] == 1]", "count": True},
            "beyond": {"path": "$.jobs[*]", "count": True, "scale": "1e400"},
        }
        assert [sample.value for sample in ask(HttpJson, options(web, metrics))] == [2.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0]

    def test_words_and_truths_and_local_numbers_are_numbers(self, ask: Ask, web: Server) -> None:
        web.replies["/stats"] = as_json({"status": "Degraded", "switch": "ON", "total": "€1.234,50"})
        metrics = {
            "status": {"path": "$.status", "words": {"ok": 1, "degraded": 0.5, "down": 0}},
            "switch": {"path": "$.switch", "as": "boolean"},
            "total": {"path": "$.total", "decimal": ","},
        }
        assert [sample.value for sample in ask(HttpJson, options(web, metrics))] == [0.5, 1.0, 1234.5]

    @pytest.mark.parametrize("each", ["$.services.*", "$.services[*]", "$['services'][?@.up >= 0]"])
    def test_the_key_of_a_mapping_is_a_label_and_a_null_one_is_empty(self, ask: Ask, web: Server, each: str) -> None:
        web.replies["/stats"] = as_json({"services": {"web": {"up": 1, "zone": "n"}, "db": {"up": 0, "zone": None}}})
        metric = {"each": each, "value": "$.up", "labels": {"service": "key", "zone": "$.zone"}}
        assert ask(HttpJson, options(web, {"up": metric})) == [
            RawSample("up", 1.0, {"service": "web", "zone": "n"}),
            RawSample("up", 0.0, {"service": "db", "zone": ""}),
        ]

    def test_the_log_says_once_that_a_label_is_null(
        self, ask: Ask, web: Server, caplog: pytest.LogCaptureFixture
    ) -> None:
        web.replies["/stats"] = as_json([{"up": 1, "zone": None}, {"up": 1, "zone": "n"}])
        metric = {"each": "$[*]", "value": "$.up", "labels": {"zone": "$.zone"}}
        with caplog.at_level(logging.INFO, "smithd"):
            ask(HttpJson, options(web, {"up": metric}), polls=3)
        assert caplog.messages == ["shop.up: $.zone is null or empty: the label zone is empty there"]

    def test_a_list_counts_its_places_as_keys(self, ask: Ask, web: Server) -> None:
        web.replies["/stats"] = as_json({"loads": [0.5, 0.25]})
        metric = {"each": "$.loads[*]", "value": "$", "labels": {"core": "key"}}
        found = ask(HttpJson, options(web, {"load": metric}))
        assert found == [RawSample("load", 0.5, {"core": "0"}), RawSample("load", 0.25, {"core": "1"})]

    def test_an_empty_list_brings_no_series(self, ask: Ask, web: Server) -> None:
        web.replies["/stats"] = as_json({"warehouses": []})
        assert ask(HttpJson, options(web, {"stock": STOCK})) == []

    def test_a_packed_answer_is_unpacked(self, ask: Ask, web: Server) -> None:
        body = gzip.compress(json.dumps(SHOP).encode())
        web.replies["/stats"] = Reply(body, headers={"Content-Encoding": "gzip"})
        assert ask(HttpJson, options(web)) == [RawSample("orders", 12.0)]

    def test_a_large_answer_is_searched_too(self, ask: Ask, web: Server) -> None:
        web.replies["/stats"] = as_json({"filler": "x" * 100_000, "deep": {"er": {"orders": 3}}})
        assert ask(HttpJson, options(web, {"orders": "$..orders"})) == [RawSample("orders", 3.0)]

    @pytest.fixture
    def on_the_loop(self, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
        """Of each time an answer is parsed, and of each time it is read: whether that is done on the event loop."""
        seen: list[bool] = []

        def watched(work: Callable[..., Any]) -> Callable[..., Any]:
            def watching(*args: Any) -> Any:
                seen.append(threading.current_thread() is threading.main_thread())
                return work(*args)

            return watching

        monkeypatch.setattr(json, "loads", watched(json.loads))
        monkeypatch.setattr(SystemClock, "now", watched(SystemClock.now))
        return seen

    @pytest.mark.parametrize(
        ("size", "path", "expected"),
        [
            (100, "$.orders", [True, True]),
            (100, "$[?@.b].orders", [False, False]),  # however small the answer is
            (100_000, "$.orders", [False, False]),
        ],
    )
    def test_what_may_take_long_is_done_beside_the_loop(
        self, ask: Ask, web: Server, on_the_loop: list[bool], size: int, path: str, expected: list[bool]
    ) -> None:
        web.replies["/stats"] = as_json({"filler": "y" * size, "orders": 3, "a": {"orders": 3, "b": {"x": 0}}})
        on_the_loop.clear()
        assert ask(HttpJson, options(web, {"orders": path})) == [RawSample("orders", 3.0)]
        assert on_the_loop == expected

    def test_an_answer_that_has_not_changed_is_no_smaller_for_it(
        self, ask: Ask, web: Server, on_the_loop: list[bool]
    ) -> None:
        body = as_json({"filler": "y" * 100_000, "orders": {"today": 3}}).body
        replies = iter([Reply(body, headers={"ETag": '"a"'}), Reply(status=304)])
        web.replies["/stats"] = lambda _: next(replies)
        assert ask(HttpJson, options(web), polls=2) == [RawSample("orders", 3.0)]
        assert on_the_loop == [False, False, False]

    def test_elements_beyond_what_a_poll_may_bring_are_not_read(self, ask: Ask, web: Server) -> None:
        web.replies["/stats"] = Reply(b"[" + b"[]," * 300_000 + b"[]]")
        metric = {"each": "$[*]", "value": "$.v", "labels": {"n": "$.n"}}
        with pytest.raises(BadResponse) as caught:
            ask(HttpJson, options(web, {"a": metric}))
        assert str(caught.value).startswith("a: element 0 of $[*]: $.v finds nothing in []; a: element 1")
        assert str(caught.value).endswith("; and 9998 more like these")
        web.replies["/stats"] = as_json([{"n": str(number), "v": number} for number in range(10_001)])
        with pytest.raises(BadResponse, match="more than 10000 elements; the rest is left out") as caught:
            ask(HttpJson, options(web, {"a": metric}))
        assert len(caught.value.samples) == 10_000

    def test_connections_are_kept_and_requests_repeat_themselves(self, ask: Ask, shop: Server) -> None:
        ask(HttpJson, options(shop, body={"a": 1}), polls=3)
        assert [asked.body for asked in shop.requests] == [b'{"a": 1}'] * 3


class TestRequest:
    def test_everything_that_was_configured_is_sent(self, ask: Ask, shop: Server) -> None:
        more: dict[str, Any] = {
            "query": {"limit": 5, "key": "a b&c", "all": True},
            "headers": {"X-Key": "s3cret", "X-Version": 2},
            "auth": {"bearer": "t0ken"},
            "body": {"query": "{ orders }"},
        }
        ask(HttpJson, options(shop, path="/stats?day=today", **more))
        asked = shop.requests[0]
        assert (asked.method, asked.path) == ("POST", "/stats?day=today&limit=5&key=a+b%26c&all=true")
        assert json.loads(asked.body) == {"query": "{ orders }"}
        assert (asked.headers["X-Key"], asked.headers["X-Version"]) == ("s3cret", "2")
        assert asked.headers["Authorization"] == "Bearer t0ken"
        assert asked.headers["Content-Type"] == "application/json"
        assert asked.headers["User-Agent"].startswith("smithd/")

    def test_basic_auth_speaks_utf_8(self, ask: Ask, shop: Server) -> None:
        ask(HttpJson, options(shop, auth={"basic": {"username": "reader", "password": "pässword"}}))
        assert shop.requests[0].headers["Authorization"] == "Basic cmVhZGVyOnDDpHNzd29yZA=="

    def test_a_text_is_sent_as_it_is_and_the_method_can_be_chosen(self, ask: Ask, shop: Server) -> None:
        ask(HttpJson, options(shop, body="plain", method="GET", headers={"content-type": "text/plain"}))
        assert (shop.requests[0].method, shop.requests[0].body) == ("GET", b"plain")

    def test_a_header_of_yours_takes_the_place_of_ours_in_any_case(self, ask: Ask, shop: Server) -> None:
        given = {"accept": "text/x", "ACCEPT-ENCODING": "gzip", "content-type": "text/y", "user-agent": "me"}
        ask(HttpJson, options(shop, body={}, headers=given))
        for name, value in given.items():
            assert shop.requests[0].headers.get_all(name) == [value]

    @pytest.mark.parametrize(
        ("body", "kind"), [("orders?", "text/plain; charset=utf-8"), ({}, "application/json"), (None, None)]
    )
    def test_a_body_says_what_it_is(self, ask: Ask, shop: Server, body: Any, kind: str | None) -> None:
        ask(HttpJson, options(shop, body=body))
        assert shop.requests[0].headers["Content-Type"] == kind

    def test_nothing_is_taken_from_netrc(
        self, ask: Ask, shop: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
        ask(HttpJson, options(shop))
        assert "Authorization" not in shop.requests[0].headers

    def test_the_environments_proxy_is_used(self, ask: Ask, shop: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("http_proxy", shop.url)
        asked = {"url": "http://shop.invalid/stats", "metrics": {"orders": "$.orders.today"}}
        assert ask(HttpJson, asked) == [RawSample("orders", 12.0)]
        assert shop.requests[0].path == "http://shop.invalid/stats"

    def test_no_proxy_names_those_that_are_asked_directly(
        self, ask: Ask, shop: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        monkeypatch.setenv("no_proxy", "example.com, 0.0.0.0")
        elsewhere = shop.url.replace("127.0.0.1", "0.0.0.0")  # noqa: S104 - asked, not bound: the same, but not loopback
        asked = options(shop) | {"url": f"{elsewhere}/stats"}
        assert ask(HttpJson, asked) == [RawSample("orders", 12.0)]


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
        assert polled == [RawSample("orders", 12.0)]

    def test_any_certificate_will_do_where_verify_is_false(
        self, ask: Ask, guarded: Server, certificate: Certificate
    ) -> None:
        tls = {"verify": False, "cert_file": str(certificate.cert_file), "key_file": str(certificate.key_file)}
        assert ask(HttpJson, options(guarded, tls=tls)) == [RawSample("orders", 12.0)]

    def test_an_unknown_authority_needs_a_person(self, ask: Ask, guarded: Server) -> None:
        with pytest.raises(Misconfigured, match=f"{guarded.place}: its certificate is not trusted: self-signed"):
            ask(HttpJson, options(guarded))

    def test_a_file_that_is_not_there_needs_a_person(self, ask: Ask, guarded: Server) -> None:
        with pytest.raises(Misconfigured, match=r"under tls: /nowhere/ca\.pem: no such file"):
            ask(HttpJson, options(guarded, tls={"ca_file": "/nowhere/ca.pem"}))

    @pytest.mark.parametrize(
        ("reason", "advice"),
        [
            ("certificate has expired", "have it renewed"),
            ("certificate is not yet valid", "are the clocks right, here and there?"),
            ("unable to get local issuer certificate", "name it under tls: ca_file"),
            ("Hostname mismatch, certificate is not valid for 'x'", "is this the address"),
        ],
    )
    def test_a_certificate_that_does_not_pass_comes_with_advice(self, reason: str, advice: str) -> None:
        assert advice in str(transport_failure("x:443", CertificateError(f"its certificate is not trusted: {reason}")))

    def test_a_server_that_wants_ours(self, ask: Ask, guarded: Server, certificate: Certificate) -> None:
        with pytest.raises(Unavailable, match="certificate of ours"):
            ask(HttpJson, options(guarded, tls={"ca_file": str(certificate.cert_file)}))

    def test_none_where_it_is_spoken(self, ask: Ask, guarded: Server) -> None:
        with pytest.raises(Unavailable, match="does it speak https only"):
            ask(HttpJson, options(guarded) | {"url": guarded.url.replace("https:", "http:") + "/stats"})

    def test_tls_where_none_is_spoken(self, ask: Ask, shop: Server) -> None:
        with pytest.raises(Unavailable, match="does not speak TLS: is its address one of http, not https"):
            ask(HttpJson, options(shop) | {"url": shop.url.replace("http:", "https:")})


class TestPartOfAnAnswer:
    def failure(self, ask: Ask, web: Server, metrics: dict[str, Any]) -> SourceError:
        with pytest.raises(BadResponse) as caught:
            ask(HttpJson, options(web, metrics))
        return caught.value

    def test_a_path_that_finds_nothing_is_named_and_the_others_arrive(self, ask: Ask, shop: Server) -> None:
        failure = self.failure(ask, shop, {"orders": "$.orders.today", "visits": "$.visits.today"})
        assert str(failure).startswith('visits: $.visits.today finds nothing in {"orders": {"today": 12')
        assert len(str(failure)) < 150
        assert failure.samples == (RawSample("orders", 12.0),)

    def test_a_path_that_finds_several_is_reported_for_each(self, ask: Ask, shop: Server) -> None:
        failure = self.failure(ask, shop, {"stock": "$.warehouses[*].stock"})
        assert "finds 3 values" in str(failure)
        assert "'each'" in str(failure)

    @pytest.mark.parametrize("found", ["1,23", "", "twelve", [1], {"a": 1}])
    def test_what_is_no_number_is_shown(self, ask: Ask, web: Server, found: Any) -> None:
        web.replies["/stats"] = as_json({"orders": found})
        assert f"$.orders is {json.dumps(found)}, not a number" in str(self.failure(ask, web, {"orders": "$.orders"}))

    @pytest.mark.parametrize(
        ("metric", "said"),
        [
            ({"path": "$.stores[*]", "count": True}, "$.stores finds nothing in"),
            ({"path": "$.stores[?@.open]", "count": True}, "$.stores finds nothing in"),
            ({"path": "$.stores[1:].name", "count": True}, "$.stores finds nothing in"),
            ({"path": "$.orders.today[*]", "count": True}, "$.orders.today is 12, neither a list nor a mapping"),
            ({"each": "$.stores[?@.open]", "value": "$", "labels": {"i": "key"}}, "$.stores finds nothing in"),
            ({"path": "$.warehouses", "count": True}, "the path is $.warehouses[*]"),
            ("$.warehouses.length", "finds nothing in {"),
            ("$.warehouses.length", "to count: {path: '$.warehouses[*]', count: true}"),
            ({"path": "$.orders.today", "words": {"ok": 1, "down": 0}}, "none of the words known: ok, down"),
            ({"path": "$.orders.today", "as": "boolean"}, "neither true nor false"),
        ],
    )
    def test_what_cannot_be_counted_or_read_comes_with_advice(
        self, ask: Ask, shop: Server, metric: Any, said: str
    ) -> None:
        assert said in str(self.failure(ask, shop, {"metric": metric}))

    def test_an_element_without_its_label_costs_its_own_series(self, ask: Ask, web: Server) -> None:
        web.replies["/stats"] = as_json({"warehouses": [{"name": "Berlin", "stock": 5}, {"stock": 6}]})
        failure = self.failure(ask, web, {"stock": STOCK})
        assert str(failure) == 'stock: element 1 of $.warehouses[*]: $.name finds nothing in {"stock": 6}'
        assert failure.samples == (RawSample("stock", 5.0, {"warehouse": "Berlin"}),)

    def test_series_that_with_the_same_labels_are_refused(self, ask: Ask, web: Server) -> None:
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

    def test_many_failures_are_reported_in_short(self, ask: Ask, shop: Server) -> None:
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

    def test_a_server_that_asks_to_wait_is_heard(self, ask: Ask, web: Server) -> None:
        web.replies["/stats"] = Reply(b"busy", 503, {"Retry-After": "90"})
        with pytest.raises(Unavailable, match=r"HTTP 503, it cannot answer now: it asks to wait 1m 30s") as caught:
            ask(HttpJson, options(web))
        assert caught.value.retry_after == 90

    def test_so_is_one_that_says_so_of_a_later_page(self, ask: Ask, web: Server) -> None:
        web.replies["/stats"] = as_json({"orders": {"today": 12}, "next": "/2"})
        web.replies["/2"] = Reply(b"busy", 429, {"Retry-After": "90"})
        with pytest.raises(Unavailable, match="HTTP 429") as caught:
            ask(HttpJson, options(web, pages={"next": "$.next"}))
        assert caught.value.samples == (RawSample("orders", 12.0),)
        assert caught.value.retry_after == 90

    def test_a_redirect_that_is_not_wanted_is_reported(self, ask: Ask, web: Server) -> None:
        web.replies["/stats"] = Reply(status=302, headers={"Location": f"{web.url}/login?session=s3cret"})
        with pytest.raises(Misconfigured, match=f"redirects to {web.url}/login, which is not followed") as caught:
            ask(HttpJson, options(web, redirects=0))
        assert "s3cret" not in str(caught.value)
        assert len(web.requests) == 1

    def test_a_login_page_is_recognised(self, ask: Ask, web: Server) -> None:
        web.replies["/stats"] = Reply(b"<!doctype html><title>Sign in", headers={"Content-Type": "text/html"})
        with pytest.raises(
            BadResponse, match=r"expected JSON, got text/html .*login\?\): <!doctype html><title>Sign in"
        ):
            ask(HttpJson, options(web))

    @pytest.mark.parametrize("body", [b"", b"{", b"9" * 5000])
    def test_what_is_no_json(self, ask: Ask, web: Server, body: bytes) -> None:
        web.replies["/stats"] = Reply(body)
        with pytest.raises(BadResponse, match="expected JSON, got no content type"):
            ask(HttpJson, options(web))

    def test_an_answer_nested_without_end(self, ask: Ask, web: Server) -> None:
        web.replies["/stats"] = Reply(b"[" * 100_000)
        with pytest.raises(BadResponse, match="nested too deep"):
            ask(HttpJson, options(web))

    @pytest.mark.parametrize("packed", [False, True])
    def test_an_answer_beyond_its_limit(self, ask: Ask, web: Server, packed: bool) -> None:
        body = b'"' + b"x" * 2_000_000 + b'"'
        web.replies["/stats"] = (
            Reply(gzip.compress(body), headers={"Content-Encoding": "gzip"}) if packed else Reply(body)
        )
        with pytest.raises(BadResponse, match="larger than 1000000 bytes"):
            ask(HttpJson, options(web, max_size="1 MB"))

    def test_an_answer_that_cannot_be_unpacked(self, ask: Ask, web: Server) -> None:
        web.replies["/stats"] = Reply(b"no gzip", headers={"Content-Encoding": "gzip"})
        with pytest.raises(BadResponse, match="cannot be unpacked"):
            ask(HttpJson, options(web))

    def test_an_answer_that_breaks_off(self, ask: Ask, web: Server) -> None:
        web.replies["/stats"] = Reply(b'{"orders":', cut=True)
        with pytest.raises(Unavailable, match=f"{web.place}: the answer broke off"):
            ask(HttpJson, options(web))

    def test_a_server_that_says_nothing(self, ask: Ask, web: Server) -> None:
        web.replies["/stats"] = Reply(hang=True)
        with pytest.raises(TimedOut, match=f"{web.place}: no answer within the time-out"):
            ask(HttpJson, options(web), deadline=0.5)

    def test_a_name_that_nobody_knows(self, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
        def nobody(*_: Any, **__: Any) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", nobody)
        with pytest.raises(Unavailable, match=r"nobody.invalid:80: its name is not known; is it spelt right"):
            ask(HttpJson, {"url": "http://nobody.invalid/", "metrics": {"a": "$.a"}})

    @pytest.mark.parametrize(
        ("status", "advice"), [(401, "check auth"), (403, "what this key"), (404, "check its path")]
    )
    def test_a_refusal_says_what_to_look_at(self, ask: Ask, web: Server, status: int, advice: str) -> None:
        web.replies["/stats"] = Reply(status=status)
        with pytest.raises(Misconfigured, match=advice):
            ask(HttpJson, options(web))

    @pytest.mark.parametrize(
        ("challenge", "auth", "advice"),
        [
            ('Digest realm="a", nonce="b"', None, "it asks for Digest: set auth: {digest: {username: …, password: …}}"),
            ('Digest realm="a"', {"basic": {"username": "u", "password": "p"}}, "it asks for Digest: set auth"),
            ('Basic realm="a, Digest b"', None, "it asks for Basic: set auth: {basic: {username: …, password: …}}"),
            ("Bearer", None, "it asks for Bearer: set auth: {bearer: …}"),
            ('Negotiate, Basic realm="a"', None, "it asks for Basic"),
            ("Negotiate", None, "it asks for Negotiate, which this source does not speak"),
            ('Basic realm="a"', {"basic": {"username": "u", "password": "p"}}, "check auth and headers"),
            ("Bearer", {"bearer": "t"}, "check auth and headers"),
            ('AWS4 region="a"', None, "check auth and headers"),
        ],
    )
    def test_a_challenge_says_what_to_set(self, ask: Ask, web: Server, challenge: str, auth: Any, advice: str) -> None:
        web.replies["/stats"] = Reply(b"no", 401, {"WWW-Authenticate": challenge})
        with pytest.raises(Misconfigured) as caught:
            ask(HttpJson, options(web, auth=auth))
        assert str(caught.value).partition("; ")[2].startswith(advice)

    def test_nobody_listens(self, ask: Ask) -> None:
        with socket.socket() as unheard:
            unheard.bind(("127.0.0.1", 0))
            port = unheard.getsockname()[1]
            with pytest.raises(Unavailable, match=f"127.0.0.1:{port}: connection refused; does it run"):
                ask(HttpJson, {"url": f"http://127.0.0.1:{port}/", "metrics": {"a": "$.a"}})

    def test_what_speaks_no_http(self, ask: Ask, web: Server) -> None:
        def greet(_: ReceivedRequest) -> Reply:
            return Reply(status=99)  # no status that HTTP knows

        web.replies["/stats"] = greet
        with pytest.raises(Unavailable, match="does not answer in HTTP"):
            ask(HttpJson, options(web))


SECRET = 'k/"3y+ä=z9'


class TestNoSecretIsRepeated:
    """An answer may show what was sent, in whatever form: none of that may reach a log."""

    @staticmethod
    def echo(asked: ReceivedRequest) -> str:
        headers = "; ".join(f"{name}: {value}" for name, value in asked.headers.items())
        return f"{asked.method} {asked.path} {asked.body.decode()} {headers}"

    FORMS: ClassVar[dict[str, Callable[[str], str]]] = {
        "as it is": str,
        "JSON": json.dumps,
        "JSON with its characters": lambda text: json.dumps(text, ensure_ascii=False),
        "JSON with slashes": lambda text: json.dumps(text).replace("/", "\\/"),
        "an address": quote,
        "a part of an address": lambda text: quote(text, safe=""),
        "a form": quote_plus,
        "HTML": html.escape,
        "base64": lambda text: b64encode(text.encode()).decode(),
    }

    @pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
    def test_in_any_form(self, ask: Ask, web: Server, form: Callable[[str], str]) -> None:
        web.replies["/stats"] = Reply(f"you said {form(SECRET)}!".encode(), 403)
        with pytest.raises(Misconfigured, match=r"you said \W?\[secret\]") as caught:
            ask(HttpJson, options(web, query={"api-key": SECRET}))
        assert form(SECRET)[1:-2] not in str(caught.value)

    @pytest.mark.parametrize(
        ("more", "sent"),
        [
            ({"auth": {"basic": {"username": "reader", "password": "s3cret pw"}}}, "cmVhZGVyOnMzY3JldCBwdw"),
            ({"auth": {"bearer": "s3cr3tt0ken"}}, "s3cr3tt0ken"),
            ({"headers": {"X-Key": "s3cr3tt0ken"}}, "s3cr3tt0ken"),
            ({"headers": {"Authorization": "Token s3cr3tt0ken"}}, "s3cr3tt0ken"),
            ({"query": {"q": "s3cr3t-with-no-name"}}, "s3cr3t-with-no-name"),
            ({"body": {"login": [{"password": "s3cr3tt0ken"}]}}, "s3cr3tt0ken"),
            ({"path": "/stats?apikey=s3cr3tt0ken"}, "s3cr3tt0ken"),
        ],
    )
    @pytest.mark.parametrize("status", [200, 400])
    def test_whatever_was_sent(self, ask: Ask, web: Server, more: dict[str, Any], sent: str, status: int) -> None:
        web.replies["/stats"] = lambda asked: Reply(f"{sent} {self.echo(asked)}".encode(), status)
        with pytest.raises(SourceError, match=r"\[secret\]") as caught:
            ask(HttpJson, options(web, **more))
        assert sent[:8] not in str(caught.value)

    def test_nor_where_it_is_cut_off_or_a_value(self, ask: Ask, web: Server) -> None:
        key = "0123456789" * 20
        web.replies["/stats"] = as_json({"orders": f"for {key}"})
        with pytest.raises(BadResponse, match=r'\$\.orders is "for \[secret\]…, not a number'):
            ask(HttpJson, options(web, {"orders": "$.orders"}, auth={"bearer": key}))

    def test_a_fetched_token(self, ask: Ask, web: Server) -> None:
        web.replies |= {
            "/token": Reply(b'{"access_token": "f3tched-t0ken"}'),
            "/stats": Reply(b"f3tched-t0ken is not allowed this", 403),
        }
        oauth2 = {"token_url": f"{web.url}/token", "client_id": "a", "client_secret": "cl13nt"}
        with pytest.raises(Misconfigured, match=r": \[secret\] is not allowed this"):
            ask(HttpJson, options(web, auth={"oauth2": oauth2}))
        web.replies["/token"] = Reply(json.dumps({"error": b64encode(b"a:cl13nt").decode()}).encode(), 400)
        with pytest.raises(Misconfigured, match=r"\(HTTP 400, \[secret\]=*\): check client_id"):
            ask(HttpJson, options(web, auth={"oauth2": oauth2}))

    def test_the_words_of_the_configuration_stay(self, ask: Ask, web: Server) -> None:
        web.replies["/stats"] = as_json({"orders": "none today"})
        more = {"query": {"day": "today"}, "headers": {"Accept": "application/json"}}
        with pytest.raises(BadResponse, match=r'^orders: \$\.orders is "none today", not a number$'):
            ask(HttpJson, options(web, {"orders": "$.orders"}, path="/stats?sort=orders", **more))


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
            ({"max_size": "100 GB"}, "max_size", "less than or equal to 20000000"),
            ({"headers": {"Content-Length": 5}}, "headers.Content-Length.[key]", "leave it out"),
            ({"headers": {"transfer-encoding": "chunked"}}, "headers.transfer-encoding.[key]", "leave it out"),
            ({"headers": {"X-Key": "s3cret", "x-key": "b"}}, "", "x-key stands here twice"),
            ({"url": "https://docker/", "unix_socket": "/run/docker.sock"}, "", "begin with http://"),
            ({"metrics": {}}, "metrics", "at least 1"),
            ({"metrics": {"Orders": "$.a"}}, "metrics.Orders.[key]", "small letters"),
            ({"metrics": {"a": "orders.today"}}, "metrics.a.path", "starts with $"),
            ({"metrics": {"a": "$.a["}}, "metrics.a.path", "unbalanced brackets, at character 5"),
            ({"metrics": {"a": 5}}, "metrics.a.path", "starts with $"),
            ({"metrics": {"a": {"path": "$.a", "time_format": "%Y-%m-%d"}}}, "metrics.a", "goes with 'as: timestamp'"),
            (
                {"metrics": {"a": {"path": "$.a", "as": "age", "time_format": "%H:%M"}}},
                "metrics.a.time_format",
                "expected a format with year, month and day",
            ),
            (
                {"metrics": {"a": {"path": "$.a", "as": "age", "time_format": "%Q"}}},
                "metrics.a.time_format",
                "expected a format as in strftime",
            ),
            ({"pages": {"at_most": 3}}, "pages", "expected either 'next' or 'cursor'"),
            ({"pages": {"cursor": "$.next"}}, "pages", "{cursor: $.next, query: cursor}"),
            ({"error_path": "error"}, "error_path", "starts with $"),
            ({"charset": "klingon"}, "charset", "like latin-1, cp1252 or utf-16"),
            ({"metrics": {"a": {"scale": 2}}}, "metrics.a", "either 'path' or 'each'"),
            ({"metrics": {"a": {"path": "$.a", "scale": 0}}}, "metrics.a.scale", "other than 0"),
            ({"metrics": {"a": {"path": "$.a", "labels": {"b": "$.b"}}}}, "metrics.a", "go with 'each'"),
            ({"metrics": {"a": {"each": "$.a[*]", "value": "$.b"}}}, "metrics.a", "needs 'value' and 'labels'"),
            ({"metrics": {"a": {"path": "$.a[*]", "count": True, "words": {"b": 1}}}}, "metrics.a", "with 'count'"),
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

"""What a user relies on when smithd asks Prometheus: against a real one, and against servers that misbehave."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import socket
import socketserver
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from servers import Certificate, make_certificate, prometheus
from smithd.clock import SystemClock
from smithd.plugin import BadResponse, Context, Http, Misconfigured, RawSample, SourceError, TimedOut, Unavailable
from smithd.testing import HttpSourceContract, ReceivedRequest, Reply, Server
from smithd_sources.prometheus.options import PrometheusOptions
from smithd_sources.prometheus.response import parse_response
from smithd_sources.prometheus.source import QUERIES_AT_ONCE, Prometheus

Ask = Callable[..., list[RawSample]]

WEB_CONFIG = b"""
tls_server_config: {cert_file: cert.pem, key_file: key.pem}
basic_auth_users: {reader: $2b$04$ijdP3DpSOqGERA4UBtBzruc45uDvdmNbqe012N.6vfj6rAZW/dMJ6}
"""  # the password is s3cret


def openmetrics() -> str:
    """A few series with one sample each, two minutes old."""
    then = int(time.time()) - 120
    lines = [
        "# TYPE load gauge",
        f'load{{instance="a"}} 0.5 {then}',
        f'load{{instance="b"}} 2 {then}',
        "# TYPE odd gauge",
        f'odd{{kind="nan"}} NaN {then}',
        f'odd{{kind="inf"}} +Inf {then}',
        f'odd{{kind="real"}} 1.5 {then}',
        "# TYPE heat gauge",
        f'heat{{instance="a"}} 40 {then}',
        "# EOF",
    ]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with prometheus(openmetrics()) as address:
        yield f"http://{address}"


@pytest.fixture(scope="module")
def strict() -> Iterator[str]:
    with prometheus(openmetrics(), lookback="1m") as address:
        yield f"http://{address}"


@pytest.fixture(scope="module")
def lone() -> Iterator[tuple[str, int]]:
    """A server as it comes, with a sample 25 minutes old; its address, and the sample's time."""
    then = int(time.time()) - 25 * 60
    text = f'# TYPE lone gauge\nlone{{job="backup"}} 7 {then - 3600}\nlone{{job="backup"}} 8 {then}\n# EOF\n'
    with prometheus(text, lookback="5m") as address:
        yield f"http://{address}", then


@pytest.fixture(scope="module")
def guarded(certificate: Certificate) -> Iterator[str]:
    files = {"web.yml": WEB_CONFIG}
    files |= {path.name: path.read_bytes() for path in (certificate.cert_file, certificate.key_file)}
    with prometheus(openmetrics(), files) as address:
        yield f"https://{address}"


class TestRealPrometheus:
    def test_label_sets_are_series(self, ask: Ask, server: str) -> None:
        metrics = {"load": "load", "total": {"query": "sum(load)"}, "hot": 'heat{instance="a"} > 30'}
        assert sorted(ask(Prometheus, {"url": server, "metrics": metrics}), key=str) == [
            RawSample("hot", 40.0, {"instance": "a"}),
            RawSample("load", 0.5, {"instance": "a"}),
            RawSample("load", 2.0, {"instance": "b"}),
            RawSample("total", 2.5),
        ]

    def test_scalars_and_texts_of_numbers_are_values(self, ask: Ask, server: str) -> None:
        metrics = {"scalar": "scalar(sum(load)) * 2", "text": '"42"'}
        assert ask(Prometheus, {"url": f"{server}/", "metrics": metrics}) == [
            RawSample("scalar", 5.0),
            RawSample("text", 42.0),
        ]

    def test_nan_infinities_and_empty_results_are_no_values(self, ask: Ask, server: str) -> None:
        metrics = {"odd": "odd", "none": "absent_metric", "division": "0 / 0", "infinite": "1 / 0"}
        assert ask(Prometheus, {"url": server, "metrics": metrics}) == [RawSample("odd", 1.5, {"kind": "real"})]

    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ("nofunction(load)", "bad: Prometheus refuses the query: .*parse error: unknown function.*bad_data"),
            ("load * on() group_left() load", "bad: Prometheus refuses the query: .*many-to-many.*execution"),
            ('{__name__=~"load|heat", instance="a"}', "bad: two series differ only in their metric's name"),
        ],
    )
    def test_a_bad_query_is_named_and_the_others_arrive(self, ask: Ask, server: str, query: str, said: str) -> None:
        with pytest.raises(Misconfigured, match=said) as caught:
            ask(Prometheus, {"url": server, "metrics": {"bad": query, "load": "sum(load)"}})
        assert caught.value.samples == (RawSample("load", 2.5),)

    def test_the_newest_value_of_a_lookback_counts_with_its_own_time(self, ask: Ask, strict: str) -> None:
        """Where the server forgets after a minute what came two minutes ago."""
        assert ask(Prometheus, {"url": strict, "metrics": {"load": "load"}}) == []
        metrics: dict[str, Any] = {"all": "load", "one": {"query": "sum(load)", "lookback": "30m", "step": "30s"}}
        samples = ask(Prometheus, {"url": strict, "lookback": "10m", "step": "1m", "metrics": metrics})
        assert [(sample.metric, sample.value) for sample in samples] == [("all", 0.5), ("all", 2.0), ("one", 2.5)]
        assert all(sample.time is not None and sample.time < time.time() - 60 for sample in samples)

    @pytest.mark.parametrize("lookback", ["30m", "1h", "1d", "7d"])
    def test_a_lone_sample_is_found_however_long_the_lookback(
        self, ask: Ask, lone: tuple[str, int], lookback: str
    ) -> None:
        url, then = lone
        metrics = {"selected": "lone", "summed": "sum(lone)  # a comment", "count": "1", "range": "lone[1h]"}
        samples = {sample.metric: sample for sample in ask(Prometheus, {"url": url, "metrics": metrics})}
        assert samples.keys() == {"count", "range"}
        samples = {
            sample.metric: sample for sample in ask(Prometheus, {"url": url, "lookback": lookback, "metrics": metrics})
        }
        assert samples["selected"] == RawSample("selected", 8.0, {"job": "backup"}, then)
        assert samples["range"] == RawSample("range", 8.0, {"job": "backup"}, then)
        assert samples["count"] == RawSample("count", 1.0)
        summed = samples["summed"]
        assert (summed.value, summed.labels) == (8.0, {})
        assert summed.time is not None
        assert then <= summed.time <= then + 300, "the last moment at which the server saw it"

    def test_a_lookback_does_not_make_what_is_fresh_older(self, ask: Ask, server: str) -> None:
        metrics = {"load": 'load{instance="a"}', "many": "load"}
        given = {"url": server, "lookback": "1d", "max_series": 1, "metrics": metrics}
        with pytest.raises(BadResponse, match="many: more than 1 series") as caught:
            ask(Prometheus, given)
        first = caught.value.samples[0]
        assert (first.metric, first.value) == ("load", 0.5)
        assert first.time is not None
        assert first.time == ask(Prometheus, {"url": server, "metrics": {"raw": 'load{instance="a"}[1h]'}})[0].time

    def test_a_range_in_the_query_is_its_newest_value(self, ask: Ask, server: str) -> None:
        (sample,) = ask(Prometheus, {"url": server, "metrics": {"raw": 'load{instance="a"}[1h]'}})
        assert (sample.value, sample.labels) == (0.5, {"instance": "a"})
        assert sample.time is not None

    def test_too_many_series_are_capped_with_a_word(self, ask: Ask, server: str) -> None:
        with pytest.raises(BadResponse, match="load: more than 1 series, and the first 1 count: aggregate") as caught:
            ask(Prometheus, {"url": server, "max_series": 1, "metrics": {"load": "load", "total": "sum(load)"}})
        assert len(caught.value.samples) == 2

    def test_a_text_that_is_no_number(self, ask: Ask, server: str) -> None:
        with pytest.raises(BadResponse, match='name: the result is "many", not a number'):
            ask(Prometheus, {"url": server, "metrics": {"name": '"many"'}})

    def test_another_address_of_it_is_no_api(self, ask: Ask, server: str) -> None:
        with pytest.raises(Misconfigured, match="HTTP 404, there is nothing at this address: 404 page not found"):
            ask(Prometheus, {"url": f"{server}/prometheus", "metrics": {"load": "load"}})


class TestGuardedPrometheus:
    def options(self, url: str, password: str, **tls: Any) -> dict[str, Any]:
        auth = {"basic": {"username": "reader", "password": password}}
        return {"url": url, "auth": auth, "tls": tls, "metrics": {"total": "sum(load)"}}

    def test_a_password_and_an_authority_let_us_in(self, ask: Ask, guarded: str, certificate: Certificate) -> None:
        options = self.options(guarded, "s3cret", ca_file="cert.pem")
        assert ask(Prometheus, options, folder=certificate.cert_file.parent) == [RawSample("total", 2.5)]

    def test_a_wrong_password_needs_a_person(self, ask: Ask, guarded: str) -> None:
        with pytest.raises(Misconfigured, match="HTTP 401, we are not let in") as caught:
            ask(Prometheus, self.options(guarded, "wr0ng", verify=False))
        assert "wr0ng" not in str(caught.value)

    @pytest.mark.parametrize(
        ("challenge", "advice"),
        [
            ('Digest realm="x", nonce="y"', "it asks for Digest, which this source does not speak"),
            ('Basic realm="x"', "it asks for Basic: set auth: {basic: {username: …, password: …}}"),
        ],
    )
    def test_what_it_asks_for_is_said(self, ask: Ask, web: Server, challenge: str, advice: str) -> None:
        web.replies["/api/v1/query"] = Reply(status=401, headers={"WWW-Authenticate": challenge})
        with pytest.raises(Misconfigured) as caught:
            ask(Prometheus, {"url": web.url, "metrics": {"total": "up"}})
        assert str(caught.value).endswith(f"; {advice}")

    def test_an_unknown_authority_needs_a_person(self, ask: Ask, guarded: str) -> None:
        with pytest.raises(Misconfigured, match=r"^127.0.0.1:\d+: its certificate is not trusted: self-signed"):
            ask(Prometheus, self.options(guarded, "s3cret"))

    def test_a_file_that_is_not_there_needs_a_person(self, ask: Ask, guarded: str) -> None:
        with pytest.raises(Misconfigured, match="the files under tls cannot be used"):
            ask(Prometheus, self.options(guarded, "s3cret", ca_file="/nowhere/ca.pem"))


METRICS = {"one": "1", "two": "2"}


def result(value: str, **more: Any) -> Reply:
    data = {"resultType": "scalar", "result": [0, value]}
    return Reply(json.dumps({"status": "success", "data": data} | more).encode())


def holding(kind: str, result: bytes) -> bytes:
    """An answer with this result."""
    return b'{"status": "success", "data": {"resultType": "%s", "result": %s}}' % (kind.encode(), result)


def refused(status: int, kind: str, text: str) -> Reply:
    return Reply(json.dumps({"status": "error", "errorType": kind, "error": text}).encode(), status)


class Dripping:
    """Answers a byte at a time, and never comes to the end, until ``ends`` is set: then it answers as one should."""

    def __init__(self, head: bytes) -> None:
        self.dripping = threading.Semaphore(0)
        self.ends = threading.Event()
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while self.rfile.readline().strip():
                    pass
                if outer.ends.is_set():
                    reply = result("1").body
                    self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(reply) + reply)
                    return
                self.wfile.write(head)
                outer.dripping.release()
                with suppress(OSError):
                    while not outer.stopping.wait(0.02):
                        self.wfile.write(b"x")

        self.stopping = threading.Event()
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Dripping:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def speaking(greeting: bytes) -> Iterator[str]:
    """The address of something that is no server of HTTP."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(greeting)
            self.rfile.readline()

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


class TestWhatElseMayAnswer:
    def failure(
        self, ask: Ask, web: Server, reply: Reply | Callable[[ReceivedRequest], Reply], **more: Any
    ) -> SourceError:
        web.replies["/api/v1/query"] = reply
        with pytest.raises(SourceError) as caught:
            ask(Prometheus, {"url": web.url, "metrics": METRICS}, **more)
        return caught.value

    def test_what_was_configured_is_sent_and_nothing_from_netrc(
        self, ask: Ask, web: Server, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
        web.replies["/tenant/api/v1/query"] = result("1")
        given = {"url": f"{web.url}/tenant", "headers": {"X-Scope-OrgID": "ops"}, "metrics": {"one": "1 + 0"}}
        ask(Prometheus, given, deadline=10)
        ask(Prometheus, given | {"auth": {"bearer": "t0ken"}})
        first, second = web.requests
        assert first.path == "/tenant/api/v1/query?query=1+%2B+0&timeout=8100ms"
        assert (first.headers["X-Scope-OrgID"], first.headers["Authorization"]) == ("ops", None)
        assert second.headers["Authorization"] == "Bearer t0ken"

    def test_queries_are_asked_four_at_once(self, ask: Ask, web: Server) -> None:
        together = threading.Barrier(4, timeout=60)
        pending, most = [], []

        def wait_for_the_others(_: ReceivedRequest) -> Reply:
            pending.append(1)
            most.append(len(pending))
            together.wait()
            pending.pop()
            return result("1")

        web.replies["/api/v1/query"] = wait_for_the_others
        samples = ask(Prometheus, {"url": web.url, "metrics": {f"m{number}": "1" for number in range(8)}})
        assert [sample.metric for sample in samples] == [f"m{number}" for number in range(8)]
        assert max(most) == 4

    def test_warnings_are_passed_on_once(self, ask: Ask, web: Server, caplog: pytest.LogCaptureFixture) -> None:
        web.replies["/api/v1/query"] = result("1", warnings=["a store did not answer"])
        with caplog.at_level(logging.WARNING, "smithd"):
            ask(Prometheus, {"url": web.url, "metrics": {"one": "1"}}, polls=3)
        assert caplog.messages == ["shop.one: Prometheus warns: a store did not answer"]

    def test_a_partial_answer_is_reported(self, ask: Ask, web: Server, caplog: pytest.LogCaptureFixture) -> None:
        body = {
            "status": "success",
            "isPartial": True,
            "infos": ["odd"],
            "data": {"resultType": "vector", "result": []},
        }
        web.replies["/api/v1/query"] = Reply(json.dumps(body).encode())
        with caplog.at_level(logging.WARNING, "smithd"):
            ask(Prometheus, {"url": web.url, "metrics": {"one": "1"}})
        assert [message.partition("warns: ")[2] for message in caplog.messages] == [
            "odd",
            "the answer is partial: not every storage node answered",
        ]

    @pytest.mark.parametrize("dialect", ["metricsql", "unchecked"])
    def test_another_dialect_is_not_checked(self, ask: Ask, web: Server, dialect: str) -> None:
        web.replies["/api/v1/query"] = result("1")
        given = {"url": web.url, "dialect": dialect, "metrics": {"one": "rate(load) default 0"}}
        assert ask(Prometheus, given) == [RawSample("one", 1.0)]

    def test_one_of_several_queries_fails(self, ask: Ask, web: Server) -> None:
        def first_only(asked: ReceivedRequest) -> Reply:
            return result("1") if "query=1" in asked.path else refused(503, "timeout", "query timed out")

        failure = self.failure(ask, web, first_only)
        assert type(failure) is Unavailable
        assert str(failure) == f"{web.place}: HTTP 503: query timed out (timeout)"
        assert failure.retry_after is None
        assert failure.samples == (RawSample("one", 1.0),)

    def test_a_server_that_asks_to_wait_is_heard(self, ask: Ask, web: Server) -> None:
        web.replies["/api/v1/query"] = Reply(b"busy", 429, {"Retry-After": "90"})
        with pytest.raises(
            Unavailable, match=r"HTTP 429, too many requests: it asks to wait 1m 30s, until .*: busy"
        ) as caught:
            ask(Prometheus, {"url": web.url, "metrics": {"load": "1"}})
        assert caught.value.retry_after == 90

    def test_a_proxy_that_is_not_amused(self, ask: Ask, web: Server) -> None:
        failure = self.failure(ask, web, Reply(b"<h1>Bad gateway</h1>", 502))
        assert type(failure) is Unavailable
        assert str(failure) == f"{web.place}: HTTP 502: <h1>Bad gateway</h1>"
        assert len(web.requests) == 2  # once for each query: nothing is tried again

    def test_a_page_instead_of_an_answer(self, ask: Ask, web: Server) -> None:
        failure = self.failure(ask, web, Reply(b"<h1>Sign in</h1>", headers={"Content-Type": "text/html"}))
        assert type(failure) is BadResponse
        assert str(failure) == f"{web.place}: expected Prometheus' answer, got text/html: <h1>Sign in</h1>"

    @pytest.mark.parametrize(
        "body",
        [
            b'{"status": "error", "error": "no"}',
            b'{"status": "success", "data": []}',
            b'{"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}}]}}',
            b'{"status": "success", "data": {"resultType": "vector", "result": [5]}}',
            b'{"status": "success", "data": {"resultType": "scalar", "result": []}}',
            b'{"status": "success", "data": {"resultType": "scalar", "result": null}}',
            holding("zebra", b'{"a": 1}'),
            holding("vector", b"null"),
            b'{"status": "success", "data": {"result": [{"metric": {}}], "resultType": "vector"}}',
            holding("matrix", b'[{"metric": {}, "values": [["x", "2"]]}]'),
            holding("matrix", b'[{"metric": {}, "values": [[1e999, "2"]]}]'),
            holding("vector", b'[{"metric": {}, "value": [1, "2"]} 5]'),
            holding("vector", b'[{"metric": {"a": [1]}, "value": [1, "2"]}]'),
            b"[" * 100_000,
        ],
    )
    def test_an_answer_of_another_shape(self, ask: Ask, web: Server, body: bytes) -> None:
        assert type(self.failure(ask, web, Reply(body))) is BadResponse

    def test_the_order_of_an_answers_parts_does_not_matter(self, ask: Ask, web: Server) -> None:
        data = b'{"result": [{"value": [1, "2"], "metric": {"a": "b"}}], "resultType": "vector"}'
        body = b'{"data": %s, "status": "success"}' % data
        web.replies["/api/v1/query"] = Reply(body)
        assert ask(Prometheus, {"url": web.url, "metrics": {"one": "1"}}) == [RawSample("one", 2.0, {"a": "b"})]

    def test_what_is_no_result_is_shown(self, ask: Ask, web: Server) -> None:
        body = b'{"status": "success", "data": {"resultType": "zebra", "result": {"a": 1}}}'
        assert 'this is no result of a query: "zebra" with {"a": 1}' in str(self.failure(ask, web, Reply(body)))

    def test_an_answer_is_read_no_further_than_it_counts_and_beside_the_event_loop(
        self, ask: Ask, web: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        series = [b'{"metric": {"i": "%d"}, "value": [1, "2"]}' % number for number in range(3)]
        body = b'{"status": "success", "data": {"resultType": "vector", "result": [' + b", ".join(series) + b", rubbish"
        web.replies["/api/v1/query"] = Reply(body)
        readers = []

        def read(*given: Any) -> Any:
            readers.append(threading.current_thread())
            return parse_response(*given)

        monkeypatch.setattr("smithd_sources.prometheus.client.parse_response", read)
        with pytest.raises(BadResponse, match="more than 2 series, and the first 2 count") as caught:
            ask(Prometheus, {"url": web.url, "max_series": 2, "metrics": {"one": "up"}})
        assert [sample.labels for sample in caught.value.samples] == [{"i": "0"}, {"i": "1"}]
        assert readers
        assert threading.main_thread() not in readers

    @pytest.mark.parametrize("part", [b"[],", b'{"metric": {}},', b"[" * 50 + b"]" * 50 + b","])
    @pytest.mark.parametrize("nested", [b"", b"["])
    def test_a_small_answer_does_not_become_a_large_one(
        self, ask: Ask, web: Server, part: bytes, nested: bytes
    ) -> None:
        start = b'{"status": "success", "data": {"resultType": "vector", "result": ['
        body = start + nested + part * (10_000_000 // len(part))
        web.replies["/api/v1/query"] = Reply(body)
        tracemalloc.start()
        try:
            with pytest.raises(BadResponse):
                ask(Prometheus, {"url": web.url, "max_series": 10_000, "metrics": {"one": "up"}})
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert most < 12 * len(body)

    def test_native_histograms_need_another_query(self, ask: Ask, web: Server) -> None:
        data = {"resultType": "vector", "result": [{"metric": {}, "histogram": [0, {"count": "1"}]}]}
        failure = self.failure(ask, web, Reply(json.dumps({"status": "success", "data": data}).encode()))
        assert "histogram_quantile" in str(failure)

    def test_a_redirect_is_reported_and_not_followed(self, ask: Ask, web: Server) -> None:
        failure = self.failure(ask, web, Reply(status=302, headers={"Location": f"{web.url}/login?next=x"}))
        assert f"redirects to {web.url}/login, which" in str(failure)
        assert not [asked for asked in web.requests if "login" in asked.path]

    def test_an_answer_beyond_all_measure(self, ask: Ask, web: Server) -> None:
        failure = self.failure(ask, web, Reply(b'"' + b"x" * 20_000_000))
        assert type(failure) is BadResponse
        assert "larger than 20000000 bytes" in str(failure)

    def test_an_answer_is_read_no_further_than_the_wanted_series(self, ask: Ask, web: Server) -> None:
        series = [
            json.dumps({"metric": {"i": f'{n} é {{"metric":{{'}, "value": [1, "2"]}, ensure_ascii=False) for n in "123"
        ]
        start = '{"status":"success","data":{"resultType":"vector","result":['
        compact = ",".join(series * 150_000).replace('": ', '":').replace(", ", ",")
        web.replies["/api/v1/query"] = Reply((start + compact).encode())
        assert len(start + compact) > 20_000_000
        with pytest.raises(BadResponse, match="more than 2 series, and the first 2 count") as caught:
            ask(Prometheus, {"url": web.url, "max_series": 2, "metrics": {"one": "up"}})
        assert [sample.labels["i"] for sample in caught.value.samples] == ['1 é {"metric":{', '2 é {"metric":{']

    def test_an_answer_that_drips_is_cut_off(self, ask: Ask, web: Server) -> None:
        body = b"1\r\n \r\n" * 1_100 + b"0\r\n\r\n"
        headers = {"Transfer-Encoding": "chunked"}
        failure = self.failure(ask, web, Reply(body, headers=headers))
        assert "the answer drips" in str(failure)

    def test_an_answer_that_breaks_off(self, ask: Ask, web: Server) -> None:
        assert type(self.failure(ask, web, Reply(b'{"status":', cut=True))) is Unavailable

    def test_a_server_that_says_nothing(self, ask: Ask, web: Server) -> None:
        failure = self.failure(ask, web, Reply(hang=True), deadline=0.5)
        assert type(failure) is TimedOut
        assert re.fullmatch(f"{web.place}: no (answer|connection) within the time-out", str(failure))

    @pytest.mark.parametrize(
        "head", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"]
    )
    def test_answers_that_come_byte_by_byte_cost_no_place_for_ever(self, head: bytes) -> None:
        """As many as there are places, twice; what is asked after them is answered."""
        metrics = {f"m{number}": "1" for number in range(QUERIES_AT_ONCE)}

        async def main(server: Dripping) -> Iterable[RawSample]:
            options = Prometheus.Options.model_validate({"url": server.url, "metrics": metrics})
            http = Http()
            source = Prometheus(options, Context("shop", 100.0, SystemClock(), http, logging.getLogger("shop")))
            await source.open()
            for _ in range(2):
                polling = asyncio.ensure_future(source.poll())
                for _ in metrics:
                    await asyncio.to_thread(server.dripping.acquire)
                polling.cancel()
                await asyncio.wait((polling,))
            server.ends.set()
            samples = await source.poll()
            await source.close()
            await http.aclose()
            return samples

        with Dripping(head) as server:
            samples = asyncio.run(asyncio.wait_for(main(server), 60))
        assert [sample.value for sample in samples] == [1.0] * QUERIES_AT_ONCE

    def test_an_answer_that_comes_byte_by_byte_has_one_deadline_as_a_whole(self, ask: Ask) -> None:
        with (
            Dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n") as server,
            pytest.raises(TimedOut, match=r"^127.0.0.1:\d+: no (answer|connection) within the time-out$"),
        ):
            ask(Prometheus, {"url": server.url, "metrics": {"one": "1"}}, deadline=0.5)

    def test_only_our_own_authorities_count(
        self, ask: Ask, certificate: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Not those that requests brings along, nor those that its environment variables name."""
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.setenv(name, str(certificate.cert_file))
        monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(certificate.cert_file))
        with Server({"/api/v1/query": result("1")}, tls=certificate.context()) as server:
            given = {"url": server.url, "metrics": {"one": "1"}}
            for tls in ({}, {"tls": {"ca_file": str(make_certificate(tmp_path).cert_file)}}):
                with pytest.raises(Misconfigured, match=r"not trusted: .*; name its authority under tls: ca_file"):
                    ask(Prometheus, given | tls)
            monkeypatch.delenv("REQUESTS_CA_BUNDLE")
            monkeypatch.delenv("CURL_CA_BUNDLE")
            with pytest.raises(Misconfigured, match="not trusted"):
                ask(Prometheus, given)
            assert ask(Prometheus, given | {"tls": {"ca_file": str(certificate.cert_file)}}) == [RawSample("one", 1.0)]
            assert ask(Prometheus, given | {"tls": {"verify": False}}) == [RawSample("one", 1.0)]

    def test_no_tls_behind_an_address_of_https(self, ask: Ask, web: Server) -> None:
        with pytest.raises(Unavailable, match="it does not speak TLS: is its address one of http, not https"):
            ask(Prometheus, {"url": f"https://{web.place}", "metrics": METRICS})

    def test_another_service_at_this_port(self, ask: Ask) -> None:
        with (
            speaking(b"SSH-2.0-OpenSSH_9\r\n") as url,
            pytest.raises(Unavailable, match=r"does not answer in HTTP: is this its port\? It says SSH-2.0-OpenSSH_9"),
        ):
            ask(Prometheus, {"url": url, "metrics": {"one": "1"}})

    def test_nobody_listens(self, ask: Ask) -> None:
        with socket.socket() as unheard:
            unheard.bind(("127.0.0.1", 0))
            port = unheard.getsockname()[1]
            with pytest.raises(Unavailable) as caught:
                ask(Prometheus, {"url": f"http://127.0.0.1:{port}", "metrics": METRICS})
        assert str(caught.value) == f"127.0.0.1:{port}: connection refused: does it run, and is the port right?"


class TestConfiguration:
    @pytest.mark.parametrize(
        ("wrong", "where", "said"),
        [
            ({"url": "127.0.0.1:9090"}, "url", "expected an address"),
            ({"url": "http://127.0.0.1:9090/api/v1/query"}, "url", "without /api/v1"),
            ({"url": "http://127.0.0.1:9090/?x=1"}, "url", "without ?"),
            ({"metrics": {}}, "metrics", "at least 1"),
            ({"metrics": {"load": " "}}, "metrics.load.query", "expected a PromQL query"),
            ({"metrics": {"load": {"query": "load", "scale": 2}}}, "metrics.load.scale", "not permitted"),
            ({"metrics": {"load": "sum(load"}}, "metrics.load.query", "this is no PromQL as smithd knows it: unclosed"),
            (
                {"metrics": {"load": "up == 0 offset 5m"}},
                "metrics.load.query",
                "offset modifier must be preceded by the name of a metric or its range: 'up offset 5m == 0'",
            ),
            ({"metrics": {"load": "load offset (1m + 2m)"}}, "metrics.load.query", "'dialect: unchecked'"),
            (
                {"metrics": {"load": {"query": "up[5m]", "lookback": "1h"}}},
                "metrics.load.lookback",
                "not one of a range",
            ),
            ({"metrics": {"load": {"query": '"1"', "lookback": "1h"}}}, "metrics.load.lookback", "or a text"),
            (
                {"metrics": {"load": {"query": "up", "lookback": "30d", "step": "1s"}}},
                "metrics.load.lookback",
                "longer",
            ),
            ({"step": "1s", "metrics": {"load": {"query": "up", "lookback": "1d"}}}, "metrics.load.lookback", "86400"),
            ({"step": "1s", "lookback": "30d"}, "lookback", "11000 are the most"),
            ({"lookback": "1000d"}, "lookback", "expected a longer 'step'"),
            ({"metrics": {"load": "rate(load)"}}, "metrics.load.query", "expected type matrix"),
            ({"metrics": {"load": {"query": "load", "step": "1m"}}}, "metrics.load", "divides a 'lookback'"),
            ({"max_series": 0}, "max_series", "greater than or equal to 1"),
        ],
    )
    def test_mistakes_point(self, wrong: dict[str, Any], where: str, said: str) -> None:
        right = {"url": "http://127.0.0.1:9090", "metrics": {"load": "load"}}
        with pytest.raises(ValidationError) as caught:
            Prometheus.Options.model_validate(right | wrong)
        (error,) = caught.value.errors()
        assert ".".join(map(str, error["loc"])) == where
        assert said in error["msg"]


class TestContract(HttpSourceContract):
    source = Prometheus
    options: ClassVar = {"metrics": {"up": "sum(up)"}}
    answers: ClassVar = {
        "/api/v1/query": b'{"status": "success", "data": {"resultType": "scalar", "result": [1700000000, "3"]}}'
    }
    wrong_options: ClassVar = ({"url": "https://x.example/api/v1/query", "metrics": {"up": "up"}},)


def test_what_is_looked_back_for_counts_as_fresh() -> None:
    given = {
        "url": "http://x.example",
        "lookback": "10m",
        "metrics": {"a": "up", "b": {"query": "up", "lookback": "1h"}},
    }
    options = Prometheus.metric_options(PrometheusOptions.model_validate(given))
    assert {name: metric.least_fresh_for for name, metric in options.items()} == {"a": 600.0, "b": 3600.0}


@pytest.mark.parametrize(
    ("said", "is_partial"),
    [
        ({}, False),
        ({"infos": ['PromQL info: metric might not be a counter: "up"']}, False),
        ({"warnings": ["PromQL warning: encountered a mix of histograms and floats"]}, False),
        ({"warnings": ["receive series from Addr: store-1: rpc error"]}, True),
        ({"isPartial": True}, True),
        ({"isPartial": False}, False),
    ],
)
def test_what_a_server_says_of_lacking_series_makes_an_answer_partial(said: dict[str, Any], is_partial: bool) -> None:
    body = {"status": "success", "data": {"resultType": "vector", "result": []}, **said}
    assert parse_response("one", json.dumps(body).encode(), 10).partial is is_partial

"""What a user relies on when smithd asks Prometheus: against a real one, and against servers that misbehave."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from servers import Certificate, prometheus
from smithd.plugin import BadAnswer, Misconfigured, Sample, SourceError, Unavailable
from smithd.testing import Asked, HttpSourceContract, Reply, Server
from smithd_sources.prometheus import Prometheus

Ask = Callable[..., list[Sample]]

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
def guarded(certificate: Certificate) -> Iterator[str]:
    files = {"web.yml": WEB_CONFIG}
    files |= {path.name: path.read_bytes() for path in (certificate.cert_file, certificate.key_file)}
    with prometheus(openmetrics(), files) as address:
        yield f"https://{address}"


class TestRealPrometheus:
    def test_label_sets_are_series(self, ask: Ask, server: str) -> None:
        metrics = {"load": "load", "total": {"query": "sum(load)"}, "hot": 'heat{instance="a"} > 30'}
        assert sorted(ask(Prometheus, {"url": server, "metrics": metrics}), key=str) == [
            Sample("hot", 40.0, {"instance": "a"}),
            Sample("load", 0.5, {"instance": "a"}),
            Sample("load", 2.0, {"instance": "b"}),
            Sample("total", 2.5),
        ]

    def test_scalars_and_texts_of_numbers_are_values(self, ask: Ask, server: str) -> None:
        metrics = {"scalar": "scalar(sum(load)) * 2", "text": '"42"'}
        assert ask(Prometheus, {"url": f"{server}/", "metrics": metrics}) == [
            Sample("scalar", 5.0),
            Sample("text", 42.0),
        ]

    def test_nan_infinities_and_empty_results_are_no_values(self, ask: Ask, server: str) -> None:
        metrics = {"odd": "odd", "none": "absent_metric", "division": "0 / 0", "infinite": "1 / 0"}
        assert ask(Prometheus, {"url": server, "metrics": metrics}) == [Sample("odd", 1.5, {"kind": "real"})]

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
        assert caught.value.samples == (Sample("load", 2.5),)

    def test_the_newest_value_of_a_lookback_counts_with_its_own_time(self, ask: Ask, strict: str) -> None:
        """Where the server forgets after a minute what came two minutes ago."""
        assert ask(Prometheus, {"url": strict, "metrics": {"load": "load"}}) == []
        metrics = {"all": "load", "one": {"query": "sum(load)", "lookback": "30m", "step": "30s"}}
        samples = ask(Prometheus, {"url": strict, "lookback": "10m", "metrics": metrics})
        assert [(sample.metric, sample.value) for sample in samples] == [("all", 0.5), ("all", 2.0), ("one", 2.5)]
        assert all(sample.time is not None and sample.time < time.time() - 60 for sample in samples)

    def test_a_range_in_the_query_is_its_newest_value(self, ask: Ask, server: str) -> None:
        (sample,) = ask(Prometheus, {"url": server, "metrics": {"raw": 'load{instance="a"}[1h]'}})
        assert (sample.value, sample.labels) == (0.5, {"instance": "a"})
        assert sample.time is not None

    def test_too_many_series_are_capped_with_a_word(self, ask: Ask, server: str) -> None:
        with pytest.raises(BadAnswer, match="load: 2 series, and the first 1 count: aggregate them") as caught:
            ask(Prometheus, {"url": server, "max_series": 1, "metrics": {"load": "load", "total": "sum(load)"}})
        assert len(caught.value.samples) == 2

    def test_a_text_that_is_no_number(self, ask: Ask, server: str) -> None:
        with pytest.raises(BadAnswer, match='name: the result is "many", not a number'):
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
        assert ask(Prometheus, options, folder=certificate.cert_file.parent) == [Sample("total", 2.5)]

    def test_a_wrong_password_needs_a_person(self, ask: Ask, guarded: str) -> None:
        with pytest.raises(Misconfigured, match="HTTP 401, we are not let in") as caught:
            ask(Prometheus, self.options(guarded, "wr0ng", verify=False))
        assert "wr0ng" not in str(caught.value)

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


def refused(status: int, kind: str, text: str) -> Reply:
    return Reply(json.dumps({"status": "error", "errorType": kind, "error": text}).encode(), status)


class TestWhatElseMayAnswer:
    def failure(self, ask: Ask, web: Server, reply: Reply | Callable[[Asked], Reply], **more: Any) -> SourceError:
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
        first, second = web.asked
        assert first.path == "/tenant/api/v1/query?query=1+%2B+0&timeout=8100ms"
        assert (first.headers["X-Scope-OrgID"], first.headers["Authorization"]) == ("ops", None)
        assert second.headers["Authorization"] == "Bearer t0ken"

    def test_queries_are_asked_four_at_once(self, ask: Ask, web: Server) -> None:
        together = threading.Barrier(4, timeout=60)
        asking, most = [], []

        def wait_for_the_others(_: Asked) -> Reply:
            asking.append(1)
            most.append(len(asking))
            together.wait()
            asking.pop()
            return result("1")

        web.replies["/api/v1/query"] = wait_for_the_others
        samples = ask(Prometheus, {"url": web.url, "metrics": {f"m{number}": "1" for number in range(8)}})
        assert [sample.metric for sample in samples] == [f"m{number}" for number in range(8)]
        assert max(most) == 4

    def test_warnings_are_passed_on_once(self, ask: Ask, web: Server, caplog: pytest.LogCaptureFixture) -> None:
        web.replies["/api/v1/query"] = result("1", warnings=["a store did not answer"])
        with caplog.at_level(logging.WARNING, "smithd"):
            ask(Prometheus, {"url": web.url, "metrics": {"one": "1"}}, polls=3)
        assert caplog.messages == ["one: Prometheus warns: a store did not answer"]

    def test_an_answer_that_is_partial_is_told(self, ask: Ask, web: Server, caplog: pytest.LogCaptureFixture) -> None:
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

    def test_another_dialect_is_not_checked(self, ask: Ask, web: Server) -> None:
        web.replies["/api/v1/query"] = result("1")
        given = {"url": web.url, "dialect": "metricsql", "metrics": {"one": "rate(load) default 0"}}
        assert ask(Prometheus, given) == [Sample("one", 1.0)]

    def test_one_of_several_queries_fails(self, ask: Ask, web: Server) -> None:
        def first_only(asked: Asked) -> Reply:
            return result("1") if "query=1" in asked.path else refused(503, "timeout", "query timed out")

        failure = self.failure(ask, web, first_only)
        assert type(failure) is Unavailable
        assert str(failure) == f"{web.place}: HTTP 503: query timed out (timeout)"
        assert failure.samples == (Sample("one", 1.0),)

    def test_a_proxy_that_is_not_amused(self, ask: Ask, web: Server) -> None:
        failure = self.failure(ask, web, Reply(b"<h1>Bad gateway</h1>", 502))
        assert type(failure) is Unavailable
        assert str(failure) == f"{web.place}: HTTP 502: <h1>Bad gateway</h1>"
        assert len(web.asked) == 2  # once for each query: nothing is tried again

    def test_a_page_instead_of_an_answer(self, ask: Ask, web: Server) -> None:
        failure = self.failure(ask, web, Reply(b"<h1>Sign in</h1>", headers={"Content-Type": "text/html"}))
        assert type(failure) is BadAnswer
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
            b"[" * 100_000,
        ],
    )
    def test_an_answer_of_another_shape(self, ask: Ask, web: Server, body: bytes) -> None:
        assert type(self.failure(ask, web, Reply(body))) is BadAnswer

    def test_native_histograms_need_another_query(self, ask: Ask, web: Server) -> None:
        data = {"resultType": "vector", "result": [{"metric": {}, "histogram": [0, {"count": "1"}]}]}
        failure = self.failure(ask, web, Reply(json.dumps({"status": "success", "data": data}).encode()))
        assert "histogram_quantile" in str(failure)

    def test_a_redirect_is_told_and_not_followed(self, ask: Ask, web: Server) -> None:
        failure = self.failure(ask, web, Reply(status=302, headers={"Location": f"{web.url}/login?next=x"}))
        assert f"redirects to {web.url}/login, which" in str(failure)
        assert not [asked for asked in web.asked if "login" in asked.path]

    def test_an_answer_beyond_all_measure(self, ask: Ask, web: Server) -> None:
        failure = self.failure(ask, web, Reply(b'"' + b"x" * 20_000_000))
        assert type(failure) is BadAnswer
        assert "larger than 20000000 bytes" in str(failure)

    def test_an_answer_that_breaks_off(self, ask: Ask, web: Server) -> None:
        assert type(self.failure(ask, web, Reply(b'{"status":', cut=True))) is Unavailable

    def test_a_server_that_says_nothing(self, ask: Ask, web: Server) -> None:
        failure = self.failure(ask, web, Reply(hang=True), deadline=0.5)
        assert type(failure) is Unavailable
        assert str(failure) == f"{web.place}: no answer within the time-out"

    def test_nobody_listens(self, ask: Ask) -> None:
        with socket.socket() as unheard:
            unheard.bind(("127.0.0.1", 0))
            port = unheard.getsockname()[1]
            with pytest.raises(Unavailable) as caught:
                ask(Prometheus, {"url": f"http://127.0.0.1:{port}", "metrics": METRICS})
        assert str(caught.value) == f"127.0.0.1:{port}: connection refused"


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
            ({"metrics": {"load": "sum(load"}}, "metrics.load.query", "this is no PromQL: unclosed left parenthesis"),
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

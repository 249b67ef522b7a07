"""The page shows business figures: it answers to its own machine, or to who has the token."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC

import httpx
import pytest

from smithd.lockscreen.screen import Line
from smithd.web.app import build
from smithd.web.probes import NO_PROBES, ProbeAnswer, Probes
from smithd.web.reads import Reads
from web.given import NOW, quiet

TOKEN = "a-long-token"


class Visitor:
    """A browser that keeps its cookies, in front of the page without a socket between."""

    def __init__(
        self, token: str | None = None, base_url: str = "http://127.0.0.1:8787", probes: Probes = NO_PROBES
    ) -> None:
        reads = Reads(lambda: NOW, UTC, dict, lambda: [Line(NOW, "it began")], commands=quiet())
        page = build(reads, host="127.0.0.1", token=token, probes=probes)
        self._browser = httpx.AsyncClient(transport=httpx.ASGITransport(page), base_url=base_url)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return asyncio.run(self._browser.get(path, headers=headers))

    def post(self, path: str) -> httpx.Response:
        return asyncio.run(self._browser.post(path))


@pytest.mark.parametrize("host", ["127.0.0.1:8787", "localhost", "LOCALHOST:9", "[::1]:8787", "localhost."])
def test_the_machines_own_names_are_served(host: str) -> None:
    answer = Visitor().get("/", headers={"Host": host})
    assert answer.status_code == 200
    assert "it began" in answer.text


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8787", "", "[::2]"])
@pytest.mark.parametrize("path", ["/", "/live/", "/static/live.js"])
def test_foreign_names_are_refused(host: str, path: str) -> None:
    answer = Visitor().get(path, headers={"Host": host})
    assert answer.status_code == 421
    assert "it began" not in answer.text


def test_with_a_token_nothing_is_served_without_it() -> None:
    visitor = Visitor(TOKEN, "http://stats.example")
    for path in ("/", "/live/", "/static/live.js", "/?token=wrong"):
        answer = visitor.get(path)
        assert answer.status_code == 401
        assert "it began" not in answer.text
        assert "set-cookie" not in answer.headers


def test_the_token_is_taken_as_bearer_or_once_in_the_address() -> None:
    visitor = Visitor(TOKEN, "http://stats.example")
    assert visitor.get("/", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert visitor.get("/").status_code == 401
    first = visitor.get(f"/?token={TOKEN}")
    cookie = first.headers["set-cookie"]
    assert first.status_code == 200
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert TOKEN not in cookie
    assert visitor.get("/live/").status_code == 200


@pytest.mark.parametrize("offer", ["Bearer", "Bearer ", "Basic a-long-token", "a-long-token"])
def test_strange_offers_are_refused(offer: str) -> None:
    answer = Visitor(TOKEN).get("/", headers={"Authorization": offer})
    assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/", "/live/", "/static/lockscreen.css", "/nothing"])
def test_every_answer_is_protected(path: str) -> None:
    headers = Visitor().get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; script-src 'self'")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


def test_what_is_not_there_is_a_plain_404_and_nothing_can_be_written() -> None:
    visitor = Visitor()
    for path in ("/nothing", "/static/nothing.js", "/static/..%2fpage.py"):
        assert visitor.get(path).status_code == 404
    assert visitor.post("/").status_code == 403


@pytest.mark.parametrize("token", [None, TOKEN])
def test_whoever_watches_the_service_gets_an_answer_without_a_token_and_by_any_name(token: str | None) -> None:
    answer = Visitor(token, "http://stats.example").get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")
    assert "set-cookie" not in answer.headers


def test_asking_for_health_gives_no_access_to_the_page() -> None:
    visitor = Visitor(TOKEN, "http://stats.example")
    answer = visitor.get("/healthz?token=wrong")
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert visitor.get("/").status_code == 401


async def scraped(accept: str, encoding: str) -> tuple[Mapping[str, str], bytes]:
    return {"Content-Type": "text/plain; version=0.0.4"}, f"figures for {accept}, {encoding}".encode()


def test_metrics_are_for_who_may_open_the_page() -> None:
    bearer = {"Authorization": f"Bearer {TOKEN}", "Accept": "text/*", "Accept-Encoding": "gzip"}
    watched = Visitor(TOKEN, "http://stats.example", Probes(scrape=scraped))
    assert watched.get("/metrics").status_code == 401
    answer = watched.get("/metrics", headers=bearer)
    assert (answer.status_code, answer.text) == (200, "figures for text/*, gzip")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4"
    assert Visitor(probes=Probes(scrape=scraped)).get("/metrics", headers={"Host": "evil.example"}).status_code == 421


def test_the_checks_need_no_token_and_answer_503_where_something_is_wrong() -> None:
    bad = Probes(lambda: ProbeAnswer(False, "it stands still"), lambda: ProbeAnswer(False, "not ready"))
    for probes, status, said in ((Probes(), 200, ["ok", "ok"]), (bad, 503, ["it stands still", "not ready"])):
        visitor = Visitor(TOKEN, "http://stats.example", probes)
        answers = [visitor.get(path) for path in ("/healthz", "/readyz")]
        assert [answer.status_code for answer in answers] == [status, status]
        assert [answer.text.strip() for answer in answers] == said

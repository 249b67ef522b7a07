"""The API: its addresses, its limits, and what it refuses. A daemon with a state on disk stands behind it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from runtime.test_status import components_in
from smithd.plugin.sample import Sample, Series
from smithd.poll.intake import Poll
from smithd.runtime import commands
from smithd.runtime.components import Components
from smithd.web.app import build
from smithd.web.guard import csrf_token
from smithd.web.reads import windows
from smithd.web.recent import Recent

TOKEN = "a-long-token"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
SILENCE = {"matchers": "rule=errors", "duration": "2h", "comment": "deploying", "author": "ann"}
DOCS = Path(__file__).parents[2] / "docs" / "api.md"

Ask = Callable[[httpx.AsyncClient], Awaitable[Any]]


def asked(folder: Path, ask: Ask, token: str | None = TOKEN) -> Any:
    """What ``ask`` makes of a daemon whose shop has had errors, and whose badge and widget were never sent."""

    async def main() -> Any:
        async with components_in(folder, lambda _: None) as components:
            await _poll(components, 9.0)
            reads = windows(
                components.config,
                components.engine,
                components.clock,
                Recent(components.clock, components.config.redactor),
                commands.of(components),
            )
            page = build(reads, host="127.0.0.1", token=token)
            async with httpx.AsyncClient(transport=httpx.ASGITransport(page), base_url="http://localhost") as client:
                return await ask(client)

    return asyncio.run(main())


async def _poll(components: Components, errors: float) -> None:
    now = components.clock.now()
    components.writer.put(Poll("shop", now, 160.0, (Sample(Series("shop.errors"), errors, now),)))
    await components.writer.catch_up()


def got(folder: Path, path: str, headers: Mapping[str, str] = BEARER) -> httpx.Response:
    answer: httpx.Response = asked(folder, lambda client: client.get(path, headers=headers))
    return answer


def test_the_status_is_that_of_the_control_socket(tmp_path: Path) -> None:
    answer = got(tmp_path, "/api/v1/status")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    found = answer.json()
    assert [(each["name"], each["health"]) for each in found["sources"]] == [("shop", "up")]
    assert (found["alerts"][0]["rule"], found["left_out"]) == ("errors", {})
    assert found["state"]["size"] > 0


@pytest.mark.parametrize("name", ["sources", "rules", "alerts", "surfaces"])
def test_each_list_has_an_address_with_a_limit_and_an_offset(tmp_path: Path, name: str) -> None:
    async def ask(client: httpx.AsyncClient) -> list[Any]:
        paths = (f"/api/v1/{name}", f"/api/v1/{name}?limit=0", f"/api/v1/{name}?offset=1")
        return [(await client.get(path, headers=BEARER)).json() for path in paths]

    whole, none, rest = asked(tmp_path, ask)
    assert len(whole[name]) == whole["total"] == none["total"]
    assert none[name] == []
    assert rest[name] == whole[name][1:]


def test_lists_are_chosen_from_by_their_fields(tmp_path: Path) -> None:
    async def ask(client: httpx.AsyncClient) -> list[int]:
        queries = ("rule=errors", "rule=none", "state=firing&severity=critical", "suppressed=")
        return [(await client.get(f"/api/v1/alerts?{query}", headers=BEARER)).json()["total"] for query in queries]

    assert asked(tmp_path, ask) == [1, 0, 1, 1]


def test_what_explain_says_of_a_rule(tmp_path: Path) -> None:
    found = got(tmp_path, "/api/v1/explain?rule=errors").json()
    assert (found["kind"], found["alerts"][0]["severity"]) == ("rule", "critical")


def test_decisions_are_the_newest_first(tmp_path: Path) -> None:
    found = got(tmp_path, "/api/v1/decisions?rule=errors&limit=1").json()["decisions"]
    assert [(each["rule"], each["change"]) for each in found] == [("errors", "fired")]
    assert got(tmp_path, "/api/v1/decisions").json()["decisions"] == found


def test_the_history_has_the_newest_sample_the_thresholds_and_when_it_fired(tmp_path: Path) -> None:
    found = got(tmp_path, "/api/v1/history?metric=shop.errors").json()
    assert found["thresholds"] == [{"rule": "errors", "severity": "critical", "condition": "> 5", "bounds": [5.0]}]
    (series,) = found["series"]
    assert [value for _, value in series["points"]] == [9.0]
    assert [(each["rule"], each["to"]) for each in series["firing"]] == [("errors", None)]


def test_a_phone_that_shows_nothing_is_there(tmp_path: Path) -> None:
    (phone,) = got(tmp_path, "/api/v1/screen?account=default").json()["phones"]
    assert (phone["account"], phone["widgets"], phone["badge"]) == ("default", [], None)


def test_a_silence_is_made_listed_and_ended(tmp_path: Path) -> None:
    async def ask(client: httpx.AsyncClient) -> None:
        made = await client.post("/api/v1/silences", json=SILENCE, headers=BEARER)
        assert (made.status_code, made.json()["matchers"], made.json()["author"]) == (201, "rule=errors", "ann")
        address = f"/api/v1/silences/{made.json()['id']}"
        assert (await client.get("/api/v1/silences", headers=BEARER)).json()["silences"] == [made.json()]
        assert (await client.delete(address, headers=BEARER)).status_code == 204
        assert (await client.get("/api/v1/silences", headers=BEARER)).json()["silences"] == []
        assert (await client.delete(address, headers=BEARER)).status_code == 404

    asked(tmp_path, ask)


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("nothing", 404, "Not Found"),
        ("status/", 404, "Not Found"),
        ("alerts?state=nope", 400, "expected one of pending, firing, recovering as 'state'"),
        ("alerts?state=", 400, "expected one of pending, firing, recovering as 'state'"),
        ("alerts?severity=bad", 400, "expected one of info, warning, critical, or nothing, as 'severity'"),
        ("alerts?suppressed=yes", 400, "expected one of silenced, muted, inhibited, dependent, unconfirmed, or"),
        ("rules?state=recovering", 400, "expected one of firing, pending, inactive as 'state'"),
        ("rules?severity=bad", 400, "expected one of info, warning, critical, or nothing, as 'severity'"),
        ("sources?health=well", 400, "expected one of up, failing, silent, unseen as 'health'"),
        ("surfaces?kind=activity", 400, "expected one of widget, live_activity, badge as 'kind'"),
        ("status?limit=-1", 400, "expected a whole number from 0 to 10000 as 'limit'"),
        ("status?limit=10001", 400, "as 'limit'"),
        ("status?limit=1e3", 400, "as 'limit'"),
        ("status?limit=1&limit=2", 400, "'limit' was given twice"),
        ("alerts?colour=red", 400, "unknown parameter 'colour'; known here: limit, offset, rule, "),
        (f"alerts?rule={'x' * 1001}", 400, "longer than 1000 characters"),
        ("explain", 400, "expected 'rule' or 'surface'"),
        ("explain?rule=a&surface=b", 400, "not both"),
        ("explain?rule=erors", 404, "did you mean 'errors'"),
        ("explain?surface=errors", 400, "'errors' is a rule"),
        ("explain?surface=widget:none", 404, "there is no widget 'none'; there are: none"),
        ("explain?surface=activity:none", 404, "there is no Live Activity 'none'; there are: none"),
        ("explain?rule=errors&labels=%7B", 400, ""),
        ("decisions?rule=erors", 404, "no rule"),
        ("decisions?limit=1001", 400, "as 'limit'"),
        ("history", 400, "expected 'metric'"),
        ("history?metric=shop.erors", 404, "did you mean 'shop.errors'"),
        ("history?metric=shop.errors&from=yesterday", 400, "expected seconds since 1970"),
        ("history?metric=shop.errors&from=2026-11-28T22:00:00", 400, "expected seconds since 1970"),
        ("history?metric=shop.errors&from=nan", 400, "expected a number"),
        ("history?metric=shop.errors&from=2&to=1", 400, "expected 'from' before 'to'"),
        ("history?metric=shop.errors&from=0", 400, "at most 31 days"),
        ("screen?account=none", 404, "there is no account 'none'"),
    ],
)
def test_a_wrong_question_is_answered_with_a_text(tmp_path: Path, path: str, status: int, text: str) -> None:
    answer = got(tmp_path, f"/api/v1/{path}")
    assert answer.status_code == status
    assert text in answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ("", 400, "expected a JSON object"),
        ("[]", 400, "expected a JSON object"),
        ("{}", 400, "'matchers' is missing"),
        (json.dumps(SILENCE | {"for": "1h"}), 400, "unknown key 'for'"),
        ('{"matchers": "rule=errors", "duration": "1h", "matchers": "rule=a"}', 400, "'matchers' was given twice"),
        (json.dumps(SILENCE | {"duration": "soon"}), 400, "expected a duration like 30s"),
        (json.dumps(SILENCE | {"duration": 3}), 400, "expected a text"),
        (json.dumps(SILENCE | {"matchers": "rule=erors"}), 400, "did you mean 'errors'"),
        (json.dumps(SILENCE | {"comment": "\ud800"}), 400, "not valid Unicode"),
        (json.dumps(SILENCE | {"comment": "x" * 20_000}), 413, "at most 16384 bytes"),
    ],
)
def test_a_silence_that_makes_no_sense_is_refused(tmp_path: Path, body: str, status: int, text: str) -> None:
    headers = BEARER | {"Content-Type": "application/json"}
    answer = asked(tmp_path, lambda client: client.post("/api/v1/silences", content=body, headers=headers))
    assert (answer.status_code, text in answer.json()["error"]) == (status, True), answer.text


def test_methods_that_an_address_does_not_have(tmp_path: Path) -> None:
    async def ask(client: httpx.AsyncClient) -> None:
        assert (await client.head("/api/v1/status", headers=BEARER)).status_code == 200
        for method, path, allowed in (
            ("POST", "/api/v1/status", {"GET", "HEAD"}),
            ("PUT", "/api/v1/silences", {"GET", "HEAD", "POST"}),
            ("GET", "/api/v1/silences/1", {"DELETE"}),
        ):
            answer = await client.request(method, path, headers=BEARER)
            assert (answer.status_code, set(answer.headers["allow"].split(", "))) == (405, allowed)
            assert "error" in answer.json()

    asked(tmp_path, ask)


def test_another_type_of_body_is_refused(tmp_path: Path) -> None:
    answer = asked(tmp_path, lambda client: client.post("/api/v1/silences", data=SILENCE, headers=BEARER))
    assert answer.status_code == 415


COOKIE = "cookie"
"""Stands in for the header of a browser that opened the page with the token."""
CSRF = {"X-CSRF-Token": csrf_token(TOKEN)}
OTHER_SITE = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}


@pytest.mark.parametrize(
    ("token", "method", "headers", "status"),
    [
        # without web.token: looking only, by the machine's own names
        (None, "GET", {}, 200),
        (None, "HEAD", {}, 200),
        (None, "POST", {}, 403),
        (None, "POST", BEARER | CSRF, 403),
        (None, "DELETE", {}, 403),
        (None, "GET", {"Host": "evil.example"}, 421),
        (None, "GET", OTHER_SITE, 403),
        (None, "GET", {"Sec-Fetch-Site": "same-site"}, 403),
        (None, "GET", {"Sec-Fetch-Site": "same-origin"}, 200),
        (None, "GET", {"Sec-Fetch-Site": "none"}, 200),
        (None, "GET", {"Origin": "http://localhost:3000"}, 403),
        # with it: the token, whatever is asked
        (TOKEN, "GET", {}, 401),
        (TOKEN, "POST", {}, 401),
        (TOKEN, "POST", {"Authorization": "Bearer wrong"} | CSRF, 401),
        (TOKEN, "GET", BEARER, 200),
        (TOKEN, "POST", BEARER, 201),
        (TOKEN, "POST", BEARER | OTHER_SITE, 403),
        (TOKEN, "GET", BEARER | OTHER_SITE, 403),
        # the cookie alone changes nothing
        (TOKEN, "GET", {COOKIE: ""}, 200),
        (TOKEN, "POST", {COOKIE: ""}, 403),
        (TOKEN, "POST", {COOKIE: "", "X-CSRF-Token": "wrong"}, 403),
        (TOKEN, "POST", {COOKIE: "", "X-CSRF-Token": csrf_token("another")}, 403),
        (TOKEN, "POST", {COOKIE: ""} | CSRF, 201),
        (TOKEN, "POST", {COOKIE: "", "Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"} | CSRF, 201),
        (TOKEN, "POST", {COOKIE: "", "Origin": "https://localhost"} | CSRF, 201),
        (TOKEN, "POST", {COOKIE: "", "Origin": "https://shop.example", "Sec-Fetch-Site": "same-origin"} | CSRF, 201),
        (TOKEN, "POST", {COOKIE: "", "Origin": "null"} | CSRF, 403),
        (TOKEN, "POST", {COOKIE: ""} | CSRF | OTHER_SITE, 403),
        (TOKEN, "POST", {COOKIE: "", "Sec-Fetch-Site": "same-site"} | CSRF, 403),
        # nor does the token in an address, which anybody may be sent
        (TOKEN, "POST ?token", {}, 403),
    ],
)
def test_who_may_ask_and_change(
    tmp_path: Path, token: str | None, method: str, headers: Mapping[str, str], status: int
) -> None:
    async def ask(client: httpx.AsyncClient) -> httpx.Response:
        sent = {name: text for name, text in headers.items() if name != COOKIE}
        if COOKIE in headers:
            await client.get(f"/?token={TOKEN}")
        if method == "POST ?token":
            return await client.post(f"/api/v1/silences?token={TOKEN}", json=SILENCE)
        path = "/api/v1/silences/1" if method == "DELETE" else "/api/v1/silences"
        return await client.request(method, path, json=SILENCE if method == "POST" else None, headers=sent)

    answer = asked(tmp_path, ask, token)
    assert answer.status_code == status, answer.text
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    if status >= 400 and method != "HEAD":
        assert answer.json()["error"]


def test_the_examples_in_the_documentation_have_the_keys_of_real_answers(tmp_path: Path) -> None:
    examples = re.findall(
        r"\$ curl -s '?localhost:8787/api/v1(\S+?)'?\n(\{.*?)\n```", DOCS.read_text("utf-8"), re.DOTALL
    )
    assert len(examples) >= 6
    for path, example in examples:
        real = got(tmp_path, f"/api/v1{path}")
        assert real.status_code == 200, (path, real.text)
        _has_keys(real.json(), json.loads(example), path)


def _has_keys(real: Any, example: Any, place: str) -> None:
    """Whether an answer has all that its example has."""
    if isinstance(example, dict) and isinstance(real, dict):
        assert example.keys() <= real.keys() or not real, (place, example.keys() - real.keys())
        for name in example.keys() & real.keys():
            _has_keys(real[name], example[name], f"{place} {name}")
    if isinstance(example, list) and isinstance(real, list) and example and real:
        _has_keys(real[0], example[0], f"{place} []")

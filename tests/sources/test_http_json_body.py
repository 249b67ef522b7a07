"""What a user relies on when an answer is written in another way than expected, or reports an error with a 200."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from smithd.plugin import BadResponse, RawSample
from smithd.testing import Reply, Server
from smithd_sources.http_json.source import HttpJson

Ask = Callable[..., list[RawSample]]

NAMED = {"load": {"each": "$.hosts[*]", "value": "$.load", "labels": {"host": "$.name"}}}
HOSTS = '{"hosts": [{"name": "Köln €“", "load": 5}]}'
LOAD = [RawSample("load", 5.0, {"host": "Köln €“"})]


def served(web: Server, answer: bytes | str | Any, kind: str = "application/json", **more: Any) -> dict[str, Any]:
    """Serve this answer, and the options that ask for it."""
    text = answer if isinstance(answer, bytes | str) else json.dumps(answer)
    content = text.encode() if isinstance(text, str) else text
    web.replies["/"] = Reply(content, headers={"Content-Type": kind} if kind else {})
    return {"url": web.url, "metrics": {"load": "$.load"}} | more


def failure(ask: Ask, given: dict[str, Any]) -> BadResponse:
    with pytest.raises(BadResponse) as caught:
        ask(HttpJson, given)
    return caught.value


class TestCharset:
    @pytest.mark.parametrize(
        ("charset", "kind"),
        [
            ("cp1252", "application/json; charset=windows-1252"),
            ("cp1252", 'application/json;v=1; Charset="CP1252"'),
            ("cp1252", "application/json; charset=ISO-8859-1"),  # as browsers read it
            ("utf-8", "application/json; charset=utf8"),
            ("utf-8-sig", "application/json"),
            ("utf-8-sig", "application/json; charset=ISO-8859-1"),  # the mark is the better witness
            ("utf-16", "application/json"),
            ("utf-16-le", "application/json"),
            ("utf-16-be", "application/json; charset=utf-16be"),
            ("utf-32", ""),
        ],
    )
    def test_the_answers_own_is_heeded(self, ask: Ask, web: Server, charset: str, kind: str) -> None:
        assert ask(HttpJson, served(web, HOSTS.encode(charset), kind, metrics=NAMED)) == LOAD

    def test_latin_1_has_letters_that_windows_1252_lacks(self, ask: Ask, web: Server) -> None:
        body = HOSTS.replace(" €“", "\x81").encode("latin-1")
        samples = ask(HttpJson, served(web, body, "application/json; charset=latin1", metrics=NAMED))
        assert samples[0].labels == {"host": "Köln\x81"}

    @pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8"])
    def test_one_can_be_set_where_the_answer_says_none_or_a_wrong_one(self, ask: Ask, web: Server, kind: str) -> None:
        given = served(web, HOSTS.encode("cp1252"), kind, metrics=NAMED)
        assert "whose byte 23 (0xf6) is no UTF-8; the source's 'charset' sets another" in str(failure(ask, given))
        assert ask(HttpJson, given | {"charset": "cp1252"}) == LOAD

    @pytest.mark.parametrize("charset", ["x-klingon", "zip", "rot13", "base64"])
    def test_an_unknown_one_is_said_plainly(self, ask: Ask, web: Server, charset: str) -> None:
        said = str(failure(ask, served(web, HOSTS, f"application/json; charset={charset}")))
        assert said == (
            f"{web.place}: its charset is '{charset}', which is not known here; the source's 'charset' sets another"
        )
        with pytest.raises(ValidationError, match="expected the name of a charset, like latin-1"):
            HttpJson.Options.model_validate({"url": web.url, "charset": charset, "metrics": {"a": "$.a"}})

    def test_numbers_and_lines_are_texts_too(self, ask: Ask, web: Server) -> None:
        given = served(web, "1 234,5 €".replace(" ", "").encode("cp1252"), "text/plain; charset=cp1252")
        metric = {"load": {"path": "$", "decimal": ","}}
        assert ask(HttpJson, given | {"format": "number", "metrics": metric})[0].value == 1234.5
        lines = '{"name": "a\u2028b", "load": 1}\r\n{"name": "ö", "load": 2}\n'
        given = served(web, codecs.BOM_UTF8 + lines.encode(), format="json_lines")
        given["metrics"] = {"load": NAMED["load"] | {"each": "$[*]"}}
        assert [sample.labels["host"] for sample in ask(HttpJson, given)] == ["a\u2028b", "ö"]


class TestBrokenJson:
    @pytest.mark.parametrize(
        ("body", "said"),
        [
            (
                '{"orders": 5 "load": 7}',
                (
                    "expected JSON, got application/json with a mistake at line 1, column 14 "
                    "(expecting ',' delimiter): " + '{"orders": 5 "load": 7}'
                ),
            ),
            (
                '{\n  "orders": 5,\n  "load": oops\n}',
                'line 3, column 11 (expecting value): { "orders": 5, "load": oops }',
            ),
            ('{"load": [1, 2', 'line 1, column 15 (it breaks off): {"load": [1, 2'),
            ('{"load": 7} trailing', 'line 1, column 13 (extra data): {"load": 7} trailing'),
            ("{'load': 7}", "line 1, column 2 (expecting property name enclosed in double quotes): {'load': 7}"),
            (
                '{"a": "' + "x" * 100 + '", "load": 7,}',
                'column 121 (expecting property name enclosed in double quotes): …, "load": 7,}',
            ),
            (f'{{"a": [{"0, " * 500}oops{", 1" * 500}]}}', f"(expecting value): …{'0, ' * 13}oops, 1"),
            ("oops", "expected JSON, got application/json: oops"),
            ("  ", "expected JSON, got application/json: (nothing)"),
        ],
    )
    def test_it_is_shown_where(self, ask: Ask, web: Server, body: str, said: str) -> None:
        text = str(failure(ask, served(web, body)))
        assert said in text
        assert len(text) < 250

    def test_in_a_line(self, ask: Ask, web: Server) -> None:
        text = str(failure(ask, served(web, '{"load": 1}\n{"load": oops}\n', format="json_lines")))
        assert "expected JSON in line 2, got application/json with a mistake at column 10 (expecting value)" in text

    @pytest.mark.parametrize("size", [0, 10, 35, 60, 300])
    @pytest.mark.parametrize(
        "broken", ['"token": "{secret}" oops', '"a": oops, "token": "{secret}"', '"t": "\\q{secret}"']
    )
    def test_no_part_of_a_secret_is_shown(self, ask: Ask, web: Server, size: int, broken: str) -> None:
        secret = "s3cret," + "abcdefghij"[: size % 10] * 3 + "k" * size + "-end.of,it"
        body = '{"orders": 5, ' + broken.replace("{secret}", secret) + ', "load": 7}'
        text = str(failure(ask, served(web, body, headers={"X-Key": secret})))
        assert "at line 1, column" in text
        assert not any(part in text for part in ("s3c", "kk", "end", "of,it"))


class TestReportedErrors:
    QUERY = {"query": "query Orders($day: Date!) { orders(day: $day) { load } }", "variables": {"day": "2026-11-28"}}  # noqa: RUF012

    def test_what_is_asked_of_graphql_is_sent_as_it_wants_it(self, ask: Ask, web: Server) -> None:
        given = served(web, {"data": {"load": 3}}, body=self.QUERY, metrics={"load": "$.data.load"})
        assert ask(HttpJson, given) == [RawSample("load", 3.0)]
        assert json.loads(web.requests[0].body) == self.QUERY
        assert web.requests[0].headers["Content-Type"] == "application/json"

    @pytest.mark.parametrize(
        ("document", "said"),
        [
            ({"data": None, "errors": [{"message": "no such field", "path": ["orders"]}]}, "no such field"),
            ({"errors": [{"message": "a"}, {"message": "b"}, {"message": "a"}]}, "a; b"),
            ({"errors": [{"message": str(n)} for n in range(9)]}, "0; 1; 2; and 6 more"),
        ],
    )
    @pytest.mark.parametrize("body", [None, QUERY])
    def test_errors_of_graphql_are_a_failure(self, ask: Ask, web: Server, document: Any, said: str, body: Any) -> None:
        given = served(web, document, body=body, metrics={"load": "$.data.load"})
        found = failure(ask, given)
        assert str(found) == f"{web.place}: GraphQL reports: {said}"
        assert found.samples == ()

    def test_what_else_was_asked_for_counts(self, ask: Ask, web: Server) -> None:
        document = {"data": {"load": 3, "stock": None}, "errors": [{"message": "the depot is closed"}]}
        given = served(web, document, metrics={"load": "$.data.load", "stock": "$.data.stock"})
        found = failure(ask, given)
        assert str(found) == f"{web.place}: GraphQL reports: the depot is closed"
        assert found.samples == (RawSample("load", 3.0),)

    @pytest.mark.parametrize(
        ("document", "more"),
        [
            ({"load": 1, "errors": [{"message": "of another kind of API"}]}, {}),
            ({"load": 1, "errors": []}, {}),
            ({"load": 1, "errors": None}, {"body": QUERY}),
            ({"errors": [{"message": "counted"}]}, {"metrics": {"load": {"path": "$.errors[*]", "count": True}}}),
        ],
    )
    def test_not_all_that_is_called_errors_is_one(self, ask: Ask, web: Server, document: Any, more: Any) -> None:
        assert ask(HttpJson, served(web, document, **more)) == [RawSample("load", 1.0)]

    def test_whatever_a_query_of_graphql_reports_is_one(self, ask: Ask, web: Server) -> None:
        given = served(web, {"load": 1, "errors": "throttled", "status": "x"}, body=self.QUERY)
        assert str(failure(ask, given)).endswith("GraphQL reports: throttled")

    @pytest.mark.parametrize(
        ("document", "said"),
        [
            ({"load": 1, "error": "invalid_auth"}, "invalid_auth"),
            ({"load": 1, "error": {"code": 7, "message": "no\nrights"}}, "no rights"),
            ({"load": 1, "error": {"code": 7}}, '{"code": 7}'),
            ({"load": 1, "error": 7}, "7"),
            ({"load": 1, "error": [{"detail": "a"}]}, "a"),
        ],
    )
    def test_an_api_says_where_it_reports_errors(self, ask: Ask, web: Server, document: Any, said: str) -> None:
        found = failure(ask, served(web, document, error_path="$.error"))
        assert str(found) == f"{web.place}: the answer reports an error at $.error: {said}"
        assert found.samples == ()

    @pytest.mark.parametrize("error", [None, False, "", 0, [], {}])
    def test_nothing_there_is_no_error(self, ask: Ask, web: Server, error: Any) -> None:
        assert ask(HttpJson, served(web, {"load": 1, "error": error}, error_path="$.error"))
        assert ask(HttpJson, served(web, {"load": 1}, error_path="$.error"))

    def test_an_error_of_a_later_page_costs_the_rest_only(self, ask: Ask, web: Server) -> None:
        web.replies["/2"] = Reply(b'{"error": "gone"}')
        found = failure(ask, served(web, {"load": 1, "next": "/2"}, error_path="$.error", pages={"next": "$.next"}))
        assert "reports an error at $.error: gone" in str(found)
        assert found.samples == (RawSample("load", 1.0),)

    def test_a_large_answer_reports_them_too(self, ask: Ask, web: Server) -> None:
        document = {"data": None, "errors": [{"message": "too deep"}], "extensions": "x" * 500_000}
        assert str(failure(ask, served(web, document))).endswith("GraphQL reports: too deep")

    def test_secrets_are_masked(self, ask: Ask, web: Server) -> None:
        given = served(
            web, {"error": "unknown key k3y-of-mine"}, error_path="$.error", headers={"X-Key": "k3y-of-mine"}
        )
        assert str(failure(ask, given)).endswith("unknown key [secret]")

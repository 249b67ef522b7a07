"""JSONPath: what is walked by ourselves finds what the library finds, and the library follows RFC 9535."""

from __future__ import annotations

from typing import Any

import jsonpath_rfc9535
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smithd.plugin import BadResponse
from smithd_sources.http_json.json_path import LONGEST, parse_path

KEYS = st.sampled_from(["a", "b", "c d", "ä", "_1", "0", "", "it's", "*"])
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)
STEPS = st.one_of(
    KEYS.filter(str.isidentifier).map(".{}".format),
    KEYS.map('["{}"]'.format),
    KEYS.filter(lambda key: "'" not in key).map("['{}']".format),
    st.integers(-5, 5).map("[{}]".format),
)
PLAIN = st.tuples(st.lists(STEPS, max_size=4).map("".join), st.sampled_from(["", "[*]"])).map("".join).map("${}".format)
TOKENS = [
    ".a",
    ".b",
    "..",
    "['a']",
    '["b"]',
    "[0]",
    "[-1]",
    "[*]",
    ".*",
    "[",
    "]",
    "'",
    '"',
    "\\",
    " ",
    "01",
    "ä",
    ":",
    ",",
]
SCRIBBLES = st.lists(st.sampled_from(TOKENS), max_size=5).map("".join).map("${}".format)


@given(PLAIN, DOCUMENTS)
@example('$["a"][-1][*]', {"a": [0, {"b": 1, "a": None}]})
def test_the_own_walk_finds_what_the_library_finds(text: str, document: Any) -> None:
    path = parse_path(text)
    assert path.plain
    assert path.find(document) == jsonpath_rfc9535.find(text, document).values()


@given(SCRIBBLES, DOCUMENTS)
@example("$..[*]", {"a": [1]})
@example("$[-0]", [1])
@example("$[01]", [1])
@example("$[9007199254740992]", [1])
@example("$.a\n", {"a": 1})
@example("$['\\u0061']", {"a": 1})
def test_a_path_is_one_for_us_where_it_is_one_for_the_library(text: str, document: Any) -> None:
    try:
        expected = jsonpath_rfc9535.find(text, document).values()
    except jsonpath_rfc9535.JSONPathError:
        with pytest.raises(ValueError, match="JSONPath"):
            parse_path(text)
    else:
        assert parse_path(text).find(document) == expected


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("$", [{"jobs": [{"q": "mail", "n": 3}, {"q": "sms", "n": 0, "late": True}], "o": {"j j": {"k.k": 1}}}]),
        ("$.jobs[-1].q", ["sms"]),
        ("$.jobs[0, 1].n", [3, 0]),
        ("$.jobs[::-1].n", [0, 3]),
        ("$.jobs[5]", []),
        ("$..n", [3, 0]),
        ("$.jobs[*]['q', 'n']", ["mail", 3, "sms", 0]),
        ("$.o['j j']['k.k']", [1]),
        ("$.o .*", [{"k.k": 1}]),
        ("$.jobs[?@.late].q", ["sms"]),
        ("$.jobs[?!@.late && @.n >= 3].q", ["mail"]),
        ("$.jobs[?@.q == 'sms' || @.n > 100].n", [0]),
        ("$.jobs[?length(@.q) > 3].n", [3]),
        ("$.jobs[?count(@.*) == 3].q", ["sms"]),
        ("$.jobs[?value(@..n) == 3].q", ["mail"]),
        ("$.jobs[?match(@.q, '[a-m].*')].n", [3]),
        ("$.jobs[?match(@.q, 'ma')].n", []),
        ("$.jobs[?search(@.q, 'ms?')].n", [3, 0]),
        ("$.jobs[?search(@.q, '[')].n", []),
        ("$.jobs[?match(@.n, '3')].n", []),
    ],
)
def test_the_language_is_that_of_rfc_9535(text: str, found: list[Any]) -> None:
    document = {"jobs": [{"q": "mail", "n": 3}, {"q": "sms", "n": 0, "late": True}], "o": {"j j": {"k.k": 1}}}
    assert parse_path(text).find(document) == found


def test_a_dot_of_a_regular_expression_is_no_end_of_line() -> None:
    path = parse_path(r"$[?match(@, 'a.\\.[.]')]")
    assert path.find(["ab..", "a\n..", "abx.", "ab.x", "a\u2028.."]) == ["ab..", "a\u2028.."]


@pytest.mark.parametrize("function", ["match", "search"])
def test_regular_expressions_meet_short_texts_only(function: str) -> None:
    path = parse_path(f"$[?{function}(@, 'a*')]")
    assert path.find(["a" * LONGEST]) == ["a" * LONGEST]
    with pytest.raises(BadResponse, match=f"more than {LONGEST} characters"):
        path.find(["a" * (LONGEST + 1)])


def test_descending_without_end_is_given_up() -> None:
    document: Any = 1
    for _ in range(500):
        document = [document]
    with pytest.raises(BadResponse, match=r"\$\.\.a cannot be followed in this answer: recursion limit exceeded"):
        parse_path("$..a").find(document)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "expected a JSONPath, which starts with \\$"),
        ("", "expected a JSONPath, which starts with \\$"),
        ("orders.today", "expected a JSONPath, which starts with \\$"),
        ("$orders", "found 'o', at character 2"),
        ("$.a[", "unbalanced brackets, at character 5"),
        ("$.a[?@.b = 1]", "at character 10"),
        ("$.a[?same(@.b)]", "function 'same' is not defined"),
        ("$[?" + "(" * 5000 + "@.a", "this is no JSONPath"),
        ("$[?" + "!" * 50_000 + "@.a]", "this is no JSONPath"),
    ],
)
def test_what_is_wrong_with_a_path_is_said(text: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_path(text)


@pytest.mark.parametrize("text", ["$.jobs.length()", "$.jobs[*].size()", "$.jobs.count()"])
def test_what_other_languages_count_with_is_explained(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"this is no JSONPath: .*; to count: \{path: '\$\.jobs\[\*\]', count: true\}$"
    ):
        parse_path(text)


@pytest.mark.parametrize("text", ["length($.jobs)", "count($.jobs[*])"])
def test_a_function_that_counts_is_explained(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected a JSONPath, .*; to count: \{path: '\$\.jobs\[\*\]', count"):
        parse_path(text)


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("$.jobs", None),
        ("$.jobs[*]", "$.jobs"),
        ("$['jobs'][0].*", "$['jobs'][0]"),
        ("$.jobs[?@.late]", "$.jobs"),
        ("$.jobs[1:].id", "$.jobs"),
        ("$.jobs[*].steps[*]", "$.jobs"),
        ("$..id", "$"),
        ("$[?@.late]", "$"),
    ],
)
def test_what_a_path_selects_from(text: str, base: str | None) -> None:
    found = parse_path(text).base
    assert (found and str(found)) == base

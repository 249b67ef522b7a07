"""Patterns for labels: Python's engine is the authority on what matches, and no pattern takes long."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smithd.expression.pattern import PatternError, compile_pattern

ATOMS = st.sampled_from(
    ["a", "b", "1", ".", r"\d", r"\w", r"\S", r"\.", r"\-", "[ab]", "[^a]", "[a-z1]", r"[\d_-]", "[]a]", "[^]]", " "]
)
REPEATED = st.sampled_from(["", "*", "+", "?", "*?", "{2}", "{1,}", "{0,2}", "{1,3}?"])


def composed(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    group = st.builds("{}{}){}".format, st.sampled_from(["(", "(?:"]), inner, REPEATED)
    part = st.builds("{}{}".format, ATOMS, REPEATED) | group
    sequence = st.lists(part, max_size=4).map("".join)
    return st.lists(sequence, min_size=1, max_size=3).map("|".join)


PATTERNS = st.recursive(ATOMS, composed, max_leaves=6)


@given(PATTERNS, st.booleans(), st.lists(st.text("abA1_.-] é\n", max_size=6), min_size=1, max_size=5))
def test_what_matches_is_what_python_matches(pattern: str, any_case: bool, texts: list[str]) -> None:
    matches = compile_pattern("(?i)" * any_case + pattern)
    flags = re.ASCII | re.DOTALL | (re.IGNORECASE if any_case else 0)
    for text in texts:
        assert matches(text) is (re.fullmatch(pattern, text, flags) is not None)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("(a*)*b", "a" * 256), ("(a|a)*b", "a" * 256), ("(.*.*.*.*)*x", "y" * 256), ("(a?){100}a{100}", "a" * 99)],
)
def test_a_pattern_that_makes_others_hang_answers(pattern: str, text: str) -> None:
    assert compile_pattern(pattern)(text) is False


@pytest.mark.parametrize("pattern", ["^web.*$", "^a|b$", "web.*", "(?i)WEB-[0-9]+"])
def test_a_pattern_is_anchored_anyway(pattern: str) -> None:
    assert compile_pattern(pattern)("web-12") is not pattern.endswith("b$")
    assert compile_pattern(pattern)("my-web-12") is False


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        ("a)", r"unexpected \)"),
        ("(a", r"missing \)"),
        ("[a", r"missing \]"),
        ("[b-a]", "invalid character class range"),
        ("a**", "bad repetition operator"),
        ("*a", "no argument for repetition operator"),
        ("a{3,2}", "invalid repetition size"),
        ("a\\", "trailing"),
        (r"\y", "invalid escape sequence"),
        ("a{1001}", "invalid repetition size"),
        ("((a{100}){100}){100}", "repetition"),
        ("\ud800", "no encoding knows"),
    ],
)
def test_a_pattern_that_cannot_be_used_says_why(pattern: str, what: str) -> None:
    with pytest.raises(PatternError, match=what):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [(r"web\b.*", "web-1"), ("[[:alpha:]]+", "web"), ("(?P<host>web)-1", "web-1"), (r"\p{L}+", "é")],
)
def test_what_prometheus_takes_is_taken(pattern: str, text: str) -> None:
    assert compile_pattern(pattern)(text)


@given(st.text("ab()[]{}*+?|^$.\\-12,:i", max_size=30), st.text("ab12", max_size=5))
def test_any_text_is_a_pattern_or_an_error(pattern: str, text: str) -> None:
    try:
        matches = compile_pattern(pattern)
    except PatternError:
        return
    assert matches(text) in (True, False)

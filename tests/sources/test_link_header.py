"""Where the header Link (RFC 8288) says that the next page is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smithd_sources.http_json.link_header import next_link


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ("", None),
        ("</2>; rel=next", "/2"),
        ('</2>; rel="next"', "/2"),
        ("</2>;REL=Next", "/2"),
        ('</2> ; rel = "next" ', "/2"),
        ('</2>; rel="last next"', "/2"),
        ('</2>; rel="nextish"', None),
        ('</2>; rel="prev"; rel="next"', None),  # the first one counts
        ('</2>; rev="next"', None),
        ('</2>; title="rel=next"', None),
        ('</1>; rel="first", </2>; rel="next"', "/2"),
        ('</2>; title="a, b"; rel="next"', "/2"),
        ('</1>; title="a, </x>; rel=next", </2>; rel="next"', "/2"),
        (r'</1>; title="a\"; rel=next", </2>; rel="next"', "/2"),
        ("<https://x.example/?a=1,2;b=3>; rel=next", "https://x.example/?a=1,2;b=3"),
        ("</1>; rel=\"prev\",</2>; title*=UTF-8''a%2c; rel=next", "/2"),
        ('</2>; title="unclosed; rel=next', None),
        ("</2", None),
        ("rel=next", None),
    ],
)
def test_the_next_page(header: str, target: str | None) -> None:
    assert next_link(header) == target


@given(st.text(alphabet='<>;,="\\ relnxt', max_size=60))
def test_anything_else_is_none_or_a_target(header: str) -> None:
    target = next_link(header)
    assert target is None or target in header


@pytest.mark.parametrize(
    "part", ["<", "<a>", ';rel="', "<a>;rel=" + " " * 500, '"\\', '<a>;rel="\\"', ",<a>;;==", "=a\\"]
)
def test_a_hostile_header_is_read_in_one_go(part: str) -> None:
    """Where the time grew with the square of the length, this test would never end."""
    assert next_link("<x>" + part * (1_000_000 // len(part))) is None

"""Silences: matchers as in Alertmanager, and what they cover."""

from __future__ import annotations

import pytest

from smithd.notify.silence import Silence, parse_matchers

ALERT = {"rule": "busy", "severity": "warning", "instance": "web-1", "note": 'a "b", c\\'}


@pytest.mark.parametrize(
    ("text", "covers"),
    [
        ("rule=busy", True),
        ("rule=bus", False),
        ("rule!=busy", False),
        ('instance=~"web.*"', True),
        ("instance=~web", False),
        ("instance=~'web-[0-9]+', severity!=critical", True),
        ("rule=busy severity=critical", False),
        ('{rule="busy", instance!~"db.*"}', True),
        ('note="a \\"b\\", c\\\\"', True),
        ("rule=busy, datacenter=''", True),
        ("rule=busy, datacenter!=''", False),
        ("severity!=critical", True),
    ],
)
def test_every_matcher_must_be_met(text: str, covers: bool) -> None:
    matchers = parse_matchers(text)
    silence = Silence(1, matchers, "", "ann", 0.0, 100.0)
    assert silence.covers(ALERT, 50.0) is covers
    assert Silence(1, parse_matchers(silence.text), "", "ann", 0.0, 100.0).covers(ALERT, 50.0) is covers


def test_a_silence_covers_up_to_its_end_also_where_the_clock_was_set_back_to_before_its_start() -> None:
    silence = Silence(1, parse_matchers("rule=busy"), "", "ann", 10.0, 20.0)
    assert [silence.covers(ALERT, now) for now in (9.9, 10.0, 19.9, 20.0)] == [True, True, True, False]


@pytest.mark.parametrize(
    "text", ["", "busy", "=busy", "rule==busy", "rule=a b c", "rule=~(", 'rule="a', "a=~a{1,2}", "a=~.*"]
)
def test_what_is_no_matcher_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"matcher|regular expression"):
        parse_matchers(text)


def test_a_pattern_that_would_take_for_ever_elsewhere_does_not() -> None:
    (matcher,) = parse_matchers('instance=~"(a+)+b"')
    assert not matcher.matches({"instance": "a" * 5000})

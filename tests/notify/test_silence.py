"""Silences: matchers as in Alertmanager, and what they match."""

from __future__ import annotations

import pytest

from smithd.notify.matcher import parse_matchers
from smithd.notify.silence import Silence, Silences, add_silence, expire_silence

ALERT = {"rule": "busy", "severity": "warning", "instance": "web-1", "note": 'a "b", c\\'}


@pytest.mark.parametrize(
    ("text", "matches"),
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
def test_every_matcher_must_be_met(text: str, matches: bool) -> None:
    matchers = parse_matchers(text)
    silence = Silence(1, matchers, "", "ann", 0.0, 100.0)
    assert silence.matches(ALERT, 50.0) is matches
    assert Silence(1, parse_matchers(silence.text), "", "ann", 0.0, 100.0).matches(ALERT, 50.0) is matches


def test_a_silence_lasts_up_to_its_end_also_where_the_clock_was_set_back_to_before_its_start() -> None:
    silence = Silence(1, parse_matchers("rule=busy"), "", "ann", 10.0, 20.0)
    assert [silence.matches(ALERT, now) for now in (9.9, 10.0, 19.9, 20.0)] == [True, True, True, False]


@pytest.mark.parametrize(
    "text", ["", "busy", "=busy", "rule==busy", "rule=a b c", "rule=~(", 'rule="a', "a=~a{1,2}", "a=~.*"]
)
def test_what_is_no_matcher_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"matcher|regular expression"):
        parse_matchers(text)


def test_a_pattern_that_would_take_for_ever_elsewhere_does_not() -> None:
    (matcher,) = parse_matchers('instance=~"(a+)+b"')
    assert not matcher.matches({"instance": "a" * 5000})


def test_a_silence_is_added_and_ended_without_changing_what_was_there() -> None:
    none = Silences()
    one, first = add_silence(none, "rule=busy", 60, "moving", "ann", ["busy"], 10.0)
    two, second = add_silence(one, "severity!=critical", 60, "", "ann", ["busy"], 20.0)
    assert (none.active(20.0), one.active(20.0), two.active(20.0)) == ([], [first], [first, second])
    ended, expired = expire_silence(two, second.id, 30.0)
    assert (ended.active(30.0), expired.ends) == ([first], 30.0)
    with pytest.raises(ValueError, match="there is no silence 2; 'smithd silence list'"):
        expire_silence(ended, second.id, 30.0)


def test_an_id_is_not_given_again_when_its_silence_has_ended() -> None:
    silences, first = add_silence(Silences(), "rule=busy", 60, "", "ann", ["busy"], 0.0)
    silences, _ = expire_silence(silences, first.id, 1.0)
    silences, second = add_silence(silences, "rule=busy", 60, "", "ann", ["busy"], 2.0)
    assert (first.id, second.id) == (1, 2)
    assert list(silences.by_id) == [2]


@pytest.mark.parametrize(
    ("matchers", "seconds", "said"),
    [
        ("rule=bussy", 60, "there is no rule 'bussy'; did you mean 'busy'?"),
        ("rule=other", 60, "there is no rule 'other'$"),
        ("rule=busy", 0, "needs a length of time"),
        ("rule=busy", float("inf"), "needs a length of time"),
        ("rule=busy", 1e308, "at most ten years"),
        ("", 60, "needs a matcher"),
    ],
)
def test_a_silence_that_makes_no_sense_is_refused(matchers: str, seconds: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        add_silence(Silences(), matchers, seconds, "", "ann", ["busy"], 0.0)

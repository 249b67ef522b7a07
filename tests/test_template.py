"""Texts: what the filters write, and what a template may not do."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smithd.formatting import plain
from smithd.locales import ENGLISH, filters, fitted, known_locale
from smithd.template import AnyLabels, compile_text

NAMES = {"value": 1234.5, "labels": AnyLabels(), "age": 30.0}


@pytest.mark.parametrize(
    ("template", "value", "text"),
    [
        ("{{ value | number }}", 1234.5, "1,234.5"),
        ("{{ value | number }}", 1234.0, "1,234"),
        ("{{ value | number(1) }}", 0.04, "0.04"),
        ("{{ value | number(1) }}", -0.0, "0.0"),
        ("{{ value | number(2) }}", -0.004, "-0.004"),
        ("{{ value | number(20) }}", 0.5, "0.50000000000000000000"),
        ("{{ value | number }}", 1e308, "1e308"),
        ("{{ value | number(2) }}", -1.5e300, "-1.5e300"),
        ("{{ value | number }}", 5e-324, "4.941e-324"),
        ("{{ value | number }}", 9007199254740993.0, "9,007,199,254,740,992"),
        ("{{ value | number }}", float("nan"), "unknown"),
        ("{{ value * 10 }}", 1e308, "∞"),
        ("{{ value | number }}", -0.0, "0"),
        ("{{ value | number }}", 0.0036, "0.0036"),
        ("{{ value | number }}", 5.001, "5.001"),
        ("{{ value | number }}", 1234.5678, "1,234.57"),
        ("{{ value | percent }}", 12.5, "12.5%"),
        ("{{ value | percent }}", 99.0, "99%"),
        ("{{ value | percent(sign=true) }}", 3, "+3%"),
        ("{{ value | percent(2) }}", -1.239, "-1.24%"),
        ("{{ value | percent }}", 0.0004, "0.0004%"),
        ("{{ value | percent }}", -0.0312, "-0.0312%"),
        ("{{ value | percent(sign=true) }}", 1e-9, "+0.000000001%"),
        ("{{ value | percent }}", 0.06, "0.1%"),
        ("{{ value | percent }}", 0, "0%"),
        ("{{ value | percent(1) }}", 0.0004, "0.0004%"),
        ("{{ value | percent(0) }}", -0.2, "-0.2%"),
        ("{{ value | percent }}", float("nan"), "unknown"),
        ("{{ value | percent }}", float("inf"), "∞%"),
        ("{{ value | number(1) }}", float("-inf"), "-∞"),
        ("{{ value | duration }}", 0.0004, "0.4ms"),
        ("{{ value | duration }}", float("inf"), "∞"),
        ("{{ value | money }}", 19.9, "$19.90"),
        ("{{ value | money('EUR') }}", 12345.6, "€12,346"),
        ("{{ value | money }}", -0.0004, "-$0.0004"),
        ("{{ value | money }}", 0.0, "$0.00"),
        ("{{ value | money('EUR', 0) }}", 1e300, "€1e300"),
        ("{{ value | money }}", float("-inf"), "-$∞"),
        ("{{ value | money }}", float("nan"), "unknown"),
        ("{{ value | money('JPY') }}", 500, "¥500"),
        ("{{ value | money('SEK') }}", -5, "-SEK 5.00"),
        ("{{ value | duration }}", 0.25, "250ms"),
        ("{{ value | duration }}", 42, "42s"),
        ("{{ value | duration }}", 1020, "17m"),
        ("{{ value | duration }}", 7500, "2h 5m"),
        ("{{ value | duration }}", 3 * 86400, "3d"),
        ("{{ value | duration }}", 12345 * 86400 + 3600, "12,345d 1h"),
        ("{{ value | bytes }}", 999, "999 B"),
        ("{{ value | bytes }}", 1536, "1.5 kB"),
        ("{{ value | bytes }}", 2e9, "2 GB"),
        ("{{ value | bytes }}", 0.4, "0.4 B"),
        ("{{ value | bytes }}", 1e300, "1e285 PB"),
        ("{{ value | bytes }}", float("inf"), "∞"),
        ("{{ value | duration }}", 1e300, "1.157e295d"),
        ("{{ 'up' if value > 0 else 'down' }} {{ labels.host }}", 1, "up a"),
    ],
)
def test_what_a_template_writes(template: str, value: float, text: str) -> None:
    assert compile_text(template, NAMES).render({"value": value, "labels": {"host": "a"}, "age": 1}) == text


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{ valu }}", "did you mean 'value'"),
        ("{{ value", "end of"),
        ("{{ value | nmber }}", "filters of our own"),
        ("{{ value | number('x') }}", "does not work"),
        ("{{ value.__class__ }}", "unsafe"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ 'x' * 10000000000 }}", "numbers of a sensible size"),
        ("{{ 9 ** 999999999 }}", "numbers of a sensible size"),
        ("{{ '%0999999999d' % 1 }}", "numbers of a sensible size"),
        ("{% include 'x' %}", "only .* are known"),
        ("{% set x = 'y' %}{{ x }}", "only .* are known"),
        ("{{ 'x' | center(999999999) }}", "No filter named 'center'"),
        ("{{ range(9) }}", "unknown name 'range'"),
        ("{{ 1 / 0 }}", "does not work"),
        ("{{ value | number(400) }}", "expected from 0 to 20 decimals, not 400"),
        ("{{ value | number(-1) }}", "expected from 0 to 20 decimals, not -1"),
        ("{{ value | money(0) }}", "expected a currency first"),
    ],
)
def test_a_template_that_cannot_work_is_refused_at_check_time(template: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        compile_text(template, NAMES)


def test_a_template_that_fails_later_gives_an_empty_text() -> None:
    text = compile_text("{{ labels.host }}", NAMES)
    assert text.render({"value": 1, "labels": {}, "age": 1}) == ""


@given(
    st.sampled_from(sorted(filters(ENGLISH))),
    st.sampled_from(["en", "de", "fr", "ar", "hi", "sv"]),
    st.floats(allow_nan=False) | st.integers(),
)
def test_every_filter_takes_every_number_in_every_language(name: str, locale: str, value: float) -> None:
    shown = filters(locale)[name](value)
    assert shown.strip() == shown
    assert shown


@pytest.mark.parametrize(
    ("locale", "template", "value", "text"),
    [
        ("de", "{{ value | number }}", 1234567.5, "1.234.567,5"),
        ("de", "{{ value | number(2) }}", -3, "-3,00"),
        ("de", "{{ value | percent }}", 12.5, "12,5 %"),
        ("de", "{{ value | percent(sign=true) }}", 3, "+3 %"),
        ("de", "{{ value | money('EUR') }}", 1234.5, "1.234,50 €"),
        ("de", "{{ value | money('EUR') }}", -12345.6, "-12.346 €"),
        ("de", "{{ value | duration }}", 7500, "2 Std. 5 Min."),
        ("de", "{{ value | duration }}", 0.25, "250 ms"),
        ("de", "{{ value | duration }}", 1.5, "1,5 Sek."),
        ("de", "{{ value | bytes }}", 1536, "1,5 kB"),
        ("de_CH", "{{ value | number }}", 1234567.5, "1'234'567.5"),
        ("it_CH", "{{ value | money('JPY') }}", 123456789012, "JPY 123'456'789'012"),
        ("de_CH", "{{ value | duration }}", 86400 * 1234567, "1'234'567 Tg."),
        ("de", "{{ value | number }}", float("inf"), "∞"),
        ("fr", "{{ value | number }}", 1234567.5, "1 234 567,5"),
        ("fr", "{{ value | money('USD') }}", 19.9, "19,90 $US"),
        ("hi", "{{ value | number }}", 1234567.5, "12,34,567.5"),
        ("ja", "{{ value | money('JPY') }}", 500, "￥500"),
        ("pt_BR", "{{ value | money('BRL') }}", 1234.5, "R$ 1.234,50"),
        ("pl", "{{ value | duration }}", 3 * 86400, "3 dni"),
        ("en_GB", "{{ value | duration }}", 7500, "2h 5m"),
        ("en_GB", "{{ value | money('GBP') }}", 1234.5, "£1,234.50"),
    ],
)
def test_what_a_template_writes_in_other_languages(locale: str, template: str, value: float, text: str) -> None:
    shown = compile_text(template, NAMES, locale).render({"value": value})
    # Where a language has a space within a number, it is one that does not break the line.
    assert re.sub(r"[\u00a0\u202f]", " ", shown) == text


def test_a_locale_is_known_by_either_spelling_and_a_wrong_one_has_a_suggestion() -> None:
    assert (known_locale("pt-BR"), known_locale("pt_br"), known_locale("de")) == ("pt_BR", "pt_BR", "de")
    with pytest.raises(ValueError, match="there is no locale 'xx'"):
        known_locale("xx")
    with pytest.raises(ValueError, match="there is no locale ''"):
        known_locale("")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.1 + 0.2, "0.3"),
        (-0.0, "0"),
        (3.0, "3"),
        (-2.5, "-2.5"),
        (1 / 3, "0.333333333"),
        (1234.5, "1234.5"),
        (99.99999999999, "100"),
        (1e15 + 0.3, "1000000000000000.2"),
        (123456789.12, "123456789.12"),
        (0.00012345678, "0.000123457"),
        (1.5e-7, "1.5e-07"),
        (5e-324, "5e-324"),
        (1e300, "1e+300"),
        (12345678901234, "12345678901234"),
    ],
)
def test_a_number_is_sent_as_its_shortest_decimal(value: float, written: str) -> None:
    assert json.dumps(plain(value)) == written


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_that_is_sent_is_near_its_value_and_sent_again_as_it_is(value: float) -> None:
    shown = plain(value)
    assert abs(shown - value) <= max(1e-9, abs(value) * 1e-15)
    assert plain(shown) == shown
    assert not json.dumps(shown).startswith("-0.0 ")


def test_a_text_has_no_control_characters_and_no_changes_of_direction() -> None:
    text = compile_text("{{ labels.host }}", NAMES)
    assert text.render({"labels": {"host": "\x1b[1m\u202eab\u202c\x9fc\td\ne\x00\u2028f\u2029"}}) == "[1mabc d\ne f"


@pytest.mark.parametrize(
    ("template", "value", "width", "text", "locale"),
    [
        ("{{ value | number(3) }}", 1234.567, 9, "1,234.567", "en"),
        ("{{ value | number(3) }}", 1234.567, 8, "1,234.57", "en"),
        ("{{ value | number }}", 1234.5, 6, "1,234", "en"),
        ("{{ value | number }}", 1234567.8, 11, "1,234,567.8", "en"),
        ("{{ value | number }}", 1234567.8, 8, "1.23M", "en"),
        ("{{ value | number }}", 12345, 5, "12.3k", "en"),
        ("{{ value | number }}", 4.5e9, 5, "4.5B", "en"),
        ("{{ value | number }}", 999_999, 5, "1M", "en"),
        ("{{ value | number }}", 1.2e20, 8, "1.2e20", "en"),
        ("{{ value | number }}", -1234567, 6, "-1.23M", "en"),
        ("{{ value | number(2) }}", 0.004, 3, "0.004", "en"),
        ("{{ value | money('EUR') }}", 1234567.8, 8, "€1.23M", "en"),
        ("{{ value | percent(2) }}", 12.345, 5, "12.3%", "en"),
        ("{{ value | bytes }}", 1536.0, 4, "2 kB", "en"),
        ("{{ value | number }}", 1234567.8, 8, "1,23M", "de"),
        ("{{ value | money('EUR') }}", 1234567.8, 9, "1,23M €", "de"),
        # What is written beside the number is cut by the phone; the number is not.
        ("{{ value | number }} orders today", 1234567.8, 9, "1.23M orders today", "en"),
        ("{{ value | number }} orders", 12.5, 8, "12.5 orders", "en"),
        ("Orders today: {{ value | number }}", 1234567.8, 9, "Orders today: 1,234,567.8", "en"),
    ],
)
def test_a_number_that_is_too_long_loses_decimals_and_then_becomes_short(
    template: str, value: float, width: int, text: str, locale: str
) -> None:
    shown = compile_text(template, NAMES, locale).fitted({"value": value}, width)
    assert re.sub(r"[\u00a0\u202f]", " ", shown) == text


@given(st.floats(-1e14, 1e14).filter(lambda value: value == 0 or abs(value) >= 0.01), st.sampled_from(["en", "de"]))
def test_every_number_of_a_usual_size_fits_into_six_characters(value: float, locale: str) -> None:
    assert len(compile_text("{{ value | number }}", NAMES, locale).fitted({"value": value}, 6)) <= 6
    assert len(fitted(value, 6)) <= 6

"""Secrets are masked in every text: whole, cut, and in the forms in which they are sent and shown."""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from timeit import repeat
from urllib.parse import quote, quote_plus

import pytest

from smithd.redactor import NOT_SHOWN, Redactor, quoted


def test_a_secret_is_masked_whole_and_where_it_was_cut() -> None:
    redactor = Redactor()
    redactor.add("hunter2-and-more")
    redactor.add("x")
    assert redactor.clean("Bearer hunter2-and-more, x") == "Bearer [secret], x"
    assert redactor.clean("Bearer hunter2-an…") == "Bearer [secret]…"
    assert redactor.clean("hunting…") == "hunting…"
    assert redactor.clean("hunter2-an…; hunter2…; hunt…") == "[secret]…; [secret]…; [secret]…"
    assert redactor.clean("bytearray(b'hunter2-an...')") == "bytearray(b'[secret]...')"


def _lower(text: str) -> str:
    """Percent-encoded with small letters, as some servers do."""
    return re.sub("%..", lambda octet: octet[0].lower(), quote(text, safe=""))


def _units(text: str) -> str:
    return "\\u" + text.encode("utf-16-be").hex("u", 2).replace("u", "\\u")


FORMS: dict[str, Callable[[str], str]] = {
    "JSON": json.dumps,
    "JSON with escaped slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "JSON safe for HTML": lambda text: json.dumps(text).replace("&", "\\u0026").replace("/", "\\u002F"),
    "all of it in JSON escapes": _units,
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)[1:-1]),
    "octets of Python": lambda text: repr(text.encode())[2:-1],
    "address": quote,
    "all of it in an address": lambda text: "".join(f"%{octet:02X}" for octet in text.encode()),
    "address in small letters": _lower,
    "address, twice": lambda text: quote(quote(text, safe=""), safe=""),
    "address, thrice and in small letters": lambda text: _lower(_lower(_lower(text))),
    "form": quote_plus,
    "HTML": html.escape,
    "decimal entities": lambda text: "".join(f"&#{ord(letter)};" for letter in text),
    "hexadecimal entities": lambda text: "".join(f"&#X{ord(letter):X};" for letter in text),
    "entities without semicolons": lambda text: "".join(f"&#{ord(letter)}" for letter in text),
    "entities with zeros": lambda text: "".join(f"&#{ord(letter):09};" for letter in text),
    "HTML, twice": lambda text: html.escape(html.escape(text)),
    "JSON in HTML": lambda text: html.escape(json.dumps(text)[1:-1]),
    "base64": lambda text: b64encode(text.encode()).decode(),
    "base64 in an address": lambda text: quote(b64encode(text.encode()).decode().rstrip("="), safe=""),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", ['p/"w &=ä', "𝕡w\\t%41&amp;x", "sk_live_4eC39HqLyjWDarjtT1zdp7dc"])
def test_it_is_known_in_the_forms_in_which_it_is_sent_and_shown(form: str, secret: str) -> None:
    taught, redactor = Redactor(), Redactor()
    taught.add(secret)
    redactor.learn(taught)
    assert redactor.clean(f"<{FORMS[form](secret).strip('=').strip(chr(34))}>") == "<[secret]>"


@pytest.mark.parametrize("user", ["", "a", "me", "bob", "jane"])
@pytest.mark.parametrize("behind", ["", "/", "@h"])
def test_it_is_known_within_base64(user: str, behind: str) -> None:
    secret, redactor = "hunter2?>-and", Redactor()
    redactor.add(secret)
    for encode in (b64encode, urlsafe_b64encode):
        encoded = encode(f"{user}:{secret}{behind}".encode()).decode()
        cleaned = redactor.clean(f"Basic {encoded}")
        assert cleaned.count("[secret]") == 1
        # The characters at its edges may be made of a part of it.
        assert len(cleaned) <= len("Basic [secret]") + 4 * (len(user) + 3) // 3 + 4 * (len(behind) + 2) // 3 + 2


def test_an_escaped_secret_is_masked_where_it_was_cut() -> None:
    redactor = Redactor()
    redactor.add("hunter/&more")
    assert redactor.clean("?key=hunter%2F%26mo…") == "?key=[secret]…"
    assert redactor.clean("?key=hunter%2F%2...") == "?key=[secret]..."
    assert redactor.clean("hunter/&am…") == "[secret]…"


@pytest.mark.parametrize("form", [str, json.dumps, quote, quote_plus, html.escape, FORMS["base64"]])
@pytest.mark.parametrize("secret", ["abc", "postgres", "pass word", "a b"])
def test_what_others_said_is_not_shown_where_it_repeats_a_short_or_ordinary_secret(
    form: Callable[[str], str], secret: str
) -> None:
    redactor = Redactor([secret])
    assert redactor.clean(f"it says {quoted(f'q={form(secret)}&n=1')}") == f"it says {NOT_SHOWN}"
    assert redactor.clean(f"it says {secret}") == f"it says {secret}"


def test_a_secret_in_capitals_or_without_any_is_masked_unless_it_is_a_word_then() -> None:
    redactor = Redactor(["ask_Sound0x1", "kLmNoPqRs"])
    assert redactor.clean("no ASK_SOUND0X1 and no ask_sound0x1") == "no [secret] and no [secret]"
    assert redactor.clean("KLMNOPQRS klmnopqrs kLmNoPqRs") == "KLMNOPQRS klmnopqrs [secret]"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql+psycopg://ann_x7@host/db", "postgresql+psycopg://ann_x7@host/db"),
        ("postgres://ann_x7@host/db?password=hidden_1", "postgres://ann_x7@host/db?password=[secret]"),
        ("postgresql://ann:hidden_1@host/db", "postgresql://[secret]@host/db"),
        ("postgresql://ann%3Ahidden_1@host/db", "postgresql://[secret]@host/db"),
        ("https://hidden_1@host/db", "https://[secret]@host/db"),
        ("https://hidden_1@mysql://x", "https://[secret]@mysql://x"),
    ],
)
def test_a_user_alone_is_shown_of_a_database_and_of_nothing_else(address: str, shown: str) -> None:
    assert Redactor().clean(address) == shown
    assert Redactor([address]).clean(f"{address} ann_x7 hidden_1").startswith(shown)


def test_overlapping_secrets_leave_nothing() -> None:
    redactor = Redactor()
    for secret in ("ab1cdef", "1cdefghi", "b1cdef!"):
        redactor.add(secret)
    assert redactor.clean("-ab1cdefghi-ab1cdef-b1cdef!-") == "-[secret]-[secret]-[secret]-"


def test_other_texts_stay_as_they_are() -> None:
    redactor = Redactor()
    redactor.add("hunter2")
    for text in ("", "50 %", "a\\b", "&amp; &", "100%2 hunter", "C:\\users\\x", "%zz", "é%C3"):
        assert redactor.clean(text) == text


def test_the_cost_does_not_grow_with_the_number_of_secrets() -> None:
    few, many = Redactor(), Redactor()
    for number in range(20_000):
        (few if number < 20 else many).add(f"k{number:05d}-key")
    text = "the host web-1 does not answer: connection refused " * 20

    def seconds(redactor: Redactor) -> float:
        return min(repeat(lambda: redactor.clean(text), number=10, repeat=5))

    assert seconds(many) < 20 * seconds(few)

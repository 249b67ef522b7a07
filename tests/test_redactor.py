"""Secrets are masked in every text: whole, cut, and in the forms in which they are sent and shown."""

from __future__ import annotations

import html
import json
from base64 import b64encode
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from smithd.redactor import Redactor


def test_a_secret_is_masked_whole_and_where_it_was_cut() -> None:
    redactor = Redactor()
    redactor.add("hunter2-and-more")
    redactor.add("x")
    assert redactor.clean("Bearer hunter2-and-more, x") == "Bearer [secret], x"
    assert redactor.clean("Bearer hunter2-an…") == "Bearer [secret]…"
    assert redactor.clean("hunting…") == "hunting…"
    assert redactor.clean("hunter2-an…; hunter2…; hunt…") == "[secret]…; [secret]…; [secret]…"
    assert redactor.clean("bytearray(b'hunter2-an...')") == "bytearray(b'[secret]...')"


@pytest.mark.parametrize(
    "form", [json.dumps, quote, quote_plus, html.escape, lambda text: b64encode(text.encode()).decode()]
)
def test_it_is_known_in_the_forms_in_which_it_is_sent_and_shown(form: Callable[[str], str]) -> None:
    secret, taught, redactor = 'p/"w &=ä', Redactor(), Redactor()
    taught.add(secret)
    redactor.learn(taught)
    assert redactor.clean(form(secret).strip('"=')) == "[secret]"

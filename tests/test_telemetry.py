"""Secrets: whatever is said, they are taken out of it."""

from __future__ import annotations

from smithd.telemetry import Redactor


def test_a_secret_is_taken_out_whole_and_where_it_was_cut() -> None:
    redactor = Redactor()
    redactor.add("hunter2-and-more")
    redactor.add("x")
    assert redactor.clean("Bearer hunter2-and-more, x") == "Bearer [secret], x"
    assert redactor.clean("Bearer hunter2-an…") == "Bearer [secret]…"
    assert redactor.clean("hunting…") == "hunting…"
    assert redactor.clean("hunter2-an…; hunter2…; hunt…") == "[secret]…; [secret]…; [secret]…"
    assert redactor.clean("bytearray(b'hunter2-an...')") == "bytearray(b'[secret]...')"

"""The demo's terminal: one aligned line for each thing that happens."""

from __future__ import annotations

import io

import pytest

from smithd.demo.watch import ShopAnnouncement, Watch
from smithd.events import AlertChanged, Event, Polled, PollFailed, SendAccepted, SendDropped, Started
from smithd.keys import DEFAULT_ACCOUNT, PushKey, WidgetKey
from smithd.redactor import Redactor


def _lines(*facts: Event, color: bool | None = None) -> list[str]:
    out, redactor = io.StringIO(), Redactor()
    redactor.add("hunter2")
    watch = Watch(lambda: 12.34, redactor, out, color)
    for event in facts:
        watch(event)
    return out.getvalue().splitlines()


def test_each_thing_that_happens_is_one_line() -> None:
    lines = _lines(
        Started("0.1", 2, 3),
        AlertChanged("errors", '{warehouse="Lyon"}', "fired", "critical", "9 is above 8"),
        SendAccepted(WidgetKey(DEFAULT_ACCOUNT, "shop.orders"), "updated", "213"),
        SendAccepted(PushKey(DEFAULT_ACCOUNT, "errors", 1700000000.123, 1), "sent", "Errors at 9 %"),
        ShopAnnouncement("a bad deploy"),
        PollFailed("shop", "two\nlines with hunter2", 2, 4.0),
        SendDropped(WidgetKey(DEFAULT_ACCOUNT, "x"), "not found"),
    )
    assert lines == [
        "   12.3 s  · smithd    smithd 0.1 runs; sources: 2, rules: 3",
        '   12.3 s  ▲ rule      errors{warehouse="Lyon"} fired: 9 is above 8',
        "   12.3 s  ▪ widget    shop.orders updated: 213",
        "   12.3 s  ● alert     errors sent: Errors at 9 %",
        "   12.3 s  ❋ shop      a bad deploy",
        "   12.3 s  ! trouble   shop: poll failed (2 in a row): two lines with [secret]; next try in 4 s",
        "   12.3 s  ✗ error     widget x: not sent: not found",
    ]


def test_what_is_of_no_interest_makes_no_line() -> None:
    assert _lines(Polled("shop", 3, 0.1, "http_json")) == []


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colors_are_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def written(out: io.StringIO) -> str:
        Watch(lambda: 0.0, Redactor(), out)(ShopAnnouncement("news"))
        return out.getvalue()

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[" in written(_Terminal())
    assert "\x1b[" not in written(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in written(_Terminal())

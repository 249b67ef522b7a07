"""What just happened is a short list: alerts stay readable among many routine updates, secrets never show."""

from __future__ import annotations

from fakes import FakeClock
from smithd.events import AlertChanged, Polled, PollFailed, SendAccepted
from smithd.keys import DEFAULT_ACCOUNT, PushKey, WidgetKey
from smithd.redactor import Redactor
from smithd.web.recent import Recent


def _recent(size: int = 12) -> Recent:
    return Recent(FakeClock(), Redactor(), size)


def test_routine_updates_of_one_thing_take_one_line() -> None:
    recent = _recent()
    recent(AlertChanged("errors", "", "fired", "critical", "9 is above 8"))
    for value in range(100):
        recent(SendAccepted(WidgetKey(DEFAULT_ACCOUNT, "shop.orders"), "updated", str(value)))
    texts = [line.text for line in recent.lines()]
    assert len(texts) == 2
    assert texts[1].endswith(": 99")


def test_every_push_has_its_own_line() -> None:
    recent = _recent()
    for _ in range(2):
        recent(SendAccepted(PushKey(DEFAULT_ACCOUNT, "errors", 0.0, 1), "sent", "Errors"))
    assert len(recent.lines()) == 2


def test_only_the_last_lines_are_kept_and_minor_events_are_not() -> None:
    recent = _recent(3)
    for number in range(5):
        recent(PollFailed("shop", f"reason {number}", number, 0))
        recent(Polled("shop", 3, 0.1, "http_json"))
    assert [line.text.rpartition(" ")[2] for line in recent.lines()] == ["2", "3", "4"]


def test_lines_have_a_level() -> None:
    recent = _recent()
    for change in ("pending", "fired", "raised", "resolved"):
        recent(AlertChanged("errors", "", change, "critical", ""))
    assert [line.level for line in recent.lines()] == ["info", "warning", "error", "good"]


def test_secrets_are_taken_out() -> None:
    redactor = Redactor()
    redactor.add("hunter2")
    recent = Recent(FakeClock(), redactor)
    recent(PollFailed("shop", "401 for key hunter2", 1, 0))
    assert "hunter2" not in recent.lines()[0].text

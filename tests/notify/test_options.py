"""How a rule is notified: what its options say, and what they refuse."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError

from smithd.alerts.severity import Severity
from smithd.notify.options import PushOptions
from smithd.outbox.message import PushContent

TEXT = PushContent("errors is critical", "It is 7.")


def options(**keys: object) -> PushOptions:
    return PushOptions.model_validate(keys)


def test_true_is_all_of_the_defaults() -> None:
    assert PushOptions.model_validate(True) == options()
    assert options().addressed(TEXT, ["ops"]) == replace(TEXT, channels=("ops",))
    assert options().addressed(TEXT, None) == TEXT
    assert [options().level(severity) for severity in Severity] == ["passive", "active", "time-sensitive"]


def test_a_rule_has_channels_tags_and_links_of_its_own() -> None:
    chosen = options(channels=["night"], tags=["shop"], redirection="https://example.com/d")
    addressed = replace(TEXT, channels=("night",), tags=("shop",), redirection="https://example.com/d")
    assert chosen.addressed(TEXT, ["ops"]) == addressed
    with pytest.raises(ValidationError, match="javascript"):
        options(redirection="javascript:alert(1)")


def test_a_notification_has_a_picture_or_up_to_four_buttons_of_its_own() -> None:
    button = {"title": "Open", "type": "open_url", "url": "spotify:track:1"}
    call = {"title": "Mend", "type": "webhook", "url": "https://example.com/mend", "method": "POST", "body": {"a": 1}}
    chosen = options(icon="https://example.com/i.png", actions=[button, call], metadata={"run": 7})
    assert chosen.addressed(TEXT, None) == replace(
        TEXT, icon="https://example.com/i.png", actions=(button, call), metadata={"run": 7}
    )
    chosen = options(media="https://example.com/orders.png", redirection="https://example.com")
    assert chosen.addressed(TEXT, None).media == "https://example.com/orders.png"
    with pytest.raises(ValidationError, match="at most 4"):
        options(actions=[button] * 5)
    with pytest.raises(ValidationError, match="2500 at most"):
        options(actions=[{**call, "body": {"text": "x" * 2500}}])
    with pytest.raises(ValidationError, match="either 'media' or 'actions'"):
        options(actions=[button], media="https://example.com/orders.png")


def test_only_groups_wait() -> None:
    assert options().pace == options(group_by=[]).pace == (0.0, 300.0)
    assert options(group_by=["host"], group_wait="30s", group_interval="1m").pace == (30.0, 60.0)
    assert (options(group_by=["..."]).pace, options(group_by=["..."]).is_alone) == ((0.0, 0.0), True)
    with pytest.raises(ValidationError, match="each alert is alone"):
        options(group_by=["..."], group_wait="1m")
    with pytest.raises(ValidationError, match="leave out the others"):
        options(group_by=["...", "host"])


def test_reminders_grow_up_to_a_limit() -> None:
    plain, growing = options(repeat="1h").repeat, options(repeat={"every": "1m", "factor": 3, "at_most": "5m"}).repeat
    assert plain is not None
    assert growing is not None
    assert [plain.wait(sent) for sent in (0, 1, 1000)] == [3600.0] * 3
    assert [growing.wait(sent) for sent in (0, 1, 2, 1000)] == [60.0, 180.0, 300.0, 300.0]
    with pytest.raises(ValidationError, match="60"):
        options(repeat="1s")

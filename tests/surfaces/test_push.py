"""Pushes: what is told of an alert, and how its end is told."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from smithd.outbox.message import Kind, Message, Priority, Shown, Standing
from smithd.plugin.sample import Series
from smithd.surfaces import push
from smithd.surfaces.push import PushOptions
from smithd.surfaces.view import View
from surfaces.scenes import NOW, RULE, fires, open_alert, resolves, view


def options(**keys: object) -> PushOptions:
    return PushOptions.model_validate(keys)


def ended(chosen: PushOptions, standing: Standing) -> Message | None:
    """What is told when an alert that fired 17 minutes ago resolves, given where its push stands."""
    alert = open_alert(at=NOW - 17 * 60)
    seen = view(standings={f"push:{alert.incident}": standing})
    return push.word(resolves(alert, NOW), RULE, chosen, None, seen)


def accepted() -> Standing:
    content = {"title": "errors", "channels": ["ops"]}
    return Standing(Shown("push:x", Kind.PUSH, content, NOW - 1000, remote_id="n1"))


def queued() -> Standing:
    return Standing(queued=Message("push:x", Kind.PUSH, {"title": "errors"}, Priority.PUSH, NOW - 1000))


def test_the_stock_text_says_what_happened_since_when_and_what_was_allowed() -> None:
    said = push.word(fires(7), RULE, options(), ["ops"], view())
    assert said is not None
    assert said.content == {
        "title": "errors is critical",
        "message": "shop.errors is 7 (critical > 5) since 14:00.",
        "interruption_level": "time-sensitive",
        "in_place": False,
        "channels": ["ops"],
    }
    assert said.priority is Priority.CRITICAL_PUSH


def test_own_words_channels_and_links() -> None:
    chosen = options(
        title="{{ rule }} {{ labels.host }}: {{ value }}",
        message="over {{ threshold }}",
        channels=["night"],
        tags=["shop"],
        redirection="https://example.com/d",
        interruption_level={"critical": "active"},
    )
    said = push.word(fires(7, series=Series("shop.errors", (("host", "a"),))), RULE, chosen, ["ops"], view())
    assert said is not None
    assert said.content == {
        "title": "errors a: 7",
        "message": "over 5",
        "interruption_level": "active",
        "in_place": False,
        "channels": ["night"],
        "tags": ["shop"],
        "redirection": "https://example.com/d",
    }


def test_a_title_that_fails_gives_way_to_the_stock_one_and_a_bad_link_is_a_mistake() -> None:
    said = push.word(fires(7), RULE, options(title="{{ labels.host }} is down"), None, view())
    assert said is not None
    assert said.content["title"] == "errors is critical"
    with pytest.raises(ValidationError, match="javascript"):
        options(redirection="javascript:alert(1)")


def test_only_the_severities_asked_for_are_told() -> None:
    assert push.word(fires(2), RULE, options(on=["critical"]), None, view()) is None
    assert push.word(fires(7), RULE, options(on=["critical"]), None, view()) is not None


def test_a_resolve_rewrites_the_accepted_notification() -> None:
    said = ended(options(), accepted())
    assert said is not None
    assert said.content["in_place"] is True
    assert said.content["title"] == "Resolved: errors"
    assert said.priority is Priority.PUSH, "another alert's beginning goes first"
    assert said.content["message"] == "shop.errors is 0.5. It was critical for 17m, 13:43 to 14:00."


def test_one_push_tells_both_where_the_first_never_left() -> None:
    for resolve in ("replace", "push", "none"):
        said = ended(options(on_resolve=resolve), queued())
        assert said is not None
        assert said.content["in_place"] is False


def test_on_resolve_push_and_none() -> None:
    told = ended(options(on_resolve="push"), accepted())
    assert told is not None
    assert told.content["in_place"] is False
    assert ended(options(on_resolve="none"), accepted()) is None


def test_the_end_of_what_was_never_told_is_not_told() -> None:
    assert ended(options(), Standing()) is None


def test_a_resolve_while_the_first_push_is_on_its_way_is_told() -> None:
    said = ended(options(), Standing(in_flight=True))
    assert said is not None
    assert said.content["in_place"] is True


def test_a_removed_rule_closes_what_it_told() -> None:
    alert = open_alert(at=NOW - 60)
    told: View = view(standings={f"push:{alert.incident}": accepted()})
    said = push.removed(alert, told)
    assert said is not None
    assert said.content["title"] == "Closed: errors"
    assert said.content["channels"] == ["ops"]
    assert push.removed(alert, view()) is None
    waiting = push.removed(alert, view(standings={f"push:{alert.incident}": queued()}))
    assert waiting is not None
    assert waiting.content["in_place"] is False


def test_only_a_push_whose_story_goes_on_is_kept_open() -> None:
    fired = push.word(fires(7), RULE, options(), None, view())
    silent = push.word(fires(7), RULE, options(on_resolve="none"), None, view())
    resolved = ended(options(), accepted())
    assert [message and message.aside["open"] for message in (fired, silent, resolved)] == [True, False, False]

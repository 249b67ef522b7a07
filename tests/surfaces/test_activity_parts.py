"""What Live Activities share: names in texts, colours, badges, buttons, and what is kept of what is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from smithd.outbox.message import ActivityContent, ActivityEnd, ActivityState, Priority
from smithd.outbox.shown import ShownActivity, differs, is_like
from smithd.surfaces.activity.surface import ActivitySurface, activity_surface
from smithd.surfaces.activity.value import ValueOptions
from smithd.surfaces.surface import DesiredActivity, NotRenderable, Obstacle
from smithd.surfaces.view import SurfacesView
from surfaces.views import NOW, open_alert, sample, stream, view

BUTTON = {"title": "Open", "type": "open_url", "url": "https://shop.example"}


def surface(**keys: object) -> ActivitySurface:
    options = ValueOptions.model_validate({"type": "value", "title": "Shop", "value": "shop.errors", **keys})
    return activity_surface(stream("shop"), options, None)


def desired(chosen: ActivitySurface, seen: SurfacesView) -> DesiredActivity:
    found = chosen.render(seen)
    assert isinstance(found, DesiredActivity)
    return found


def state(chosen: ActivitySurface, seen: SurfacesView) -> dict[str, Any]:
    return dict(desired(chosen, seen).content.content_state)


def shown(chosen: ActivitySurface, seen: SurfacesView) -> ShownActivity:
    """What the phone shows once it has what is desired now."""
    now = desired(chosen, seen)
    return ShownActivity(now.key, now.content, NOW, meaning=now.meaning)


def message(chosen: ActivitySurface, seen: SurfacesView) -> ActivityState:
    now = desired(chosen, seen)
    return ActivityState(now.key, now.content, Priority.COSMETIC, NOW, meaning=now.meaning)


def test_texts_know_the_worst_severity_of_the_rules_that_the_activity_names() -> None:
    chosen = surface(
        title="Shop {{ severity }}",
        format="{{ value }} {{ severity }}",
        color_by="errors",
        show={"while_firing": ["x"]},
    )
    calm = state(chosen, view(sample("shop.errors", 1)))
    assert (calm["title"], calm["value"], calm["color"]) == ("Shop", "1", "green")
    firing = state(chosen, view(sample("shop.errors", 7), firing=(open_alert(),)))
    assert (firing["title"], firing["value"], firing["color"]) == ("Shop critical", "7 critical", "red")


def test_texts_know_the_clock_time_of_the_oldest_value() -> None:
    chosen = surface(subtitle="as of {{ at }}", badge={"value": "shop.revenue"})
    seen = view(sample("shop.errors", 1), sample("shop.revenue", 3, NOW - 60))
    assert state(chosen, seen)["subtitle"] == "as of 13:59"
    assert state(chosen, view())["subtitle"] == "as of"


def test_a_text_that_differs_by_the_time_alone_is_no_change() -> None:
    chosen = surface(title="Shop, {{ at }}")
    before, later = view(sample("shop.errors", 1, NOW - 60)), view(sample("shop.errors", 1))
    assert state(chosen, before)["title"] == "Shop, 13:59"
    assert state(chosen, later)["title"] == "Shop, 14:00"
    assert not differs(message(chosen, later), shown(chosen, before))
    assert is_like(message(chosen, later), message(chosen, before))
    assert message(chosen, later).meaning == message(chosen, before).meaning
    assert differs(message(chosen, view(sample("shop.errors", 2))), shown(chosen, before))
    ends = [ActivityEnd(stream("shop"), message(chosen, seen).content, NOW) for seen in (before, later)]
    assert is_like(*ends)


def test_what_is_shown_is_not_known_where_its_content_is_lost() -> None:
    chosen, seen = surface(), view(sample("shop.errors", 1))
    assert differs(message(chosen, seen), replace(shown(chosen, seen), content=None))


def test_a_number_in_the_headline_is_cosmetic_and_a_word_or_a_severity_is_not() -> None:
    chosen = surface(title="{{ 'well' if not firing else count ~ ' firing' }}", color_by="errors")
    well = desired(chosen, view(sample("shop.errors", 1)))
    one = desired(chosen, view(sample("shop.errors", 7), firing=(open_alert(3.0),)))
    worse = desired(chosen, view(sample("shop.errors", 7), firing=(open_alert(),)))
    assert len({well.meaning, one.meaning, worse.meaning}) == 3
    chosen = surface(title="{{ severity }} {{ count }}", show={"while_firing": ["errors"]})
    alert = open_alert()
    other = replace(alert, key=alert.key._replace(labels=(("host", "b"),)))
    alone, both = (
        desired(chosen, view(sample("shop.errors", 7), firing=firing)) for firing in [(alert,), (alert, other)]
    )
    assert (alone.content.content_state["title"], both.content.content_state["title"]) == ("critical 1", "critical 2")
    assert alone.meaning == both.meaning


def test_a_badge_says_a_text_or_a_value() -> None:
    seen = view(sample("shop.errors", 1), sample("shop.revenue", 12.5), firing=(open_alert(),))
    assert state(surface(badge={"title": "{{ count }} open"}), seen)["badge"] == {"title": "1 open"}
    percent = {"value": "shop.revenue", "format": "{{ value | percent(sign=true) }}", "color_by": "errors"}
    assert state(surface(badge=percent), seen)["badge"] == {"title": "+12.5%", "color": "red"}
    stale = view(sample("shop.errors", 1), sample("shop.revenue", 12.5, NOW - 200))
    assert state(surface(badge={"value": "shop.revenue"}), stale)["badge"] == {"title": "12.5 ?"}
    assert "badge" not in state(surface(badge={"value": "shop.revenue"}), view(sample("shop.errors", 1)))


def test_two_buttons() -> None:
    second = BUTTON | {"title": "Close"}
    content = desired(surface(action=BUTTON, secondary_action=second), view(sample("shop.errors", 1))).content
    assert (content.action, content.secondary_action) == (BUTTON, second)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"secondary_action": BUTTON}, "beside a first one"),
        ({"action": BUTTON | {"title": "a" * 1500}, "secondary_action": BUTTON | {"title": "a" * 1500}}, "two buttons"),
        ({"color": "red", "color_by": "errors"}, "either fixed"),
        ({"badge": {"title": "a", "value": "shop.errors"}}, "either a text"),
        ({"badge": {}}, "either a text"),
        ({"badge": {"title": "a", "format": "{{ value }}"}}, "'format' belongs to 'value'"),
        ({"value": "1 + 1"}, "a metric in it"),
        ({"value": "change(shop.errors"}, "expected"),
        ({"subtitle": "{{ vlaue }}"}, "unknown name"),
        ({"upper_limit": 5}, "Extra inputs"),
    ],
)
def test_mistakes(keys: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        surface(**keys)


def test_what_cannot_be_shown_keeps_what_is_shown_with_a_mark_and_the_headline_of_now() -> None:
    chosen = surface(title="{{ count }} firing", subtitle="Errors")
    before = shown(chosen, view(sample("shop.errors", 3, NOW - 600)))
    several = (sample("shop.errors", 1, host="a"), sample("shop.errors", 2, host="b"))
    problem = NotRenderable(stream("shop"), Obstacle.SEVERAL_SERIES, ("shop.errors",), 2)
    kept = desired(chosen, view(*several, firing=(open_alert(),), shown=[before]))
    assert kept.problem == problem
    assert kept.content.content_state == {
        "type": "value",
        "title": "1 firing",
        "subtitle": "Errors · as of 13:50",
        "value": "3 ?",
    }
    # While it stays so, nothing more is sent.
    again = ShownActivity(kept.key, kept.content, NOW, meaning=kept.meaning)
    assert not differs(message(chosen, view(*several, firing=(open_alert(),), shown=[again])), again)
    # Nothing that could be kept: it never was on the phone, or it has left it.
    assert chosen.render(view(*several)) == problem
    assert chosen.render(view(*several, shown=[replace(before, ended=True)])) == problem
    assert chosen.render(view(*several, shown=[replace(before, content=None)])) == problem
    other = ActivityContent({"type": "stats", "title": "a", "metrics": []})
    assert chosen.render(view(*several, shown=[replace(before, content=other)])) == problem


def test_the_end_of_what_cannot_be_shown_is_what_is_shown() -> None:
    chosen = surface()
    before = shown(chosen, view(sample("shop.errors", 3)))
    several = (sample("shop.errors", 1, host="a"), sample("shop.errors", 2, host="b"))
    final = chosen.final_content(view(*several, shown=[before])).content_state
    assert (final["value"], final["auto_dismiss_seconds"]) == (3, 120)
    assert chosen.final_content(view(*several)) == ActivityContent({})


def test_the_clock_time_of_values_that_stay_is_theirs() -> None:
    chosen = surface(subtitle="{{ at }}", end={"final": {"subtitle": "last {{ at }}"}})
    before = shown(chosen, view(sample("shop.errors", 3, NOW - 600)))
    several = (sample("shop.errors", 1, host="a"), sample("shop.errors", 2, host="b"))
    seen = view(*several, shown=[before])
    assert state(chosen, seen)["subtitle"] == "13:50 · as of 13:50"
    assert chosen.final_content(seen).content_state["subtitle"] == "last 13:50"


def test_an_expression_may_stand_for_a_metric() -> None:
    options = surface(badge={"value": "change(shop.revenue, 1d)"}).dependencies
    assert options.metrics == {"shop.errors", "change(shop․revenue, 1d)"}

"""Values that a type of Live Activity cannot show: nothing starts, what is shown stays, and the reason is said."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from smithd.plugin.sample import Sample
from smithd.surfaces.activity.registry import ActivityOption
from smithd.surfaces.activity.surface import ActivitySurface, activity_surface
from smithd.surfaces.surface import DesiredActivity, NotRenderable
from surfaces.views import NOW, sample, shown_state, stream, view

LIMITED = {"type": "progress", "value": "shop.errors", "upper_limit": "shop.stock"}
BETWEEN = {"type": "progress", "value": "shop.errors", "from": "shop.stock", "to": 0}
STEPS = {"type": "segmented_progress", "step": {"of": "shop.errors", "label": "house"}, "steps": ["a", "b"]}
NUMBERED = {"type": "segmented_progress", "step": "shop.errors", "steps": ["a", "b"]}
UNTIL = {"type": "timer", "until": "shop.errors"}


def surface(keys: dict[str, Any]) -> ActivitySurface:
    return activity_surface(stream("it"), TypeAdapter(ActivityOption).validate_python({"title": "It", **keys}), None)


ROWS: list[tuple[dict[str, Any], list[Sample], str]] = [
    (LIMITED, [sample("shop.errors", 1)], "shop.stock has no value, and without it the bar has no end"),
    (LIMITED, [sample("shop.stock", 1)], "has no value yet"),
    (
        LIMITED,
        [sample("shop.errors", 1), sample("shop.stock", 0)],
        "shop.stock is 0: the limit of a bar must be above 0",
    ),
    (BETWEEN, [sample("shop.errors", 1), sample("shop.stock", 0)], "shop.stock leaves the bar without a length"),
    (
        LIMITED,
        [sample("shop.errors", 1), sample("shop.stock", 1, house="a"), sample("shop.stock", 2, house="b")],
        "shop.stock has 2 series where one is needed: aggregate them in the source",
    ),
    (STEPS, [sample("shop.errors", 1, house="c")], "shop.errors has the house 'c', which is none of the steps"),
    (STEPS, [sample("shop.errors", 1)], "shop.errors has the house '', which is none of the steps"),
    (NUMBERED, [sample("shop.errors", -1)], "shop.errors is -1: steps are counted from 1"),
    (UNTIL, [sample("shop.errors", NOW * 1000)], "which is no time in seconds since 1970"),
    (UNTIL, [], "has no value yet"),
]


@pytest.mark.parametrize(("keys", "samples", "said"), ROWS)
def test_it_says_why(keys: dict[str, Any], samples: list[Sample], said: str) -> None:
    found = surface(keys).render(view(*samples))
    assert isinstance(found, NotRenderable)
    assert said in str(found)


def test_what_is_shown_stays_marked_and_the_reason_is_said_beside_it() -> None:
    state = {"title": "It", "type": "progress", "value": 40, "upper_limit": 100}
    shown = shown_state("it", state, NOW - 60)
    found = surface(LIMITED).render(view(sample("shop.errors", 1), sample("shop.stock", 0), shown=[shown]))
    assert isinstance(found, DesiredActivity)
    assert {name: found.content.content_state[name] for name in ("value", "upper_limit")} == {
        "value": 40,
        "upper_limit": 100,
    }
    assert "above 0" in str(found.problem)


@pytest.mark.parametrize(("before", "value", "after"), [(50, 45.1, 50), (50, 45, 45), (50, 51, 51), (3, 0, 3)])
def test_a_monotonic_bar_hides_falls_below_five_points(before: float, value: float, after: float) -> None:
    chosen = surface({"type": "progress", "percentage": "shop.errors", "monotonic": True})
    state = {"title": "It", "type": "progress", "percentage": before}
    found = chosen.render(view(sample("shop.errors", value), shown=[shown_state("it", state, NOW - 60)]))
    assert isinstance(found, DesiredActivity)
    assert found.content.content_state["percentage"] == after


def test_a_new_activity_does_not_begin_where_the_last_one_ended() -> None:
    chosen = surface({"type": "progress", "percentage": "shop.errors", "monotonic": True})
    state = {"title": "It", "type": "progress", "percentage": 4}
    ended = shown_state("it", state, NOW - 60, ended=True)
    found = chosen.render(view(sample("shop.errors", 0), shown=[ended]))
    assert isinstance(found, DesiredActivity)
    assert found.content.content_state["percentage"] == 0


def test_a_clock_that_was_started_anew_says_since_when() -> None:
    chosen = surface({"type": "timer", "since": "shop.errors"})
    state = {"title": "It", "type": "timer", "counts_down": False, "is_running": True}
    for started, said in ((NOW - 3600, None), (NOW - 60, "since 13:00")):
        shown = shown_state("it", state, NOW - 60, since=started)
        found = chosen.render(view(sample("shop.errors", NOW - 3600), shown=[shown]))
        assert isinstance(found, DesiredActivity)
        assert found.content.content_state.get("subtitle") == said

"""Widgets: the value behind a key."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from smithd.alerts.severity import Severity
from smithd.surfaces.surface import DesiredValue, NotRenderable, Obstacle
from smithd.surfaces.view import SurfacesView
from smithd.surfaces.widget import WidgetOptions, widget_surface
from surfaces.views import NOW, open_alert, sample, shown_value, view, widget


def rendered(options: object, seen: SurfacesView) -> DesiredValue | NotRenderable:
    checked = WidgetOptions.model_validate(options)
    surface = widget_surface(widget("shop"), checked, {"shop.errors": ["errors"]}, frozenset({"shop"}))
    result = surface.render(seen)
    assert isinstance(result, DesiredValue | NotRenderable)
    return result


def desired(options: object, seen: SurfacesView) -> DesiredValue:
    result = rendered(options, seen)
    assert isinstance(result, DesiredValue)
    return result


def obstacle(options: object, seen: SurfacesView) -> Obstacle:
    result = rendered(options, seen)
    assert isinstance(result, NotRenderable)
    return result.obstacle


def test_a_number_is_shown_as_a_number_with_its_own_time() -> None:
    found = desired("shop.errors", view(sample("shop.errors", 3.0, NOW - 20)))
    assert (found.value, found.time, found.number) == (3, NOW - 20, 3.0)
    assert isinstance(found.value, int)


def test_a_format_makes_it_a_text_of_at_most_64_characters() -> None:
    options = {"value": "shop.errors", "format": "{{ value | number }} errors " + "x" * 90}
    assert len(str(desired(options, view(sample("shop.errors", 3.0))).value)) == 64


def test_a_stale_text_is_marked() -> None:
    stale = view(sample("shop.errors", 3.0, NOW - 101))
    assert desired({"value": "shop.errors", "format": "{{ value }} bad"}, stale).value == "3 bad ?"
    marked = {"value": "shop.errors", "format": "{{ value }}", "stale": "{{ value }} ({{ age | duration }} ago)"}
    assert desired(marked, stale).value == "3 (1m 41s ago)"


def test_after_a_restart_with_a_dead_source_the_last_text_is_marked_as_stale() -> None:
    options = {"value": "shop.errors", "format": "{{ value | number }} bad"}
    before = [shown_value("shop", "3 bad", NOW - 500, number=3.0, time=NOW - 500)]
    assert obstacle(options, view(started=NOW - 15, shown=before)) is Obstacle.UNSEEN
    assert desired(options, view(started=NOW - 101, shown=before)).value == "3 bad ?"
    assert obstacle(options, view(started=NOW - 101)) is Obstacle.NO_VALUE


def test_how_badly_the_rules_on_its_metric_fire_is_its_meaning() -> None:
    seen = sample("shop.errors", 7.0)
    assert desired("shop.errors", view(seen)).severity is None
    assert desired("shop.errors", view(seen, firing=(open_alert(),))).severity is Severity.CRITICAL
    assert desired("shop.revenue", view(sample("shop.revenue", 1.0), firing=(open_alert(),))).severity is None


def test_several_series_where_one_is_needed_have_no_value() -> None:
    found = rendered("shop.errors", view(sample("shop.errors", 1, host="a"), sample("shop.errors", 2, host="b")))
    assert found == NotRenderable(widget("shop"), Obstacle.SEVERAL_SERIES, ("shop.errors",), 2)
    advice = "aggregate them in the source (a widget can 'pick' one, or their sum)"
    assert str(found) == f"shop.errors has 2 series where one is needed: {advice}"


HOSTS = (
    sample("shop.errors", 3.0, NOW - 20, host="b"),
    sample("shop.errors", 5.0, NOW - 10, host="c"),
    sample("shop.errors", 0.1, NOW - 30, host="a"),
)


@pytest.mark.parametrize(
    ("pick", "value", "time"),
    [("max", 5, NOW - 10), ("min", 0.1, NOW - 30), ("first", 0.1, NOW - 30), ("sum", 8.1, NOW - 30)],
)
def test_of_several_series_one_is_picked_or_their_sum(pick: str, value: float, time: float) -> None:
    found = desired({"value": "shop.errors", "pick": pick}, view(*HOSTS))
    assert (found.value, found.time) == (value, time)
    labels = desired({"value": "shop.errors", "pick": pick, "format": "{{ labels | join or 'all' }}"}, view(*HOSTS))
    assert labels.value == ("all" if pick == "sum" else "host")


@pytest.mark.parametrize(("pick", "value"), [("max", "5 bad"), ("min", "3 bad"), ("first", "3 bad")])
def test_a_stale_series_is_picked_only_where_none_is_fresh(pick: str, value: str) -> None:
    options = {"value": "shop.errors", "pick": pick, "format": "{{ value }} bad"}
    stale = sample("shop.errors", 9.0 if pick == "max" else 0.1, NOW - 101, host="a")
    assert desired(options, view(*HOSTS[:2], stale)).value == value
    assert desired(options, view(stale)).value == f"{stale.value} bad ?".replace(".0", "")


def test_a_sum_is_missing_while_a_series_is_stale() -> None:
    stale = view(*HOSTS[:2], sample("shop.errors", 0.1, NOW - 101, host="a"))
    assert obstacle({"value": "shop.errors", "pick": "sum"}, stale) is Obstacle.NO_VALUE
    options = {"value": "shop.errors", "pick": "sum", "format": "{{ value }} bad"}
    before = [shown_value("shop", "8.1 bad", NOW - 50, number=8.1, time=NOW - 130)]
    seen = view(*HOSTS[:2], sample("shop.errors", 0.1, NOW - 101, host="a"), shown=before)
    assert desired(options, seen).value == "8.1 bad ?"


def test_a_text_about_everything() -> None:
    options = {"text": "{{ 'all well' if not firing else firing | join(', ') }}"}
    assert desired(options, view(answered=NOW)).value == "all well"
    assert desired(options, view(answered=NOW, firing=(open_alert(),))).value == "errors"


def test_suppressed_alerts_count_in_no_text_unless_they_are_included_and_colours_stay_true() -> None:
    alert, counting = open_alert(), {"text": "{{ firing | join }}: {{ count }}"}
    seen = view(sample("shop.errors", 7), answered=NOW, firing=(alert,), suppressed=(alert,))
    assert desired(counting, seen).value == ": 0"
    assert desired({**counting, "include_suppressed": True}, seen).value == "errors: 1"
    assert desired("shop.errors", seen).severity is Severity.CRITICAL
    with pytest.raises(ValidationError, match="belongs to 'text'"):
        WidgetOptions.model_validate({"value": "shop.errors", "include_suppressed": True})


def test_while_only_suppressed_alerts_fire_a_text_waits_for_all_answers() -> None:
    alert = open_alert()
    seen = view(started=NOW - 15, firing=(alert,), suppressed=(alert,))
    assert obstacle({"text": "{{ count }}"}, seen) is Obstacle.UNSEEN
    assert desired({"text": "{{ count }}", "include_suppressed": True}, seen).value == "1 ?"


@pytest.mark.parametrize("options", [{"text": "{{ firing | join }}"}, {"value": "shop.errors", "format": "{{ '' }}"}])
def test_an_empty_text_is_not_shown(options: object) -> None:
    assert obstacle(options, view(sample("shop.errors", 1), answered=NOW)) is Obstacle.EMPTY_TEXT


def test_a_text_about_everything_claims_nothing_before_every_source_answered() -> None:
    options = {"text": "{{ 'all well' if not firing }}"}
    assert obstacle(options, view(started=NOW - 15)) is Obstacle.UNSEEN
    assert desired(options, view(answered=NOW - 101)).value == "all well ?"

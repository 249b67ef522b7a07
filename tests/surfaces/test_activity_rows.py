"""The rows of ``stats`` and ``metrics``: which are shown, in which order and colour, and what is left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from smithd.alerts.alert import Alert
from smithd.contract.check import faults
from smithd.contract.endpoint import Endpoint
from smithd.outbox.shown import ShownActivity
from smithd.surfaces.activity.metrics import MetricsOptions
from smithd.surfaces.activity.stats import StatsOptions
from smithd.surfaces.activity.surface import ActivitySurface, activity_surface
from smithd.surfaces.surface import DesiredActivity, NotRenderable, Obstacle
from smithd.surfaces.view import SurfacesView
from surfaces.views import NOW, open_alert, sample, shown_state, stream, view

STOCK = {"each": "shop.stock", "by": "house", "color_by": "errors"}


def stats(*rows: dict[str, Any], **keys: object) -> ActivitySurface:
    options = StatsOptions.model_validate({"type": "stats", "title": "Shop", "stats": list(rows), **keys})
    return activity_surface(stream("shop"), options, None)


def metrics(*rows: dict[str, Any], **keys: object) -> ActivitySurface:
    options = MetricsOptions.model_validate({"type": "metrics", "title": "Shop", "metrics": list(rows), **keys})
    return activity_surface(stream("shop"), options, None)


def desired(chosen: ActivitySurface, seen: SurfacesView) -> DesiredActivity:
    found = chosen.render(seen)
    assert isinstance(found, DesiredActivity)
    return found


def state(chosen: ActivitySurface, seen: SurfacesView) -> dict[str, Any]:
    return dict(desired(chosen, seen).content.content_state)


def rows(chosen: ActivitySurface, seen: SurfacesView) -> list[tuple[Any, ...]]:
    return [(row["label"], row["value"], row.get("color")) for row in state(chosen, seen)["metrics"]]


def alert(value: float = 7.0, **labels: str) -> Alert:
    """One that fires at warning from 1 on, critical from 5 on, for the series with these labels."""
    given = open_alert(value)
    return replace(given, key=given.key._replace(labels=tuple(sorted(labels.items()))))


def stock(values: dict[str, float], *firing: Alert, **rest: Any) -> SurfacesView:
    return view(*(sample("shop.stock", value, house=house) for house, value in values.items()), firing=firing, **rest)


SHORT = stock({"a": 900, "b": 800, "c": 700, "d": 2}, alert(house="d"))


def test_the_critical_row_is_first_and_the_healthy_ones_keep_their_colour() -> None:
    assert rows(stats({**STOCK, "top": 3}), SHORT) == [
        ("d", "2 !!", "red"),
        ("a", 900, "green"),
        ("b", 800, "green"),
        ("+1 more", "…", "green"),
    ]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, "dabc"),
        ({"order": "worst"}, "dabc"),
        ({"order": "largest"}, "abcd"),
        ({"order": "smallest"}, "dcba"),
        ({"order": "label"}, "abcd"),
    ],
)
def test_the_order_of_rows(keys: dict[str, Any], expected: str) -> None:
    assert "".join(label for label, _, _ in rows(stats({**STOCK, **keys}), SHORT)) == expected


def test_without_a_rule_the_largest_is_first_and_rows_that_are_alike_keep_one_order() -> None:
    plain = {"each": "shop.stock", "by": "house", "top": 2}
    seen = stock({"a": 1, "c": 5, "b": 5})
    assert rows(stats(plain), seen) == [("b", 5, None), ("c", 5, None), ("+1 more", "…", None)]


def test_what_is_left_out_has_its_worst_colour() -> None:
    chosen = stats({**STOCK, "order": "largest", "top": 2})
    assert rows(chosen, SHORT)[-1] == ("+2 more", "!!", "red")
    warned = stock({"a": 9, "b": 8, "c": 7}, alert(3, house="c"))
    assert rows(chosen, warned)[-1] == ("+1 more", "!", "orange")
    assert rows(stats({**STOCK, "order": "largest", "top": 2, "mark": False}), warned)[-1] == ("+1 more", "…", "orange")
    fixed = {"each": "shop.stock", "by": "house", "color": "blue", "top": 2}
    assert rows(stats(fixed), warned)[-1] == ("+1 more", "…", "blue")


def test_no_more_than_eight_rows_with_the_one_of_what_is_left_out() -> None:
    eight = stock({f"{house}": house for house in range(8)})
    assert len(rows(stats(STOCK), eight)) == 8
    nine = stock({f"{house}": house for house in range(9)}, alert(house="0"))
    found = rows(stats({**STOCK, "order": "largest"}), nine)
    assert (len(found), found[-1]) == (8, ("+2 more", "!!", "red"))
    one = {"label": "Errors", "value": "shop.errors"}
    assert rows(stats(STOCK, one), eight)[-1] == ("+2 more", "…", "green")
    # Both ways of leaving out are one row, and a row of one value stays.
    found = rows(stats({**STOCK, "top": 7}, one), nine)
    assert [label for label, _, _ in found] == ["0", "8", "7", "6", "5", "4", "Errors", "+3 more"]
    # So does an alarm: what is mild gives way to it.
    calm = {"each": "shop.revenue", "by": "house"}
    values = [sample("shop.revenue", value, house=f"r{value}") for value in range(6)]
    mixed = view(*values, *(sample("shop.stock", 1, house=house) for house in "abc"), firing=(alert(house="c"),))
    labels = [label for label, _, _ in rows(stats(calm, STOCK), mixed)]
    assert labels == ["r5", "r4", "r3", "r2", "r1", "r0", "c", "+2 more"]


def test_a_row_is_coloured_by_the_alerts_that_have_no_label_with_another_value() -> None:
    seen = view(
        sample("shop.stock", 1, house="a", shelf="1"),
        sample("shop.stock", 2, house="b", shelf="1"),
        firing=(alert(3, house="b"), alert(house="c"), alert(3, shelf="2"), alert(3, shelf="2", house="a")),
    )
    assert [(label, color) for label, _, color in rows(stats(STOCK), seen)] == [("b", "orange"), ("a", "green")]
    everywhere = stock({"a": 1, "b": 2}, alert())
    assert [color for _, _, color in rows(stats(STOCK), everywhere)] == ["red", "red"]


def test_a_mark_says_what_a_colour_does_where_the_row_has_no_text_of_its_own() -> None:
    one = {"label": "Errors", "value": "shop.errors", "color_by": "errors"}
    critical, warning = (view(sample("shop.errors", 7.5), firing=(open_alert(value),)) for value in (7.0, 3.0))
    assert rows(stats(one), critical) == [("Errors", "7.5 !!", "red")]
    assert rows(stats(one), warning) == [("Errors", "7.5 !", "orange")]
    assert rows(stats({**one, "mark": False}), critical) == [("Errors", 7.5, "red")]
    assert rows(stats({**one, "format": "{{ value }} %"}), critical) == [("Errors", "7.5 %", "red")]
    stale = view(sample("shop.errors", 7.5, NOW - 200), firing=(open_alert(),))
    assert rows(stats(one), stale) == [("Errors", "7.5 !! ?", "red")]


def test_a_row_kept_over_a_start_has_the_mark_of_what_is_stale_alone() -> None:
    one = {"label": "Errors", "value": "shop.errors", "color_by": "errors"}
    for before in ("7 !!", "7 !! ?", "7 ?", 7):
        shown = shown_state("shop", {"metrics": [{"label": "Errors", "value": before}]}, NOW - 500)
        assert rows(stats(one), view(shown=[shown])) == [("Errors", "7 ?", "green")]


def test_the_order_of_rows_is_no_change_of_meaning_and_a_colour_is() -> None:
    chosen = stats({**STOCK, "top": 2})
    before = desired(chosen, stock({"a": 9, "b": 8, "c": 7})).meaning
    assert desired(chosen, stock({"a": 8, "b": 9, "c": 7})).meaning == before
    # Another one is among the first two: that is the order, too.
    assert desired(chosen, stock({"a": 7, "b": 9, "c": 8})).meaning == before
    assert desired(chosen, stock({"a": 9, "b": 8, "c": 7, "d": 6})).meaning != before
    assert desired(chosen, stock({"a": 9, "b": 8})).meaning != before
    north, south = (desired(chosen, stock({"a": 9, "b": 8, "c": 7}, alert(house=house))) for house in "ab")
    assert len({before, north.meaning, south.meaning}) == 3
    every = stats(STOCK)
    assert desired(every, stock({"a": 9, "b": 8})).meaning == desired(every, stock({"a": 8, "b": 9})).meaning
    assert desired(every, stock({"a": 9, "b": 8})).meaning != desired(every, stock({"a": 9, "c": 8})).meaning


@given(
    st.dictionaries(st.sampled_from([f"h{number}" for number in range(12)]), st.floats(-1e6, 1e6), min_size=1),
    st.lists(st.tuples(st.integers(0, 11), st.sampled_from([3.0, 7.0])), max_size=4),
    st.sampled_from(["worst", "largest", "smallest", "label"]),
    st.integers(1, 8),
)
def test_all_series_are_shown_or_counted_and_no_alarm_is_hidden(
    values: dict[str, float], firing: list[tuple[int, float]], order: str, top: int
) -> None:
    alerts = {f"h{number}": value for number, value in firing}
    seen = stock(values, *(alert(value, house=house) for house, value in alerts.items()))
    chosen = stats({**STOCK, "order": order, "top": top})
    assert faults(Endpoint.STREAM_PUT, {"content_state": state(chosen, seen)}, "shop") == []
    found = rows(chosen, seen)
    named = [label for label, _, _ in found if label in values]
    more = sum(int(label[1:].split()[0]) for label, _, _ in found if label not in values)
    assert len(named) + more == len(values)
    assert len(named) <= top
    colors = {color for _, _, color in found}
    assert ("red" in colors) == any(alerts.get(house) == 7.0 for house in values)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"label": "a", "value": "shop.errors", "top": 3}, "only rows of 'each' have 'top'"),
        ({"label": "a", "value": "shop.errors", "by": "x", "order": "label"}, "have 'by' and 'order'"),
        ({"each": "shop.stock", "by": "house", "order": "best"}, "'worst', 'largest', 'smallest' or 'label'"),
        ({"each": "shop.stock", "by": "house", "color": "red", "color_by": "errors"}, "either fixed"),
    ],
)
def test_mistakes_in_rows(row: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        stats(row)


GAUGE = {"label": "Errors", "value": "shop.errors", "unit": "%", "color_by": "errors"}


def test_gauges_are_numbers_with_the_mark_at_their_label() -> None:
    seen = view(sample("shop.errors", 7.5), sample("shop.revenue", 40), firing=(open_alert(),))
    found = state(metrics(GAUGE, {"label": "Revenue", "value": "shop.revenue"}, color="blue", subtitle="Now"), seen)
    assert found == {
        "title": "Shop",
        "type": "metrics",
        "subtitle": "Now",
        "color": "blue",
        "metrics": [
            {"label": "Errors !!", "value": 7.5, "unit": "%", "color": "red"},
            {"label": "Revenue", "value": 40},
        ],
    }
    assert faults(Endpoint.STREAM_PUT, {"content_state": found}, "shop") == []


def test_gauges_of_each_series_are_two_and_the_subtitle_counts_the_rest() -> None:
    found = state(metrics({**STOCK, "order": "largest"}), SHORT)
    assert [row["label"] for row in found["metrics"]] == ["a", "d !!"]
    assert found["subtitle"] == "+2 more"
    found = state(metrics({**STOCK, "order": "largest", "top": 2}), SHORT)
    assert ([row["label"] for row in found["metrics"]], found["subtitle"]) == (["a", "b"], "+2 more !!")


def test_a_gauge_that_is_too_old_says_so_in_the_subtitle() -> None:
    stale = view(sample("shop.errors", 7.5, NOW - 600))
    found = state(metrics(GAUGE, subtitle="{{ count }} firing"), stale)
    assert (found["metrics"][0]["value"], found["subtitle"]) == (7.5, "0 firing · as of 13:50")


def test_a_value_that_no_gauge_can_show_keeps_what_is_shown() -> None:
    chosen = metrics(GAUGE)
    before = desired(chosen, view(sample("shop.errors", 40, NOW - 300)))
    shown = ShownActivity(before.key, before.content, NOW - 300, meaning=before.meaning)
    below = desired(chosen, view(sample("shop.errors", -3), shown=[shown]))
    assert below.content.content_state["metrics"] == [{"label": "Errors", "value": 40, "unit": "%", "color": "green"}]
    assert below.content.content_state["subtitle"] == "as of 13:55"
    assert str(below.problem) == "shop.errors is below 0, and the type 'metrics' shows numbers from 0 on"
    missing = desired(chosen, view(shown=[shown]))
    assert (missing.content, missing.problem) == (below.content, NotRenderable(stream("shop"), Obstacle.NO_VALUE))
    assert chosen.render(view()) == NotRenderable(stream("shop"), Obstacle.NO_VALUE)
    assert metrics(STOCK).render(view()) == NotRenderable(stream("shop"), Obstacle.NO_VALUE)
    # After a start it waits, and nothing is marked.
    assert chosen.render(view(started=NOW - 15, shown=[shown])) == NotRenderable(stream("shop"), Obstacle.UNSEEN)

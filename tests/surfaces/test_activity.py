"""Live Activities: what they show, and when they are wanted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from smithd.alerts.severity import Severity
from smithd.surfaces.activity.stats import StatsOptions
from smithd.surfaces.activity.surface import ActivitySurface, activity_surface
from smithd.surfaces.surface import Dependencies, DesiredActivity, NotRenderable, Obstacle
from smithd.surfaces.view import SurfacesView
from surfaces.views import NOW, open_alert, sample, shown_state, stream, view

ROW = {"label": "Errors", "value": "shop.errors", "color_by": "errors"}


def surface(**keys: object) -> ActivitySurface:
    options = StatsOptions.model_validate({"type": "stats", "title": "Shop", "stats": [ROW], **keys})
    return activity_surface(stream("shop"), options, ["everybody"])


def desired(chosen: ActivitySurface, seen: SurfacesView) -> DesiredActivity:
    found = chosen.render(seen)
    assert isinstance(found, DesiredActivity)
    return found


def rows(chosen: ActivitySurface, seen: SurfacesView) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = desired(chosen, seen).content.content_state["metrics"]
    return found


def test_a_full_state_with_colours_by_rule() -> None:
    chosen = surface(
        title="Shop: {{ count }} firing",
        icon={"symbol": "cart"},
        stats=[ROW, {"label": "Revenue", "value": "shop.revenue", "format": "{{ value | money('EUR') }}"}],
        channels=["ops"],
    )
    seen = view(sample("shop.errors", 7.25), sample("shop.revenue", 99), firing=(open_alert(),))
    content = desired(chosen, seen).content
    assert content.content_state == {
        "title": "Shop: 1 firing",
        "type": "stats",
        "metrics": [
            {"label": "Errors", "value": "7.25 !!", "color": "red"},
            {"label": "Revenue", "value": "€99.00"},
        ],
        "icon": {"symbol": "cart"},
    }
    assert content.channels == ("ops",)
    assert desired(surface(), seen).content.channels == ("everybody",)


def test_stale_values_negative_numbers_and_missing_ones() -> None:
    stats = [ROW, {"label": "Revenue", "value": "shop.revenue"}, {"label": "Stock", "value": "shop.stock"}]
    seen = view(sample("shop.errors", 7, NOW - 101), sample("shop.revenue", -3))
    assert [row["value"] for row in rows(surface(stats=stats), seen)] == ["7 ?", "-3", "–"]


def test_a_row_without_a_sample_keeps_what_it_showed_marked_as_stale() -> None:
    before = {"metrics": [{"label": "Errors", "value": 5}]}
    seen = view(shown=[shown_state("shop", before, NOW - 500)])
    assert rows(surface(), seen) == [{"label": "Errors", "value": "5 ?", "color": "green"}]


def test_nothing_is_shown_while_the_first_samples_may_still_come() -> None:
    assert surface().render(view(started=NOW - 15)) == NotRenderable(stream("shop"), Obstacle.UNSEEN)


def test_several_series_in_a_row_for_one_cannot_be_shown() -> None:
    found = surface().render(view(sample("shop.errors", 1, host="a"), sample("shop.errors", 2, host="b")))
    assert found == NotRenderable(stream("shop"), Obstacle.SEVERAL_SERIES, ("shop.errors",), 2)


def test_numbers_are_cosmetic_and_headline_colours_and_severities_are_its_meaning() -> None:
    chosen = surface(title="{{ count }} firing")
    calm = desired(chosen, view(sample("shop.errors", 1)))
    assert desired(chosen, view(sample("shop.errors", 2))).meaning == calm.meaning
    firing = desired(chosen, view(sample("shop.errors", 7), firing=(open_alert(),)))
    assert firing.meaning != calm.meaning
    assert desired(chosen, view(sample("shop.errors", 7), firing=(open_alert(3.0),))).meaning != firing.meaning
    assert desired(chosen, view()).meaning != calm.meaning  # the row has no value


def test_it_is_wanted_always_or_while_a_rule_fires() -> None:
    chosen = surface(show={"while_firing": ["errors", "other"]})
    fires = view(answered=NOW, firing=(open_alert(),))
    assert [chosen.is_wanted(view(answered=NOW)), chosen.is_wanted(fires)] == [False, True]
    assert surface().is_wanted(view(answered=NOW))


def test_a_suppressed_alert_starts_nothing_ends_nothing_and_counts_nowhere_but_in_colours() -> None:
    alert = open_alert()
    seen = view(sample("shop.errors", 7), firing=(alert,), suppressed=(alert,))
    there = view(sample("shop.errors", 7), firing=(alert,), suppressed=(alert,), shown=[shown_state("shop", {}, NOW)])
    keys: dict[str, object] = {"title": "{{ count }}: {{ firing | join }}", "show": {"while_firing": ["errors"]}}
    chosen = surface(**keys)
    assert (chosen.is_wanted(seen), chosen.is_wanted(there), chosen.incident_severity(there)) == (False, True, None)
    state = desired(chosen, there).content.content_state
    assert (state["title"], state["metrics"][0]["color"]) == ("0:", "red")

    including = surface(include_suppressed=True, **keys)
    assert (including.is_wanted(seen), including.incident_severity(seen)) == (True, Severity.CRITICAL)
    assert desired(including, seen).content.content_state["title"] == "1: errors"


def test_an_incident_is_what_fires_from_warning_on_in_what_it_is_shown_for_or_coloured_by() -> None:
    assert surface().incident_severity(view(firing=(open_alert(3.0),))) is Severity.WARNING
    assert surface().incident_severity(view()) is None
    info = replace(open_alert(), severity=Severity.INFO)
    assert surface().incident_severity(view(firing=(info,))) is None
    plain = surface(stats=[{"label": "Errors", "value": "shop.errors"}])
    assert plain.incident_severity(view(firing=(open_alert(),))) is None


def test_it_depends_on_what_its_options_name() -> None:
    while_firing = {"while_firing": ["other"]}
    errors, rule = frozenset({"shop.errors"}), frozenset({"errors"})
    assert surface().dependencies == Dependencies(errors, rule)
    assert surface(title="{{ count }}").dependencies == Dependencies(errors, rule, all_rules=True)
    assert surface(title="{{ count }}", show=while_firing).dependencies == Dependencies(errors, rule | {"other"})


def test_the_final_content_says_when_the_phone_takes_it_away() -> None:
    content = surface(end={"dismiss_after": "30s"}).final_content(view(sample("shop.errors", 1)))
    assert content.content_state["auto_dismiss_seconds"] == 30
    assert content.content_state["title"] == "Shop"


def test_numbers_alone_are_updated_as_often_as_the_activity_says() -> None:
    seen = view(sample("shop.errors", 1))
    assert desired(surface(), seen).interval == 120.0
    assert desired(surface(update_every="5s"), seen).interval == 5.0

"""Conditions under which an activity is shown: true, false or unknown, and combined."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import pytest

from smithd.alerts.alert import Alert
from smithd.alerts.severity import Severity
from smithd.surfaces.activity.show import ShowOptions
from smithd.surfaces.view import SurfacesView
from smithd.time_window import TimeWindowOptions
from surfaces.views import NOW, open_alert, sample, view

CRITICAL, WARNING = open_alert(7.0), open_alert(3.0)
TRUE, FALSE, UNKNOWN = {"when": "shop.errors"}, {"when": "shop.revenue"}, {"when": "shop.stock"}
SEEN = view(sample("shop.errors", 1), sample("shop.revenue", 0), sample("shop.stock", 1, NOW - 101))
OF = {True: TRUE, False: FALSE, None: UNKNOWN}


def is_true(
    condition: Mapping[str, object], seen: SurfacesView = SEEN, *, include_suppressed: bool = False
) -> bool | None:
    return ShowOptions.model_validate(condition).is_true(seen, include_suppressed=include_suppressed)


@pytest.mark.parametrize(("one", "other"), list(product(OF, repeat=2)))
def test_all_and_any_know_what_their_parts_decide(one: bool | None, other: bool | None) -> None:
    parts = [OF[one], OF[other]]
    values = {one, other}
    assert is_true({"all": parts}) == (False if False in values else None if None in values else True)
    assert is_true({"any": parts}) == (True if True in values else None if None in values else False)


def test_conditions_may_be_nested_and_always_is_true() -> None:
    assert is_true({"all": [TRUE, {"any": [FALSE, {"all": [TRUE, "always"]}]}]}) is True
    assert is_true({"all": ["always", UNKNOWN]}) is None


@pytest.mark.parametrize(
    ("rules", "fires", "expected"),
    [
        (["errors"], CRITICAL, True),
        (["errors"], None, False),
        (["other", "errors"], WARNING, True),
        ({"errors": Severity.CRITICAL}, CRITICAL, True),
        ({"errors": Severity.CRITICAL}, WARNING, False),
        ({"errors": Severity.WARNING, "other": Severity.CRITICAL}, WARNING, True),
    ],
)
def test_a_rule_fires_badly_enough(rules: object, fires: Alert | None, expected: bool) -> None:
    alerts = () if fires is None else (fires,)
    assert is_true({"while_firing": rules}, view(firing=alerts)) is expected
    suppressed = view(firing=alerts, suppressed=alerts)
    assert is_true({"while_firing": rules}, suppressed) is (None if expected else False)
    assert is_true({"while_firing": rules}, suppressed, include_suppressed=True) is expected


def test_a_window_is_open_by_its_name_or_as_it_is_written() -> None:
    own = {"from": "08:00", "to": "20:00", "days": ["tue", "mon"], "timezone": "Asia/Tokyo"}
    name = "08:00 to 20:00 on mon, tue in Asia/Tokyo"
    assert ShowOptions.model_validate({"any": [{"between": own}, {"between": "nights"}]}).windows == {name, "nights"}
    assert is_true({"between": own}, view(windows=[name])) is True
    assert is_true({"between": "nights"}, view(windows=[name])) is False
    assert TimeWindowOptions.model_validate({"to": "07:00"}).text == "00:00 to 07:00"


def test_a_metric_is_true_where_a_series_has_a_value_that_is_not_0() -> None:
    def holds(*values: float, at: float = NOW) -> bool | None:
        samples = [sample("shop.stock", value, at, house=str(place)) for place, value in enumerate(values)]
        return is_true({"when": "shop.stock"}, view(*samples, started=NOW - 15))

    assert [holds(0, 3), holds(-1), holds(0, 0)] == [True, True, False]
    assert [holds(), holds(3, at=NOW - 101)] == [None, None]
    assert is_true({"when": "shop.stock"}, view(answered=NOW)) is False  # a complete answer lacks it


def test_it_knows_the_rules_that_it_names() -> None:
    condition = ShowOptions.model_validate(
        {"all": [{"while_firing": {"a": "info"}}, {"any": [{"while_firing": ["b"]}]}]}
    )
    assert condition.rules == ["a", "b"]

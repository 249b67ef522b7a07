"""The badge: what it counts or shows, and who has it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.harness import Harness
from smithd.keys import DEFAULT_ACCOUNT, BadgeKey
from smithd.outbox.message import BadgeCount
from smithd.outbox.settlement import DeliveryReason, Retry, Wait
from smithd.surfaces.badge import BadgeOptions, BadgeSurface
from smithd.surfaces.surface import DesiredBadge, NotRenderable, Obstacle
from surfaces.views import NOW, open_alert, sample, view

T = 1_800_000_000.0
KEY = BadgeKey(DEFAULT_ACCOUNT)
RULES = """
rules:
  errors: {metric: shop.errors, warning: "> 1", critical: "> 5"}
  stock: {metric: shop.stock, info: "< 10", warning: "< 5"}
"""


def badge(value: str) -> BadgeSurface:
    return BadgeSurface(KEY, BadgeOptions.model_validate(value), None)


@pytest.mark.parametrize(
    ("value", "count"),
    [(3, 3), (2.5, 3), (2.49, 2), (0.5, 1), (-0.5, 0), (-7, 0), (1e300, 2**31 - 1), (float("inf"), 2**31 - 1)],
)
def test_a_number_is_rounded_half_up_and_is_0_below_that(value: float, count: int) -> None:
    assert badge("shop.errors").render(view(sample("shop.errors", value))) == DesiredBadge(KEY, count)


def test_a_value_that_is_missing_stale_or_not_one_leaves_it_as_it_is() -> None:
    assert badge("shop.errors").render(view(answered=NOW)) == NotRenderable(KEY, Obstacle.NO_VALUE)
    assert badge("shop.errors").render(view(started=NOW)) == NotRenderable(KEY, Obstacle.UNSEEN)
    old = view(sample("shop.errors", 3, NOW - 200))
    assert badge("shop.errors").render(old) == NotRenderable(KEY, Obstacle.NO_VALUE)
    several = view(sample("shop.stock", 3, house="a"), sample("shop.stock", 4, house="b"))
    assert badge("shop.stock").render(several) == NotRenderable(KEY, Obstacle.SEVERAL_SERIES, ("shop.stock",), 2)


def test_it_counts_the_rules_or_the_alerts_that_fire() -> None:
    firing = view(firing=(open_alert(),))
    assert badge("count(firing)").render(firing) == DesiredBadge(KEY, 1)
    assert badge("count( alerts )").render(view()) == DesiredBadge(KEY, 0)


def sent(harness: Harness) -> list[BadgeCount]:
    return [message for message in harness.take() if isinstance(message, BadgeCount)]


def counts(harness: Harness) -> list[int]:
    return [message.count for message in sent(harness)]


def test_it_follows_what_fires_at_warning_or_above(tmp_path: Path) -> None:
    with Harness(tmp_path, RULES + "badge: count(firing)", T) as harness:
        harness.poll(T, errors=0, stock={"a": 20, "b": 20})
        assert counts(harness) == [0]
        harness.poll(T + 60, errors=9, stock={"a": 7, "b": 20})
        assert counts(harness) == [1]
        harness.poll(T + 120, errors=9, stock={"a": 4, "b": 3})
        assert counts(harness) == [2]
        harness.poll(T + 180, errors=8, stock={"a": 4, "b": 20})
        assert counts(harness) == []
        harness.poll(T + 240, errors=0, stock={"a": 20, "b": 20})
        assert counts(harness) == [0]
    with Harness(tmp_path, RULES + "badge: {value: count(alerts)}", T + 300) as harness:
        harness.poll(T + 300, errors=9, stock={"a": 4, "b": 3})
        assert counts(harness) == [3]


def test_it_does_not_say_that_nothing_fires_before_a_source_has_answered(tmp_path: Path) -> None:
    with Harness(tmp_path, RULES + "badge: count(firing)", T) as harness:
        assert counts(harness) == []
        harness.poll(T, errors=9)
        assert counts(harness) == [1]
    with Harness(tmp_path, RULES + "badge: count(firing)", T + 60) as harness:
        assert counts(harness) == []
        harness.poll(T + 60, errors=0)
        assert counts(harness) == [0]


def test_silenced_alerts_do_not_count_unless_asked_for(tmp_path: Path) -> None:
    for number, (options, after) in enumerate(
        [("count(alerts)", [0]), ("{value: count(alerts), include_suppressed: true}", [])]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        with Harness(folder, RULES + f"badge: {options}", T) as harness:
            harness.poll(T, errors=9)
            assert counts(harness) == [1]
            harness.engine.add_silence("rule=errors", 600, "", "me", T + 10)
            harness.now = T + 10
            assert counts(harness) == after


def test_an_expression_is_shown(tmp_path: Path) -> None:
    with Harness(tmp_path, 'badge: "sum(shop.stock) / 2"', T) as harness:
        harness.poll(T, stock={"a": 4, "b": 3})
        assert counts(harness) == [4]


def test_a_badge_that_is_removed_is_taken_from_those_who_have_it(tmp_path: Path) -> None:
    with Harness(tmp_path, RULES + "badge: {value: count(firing), channels: [ops]}", T) as harness:
        harness.poll(T, errors=9)
        assert counts(harness) == [1]
    with Harness(tmp_path, RULES, T + 60) as harness:
        queued = next(harness.outbox.ready(harness.now))
        claim = harness.outbox.claim(queued, "any", harness.now)
        harness.outbox.settle(claim, Retry(T + 70, DeliveryReason.NO_ANSWER), harness.now)
        harness.now = T + 70
        assert [(message.count, message.channels) for message in sent(harness)] == [(0, ("ops",))]
    with Harness(tmp_path, RULES, T + 120) as harness:
        assert sent(harness) == []


def test_other_channels_get_it_once_those_who_had_it_have_none(tmp_path: Path) -> None:
    with Harness(tmp_path, RULES + "badge: {value: count(firing), channels: [ops]}", T) as harness:
        harness.poll(T, errors=9)
        assert counts(harness) == [1]
    with Harness(tmp_path, RULES + "badge: {value: count(firing), channels: [dev]}", T + 60) as harness:
        harness.poll(T + 60, errors=9)
        assert [(message.count, message.channels) for message in sent(harness)] == [(0, ("ops",)), (1, ("dev",))]


def test_a_badge_of_a_device_that_lost_the_app_goes_when_it_is_reached_again(tmp_path: Path) -> None:
    config = RULES.replace('"> 5"', '"> 5", push: true') + "badge: count(firing)"
    with Harness(tmp_path, config, T) as harness:
        harness.poll(T, errors=0)
        queued = next(harness.outbox.ready(T))
        assert isinstance(queued.message, BadgeCount)
        claim = harness.outbox.claim(queued, "any", T)
        harness.outbox.settle(claim, replace(DISCONNECTED, at=T + 600), T)
        assert harness.take() == []
        harness.poll(T + 60, errors=9)
        # The notification is accepted, and the badge goes at once.
        assert [type(message).__name__ for message in harness.take()] == ["Push", "BadgeCount"]


DISCONNECTED = Retry(0.0, DeliveryReason.NO_RECIPIENTS, wait=Wait.DEVICES)

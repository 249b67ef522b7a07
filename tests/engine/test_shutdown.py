"""What a stop of the daemon does to Live Activities."""

from __future__ import annotations

from pathlib import Path

from engine.harness import Harness
from smithd.engine.entries import EndSurfaces
from smithd.keys import DEFAULT_ACCOUNT, BadgeKey, StreamKey
from smithd.outbox.message import ActivityEnd, ActivityState

T = 1_800_000_000.0
CONFIG = """
rules:
  errors: {metric: shop.errors, warning: '> 1'}
live_activities:
  stays: {type: stats, title: Stays, stats: [{label: Errors, value: shop.errors}]}
  ends:
    type: stats
    title: Ends
    stats: [{label: Errors, value: shop.errors}]
    end: {final: {subtitle: "stopped at {{ now }}"}}
    on_shutdown: end
  later: {type: stats, title: Later, stats: [{label: E, value: shop.errors}], show: {while_firing: [errors]}}
"""


def test_those_that_end_with_it_end_once_and_nothing_starts_any_more(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, T) as harness:
        harness.poll(T, errors=0)
        assert sorted(each.key.name for each in harness.take()) == ["ends", "stays"]
        harness.poll(T + 10, errors=0)
        assert harness.engine.ask(EndSurfaces(T + 10)) == [StreamKey(DEFAULT_ACCOUNT, "ends")]
        (end,) = harness.take()
        assert isinstance(end, ActivityEnd)
        assert end.content.content_state["subtitle"] == "stopped at 08:00"
        harness.poll(T + 11, errors=5)
        harness.pass_time(T + 11)
        assert [each.key.name for each in harness.take() if isinstance(each, ActivityState)] in ([], ["stays"])


def test_the_next_start_shows_it_again_but_not_within_min_hold(tmp_path: Path) -> None:
    def started(harness: Harness) -> bool:
        harness.poll(harness.now, errors=0)
        return "ends" in [each.key.name for each in harness.take() if isinstance(each, ActivityState)]

    with Harness(tmp_path, CONFIG, T) as harness:
        assert started(harness)
        harness.pass_time(T + 10)
        harness.engine.ask(EndSurfaces(T + 10))
        harness.take()
    with Harness(tmp_path, CONFIG, T + 60) as harness:
        assert not started(harness)
        harness.pass_time(T + 609)
        assert not started(harness)
        harness.pass_time(T + 610)
        assert started(harness)


def test_a_badge_that_ends_with_it_is_0(tmp_path: Path) -> None:
    config = CONFIG.partition("live_activities")[0] + "badge: {value: count(firing), on_shutdown: %s}"
    for number, (option, ending) in enumerate([("end", [BadgeKey(DEFAULT_ACCOUNT)]), ("keep", [])]):
        folder = tmp_path / str(number)
        folder.mkdir()
        with Harness(folder, config % option, T) as harness:
            harness.poll(T, errors=5)
            assert [each.count for each in harness.take()] == [1]
            harness.now = T + 10
            assert harness.engine.ask(EndSurfaces(T + 10)) == ending
            assert [each.count for each in harness.take()] == [0 for _ in ending]


def test_without_one_that_ends_a_stop_sends_nothing(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG.replace("on_shutdown: end", "on_shutdown: keep"), T) as harness:
        harness.poll(T, errors=0)
        harness.take()
        assert (harness.engine.ask(EndSurfaces(T + 10)), harness.take()) == ([], [])

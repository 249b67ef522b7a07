"""The past of a metric for a plot: what is remembered of what, with the history joined, through gaps and restarts."""

from __future__ import annotations

from pathlib import Path

from engine.harness import HEAD, Harness
from smithd.config.load import load
from smithd.past import MetricPast, SampleMemory, past
from smithd.plugin.sample import Series

T = 1_790_000_000.0 // 3600 * 3600
DAY = 86400.0
PAGE = "web: {listen: 127.0.0.1:8787}\n"
USES = """
derived:
  share: shop.errors / shop.orders
rules:
  fewer: {metric: depot.stock, warning: "drops > 30% over 10m"}
widgets:
  shop.share: {value: share}
"""


def past_of(harness: Harness, metric: str) -> MetricPast:
    engine = harness.engine.engine
    remembered = SampleMemory(engine.history, engine.trail)
    return past(engine.setup, engine.state, remembered, metric, (), (harness.now - DAY, harness.now))


def reload(harness: Harness, folder: Path, config: str, now: float) -> None:
    (folder / "smithd.yaml").write_text(HEAD + config)
    harness.engine.reconfigure(load(folder / "smithd.yaml", secrets_required=True), {"shop", "depot"}, now)
    harness.now = now


def points(harness: Harness, metric: str) -> list[tuple[float, float, bool]]:
    """The points of a metric of one series, with times since the start."""
    (series,) = past_of(harness, metric).series
    return [(each.at - T, each.value, each.after_gap) for each in series.points]


def test_what_a_widget_uses_has_a_past_and_so_has_what_that_is_derived_from(tmp_path: Path) -> None:
    with Harness(tmp_path, PAGE + USES, T) as harness:
        harness.poll(T, errors=2.0, orders=4.0, stock=1.0)
        harness.poll(T + 60, errors=3.0, orders=4.0, stock=1.0)
        assert points(harness, "shop.errors") == [(0.0, 2.0, False), (60.0, 3.0, False)]
        assert points(harness, "share") == [(0.0, 0.5, False), (60.0, 0.75, False)]
        assert past_of(harness, "share").remembered_since == T
        # Nothing uses the stock of the shop.
        assert past_of(harness, "shop.stock").series == []


def test_without_a_page_there_is_the_newest_sample_alone(tmp_path: Path) -> None:
    with Harness(tmp_path, USES, T) as harness:
        for minute in range(3):
            harness.poll(T + 60 * minute, errors=2.0, orders=4.0)
        assert points(harness, "shop.errors") == [(120.0, 2.0, False)]
        assert past_of(harness, "shop.errors").remembered_since is None


def test_while_its_source_fails_there_is_a_gap(tmp_path: Path) -> None:
    with Harness(tmp_path, PAGE + USES, T) as harness:
        for minute in range(10):
            if 3 <= minute <= 6:
                harness.fail(T + 60 * minute)
            else:
                harness.poll(T + 60 * minute, errors=2.0, orders=4.0)
        for metric in ("shop.errors", "share"):
            gaps = [at for at, _, after_gap in points(harness, metric) if after_gap]
            assert gaps == [420.0]


def test_one_answer_that_fails_while_the_last_is_fresh_makes_no_gap(tmp_path: Path) -> None:
    with Harness(tmp_path, PAGE + USES, T) as harness:
        harness.poll(T, errors=2.0, orders=4.0)
        harness.fail(T + 60)
        harness.poll(T + 120, errors=2.0, orders=4.0)
        assert [after_gap for *_, after_gap in points(harness, "shop.errors")] == [False, False]


def test_what_a_rule_looks_back_on_goes_back_over_a_restart_and_the_memory_beyond_the_rule(tmp_path: Path) -> None:
    def poll(harness: Harness, minutes: range) -> None:
        for minute in minutes:
            harness.poll(T + 60 * minute, "depot", stock=float(minute))

    with Harness(tmp_path, PAGE + USES, T) as harness:
        poll(harness, range(5))
        harness.engine.close(harness.now)
    with Harness(tmp_path, PAGE + USES, T + 600) as harness:
        poll(harness, range(10, 12))
        found = points(harness, "depot.stock")
        assert [at / 60 for at, *_ in found] == [0, 1, 2, 3, 4, 10, 11]
        assert [at / 60 for at, _, after_gap in found if after_gap] == [10]
        # The rule looks ten minutes back, and the history forgets what is older; the last day stays.
        poll(harness, range(12, 100))
        assert len(harness.engine.engine.history.past(Series("depot.stock"), T, harness.now)) < 30
        assert [at / 60 for at, *_ in points(harness, "depot.stock")] == [*range(10, 100)]


def test_a_reload_keeps_the_past_and_begins_that_of_what_it_adds(tmp_path: Path) -> None:
    with Harness(tmp_path, PAGE + USES, T) as harness:
        harness.poll(T, errors=2.0, orders=4.0, stock=1.0)
        reload(harness, tmp_path, PAGE + USES.replace("value: share", "value: shop.stock"), T + 60)
        harness.poll(T + 120, errors=2.0, orders=4.0, stock=1.0)
        assert points(harness, "shop.errors") == [(0.0, 2.0, False), (120.0, 2.0, False)]
        assert points(harness, "shop.stock") == [(120.0, 1.0, False)]
        found = past_of(harness, "shop.stock")
        assert (found.remembered_since, found.started) == (T + 60, T)

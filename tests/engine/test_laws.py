"""Whatever comes in whatever order: nothing is said twice, no end is skipped, no series is remembered for ever."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaign import rounds
from engine.harness import Harness
from smithd.alerts.alert import VISIBLE, Change
from smithd.events import AlertChanged
from smithd.plugin.sample import RawSample
from smithd.poll.intake import Intake, Poll

T = 1_763_906_400.0
RULES = """
history: 1d
derived: {ratio: shop.errors / depot.errors}
rules:
  plain: {metric: shop.errors, warning: "> 3", critical: "> 6", recover: "< 2", for: 30s, keep_firing_for: 90s}
  each: {metric: shop.stock, warning: "< 3", no_data: {severity: critical, after: 4m}, on_error: warning}
  gone: {metric: depot.stock, critical: "inside 2..4", no_data: ok, on_error: ok, push: true}
  both: {when: shop.stock < 5 and depot.stock > 3, severity: critical, for: 1m, no_data: warning, on_error: critical}
  none: {when: not shop.stock > 5, severity: warning, damping: 10m}
  made: {metric: ratio, warning: "> 2", damping: 20m}
  fell: {metric: shop.orders, warning: drops > 20% over 5m, critical: drops > 2 over 5m, min_value: 2, for: 30s}
  away: {metric: shop.orders, critical: rises >= 50% vs average 10m, on_error: {severity: critical, after: 3m}}
"""
EDITED = (
    RULES.replace('"> 3"', '"> 4"')
    .replace("after: 4m", "after: 2m")
    .replace("depot.stock > 3", "depot.stock > 2")
    .replace("damping: 10m", "damping: 3m")
    .replace("over 5m, critical", "vs average 6m, critical")
    .replace("no_data: ok", "no_data: keep")
)
FEWER = RULES.replace(', critical: "> 6"', "").replace("  made:", "  new:")
CONFIGS = [RULES, EDITED, FEWER]

MOST_TICKS = 2000

VALUES = st.one_of(st.integers(0, 9).map(float), st.just(float("nan")))
SERIES = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=3)
POLLS = st.fixed_dictionaries(
    {"source": st.sampled_from(["shop", "depot"]), "late": st.sampled_from([0, 0, 0, 30, 400])},
    optional={"errors": VALUES, "orders": VALUES, "stock": SERIES},
)
STEPS = st.one_of(
    POLLS,
    POLLS,
    POLLS,
    st.fixed_dictionaries({"fail": st.sampled_from(["shop", "depot"])}),
    st.fixed_dictionaries({"wait": st.sampled_from([0, 5, 30, 60, 200, 1000, 90_000])}),
    st.fixed_dictionaries({"step": st.sampled_from([-100_000, -3600, -10, 10, 3600, 100_000])}),
    st.fixed_dictionaries({"restart": st.sampled_from([0, 1, 2]), "away": st.sampled_from([1, 600, 7200])}),
)


class Life:
    """Lives one after the other, on one folder; checks each word that is said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = T
        self.config = 0
        self.open: dict[str, str] = {}
        self.harness = Harness(folder, RULES, T)
        self.intakes = {name: Intake(name, ["errors", "orders", "stock"]) for name in ("shop", "depot")}
        self.events_seen = 0

    def do(self, step: dict[str, Any]) -> None:
        if "source" in step:
            self.poll(**step)
        elif "fail" in step:
            self.harness.fail(self.now, step["fail"])
        elif "wait" in step:
            self.wait(step["wait"])
        elif "step" in step:
            self.now += step["step"]
            self.harness.engine.replan(self.now)
            self.wait(0)
        else:
            self.restart(step["restart"], step["away"])
        self.listen()

    def poll(self, source: str, late: float = 0.0, **values: Any) -> None:
        at = self.now - late
        samples = [RawSample(name, given, {}, at) for name, given in values.items() if not isinstance(given, dict)]
        samples += [
            RawSample(name, value, {"house": house}, at)
            for name, given in values.items()
            if isinstance(given, dict)
            for house, value in given.items()
        ]
        admitted = self.intakes[source].admit(samples, self.now).samples
        self.harness.engine.ingest(Poll(source, self.now, 160.0, admitted))
        self.wait(0)

    def wait(self, seconds: float) -> None:
        self.harness.now = min(self.harness.now, self.now)
        self.now += seconds
        for _ in range(MOST_TICKS):
            wake = self.harness.engine.wake_at()
            if wake is None or wake > self.now:
                break
            self.harness.now = max(self.harness.now, wake)
            self.harness.engine.tick(self.harness.now)
        else:
            raise AssertionError("time stands still")
        self.harness.now = self.now

    def restart(self, config: int, away: float) -> None:
        self.stop()
        self.now += away
        removed = {"made"} if config == 2 else {"new"}
        self.open = {name: said for name, said in self.open.items() if name.partition("{")[0] not in removed}
        self.config = config
        self.harness = Harness(self.folder, CONFIGS[config], self.now)
        self.events_seen = 0

    def stop(self) -> None:
        self.harness.engine.close(self.now)
        self.harness.__exit__(None, None, None)

    def listen(self) -> None:
        """No alert begins that is open, none ends or moves that is not, none moves to where it is."""
        events = self.harness.events[self.events_seen :]
        self.events_seen = len(self.harness.events)
        for event in events:
            if not isinstance(event, AlertChanged) or event.change not in VISIBLE:
                continue
            name = event.rule + event.labels
            assert (name not in self.open) == (event.change == Change.FIRED), f"{event} twice, or out of nothing"
            before = self.open.pop(name, None)
            if event.change != Change.RESOLVED:
                self.open[name] = event.severity
                assert before != event.severity, f"{event} is no news"
        firing = {
            alert.rule + str(alert.series)[len(alert.series.metric) :]: alert.severity
            for alert in self.harness.engine.alerts
            if alert.severity is not None
        }
        assert firing == self.open

    def calm_down(self) -> None:
        """Three days in which all is well, and only one series is there."""
        for _ in range(3):
            for _ in range(8):
                for source in ("shop", "depot"):
                    self.poll(source, errors=1.0, orders=1.0, stock={"z": 9.0} if source == "shop" else {"z": 1.0})
                self.wait(60)
            self.wait(40)
            self.listen()
            self.wait(86_400)
        for _ in range(8):
            for source in ("shop", "depot"):
                self.poll(source, errors=1.0, orders=1.0, stock={"z": 9.0} if source == "shop" else {"z": 1.0})
            self.wait(60)
        self.listen()

    def remembered(self) -> int:
        """How many alerts are on disk."""
        with closing(sqlite3.connect(self.folder / "state.db")) as state:
            rows = state.execute("SELECT name, labels, state FROM alerts").fetchall()
        return len([row for row in rows if "holds" in json.loads(row[2])])


@pytest.mark.campaign
@settings(
    max_examples=rounds(25, 5000),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
@given(st.lists(STEPS, max_size=25))
def test_nothing_is_said_twice_and_everything_ends(steps: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        life = Life(Path(folder))
        try:
            for step in steps:
                life.do(step)
            life.calm_down()
            assert life.open == {}
            assert life.harness.engine.alerts == []
            assert life.remembered() == 0
            series = life.harness.engine.engine.state.series
            assert not any(newest.missing for newest in series.metrics.values())
        finally:
            life.stop()


CHURN = """
rules:
  low: {metric: shop.stock, warning: "< 3", for: 30s}
  odd: {when: shop.stock < 3 and depot.stock < 3, severity: warning}
  calm: {metric: shop.stock, critical: "== 2", damping: 5m, no_data: ok}
"""


def test_series_that_come_and_go_leave_nothing_behind(tmp_path: Path) -> None:
    with Harness(tmp_path, CHURN, T) as harness:
        engine, sizes = harness.engine, []
        for minute in range(40):
            stock = {f"{minute}-{number}": float(number) for number in range(5)}
            harness.poll(T + 60 * minute, "shop", stock=stock)
            harness.poll(T + 60 * minute, "depot", stock=stock)
            harness.pass_time(T + 60 * minute + 30)
            sizes.append(
                sum(len(newest.missing) for newest in engine.engine.state.series.metrics.values()) + len(engine.alerts)
            )
        assert max(sizes[20:]) <= max(sizes[:20]), "no more than what was gone lately"
        for minute in range(40, 80):
            harness.poll(T + 60 * minute, "shop", stock={"z": 9.0})
            harness.poll(T + 60 * minute, "depot", stock={"z": 9.0})
            harness.pass_time(T + 60 * minute + 30)
        assert engine.alerts == []
        assert not any(newest.missing for newest in engine.engine.state.series.metrics.values())
        assert not engine.engine.state.alerts.flapping
        assert len(engine.engine._timers._heap) < 20

"""The authority on ``for`` and ``keep_firing_for``: Prometheus' own rule tester judges what ours decided."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from campaign import rounds
from smithd.alerts.rule import RuleOptions, compile_rule
from smithd.alerts.state import Alert, judge
from smithd.plugin.sample import Series

SECONDS = 90
CASES = 40  # the tester evaluates every rule in every case

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="needs promtool: apt-get install prometheus"
)


def firing_seconds(hold: int, keep: int, values: list[int]) -> list[bool]:
    options = {"metric": "a.b", "critical": "> 0", "for": f"{hold}s", "keep_firing_for": f"{keep}s"}
    rule = compile_rule("r", RuleOptions.model_validate(options))
    alert: Alert | None = None
    seconds = []
    for at, value in enumerate(values):
        if transition := judge(rule, Series("a.b"), alert, value, at):
            alert = transition.after
        seconds.append(alert is not None and alert.severity is not None)
    return seconds


def runs_of_values(chance: random.Random) -> list[int]:
    values: list[int] = []
    while len(values) < SECONDS:
        values += [chance.randint(0, 1)] * chance.randint(1, 15)
    return values[:SECONDS]


@needs_promtool
@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(rounds(1, 20)))
def test_firing_second_by_second_as_prometheus_does(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)  # noqa: S311 - a fixed choice of cases, no secret
    rules, tests = [], []
    for case in range(CASES):
        hold, keep, values = chance.choice([0, 1, 7, 20]), chance.choice([0, 1, 5, 15]), runs_of_values(chance)
        rules.append({"alert": f"case{case}", "expr": f"m{case} > 0", "for": f"{hold}s", "keep_firing_for": f"{keep}s"})
        expected = [
            {"eval_time": f"{at}s", "alertname": f"case{case}", "exp_alerts": [{"exp_labels": {}}] if fires else []}
            for at, fires in enumerate(firing_seconds(hold, keep, values))
        ]
        series = [{"series": f"m{case}", "values": " ".join(map(str, values))}]
        tests.append({"interval": "1s", "input_series": series, "alert_rule_test": expected})
    group = {"groups": [{"name": "all", "interval": "1s", "rules": rules}]}
    (tmp_path / "rules.json").write_text(json.dumps(group))
    suite = {"rule_files": ["rules.json"], "evaluation_interval": "1s", "tests": tests}
    (tmp_path / "suite.json").write_text(json.dumps(suite))
    ran = subprocess.run(
        ["promtool", "test", "rules", "suite.json"], cwd=tmp_path, capture_output=True, text=True, timeout=100
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]

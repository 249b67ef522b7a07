"""Well-known alerts of Prometheus, pasted as queries: a real Prometheus answers, ``promtool`` says when they fire."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from alerts.test_against_prometheus import needs_promtool
from campaign import rounds
from engine.harness import Harness
from servers import prometheus
from smithd.plugin.sample import Sample, Series
from smithd.poll.intake import Poll

ACCOUNT = "activitysmith: {api_key: ask_test}\nstate: sqlite:///state.db\ntimezone: UTC\nplugins: [shop.py]\n"
MINUTES = 150
ALERTS = {
    "instance_down": "up == 0",
    "targets_down": "100 * count by (job) (up == 0) / count by (job) (up) > 40",
    "kubelet_down": 'absent(up{job="kubelet"} == 1)',
    "filesystem_almost_full": 'disk_avail{fstype!=""} / disk_size{fstype!=""} * 100 < 20 and disk_readonly == 0',
    "filesystem_filling_up": "disk_avail / disk_size < 0.5 and predict_linear(disk_avail[30m], 3600) < 0",
    "conntrack_near_limit": "(conntrack_entries / conntrack_limit) > 0.75",
    "receive_errors": "rate(rx_errors_total[5m]) / rate(rx_packets_total[5m]) > 0.1234",
    "cpu_busy": 'sum without (mode) (avg without (cpu) (rate(cpu_seconds_total{mode!~"idle|iowait"}[5m]))) * 99 > 61',
    "memory_high": "100 - (memory_available / memory_total * 100) > 70",
    "load_per_core": 'load1 / count without (cpu, mode) (cpu_seconds_total{mode="idle"}) > 1',
    "clock_skew": "(offset > 0.5 and deriv(offset[5m]) >= 0) or (offset < -0.5 and deriv(offset[5m]) <= 0)",
    "crash_looping": 'max_over_time(waiting{reason="CrashLoopBackOff"}[5m]) >= 1',
    "pod_not_ready": 'sum by (pod) (max by (pod) (phase{phase=~"Pending|Failed"}) * on (pod) group_left (kind)'
    ' topk by (pod) (1, max by (pod, kind) (owner{kind!="Job"}))) > 0',
    "replicas_mismatch": "(replicas_wanted > replicas_ready) and (changes(replicas_ready[10m]) == 0)",
    "oom_kill": "increase(oom_kills_total[10m]) > 0",
    "unit_failed": 'unit_state{state="failed"} == 1',
    "silent_for": "time() - last_success > 1200 unless on () maintenance == 1",
}
GAUGES: dict[str, list[float | None]] = {
    **{f'up{{job="node",instance="{each}"}}': [0, 1, 1] for each in "abc"},
    'up{job="kubelet",instance="a"}': [0, 1, None],
    'disk_avail{fstype="ext4",mountpoint="/"}': [5, 15, 40, 90],
    'disk_size{fstype="ext4",mountpoint="/"}': [100],
    'disk_readonly{fstype="ext4",mountpoint="/"}': [0, 0, 1],
    'conntrack_entries{instance="a"}': [10, 80, 95],
    'conntrack_limit{instance="a"}': [100],
    'memory_available{instance="a"}': [10, 25, 60],
    'memory_total{instance="a"}': [100],
    'load1{instance="a"}': [0.5, 1.9, 2.5, 4],
    'offset{instance="a"}': [-0.9, -0.1, 0.1, 0.9],
    'waiting{reason="CrashLoopBackOff",pod="p"}': [0, 1, None],
    'phase{phase="Pending",pod="p"}': [0, 0, 1, None],
    'owner{kind="ReplicaSet",pod="p"}': [1, 1, None],
    'replicas_wanted{deployment="d"}': [2, 3],
    'replicas_ready{deployment="d"}': [1, 2, 3],
    'unit_state{state="failed",name="nginx"}': [0, 1],
    "maintenance": [0, 1],
}
COUNTERS: dict[str, list[float | None]] = {
    'rx_errors_total{device="eth0"}': [0, 0, 60],
    'rx_packets_total{device="eth0"}': [60, 300],
    'cpu_seconds_total{cpu="0",mode="user",instance="a"}': [0, 20, 40],
    'cpu_seconds_total{cpu="0",mode="idle",instance="a"}': [0, 20, 40],
    'cpu_seconds_total{cpu="1",mode="user",instance="a"}': [40, 55],
    'cpu_seconds_total{cpu="1",mode="idle",instance="a"}': [0, 20],
    "oom_kills_total": [0, 0, 0, 1],
}
VALUES = dict[str, list[float | None]]


def made(chance: random.Random) -> VALUES:
    """A value of each series for each minute (None: there is none)."""
    values: VALUES = {name: [] for name in (*GAUGES, *COUNTERS, "last_success")}
    for name, choices in (GAUGES | COUNTERS).items():
        total = 0.0
        while len(values[name]) < MINUTES:
            chosen, length = chance.choice(choices), chance.randint(2, 30)
            for _ in range(length):
                total += chosen or 0
                values[name].append(total if name in COUNTERS else chosen)
        del values[name][MINUTES:]
    return values


def openmetrics(values: VALUES, start: int) -> str:
    lines = []
    for name, given in sorted(values.items()):
        lines += [f"{name} {value} {start + 60 * at}" for at, value in enumerate(given) if value is not None]
    return "\n".join([*lines, "# EOF", ""])


def results(address: str, query: str, start: int) -> list[dict[tuple[tuple[str, str], ...], float]]:
    """What each evaluation of a query brings, one a minute."""
    asked = urlencode({"query": query, "start": start, "end": start + 60 * (MINUTES - 1), "step": 60})
    with urlopen(f"http://{address}/api/v1/query_range?{asked}", timeout=20) as answer:
        series = json.load(answer)["data"]["result"]
    found: list[dict[tuple[tuple[str, str], ...], float]] = [{} for _ in range(MINUTES)]
    for each in series:
        labels = tuple(sorted((name, text) for name, text in each["metric"].items() if name != "__name__"))
        for at, value in each["values"]:
            found[(int(at) - start) // 60][labels] = float(value)
    return found


@needs_promtool
@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(rounds(1, 10)))
def test_pasted_alerts_fire_and_resolve_in_the_same_minutes(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)  # noqa: S311 - a fixed choice of cases, no secret
    values = made(chance)
    start = int(time.time()) // 3600 * 3600 - 6 * 3600
    # A job that succeeds, and then does not for long; its value is a time.
    values["last_success"] = [start + 60.0 * (at - at % 40 if at % 80 < 45 else at) for at in range(MINUTES)]
    timings = {name: (chance.choice([0, 3, 10]), chance.choice([0, 5])) for name in ALERTS}
    rules = "".join(
        f"  {name}: {{when: prod.{name}, severity: critical, for: {hold}m, keep_firing_for: {keep}m}}\n"
        for name, (hold, keep) in timings.items()
    )
    queries = "".join(f"      {name}: {json.dumps(query)}\n" for name, query in ALERTS.items())
    head = (
        f"{ACCOUNT}sources:\n"
        f"  prod:\n    type: prometheus\n    url: http://prod.example\n    every: 1m\n    metrics:\n{queries}"
    )
    with prometheus(openmetrics(values, start), lookback="5m") as address:
        found = {name: results(address, query, start) for name, query in ALERTS.items()}

    expected: list[dict[str, Any]] = []
    fired: set[str] = set()
    with Harness(tmp_path, f"rules:\n{rules}", start, head) as harness:
        for minute in range(MINUTES):
            at = start + 60.0 * minute
            samples = [
                Sample(Series(f"prod.{name}", labels), value, at, at)
                for name, each in found.items()
                for labels, value in each[minute].items()
                if abs(value) < float("inf")
            ]
            harness.now = at
            # A time that is full at this very moment ends after the answer, as it does in Prometheus' evaluations.
            harness.engine.ingest(Poll("prod", at, 160.0, tuple(samples)))
            harness.pass_time(at + 59)
            firing = [alert for alert in harness.engine.alerts if alert.severity is not None]
            fired |= {alert.rule for alert in firing}
            for name in ALERTS:
                alerts = [{"exp_labels": dict(alert.labels)} for alert in firing if alert.rule == name]
                expected.append({"eval_time": f"{minute}m", "alertname": name, "exp_alerts": alerts})
        assert not any("no data" in said for said in harness.sentences())
    assert len(fired) >= len(ALERTS) - 3

    # The tester's clock begins in 1970.
    values["last_success"] = [None if value is None else value - start for value in values["last_success"]]
    series = [
        {"series": name, "values": " ".join("_" if value is None else f"{value:g}" for value in given)}
        for name, given in values.items()
    ]
    group = {
        "name": "all",
        "interval": "1m",
        "rules": [
            {"alert": name, "expr": query, "for": f"{timings[name][0]}m", "keep_firing_for": f"{timings[name][1]}m"}
            for name, query in ALERTS.items()
        ],
    }
    (tmp_path / "rules.json").write_text(json.dumps({"groups": [group]}))
    suite = {
        "rule_files": ["rules.json"],
        "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": series, "alert_rule_test": expected}],
    }
    (tmp_path / "suite.json").write_text(json.dumps(suite))
    promtool = shutil.which("promtool")
    assert promtool is not None
    ran = subprocess.run(
        [promtool, "test", "rules", "suite.json"], cwd=tmp_path, capture_output=True, text=True, timeout=100
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]


RECIPE = Path(__file__).parents[2] / "docs" / "sources" / "prometheus.md"


def test_the_recipe_for_alerts_of_prometheus_follows_them(tmp_path: Path) -> None:
    """The configuration in the documentation, on what a real Prometheus answers."""
    config = next(part for part in RECIPE.read_text().split("```") if "(ALERTS{" in part).removeprefix("yaml\n")
    sources, rules = config.split("rules:\n")
    head = f"{ACCOUNT}{sources}"
    query = sources.partition("alerts: ")[2].strip()
    disk, node = 'alertname="DiskFull",instance="a"', 'alertname="NodeDown",instance="b"'
    firing, start = 'alertstate="firing"', int(time.time()) // 3600 * 3600 - 6 * 3600
    values: VALUES = {
        f'ALERTS{{{disk},alertstate="pending",severity="warning"}}': [1.0] * 5 + [None] * 25,
        f'ALERTS{{{disk},{firing},severity="warning"}}': [None] * 5 + [1.0] * 10 + [None] * 15,
        f'ALERTS{{{node},{firing},severity="critical"}}': [None] * 8 + [1.0] * 3 + [None] * 19,
        f'ALERTS{{alertname="Watchdog",{firing},severity="none"}}': [1.0] * 30,
    }
    # Prometheus marks the end of an alert; what is back-filled is seen for as long as the server looks back.
    with prometheus(openmetrics(values, start), lookback="59s") as address:
        found = results(address, query, start)
    with Harness(tmp_path, f"rules:\n{rules}", start, head) as harness:
        changes: list[tuple[int, str, Any]] = []
        for minute in range(30):
            at = start + 60.0 * minute
            samples = [Sample(Series("prod.alerts", labels), value, at, at) for labels, value in found[minute].items()]
            harness.engine.ingest(Poll("prod", at, 160.0, tuple(samples)))
            harness.pass_time(at + 59)
            changes += [(minute, *each) for each in harness.severity_changes()[len(changes) :]]
        labels = "{alertname="
        assert [(minute, name.replace(labels, " ").split(",")[0], change) for minute, name, change in changes] == [
            (5, 'prometheus-warning "DiskFull"', "fired"),
            (8, 'prometheus-critical "NodeDown"', "fired"),
            (11, 'prometheus-critical "NodeDown"', "resolved"),
            (15, 'prometheus-warning "DiskFull"', "resolved"),
        ]
        assert [message.content.title for message in harness.take() if message.content.title]

"""The authority on ``for`` and ``keep_firing_for``: Prometheus' own rule tester checks what ours decided."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from campaign import rounds
from engine.harness import Harness, poll_of
from smithd.alerts.alert import Alert
from smithd.alerts.rule import RuleOptions, compile_rule
from smithd.alerts.severity import Severity
from smithd.alerts.transitions import on_value
from smithd.plugin.sample import Series

SECONDS = 90
START = 1_763_906_400.0
LOOKBACK = 300.0
CASES = 40  # the tester evaluates every rule in every case

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="needs promtool: apt-get install prometheus"
)


def firing_seconds(threshold: str, hold: int, keep: int, values: list[int]) -> list[bool]:
    options = {"metric": "a.b", "critical": threshold, "for": f"{hold}s", "keep_firing_for": f"{keep}s"}
    return [severity is not None for severity in severities(options, values)]


def severities(options: Mapping[str, object], values: list[int]) -> list[Severity | None]:
    """The severity of a rule's alert in each second."""
    rule = compile_rule("r", RuleOptions.model_validate(options))
    alert: Alert | None = None
    seconds = []
    for at, value in enumerate(values):
        if transition := on_value(rule, Series("a.b"), alert, value, at):
            alert = transition.after
        seconds.append(alert.severity if alert is not None else None)
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
    rules: list[dict[str, str]] = []
    tests: list[dict[str, object]] = []
    for case in range(CASES):
        hold, keep, values = chance.choice([0, 1, 7, 20]), chance.choice([0, 1, 5, 15]), runs_of_values(chance)
        threshold = chance.choice(["> 0", ">= 1", "== 1", "!= 0", "< 1", "<= 0"])
        times = {"for": f"{hold}s", "keep_firing_for": f"{keep}s"}
        rules.append({"alert": f"case{case}", "expr": f"m{case} {threshold}", **times})
        expected = [
            {"eval_time": f"{at}s", "alertname": f"case{case}", "exp_alerts": [{"exp_labels": {}}] if fires else []}
            for at, fires in enumerate(firing_seconds(threshold, hold, keep, values))
        ]
        series = [{"series": f"m{case}", "values": " ".join(map(str, values))}]
        tests.append({"interval": "1s", "input_series": series, "alert_rule_test": expected})
    ask(tmp_path, rules, tests)


@needs_promtool
@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(rounds(1, 20)))
def test_the_worst_severity_fires_as_a_rule_of_its_own_does(seed: int, tmp_path: Path) -> None:
    """Whatever times the severity below it has."""
    chance = random.Random(seed)  # noqa: S311 - a fixed choice of cases, no secret
    rules: list[dict[str, str]] = []
    tests: list[dict[str, object]] = []
    for case in range(CASES):
        values = [value * chance.randint(1, 2) for value in runs_of_values(chance)]
        times = {key: [chance.choice([0, 1, 7, 20]) for _ in range(2)] for key in ("for", "keep_firing_for")}
        by_severity = {key: {"warning": f"{low}s", "critical": f"{high}s"} for key, (low, high) in times.items()}
        watched = {"metric": "a.b", "warning": "> 0", "critical": "> 1", **by_severity}
        rules.append(
            {"alert": f"case{case}", "expr": f"m{case} > 1"} | {key: f"{high}s" for key, (_, high) in times.items()}
        )
        critical = [severity is Severity.CRITICAL for severity in severities(watched, values)]
        expected = [
            {"eval_time": f"{at}s", "alertname": f"case{case}", "exp_alerts": [{"exp_labels": {}}] if fires else []}
            for at, fires in enumerate(critical)
        ]
        series = [{"series": f"m{case}", "values": " ".join(map(str, values))}]
        tests.append({"interval": "1s", "input_series": series, "alert_rule_test": expected})
    ask(tmp_path, rules, tests)


@needs_promtool
@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(rounds(1, 20)))
def test_expressions_fire_for_the_same_series_in_the_same_seconds(seed: int, tmp_path: Path) -> None:
    """Through the whole engine, polled every second."""
    chance = random.Random(seed)  # noqa: S311 - a fixed choice of cases, no secret
    names = [f"{metric}{{house='{house}'}}" for metric in ("errors", "orders") for house in "abc"]
    values = {name: [float(value * chance.randint(1, 3)) for value in runs_of_values(chance)] for name in names}
    cases = {f"case{case}": (expression(chance), chance.choice([0, 1, 7]), chance.choice([0, 5])) for case in range(20)}
    written = "".join(
        f'  {name}: {{when: "{text}", severity: critical, for: {hold}s, keep_firing_for: {keep}s}}\n'
        for name, (text, hold, keep) in cases.items()
    )
    expected = []
    with Harness(tmp_path, f"rules:\n{written}", START) as harness:
        for at in range(SECONDS):
            now = {name: given[at] for name, given in values.items()}
            by_metric = {
                metric: {house: now[f"{metric}{{house='{house}'}}"] for house in "abc"}
                for metric in ("errors", "orders")
            }
            harness.poll(START + at, "shop", **by_metric)
            firing = [alert for alert in harness.engine.alerts if alert.severity is not None]
            for name in cases:
                labels = [{"exp_labels": dict(alert.series.labels)} for alert in firing if alert.rule == name]
                expected.append({"eval_time": f"{at}s", "alertname": name, "exp_alerts": labels})
    rules = [
        {"alert": name, "expr": text.replace("shop.", ""), "for": f"{hold}s", "keep_firing_for": f"{keep}s"}
        for name, (text, hold, keep) in cases.items()
    ]
    series = [{"series": name, "values": " ".join(map(str, given))} for name, given in values.items()]
    ask(tmp_path, rules, [{"interval": "1s", "input_series": series, "alert_rule_test": expected}])


@needs_promtool
@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(rounds(1, 20)))
def test_what_is_absent_means_the_same_in_the_same_seconds(seed: int, tmp_path: Path) -> None:
    """Series that come and go, where an expression says what their absence means: with ``or``, ``unless`` and so on."""
    chance = random.Random(seed)  # noqa: S311 - a fixed choice of cases, no secret
    orders = {house: [float(value) for value in runs_of_values(chance)] for house in "abc"}
    errors: dict[str, list[float | None]] = {house: runs_with_gaps(chance, SECONDS) for house in "abc"}
    cases = {f"case{case}": (absence(chance), chance.choice([0, 1, 7]), chance.choice([0, 5])) for case in range(20)}
    written = "".join(
        f'  {name}: {{when: "{text}", severity: critical, for: {hold}s, keep_firing_for: {keep}s}}\n'
        for name, (text, hold, keep) in cases.items()
    )
    expected = []
    with Harness(tmp_path, f"rules:\n{written}", START) as harness:
        for at in range(SECONDS):
            there = {house: value for house in "abc" if (value := errors[house][at]) is not None}
            harness.poll(START + at, errors=there, orders={house: orders[house][at] for house in "abc"})
            expected += seen(harness, cases, f"{at}s")
    rules = [
        {
            "alert": name,
            "expr": text.replace("shop.", "").replace("or 0", "or vector(0)").replace("not ", "absent"),
            "for": f"{hold}s",
            "keep_firing_for": f"{keep}s",
        }
        for name, (text, hold, keep) in cases.items()
    ]
    series = [{"series": f"orders{{house='{house}'}}", "values": prometheus(orders[house])} for house in "abc"]
    series += [{"series": f"errors{{house='{house}'}}", "values": prometheus(errors[house])} for house in "abc"]
    ask(tmp_path, rules, [{"interval": "1s", "input_series": series, "alert_rule_test": expected}])


@needs_promtool
@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(rounds(1, 20)))
def test_a_gap_breaks_the_same_holds(seed: int, tmp_path: Path) -> None:
    """A sample a minute, and gaps: polls that fail, and none at all. Values are fresh as long as Prometheus looks back
    for them. That what fires ends with a gap, as in Prometheus, is what ``ok`` asks for.
    """
    chance = random.Random(seed)  # noqa: S311 - a fixed choice of cases, no secret
    values = runs_with_gaps(chance, 3 * SECONDS)
    cases = {f"case{case}": (chance.randint(0, 2), chance.choice([0, 1, 3, 7])) for case in range(12)}
    written = "".join(
        f"  {name}: {{{asked}, for: {hold}m, no_data: ok, on_error: ok}}\n"
        for case, (name, (limit, hold)) in enumerate(cases.items())
        for asked in [
            f'metric: shop.errors, critical: "> {limit}"'
            if case % 2
            else f'when: "shop.errors > {limit}", severity: critical'
        ]
    )
    expected = []
    with Harness(tmp_path, f"rules:\n{written}", START) as harness:
        for minute, value in enumerate(values):
            at = START + 60 * minute
            harness.pass_time(at)
            if value is not None:
                harness.engine.ingest(replace(poll_of(at, errors=value), fresh_for=LOOKBACK))
            elif chance.random() < 0.5:
                harness.fail(at)
            expected += seen(harness, cases, f"{minute}m")
    rules = [{"alert": name, "expr": f"errors > {limit}", "for": f"{hold}m"} for name, (limit, hold) in cases.items()]
    series = [{"series": "errors", "values": prometheus(values, gap="_")}]
    # It looks between the samples as well: values that are fresh for five minutes cease to be there.
    ask(tmp_path, rules, [{"interval": "1m", "input_series": series, "alert_rule_test": expected}], "10s")


def runs_with_gaps(chance: random.Random, length: int) -> list[float | None]:
    """Values that last for a while, and gaps between some of them."""
    values: list[float | None] = []
    while len(values) < length:
        values += [chance.choice([None, 0.0, 1.0, 2.0, 3.0])] * chance.randint(1, 12)
    return values[:length]


def prometheus(values: Iterable[float | None], gap: str = "stale") -> str:
    """In the notation of its tests."""
    return " ".join(gap if value is None else f"{value:g}" for value in values)


def seen(harness: Harness, rules: Iterable[str], at: str) -> list[dict[str, object]]:
    """The alerts that fire now, as the tester wants them written."""
    firing = [alert for alert in harness.engine.alerts if alert.severity is not None]
    return [
        {
            "eval_time": at,
            "alertname": rule,
            "exp_alerts": [{"exp_labels": dict(alert.series.labels)} for alert in firing if alert.rule == rule],
        }
        for rule in rules
    ]


def absence(chance: random.Random) -> str:
    """An expression for which it is known what the absence of errors means."""
    low, high = chance.randint(0, 1), chance.randint(1, 4)
    return chance.choice(
        [
            f"(count(shop.errors) or 0) < {high}",
            f"(sum(shop.errors) or 0) > {high}",
            f"(count(shop.errors > {low}) or 0) >= {high}",
            f"(count by (house) (shop.errors) or shop.orders) > {low}",
            f"(shop.errors or shop.orders) > {low}",
            "absent(shop.errors)",
            "absent(shop.errors{house='a'})",
            "not (shop.errors)",
            f"shop.orders > {low} unless on () shop.errors",
            f"shop.orders >= {low} unless shop.errors > {low}",
            f"shop.orders >= {low} and on () (count(shop.errors) or 0) < {high}",
            f"(sum(shop.orders) - (count(shop.errors) or 0)) > {low}",
        ]
    )


def expression(chance: random.Random) -> str:
    """An expression that both languages have."""
    one, other = chance.sample(["shop.errors", "shop.orders"], 2)
    low, high = chance.randint(0, 2), chance.randint(1, 5)
    return chance.choice(
        [
            f"{one} > {low}",
            f"{one} > {low} and {other} < {high}",
            f"{one} > {low} or {other} >= {high}",
            f"{one} > {low} unless {other} > {low}",
            f"{one} - {other} > {low}",
            f"{one} > {other}",
            f"sum({one}) > {high}",
            f"max by (house) ({one} + {other}) >= {high}",
            f"count({one} > {low}) >= 2",
            f"{one} / ({other} + 1) > {low}",  # what is divided by zero is no value here, and infinite there
        ]
    )


def ask(folder: Path, rules: list[dict[str, str]], tests: list[dict[str, object]], interval: str = "1s") -> None:
    """Have Prometheus say whether these alerts fire at these times."""
    group = {"groups": [{"name": "all", "interval": interval, "rules": rules}]}
    (folder / "rules.json").write_text(json.dumps(group))
    suite = {"rule_files": ["rules.json"], "evaluation_interval": interval, "tests": tests}
    (folder / "suite.json").write_text(json.dumps(suite))
    ran = subprocess.run(
        ["promtool", "test", "rules", "suite.json"], cwd=folder, capture_output=True, text=True, timeout=100
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]

"""The alert rules and the dashboard for smithd itself: Prometheus' own tools take them, and name metrics that exist."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from metrics.scraped import parsed
from metrics.test_exposition import scrape
from servers import installed

PROJECT = Path(__file__).parents[2]
MONITORING = PROJECT / "examples" / "monitoring"
RULES = yaml.safe_load((MONITORING / "smithd.rules.yml").read_text())
TESTS = (MONITORING / "smithd.rules.test.yml").read_text()
DASHBOARD = json.loads((MONITORING / "smithd.dashboard.json").read_text())
DOCUMENTED = (PROJECT / "docs" / "monitoring.md").read_text()

OF_PROMETHEUS = {"up"}


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The labels of each metric that a scrape has."""
    found = parsed(scrape(tmp_path_factory.mktemp("scraped")).body)
    return {name: set().union(*(of_labels for of_labels, _ in series)) for name, series in found.items()}


def queries() -> Iterator[tuple[str, str]]:
    """Every query, with where it stands."""
    for rule in (rule for group in RULES["groups"] for rule in group["rules"]):
        yield rule["alert"], rule["expr"]
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for annotation in DASHBOARD["annotations"]["list"]:
        yield annotation["name"], annotation["expr"]


def selectors(part: Any) -> Iterator[tuple[str, set[str]]]:
    """The metrics that a parsed query names, with the labels that it matches."""
    if isinstance(part, promql_parser.VectorSelector):
        assert part.name is not None
        yield part.name, {matcher.name for matcher in part.matchers.matchers}
    for name in ("expr", "lhs", "rhs", "param", "args", "vector_selector"):
        child = getattr(part, name, None)
        for each in child if isinstance(child, list) else [child] if child is not None else []:
            yield from selectors(each)


@pytest.mark.parametrize(("where", "query"), list(queries()), ids=lambda given: given[:40])
def test_a_query_is_valid_and_names_metrics_and_labels_that_exist(
    where: str, query: str, exposed: dict[str, set[str]]
) -> None:
    found = list(selectors(promql_parser.parse(query.replace("$__rate_interval", "5m"))))
    assert found, where
    for name, matched in found:
        assert name in exposed or name in OF_PROMETHEUS, name
        assert matched - {"job", "instance"} <= exposed.get(name, set()), name
    named = set(re.findall(r"\bby \(([^)]*)\)", query))
    for label in {label.strip() for names in named for label in names.split(",")} - {"job", "instance"}:
        assert any(label in exposed[name] for name, _ in found), label


def test_promtool_finds_the_rules_right_and_their_tests_pass() -> None:
    promtool = installed("promtool", "prometheus")
    for arguments in (["check", "rules", "smithd.rules.yml"], ["test", "rules", "smithd.rules.test.yml"]):
        done = subprocess.run([promtool, *arguments], cwd=MONITORING, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_parses_the_dashboard_s_queries_too(tmp_path: Path) -> None:
    promtool = installed("promtool", "prometheus")
    rules = [
        {"record": f"query:{number}", "expr": query.replace("$__rate_interval", "5m")}
        for number, (_, query) in enumerate(queries())
    ]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = subprocess.run(
        [promtool, "check", "rules", str(tmp_path / "rules.yml")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", [rule["alert"] for group in RULES["groups"] for rule in group["rules"]])
def test_each_alert_has_a_test_in_which_it_fires_and_says_what_to_do(alert: str) -> None:
    assert re.search(rf"\b{alert}\b", TESTS)
    (rule,) = [rule for group in RULES["groups"] for rule in group["rules"] if rule["alert"] == alert]
    assert rule["labels"]["severity"] in ("info", "warning", "critical")
    assert all(rule["annotations"][name] for name in ("summary", "description"))


def test_every_metric_is_documented_and_every_documented_metric_exists(exposed: dict[str, set[str]]) -> None:
    ours = {re.sub(r"_(bucket|count|sum)$", "", name) for name in exposed if name.startswith("smithd_")}
    documented = set(re.findall(r"`(smithd_[a-z_]+)`", DOCUMENTED))
    assert documented == ours


def test_the_panels_of_the_dashboard_do_not_lie_upon_each_other() -> None:
    taken: dict[tuple[int, int], str] = {}
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]

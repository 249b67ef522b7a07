"""Severities have their own times: what the phone is told when an alert rises, falls and ends, as rule tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from smithd.cli.main import run

PLUGIN = """
from smithd.plugin import Options, Source

class Shop(Source[Options]):
    Options = Options

    @classmethod
    def metrics(cls, options):
        return ["errors", "orders"]

    async def poll(self):
        raise AssertionError("a test polls nobody")
"""
CONFIG = """
activitysmith: {api_key: "${env:NO_SUCH_KEY}"}
timezone: Europe/Berlin
plugins: [shop.py]
sources:
  shop: {type: shop, every: 1m}
rules:
"""
SPELLS = 'errors: {metric: shop.errors, warning: "> 3", critical: "> 5", push: true}'
TOLD = """
errors:
  metric: shop.errors
  warning: "> 3"
  critical: "> 5"
  for: {warning: 10m, critical: 2m}
  push: {message: "{{ severity }} {{ since }} {{ duration | duration }}, {{ started }} {{ total | duration }}"}
"""
MANY = 'errors: {metric: shop.errors, warning: "> 3", critical: "> 5", push: {group_interval: 1m}}'
SILENT = 'errors: {metric: shop.errors, warning: "> 3", critical: "> 5", push: {on_resolve: none}}'
OFTEN = """
errors:
  metric: shop.errors
  warning: "> 3"
  critical: "> 5"
  recover: {warning: "< 2", critical: "< 4"}
  push: {group_by: ["..."]}
"""
MISSING = 'errors: {metric: shop.errors, warning: "> 3", no_data: {severity: critical, after: 5m}, push: true}'
RETURNS = """
errors:
  metric: shop.errors
  warning: "> 3"
  for: 5m
  no_data: {severity: warning, after: 5m}
  push: {message: "since {{ since }}, in all {{ started }}"}
"""
CASES = {
    "an hour of a warning, five critical minutes, and an hour again": (
        SPELLS,
        """
    input: [{series: shop.errors, values: 0x4 4x59 6x4 4x59 0x2}]
    alerts:
      - {at: 1h5m, rule: errors, state: firing, severity: critical}
      - {at: 1h10m, rule: errors, state: firing, severity: warning}
    pushes:
      - {at: 5m, title: errors is warning}
      - at: 1h5m
        title: errors is critical
        message: "shop.errors is 6 (critical > 5; normal: 3 or less), since 21:05."
      - {at: 1h5m, title: "Earlier: errors is warning", in_place: true}
      - at: 1h10m
        title: errors is warning
        message: "shop.errors is 4 (warning > 3; normal: 3 or less), since 20:05."
        in_place: true
      - at: 2h10m
        title: "Resolved: errors"
        message: "shop.errors is 0 (normal: 3 or less).
          It was warning for 2h 5m, 20:05 to 22:10, of that critical 5m, 21:05 to 21:10."
        in_place: true
""",
    ),
    "of several critical times the sum, and when the last was": (
        SPELLS,
        """
    input: [{series: shop.errors, values: 4 6x3 4x9 6x1 4 0}]
    pushes:
      - {at: 0s, title: errors is warning}
      - {at: 1m..1m2s, title: errors is critical}
      - {at: 1m..1m2s, title: "Earlier: errors is warning", in_place: true}
      - {at: 5m, title: errors is warning, in_place: true}
      - {at: 15m, title: errors is critical}
      - {at: 15m, title: "Earlier: errors is warning", in_place: true}
      - {at: 17m, title: errors is warning, in_place: true}
      - at: 18m
        title: "Resolved: errors"
        message: "shop.errors is 0 (normal: 3 or less).
          It was warning for 18m, 20:00 to 20:18, of that critical 6m, last 20:15 to 20:17."
        in_place: true
""",
    ),
    "a rise that was shown in place before it is announced did not happen then": (
        SPELLS,
        """
    input: [{series: shop.errors, values: 4 6 4x1 6x5 0}]
    pushes:
      - {at: 0s, title: errors is warning}
      - {at: 1m, title: errors is critical}
      - {at: 1m, message: As of 20:00. It rose to critical at 20:01., in_place: true}
      - {at: 2m, title: errors is warning, in_place: true}
      - {at: 4m, title: errors is critical, in_place: true}
      - {at: 6m, title: errors is critical, message: "shop.errors is 6 (critical > 5; normal: 3 or less), since 20:04."}
      - at: 6m
        title: "Earlier: errors is critical"
        message: As of 20:04. A newer notification followed at 20:06.
        in_place: true
      - {at: 10m, title: "Resolved: errors", in_place: true}
""",
    ),
    "what was critical from the first to the last is not called a warning": (
        SPELLS,
        """
    input: [{series: shop.errors, values: 6x4 0}]
    pushes:
      - {at: 0s, title: errors is critical}
      - at: 5m
        message: "shop.errors is 0 (normal: 3 or less). It was critical for 5m, 20:00 to 20:05."
        in_place: true
""",
    ),
    "since is when the severity's own threshold was breached, before its for": (
        TOLD,
        """
    input: [{series: shop.errors, values: 0 4x19 6x4 4x4 0}]
    pushes:
      - {at: 11m, message: "warning 20:01 10m, 20:01 10m"}
      - {at: 23m, message: "critical 20:21 2m, 20:01 22m"}
      - {at: 23m, title: "Earlier: errors is warning", in_place: true}
      - {at: 26m, message: "warning 20:01 25m, 20:01 25m", in_place: true}
      - at: 31m
        message: "shop.errors is 0 (normal: 3 or less).
          It was warning for 30m, 20:01 to 20:31, of that critical 5m, 20:21 to 20:26."
        in_place: true
""",
    ),
    "each alert of a group has its own": (
        MANY,
        """
    input:
      - {series: 'shop.errors{host="a"}', values: 4x3 6x1 4x1 0x3}
      - {series: 'shop.errors{host="b"}', values: 4x9}
    pushes:
      - {at: 0s, title: "errors: 2 alerts, warning"}
      - {at: 4m, message: "a: 6, critical since 20:04\\nb: 4, warning since 20:00\\nNormal for shop.errors: 3 or less."}
      - {at: 4m, title: "Earlier: errors: 2 alerts, warning", in_place: true}
      - {at: 6m, title: "errors: 2 alerts, warning", in_place: true}
      - at: 8m
        title: errors (b) is warning
        message: "b: 4, warning since 20:00\\nNormal for shop.errors: 3 or less.\\nEnded:\\n\\
          errors (a): warning for 8m, 20:00 to 20:08, of that critical 2m, 20:04 to 20:06"
        in_place: true
""",
    ),
    "a fall is shown also where the end is not": (
        SILENT,
        """
    input: [{series: shop.errors, values: 6x1 4x1 0x1}]
    pushes:
      - {at: 0s, title: errors is critical}
      - {at: 2m, title: errors is warning, in_place: true}
""",
    ),
    "a value that swings about a threshold is critical once, until its own recover": (
        OFTEN,
        """
    input: [{series: shop.errors, values: 4 6 4 6 4 6 1}]
    pushes:
      - {at: 0s, title: errors is warning}
      - {at: 1m, title: errors is critical}
      - {at: 1m, title: "Earlier: errors is warning", in_place: true}
      - at: 6m
        message: "shop.errors is 1 (normal: < 2).
          It was warning for 6m, 20:00 to 20:06, of that critical 5m, 20:01 to 20:06."
        in_place: true
""",
    ),
    "an alert that begins as missing data returns is another one": (
        RETURNS,
        """
    input: [{series: shop.errors, values: 0x4 stale stale stale stale stale stale stale stale stale stale 4x9 0}]
    pushes:
      - {at: 9m, message: "shop.errors has no data for 5m; it was 0 before, since 20:04."}
      - {at: 15m, title: "Resolved: errors", in_place: true}
      - {at: 20m, message: "since 20:15, in all 20:15"}
      - at: 25m
        message: "shop.errors is 0 (normal: 3 or less). It was warning for 10m, 20:15 to 20:25."
        in_place: true
""",
    ),
    "missing data that is critical has its own time, too": (
        MISSING,
        """
    input: [{series: shop.errors, values: 4x9 stale stale stale stale stale stale stale stale stale stale 4 0}]
    pushes:
      - {at: 0s, title: errors is warning}
      - {at: 14m, title: errors is critical, message: "shop.errors has no data for 5m; it was 4 before, since 20:09."}
      - {at: 14m, title: "Earlier: errors is warning", in_place: true}
      - {at: 20m, title: errors is warning, in_place: true}
      - at: 21m
        message: "shop.errors is 0 (normal: 3 or less).
          It was warning for 21m, 20:00 to 20:21, of that critical 11m, 20:09 to 20:20."
        in_place: true
""",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_phone_is_told_what_is_true(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rule, case = CASES[name]
    (tmp_path / "shop.py").write_text(PLUGIN)
    (tmp_path / "smithd.yaml").write_text(CONFIG + "".join(f"  {line}\n" for line in rule.strip().split("\n")))
    test = tmp_path / "rules.test.yaml"
    test.write_text(f'start: 2026-11-23 20:00\ntests:\n  - name: "{name}"{case}')
    assert run(["test", str(test)]) == 0, capsys.readouterr().out

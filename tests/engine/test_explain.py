"""``smithd explain``: what became of an alert, for a person, its state, and what would have to happen next."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.harness import Harness
from engine.test_notification import EVENING, NIGHT, NIGHTS, rule, rules
from smithd.cli.main import run
from smithd.explain import explain, text
from smithd.poll.intake import Poll

CONFIG = (
    rules(
        rule("stock", "stock", mute="[nights]", **{"for": "2m", "keep_firing_for": "5m"}),
        "  both: {when: shop.errors > 3 and shop.orders < 2, severity: critical}\n",
    )
    + NIGHTS
)


def told(harness: Harness, rule: str, labels: str = "") -> list[str]:
    return list(text(explain(harness.engine.engine, harness.engine.entries(rule), rule, labels, harness.now)))


def test_it_says_when_a_rule_fires_and_how_far_it_is_from_that(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, EVENING) as harness:
        harness.poll(EVENING, stock=0.5, errors=4, orders=9)
        lines = told(harness, "stock")
        assert lines[0] == "stock: warning when shop.stock > 1 for 2m; critical when shop.stock > 5 for 2m"
        assert "shop.stock is 0.5; warning when shop.stock > 1 for 2m; critical when shop.stock > 5 for 2m" in lines
        lines = told(harness, "both")
        assert "  now: shop.errors is 4 and shop.orders is 9" in lines
        assert "  no notifications: it has no push" in lines


COUNTING = """
activitysmith: {api_key: ask_test}
state: sqlite:///state.db
timezone: UTC
sources:
  shop: {type: http_json, url: "http://127.0.0.1:1/", every: 10m, metrics: {visits: {path: $.visits, counter: true}}}
"""


def test_of_a_counter_it_says_what_is_compared(tmp_path: Path) -> None:
    rules = "rules:\n  visits: {metric: shop.visits, warning: drops > 50% over 1h}\n"
    with Harness(tmp_path, rules, EVENING, head=COUNTING) as harness:
        harness.poll(EVENING, visits=5000)
        assert any("too little is known of what it counted in 1h" in line for line in told(harness, "visits"))
        for step in range(1, 13):
            harness.poll(EVENING + 600 * step, visits=5000 + 10 * step)
        assert any(line.startswith("shop.visits rose by 60 in 1h; ") for line in told(harness, "visits"))
        for step in range(13, 19):
            harness.poll(EVENING + 600 * step, visits=5120)
        assert any(
            "warning since" in line and "shop.visits rose by 0 in 1h" in line for line in told(harness, "visits")
        )
        (alert,) = harness.engine.engine.state.alerts
        assert alert.value == 20


def test_each_severity_has_its_own_since(tmp_path: Path) -> None:
    config = rules("  stock: {metric: shop.stock, warning: '> 1', critical: '> 5', for: {critical: 1m}}\n")
    with Harness(tmp_path, config, EVENING) as harness:
        harness.poll(EVENING, stock=2)
        harness.poll(EVENING + 60, stock=7)
        assert "stock: warning since 20:00:00, shop.stock is 7" in told(harness, "stock")
        harness.poll(EVENING + 120, stock=7)
        assert "stock: critical since 20:01:00 (the alert: 20:00:00), shop.stock is 7" in told(harness, "stock")


def test_it_counts_the_series_that_breach_and_have_no_alert(tmp_path: Path) -> None:
    config = rules("  stock: {metric: shop.stock, warning: '> 1', max_alerts: 1}\n")
    with Harness(tmp_path, config, EVENING) as harness:
        harness.poll(EVENING, stock={"a": 7, "b": 7, "c": 7, "d": 0})
        why = "more series breach and have no alert: the rule has as many as it may have (max_alerts)"
        lines = told(harness, "stock")
        assert f"2 {why}" in lines
        assert [line.partition(" ")[0] for line in lines if " is 0" in line] == ['shop.stock{house="d"}']
        assert f"1 {why}" in told(harness, "stock", "house=b")


def test_it_tells_the_story_in_order_with_decisions_and_deliveries(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, EVENING) as harness:
        harness.poll(EVENING, stock={"a": 7, "b": 0})
        assert "  warning at 20:02:00 if it stays > 1" in told(harness, "stock")
        harness.poll(EVENING + 120, stock={"a": 7, "b": 0})
        harness.take()
        harness.poll(NIGHT, stock={"a": 7, "b": 7})
        harness.poll(NIGHT + 120, stock={"a": 0, "b": 7})
        lines = told(harness, "stock")
        assert '{house="a"}: critical since 20:00:00, shop.stock{house="a"} is 0' in lines
        assert "  no longer critical at 23:07:00 if it stays clear" in lines
        assert "  muted: nights until Tue 24 Nov 07:00:00" in lines
        assert "  no longer warning when it is not > 1 for 5m" in lines
        scenario = lines[lines.index("What happened") + 1 :]
        assert scenario[1].endswith(
            'fired critical: shop.stock{house="a"} is 7 (critical > 5; normal: 1 or less) [notified]'
        )
        assert [line for line in scenario if "[muted: nights until Tue 07:00]" in line]
        assert scenario[-1] == "  accepted 20:02:00: stock (a) is critical"
        only = told(harness, "stock", "house=b")
        assert not [line for line in only if 'house="a"' in line]


def test_it_counts_what_damping_adds(tmp_path: Path) -> None:
    with Harness(tmp_path, "rules: {e: {metric: shop.errors, warning: '> 1', damping: 30m}}\n", EVENING) as harness:
        for minute, value in enumerate((2, 0, 2, 2)):
            harness.poll(EVENING + 60 * minute, errors=value)
        assert "  no longer warning when it is not > 1 for 52s" in told(harness, "e")
        harness.poll(EVENING + 240, errors=0)
        assert "  no longer warning at 20:04:49 if it stays clear" in told(harness, "e")
        harness.pass_time(EVENING + 288)
        assert len(harness.engine.alerts) == 1
        harness.pass_time(EVENING + 290)
        assert harness.engine.alerts == []


def test_an_expression_that_is_clear_is_told_with_what_is_known(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, EVENING) as harness:
        harness.poll(EVENING, errors=0, orders=9)
        lines = told(harness, "both")
        assert "no alert" in lines
        assert "  now: shop.errors is 0 and shop.orders is 9" in lines


def test_it_works_without_a_daemon_as_text_and_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Harness(tmp_path, CONFIG, EVENING) as harness:
        harness.poll(EVENING, stock={"a": 7})
        harness.poll(EVENING + 120, stock={"a": 7})
        config = str(tmp_path / "smithd.yaml")
        before = (tmp_path / "state.db").read_bytes()
        assert run(["explain", "stock", "house=a", "-c", config]) == 0
        assert "waits to be sent" in capsys.readouterr().out
        assert run(["explain", "stock", "-c", config, "--format", "json"]) == 0
        printed = json.loads(capsys.readouterr().out)
        assert printed["alerts"][0]["severity"] == "critical"
        assert [entry["reason"] for entry in printed["journal"]][-1] == "notified"
        assert (tmp_path / "state.db").read_bytes() == before


def test_what_was_polled_begins_no_line_and_is_whole_in_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = "a\nWhat happened\x1b[2J\u202e\u200d"
    with Harness(tmp_path, CONFIG, EVENING) as harness:
        harness.poll(EVENING, stock={hostile: 7})
        harness.poll(EVENING + 120, stock={hostile: 7})
        config = str(tmp_path / "smithd.yaml")
        assert run(["explain", "stock", "-c", config]) == 0
        assert capsys.readouterr().out.split("\n").count("What happened") == 1
        assert run(["explain", "stock", "-c", config, "--format", "json"]) == 0
        printed = capsys.readouterr().out
        assert json.loads(printed)["alerts"][0]["labels"] == {"house": hostile}
        assert printed.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["widget:shop.stck"], "there is no widget 'shop.stck'; there are: "),
        (["stok"], "there is no rule 'stok'; did you mean 'stock'?"),
        (["nothing-like-it"], "rules: both, stock"),
        (["stock", "house"], "'house' is no matcher"),
        (["shop.errors"], "'shop.errors' is a metric, and no rule; these rules look at it: both"),
    ],
)
def test_what_it_cannot_explain_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    with Harness(tmp_path, CONFIG, EVENING):
        pass
    assert run(["explain", *arguments, "-c", str(tmp_path / "smithd.yaml")]) == 2
    assert said in capsys.readouterr().err


def test_a_metric_that_no_rule_looks_at_is_said_to_be_one(tmp_path: Path) -> None:
    config, said = rules(rule("stock", "stock")), r"'shop\.errors' is a metric, and no rule looks at it"
    with Harness(tmp_path, config, EVENING) as harness, pytest.raises(ValueError, match=said):
        told(harness, "shop.errors")


def test_labels_that_no_series_has_are_said_to_be_so(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, EVENING) as harness:
        harness.poll(
            EVENING, stock={"hall-1": 7, "hall-2": 0, "yard": 0, "roof": 0, "attic": 0, "cellar": 0, "shed": 0}
        )
        lines = told(harness, "stock", "house=hall-9")
        known = next(line for line in lines if line.startswith("no series of it that is known has these labels; "))
        assert known.partition("there are: ")[2].split(", ")[:2] == ['{house="hall-2"}', '{house="hall-1"}']
        assert known.count("{house=") == 5
        assert not [line for line in told(harness, "stock", "house=yard") if "no series" in line]
        harness.pass_time(EVENING + 3600)
        assert not [line for line in told(harness, "stock", "house=hall-1") if "no series" in line]


def test_a_source_that_waits_is_named_with_why(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, EVENING) as harness:
        harness.poll(EVENING, stock=0.5)
        why = "api:443: HTTP 429, too many requests: it asks to wait 1m, until 20:01:30 UTC"
        harness.engine.ingest(Poll("shop", EVENING + 30, 75.0, (), why))
        harness.now = EVENING + 30
        assert f"  source shop fails since 20:00:30: {why}" in told(harness, "stock")
        harness.poll(EVENING + 90, stock=0.5)
        assert not [line for line in told(harness, "stock") if "fails since" in line]


def test_a_value_that_is_too_old_is_said_to_be_so(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, EVENING) as harness:
        harness.poll(EVENING, stock=0.5)
        harness.pass_time(EVENING + 600)
        lines = told(harness, "stock")
        assert "shop.stock was 0.5 at 20:00:00: too old to say whether it fires" in lines


def test_of_an_alert_about_what_is_missing_nothing_is_called_forgotten(tmp_path: Path) -> None:
    config = rules(rule("stock", "stock", on_error="{severity: critical, after: 5m}"))
    with Harness(tmp_path, config, EVENING) as harness:
        harness.poll(EVENING, stock=0.5)
        harness.fail(EVENING + 30)
        harness.pass_time(EVENING + 600)
        lines = told(harness, "stock")
        assert "  because of what is missing: source shop" in lines
        assert "What happened" in lines
        assert not [line for line in lines if "nothing is kept" in line]


def test_a_journal_that_begins_late_or_is_cut_says_so(tmp_path: Path) -> None:
    config = rules(rule("stock", "stock", damping="0s"))
    with Harness(tmp_path, config, EVENING) as harness:
        for minute in range(60):
            harness.poll(EVENING + 60 * minute, stock=7 * ((minute + 1) % 2))
        entries = harness.engine.entries("stock")
        said = [line for line in told(harness, "stock") if "earlier decisions are not listed" in line]
        assert said == [f"  ({len(entries) - 50} earlier decisions are not listed)"]
        harness.poll(EVENING + 3600, stock=2)
        harness.poll(EVENING + 3660, stock=7)
        newest = harness.engine.entries("stock")[-1:]
        lines = list(text(explain(harness.engine.engine, newest, "stock", "", harness.now)))
        assert "  (of what was before 21:01:00, nothing is kept)" in lines

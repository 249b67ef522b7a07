"""``smithd test``: what passes, what fails and how that reads, and mistakes at their place."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from smithd.cli.main import run

EXAMPLE = Path(__file__).parents[2] / "examples" / "rules" / "rules.test.yaml"
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
  daily: {type: shop, cron: "30 8 * * *"}
rules:
  errors: {metric: shop.errors, warning: "> 1", critical: "> 5", for: 90s, push: {message: "since {{ since }}"}}
  daily: {metric: daily.orders, warning: "< 10", push: true}
widgets:
  orders: {value: shop.orders, min_interval: 0}
live_activities:
  shop:
    type: stats
    title: Shop
    show: {while_firing: [errors]}
    end: {cool_down: 0, dismiss_after: 0}
    stats: [{label: Orders, value: shop.orders}]
"""

Test = Callable[[str], tuple[int, str]]


@pytest.fixture
def test(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Test:
    """Plays the tests in a text; the exit status, and all that was said."""
    (tmp_path / "shop.py").write_text(PLUGIN)
    (tmp_path / "smithd.yaml").write_text(CONFIG)
    path = tmp_path / "rules.test.yaml"

    def played(text: str) -> tuple[int, str]:
        path.write_text(text)
        status = run(["test", str(path)])
        printed = capsys.readouterr()
        return status, (printed.out + printed.err).replace(f"{tmp_path}/", "")

    return played


def test_the_example_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test", str(EXAMPLE)]) == 0
    assert "3 tests, all as expected" in capsys.readouterr().out


def test_the_manuals_example_passes_with_the_same_configuration(tmp_path: Path) -> None:
    manual = (EXAMPLE.parents[2] / "docs" / "testing-rules.md").read_text()
    (tmp_path / "manual.test.yaml").write_text(manual.partition("```yaml\n")[2].partition("```")[0])
    shutil.copy(EXAMPLE.with_name("smithd.yaml"), tmp_path)
    assert run(["test", str(tmp_path / "manual.test.yaml")]) == 0


def test_time_alone_fires_an_alert_between_two_polls(test: Test) -> None:
    status, said = test("""
tests:
  - name: held
    input: [{series: shop.errors, values: 2x5 7x1 0x3}]
    alerts:
      - {at: 1m29s, rule: errors, state: pending}
      - {at: 1m30s, rule: errors, state: firing, severity: warning}
      - {at: 7m30s, rule: errors, state: firing, severity: critical}
      - {at: 8m, rule: errors, state: inactive}
    pushes:
      - {at: 1m30s, title: errors is warning, interruption_level: active}
      - {at: 7m30s..8m, title: errors is critical}
      - {at: 7m30s..8m, in_place: true}
      - {at: 8m, title: "Resolved: errors", in_place: true}
    activities:
      shop:
        - {at: 1m30s}
        - {at: 8m, ended: true}
""")
    assert (status, said.count("\n")) == (0, 2), said


def test_the_time_zone_counts_for_texts_and_calendars_and_its_change_is_lived_through(test: Test) -> None:
    status, said = test("""
start: 2026-10-24 20:00
tests:
  - name: the night of the change is an hour longer
    input: [{series: daily.orders, values: 5 50}]
    alerts:
      - {at: 13h29m, rule: daily, state: inactive}
      - {at: 13h30m, rule: daily, state: firing}
      - {at: 37h30m, rule: daily, state: inactive}
    pushes: [{at: 13h30m, title: daily is warning}, {at: 37h30m, title: "Resolved: daily"}]
  - name: texts tell the zone's time
    start: 2026-07-01 14:13
    input: [{series: shop.errors, values: 2x5}]
    pushes: [{at: 1m30s, message: since 14:13}]
""")
    assert status == 0, said


def test_a_poll_that_fails_brings_nothing_and_what_is_not_polled_grows_old(test: Test) -> None:
    status, said = test("""
tests:
  - name: a failure leaves the alert as it is
    input:
      - {series: shop.errors, values: 2x2 errorx3 2 0x2}
      - {series: shop.orders, values: 10x2 11x2 12x2}
    alerts:
      - {at: 5m, rule: errors, state: firing}
      - {at: 7m, rule: errors, state: inactive}
    widgets:
      orders: [{at: 0s, value: 10}, {at: 3m, value: 11}, {at: 6m, value: 12}]
""")
    assert status == 0, said


def test_a_difference_can_be_read(test: Test) -> None:
    status, said = test("""
tests:
  - name: fine
    input: [{series: shop.errors, values: 0x3}]
    alerts: [{at: 1m, rule: errors, state: inactive}]
  - name: not so
    input:
      - {series: 'shop.errors{host="a"}', values: 7x5}
      - {series: shop.orders, values: 1 2 0}
    alerts:
      - {at: 1m, rule: errors, state: firing, severity: critical}
    pushes:
      - {at: 2m, title: errors (a) is critical}
    widgets:
      orders: [{at: 0s, value: 1}]
    activities:
      shop: []
""")
    assert status == 1
    assert (
        re.sub(r"(alert .* (?:pending|fired)): .*", r"\1", said)
        == """ok      rules.test.yaml: fine
FAILED  rules.test.yaml: not so
  rules.test.yaml:11:9: errors at 1m
      expected  firing critical
      got       pending {host="a"}
      the alerts until then:
        0s  alert errors{host="a"} pending
  rules.test.yaml:13:9: pushes, as it came (- expected and not come, + come and not expected)
      + 1m30s  title: 'errors (a) is critical', message: 'since 00:00', interruption_level: 'time-sensitive'
      - 2m  title: 'errors (a) is critical'
      the alerts until then:
        0s  alert errors{host="a"} pending
        1m30s  alert errors{host="a"} fired
  rules.test.yaml:15:7: widgets.orders, as it came (- expected and not come, + come and not expected)
        0s  value: 1
      + 1m  value: 2
      + 2m  value: 0
      the alerts until then:
        0s  alert errors{host="a"} pending
        1m30s  alert errors{host="a"} fired
  rules.test.yaml:17:7: activities.shop, as it came (- expected and not come, + come and not expected)
      + 1m30s  title: 'Shop', stats: {'Orders': 2}
      + 3m30s  title: 'Shop', stats: {'Orders': '2 ?'}
      the alerts until then:
        0s  alert errors{host="a"} pending
        1m30s  alert errors{host="a"} fired
2 tests, 1 failed
"""
    )


MISTAKES = [
    ("tests: []", "1:1", "expected at least one"),
    ("tests: [{name: x}]", "1:9", "expects nothing"),
    ("tests: [{name: x, badge: [{at: 1m, count: 1}]}]", "1:19", "the configuration has no badge"),
    ("tests: [{name: x, badge: [{at: 1m, count: -1}]}]", "1:43", "expected 0 or more"),
    ("tests: [{name: x, badge: [{at: 1m, count: 1.5}]}]", "1:43", "expected a whole number"),
    ("tests: [{name: x, badge: [{at: 1m, count: 1, account: defalt}]}]", "1:55", "did you mean 'default'?"),
    ("tests: [{name: x, pushes: [{at: 1m, account: defalt}]}]", "1:46", "did you mean 'default'?"),
    ("tests: [{name: x, widgets: {orders: [{at: 1m, value: 1, account: crew}]}}]", "1:66", "declared: default"),
    ("tests: [{name: x, activities: {shop: [{at: 1m, account: crew}]}}]", "1:57", "there is no account 'crew'"),
    ("tests: [{name: x, pushes: [], series_from: no.csv}]", "1:44", "there is no file no.csv"),
    ("tests: [{name: x, pushes: [{at: 1m, titel: x}]}]", "1:37", "did you mean 'title'?"),
    ("tests: [{name: x, pushes: [{at: 1m, actions: [{titel: x}]}]}]", "1:48", "did you mean 'title'?"),
    ("tests: [{name: x, activities: {shop: [{at: 1m, content_state: {percent: 4}}]}}]", "1:64", "percentage"),
    ("tests: [{name: x, activities: {shop: [{at: 1m, content_state: {color: rde}}]}}]", "1:71", "did you mean 'red'?"),
    ("tests: [{name: x, widgets: {orders: [{at: 1m, value: true}]}}]", "1:54", "expected a number"),
    ("config: other.yaml\ntests: [{name: x, pushes: []}]", "1:9", "there is no configuration file"),
    ("tests: [{name: x, pushes: [], input: [{series: shop.eror, values: 1}]}]", "1:48", "did you mean 'shop.errors'?"),
    ("tests: [{name: x, pushes: [], input: [{series: shop.errors, values: 1 two}]}]", "1:69", "'two' is no value"),
    ("tests: [{name: x, alerts: [{at: 1m, rule: erors, state: firing}]}]", "1:43", "did you mean 'errors'?"),
    ("tests: [{name: x, alerts: [{at: 1m, rule: errors, state: fires}]}]", "1:58", "'firing' or"),
    ("tests: [{name: x, pushes: [{at: 5m..2m}]}]", "1:33", "the times run backwards: expected 2m..5m"),
    ("tests: [{name: x, widgets: {ordrs: []}}]", "1:29", "did you mean 'orders'?"),
    ("tests: [{name: x, activities: {shops: []}}]", "1:32", "did you mean 'shop'?"),
    ("start: noon\ntests: [{name: x, pushes: []}]", "1:8", "expected a time like 2026-03-29 01:30"),
    ("tests: [{name: x, pushs: []}]", "1:19", "did you mean 'pushes'?"),
    ("tests: [{name: x, pushes: [}]", "1:28", "rules.test.yaml"),
]


@pytest.mark.parametrize(("text", "place", "report"), MISTAKES)
def test_a_mistake_is_reported_at_its_place(test: Test, text: str, place: str, report: str) -> None:
    status, said = test(text)
    assert status == 2
    assert f"rules.test.yaml:{place}: " in said
    assert report in said
    assert "Traceback" not in said


def test_all_mistakes_are_reported_in_one_run(test: Test, tmp_path: Path) -> None:
    (tmp_path / "day.csv").write_text("time,shop.eror,shop.orders\n0,1,2\n60,x,3\n90,4\n")
    status, said = test("""
tests:
  - {name: one, pushs: [], pushes: [{account: crew}, 3], alerts: [{at: 1m, rule: erors, state: fires}]}
  - {name: two, pushes: [], series_from: day.csv, input: [{series: daily.order, values: 1 two}]}
  - {name: three, widgets: {ordrs: 3}}
  - {name: four, alerst: []}
""")
    assert status == 2
    assert re.findall(r"^rules\.test\.yaml:(.*?): ", said, re.MULTILINE) == [
        *("3:17", "3:37", "3:47", "3:54", "3:82", "3:96"),
        *("4:68", "4:89"),
        *("5:29", "5:36"),
        # Whether a test expects something is not known where a key is unknown.
        "6:18",
    ]
    assert re.findall(r"^day\.csv:(.*?): ", said, re.MULTILINE) == ["1:6", "3:4", "4:1"]


def test_what_a_misspelt_config_leaves_open_is_not_reported(test: Test) -> None:
    status, said = test("confg: other.yaml\ntests: [{name: x, widgets: {of_the_other: []}}]")
    assert (status, "1 mistake in" in said) == (2, True)


def test_a_series_that_is_over_is_missing_where_others_of_its_source_go_on(test: Test, tmp_path: Path) -> None:
    shown = CONFIG.replace("{while_firing: [errors]}", '{when: "shop.orders > 10"}')
    (tmp_path / "smithd.yaml").write_text(shown)
    status, said = test("""
tests:
  - name: others go on
    input: [{series: shop.orders, values: 20x3}, {series: shop.errors, values: 0x9}]
    activities: {shop: [{at: 0s, stats: {Orders: 20}}, {at: 4m, ended: true}]}
  - name: it is the last of its source
    input: [{series: shop.orders, values: 20x3}]
    activities: {shop: [{at: 0s, stats: {Orders: 20}}, {at: 5m..6m, stats: {Orders: 20 ?}}]}
    alerts: [{at: 30m, rule: errors, state: inactive}]
""")
    assert status == 0, said


def test_a_mistake_in_the_configuration_is_reported_as_one(test: Test, tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text(CONFIG.replace("> 5", "5"))
    status, said = test("config: broken.yaml\ntests: [{name: x, pushes: []}]")
    assert status == 2
    assert re.search(r"broken\.yaml:\d+:\d+: expected a comparison", said)


def test_a_day_passes(test: Test) -> None:
    status, said = test("""
interval: 1m
tests:
  - name: a day
    input: [{series: shop.errors, values: 0x1438 7}]
    alerts: [{at: 24h, rule: errors, state: pending}]
    pushes: [{at: 24h29s..24h31s, title: errors is critical}]
""")
    assert status == 0, said


SHOWN = """
badge: count(firing)
rules:
  errors:
    metric: shop.errors
    critical: "> 5"
    push: {title: Errors, actions: [{title: Open, type: open_url, url: "https://x.test/a"}], tags: [shop]}
live_activities:
  shop:
    type: value
    title: Shop
    value: shop.orders
    color_by: errors
    icon: {symbol: cart}
    action: {title: Open, type: open_url, url: "https://x.test/b"}
    show: always
"""


def test_all_that_a_request_carries_can_be_expected(test: Test, tmp_path: Path) -> None:
    (tmp_path / "shown.yaml").write_text(CONFIG.partition("rules:")[0] + SHOWN)
    text = """
config: shown.yaml
tests:
  - name: all of it
    input: [{series: shop.errors, values: 0 7}, {series: shop.orders, values: 0.1+0.2x1}]
    badge: [{at: 0s, count: 0, channels: []}, {at: 1m, count: 1}]
    pushes:
      - at: 1m
        tags: [shop]
        media: ""
        actions: [{type: open_url, title: Open, url: "https://x.test/a"}]
    activities:
      shop:
        - {at: 0s, content_state: {type: value, value: 0.1, icon: {symbol: cart}, badge: {}, color: green}}
        - {at: 1m, content_state: {value: 0.3, color: red}, action: {url: "https://x.test/b"}, secondary_action: {}}
"""
    status, said = test(text)
    assert status == 0, said
    for right, wrong in [
        ("0.3, ", "0.30000000000000004, "),
        ("count: 1", "count: 2"),
        ("tags: [shop]", "tags: [shop, other]"),
        ("x.test/a", "x.test/c"),
        ("x.test/b", "x.test/c"),
        ("icon: {symbol: cart}", "icon: {}"),
        ("type: value", "type: alert"),
    ]:
        status, said = test(text.replace(right, wrong))
        assert status == 1, f"{wrong}: {said}"


SERIES = """time,shop.errors,"shop.orders{page=""a,b""}",shop.orders
0,0,1,10
90,7,,
2m,7,2,20

3m,7,3,30
4m,stale,4,
5m,error,,
"""


def test_series_come_from_a_file(test: Test, tmp_path: Path) -> None:
    (tmp_path / "day.csv").write_text(SERIES)
    status, said = test("""
tests:
  - name: a day
    series_from: day.csv
    alerts:
      - {at: 1m29s, rule: errors, state: inactive}
      - {at: 1m30s, rule: errors, state: pending}
      - {at: 3m, rule: errors, state: firing, severity: critical}
    pushes: [{at: 3m, title: errors is critical}]
""")
    assert status == 0, said


def test_an_empty_cell_says_nothing_of_its_series(test: Test, tmp_path: Path) -> None:
    (tmp_path / "smithd.yaml").write_text(
        CONFIG.replace("rules:", "rules:\n  gone: {when: absent(shop.errors), severity: warning}")
    )
    for cell, state in (("", "inactive"), ("stale", "firing")):
        (tmp_path / "day.csv").write_text(f"time,shop.errors,shop.orders\n0,2,1\n60,{cell},1\n")
        status, said = test(f"""
tests:
  - {{name: x, series_from: day.csv, alerts: [{{at: 1m, rule: gone, state: {state}}}]}}
""")
        assert status == 0, said


def test_dates_in_a_file_are_on_the_clocks_of_the_zone_and_begin_the_test(test: Test, tmp_path: Path) -> None:
    (tmp_path / "day.csv").write_text("at,shop.errors\n2026-07-01 14:13,2\n2026-07-01T12:16:00Z,2\n")
    status, said = test("""
tests:
  - {name: x, series_from: day.csv, pushes: [{at: 1m30s, message: "since 14:13"}]}
  - {name: x, series_from: day.csv, start: 2026-07-01 14:10, pushes: [{at: 4m30s}]}
""")
    assert (status, "2 tests, all" in said) == (0, True), said


BROKEN = [
    ("", "1:1", "the file is empty"),
    ("shop.errors\n1", "1:1", "expected a column of times"),
    ("time,shop.eror\n", "1:6", "did you mean 'shop.errors'?"),
    ("time,shop.errors{a}\n", "1:6", "'a' is no label"),
    ("time,shop.errors,shop.errors\n", "1:18", "is there twice"),
    ("time,shop.errors\n0,1,2\n", "2:1", "expected 2 cells, as in the first line, found 3"),
    ("time,shop.errors\n0,one\n60,2\n", "2:3", "'one' is no value"),
    ("time,shop.errors\n0, 1x3\n", "2:4", "'1x3' is no value"),
    ("time,shop.errors\n60,1\n60,2\n", "3:1", "the times do not rise"),
    ("time,shop.errors\nnoon,1\n", "2:1", "expected a time since the start like 90 (seconds)"),
    ("time,shop.errors\n0,1\n2026-07-01 14:13,2\n", "3:1", "expected a time like those above"),
    ('time,shop.errors\n0,"1\n', "2:3", "expected a cell like 5"),
]


@pytest.mark.parametrize(("series", "place", "report"), BROKEN)
def test_a_mistake_in_a_file_of_series_is_reported_at_its_place(
    test: Test, tmp_path: Path, series: str, place: str, report: str
) -> None:
    (tmp_path / "day.csv").write_text(series)
    status, said = test("tests: [{name: x, pushes: [], series_from: day.csv}]")
    assert status == 2
    assert f"day.csv:{place}: " in said
    assert report in said
    assert "Traceback" not in said


def test_a_source_has_its_series_in_one_place(test: Test, tmp_path: Path) -> None:
    (tmp_path / "day.csv").write_text("time,shop.errors\n0,1\n")
    status, said = test(
        "tests: [{name: x, pushes: [], series_from: day.csv, input: [{series: shop.orders, values: 1}]}]"
    )
    assert (status, "rules.test.yaml:1:70: series of the source 'shop' are in" in said) == (2, True), said


def test_a_secret_is_not_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, test: Test) -> None:
    monkeypatch.setenv("HOOK_TOKEN", "tokenThatIsSecret")
    hook = "action: {title: Open, type: open_url, url: 'https://x.test/${env:HOOK_TOKEN}'}"
    (tmp_path / "smithd.yaml").write_text(CONFIG.replace("    title: Shop\n", f"    title: Shop\n    {hook}\n"))
    (tmp_path / "rules.test.yaml").write_text(
        "tests: [{name: x, input: [{series: shop.errors, values: 7x3}, {series: shop.orders, values: 7x3}]}]"
    )
    assert run(["test", str(tmp_path / "rules.test.yaml"), "--record", str(tmp_path / "sent.jsonl")]) == 0
    said = (tmp_path / "sent.jsonl").read_text()
    assert '"action"' in said
    assert "tokenThatIsSecret" not in said


def test_what_was_sent_is_written_as_json_lines(tmp_path: Path, test: Test) -> None:
    (tmp_path / "day.csv").write_text("time,shop.orders\n0,0.1\n60,0.30000000000000004\n")
    assert test("tests: [{name: two values, series_from: day.csv, widgets: {orders: []}}]")[0] == 1
    (tmp_path / "rules.test.yaml").write_text("tests: [{name: two values, series_from: day.csv}]")
    status = run(["test", str(tmp_path / "rules.test.yaml"), "--record", str(tmp_path / "sent.jsonl")])
    assert status == 0
    lines = [json.loads(line) for line in (tmp_path / "sent.jsonl").read_text().splitlines()]
    assert [(line["at"], line["body"]["value"]) for line in lines] == [(0, 0.1), (60, 0.3)]
    assert lines[1] == {
        "file": str(tmp_path / "rules.test.yaml"),
        "test": "two values",
        "at": 60.0,
        "time": "2026-01-05T00:01:00.000+01:00",
        "account": "default",
        "method": "POST",
        "path": "/metrics/orders/value",
        "body": lines[1]["body"],
        "refused": "",
    }

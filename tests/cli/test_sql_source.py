"""The source ``sql`` as a user meets it: on the command line."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from smithd.cli.main import run

CONFIGURATION = """
activitysmith: {{api_key: not-a-real-key}}
state: sqlite:///state.db
sources:
  warehouse:
    type: sql
    url: {url}
    metrics:
      backlog: SELECT count(*) FROM jobs
      jobs:
        query: SELECT queue, count(*) AS depth, max(age) AS oldest FROM jobs GROUP BY queue
        labels: [queue]
        values: [depth, oldest]
      broken: SELECT agee FROM jobs
rules:
  deep: {{metric: warehouse.jobs.depth, warning: "> 1", push: true}}
widgets:
  warehouse.backlog: warehouse.backlog
live_activities:
  queues:
    type: stats
    title: Queues
    stats: [{{each: warehouse.jobs.oldest, by: queue, top: 3}}]
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("shop.db")) as database:
        database.executescript("CREATE TABLE jobs (queue, age); INSERT INTO jobs VALUES ('a', 1), ('a', 5), ('b', 2);")


def configure(url: str) -> None:
    Path("smithd.yaml").write_text(CONFIGURATION.format(url=url))


def test_several_value_columns_are_metrics_that_rules_and_activities_name(capsys: pytest.CaptureFixture[str]) -> None:
    configure("sqlite:///shop.db")
    assert run(["check"]) == 0
    assert "1 source, 4 metrics" in capsys.readouterr().out
    assert run(["once"]) == 1
    shown = capsys.readouterr().out
    assert 'warehouse.jobs.depth{queue="a"} = 2' in shown
    assert 'warehouse.jobs.oldest{queue="b"} = 2' in shown
    assert "warehouse: broken: SQLite refuses the query: no such column: agee: check the column's name" in shown
    assert 'deep{queue="a"}: warning (warehouse.jobs.depth is 2)' in shown


def test_a_metric_that_no_column_brings_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    configure("sqlite:///shop.db")
    text = Path("smithd.yaml").read_text()
    Path("smithd.yaml").write_text(text.replace("metric: warehouse.jobs.depth", "metric: warehouse.jobs.depht"))
    assert run(["check"]) == 2
    shown = capsys.readouterr().err
    assert "no source declares the metric 'warehouse.jobs.depht'" in shown
    assert "did you mean 'warehouse.jobs.depth'?" in shown


@pytest.mark.parametrize("written", ["hush-hush", "${env:PASSWORD}", "hush%2Dhush"])
@pytest.mark.parametrize("command", ["check", "once"])
def test_a_password_in_the_address_is_shown_nowhere(
    written: str, command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSWORD", "hush-hush")
    configure(f"postgresql://reader:{written}@no-such-host.invalid/shop")
    run([command])
    shown = "".join(capsys.readouterr())
    assert "hush" not in shown
    text = Path("smithd.yaml").read_text()
    Path("smithd.yaml").write_text(text.replace("SELECT agee", "SELECT :agee").replace("/shop", ":x/shop"))
    assert run([command]) == 2
    shown = capsys.readouterr().err
    assert "the port must be a number" in shown
    assert "hush" not in shown

"""The answer to a scrape: what Prometheus' own tools say of it, its formats, and that nothing polled is in it."""

from __future__ import annotations

import asyncio
import gzip
import subprocess
from pathlib import Path

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from engine.harness import Harness
from metrics.scraped import parsed, samples
from servers import installed
from smithd.clock import VirtualClock
from smithd.delivery.delivery import AccountDelivery
from smithd.events import Events
from smithd.keys import DEFAULT_ACCOUNT
from smithd.metrics.exposition import Exposition, Metrics
from smithd.metrics.gauges import Snapshot
from smithd.status.fill import gate_status

T = 1_763_906_400.0
POLLED = "polled-from-outside"
CONFIG = """
rules:
  errors:
    metric: shop.errors
    critical: "> 5"
    push: {title: "{{ labels.house }}", redirection: "https://example.com/polled-from-outside"}
widgets:
  shop.orders: {value: shop.orders, format: "{{ value }} polled-from-outside"}
live_activities:
  shop: {type: stats, title: polled-from-outside, show: always, stats: [{label: Orders, value: shop.orders}]}
"""
OURS = {"version", "pythonversion", "type", "outcome", "change", "account", "family", "health", "source", "state"}
OURS |= {"severity", "lane", "le"}
LIBRARY = {"implementation", "major", "minor", "patchlevel", "generation", "version"}


def scrape(folder: Path, accept: str = "", encoding: str = "") -> Exposition:
    """A scrape while an alert fires and messages wait, whose every text is ``POLLED``."""
    with Harness(folder, CONFIG, T) as harness:
        events = Events()
        metrics = Metrics(events, VirtualClock(T))
        metrics.expect(harness.engine.engine.setup.config)
        harness.poll(T + 1, errors={POLLED: 9}, orders=1)
        for event in harness.events:
            events.publish(event)
        setup, state = harness.engine.engine.setup, harness.engine.engine.state
        delivery = AccountDelivery(DEFAULT_ACCOUNT, setup.config.account, setup.config.zone)
        snapshot = Snapshot(setup, state, [gate_status(delivery, 100.0, harness.now)], False, harness.now)
        return asyncio.run(metrics.expose(snapshot, accept, encoding))


def test_promtool_has_nothing_to_say(tmp_path: Path) -> None:
    promtool = installed("promtool", "prometheus")
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=scrape(tmp_path).body, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_no_label_comes_from_what_is_polled(tmp_path: Path) -> None:
    """Of the names that labels may have, only those of the configuration's sources, types and accounts are no words of
    smithd's own; an alert with hostile labels and texts leaves no trace.
    """
    body = scrape(tmp_path).body
    assert POLLED.encode() not in body
    found = parsed(body)
    assert ({"change": "fired"}, 1.0) in found["smithd_alert_transitions_total"]
    for name, series in found.items():
        for labels, _ in series:
            allowed = OURS if name.startswith("smithd_") else LIBRARY
            assert set(labels) <= allowed, name
            assert labels.get("source", "shop") in ("shop", "depot")
            assert labels.get("account", "default") == "default"
            assert name != "smithd_polls_total" or labels["type"] == "shop"


def test_openmetrics_is_spoken_where_it_is_asked_for(tmp_path: Path) -> None:
    for accept in (
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
        "application/openmetrics-text;version=no-number;q=0.9,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    ):
        (folder := tmp_path / str(len(accept))).mkdir()
        answer = scrape(folder, accept)
        assert answer.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
        assert answer.body.endswith(b"# EOF\n")
        families = text_string_to_metric_families(answer.body.decode())  # type: ignore[no-untyped-call] # the library's
        assert samples(families)["smithd_degraded"] == [({}, 0.0)]


def test_the_plain_format_is_the_rule_and_it_is_compressed_for_who_can_read_that(tmp_path: Path) -> None:
    answer = scrape(tmp_path, "*/*", "deflate, gzip;q=0.8")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert parsed(gzip.decompress(answer.body))["smithd_degraded"] == [({}, 0.0)]

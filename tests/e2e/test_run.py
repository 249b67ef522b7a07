"""``smithd run`` as a whole: a real process, real sockets, and a service that records and judges every request."""

from __future__ import annotations

import signal
from pathlib import Path

from e2e.world import LIMITS, await_polls, smithd, wait_until, world

CONFIG = """
activitysmith:
  api_key: {key}
  base_url: {url}/api
  channels: [ops]
state: sqlite:///state.db
timezone: Europe/Berlin
sources:
  shop:
    type: http_json
    url: {url}/stats.json
    every: 200ms
    metrics:
      orders: $.orders
      errors: $.errors
      jobs: {{each: "$.jobs[*]", value: $.failed, labels: {{id: $.id}}}}
rules:
  errors:
    metric: shop.errors
    warning: "> 1"
    critical: "> 5"
    push: true
  jobs:
    metric: shop.jobs
    critical: "> 0"
    push: {{group_by: ['...'], title: "job {{{{ labels.id }}}} failed"}}
widgets:
  shop.orders: {{value: shop.orders, min_interval: 0}}
live_activities:
  shop:
    type: stats
    title: Shop
    show: {{while_firing: [errors]}}
    end: {{cool_down: 0, dismiss_after: 0}}
    stats:
      - {{label: Errors, value: shop.errors, color_by: errors}}
"""


def configured(folder: Path, key: str, url: str) -> Path:
    config = folder / "smithd.yaml"
    config.write_text(CONFIG.format(key=key, url=url))
    return config


def data(orders: int = 1, errors: float = 0, jobs: dict[str, int] | None = None) -> dict[str, object]:
    failed = [{"id": name, "failed": value} for name, value in (jobs or {}).items()]
    return {"orders": orders, "errors": errors, "jobs": failed}


def test_a_polled_number_reaches_the_lock_screen(tmp_path: Path) -> None:
    """An alert's whole episode, every request valid, nothing twice, nothing that did not change."""
    with world(data()) as (service, shop, url), smithd(configured(tmp_path, service.key, url)):
        wait_until(lambda: len(service.of("metric-value")) == 1, what="the first widget value")
        shop.data = data(orders=2, errors=7)
        wait_until(lambda: len(service.of("push-notification-send")) == 1, what="the push")
        push = service.of("push-notification-send")[0]
        assert push.body["title"] == "errors is critical"
        assert push.body["target"] == {"channels": ["ops"]}
        wait_until(lambda: len(service.of("live-activity-stream-put")) == 1, what="the Live Activity")
        wait_until(lambda: len(service.of("metric-value")) == 2, what="the new widget value")
        await_polls(shop, 6)
        shop.data = data(orders=2, errors=0)
        wait_until(lambda: len(service.of("push-notification-replace")) == 1, what="the resolve")
        wait_until(lambda: len(service.of("live-activity-stream-delete")) == 1, what="the end of the Live Activity")
        await_polls(shop, 6)
        assert service.violations() == []
        assert [request.body["value"] for request in service.of("metric-value")] == [1, 2]
        assert len(service.requests) == 6
    log = (tmp_path / "smithd.log").read_text()
    assert service.key not in log
    assert "Traceback" not in log


def test_a_restart_with_nothing_changed_sends_nothing(tmp_path: Path) -> None:
    with world(data(errors=7)) as (service, shop, url):
        config = configured(tmp_path, service.key, url)
        with smithd(config):
            wait_until(lambda: len(service.requests) == 3, what="push, widget and Live Activity")
            wait_until(lambda: all(request.answered for request in service.requests), what="the answers")
        with smithd(config) as process:
            await_polls(shop, 6)
            assert len(service.requests) == 3
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        with smithd(config):
            shop.data = data(errors=0)
            wait_until(lambda: len(service.of("push-notification-replace")) == 1, what="the resolve")
        assert service.violations() == []


def test_an_outage_of_the_service_costs_nothing_and_is_told_in_one(tmp_path: Path) -> None:
    with world(data()) as (service, shop, url), smithd(configured(tmp_path, service.key, url)):
        wait_until(lambda: len(service.requests) == 1, what="the first value")
        service.fault = lambda _: 503
        shop.data = data(errors=7)
        wait_until(lambda: len(service.of("push-notification-send")) >= 1, what="a try")
        shop.data = data(errors=0)
        await_polls(shop, 4)
        tries = len(service.of("push-notification-send"))
        service.fault = lambda _: None
        wait_until(lambda: len(service.of("push-notification-send")) > tries, seconds=40, what="the one push")
        told = service.of("push-notification-send")[-1]
        assert told.body["title"] == "Resolved: errors"
        assert "It was critical for" in told.body["message"]
        assert service.of("push-notification-replace") == []


def test_a_storm_of_alerts_stays_within_the_limits(tmp_path: Path) -> None:
    jobs = {f"j{number}": 1 for number in range(150)}
    with world(data()) as (service, shop, url), smithd(configured(tmp_path, service.key, url)):
        await_polls(shop, 2)
        shop.data = data(jobs=jobs)
        wait_until(lambda: len(service.of("push-notification-send")) >= 50, seconds=30, what="the first pushes")
        await_polls(shop, 21)
        assert service.violations() == []
        assert service.most_in_a_minute()["notifications"] <= LIMITS["notifications"]
        titles = [request.body["title"] for request in service.of("push-notification-send")]
        assert len(titles) == len(set(titles))


def test_ten_rules_on_fifty_series_are_a_few_pushes_within_seconds(tmp_path: Path) -> None:
    with world(data()) as (service, shop, url):
        path = configured(tmp_path, service.key, url)
        rules = "".join(f"  r{number}: {{metric: shop.jobs, warning: '> 0', push: true}}\n" for number in range(10))
        path.write_text(path.read_text().replace("rules:\n", f"rules:\n{rules}").replace("'...'", ""))
        with smithd(path):
            await_polls(shop, 2)
            shop.data = data(jobs={f"j{number}": 1 for number in range(50)})
            # The eleventh is that of the critical rule on the same series.
            wait_until(lambda: len(service.of("push-notification-send")) >= 11, seconds=5, what="every push")
            await_polls(shop, 5)
        assert len(service.of("push-notification-send")) == 11
        assert service.violations() == []

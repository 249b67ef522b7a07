"""``smithd run`` against a real Prometheus."""

from __future__ import annotations

import time
from pathlib import Path

from e2e.world import await_polls, smithd, wait_until, world
from servers import prometheus

CONFIG = """
activitysmith: {{api_key: {key}, base_url: "{url}/api"}}
state: sqlite:///state.db
sources:
  prod:
    type: prometheus
    url: http://{prometheus}
    every: 300ms
    metrics:
      load: load
      total: sum(load)
      broken: absent(load) * 0 + (0 / 0)
  beat: {{type: http_json, url: "{url}/beat", every: 300ms, metrics: {{orders: $.orders}}}}
rules:
  busy:
    metric: prod.load
    critical: "> 1"
    push: {{title: "{{{{ labels.instance }}}} is busy"}}
widgets:
  prod.total: prod.total
  prod.broken: prod.broken
"""


def test_series_of_a_real_prometheus_become_alerts_and_widgets(tmp_path: Path) -> None:
    then = int(time.time()) - 60
    data = f'# TYPE load gauge\nload{{instance="a"}} 0.5 {then}\nload{{instance="b"}} 2 {then}\n# EOF\n'
    with prometheus(data) as address, world({"orders": 1}) as (service, shop, url):
        config = tmp_path / "smithd.yaml"
        config.write_text(CONFIG.format(key=service.key, url=url, prometheus=address))
        with smithd(config):
            wait_until(lambda: len(service.requests) >= 2, what="the push and the widget")
            await_polls(shop, 5)
        assert service.violations() == []
        assert [push.body["title"] for push in service.of("push-notification-send")] == ["b is busy"]
        assert [(value.name, value.body["value"]) for value in service.of("metric-value")] == [("prod.total", 2.5)]

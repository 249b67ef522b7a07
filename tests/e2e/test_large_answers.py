"""Sources with large answers and costly paths: the others are polled as before, and their memory is given back."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from campaign import rounds
from e2e.world import Service, Shop, await_polls, smithd, wait_until, world

EVERY = 0.2
CONFIG = """
activitysmith: {{api_key: {key}, base_url: "{url}/api"}}
state: sqlite:///state.db
sources:
  shop: {{type: http_json, url: "{url}/stats.json", every: 200ms, metrics: {{orders: $.orders}}}}
{large}
rules:
  orders: {{metric: shop.orders, critical: "> 5", push: true}}
"""
LARGE = '  large{0}: {{type: http_json, url: "{url}/{0}", every: 1s, timeout: 4s, metrics: {{m: "{path}"}}}}'
PATHS = ["$..a", "$.a", "$..[?@..a].b", "$..a", "$.a", "$[?@[0]].a"]
SMALL = b"[]"
BODY = b"[" + b'{"b":[[]]},' * 440_000 + b"[]]"
"""4.8 MB, which become 150."""


def configured(folder: Path, service: Service, url: str) -> Path:
    large = "\n".join(LARGE.format(number, url=url, path=path) for number, path in enumerate(PATHS))
    config = folder / "smithd.yaml"
    config.write_text(CONFIG.format(key=service.key, url=url, large=large))
    return config


def memory_of(pid: int) -> int:
    """The megabytes that a process has of the machine's memory."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) // 1000


def settled_memory_of(pid: int) -> int:
    """The megabytes that a process has once they stay the same for a few seconds: a start imports as it goes."""
    found = [memory_of(pid)]
    while len(found) < 6 or max(found[-6:]) > min(found[-6:]):
        time.sleep(0.5)
        found.append(memory_of(pid))
    return found[-1]


def pace(shop: Shop, seconds: float) -> float:
    """The polls of the shop in so long, as a part of those that were due."""
    before, until = shop.polls, time.monotonic() + seconds
    wait_until(lambda: time.monotonic() >= until, what="the time to pass")
    return (shop.polls - before) * EVERY / seconds


@pytest.mark.campaign
@pytest.mark.timeout(900)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_large_answers_slow_nobody_down_and_leave_nothing_behind(tmp_path: Path) -> None:
    with world({"orders": 1}) as (service, shop, url):
        shop.others = {f"/{number}": SMALL for number in range(len(PATHS))}
        with smithd(configured(tmp_path, service, url)) as process:
            await_polls(shop, 20)
            before = settled_memory_of(process.pid)
            shop.others = dict.fromkeys(shop.others, BODY)
            assert pace(shop, rounds(4, 60)) > 0.8
            shop.data = {"orders": 9}
            fired = time.monotonic()
            wait_until(lambda: bool(service.of("push-notification-send")), what="the push")
            assert time.monotonic() - fired < 5
            shop.others = dict.fromkeys(shop.others, SMALL)
            wait_until(lambda: memory_of(process.pid) <= 1.1 * before, what="memory as before")
        assert service.violations() == []

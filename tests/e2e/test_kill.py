"""``kill -9`` at random moments, while alerts fire and resolve: no push is lost, and none comes twice but where its
answer was cut off.
"""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections import Counter, defaultdict
from contextlib import closing
from pathlib import Path

import pytest

from campaign import rounds
from e2e.test_run import configured, data
from e2e.world import LIMITS, Request, Service, await_polls, smithd, wait_until, world

KILLS = rounds(6, 200)
ANSWER_TAKES = 0.03


def pushes_by_job(service: Service) -> dict[str, list[Request]]:
    told: dict[str, list[Request]] = defaultdict(list)
    for request in service.of("push-notification-send"):
        told[request.body["title"]].append(request)
    return told


def on_their_way(state: Path) -> list[str]:
    """The titles of the pushes whose answer a killed daemon had not written down."""
    with closing(sqlite3.connect(state)) as connection:
        rows = connection.execute("SELECT content FROM outbox WHERE claimed AND surface = 'push'")
        return [json.loads(row)["content"]["title"] for (row,) in rows]


@pytest.mark.campaign
@pytest.mark.timeout(1800)
def test_kills_lose_no_push_and_repeat_only_what_was_cut_off(tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311 - a fixed choice of moments, no secret
    cut_off: Counter[str] = Counter()
    failed: dict[str, int] = {}
    with world(data()) as (service, shop, url):
        service.delay = ANSWER_TAKES
        config = configured(tmp_path, service.key, url)
        # Each job has a notification of its own, however many fail.
        alone = f"group_by: ['...'], max_series: {2 * KILLS}"
        config.write_text(config.read_text().replace("group_by: ['...']", alone))
        for number in range(KILLS):
            with smithd(config) as process:
                await_polls(shop, 1)
                failed[f"j{number}"] = 1
                if number % 3 == 2:
                    failed[f"j{number - 2}"] = 0
                shop.data = data(orders=number, jobs=dict(failed))
                time.sleep(chance.uniform(0.0, 0.6))  # a real process is killed at a real moment
                process.kill()
                process.wait(60)
            cut_off.update(on_their_way(tmp_path / "state.db"))
        with smithd(config):
            open_jobs = {f"job {name} failed" for name, value in failed.items() if value}
            wait_until(lambda: open_jobs <= pushes_by_job(service).keys(), seconds=240, what="every push")
            shop.data = data(jobs=dict.fromkeys(failed, 0))
            wait_until(lambda: len(resolved(service)) >= len(open_jobs), seconds=240, what="every resolve")
        assert service.violations() == []
        for title, requests in pushes_by_job(service).items():
            assert len(requests) <= 1 + cut_off[title], f"{title} was sent again though its answer had come"
        assert service.most_in_a_minute()["notifications"] <= LIMITS["notifications"]


def resolved(service: Service) -> set[str]:
    """What was resolved in place."""
    return {request.name for request in service.of("push-notification-replace")}

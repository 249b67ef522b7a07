"""The process is stopped (SIGSTOP) and goes on later: what came meanwhile is read, and nobody is blamed."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from campaign import LONG, rounds
from e2e.world import Service, Shop, await_polls, smithd, wait_until, world

CONFIG = """
activitysmith: {{api_key: {key}, base_url: "{url}/api"}}
state: sqlite:///state.db
sources:
  shop:
    type: http_json
    url: {url}/stats.json
    every: 300ms
    timeout: 2s
    metrics: {{errors: $.errors}}
rules:
  errors: {{metric: shop.errors, critical: "> 5", on_error: warning, push: true}}
"""
IMPATIENT = "from smithd.delivery import client; client.SILENCE_TIMEOUT = client.TOTAL_TIMEOUT = 3.0"
"""Short time-outs, so that the test need not take longer than the real ones."""
ROUNDS = rounds(1, 5)
STALL = 40.0 if LONG else 4.0


def configured(folder: Path, service: Service, url: str) -> Path:
    config = folder / "smithd.yaml"
    config.write_text(CONFIG.format(key=service.key, url=url))
    return config


@contextmanager
def stopped(process: subprocess.Popen[str], seconds: float = STALL) -> Iterator[None]:
    """Stop a process for at least so long, and for as long as the block takes."""
    until = time.monotonic() + seconds
    process.send_signal(signal.SIGSTOP)
    try:
        yield
        wait_until(lambda: time.monotonic() >= until, what="the end of the stall")
    finally:
        process.send_signal(signal.SIGCONT)


def stall_on_its_way(service: Service, shop: Shop, process: subprocess.Popen[str], number: int) -> None:
    """Have a push answered while smithd stands still; its end replaces it, for which the answer must have been read."""
    shop.data = {"errors": 9}
    wait_until(lambda: len(service.of("push-notification-send")) == number, what="the push")
    push = service.of("push-notification-send")[-1]
    with stopped(process):
        wait_until(lambda: push.answered, what="the answer")
    shop.data = {"errors": 0}
    wait_until(lambda: len(service.of("push-notification-replace")) == number, what="the end, in place")


@pytest.mark.campaign
@pytest.mark.timeout(1800)
def test_a_push_whose_answer_came_while_smithd_stood_still_is_not_sent_again(tmp_path: Path) -> None:
    with world({"errors": 0}) as (service, shop, url):
        service.delay = 0.5
        with smithd(configured(tmp_path, service, url), first="pass" if LONG else IMPATIENT) as process:
            for number in range(1, ROUNDS + 1):
                await_polls(shop, 2)
                stall_on_its_way(service, shop, process, number)
            await_polls(shop, 5)
        assert len(service.of("push-notification-send")) == ROUNDS
        assert service.violations() == []


@pytest.mark.campaign
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("answers_after", [0.0, 0.3], ids=["between two polls", "during a poll"])
def test_a_stall_is_no_failure_of_a_source(tmp_path: Path, answers_after: float) -> None:
    with world({"errors": 0}) as (service, shop, url):
        shop.delay = answers_after
        with smithd(configured(tmp_path, service, url)) as process:
            for _ in range(ROUNDS):
                await_polls(shop, 3)
                with stopped(process):
                    pass
                await_polls(shop, 5)
        assert service.requests == []
        log = (tmp_path / "smithd.log").read_text()
        assert "or smithd stood still" in log
        assert "WARNING smithd.source" not in log

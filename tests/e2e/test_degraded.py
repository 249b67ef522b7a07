"""A state that cannot be written, beside a real daemon: alerts are sent all the same, and nothing comes twice."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from e2e.test_run import configured, data
from e2e.world import Service, await_polls, smithd, wait_until, world

SOON = "from smithd.storage import degraded; degraded.DEGRADED_AFTER = degraded.RETRY_DEGRADED = 1.0"
"""It goes on without commits after a second, so that the test need not take longer than the real five."""

HOLD = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
held.execute("ROLLBACK")
"""


@contextmanager
def held_by_another_program(state: Path) -> Iterator[None]:
    command = [sys.executable, "-c", HOLD, str(state)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        try:
            yield
        finally:
            holder.stdin.close()


def titles(service: Service) -> list[str]:
    return [request.body["title"] for request in service.of("push-notification-send")]


def test_an_alert_is_sent_while_the_state_is_held_and_not_again_after_a_restart(tmp_path: Path) -> None:
    state, log = tmp_path / "state.db", tmp_path / "smithd.log"
    with world(data()) as (service, shop, url):
        config = configured(tmp_path, service.key, url)
        with smithd(config, first=SOON) as process:
            await_polls(shop, 2)
            with held_by_another_program(state):
                shop.data = data(errors=9)
                wait_until(lambda: titles(service) == ["errors is critical"], what="the push")
                polls = shop.polls
                wait_until(lambda: shop.polls > polls + 1, what="polls that go on")
            wait_until(lambda: "the state can be written again" in log.read_text(), what="the recovery")
            assert log.read_text().count("smithd goes on without writing it") == 1
            process.kill()
            process.wait(60)
        with smithd(config):
            await_polls(shop, 2)
            shop.data = data(errors=0)
            wait_until(lambda: bool(service.of("push-notification-replace")), what="the end, in place")
        assert titles(service) == ["errors is critical"]
        assert service.violations() == []


def test_a_daemon_killed_while_it_cannot_write_waits_before_it_sends_again(tmp_path: Path) -> None:
    """What it sent is not on disk, so it is sent once more; but not before a minute has passed."""
    state, log = tmp_path / "state.db", tmp_path / "smithd.log"
    with world(data()) as (service, shop, url):
        config = configured(tmp_path, service.key, url)
        with smithd(config, first=SOON) as process:
            await_polls(shop, 2)
            with held_by_another_program(state):
                shop.data = data(errors=9)
                wait_until(lambda: len(titles(service)) == 1, what="the push")
                process.kill()
                process.wait(60)
        started = time.monotonic()
        with smithd(config):
            await_polls(shop, 3)
            wait_until(lambda: "sends nothing for 60 s" in log.read_text(), what="the warning")
            wait_until(lambda: time.monotonic() > started + 3, what="three seconds")
            assert len(titles(service)) == 1
        with sqlite3.connect(state) as connection:
            assert connection.execute("SELECT count(*) FROM alerts").fetchone() == (1,)

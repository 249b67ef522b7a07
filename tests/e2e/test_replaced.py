"""The state of a running daemon is replaced, or wanted by a second daemon: one of two stops, and says why."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from e2e.test_run import configured, data
from e2e.world import await_polls, smithd, wait_until, world


@pytest.mark.parametrize("way", ["copied over", "renamed"])
def test_a_daemon_whose_state_is_replaced_exits_with_status_3(tmp_path: Path, way: str) -> None:
    with world(data()) as (service, shop, url):
        config, state, backup = configured(tmp_path, service.key, url), tmp_path / "state.db", tmp_path / "backup.db"
        with smithd(config) as process:
            await_polls(shop, 2)
        shutil.copyfile(state, backup)
        with smithd(config) as process:
            await_polls(shop, 2)
            shutil.copyfile(backup, state) if way == "copied over" else backup.replace(state)
            shop.data = data(errors=9)
            wait_until(lambda: process.poll() is not None, what="the end")
            assert process.returncode == 3
        assert "it was replaced by another file while it was in use" in (tmp_path / "smithd.log").read_text()
        with smithd(config) as process:
            wait_until(lambda: len(service.of("push-notification-send")) == 1, what="the push")


def test_a_second_daemon_stops_at_once_and_names_the_first(tmp_path: Path) -> None:
    with world(data()) as (service, shop, url):
        config = configured(tmp_path, service.key, url)
        other = tmp_path / "other.yaml"
        other.write_text(config.read_text().replace("state.db", "link.db"))
        with smithd(config) as first:
            await_polls(shop, 1)
            (tmp_path / "link.db").symlink_to("state.db")
            with smithd(other) as second:
                wait_until(lambda: second.poll() is not None, what="the refusal")
                assert second.returncode == 1
        assert f"another smithd (pid {first.pid}) uses {tmp_path / 'link.db'}" in (tmp_path / "smithd.log").read_text()

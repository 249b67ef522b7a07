"""With ``watch: true`` a daemon takes what is written, once it is written."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from runtime.life import PLUGIN, Life, living
from smithd.config.files import ConfigFiles
from smithd.config.watch import FileWatch
from smithd.events import Reloaded, ReloadRefused
from virtual_time import run_virtual

BASE = """
watch: true
include: [conf.d/*.yaml]
sources:
  shop: {type: shop, every: 20s}
"""
HOST = "sources:\n  host: {type: shop, every: 30s}\n"

Scenario = Callable[[Life], Awaitable[None]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Scenario], Life]:
    """Runs a scenario against a daemon that watches its files."""
    (tmp_path / "conf.d").mkdir()

    def run_scenario(text: str, scenario: Scenario) -> Life:
        async def main() -> Life:
            async with living(tmp_path, text, monkeypatch) as life:
                await asyncio.sleep(5)
                await scenario(life)
            return life

        return run_virtual(main)

    return run_scenario


RunScenario = Callable[[str, Scenario], Life]


def test_what_is_written_is_taken_within_seconds(run: RunScenario) -> None:
    async def scenario(life: Life) -> None:
        life.write(BASE + "rules: {errors: {metric: shop.errors, warning: '> 1'}}\n")
        await asyncio.sleep(7)
        assert [type(each) for each in life.reloads()] == [Reloaded]
        await asyncio.sleep(3600)
        assert len(life.reloads()) == 1

    run(BASE, scenario)


def test_a_new_file_of_a_glob_is_taken_and_one_that_is_gone_is_left_out(run: RunScenario, tmp_path: Path) -> None:
    async def scenario(life: Life) -> None:
        (tmp_path / "conf.d/host.yaml").write_text(HOST)
        await asyncio.sleep(7)
        (tmp_path / "conf.d/host.yaml").unlink()
        await asyncio.sleep(7)
        done = life.reloads()
        assert isinstance(done[0], Reloaded)
        assert isinstance(done[1], Reloaded)
        assert [(done[0].added, done[0].removed), (done[1].added, done[1].removed)] == [(1, 0), (0, 1)]

    run(BASE, scenario)


def test_a_file_that_is_written_for_a_while_is_read_once(run: RunScenario, tmp_path: Path) -> None:
    async def scenario(life: Life) -> None:
        for count in range(1, 10):
            (tmp_path / "conf.d/host.yaml").write_text(HOST + "#" * count)
            await asyncio.sleep(1)
        await asyncio.sleep(7)
        assert len(life.reloads()) == 1

    run(BASE, scenario)


def test_a_broken_file_is_refused_once_and_tried_again_when_it_changes(run: RunScenario, tmp_path: Path) -> None:
    async def scenario(life: Life) -> None:
        broken = tmp_path / "conf.d/host.yaml"
        broken.write_text("sources: [")
        await asyncio.sleep(3600)
        assert [type(each) for each in life.reloads()] == [ReloadRefused]
        broken.write_text(HOST)
        await asyncio.sleep(7)
        assert [type(each) for each in life.reloads()] == [ReloadRefused, Reloaded]

    run(BASE, scenario)


def test_a_reload_by_hand_counts(run: RunScenario, tmp_path: Path) -> None:
    async def scenario(life: Life) -> None:
        (tmp_path / "conf.d/host.yaml").write_text("sources: [")
        await life.reload()
        await asyncio.sleep(3600)
        assert len(life.reloads()) == 1

    run(BASE, scenario)


def test_without_watch_nothing_is_read_and_a_reload_can_begin_and_end_it(run: RunScenario, tmp_path: Path) -> None:
    async def scenario(life: Life) -> None:
        life.write(BASE)
        await asyncio.sleep(3600)
        assert life.reloads() == []
        await life.reload()
        await asyncio.sleep(7)
        life.write(BASE.replace("true", "false"))
        await asyncio.sleep(7)
        assert len(life.reloads()) == 2
        life.write(BASE)
        await asyncio.sleep(3600)
        assert len(life.reloads()) == 2

    run(BASE.replace("watch: true", ""), scenario)


# What there is to see.


@pytest.fixture
def watch(tmp_path: Path) -> FileWatch:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "key").write_text("a")
    (tmp_path / "own.py").write_text(PLUGIN)
    (tmp_path / "a.yaml").write_text(
        "include: [conf.d/*.yaml]\nplugins: [own.py]\nactivitysmith: {api_key: '${file:key}'}\n"
    )
    return FileWatch(ConfigFiles((tmp_path / "a.yaml", tmp_path / "b.yaml")))


def _replace(folder: Path) -> None:
    (folder / "new").write_text((folder / "a.yaml").read_text())
    (folder / "new").rename(folder / "a.yaml")


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "a.yaml").write_text("{}"),
        _replace,
        lambda folder: (folder / "a.yaml").unlink(),
        lambda folder: (folder / "b.yaml").write_text(""),
        lambda folder: (folder / "conf.d/c.yaml").write_text(""),
        lambda folder: (folder / "own.py").write_text(PLUGIN + "\n"),
        lambda folder: (folder / "key").write_text("another"),
        lambda folder: os.utime(folder / "a.yaml", ns=(1, 1)),
    ],
)
def test_a_change_is_seen(change: Callable[[Path], object], watch: FileWatch, tmp_path: Path) -> None:
    before = watch.look()
    assert watch.look() == before
    change(tmp_path)
    after = watch.look()
    assert after != before
    assert watch.look() == after


def test_what_is_no_part_of_the_configuration_is_not_seen(watch: FileWatch, tmp_path: Path) -> None:
    before = watch.look()
    (tmp_path / "conf.d/.a.yaml.swp").write_text("")
    (tmp_path / "conf.d/a.yaml~").write_text("")
    (tmp_path / "state.db").write_text("")
    assert watch.look() == before


def test_the_links_of_a_configmap_lead_elsewhere(tmp_path: Path) -> None:
    for version in ("one", "two"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "a.yaml").write_text("locale: de")
    (tmp_path / "..data").symlink_to("one")
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
    watch = FileWatch(ConfigFiles((tmp_path / "a.yaml",)))
    before = watch.look()
    (tmp_path / "..new").symlink_to("two")
    (tmp_path / "..new").rename(tmp_path / "..data")
    assert watch.look() != before


def test_a_file_that_an_included_one_names_is_seen(watch: FileWatch, tmp_path: Path) -> None:
    watch.look()
    (tmp_path / "conf.d/c.yaml").write_text("include: ../later.yaml")
    before = watch.look()
    (tmp_path / "later.yaml").write_text("locale: de")
    assert watch.look() != before

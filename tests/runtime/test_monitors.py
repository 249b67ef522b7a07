"""What health checks and the service manager are told, in virtual time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from runtime.life import Life, Scripted, living
from smithd.clock import VirtualClock
from smithd.events import Events
from smithd.runtime import systemd
from smithd.runtime.monitors import Monitors
from smithd.runtime.pulse import STALLED_AFTER, Pulse
from smithd.storage.degraded import CommitHealth
from virtual_time import run_virtual

TEXT = """
sources:
  shop: {type: shop, every: 60s}
  night: {type: shop, cron: "0 3 * * *"}
rules:
  errors: {metric: shop.errors, critical: "> 5"}
"""


class FakeWriter:
    """A writer that stands where a test puts it."""

    beside_since: float | None = None
    turned_at = 0.0


class Jumping(VirtualClock):
    """A clock whose sleep is over at once."""

    async def sleep(self, seconds: float) -> None:
        self.jump(seconds)


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the service manager is told."""
    told: list[str] = []
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setattr(systemd, "notify", lambda *assignments: told.extend(assignments))
    return told


@asynccontextmanager
async def watched(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Life, Monitors]]:
    """A daemon that runs, and its monitors."""
    made: list[Monitors] = []

    class Noted(Monitors):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            made.append(self)

    monkeypatch.setattr("smithd.runtime.daemon.Monitors", Noted)
    async with living(folder, text, monkeypatch) as life:
        await life.until(lambda: bool(made))
        yield life, made[0]


def test_it_is_ready_once_every_source_was_tried_whatever_came_of_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def life() -> None:
        async with watched(tmp_path, TEXT, monkeypatch) as (_, monitors):
            probes = monitors.probes(monitors._components.config)
            assert probes.readiness() == (False, "not ready: 1 of 2 sources are untried")
            Scripted.mistaken.add("shop")
            await asyncio.sleep(30)
            # That of the night is not due yet, and one that fails was tried.
            assert probes.readiness() == (True, "ready")
            monitors._components.writer.health = CommitHealth(0.0, "/var/lib/secret is full", is_degraded=True)
            assert probes.readiness() == (True, "ready, but degraded: the state cannot be written")
            monitors._components.writer.health = CommitHealth()

    run_virtual(life)


def test_it_stays_ready_over_a_reload_that_adds_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with watched(tmp_path, TEXT, monkeypatch) as (life, monitors):
            await asyncio.sleep(30)
            assert monitors.probes(life.read()).readiness().is_well
            await life.reload(TEXT.replace("rules:", "  later: {type: shop, every: 60s}\nrules:"))
            assert monitors.probes(life.read()).readiness().is_well

    run_virtual(scenario)


@pytest.mark.parametrize(
    ("loop", "writer", "beside", "problem"),
    [
        (0.0, 0.0, None, ""),
        (STALLED_AFTER, STALLED_AFTER, None, ""),
        (STALLED_AFTER + 1, 0.0, None, "the event loop has stood still for 11 s"),
        (0.0, STALLED_AFTER + 1, None, "no step has been computed for 11 s"),
        # A commit that hangs delays messages; it is no reason to end the daemon.
        (0.0, 3600.0, 3600.0, ""),
    ],
)
def test_it_is_well_while_the_loop_turns_and_steps_are_computed(
    loop: float, writer: float, beside: float | None, problem: str
) -> None:
    clock, fake = VirtualClock(0.0), FakeWriter()
    pulse = Pulse(clock, Events(), fake)  # type: ignore[arg-type] # it only reads two times of a writer
    clock.jump(loop)
    fake.turned_at = clock.monotonic() - writer
    fake.beside_since = None if beside is None else clock.monotonic() - beside
    assert pulse.problem() == problem


def test_the_watchdog_is_fed_thrice_in_its_time_and_not_while_no_step_is_computed(
    manager: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    fake = FakeWriter()

    async def life() -> tuple[int, int]:
        clock = Jumping(0.0)
        pulse = Pulse(clock, Events(), fake)  # type: ignore[arg-type] # as above
        for _ in range(30):
            fake.turned_at = clock.monotonic()
            await pulse.beat(2.0)
        fed = manager.count("WATCHDOG=1")
        for _ in range(30):
            await pulse.beat(2.0)
        return fed, manager.count("WATCHDOG=1") - fed

    fed, later = asyncio.run(life())
    # In a minute, at least every third of 30 s; then, until ten seconds without a step are over.
    assert 6 <= fed <= 8
    assert later <= 2


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_s_time_is_the_service_manager_s(
    environment: dict[str, str], seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)
    for name, given in environment.items():
        monkeypatch.setenv(name, given)
    assert systemd.watchdog() == seconds


def test_the_sentence_is_told_when_it_changes_and_not_else(
    tmp_path: Path, manager: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def at_once(function: Any, *args: Any) -> Any:
        return function(*args)

    monkeypatch.setattr("asyncio.to_thread", at_once)  # virtual time waits for no thread

    async def life() -> None:
        async with watched(tmp_path, TEXT, monkeypatch):
            await asyncio.sleep(100)
            Scripted.values["shop"] = 9.0
            await asyncio.sleep(100)
            Scripted.mistaken.add("shop")
            await asyncio.sleep(100)

    run_virtual(life)
    told = [each.removeprefix("STATUS=") for each in manager if each.startswith("STATUS=")]
    assert told == [
        "2 sources; no alert fires.",
        "2 sources; 1 alert fires.",
        "2 sources, 1 failing (shop since 00:03); 1 alert fires.",
    ]


def test_without_a_service_manager_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    opened: list[object] = []
    monkeypatch.setattr(socket, "socket", lambda *_: opened.append(None))
    systemd.notify("STATUS=x")
    assert not systemd.is_there()
    assert opened == []

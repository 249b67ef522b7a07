"""What the door offers to those who write a source."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from smithd.plugin import File, MetricName, Options, Size, SourceError, Threads


class Given(Options):
    size: Size = 1
    name: MetricName = "a"
    file: File = "a"


@pytest.mark.parametrize(
    ("written", "size"),
    [(500, 500), ("500", 500), ("2 MB", 2_000_000), ("2mb", 2_000_000), ("1.5 kB", 1500), ("1 MiB", 1_048_576)],
)
def test_a_size_is_read_as_bytes(written: Any, size: int) -> None:
    assert Given(size=written).size == size


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"size": "5 iB"}, "expected a size like"),
        ({"size": "-5 MB"}, "expected a size like"),
        ({"size": True}, "expected a size like"),
        ({"size": 0}, "greater than 0"),
        ({"name": "Error-Rate"}, "small letters, digits and underscores"),
        ({"name": "2xx"}, "small letters, digits and underscores"),
    ],
)
def test_what_is_wrong_with_an_option_is_said(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Given.model_validate(wrong)


def test_a_relative_file_starts_at_the_configurations_folder() -> None:
    folder = {"folder": Path("/etc/smithd")}
    assert Given.model_validate({"file": "ca.pem"}, context=folder).file == "/etc/smithd/ca.pem"
    assert Given.model_validate({"file": "/ca.pem"}, context=folder).file == "/ca.pem"
    assert Given.model_validate({"file": "ca.pem"}).file == "ca.pem"


def test_an_error_carries_what_arrived_all_the_same() -> None:
    assert SourceError("half of it failed", samples=[1, 2]).samples == (1, 2)
    assert SourceError("all of it failed").samples == ()


class TestThreads:
    def test_a_call_returns_or_raises_as_it_would_have(self) -> None:
        async def main() -> None:
            threads = Threads("test", places=1)
            assert await threads.run(lambda: 6 * 7) == 42
            with pytest.raises(ZeroDivisionError):
                await threads.run(lambda: 1 // 0)

        asyncio.run(main())

    def test_a_cancelled_call_keeps_its_place_until_it_ends(self) -> None:
        async def main() -> None:
            threads = Threads("test", places=1)
            started, may_end = threading.Event(), threading.Event()

            def hang() -> None:
                started.set()
                may_end.wait()

            hanging = asyncio.create_task(threads.run(hang))
            await asyncio.to_thread(started.wait)
            hanging.cancel()
            with pytest.raises(asyncio.CancelledError):
                await hanging
            next_one = asyncio.create_task(threads.run(lambda: "done"))
            await asyncio.sleep(0)
            assert not next_one.done()
            assert not [thread for thread in threading.enumerate() if thread.name == "test"][1:]
            may_end.set()
            assert await next_one == "done"

        asyncio.run(main())

    def test_a_call_that_hangs_does_not_hold_up_the_end_of_the_process(self) -> None:
        script = """
import asyncio, threading
from smithd.plugin import Threads

async def main():
    started = threading.Event()
    hanging = asyncio.create_task(Threads("test", places=1).run(lambda: (started.set(), threading.Event().wait())))
    await asyncio.to_thread(started.wait)
    hanging.cancel()

asyncio.run(main())
"""
        subprocess.run([sys.executable, "-c", script], check=True, timeout=60)

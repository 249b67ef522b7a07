"""The contract for authors of sources fails a source that keeps something, blocks, or cannot be stopped."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from smithd.plugin import Options as NoOptions
from smithd.plugin import RawSample, Source
from smithd.poll.poller import Poller
from smithd.testing import SourceContract, poll_once, polls, polls_async

RELEASED = threading.Event()
KEPT: list[socket.socket] = []


class Sound(Source[NoOptions]):
    Options = NoOptions

    @classmethod
    def metrics(cls, options: NoOptions) -> list[str]:  # noqa: ARG003 - the same, whatever the options
        return ["level"]

    async def poll(self) -> list[RawSample]:
        return [RawSample("level", 1.0)]


class KeepsATask(Sound):
    async def open(self) -> None:
        self.task = asyncio.create_task(asyncio.Event().wait())


class KeepsAThread(Sound):
    async def open(self) -> None:
        threading.Thread(target=RELEASED.wait, daemon=True, name="forgotten").start()


class KeepsSockets(Sound):
    async def poll(self) -> list[RawSample]:
        KEPT.append(socket.socket())
        return [RawSample("level", 1.0)]


class ClosesBadly(Sound):
    async def close(self) -> None:
        raise RuntimeError("no")


class ClosesNever(Sound):
    async def close(self) -> None:
        await asyncio.Event().wait()


class Tidy(Sound):
    """Has a task, a thread and a socket while it is open, and none of them afterwards."""

    async def open(self) -> None:
        self.task = asyncio.create_task(asyncio.Event().wait())
        self.end = threading.Event()
        threading.Thread(target=self.end.wait, daemon=True).start()
        self.socket = socket.socket()

    async def close(self) -> None:
        self.task.cancel()
        self.end.set()
        self.socket.close()


class Blocks(Sound):
    async def poll(self) -> list[RawSample]:
        RELEASED.wait(60)
        return [RawSample("level", 1.0)]


class BlocksPlainly(Blocks):
    def poll(self) -> list[RawSample]:  # type: ignore[override] # a source may choose
        RELEASED.wait(60)
        return [RawSample("level", 1.0)]


class CannotBeCancelled(Sound):
    async def poll(self) -> list[RawSample]:
        while not RELEASED.is_set():
            try:
                await asyncio.sleep(0.2)
            except asyncio.CancelledError:
                continue
            if self.context.timeout > 1:
                break
        return [RawSample("level", 1.0)]


class DeclaresAText(Sound):
    @classmethod
    def metrics(cls, options: NoOptions) -> Any:  # noqa: ARG003 - as above
        return "level"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("smithd.testing.leaks.WAIT", 0.0)
    RELEASED.clear()
    yield
    RELEASED.set()
    while KEPT:
        KEPT.pop().close()


def contract(kind: type[Source[Any]]) -> SourceContract:
    class Contract(SourceContract):
        source = kind
        longest_block: ClassVar[float] = 0.05

    return Contract()


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (KeepsATask, r"left 1 task running \(Event.wait\)"),
        (KeepsAThread, r"left something behind: \['a thread \(forgotten\)'\]"),
        (KeepsSockets, "left something behind: .*socket"),
        (ClosesBadly, r"its close fails: .*RuntimeError: no \(test_contract.py:"),
    ],
)
def test_what_a_source_keeps_is_named(kind: type[Source[Any]], said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        contract(kind).test_it_lets_go_of_everything_when_it_is_closed()


def test_a_close_that_hangs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smithd.poll.poller.CLOSING", 0.05)
    with pytest.raises(AssertionError, match=r"its close fails: no end within 0\.05 s"):
        contract(ClosesNever).test_it_lets_go_of_everything_when_it_is_closed()


def test_a_tidy_source_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smithd.testing.leaks.WAIT", 60.0)
    monkeypatch.setattr("smithd.poll.poller.CLOSING", 60.0)
    for name in [name for name in dir(SourceContract) if name.startswith("test_") and "event_loop" not in name]:
        getattr(contract(Tidy), name)()


@pytest.fixture
def _seen_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets what blocks go on when it was looked at thirty times."""
    current_line, looks = Poller.current_line, []

    def look(poller: Poller) -> str | None:
        looks.append(1)
        if len(looks) == 30:
            RELEASED.set()
        return current_line(poller)

    monkeypatch.setattr(Poller, "current_line", look)
    monkeypatch.setattr("smithd.testing.polling.SAMPLING", 0.01)


@pytest.mark.usefixtures("_seen_often")
def test_an_async_poll_that_blocks_its_loop_is_named() -> None:
    with pytest.raises(AssertionError, match=r"blocks its event loop for .* s \(test_contract.py:\d+\)"):
        _second_blocks().test_an_async_poll_does_not_block_its_event_loop()


def _second_blocks() -> SourceContract:
    """The first poll may take its time, for imports."""

    class Second(Blocks):
        polled = False

        async def poll(self) -> list[RawSample]:
            if Second.polled:
                RELEASED.wait(60)
            Second.polled = True
            return [RawSample("level", 1.0)]

    return contract(Second)


@pytest.mark.usefixtures("_seen_often")
def test_a_plain_poll_may_block() -> None:
    contract(BlocksPlainly).test_an_async_poll_does_not_block_its_event_loop()


def test_a_poll_that_cannot_be_cancelled_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smithd.poll.poller.GRACE", 0.05)
    with pytest.raises(AssertionError, match="does not stop when its poll is cancelled"):
        contract(CannotBeCancelled).test_an_async_poll_can_be_cancelled()


def test_metrics_that_are_a_text_are_refused() -> None:
    with pytest.raises(Exception, match="expected a list of names, found 'level'"):
        contract(DeclaresAText).test_its_metrics_are_known_from_its_options_alone()


def test_a_source_can_be_asked_within_a_test_that_is_a_coroutine() -> None:
    async def main() -> None:
        assert poll_once(Sound, {}).value("level") == 1.0
        assert len(polls(2, Sound, {})) == 2
        assert [outcome.value("level") for outcome in await polls_async(2, Sound, {})] == [1.0, 1.0]

    asyncio.run(main())

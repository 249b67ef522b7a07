"""The control socket: for its user alone, there after a crash, and unimpressed by whoever speaks to it."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from smithd import control
from smithd.control import AT_ONCE, LARGEST_REQUEST, LONGEST_PATH, ask, listen, places, serve
from smithd.errors import ConfigError, ControlError, ListenError, Remark, SmithdError
from virtual_time import run_virtual


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short."""
    with tempfile.TemporaryDirectory(prefix="smithd-") as name:
        yield Path(name)


async def echo(arguments: Mapping[str, Any]) -> Any:
    return dict(arguments)


def raising(error: Exception) -> control.Handler:
    async def refuse(_: Mapping[str, Any]) -> Any:
        raise error

    return refuse


MISTAKE = Remark("smithd.yaml", 1, 2, "no value", hint="leave it out")
HANDLERS: dict[str, control.Handler] = {
    "echo": echo,
    "fail": raising(SmithdError("the disk is full")),
    "mistake": raising(ConfigError("smithd.yaml:1:1: no")),
    "placed": raising(ConfigError("as a text", [MISTAKE])),
    "nonsense": raising(ValueError("expected a duration")),
    "exhausted": raising(OSError(24, "Too many open files", "/some/file")),
}


@asynccontextmanager
async def serving(path: Path) -> AsyncIterator[None]:
    task = asyncio.create_task(serve(listen(path), HANDLERS))
    await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def served(path: Path, scenario: Callable[[], Awaitable[Any]]) -> Any:
    """The result of a scenario beside a server on the real clock."""

    async def main() -> Any:
        async with serving(path):
            return await scenario()

    return asyncio.run(main())


async def asked(path: Path, command: str, **arguments: Any) -> Any:
    return await asyncio.to_thread(ask, [path], command, arguments)


async def said(path: Path, *pieces: bytes, end: bool = True) -> dict[str, Any]:
    """What a client hears that writes these bytes."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    with suppress(OSError):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if end:
            writer.write_eof()
    answer = b""
    with suppress(OSError):
        answer = await reader.read()
    writer.close()
    return dict(json.loads(answer)) if answer else {}


def test_a_command_is_carried_out_and_its_answer_comes_back(folder: Path) -> None:
    path = folder / "made" / "control.sock"

    async def scenario() -> Any:
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        return await asked(path, "echo", text="ä\n", number=1.5, long="x" * 50_000)

    assert served(path, scenario) == {"text": "ä\n", "number": 1.5, "long": "x" * 50_000}
    assert not path.exists()


@pytest.mark.parametrize(
    ("command", "kind", "text"),
    [
        ("fail", ControlError, "the disk is full"),
        ("mistake", ConfigError, "smithd.yaml:1:1: no"),
        ("nonsense", ConfigError, "expected a duration"),
        ("exhausted", ControlError, "the system refuses: Too many open files"),
        ("unknown", ControlError, "one of these commands.*: echo, fail"),
    ],
)
def test_a_no_comes_back_as_an_error_of_its_kind(folder: Path, command: str, kind: type[Exception], text: str) -> None:
    async def scenario() -> None:
        with pytest.raises(kind, match=text):
            await asked(folder / "s", command)

    served(folder / "s", scenario)


def test_mistakes_come_back_one_by_one(folder: Path) -> None:
    async def scenario() -> tuple[Remark, ...]:
        with pytest.raises(ConfigError, match="as a text") as raised:
            await asked(folder / "s", "placed")
        return raised.value.mistakes

    assert served(folder / "s", scenario) == (MISTAKE,)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"GET / HTTP/1.1\r\n",
        b"\xff\xfe\x00\n",
        b"null\n",
        b"[1]\n",
        b"{}\n",
        b'{"command": "echo"}\n',
        b'{"command": ["echo"], "arguments": {}}\n',
        b'{"command": "echo", "arguments": [1]}\n',
        b'{"command": "echo", "arguments": {}',
        b"[" * 60_000 + b"\n",
    ],
)
def test_garbage_is_answered_with_what_was_expected(folder: Path, line: bytes) -> None:
    async def scenario() -> None:
        answer = await said(folder / "s", line)
        assert "expected" in answer["error"] or answer["answer"] == {}
        assert await asked(folder / "s", "echo", still="there") == {"still": "there"}

    served(folder / "s", scenario)


def test_ten_megabytes_are_not_taken_in(folder: Path) -> None:
    async def scenario() -> None:
        answer = await said(folder / "s", b"x" * 10_000_000)
        assert not answer or f"at most {LARGEST_REQUEST} bytes" in answer["error"]
        assert await asked(folder / "s", "echo") == {}

    served(folder / "s", scenario)


def test_a_client_that_hangs_is_let_go_and_holds_nobody_up(folder: Path) -> None:
    async def main() -> list[dict[str, Any]]:
        async with serving(folder / "s"):
            hanging = [asyncio.create_task(said(folder / "s", b'{"comm', end=False)) for _ in range(AT_ONCE - 1)]
            await asyncio.sleep(1)
            assert (await said(folder / "s", b'{"command": "echo", "arguments": {}}\n'))["answer"] == {}
            hanging.append(asyncio.create_task(said(folder / "s", end=False)))
            await asyncio.sleep(1)
            assert "expected" in (await said(folder / "s", b"{}\n"))["error"], "it has waited for its turn"
            return await asyncio.gather(*hanging)

    for answer in run_virtual(main, real_wait=0.05):
        assert answer["error"] == "no command came"


def test_the_end_waits_for_nobody(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        begun = asyncio.Event()

        async def hang(_: Mapping[str, Any]) -> None:
            begun.set()
            await asyncio.Event().wait()

        monkeypatch.setitem(HANDLERS, "hang", hang)
        async with serving(folder / "s"):
            asking = asyncio.create_task(said(folder / "s", b'{"command": "hang", "arguments": {}}\n'))
            await begun.wait()
        assert await asking == {}

    asyncio.run(main())


def test_what_a_crash_left_is_taken_away(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as crashed:
        crashed.bind(str(folder / "s"))
        crashed.listen()
    assert (folder / "s").is_socket()

    async def scenario() -> None:
        assert await asked(folder / "s", "echo") == {}

    with pytest.raises(ControlError, match="smithd is not running"):
        ask([folder / "s"], "echo", {})
    served(folder / "s", scenario)


def test_a_second_daemon_does_not_take_the_first_ones_socket(folder: Path) -> None:
    async def scenario() -> None:
        with pytest.raises(ListenError, match="another smithd listens on"):
            listen(folder / "s")
        assert await asked(folder / "s", "echo") == {}

    served(folder / "s", scenario)


def test_a_file_that_is_no_socket_is_not_touched(folder: Path) -> None:
    (folder / "s").write_text("precious")
    with pytest.raises(ListenError, match="cannot listen on"):
        listen(folder / "s")
    assert (folder / "s").read_text() == "precious"


def test_a_path_that_is_too_long_is_a_clear_word(folder: Path) -> None:
    path = folder / ("x" * (LONGEST_PATH - len(str(folder)) - 1))
    assert len(str(path)) == LONGEST_PATH

    async def scenario() -> None:
        assert await asked(path, "echo") == {}

    served(path, scenario)
    longer = path.with_name(path.name + "x")
    with pytest.raises(ListenError, match=r"the path has 108 bytes and 107 fit; --socket names a shorter one"):
        listen(longer)
    with pytest.raises(ControlError, match="107 fit"):
        ask([longer], "echo", {})


def raising_home(_: str) -> Path:
    raise RuntimeError("could not determine the home directory")


def test_both_sides_find_the_place_by_the_configuration_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/7")
    session = places(Path("smithd.yaml"))
    assert session == places(folder.resolve() / "smithd.yaml")
    assert session[0].parent == Path("/run/user/7/smithd")
    assert session[0] != places(Path("other/smithd.yaml"))[0]
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/one:/run/two")
    service = places(Path("smithd.yaml"))
    assert service[0] == Path("/run/one") / session[0].name
    with monkeypatch.context() as nowhere:
        nowhere.setattr(control, "user_state_path", raising_home)
        assert places(Path("smithd.yaml"))[0] == service[0], "a service has no home, and needs none"
    assert control.SERVICE_FOLDER / session[0].name in session
    with pytest.raises(ControlError) as nobody:
        ask(session, "echo", {})
    assert all(str(path) in str(nobody.value) for path in session)


def test_a_further_service_is_found_in_its_own_runtime_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "SERVICE_FOLDER", folder / "run" / "smithd")
    for name in ("smithd", "smithd-shop", "other"):
        (folder / "run" / name).mkdir(parents=True)
    found = [place.parent.name for place in places(Path("smithd.yaml"))]
    assert found[-2:] == ["smithd", "smithd-shop"]
    assert "other" not in found


def test_a_socket_of_another_user_is_said_to_be_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(path: Path) -> socket.socket:
        raise PermissionError(13, "Permission denied") if path.parent == Path("/run/smithd") else FileNotFoundError

    monkeypatch.setattr(control, "_connect", connect)
    with pytest.raises(ControlError, match=r"^smithd cannot be asked, [^!]*\n  /run/smithd/x\n.*sudo") as denied:
        ask([folder / "x", Path("/run/smithd/x")], "echo", {})
    # ``explain`` goes to the state only where no daemon runs, which nobody knows here.
    assert type(denied.value) is ControlError


@pytest.mark.parametrize(("command", "seconds"), [("status", 0.05), ("reload", 0.1)])
def test_a_daemon_that_stands_still_is_given_up(
    folder: Path, monkeypatch: pytest.MonkeyPatch, command: str, seconds: float
) -> None:
    monkeypatch.setattr(control, "LONGEST_COMMAND", 0.05)
    monkeypatch.setattr(control, "LONGEST_RELOAD", 0.1)
    with listen(folder / "s"), pytest.raises(ControlError, match=f"^smithd did not answer within {seconds} s: it runs"):
        ask([folder / "s"], command, {})


def test_only_a_reload_is_waited_for_longer() -> None:
    assert (control.LONGEST_COMMAND, control.LONGEST_RELOAD) == (10, 120)

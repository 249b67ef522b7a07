"""The control socket: how the command line sends commands to the running daemon.

A Unix socket that its user alone may open (and root). One connection is one command: a JSON object on a line, as
``{"command": "silence.list", "arguments": {}}``, answered by one on a line, ``{"answer": ...}`` or
``{"error": "...", "mistake": true, "mistakes": [...]}``, where the mistakes are those that have a place.
"""

from __future__ import annotations

import asyncio
import concurrent.futures.thread  # noqa: F401 - asyncio imports it late, when there may be no descriptor left to read it
import fcntl
import json
import os
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zlib import crc32

from platformdirs import user_state_path

from smithd.beside import beside
from smithd.connections import HEAD_TIMEOUT, MOST, ConnectionLimit, accept
from smithd.descriptors import RESERVE
from smithd.errors import ConfigError, ControlError, ListenError, NotRunning, Remark, SmithdError

Handler = Callable[[Mapping[str, Any]], Awaitable[Any]]
"""Carries out a command with its arguments, and returns what JSON can hold. The text of what it raises
(SmithdError, or ValueError for arguments that make no sense) is for a person."""

SERVICE_FOLDER = Path("/run/smithd")
"""The runtime directory of the systemd unit, where root's command line finds the service. Those of smithd@.service have
its name with theirs behind it: /run/smithd-shop.
"""

LONGEST_PATH = 107
"""Bytes that the address of a Unix socket may have (unix(7): 108 with the zero at its end)."""

LARGEST_REQUEST = 64 * 1024
LARGEST_ANSWER = 32 * 1024 * 1024
AT_ONCE = 16
"""Commands that are carried out at once; one more waits."""
CLIENT_TIMEOUT = 10.0
"""Seconds that a client has to connect, and to read the answer; for its command it has those of a request's head."""
LONGEST_COMMAND = 10.0
LONGEST_RELOAD = 120.0
"""Seconds after which a client gives up on the daemon; a reload opens sources, and closes them."""


def places(config: Path) -> list[Path]:
    """Where the socket of a daemon with this configuration file is: the daemon takes the first, a client tries each.

    The file's whole path decides the name, so that daemons with different files do not meet.
    """
    path = config.resolve()
    name = f"{path.stem[:32]}-{crc32(bytes(path)):08x}.sock"

    folders = []
    # systemd lists several with colons.
    if given := os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]:
        folders.append(Path(given))
    if session := os.environ.get("XDG_RUNTIME_DIR", ""):
        folders.append(Path(session) / "smithd")
    # A service may have no home.
    with suppress(RuntimeError):
        folders.append(user_state_path("smithd"))
    instances = sorted(SERVICE_FOLDER.parent.glob(f"{SERVICE_FOLDER.name}-*"))
    return [folder / name for folder in (*folders, SERVICE_FOLDER, *instances)]


def listen(path: Path) -> socket.socket:
    """A listening socket at ``path``, which only this user may open; what a crash left there is removed.

    Raises ListenError where it cannot be, or where another daemon has it.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            # Two daemons that start at once must not both take the other's socket for a leftover.
            fcntl.flock(folder, fcntl.LOCK_EX)
            return _bound(path)
        finally:
            os.close(folder)
    except OSError as error:
        raise ListenError(f"cannot listen on {path}: {error.strerror or error}") from None


def _bound(path: Path) -> socket.socket:
    try:
        _connect(path).close()
    except (FileNotFoundError, ConnectionRefusedError):
        pass
    else:
        raise ListenError(f"another smithd listens on {path}")
    # A daemon that crashed has left it. A file that is no socket is not ours; binding then fails and says so.
    if path.is_socket():
        path.unlink()
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(path))
        # Before it listens, so that no other user can have connected.
        path.chmod(0o600)
        # A client's connect fails at once where the queue is full. Those in the queue hold no descriptor of ours.
        listener.listen(socket.SOMAXCONN)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


async def serve(listener: socket.socket, handlers: Mapping[str, Handler]) -> None:
    """Carry out commands until cancelled; then those that still run are cancelled, and the socket is removed."""
    path = Path(listener.getsockname())
    # Who connects is always the same user, so there is nothing to tell them apart by.
    limit = ConnectionLimit(most_from_one=MOST)
    clients: set[_Client] = set()
    turns = asyncio.Semaphore(AT_ONCE)

    def take(connection: socket.socket, _: str) -> None:
        client = _Client(connection, handlers, turns)
        if not limit.admit(client, None):
            connection.close()
            return
        clients.add(client)
        client.task = asyncio.ensure_future(client.attend())
        client.task.add_done_callback(lambda _: leave(client))

    def leave(client: _Client) -> None:
        clients.discard(client)
        limit.forget(client)

    try:
        # A command must get through also where everything else has used up the descriptors; but many clients that say
        # nothing must not take those of delivery and the state.
        await accept(listener, take, RESERVE.half_lent, limit.make_room)
    finally:
        listener.close()
        for client in clients:
            client.abort()
        with suppress(FileNotFoundError):
            os.unlink(path)


class _Client:
    """A connection of the command line: one command, and its answer."""

    task: asyncio.Task[None]

    def __init__(self, connection: socket.socket, handlers: Mapping[str, Handler], turns: asyncio.Semaphore) -> None:
        self.waiting_since: float | None = None
        self._connection: socket.socket | None = connection
        self._handlers = handlers
        self._turns = turns

    def abort(self) -> None:
        self.task.cancel()
        # A task that is cancelled before its first step closes nothing.
        if self._connection is not None:
            self._connection.close()

    async def attend(self) -> None:
        connection, self._connection = self._connection, None
        self.waiting_since = asyncio.get_running_loop().time()
        reader, writer = await asyncio.open_unix_connection(sock=connection, limit=LARGEST_REQUEST)
        try:
            line = await _line(reader)
            self.waiting_since = None
            async with self._turns:
                reply = line if isinstance(line, dict) else await _reply(line, self._handlers)
                # In a thread, since an answer may have megabytes.
                written = await beside(encoded, reply)
                with suppress(OSError, TimeoutError):
                    async with asyncio.timeout(CLIENT_TIMEOUT):
                        writer.write(written)
                        await writer.drain()
        finally:
            writer.close()


async def _line(reader: asyncio.StreamReader) -> bytes | dict[str, Any]:
    """What a client asks, or why nothing can be made of it."""
    try:
        async with asyncio.timeout(HEAD_TIMEOUT):
            return await reader.readline()
    except TimeoutError:
        return _refusal("no command came")
    except (ValueError, OSError):
        # A line beyond the reader's limit is a ValueError.
        return _refusal(f"a command has at most {LARGEST_REQUEST} bytes")


async def _reply(line: bytes, handlers: Mapping[str, Handler]) -> dict[str, Any]:
    try:
        request = json.loads(line)
        command, arguments = request["command"], request["arguments"]
        handler = handlers[command]
    except (ValueError, RecursionError, LookupError, TypeError):
        return _refusal(f"expected a line of JSON with one of these commands, and its arguments: {', '.join(handlers)}")
    if not isinstance(arguments, dict):
        return _refusal("expected the arguments as a JSON object")
    try:
        return {"answer": await handler(arguments)}
    except SmithdError as error:
        if isinstance(error, ConfigError):
            return _refusal(str(error), mistake=True, mistakes=error.mistakes)
        return _refusal(str(error))
    except OSError as error:
        return _refusal(f"the system refuses: {error.strerror or error}")
    except (ValueError, TypeError, LookupError) as error:
        # What handlers raise for arguments that make no sense: the user wrote those.
        return _refusal(str(error), mistake=True)


def encoded(value: Any) -> bytes:
    """A line of JSON, for a thread. Piece by piece: ``json.dumps`` would let no other run until it is done."""
    return "".join(json.JSONEncoder().iterencode(value)).encode() + b"\n"


def _refusal(error: str, *, mistake: bool = False, mistakes: Iterable[Remark] = ()) -> dict[str, Any]:
    return {"error": error, "mistake": mistake, "mistakes": list(map(asdict, mistakes))}


def ask(paths: list[Path], command: str, arguments: Mapping[str, Any]) -> Any:
    """Have the daemon that listens at one of these paths carry out a command, and return its answer.

    Raises NotRunning where there is none, ControlError where the daemon refuses the command or may not be asked by this
    user, and ConfigError where it refuses what the user wrote.
    """
    longest = LONGEST_RELOAD if command == "reload" else LONGEST_COMMAND
    with _first_connection(paths) as connection:
        try:
            connection.settimeout(longest)
            connection.sendall(json.dumps({"command": command, "arguments": dict(arguments)}).encode() + b"\n")
            with connection.makefile("rb") as stream:
                answer = stream.readline(LARGEST_ANSWER)
        except TimeoutError:
            raise ControlError(
                f"smithd did not answer within {longest:g} s: it runs, but stands still (is it stopped, or this "
                "machine overloaded?); once it goes on, it may still do what it was asked"
            ) from None
        except OSError as error:
            raise ControlError(f"smithd did not answer: {error.strerror or error}") from None
    try:
        reply = json.loads(answer)
        if "error" in reply:
            raise _error(reply)
        return reply["answer"]
    except (ValueError, LookupError, TypeError):
        raise ControlError("smithd did not answer: it may have stopped; its log says why") from None


def _error(reply: Mapping[str, Any]) -> SmithdError:
    if not reply["mistake"]:
        return ControlError(str(reply["error"]))
    # A daemon of an earlier version says them in the text only.
    return ConfigError(str(reply["error"]), [Remark(**each) for each in reply.get("mistakes", ())])


def _first_connection(paths: list[Path]) -> socket.socket:
    denied: list[Path] = []
    for path in paths:
        try:
            return _connect(path)
        except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
            # No daemon, or one that crashed and left its socket; the next path may have one.
            continue
        except PermissionError:
            denied.append(path)
        except OSError as error:
            raise ControlError(f"smithd does not answer on {path}: {error.strerror or error}") from None
    named = "The file is named with -c FILE, as smithd run was given it; --socket names the socket itself."
    if denied:
        # There may be a daemon: nothing says that none runs.
        sockets = "\n  ".join(map(str, denied))
        raise ControlError(
            f"smithd cannot be asked, since this user may not open its socket\n  {sockets}\n"
            f"If it runs as a service, ask as root (sudo). {named}"
        )
    looked = "\n  ".join(map(str, paths))
    raise NotRunning(f"smithd is not running with this configuration file: there is no daemon at\n  {looked}\n{named}")


def _connect(path: Path) -> socket.socket:
    # The system would only say "AF_UNIX path too long", and not what to do.
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise OSError(
            0, f"the path has {len(os.fsencode(path))} bytes and {LONGEST_PATH} fit; --socket names a shorter one"
        )
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(CLIENT_TIMEOUT)
        connection.connect(str(path))
    except BaseException:
        connection.close()
        raise
    return connection

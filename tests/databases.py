"""Real database servers, each with folders and ports of its own; an unprivileged user runs them."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncmy
import psycopg

from servers import Certificate, installed, unprivileged

PASSWORD = "pw-s3cret"
STARTING = 60.0
"""Seconds that a server may take to start, on a machine that does much else."""
_ATTEMPTS = 5
"""How often to look for another port: between choosing and taking one, somebody else may have taken it."""

TABLES = """
CREATE TABLE jobs (queue varchar(20), state varchar(20), age_seconds decimal(10, 2));
INSERT INTO jobs VALUES ('mail', 'queued', 1.5), ('mail', 'queued', 90), ('pdf', 'queued', 7.25), (NULL, 'done', 3);
CREATE TABLE secrets (word varchar(20));
"""
QUEUED = 3


@dataclass
class DatabaseServer:
    """A server that runs. ``url`` is how its user, who has all rights on ``jobs`` and none on ``secrets``, gets in."""

    scheme: str
    command: list[str]
    folder: Path
    answers: Callable[[int], bool]
    stops_on: signal.Signals
    as_admin: Callable[[DatabaseServer, Sequence[str]], None]
    port: int = 0

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://reader:{PASSWORD}@{self.place}/warehouse"

    def execute(self, *statements: str) -> None:
        """Have its administrator run them, in the database of the tables."""
        self.as_admin(self, statements)

    def grant(self, table: str) -> str:
        """The statement that lets its user read a table."""
        return f"GRANT SELECT ON {table} TO reader" + ("@'127.0.0.1'" if self.scheme == "mysql" else "")

    def start(self, *more: str) -> None:
        """Start it, or start it again on the port it had; returns when it answers. ``more`` are further arguments."""
        for _ in range(1 if self.port else _ATTEMPTS):
            port = self.port or _free_port()
            command = [part.format(port=port) for part in (*self.command, *more)]
            with (self.folder / "log").open("ab") as log:
                self._process = subprocess.Popen(
                    command,
                    cwd=self.folder,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    **unprivileged(self.folder),
                )
            if self._is_up(port):
                self.port = port
                return
        raise AssertionError(f"{self.command[0]} did not start:\n{(self.folder / 'log').read_text()[-3000:]}")

    def stop(self) -> None:
        """Stop it at once; whoever is connected is cut off."""
        self._process.send_signal(self.stops_on)
        self._process.wait()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """While it takes connections, and says nothing."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        processes = [self._process.pid, *map(int, children)]
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)

    def _is_up(self, port: int) -> bool:
        end = time.monotonic() + STARTING
        while time.monotonic() < end and self._process.poll() is None:
            if self.answers(port):
                return self._process.poll() is None
            time.sleep(0.02)
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def postgresql(certificate: Certificate) -> Iterator[DatabaseServer]:
    """A PostgreSQL with the tables; skips the test where it is missing."""
    versions = Path("/usr/lib/postgresql").glob("*/bin")  # Debian keeps them off the path
    path = os.pathsep.join([*map(str, sorted(versions)), os.environ["PATH"]])
    initdb, postgres = (installed(name, "postgresql", path) for name in ("initdb", "postgres"))
    with _folder("postgresql-", certificate) as folder:
        data = folder / "data"
        _run(folder, initdb, "-D", str(data), "-U", "admin", "-A", "trust", "--no-sync", "--no-locale", "-E", "UTF8")
        (data / "pg_hba.conf").write_text(
            "host all admin 127.0.0.1/32 trust\nhost all outsider 127.0.0.1/32 reject\n"
            "host all all 127.0.0.1/32 scram-sha-256\n"
        )
        settings = "fsync=off ssl=on ssl_cert_file=../cert.pem ssl_key_file=../key.pem listen_addresses=127.0.0.1"
        options = [part for setting in settings.split() for part in ("-c", setting)]
        command = [postgres, "-D", str(data), "-k", str(folder), "-p", "{port}", *options]
        server = DatabaseServer("postgresql", command, folder, _postgresql_answers, signal.SIGQUIT, _run_in_postgresql)
        with _running(server):
            with _admin(server.port, "postgres") as admin:
                admin.execute("CREATE DATABASE warehouse")
            with _admin(server.port, "warehouse") as admin:
                admin.execute(TABLES.encode())
                admin.execute(f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'".encode())
                admin.execute("CREATE SEQUENCE numbers; GRANT ALL ON numbers, jobs TO reader")
            yield server


def _admin(port: int, database: str) -> psycopg.Connection[Any]:
    return psycopg.connect(host="127.0.0.1", port=port, user="admin", dbname=database, autocommit=True)


def _run_in_postgresql(server: DatabaseServer, statements: Sequence[str]) -> None:
    with _admin(server.port, "warehouse") as admin:
        for statement in statements:
            admin.execute(statement.encode())


def _postgresql_answers(port: int) -> bool:
    try:
        _admin(port, "postgres").close()
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def mariadb(certificate: Certificate) -> Iterator[DatabaseServer]:
    """A MariaDB with the tables; skips the test where it is missing."""
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin"])
    install = installed("mariadb-install-db", "mariadb-server-core", path)
    daemon = installed("mariadbd", "mariadb-server-core", path)
    with _folder("mariadb-", certificate) as folder:
        options = ["--no-defaults", f"--datadir={folder}/data"]
        _run(folder, install, *options, "--auth-root-authentication-method=normal", "--skip-test-db")
        created = f"""
            CREATE DATABASE warehouse; USE warehouse; {TABLES} CREATE SEQUENCE numbers;
            CREATE USER reader@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'; GRANT ALL ON jobs TO reader@'127.0.0.1';
            GRANT ALL ON numbers TO reader@'127.0.0.1';
        """
        (folder / "init.sql").write_text("".join(f"{' '.join(each.split())};\n" for each in created.split(";")[:-1]))
        more = "--bind-address=127.0.0.1 --port={port} --skip-name-resolve --innodb-buffer-pool-size=16M"
        more += f" --ssl-cert={folder}/cert.pem --ssl-key={folder}/key.pem"
        more += f" --socket={folder}/mariadb.sock --pid-file={folder}/pid"
        command = [daemon, *options, *more.split()]
        server = DatabaseServer("mysql", command, folder, _mariadb_answers, signal.SIGKILL, _run_in_mariadb)
        with _running(server, f"--init-file={folder}/init.sql"):
            yield server


def _run_in_mariadb(server: DatabaseServer, statements: Sequence[str]) -> None:
    async def run() -> None:
        where = {"unix_socket": f"{server.folder}/mariadb.sock", "user": "root", "database": "warehouse"}
        connection = await asyncmy.connect(**where, autocommit=True)
        for statement in statements:
            async with connection.cursor() as cursor:
                await cursor.execute(statement)
        await connection.ensure_closed()

    with ThreadPoolExecutor(1) as apart:  # a test may call this within an event loop of its own
        apart.submit(asyncio.run, run()).result()


def _mariadb_answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            return bool(connection.recv(1))  # it greets whom it serves
    except OSError:
        return False


@contextmanager
def _running(server: DatabaseServer, *more: str) -> Iterator[None]:
    server.start(*more)
    try:
        yield
    finally:
        server.stop()


@contextmanager
def _folder(prefix: str, certificate: Certificate) -> Iterator[Path]:
    """A folder of the server's own, with the certificate in it."""
    with tempfile.TemporaryDirectory(prefix=prefix) as name:
        for file in (certificate.cert_file, certificate.key_file):
            copy = Path(shutil.copy(file, Path(name) / file.name))
            copy.chmod(0o600)
        yield Path(name)


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **unprivileged(folder))
    assert done.returncode == 0, done.stdout + done.stderr


class Pooler:
    """Stands before a PostgreSQL as PgBouncer does by default: it takes no options of a session."""

    _REFUSAL = b"SFATAL\0C08P01\0Munsupported startup parameter: options\0\0"

    def __init__(self, behind: int) -> None:
        self._behind = behind
        self._lines: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Pooler:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for line in self._lines:
            line.close()
        await asyncio.gather(*(line.wait_closed() for line in self._lines), return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._lines.append(writer)
        start = await self._start_of(reader)
        while len(start) == 8:  # it asks for encryption of some kind
            writer.write(b"N")
            start = await self._start_of(reader)
        if b"\0options\0" in start:
            writer.write(b"E" + struct.pack("!i", 4 + len(self._REFUSAL)) + self._REFUSAL)
            writer.close()
            return
        answers, questions = await asyncio.open_connection("127.0.0.1", self._behind)
        self._lines.append(questions)
        questions.write(start)
        await asyncio.gather(self._pass_on(reader, questions), self._pass_on(answers, writer))

    async def _start_of(self, reader: asyncio.StreamReader) -> bytes:
        length = await reader.readexactly(4)
        return length + await reader.readexactly(struct.unpack("!i", length)[0] - 4)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

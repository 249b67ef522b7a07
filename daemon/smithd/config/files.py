"""The files of a configuration, as the command line names them; and reading a file that may be a pipe, without waiting
for ever where nobody writes into it.
"""

from __future__ import annotations

import errno
import os
import select
from dataclasses import dataclass
from pathlib import Path

PIPE_TIMEOUT = 20.0
"""Seconds that a pipe may take until more comes, or its end."""


@dataclass(frozen=True, slots=True)
class ConfigFiles:
    """The files that a configuration is read from, and ``settings``: what ``--set`` changes in it, as KEY=VALUE.

    The first file gives the daemon, its control socket and its state their names. ``hint``: what to do where a file is
    not there; None in a reload, which cannot name another.
    """

    paths: tuple[Path, ...]
    settings: tuple[str, ...] = ()
    hint: str | None = "name the configuration file with -c FILE"

    @property
    def first(self) -> Path:
        return self.paths[0]


def read(path: Path, most: int) -> bytes:
    """A file's content, or its first ``most`` bytes: a device like /dev/zero would never end. Raises OSError, and
    ValueError where the path is none.
    """
    if path.is_fifo():
        return _read_pipe(path, most)
    with path.open("rb") as file:
        return file.read(most)


def _read_pipe(path: Path, most: int) -> bytes:
    # To open it as a file would wait for a program that writes, and nothing could end that.
    pipe = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        content, more = b"", select.poll()
        more.register(pipe, select.POLLIN)
        # Asked before it is read: a pipe that nobody has opened for writing looks as if it had ended.
        while len(content) < most and more.poll(PIPE_TIMEOUT * 1000):
            piece = os.read(pipe, most - len(content))
            if not piece:
                return content
            content += piece
        if len(content) < most:
            raise OSError(errno.ETIMEDOUT, f"it is a pipe, and nothing came for {PIPE_TIMEOUT:g} s")
        return content
    finally:
        os.close(pipe)

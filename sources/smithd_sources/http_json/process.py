"""The one process that searches large and costly answers, for all sources of a daemon. Asking it blocks.

It is started when it is first needed (see ``child``), and takes one job at a time. Of those that wait, the one whose
source was cheapest the last time goes first, so that a costly source holds up the others for one job at most.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from typing import Any

from smithd.plugin import BadResponse, MetricOptions, Unavailable
from smithd_sources.http_json.body import Body
from smithd_sources.http_json.search import Pages, Search
from smithd_sources.values import TimeContext

_COMMAND = ("-P", "-m", "smithd_sources.http_json.child")
_ENVIRONMENT = ("PATH", "PYTHON", "LD_", "DYLD_", "LC_", "LANG", "TZ")
"""What the process gets of the environment, by how names begin: the rest may be secrets."""
_LONGEST = 10.0
"""Seconds after which a job is given up, though it used little CPU time."""


class SearchProcess:
    """Several threads may use it at once. ``join`` it before, and ``leave`` it after: the last to leave ends it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._users = 0
        self._numbers = count()
        self._waiting: list[tuple[float, int]] = []
        self._busy = False
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether it does a job."""
        return self._busy

    @property
    def waiting(self) -> int:
        """How many jobs wait for their turn."""
        return len(self._waiting)

    def join(self) -> None:
        with self._changed:
            self._users += 1

    def leave(self) -> None:
        with self._changed:
            self._users -= 1
            process = None
            if self._users == 0:
                process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            _close(process)

    def next_page(self, search: Search, body: Body, cost: float, patience: float) -> str | None:
        """As in ``Search``. ``cost`` (seconds) decides its turn; ``patience`` is for how long to wait for that."""
        answer = self._ask({"wants": "next_page", "search": _written(search)}, [body], cost, patience)
        address: str | None = answer["next_page"]
        return address

    def samples(self, search: Search, pages: Pages, asked: TimeContext, cost: float, patience: float) -> dict[str, Any]:
        """``samples`` (metric, value and labels), the ``failure`` of the rest, if any, and the ``seconds`` it took."""
        job = {
            "wants": "samples",
            "search": _written(search),
            "now": asked.now,
            "zone": str(asked.zone),
            "complete": pages.complete,
        }
        return self._ask(job, pages.bodies, cost, patience)

    def _ask(self, job: dict[str, Any], bodies: Sequence[Body], cost: float, patience: float) -> dict[str, Any]:
        header = json.dumps(job | {"bodies": [(len(body.content), body.kind) for body in bodies]}).encode() + b"\n"
        turn = (cost, next(self._numbers))
        with self._changed:
            self._waiting.append(turn)
            is_next = self._changed.wait_for(lambda: not self._busy and min(self._waiting) == turn, patience)
            self._waiting.remove(turn)
            if not is_next:
                self._changed.notify_all()
                raise Unavailable("the answers of other sources took too long to search: this one had no turn")
            self._busy = True
        try:
            answer: dict[str, Any] = json.loads(self._exchange([header, *(body.content for body in bodies)]))
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
        if "error" in answer:
            raise BadResponse(answer["error"])
        return answer

    def _exchange(self, pieces: Sequence[bytes]) -> bytes:
        """The line that the process answers. Raises BadResponse where it ends over the job."""
        while True:
            kept = self._process is not None
            process = self._process or self._start()
            assert process.stdin is not None
            assert process.stdout is not None
            guard = threading.Timer(_LONGEST, process.kill)
            guard.start()
            line = b""
            # It may end before it has read everything.
            with suppress(OSError):
                for piece in pieces:
                    process.stdin.write(piece)
                process.stdin.flush()
                line = process.stdout.readline()
            guard.cancel()
            if line.endswith(b"\n"):
                return line
            status, self._process = process.wait(), None
            if kept and status == 0:
                # It was idle for a minute, and ended when it was asked.
                continue
            if status in (-signal.SIGPROF, -signal.SIGKILL):
                raise BadResponse("searching the answer takes too long")
            raise BadResponse(f"searching the answer failed: the process ended with status {status}")

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {name: value for name, value in os.environ.items() if name.startswith(_ENVIRONMENT)}
        try:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter, with our own module
                [sys.executable, *_COMMAND],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                # Ctrl-C is for the daemon, which ends it.
                start_new_session=True,
            )
        except OSError as error:
            raise Unavailable(f"no process can be started to search the answer: {error.strerror}") from None
        self._process = process
        threading.Thread(target=self._forget_at_its_end, args=(process,), name="search process", daemon=True).start()
        return process

    def _forget_at_its_end(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        with self._changed:
            # Who asks it right now closes nothing, and must be able to read to the end.
            self._changed.wait_for(lambda: not self._busy)
            if self._process is process:
                self._process = None
        _close(process)


def _close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()


def _written(search: Search) -> str:
    # What only the engine reads is left out: a duration as a number would not be read again.
    of_engine = {"metrics": {"__all__": set(MetricOptions.model_fields)}}
    return search.model_dump_json(by_alias=True, exclude_defaults=True, exclude=of_engine)

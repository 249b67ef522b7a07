"""The process that searches what could take long or need much memory: ``python -m smithd_sources.http_json.child``.

It reads jobs from its standard input, and writes a line of JSON for each to its standard output. It ends by itself: at
the end of its input, after a minute without a job, and when a job takes too long or needs too much memory. So nothing
of it is left, whatever becomes of the daemon.
"""

from __future__ import annotations

import json
import resource
import select
import signal
import sys
from contextlib import suppress
from functools import lru_cache
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from smithd.plugin import SourceError
from smithd_sources.http_json.body import Body
from smithd_sources.http_json.search import Pages, Search, cpu_seconds
from smithd_sources.partial_failure import PartialFailures
from smithd_sources.values import TimeContext

IDLE = 60.0
"""Seconds without a job after which it ends."""
SECONDS = 2.0
"""The CPU time of one job; the system then ends the process."""
MEMORY = 256_000_000
"""The bytes of its address space, where the system can bound that."""


def main() -> None:
    """Do one job after another."""
    # Not on macOS, and not in every sandbox.
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    jobs, answers = sys.stdin.buffer, sys.stdout.buffer
    while select.select([jobs], [], [], IDLE)[0] and (header := jobs.readline()):
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        answer = _done(header, jobs)
        signal.setitimer(signal.ITIMER_PROF, 0)
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()
        if answer.get("ends"):
            return


def _done(header: bytes, jobs: BinaryIO) -> dict[str, Any]:
    began = cpu_seconds()
    try:
        job = json.loads(header)
        bodies = (Body(jobs.read(size), kind) for size, kind in job["bodies"])
        pages = Pages(bodies, complete=job.get("complete", True))
        answer = _searched(_search(job["search"]), job, pages)
    except SourceError as error:
        answer = {"error": str(error)}
    except MemoryError:
        # What is left of the memory may be in pieces, so the next job gets a new process.
        return {"error": f"searching the answer needs more than {MEMORY // 1_000_000} MB", "ends": True}
    return answer | {"seconds": cpu_seconds() - began}


def _searched(search: Search, job: dict[str, Any], pages: Pages) -> dict[str, Any]:
    if job["wants"] == "next_page":
        return {"next_page": search.next_page_of(pages.document(0, search))}
    failures, failure = PartialFailures(), None
    samples = search.samples(pages, TimeContext(job["now"], ZoneInfo(job["zone"])), failures)
    try:
        failures.settle(())
    except SourceError as error:
        failure = str(error)
    return {"samples": [tuple(sample) for sample in samples], "failure": failure}


@lru_cache(100)
def _search(written: str) -> Search:
    return Search.model_validate_json(written)


if __name__ == "__main__":
    main()

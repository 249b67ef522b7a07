"""The bare loop: for every source a task that asks by a prepared request of smithd's own client, as the source does,
parses the JSON, compares, and sleeps.
"""

from __future__ import annotations

import asyncio
import json
import sys

from benchmarks.server import say
from smithd.http import Http


async def watch(http: Http, url: str, threshold: float, phase: float) -> None:
    """Poll one URL every second, for ever."""
    request = http.prepare("GET", url)
    await asyncio.sleep(phase)
    while True:
        answer = await request.send()
        if json.loads(answer.body)["orders"]["today"] > threshold:
            say(url)
        await asyncio.sleep(1)


async def main(base: str, sources: int) -> None:
    """Poll ``sources`` URLs under ``base``, their starts spread over the second."""
    http = Http()
    async with asyncio.TaskGroup() as tasks:
        for number in range(sources):
            tasks.create_task(watch(http, f"{base}/{number}", 1e9, number / sources))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))

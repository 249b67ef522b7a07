"""Makes the pictures of the documentation: ``make screenshots``.

Nothing is drawn by hand, and no real time passes: the demo runs in a time that jumps, up to its trouble; the examples
of the gallery stand at a fixed moment. Needs Chromium.
"""

from __future__ import annotations

import asyncio
import io
import re
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
from playwright.async_api import Browser

from browser import browser, show
from smithd.demo import demo
from smithd.lockscreen import page
from smithd.lockscreen.gallery import gallery
from smithd.lockscreen.view import View
from smithd.serving import bind, serve
from smithd.simulator.app import application
from smithd.simulator.service import Service
from smithd.simulator.state import ServiceState
from virtual_time import run_virtual

DOCS = Path(__file__).parents[1] / "docs"
START = datetime(2026, 11, 23, 9, 40, 33, tzinfo=UTC)
TROUBLE = 27.0
"""When the demo's first trouble is at its worst, in seconds."""
DARK = {"appearance": "dark"}
GALLERIES = {
    "gallery-dark": View("dark"),
    "gallery-light": View("light"),
    "gallery-grey": View("dark", colours="grey"),
    "gallery-smallest": View("light", "small", "ax5"),
}
SENT: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("POST", "metrics/api.latency/value", {"value": 212}),
    ("POST", "metrics/api.success/value", {"value": 99.4}),
    ("POST", "metrics/shop.revenue/value", {"value": 18432.5}),
    ("POST", "metrics/status/value", {"value": "all well"}),
    ("PUT", "live-activity/stream/reindex", {
        "content_state": {"type": "progress", "title": "Reindex", "percentage": 62.5, "color": "lime",
                          "subtitle": "products", "icon": {"symbol": "bolt", "color": "lime"}},
    }),
    ("PUT", "live-activity/stream/backup", {
        "content_state": {"type": "segmented_progress", "title": "Backup", "subtitle": "verifying",
                          "number_of_steps": 5, "current_step": 3, "color": "yellow",
                          "icon": {"symbol": "externaldrive", "color": "yellow"}},
    }),
    ("PUT", "live-activity/stream/queue", {"content_state": {"type": "timer", "title": "Queue", "value": 3}}),
    ("PUT", "live-activity/stream/drain", {
        "content_state": {"type": "timer", "title": "Drain", "subtitle": "until the pool is empty",
                          "duration_seconds": 300, "color": "orange", "icon": {"symbol": "timer", "color": "orange"}},
    }),
    ("POST", "push-notification", {"title": "Backup is late", "message": "The last one ended 26 hours ago."}),
    ("POST", "push-notification", {"title": "Checkout fails for 11.4%", "interruption_level": "time-sensitive",
                                   "message": "More than 8 in 100 payments fail since 9:41."}),
    ("POST", "badge", {"badge": 4}),
)  # fmt: skip
"""What the simulator is sent, one of it refused."""


async def demo_pages() -> dict[str, str]:
    """The demo's page at its trouble: the overview, and the page of the rule that fires."""
    out, stop = io.StringIO(), asyncio.Event()
    # The machine's own figures differ from picture to picture, and the demo does without them, too.
    with mock.patch.object(demo, "Registry") as registry:
        registry.return_value.names.return_value = []
        running = asyncio.create_task(demo.run(0, False, stop, out))
        await asyncio.sleep(TROUBLE)
    address = re.search(r"http://127\.0\.0\.1:\d+", out.getvalue())
    assert address is not None, out.getvalue()
    pages = {
        "lockscreen": await _get(address[0], DARK),
        "page": await _get(f"{address[0]}/rule", {"name": "checkout-errors", "appearance": "light"}),
    }
    stop.set()
    await running
    return pages


async def simulator_page() -> str:
    """The simulator's page, after it was sent something of each kind."""
    service = Service(ServiceState(keys={"ask_test": None}, creates_metrics=True))
    listener = bind("127.0.0.1", 0)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    serving = asyncio.create_task(serve(application(service, _Still(), UTC), listener))
    async with httpx.AsyncClient(headers={"Authorization": "Bearer ask_test"}) as client:
        for method, path, body in SENT:
            await client.request(method, f"{address}/api/{path}", json=body)
    html = await _get(address, DARK)
    serving.cancel()
    await asyncio.wait([serving])
    # The port is another one each time.
    return html.replace(address, "http://127.0.0.1:8788")


class _Still:
    """A clock that stands still."""

    def now(self) -> float:
        return START.timestamp()

    monotonic = now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def _get(address: str, query: dict[str, str]) -> str:
    async with httpx.AsyncClient() as client:
        return (await client.get(address, params=query)).text


async def photograph(started: Browser, name: str, html: str, *, whole: bool = False) -> None:
    """Put a picture of a document into the documentation."""
    page = await started.new_page(viewport={"width": 1360 if whole else 1280, "height": 960})
    await show(page, html)
    path = DOCS / f"{name}.png"
    await page.screenshot(path=path, full_page=whole, animations="disabled")
    await page.close()
    print(f"{path.relative_to(DOCS.parent)}: {path.stat().st_size // 1000} KB")  # noqa: T201 - a command


async def photograph_all(chromium: str, pages: dict[str, str], galleries: dict[str, str]) -> None:
    """Take all pictures."""
    async with browser(chromium) as started:
        for name, html in pages.items():
            await photograph(started, name, html)
        for name, html in galleries.items():
            await photograph(started, name, html, whole=True)


def main() -> None:
    """Make all pictures anew."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("The pictures need a browser: apt-get install chromium")
    pages = {
        **run_virtual(demo_pages, START, real_wait=0.08),
        "simulator": run_virtual(simulator_page, START, real_wait=0.02),
    }
    galleries = {name: page.gallery(gallery(START.timestamp(), UTC, view)) for name, view in GALLERIES.items()}
    asyncio.run(photograph_all(chromium, pages, galleries))


if __name__ == "__main__":
    main()

"""The demo: the simulator, a small shop, smithd and its page, all in one process, so that nothing must be set up."""

from __future__ import annotations

import asyncio
import sys
from contextlib import ExitStack
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory
from typing import TextIO

from smithd.clock import Clock, SystemClock
from smithd.config.load import load
from smithd.config.model import Config
from smithd.demo import scenario
from smithd.demo.checklist import Checklist
from smithd.demo.configuration import configuration
from smithd.demo.shop import Shop
from smithd.demo.watch import ShopAnnouncement, Watch
from smithd.events import Events
from smithd.poll.registry import Registry
from smithd.runtime import commands, daemon
from smithd.runtime.components import Components
from smithd.serving import bind, serve
from smithd.simulator.app import application
from smithd.simulator.service import Service
from smithd.simulator.state import ServiceState
from smithd.web.app import build
from smithd.web.picture import Picture
from smithd.web.reads import windows
from smithd.web.recent import Recent

ADDRESS = "127.0.0.1"
MINUTE = 60.0
GLANCE = 0.25
LEAD = (
    "A small shop, watched by smithd. Now and then something goes wrong there; see what the phone shows then. "
    "A real phone is updated less often: iOS gives each Live Activity a budget of updates, and this one has none."
)


async def run(port: int, once_through: bool, stop: asyncio.Event, out: TextIO = sys.stdout) -> bool:
    """Run the demo until ``stop`` is set, or for one minute. Returns whether all that should be seen was seen.

    Raises ListenError where the page's port cannot be used; nothing runs then.
    """
    clock = SystemClock()
    with ExitStack() as cleanup:
        # All ports first, so that nothing runs where one cannot be used; for port 0 the system chooses a free one.
        page_at, shop_at, service_at, team_at = (
            cleanup.enter_context(bind(ADDRESS, wanted, "Choose another with --port.")) for wanted in (port, 0, 0, 0)
        )
        folder = Path(cleanup.enter_context(TemporaryDirectory(prefix="smithd-demo-")))
        path = folder / "smithd.yaml"
        with_host = "host" in Registry().names()
        path.write_text(configuration(_address(shop_at), _address(service_at), _address(team_at), with_host=with_host))
        config = load(path, secrets_required=True)
        shop = Shop(clock)
        demo = _Demo(config, clock, shop, once_through, stop, out)
        demo.introduce(_address(page_at), _address(shop_at), _address(service_at), _address(team_at), path)
        async with asyncio.TaskGroup() as tasks:
            beside = [tasks.create_task(serve(shop.app(), shop_at))]
            for key, listener in (("demo-key", service_at), ("demo-team-key", team_at)):
                # Its phone has no budget of updates, so the service does not warn of using it up.
                service = Service(ServiceState(keys={key: None}, creates_metrics=True, many_updates=sys.maxsize))
                beside.append(tasks.create_task(serve(application(service, clock, config.zone), listener)))
            await daemon.run(
                config, demo.events, clock, stop, lambda components: demo.page(components, page_at), demo.announce
            )
            # Shop and simulator would serve on, and the task group would wait for them.
            for task in beside:
                task.cancel()
        return demo.conclude()


def _address(listener: socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"{host}:{port}"


class _Demo:
    """One run of the demo: what the terminal and the page show, what was seen."""

    def __init__(
        self, config: Config, clock: Clock, shop: Shop, once_through: bool, stop: asyncio.Event, out: TextIO
    ) -> None:
        self._config = config
        self._clock = clock
        self._shop = shop
        self._once_through = once_through
        self._stop = stop
        self._watch = Watch(lambda: shop.elapsed, config.redactor, out)
        self._recent = Recent(clock, config.redactor)
        self._checklist = Checklist("checkout", makes_room="visitors", deploy="deploy")
        self.events = Events([self._watch, self._recent])

    def introduce(self, page: str, shop: str, service: str, team: str, path: Path) -> None:
        """Print what runs where."""
        self._watch.write(f"  The Lock Screen     http://{page}   (open it in a browser)")
        self._watch.write(f"  The shop            http://{shop}/stats.json")
        self._watch.write(
            f"  The simulator       http://{service}   (the phone and each request, as the service receives them)"
        )
        self._watch.write(f"  The team's phone    http://{team}   (another account: it gets the worst alerts, too)")
        self._watch.write(f"  The configuration   {path}")
        ending = "It ends after a minute." if self._once_through else "Ctrl-C ends it."
        self._watch.write(f"  Nothing leaves this machine: the simulator stands in for ActivitySmith. {ending}\n")

    async def page(self, components: Components, listener: socket) -> None:
        """Serve the page, with what it plots."""
        trail = components.engine.trail
        trail.watch(components.engine.setup.expected.watched, trail.started)
        reads = windows(self._config, components.engine, self._clock, self._recent, commands.of(components))
        await serve(build(reads, host=ADDRESS, title="smithd demo", lead=LEAD), listener)

    async def announce(self, components: Components) -> None:
        """Publish what the shop announces, and check the Lock Screen every quarter of a second."""
        picture, announced = Picture(self._config.zone), 0.0
        while True:
            await self._clock.sleep(GLANCE)
            elapsed = self._shop.elapsed
            for text in scenario.announcements(announced, elapsed):
                self.events.publish(ShopAnnouncement(text))
            announced = elapsed
            self._checklist.look(picture.draw(components.engine.state.outbox.accepted(), self._clock.now()), elapsed)
            if self._once_through and elapsed >= MINUTE:
                self._stop.set()
                return

    def conclude(self) -> bool:
        """Print what was seen where the demo runs for one minute only; whether that is all that should be seen."""
        if self._once_through:
            self._watch.write()
            for what, at in self._checklist.seen.items():
                self._watch.write(f"  ✗ {what}: not seen" if at is None else f"  ✓ {what} ({at:.0f} s)")
        return self._checklist.complete or not self._once_through

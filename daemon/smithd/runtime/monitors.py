"""The answers to those that watch smithd: Prometheus, health checks, and the service manager."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from smithd.config.model import Config
from smithd.poll.schedule import Cron
from smithd.runtime import systemd
from smithd.runtime.components import Components
from smithd.runtime.pulse import Pulse

if TYPE_CHECKING:
    from smithd.metrics.exposition import Metrics
    from smithd.web.probes import ProbeAnswer, Probes

STATUS_EVERY = 10.0
"""Seconds between two looks whether the sentence for the service manager has changed."""


class Monitors:
    """Answers the monitors of one daemon. Its counters count from when there is first somewhere to ask for them."""

    def __init__(self, components: Components, pulse: Pulse) -> None:
        self._components = components
        self._pulse = pulse
        self._metrics: Metrics | None = None
        self._was_ready = False

    def probes(self, config: Config) -> Probes:
        """What answers from now on, with this configuration."""
        # Imported here, since a daemon without a page needs neither.
        from smithd.metrics.exposition import Metrics
        from smithd.web.probes import Probes

        if self._metrics is None:
            self._metrics = Metrics(self._components.events, self._components.clock)
        self._metrics.expect(config)
        return Probes(self._health, self._readiness, self._scrape)

    def _health(self) -> ProbeAnswer:
        from smithd.web.probes import ProbeAnswer

        problem = self._pulse.problem()
        return ProbeAnswer(not problem, problem or "ok")

    def _readiness(self) -> ProbeAnswer:
        """Ready, once every source was tried, for as long as it runs: what is out of reach is no matter of smithd's."""
        from smithd.web.probes import ProbeAnswer

        untried = 0 if self._was_ready else _untried(self._components)
        self._was_ready = not untried
        if untried:
            return ProbeAnswer(
                False, f"not ready: {untried} of {len(self._components.config.sources)} sources are untried"
            )
        if self._components.writer.health.is_degraded:
            return ProbeAnswer(True, "ready, but degraded: the state cannot be written")
        return ProbeAnswer(True, "ready")

    async def _scrape(self, accept: str, accept_encoding: str) -> tuple[Mapping[str, str], bytes]:
        from smithd.metrics.gauges import Snapshot

        components = self._components
        engine, now = components.engine, components.clock.now()
        is_degraded = components.writer.health.is_degraded
        snapshot = Snapshot(engine.setup, engine.state, components.gates(), is_degraded, now)
        assert self._metrics is not None
        return await self._metrics.expose(snapshot, accept, accept_encoding)


def _untried(components: Components) -> int:
    """How many sources were not polled yet. One with a calendar may not be due for days, so it is not waited for."""
    known = components.engine.state.series.sources
    return sum(
        not known[name].polled
        for name, spec in components.config.sources.items()
        if not isinstance(spec.schedule, Cron)
    )


async def report_to_manager(components: Components) -> None:
    """Have the service manager know in a sentence how the daemon is, until cancelled."""
    # Imported here, since a start needs neither.
    from smithd.runtime.sentence import sentence
    from smithd.status.fill import hangs_since

    said = ""
    while True:
        clock, writer, engine = components.clock, components.writer, components.engine
        setup, state, gates, now = engine.setup, engine.state, components.gates(), clock.now()
        hangs = hangs_since(writer.beside_since, clock.monotonic(), now)
        failing = None if writer.health.since is None else now - (clock.monotonic() - writer.health.since)
        # In a thread: with thousands of sources, this takes longer than the loop may wait.
        found = await asyncio.to_thread(sentence, setup, state, gates, failing, hangs, now)
        if found != said:
            said = found
            systemd.notify(f"STATUS={said}")
        await clock.sleep(STATUS_EVERY)

"""Random edits at random moments, between polls, answers and restarts: no alert is lost, and none is said twice."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from campaign import rounds
from engine.harness import HEAD, PLUGIN, DrivenEngine, DrivenOutbox
from smithd.config.load import load
from smithd.config.model import Config
from smithd.keys import DEFAULT_ACCOUNT, Key, StreamKey, WidgetKey
from smithd.outbox.message import ActivityEnd, Push, PushContent, PushUpdate
from smithd.outbox.queued import Claim
from smithd.outbox.settlement import Accept, DeliveryReason, Retry, Settlement
from smithd.plugin.sample import Sample, Series
from smithd.poll.intake import Poll
from smithd.storage.database import Database

START = 1_790_000_000.0
POLL = 60.0
SERIES = (("errors", "a"), ("errors", "b"), ("orders", ""))

texts = st.sampled_from(["", ", title: 'oh'", ", on_resolve: push", ", title: '{{ value }}', channels: [night]"])
thresholds = st.sampled_from(["1", "2", "3"])
holds = st.sampled_from(["0s", "30s", "90s"])


@st.composite
def rules(draw: st.DrawFn) -> dict[str, str]:
    """The rules of one configuration, by their names."""
    found = {}
    for name in draw(st.sets(st.sampled_from(["low", "high", "both"]))):
        metric, level = draw(st.sampled_from(["errors", "orders"])), draw(thresholds)
        found[name] = (
            f'{{metric: shop.{metric}, warning: "> {level}", for: {draw(holds)}, '
            f"keep_firing_for: {draw(holds)}, push: {{group_by: ['...']{draw(texts)}}}}}"
        )
    return found


surfaces = st.sets(st.sampled_from(["widget", "activity"]))


@cache
def read(text: str) -> Config:
    """The configuration with these rules and surfaces; reading it takes longer than all that is done with it."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "shop.py").write_text(PLUGIN)
        (Path(folder) / "smithd.yaml").write_text(f"{HEAD}{text}\n")
        return load(Path(folder) / "smithd.yaml", secrets_required=True)


class ReloadMachine(RuleBasedStateMachine):
    """An engine and its outbox through reloads and restarts, against what arrives at the phone."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
        self.now = START
        self.arrived: dict[str, list[PushContent]] = defaultdict(list)
        self.levels: dict[Key, Any] = {}
        self.claims: list[Claim] = []
        self.has_answered = False
        self.values = dict.fromkeys(SERIES, 0.0)

    @initialize(chosen=rules(), wanted=surfaces)
    def start(self, chosen: dict[str, str], wanted: set[str]) -> None:
        self._configure(chosen, wanted)
        self._open()

    def _configure(self, chosen: dict[str, str], wanted: set[str]) -> None:
        lines = ["rules:", *(f"  {name}: {body}" for name, body in chosen.items())] if chosen else []
        if "widget" in wanted:
            lines += ["widgets:", "  firing: {text: '{{ count }}'}"]
        if "activity" in wanted:
            show = f"{{while_firing: [{min(chosen)}]}}" if chosen else "always"
            lines += [
                "live_activities:",
                f"  shop: {{type: stats, title: Shop, show: {show}, stats: [{{label: E, value: shop.orders}}]}}",
            ]
        self.config = replace(read("\n".join(lines)), state=Path(self.folder.name) / "state.db")

    def _open(self) -> None:
        self.database = Database.open(self.config.state)
        self.engine = DrivenEngine(self.config, self.database, [], self.now)
        self.outbox = DrivenOutbox(self.engine)
        self.has_answered = False

    def _go_over(self, sources: set[str]) -> None:
        self.engine.reconfigure(self.config, sources, self.now)
        self.engine.tick(self.now)

    @rule(chosen=rules(), wanted=surfaces, keeps=st.booleans())
    def reload(self, chosen: dict[str, str], wanted: set[str], keeps: bool) -> None:
        """``keeps``: the source goes on; else it is made anew, and its readings are not handed over."""
        self._configure(chosen, wanted)
        self.has_answered &= keeps
        self._go_over({"shop"} if keeps else set())

    @precondition(lambda self: self.has_answered)
    @rule()
    def reload_what_did_not_change(self) -> None:
        """...which has nothing to say. (Before the first word of the source, what waits is not worded anew.)"""
        self.engine.tick(self.now)
        before = self._all()
        self._go_over({"shop"})
        assert self._all() == before

    def _all(self) -> tuple[Any, ...]:
        """What waits, what the phone was told, and what fires."""
        messages = [replace(message, created=0.0, due=0.0) for message in self.outbox.messages()]
        waiting = sorted((str(message.key), str(message)) for message in messages)
        return waiting, dict(self.outbox.shown()), sorted(alert.incident for alert in self._firing())

    @rule()
    def restart(self) -> None:
        """A crash: what was on its way may or may not have arrived, and goes out again."""
        self.claims.clear()
        self.database.close()
        self._open()

    @rule(series=st.sampled_from(SERIES), value=st.integers(0, 4))
    def change(self, series: tuple[str, str], value: int) -> None:
        self.values[series] = float(value)

    @rule(seconds=st.sampled_from([1, 20, 60]))
    def poll(self, seconds: int) -> None:
        self._pass(seconds)
        samples = [
            Sample(Series(f"shop.{metric}", (("house", house),) if house else ()), value, self.now)
            for (metric, house), value in self.values.items()
        ]
        self.has_answered = True
        self.engine.ingest(Poll("shop", self.now, 2.5 * POLL + 10, tuple(samples)))

    def _pass(self, seconds: float) -> None:
        until = self.now + seconds
        while (wake := self.engine.wake_at()) is not None and wake <= until:
            self.now = max(self.now, wake)
            self.engine.tick(self.now)
        self.now = until

    @rule()
    def send(self) -> None:
        """One request goes out."""
        if (queued := next(self.outbox.ready(self.now), None)) is not None:
            self.claims.append(self.outbox.claim(queued, "any", self.now))

    @precondition(lambda self: self.claims)
    @rule(number=st.integers(0, 100), taken=st.booleans())
    def answer(self, number: int, taken: bool) -> None:
        """...and its answer comes: it was taken, or must be tried again."""
        claim = self.claims.pop(number % len(self.claims))
        settlement: Settlement = Retry(self.now + 5, DeliveryReason.NO_ANSWER)
        if taken:
            settlement = self._take(claim)
        self.outbox.settle(claim, settlement, self.now)

    def _take(self, claim: Claim) -> Accept:
        message = claim.queued.message
        if isinstance(message, Push | PushUpdate):
            self.arrived[str(message.key)].append(message.content)
            return Accept(str(message.key))
        self.levels[message.key] = None if isinstance(message, ActivityEnd) else message
        return Accept(ended=isinstance(message, ActivityEnd))

    def _firing(self) -> list[Any]:
        return [alert for alert in self.engine.alerts if alert.severity is not None]

    def teardown(self) -> None:
        if not hasattr(self, "engine"):
            return
        while self.claims:
            self.answer(0, taken=True)
        self.poll(1)
        self._pass(600)
        self.poll(1)
        while (queued := next(self.outbox.ready(self.now + 600), None)) is not None:
            self.outbox.settle(claim := self.outbox.claim(queued, "any", self.now), self._take(claim), self.now)
        self._judge()
        self.database.close()
        self.folder.cleanup()

    def _judge(self) -> None:
        assert self.outbox.waiting() == 0
        told = {key for key, pushes in self.arrived.items() if not _is_end(pushes[-1])}
        firing = {f"push {alert.incident}" for alert in self._firing()}
        assert firing == told, "the phone knows of each alert that fires, and of no other"
        for key, pushes in self.arrived.items():
            ends = [push for push in pushes if _is_end(push)]
            assert len(pushes) - len(ends) <= 1, f"{key} was said to begin more than once"
            assert len(ends) <= 1, f"{key} was said to end more than once"
        if "firing" in self.config.widgets:
            assert self.levels[WidgetKey(DEFAULT_ACCOUNT, "firing")].value == str(len(firing))
        if "shop" not in self.config.live_activities:
            assert self.levels.get(StreamKey(DEFAULT_ACCOUNT, "shop")) is None


def _is_end(push: PushContent) -> bool:
    return push.title.startswith(("Resolved:", "Closed:"))


TestReloads = pytest.mark.campaign(ReloadMachine.TestCase)
TestReloads.settings = settings(
    max_examples=rounds(25, 3000),
    stateful_step_count=30,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[phase for phase in Phase if phase is not Phase.explain],
)

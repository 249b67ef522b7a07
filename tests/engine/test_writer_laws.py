"""Laws of the writer. Disk, service and daemon fail in any order, and in the end all is well again. Then

- what is on disk is what is remembered,
- what fires is notified, and each alert that the disk knew of was, however short it was,
- no notification came more often than once, and once more for each answer that was lost.

Whenever the daemon ends or is killed, what it had answered as committed is on disk, unless it was degraded.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from campaign import rounds
from engine.failing import START, World
from engine.harness import poll_of
from engine.test_step_laws import assert_history_on_disk, assert_on_disk
from smithd.clock import VirtualClock
from smithd.delivery.reply import Accepted, NotSent, Reply, Unknown
from smithd.delivery.wire import Request
from smithd.engine.entries import AddSilence, CatchUp, WriteAll
from smithd.engine.running import LONGEST_END, UNKNOWN_SENT
from smithd.engine.step import Changes
from smithd.errors import Unwritable
from smithd.keys import DEFAULT_ACCOUNT, PushKey
from smithd.notify.rows import load_silences
from smithd.notify.silence import Silence
from smithd.outbox.message import Push
from smithd.outbox.queued import Claim
from smithd.outbox.shown import ShownPush
from smithd.poll.intake import Poll
from smithd.storage.marker import Marker

RULES = """
rules:
  errors: {metric: shop.errors, critical: "> 1", push: true}
  orders: {metric: shop.orders, warning: "> 1", critical: "> 3", for: 1m, push: {repeat: 30m}}
  stock: {metric: shop.stock, warning: "< 2", push: {group_by: [], group_interval: 3m}}
  gone: {metric: depot.orders, warning: "> 9", no_data: critical, on_error: warning, push: true}
  grown: {metric: shop.orders, warning: rises > 50% over 5m, push: true}
derived: {total: sum(shop.stock)}
widgets:
  shop.orders: shop.orders
  all: {text: "{{ count }} fire"}
live_activities:
  a: {type: stats, title: A, show: {while_firing: [errors]}, stats: [{label: E, value: shop.errors}]}
  b: {type: stats, title: B, show: always, end: {cool_down: 2m}, stats: [{label: T, value: total}]}
"""
OTHER_RULES = (
    RULES.replace("  errors: {", "  errors: {for: 30s, ").replace("  gone:", "  lost:").replace("  a: {", "  c: {")
)

values = st.integers(0, 4).map(float)
polls = st.fixed_dictionaries(
    {}, optional={"errors": values, "orders": values, "stock": st.dictionaries(st.sampled_from("ab"), values)}
)
faults = [
    st.tuples(st.just("disk"), st.sampled_from(["full", "full", "ok"])),
    st.tuples(st.just("commits take"), st.sampled_from([0.0, 1.0, 6.0])),
    st.tuples(st.just("service"), st.sampled_from(["accepts", "accepts", "cuts off", "is away"])),
    st.tuples(st.just("answers take"), st.sampled_from([0.0, 2.0])),
    st.tuples(st.just("end"), st.sampled_from(["on a good disk", "as it is"])),
    st.tuples(st.just("kill")),
]
actions = st.one_of(
    st.tuples(st.just("poll"), st.sampled_from(["shop", "shop", "depot"]), polls),
    st.tuples(st.just("fail"), st.sampled_from(["shop", "depot"])),
    st.tuples(st.just("silence"), st.sampled_from(["rule=errors", "severity=critical"])),
    st.tuples(st.just("reload")),
    *faults,
)
short_alerts = st.one_of(
    st.tuples(st.just("poll"), st.just("shop"), st.fixed_dictionaries({"errors": st.sampled_from([0.0, 2.0])})),
    *faults,
)
LAW = settings(
    max_examples=rounds(15, 3000),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


class History:
    """What came of all lives of a daemon.

    ``accepted``: how often the service took each notification; ``doubtful``: how often so that no later life could know
    of it; ``promised``: notifications of which the disk knew; ``silences``: those that a command was answered with;
    ``lost_polls``: a life ended with answers of sources, or alerts, that were not on disk.
    """

    def __init__(self) -> None:
        self.accepted: Counter[PushKey] = Counter()
        self.doubtful: Counter[PushKey] = Counter()
        self.promised: set[PushKey] = set()
        self.silences: list[Silence] = []
        self.lost_polls = False


class Life(World):
    """One life of a daemon."""

    def __init__(self, folder: Path, clock: VirtualClock, rules: str, history: History) -> None:
        # Naps are longer than a daemon's: in most of a life's time nothing is due.
        super().__init__(folder, clock, rules, Marker(folder / "degraded"), longest_nap=10.0)
        self.rules = rules
        self.history = history
        self.service = "accepts"
        self._is_dead = False
        self._began = clock.now()
        self._waits = self.marks()
        self._steps_on_disk = 0
        self._claims: dict[int, Claim] = {}
        self._unwritten: list[Claim] = []
        self._commands: list[asyncio.Task[Any]] = []
        # Watched from here: a request does not say what it carries, and a step not when it was applied.
        delivery = self.running.deliveries[DEFAULT_ACCOUNT]
        send, applied = delivery.send, self.running.writer._applied

        def note_claim(claim: Claim, request: Request, instant: float) -> None:
            self._claims[id(request)] = claim
            send(claim, request, instant)

        def note_step(changes: Changes) -> None:
            self._note_step()
            applied(changes)

        delivery.send = note_claim  # type: ignore[method-assign] # see above
        self.running.writer._applied = note_step

    async def begin(self) -> None:
        await self.running.__aenter__()
        self._sending = asyncio.create_task(self.running.send())

    def command(self, command: Coroutine[Any, Any, Any]) -> None:
        """Have a command carried out while the scenario goes on."""
        self._commands.append(asyncio.create_task(command))

    async def silence(self, matchers: str) -> None:
        command = AddSilence(self.clock.now(), matchers, 300.0, "", "ann")
        silence = await self.running.writer.ask(command)
        if not self.running.writer.health.is_degraded:
            with self.database.transaction() as connection:
                assert load_silences(connection).by_id.get(silence.id) == silence
            self.history.silences.append(silence)

    def meet(self, action: tuple[Any, ...]) -> None:
        """What happens to a daemon, but for its end."""
        now = self.clock.now()
        match action:
            case ("poll", source, given):
                self.running.writer.put(poll_of(now, source, **given))
            case ("fail", source):
                self.running.writer.put(Poll(source, now, 160.0, failure="no answer"))
            case ("disk", how):
                self.error = Unwritable("the disk is full") if how == "full" else None
            case ("commits take", takes):
                self.commit_takes = takes
            case ("service", how):
                self.service = how
            case ("answers take", takes):
                self.answer_takes = takes
            case ("silence", matchers):
                self.command(self.silence(matchers))
            case ("reload",):
                self.rules = OTHER_RULES if self.rules == RULES else RULES
                self.command(self.reload(self.config.state.parent, self.rules))

    async def end(self, *, on_a_good_disk: bool) -> None:
        """End as a daemon does that is asked to."""
        if on_a_good_disk:
            self.error, self.commit_takes = None, 0.0
        began = self.clock.now()
        self._sending.cancel()
        with suppress(asyncio.CancelledError):
            await self._sending
        asked = self.clock.now()
        await self.running.__aexit__(None, None, None)
        is_whole = not self.running.writer.health.is_failing and self.clock.now() - asked < LONGEST_END
        self.history.lost_polls |= not is_whole
        assert is_whole or not on_a_good_disk
        assert not (is_whole and self._unwritten), "what was answered before the end is written"
        assert self.clock.now() - began < LONGEST_END + 10, "an end takes no longer than a service manager waits"
        await self._close()

    async def kill(self) -> None:
        """Nothing reaches the disk any more."""
        self._is_dead = True
        for _ in range(10):
            await asyncio.sleep(0)  # a commit that has succeeded is applied
        assert self.running.writing is not None
        for task in (self.running.writing, self._sending):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self.history.lost_polls = True
        await self._close()

    async def _close(self) -> None:
        engine, history = self.running.engine, self.history
        for task in self._commands:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if self.running.writer.health.is_degraded:
            assert self.marks(), "the next start must know that the disk is behind"
            history.silences.clear()
        else:
            assert_on_disk(engine, self.database)
            known = engine.state.silences.by_id
            for silence in history.silences:
                assert not silence.is_active(self.clock.now()) or known.get(silence.id) == silence
        if self._waits and self.clock.now() - self._began < UNKNOWN_SENT:
            assert self.marks(), "the next start must wait as this one did"
        for claim in self._unwritten:
            if isinstance(claim.queued.message, Push):
                history.doubtful[claim.queued.message.key] += 1
        self.database.close()

    def marks(self) -> bool:
        return self.marker is not None and self.marker.path.exists()

    def check_disk(self) -> None:
        """Unless degraded, or between a commit and what follows from it, the disk is what is remembered."""
        if not self.running.writer.health.is_degraded and self._steps_on_disk == self.committer.commits:
            assert_on_disk(self.running.engine, self.database)

    async def _fault(self) -> None:
        await super()._fault()
        if self._is_dead:
            raise asyncio.CancelledError

    async def _send(self, request: Request) -> Reply:  # type: ignore[override] # this service does not always accept
        claim = self._claims.pop(id(request))
        if self._is_dead or self.service == "is away":
            return NotSent("no route")
        is_cut_off = self.service == "cuts off"
        if isinstance(message := claim.queued.message, Push):
            self.history.accepted[message.key] += 1
            self.history.doubtful[message.key] += is_cut_off
        if not is_cut_off:
            self._unwritten.append(claim)
        await self.clock.sleep(self.answer_takes)
        return Unknown("cut off") if is_cut_off else Accepted("sent", notification_id=f"n-{claim.sent}")

    def _note_step(self) -> None:
        """A step was applied: unless degraded, all of it is on disk."""
        self._steps_on_disk = self.committer.commits
        if self.running.writer.health.is_degraded:
            return
        outbox = self.running.engine.state.outbox
        in_flight = {claim.sent for claim in outbox.claimed.values()}
        self._unwritten = [claim for claim in self._unwritten if claim.sent in in_flight]
        self.history.promised |= {message.key for message in outbox.messages() if isinstance(message, Push)}

    async def settle_down(self) -> None:
        """All is well again: in the end the service has what is to be known, and the disk what is remembered."""
        self.error, self.commit_takes, self.answer_takes, self.service = None, 0.0, 0.0, "accepts"
        for _ in range(40):
            await self.clock.sleep(150)  # in all, longer than the longest time between two tries
            self.running.writer.put(poll_of(self.clock.now(), "shop", errors=2, orders=0, stock={"a": 1}))
            self.running.writer.put(poll_of(self.clock.now(), "depot", orders=0))
        await self.clock.sleep(30)
        writer, engine = self.running.writer, self.running.engine
        await writer.ask(CatchUp(self.clock.now()))
        assert not writer.health.is_failing
        assert not self.marks()
        assert_on_disk(engine, self.database)
        await writer.ask(WriteAll(self.clock.now()))
        assert_history_on_disk(engine, self.database)
        outbox = engine.state.outbox
        assert outbox.count() == 0
        fires = {alert.rule for alert in engine.alerts if alert.severity is not None}
        shown = [each.key for each in outbox.shown.values() if isinstance(each, ShownPush) and each.is_open]
        assert fires == {"errors", "stock"} == {key.group.partition("{")[0] for key in shown}
        assert set(shown) <= set(self.history.accepted)


async def live(folder: Path, clock: VirtualClock, scenario: Sequence[tuple[float, Any]]) -> History:
    life = Life(folder, clock, RULES, History())
    await life.begin()
    for seconds, action in scenario:
        await clock.sleep(seconds)
        life.check_disk()
        match action:
            case ("end", how):
                await life.end(on_a_good_disk=how == "on a good disk")
                life = await next_life(life)
            case ("kill",):
                await life.kill()
                life = await next_life(life)
            case _:
                life.meet(action)
        await clock.sleep(0)
    await life.settle_down()
    await life.end(on_a_good_disk=True)
    return life.history


async def next_life(before: Life) -> Life:
    """A start on the disk, and beside the service, as they are."""
    after = Life(before.config.state.parent, before.clock, before.rules, before.history)
    await after.begin()  # a start that cannot write ends, and is tried again until it can
    after.error, after.service = before.error, before.service
    after.commit_takes, after.answer_takes = before.commit_takes, before.answer_takes
    return after


def lived(scenario: Sequence[tuple[float, Any]]) -> History:
    clock = VirtualClock(START)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        history = clock.run(lambda: live(Path(folder), clock, scenario))
    for key, count in history.accepted.items():
        assert count <= 1 + history.doubtful[key], f"{key} was accepted {count} times"
    return history


@pytest.mark.campaign
@LAW
@given(scenario=st.lists(st.tuples(st.sampled_from([0.0, 0.5, 7.0, 60.0, 200.0]), actions), min_size=5, max_size=25))
def test_whatever_fails_nothing_is_lost_and_nothing_comes_twice(scenario: list[Any]) -> None:
    lived(scenario)


# Chance seldom comes to these, so each is tried every time.
ENDS_BETWEEN_TWO_TRIES = [
    (0.5, ("disk", "full")),
    (0.5, ("poll", "shop", {"errors": 2.0})),
    (7.0, ("end", "on a good disk")),
]
ENDS_WHILE_AN_ANSWER_WAITS_FOR_A_COMMIT = [
    (0.5, ("answers take", 2.0)),
    (0.5, ("poll", "shop", {"errors": 2.0})),
    (0.5, ("commits take", 6.0)),
    (0.5, ("poll", "shop", {"errors": 0.0})),
    (0.5, ("end", "as it is")),
]
RECOVERS_WHILE_IT_WAITS_AND_IS_KILLED = [
    (0.5, ("disk", "full")),
    (0.5, ("poll", "shop", {"errors": 2.0})),
    (7.0, ("kill",)),
    (0.5, ("poll", "shop", {"errors": 2.0})),
    (7.0, ("disk", "ok")),
    (20.0, ("kill",)),
]


@pytest.mark.campaign
@LAW
@example(scenario=ENDS_BETWEEN_TWO_TRIES)
@example(scenario=ENDS_WHILE_AN_ANSWER_WAITS_FOR_A_COMMIT)
@example(scenario=RECOVERS_WHILE_IT_WAITS_AND_IS_KILLED)
@given(scenario=st.lists(st.tuples(st.sampled_from([0.5, 7.0, 60.0]), short_alerts), min_size=5, max_size=40))
def test_however_short_an_alert_is_while_the_disk_or_the_service_fails_it_is_notified(scenario: list[Any]) -> None:
    history = lived(scenario)
    notified = {key.opened for key in history.accepted if key.group == "errors"}
    assert {key.opened for key in history.promised if key.group == "errors"} <= notified
    if not history.lost_polls:
        values = [given["errors"] for _, (what, *rest) in scenario if what == "poll" for given in rest[1:]] + [2.0]
        assert len(notified) == sum(now > before for before, now in pairwise([0.0, *values]))

"""Whatever happens in whatever order (values, outages, suppression, restarts, clock steps, refused requests): what
still fires is notified in the end, nothing is notified twice or while it is muted, and no notification stays untrue.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from campaign import rounds
from engine.harness import HEAD, Harness
from smithd.keys import DEFAULT_ACCOUNT
from smithd.notify import rows as notify_rows
from smithd.notify.apply import push_key
from smithd.notify.group import AlertId, Groups, id_of
from smithd.notify.reason import Reason
from smithd.outbox.message import Push, PushUpdate
from smithd.outbox.settlement import Accept, DeliveryReason, Retry

START = datetime(2026, 11, 23, 19, 0, tzinfo=UTC).timestamp()
HOUSES = "abc"
HEADS = [HEAD, HEAD.replace("ask_test", "ask_test, storm: 1")]
PAST = ("Resolved: ", "Earlier: ", "Closed: ", "After nights: all is well", "shop answers again")

MUTES = [
    "",
    ", mute: [nights]",
    ", mute: {during: [nights], digest: true}",
    ", mute: {during: [nights], except: [critical]}",
]
PUSHES = [
    "true",
    "{repeat: {every: 30m, factor: 2}}",
    "{group_by: [], group_interval: 3m}",
    "{group_by: [house], group_wait: 10s}",
    "{group_by: ['...']}",
    "{group_by: ['...'], max_series: 1}",
    "{group_by: [], repeat: 1h}",
    "{repeat: 16h}",
]
WAITS = ["", ", unless_firing: [errors]", ", depends_on: [errors]"]
ERRORS = ["", ", on_error: {severity: critical, after: 3m}"]


class Life:
    """A random course of events: a configuration, a service that sometimes does not answer, and restarts."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - a test, no secret
        self.folder = folder
        self.config = self._config()
        self.head = self.chance.choice(HEADS)
        self.now = START
        self.values = {"errors": dict.fromkeys(HOUSES, 0.0), "stock": dict.fromkeys(HOUSES, 0.0), "orders": {"": 0.0}}
        self.is_down = False
        self.phone: dict[str, str] = {}
        self.names: dict[str, str] = {}

    def _config(self) -> str:
        pick = self.chance.choice
        lines = ["time_windows: {nights: {from: '22:00', to: '07:00'}}", "rules:"]
        for name, metric in (("errors", "errors"), ("stock", "stock"), ("orders", "orders"), ("more", "stock")):
            waits = pick(WAITS) if name != "errors" else ""
            keys = f"metric: shop.{metric}, warning: '> 1', critical: '> 5', for: {pick(['0s', '90s'])}"
            lines.append(f"  {name}: {{{keys}, push: {pick(PUSHES)}{pick(MUTES)}{waits}{pick(ERRORS)}}}")
        return "\n".join(lines) + "\n"

    @contextmanager
    def live(self) -> Iterator[Harness]:
        with Harness(self.folder, self.config, self.now, self.head) as harness:
            yield harness

    def step(self, harness: Harness) -> None:
        """A minute or more of life."""
        action = self.chance.random()
        if action < 0.3:
            series = self.values[self.chance.choice(list(self.values))]
            series[self.chance.choice(list(series))] = self.chance.choice([0.0, 0.0, 3.0, 9.0])
        elif action < 0.34:
            self.is_down = not self.is_down
        elif action < 0.37:
            matchers = self.chance.choice(["rule=stock", "severity=warning", 'house=~"a|b"'])
            harness.engine.add_silence(matchers, self.chance.choice([120, 3600]), "", "ann", harness.now)
        elif action < 0.39 and (silences := harness.engine.silences(harness.now)):
            harness.engine.expire_silence(self.chance.choice(silences).id, harness.now)
        elif action < 0.41:
            harness.now -= self.chance.choice([30, 3000])  # the clock is set back, and noticed
            self.now = harness.now
            harness.engine.replan(harness.now)
        self.pass_minute(harness)
        self.send(harness, self.chance.choices(["accepts", "refuses", "is away"], [7, 1, 2])[0])

    def pass_minute(self, harness: Harness) -> None:
        until = self.now + self.chance.choice([60, 60, 60, 600])
        while self.now < until:
            self.now += 60
            harness.pass_time(self.now)
            if self.is_down:
                harness.fail(self.now)
            else:
                harness.poll(self.now, **{name: {**series} for name, series in self.values.items()})

    def send(self, harness: Harness, service: str) -> None:
        """Have what is due sent, as the sender does, to a service that ``accepts``, ``refuses`` or ``is away``."""
        while (queued := next(harness.outbox.ready(harness.now), None)) is not None:
            message = queued.message
            assert isinstance(message, Push | PushUpdate)
            shown = harness.outbox.status(message.key).push
            replaces = isinstance(message, PushUpdate) and shown is not None and shown.notification_id is not None
            if isinstance(message, PushUpdate) and message.only_in_place and not replaces:
                harness.outbox.drop(queued)
                continue
            claim = harness.outbox.claim(queued, "any", harness.now)
            if service == "is away":
                harness.outbox.settle(claim, Retry(harness.now + 5, DeliveryReason.NO_ANSWER), harness.now)
                return
            if service == "refuses":
                at = harness.now + 3600 if queued.is_plain else harness.now
                harness.outbox.settle(claim, Retry(at, DeliveryReason.REFUSED, "no", refused=True), harness.now)
                continue
            known = shown.notification_id if replaces and shown is not None else None
            name = known or f"n-{claim.sent}"
            self.phone[name] = message.content.title
            harness.outbox.settle(claim, Accept(name), harness.now)

    def settle_down(self, harness: Harness) -> None:
        """Time until nothing is suppressed or waits any more; nothing changes but that the source answers."""
        self.is_down = False
        self.send(harness, "accepts")
        for silence in harness.engine.silences(harness.now):
            harness.engine.expire_silence(silence.id, harness.now)
        self.values["errors"] = dict.fromkeys(HOUSES, 0.0)  # nothing waits for it
        noon = self.now - self.now % 86400 + 86400 + 12 * 3600
        for at in (self.now, noon - 3600 * 2, noon):
            while self.now < at + 1200:
                self.now = max(self.now + 60, at)
                harness.pass_time(self.now)
                harness.poll(self.now, **{name: {**series} for name, series in self.values.items()})
                self.send(harness, "accepts")


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(rounds(10, 1000)))
def test_what_fires_is_notified_once_and_nothing_else(tmp_path: Path, seed: int) -> None:
    life = Life(tmp_path, seed)
    for _ in range(life.chance.choice([1, 3])):
        with life.live() as harness:
            for _ in range(40):
                life.step(harness)
    with life.live() as harness:
        life.settle_down(harness)
        firing = {id_of(alert): alert.severity for alert in harness.engine.alerts if alert.severity is not None}
        assert firing == notified(harness), life.config
        state = harness.engine.engine.state
        for group in state.groups[DEFAULT_ACCOUNT].by_key.values():
            assert state.outbox.status(push_key(group.key, group.log)).shown is not None, "it is on the phone"
        life.values = {name: dict.fromkeys(series, 0.0) for name, series in life.values.items()}
        life.settle_down(harness)
        assert [title for title in life.phone.values() if not title.startswith(PAST)] == [], life.config
        assert notified(harness) == {}
        check_journal(harness, life.config)


def notified(harness: Harness) -> dict[AlertId, str | None]:
    """What the state says was notified of each alert that fires."""
    with harness._database.transaction() as connection:
        groups = notify_rows.load_groups(connection).get(DEFAULT_ACCOUNT, Groups())
    return {alert.id: group.log.severities.get(alert.id) for group in groups.by_key.values() for alert in group.firing}


def check_journal(harness: Harness, config: str) -> None:
    """Of each episode, each rise was notified at most once, and nothing of a muted rule in its window."""
    with harness._database.transaction() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM journal ORDER BY id").all()
    rank = {"": 0, "warning": 1, "critical": 2}
    rises: dict[tuple[str, str, bool], int] = defaultdict(int)
    last: dict[tuple[str, str, bool], tuple[float, str]] = {}
    for row in rows:
        is_source = row.notification.startswith("push source")
        alert = (row.rule, row.labels, is_source)
        line = next(line for line in config.split("\n") if line.startswith(f"  {row.rule}:"))
        is_over = row.change == "resolved" or row.detail.startswith("it came and went")
        if row.reason in (Reason.NOTIFIED, Reason.DIGEST) and not is_over:
            in_one = (row.at, row.notification) == last.get(
                alert
            )  # of a value that ended, and of a source, in one digest
            assert in_one or rank[row.severity] > rises[alert], f"notified twice: {row}"
            rises[alert], last[alert] = rank[row.severity], (row.at, row.notification)
        is_night = not 7 <= datetime.fromtimestamp(row.at, UTC).hour < 22
        if is_night and "mute" in line and row.reason in (Reason.NOTIFIED, Reason.DIGEST, Reason.REMINDED):
            assert "except" in line, f"notified while muted: {row}"
        if row.change == "lowered":
            rises[alert] = min(rises[alert], rank[row.severity])
        if row.change in ("returned", "lowered") or row.change == "resolved":
            rises[row.rule, row.labels, True] = 0  # what is notified of a source ends when it answers
        if row.change == "resolved":
            rises[row.rule, row.labels, False] = 0

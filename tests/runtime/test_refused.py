"""A notification is never given up while its alert fires: refused, out of reach for days, or while the clock is set."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from runtime.life import Life, Phone, Scripted, living
from smithd.clock import Clock
from smithd.delivery.reply import NotSent, Refusal, Rejected, Reply, Unknown
from smithd.delivery.wire import Request
from smithd.events import SendDelayed, SendDropped
from virtual_time import run_virtual, step_clock

HOUR, DAY = 3600.0, 86400.0

CONFIG = """
sources:
  shop: {type: shop, every: 20s}
rules:
  errors: {metric: shop.errors, warning: "> 1", critical: "> 5", push: {message: "{{ value }} errors", tags: [shop]}}
"""

SELDOM = CONFIG.replace("20s", "5m")
"""For stories of days."""

Scenario = Callable[[Life], Awaitable[None]]
RunScenario = Callable[[Scenario], Life]


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Life]:
    """Runs scenarios, each in a life of its own, against one service; a number sets the clock between two lives."""

    def run_scenario(*scenarios: Scenario | float, text: str = CONFIG) -> Life:
        async def main() -> Life:
            phone = Phone()
            for scenario in scenarios:
                if isinstance(scenario, float):
                    step_clock(scenario)
                    continue
                values = dict(Scripted.values)
                async with living(tmp_path, text, monkeypatch, phone) as life:
                    Scripted.values.update(values if scenario is not scenarios[0] else {})
                    await scenario(life)
            return life

        Scripted.values.clear()
        return run_virtual(main)

    return run_scenario


class Service:
    """Answers to pushes by ``reply`` (None: as the simulator does), and remembers what it was asked for."""

    def __init__(self, phone: Phone, reply: Reply | None) -> None:
        self.reply = reply
        self.asked: list[Request] = []
        phone.fault = self.answer

    async def answer(self, request: Request) -> Reply | None:
        if "push" in request.path:
            self.asked.append(request)
            return self.reply
        return None

    @property
    def titles(self) -> list[str]:
        return [request.body["title"] for request in self.asked]


def refuse(status: int) -> Rejected:
    return Rejected(Refusal.FORBIDDEN if status == 403 else Refusal.BAD_REQUEST, status, f"HTTP {status}, no")


FULL, PLAIN = "errors is critical", "errors is critical: 7"
AWAY = NotSent("refused")
UNPAID = Rejected(Refusal.BILLING, 402, "HTTP 402, no")
"""Everything waits and is tried once an hour: days of that take a test less than days of probes."""


@pytest.mark.parametrize("status", [400, 403, 409, 413, 451])
def test_a_refused_push_goes_as_its_plainest_text_and_then_every_hour(live: Callable[..., Life], status: int) -> None:
    async def scenario(life: Life) -> None:
        service = Service(life.phone, refuse(status))
        Scripted.values.update(shop=7)
        await asyncio.sleep(60)
        assert service.titles == [FULL, PLAIN]
        assert service.asked[1].body == {
            "title": PLAIN,
            "interruption_level": "time-sensitive",
            "target": {"channels": ["ops"]},
        }
        await asyncio.sleep(5 * HOUR)
        assert service.titles == [FULL, PLAIN, *[PLAIN] * 5]
        service.reply = None
        await asyncio.sleep(HOUR)
        assert life.phone.pushes() == [PLAIN]
        Scripted.values.update(shop=0)
        await asyncio.sleep(60)
        assert life.phone.pushes() == [PLAIN, "Resolved: errors"]

    life = live(scenario)
    said = life.told(SendDelayed)
    assert len(said) == 7
    assert said[0].startswith("push errors: refused, so its plainest text is sent: ")
    assert said[1].startswith("push errors: refused, even as its plainest text: ")
    assert said[1].endswith(f"HTTP {status}, no{')' if status == 403 else ''}; next try in 3600 s")


def test_the_plainest_text_is_enough_where_the_text_is_what_is_refused(live: Callable[..., Life]) -> None:
    async def scenario(life: Life) -> None:
        async def answer(request: Request) -> Reply | None:
            return refuse(451) if "errors" in request.body.get("message", "") else None

        life.phone.fault = answer
        Scripted.values.update(shop=7)
        await asyncio.sleep(60)
        assert life.phone.pushes() == [PLAIN]
        await asyncio.sleep(DAY)
        assert life.phone.pushes() == [PLAIN]

    live(scenario)


def test_a_reload_and_a_start_try_a_refused_push_by_the_configuration_of_then(live: Callable[..., Life]) -> None:
    async def first(life: Life) -> None:
        service = Service(life.phone, refuse(400))
        Scripted.values.update(shop=7)
        await asyncio.sleep(60)
        await life.reload(CONFIG.replace("tags: [shop]", "title: Mended"))
        await asyncio.sleep(5)
        assert service.titles == [FULL, PLAIN, "Mended", PLAIN]

    async def second(life: Life) -> None:
        service = Service(life.phone, refuse(400))
        await asyncio.sleep(5)
        assert service.titles == [FULL, PLAIN]
        service.reply = None
        await life.reload()
        await asyncio.sleep(60)
        assert life.phone.pushes() == [FULL]

    live(first, second)


def test_a_rise_does_not_wait_for_the_hour(live: Callable[..., Life]) -> None:
    async def scenario(life: Life) -> None:
        service = Service(life.phone, refuse(400))
        Scripted.values.update(shop=2)
        await asyncio.sleep(60)
        service.reply = None
        Scripted.values.update(shop=7)
        await asyncio.sleep(25)
        assert life.phone.pushes() == [FULL]

    live(scenario)


def test_what_was_refused_until_it_ended_is_dropped_and_the_journal_says_so(live: Callable[..., Life]) -> None:
    async def scenario(life: Life) -> None:
        service = Service(life.phone, refuse(400))
        Scripted.values.update(shop=7)
        await asyncio.sleep(60)
        Scripted.values.update(shop=0)
        await asyncio.sleep(30)
        service.reply = None
        await asyncio.sleep(2 * HOUR)
        assert service.titles == [FULL, PLAIN]
        ended = [str(event) for event in life.facts if "resolved" in str(event)]
        assert ended[0].endswith("(not notified: the service refused it until it ended: HTTP 400, no)")

    live(scenario)


def test_the_end_of_what_the_phone_has_is_kept_as_well(live: Callable[..., Life]) -> None:
    async def scenario(life: Life) -> None:
        service = Service(life.phone, None)
        Scripted.values.update(shop=7)
        await asyncio.sleep(60)
        service.reply = refuse(400)
        Scripted.values.update(shop=0)
        await asyncio.sleep(3 * HOUR)
        assert service.titles == [FULL, *["Resolved: errors"] * 4]
        assert service.asked[2].body == {"title": "Resolved: errors"}
        service.reply = None
        await asyncio.sleep(HOUR)
        assert life.phone.pushes() == [FULL, "Resolved: errors"]

    assert live(scenario).told(SendDropped) == []


def test_a_push_that_is_refused_only_after_its_alert_has_ended_is_dropped(live: Callable[..., Life]) -> None:
    async def scenario(life: Life) -> None:
        service = Service(life.phone, refuse(400))
        life.phone.delay = 25
        Scripted.values.update(shop=7)
        await asyncio.sleep(25)
        Scripted.values.update(shop=0)
        await asyncio.sleep(3 * HOUR)
        assert service.titles == [FULL, PLAIN]

    (dropped,) = live(scenario, text=CONFIG.replace("message:", "on_resolve: none, message:")).told(SendDropped)
    assert dropped == "push errors: not sent: refused, even as its plainest text: HTTP 400, no; its alert has ended"


def test_a_refused_storm_summary_is_not_tried_with_each_rule_that_joins(live: Callable[..., Life]) -> None:
    names = [f"r{number:02}" for number in range(30)]
    sources = "".join(f"  {name}: {{type: shop, every: 20s}}\n" for name in names)
    rule = "{{metric: {}.errors, warning: '> 1', critical: '> 5', push: true}}"
    rules = "".join(f"  {name}: {rule.format(name)}\n" for name in names)

    async def scenario(life: Life) -> None:
        service = Service(life.phone, None)
        Scripted.values.update(dict.fromkeys(names[:11], 2))
        await asyncio.sleep(30)
        service.asked.clear()
        service.reply = refuse(400)
        # The sources are not polled at once: 19 rules join one after another.
        Scripted.values.update(dict.fromkeys(names[11:], 2))
        await asyncio.sleep(60)
        assert len(service.asked) <= 8
        assert service.titles[-2].startswith("19 rules fire: ")
        assert service.titles[-1].endswith(" is warning: 2, and 18 more")

    live(scenario, text=f"sources:\n{sources}rules:\n{rules}")


# A day out of reach.


def test_a_push_that_waited_for_a_day_is_written_as_it_is_then(live: Callable[..., Life]) -> None:
    async def scenario(life: Life) -> None:
        service = Service(life.phone, UNPAID)
        Scripted.values.update(shop=7)
        await asyncio.sleep(HOUR)
        Scripted.values.update(shop=9)
        await asyncio.sleep(2 * DAY + HOUR)
        service.reply = None
        await asyncio.sleep(2 * HOUR)
        (sent,) = [sent for sent in life.phone.sent if sent.is_taken]
        lines = sent.body["message"].split("\n")
        assert lines[0] == "9 errors"
        # The text is that of two days later, and an hour or two old.
        assert lines[1].endswith(" min late.")
        assert "late" in lines[1]
        assert int(lines[1].split(", ")[1].split(" h")[0]) <= 2

    assert live(scenario, text=SELDOM).told(SendDropped) == []


def test_the_end_of_what_the_phone_has_is_kept_and_what_it_never_had_expires(live: Callable[..., Life]) -> None:
    text = SELDOM + '  other: {metric: shop.other, critical: "> 50", push: true}\n'

    async def scenario(life: Life) -> None:
        service = Service(life.phone, None)
        Scripted.values.update(shop=7)
        await asyncio.sleep(600)
        service.reply = UNPAID
        Scripted.values.update(shop=70)
        await asyncio.sleep(600)
        Scripted.values.update(shop=0)
        await asyncio.sleep(DAY + 4 * HOUR)
        service.reply = None
        await asyncio.sleep(2 * HOUR)
        assert life.phone.pushes() == [FULL, "Resolved: errors"]

    (dropped,) = live(scenario, text=text).told(SendDropped)
    assert dropped.startswith("push other: not sent: it was not accepted in time")


# Steps of the wall clock.


@pytest.mark.parametrize("seconds", [25 * HOUR, 23 * HOUR, -25 * HOUR])
def test_a_step_of_the_clock_neither_expires_nor_delays_a_push(live: Callable[..., Life], seconds: float) -> None:
    async def scenario(life: Life) -> None:
        service = Service(life.phone, AWAY)
        Scripted.values.update(shop=7)
        await asyncio.sleep(22)
        service.reply = None
        step_clock(seconds)
        await asyncio.sleep(60)
        (sent,) = [sent for sent in life.phone.sent if sent.is_taken]
        assert sent.body["message"] == "7 errors"

    assert live(scenario).told(SendDropped) == []


@pytest.mark.parametrize("seconds", [25 * HOUR, 23 * HOUR, -25 * HOUR])
def test_a_step_of_the_clock_while_a_request_is_in_flight_changes_nothing(
    live: Callable[..., Life], seconds: float
) -> None:
    async def scenario(life: Life) -> None:
        tries: list[float] = []

        async def answer(_: Request) -> Reply | None:
            tries.append(time.monotonic())
            if len(tries) == 3:
                step_clock(seconds)
            return AWAY if len(tries) <= 3 else None

        life.phone.fault = answer
        Scripted.values.update(shop=7)
        await asyncio.sleep(60)
        assert len(tries) == 4
        assert tries[3] - tries[2] < 6
        (sent,) = [sent for sent in life.phone.sent if sent.is_taken]
        assert sent.body["message"] == "7 errors"

    assert live(scenario).told(SendDropped) == []


@pytest.mark.parametrize("seconds", [25 * HOUR, -25 * HOUR])
def test_a_step_of_the_clock_does_not_move_the_hourly_try(live: Callable[..., Life], seconds: float) -> None:
    async def scenario(life: Life) -> None:
        service = Service(life.phone, refuse(400))
        Scripted.values.update(shop=7)
        await asyncio.sleep(HOUR / 2)
        step_clock(seconds)
        await asyncio.sleep(HOUR / 2 - 60)
        assert service.titles == [FULL, PLAIN]
        await asyncio.sleep(120)
        assert service.titles == [FULL, PLAIN, PLAIN]

    live(scenario)


class Machine:
    """A machine's own clock, in place of the real one: it goes on while the machine is suspended."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.suspended = 0.0
        monkeypatch.setattr("smithd.engine.running.boot", self.boot)
        monkeypatch.setattr("smithd.engine.writer.boot", self.boot)

    def boot(self, _: Clock) -> tuple[str, float]:
        return "boot", 5000.0 + time.monotonic() + self.suspended


@pytest.mark.parametrize("seconds", [23 * HOUR, -25 * HOUR])
def test_a_step_of_the_clock_between_two_lives_changes_no_age(
    live: Callable[..., Life], monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    Machine(monkeypatch)

    async def first(life: Life) -> None:
        Service(life.phone, AWAY)
        Scripted.values.update(shop=7)
        await asyncio.sleep(22)

    async def second(life: Life) -> None:
        Service(life.phone, None)
        await asyncio.sleep(60)
        (sent,) = [sent for sent in life.phone.sent if sent.is_taken]
        assert sent.body["message"] == "7 errors"

    live(first, seconds, second)


def test_time_that_passed_while_the_machine_was_suspended_counts(
    live: Callable[..., Life], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(monkeypatch)

    async def scenario(life: Life) -> None:
        service = Service(life.phone, AWAY)
        Scripted.values.update(shop=7)
        await asyncio.sleep(22)
        service.reply = None
        machine.suspended += 2 * HOUR
        step_clock(2 * HOUR)
        await asyncio.sleep(60)
        (sent,) = [sent for sent in life.phone.sent if sent.is_taken]
        assert re.search(r", 2 h [01] min late\.$", sent.body["message"])

    live(scenario)


# An alert that comes and goes while nothing can be sent.


@pytest.mark.parametrize("is_black_hole", [False, True])
def test_what_came_went_and_came_again_in_an_outage_is_told_once_and_as_it_is(
    live: Callable[..., Life], is_black_hole: bool
) -> None:
    async def scenario(life: Life) -> None:
        service = Service(life.phone, Unknown("no answer") if is_black_hole else AWAY)
        life.phone.delay = 10 * is_black_hole
        for value in (7, 0, 7, 0, 7):
            Scripted.values.update(shop=value)
            await asyncio.sleep(63)
        service.reply, life.phone.delay = None, 0
        await asyncio.sleep(60)
        assert life.phone.pushes() == [FULL]
        said = [str(event) for event in life.facts]
        withdrawn = [line for line in said if "is withdrawn)" in line or "its alert fires again" in line]
        assert len(withdrawn) == 2

    live(scenario)


@pytest.mark.parametrize("on_resolve", ["replace", "push"])
def test_the_end_that_waits_when_its_alert_fires_again_becomes_the_past(
    live: Callable[..., Life], on_resolve: str
) -> None:
    async def scenario(life: Life) -> None:
        service = Service(life.phone, None)
        Scripted.values.update(shop=7)
        await asyncio.sleep(63)
        service.reply = AWAY
        Scripted.values.update(shop=0)
        await asyncio.sleep(63)
        Scripted.values.update(shop=7)
        await asyncio.sleep(63)
        service.reply = None
        await asyncio.sleep(60)
        taken = [sent for sent in life.phone.sent if sent.is_taken and "push" in sent.path]
        told = {(sent.method, sent.body["title"]): sent.body["message"] for sent in taken}
        # The update in place is the probe: it goes first, since it can be repeated.
        assert [*told] == [("POST", FULL), ("PUT", f"Earlier: {FULL}")]
        assert len(taken) == 3
        assert "It ended, and fired again at " in told["PUT", f"Earlier: {FULL}"]

    live(scenario, text=CONFIG.replace("message:", f"on_resolve: {on_resolve}, message:"))


def test_what_was_in_flight_at_a_kill_does_not_come_after_the_alert_that_fires_again(live: Callable[..., Life]) -> None:
    async def first(life: Life) -> None:
        life.phone.delay = 1e6
        Scripted.values.update(shop=7)
        await asyncio.sleep(25)
        Scripted.values.update(shop=0)
        await asyncio.sleep(25)
        Scripted.values.update(shop=7)
        await asyncio.sleep(25)

    async def second(life: Life) -> None:
        life.phone.delay = 0
        await asyncio.sleep(60)
        assert [title for title in life.phone.pushes() if "Resolved" in title] == []

    live(first, second)


def test_a_push_at_most_once_stays_so_when_it_is_written_anew_after_a_day(live: Callable[..., Life]) -> None:
    async def scenario(life: Life) -> None:
        service = Service(life.phone, UNPAID)
        Scripted.values.update(shop=7)
        await asyncio.sleep(DAY + HOUR)
        service.reply = Unknown("no answer")
        await asyncio.sleep(2 * HOUR)
        asked = len(service.asked)
        service.reply = None
        await asyncio.sleep(3 * HOUR)
        assert asked > 1
        assert len(service.asked) == asked

    live(scenario, text=SELDOM.replace("message:", "delivery: at_most_once, message:"))

"""Slots in an engine: what becomes of requests, restarts and reloads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.harness import Harness
from smithd.events import SurfaceNotRenderable
from smithd.outbox.message import ActivityEnd, ActivityState
from smithd.outbox.settlement import Accept, DeliveryReason, Drop, Retry, Settlement
from smithd.outbox.shown import ShownActivity

T = 1_800_000_000.0
RULES = "rules:\n  errors: {metric: shop.errors, warning: '> 1', critical: '> 5'}\n"


def configuration(always: str = "abcd", options: str = "") -> str:
    """Routine activities, and ``incident`` while errors fire."""
    row = "stats: [{label: Orders, value: shop.orders}]"
    shown = [f"  {name}: {{type: stats, title: {name}, {options}{row}}}" for name in always]
    incident = f"  incident: {{type: stats, title: Incident, show: {{while_firing: [errors]}}, {row}}}"
    return "\n".join([RULES + "live_activities:", *shown, incident, ""])


class Scenario:
    """The starts and ends that are sent, in words; the test says what becomes of some."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.answers: dict[str, Settlement] = {}
        self.errors = 0.0

    def poll(self, at: float, errors: float = 0) -> list[str]:
        """What goes out by then, with a poll every minute or so, the last one of which has these errors."""
        sent: list[str] = []
        while self.harness.now + 60 < T + at:
            sent += self._until(self.harness.now + 60, self.errors)
        self.errors = errors
        return [*sent, *self._until(T + at, errors)]

    def _until(self, at: float, errors: float) -> list[str]:
        self.harness.pass_time(at)
        self.harness.poll(at, errors=errors, orders=1)
        return self.send()

    def send(self) -> list[str]:
        sent: list[str] = []
        outbox = self.harness.outbox
        while (queued := next(outbox.ready(self.harness.now), None)) is not None:
            assert len(sent) < 50
            message, now = queued.message, self.harness.now
            is_end = isinstance(message, ActivityEnd)
            assert isinstance(message, ActivityEnd | ActivityState)
            name = message.key.name
            claim = outbox.claim(queued, "any", now)
            if is_end or not isinstance(claim.before, ShownActivity) or claim.before.ended:
                sent.append(f"-{name}" if is_end else name)
            answer = self.answers.get(name) if not is_end else None
            outbox.settle(claim, answer or Accept(ended=is_end), now)
        return sent

    def reasons(self) -> dict[str, str]:
        found = self.harness.engine.engine.state.not_renderable
        return {
            key.name: str(problem).partition(" (")[0].partition(";")[0]
            for key, problem in found.items()
            if hasattr(key, "name")
        }


@pytest.fixture
def scenario(tmp_path: Path) -> Iterator[Scenario]:
    with Harness(tmp_path, configuration(), T) as harness:
        yield Scenario(harness)


def test_an_incident_takes_the_slot_of_the_last_routine_activity_and_gives_it_back(scenario: Scenario) -> None:
    assert scenario.poll(1) == ["a", "b", "c", "d"]
    # Within two minutes of their start, they are protected.
    assert scenario.poll(61, errors=9) == []
    assert scenario.reasons() == {"incident": "waits for a slot"}
    assert scenario.poll(121, errors=9) == ["-d", "incident"]
    assert scenario.reasons() == {"d": "waits for a slot"}
    # It cools down for a minute; d's slot has to be free for five.
    assert scenario.poll(4001, errors=0) == []
    assert scenario.poll(4061, errors=0) == ["-incident"]
    assert scenario.reasons()["d"] == "made room for another, and returns when a slot has been free for return_after"
    assert scenario.poll(4301, errors=0) == []
    assert scenario.poll(4361, errors=0) == ["d"]


@pytest.mark.parametrize(
    "answer",
    [
        Retry(T + 700, DeliveryReason.NO_RECIPIENTS, "nobody"),
        Retry(T + 700, DeliveryReason.SLOTS_FULL, "no slot"),
        Retry(T + 700, DeliveryReason.BILLING, "unpaid"),
        Drop(DeliveryReason.FORBIDDEN, "no", off=True),
        Drop(DeliveryReason.REFUSED, "bad"),
    ],
)
def test_where_the_start_of_the_incident_is_refused_what_made_room_returns_at_once(
    scenario: Scenario, answer: Settlement
) -> None:
    scenario.poll(1)
    scenario.answers["incident"] = answer
    assert scenario.poll(130, errors=9) == ["-d", "incident", "d"]
    # It goes on like that: nothing is preempted for a start that is refused.
    assert scenario.poll(190, errors=9) == []
    assert scenario.poll(600, errors=9) == []


def test_a_start_that_was_refused_is_tried_again_in_its_turn(scenario: Scenario) -> None:
    scenario.poll(1)
    scenario.answers["incident"] = Retry(T + 700, DeliveryReason.NO_RECIPIENTS, "nobody")
    scenario.poll(130, errors=9)
    scenario.answers.clear()
    assert scenario.poll(699, errors=9) == []
    assert scenario.poll(701, errors=9) == ["-d", "incident"]


def test_what_is_refused_as_it_is_waits_until_it_says_something_else(scenario: Scenario) -> None:
    scenario.poll(1)
    scenario.answers["incident"] = Drop(DeliveryReason.REFUSED, "bad")
    scenario.poll(130, errors=9)
    scenario.answers.clear()
    assert scenario.poll(3700, errors=9) == []
    assert scenario.poll(3800, errors=9) == [], "an hour later it is still the same"
    scenario.harness.poll(T + 3810, errors=9, orders=2)
    assert scenario.send() == ["-d", "incident"]


def test_while_the_account_must_be_paid_nothing_is_preempted(scenario: Scenario) -> None:
    scenario.poll(1)
    _owe(scenario.harness, unpaid=True)
    assert scenario.poll(200, errors=9) == []
    _owe(scenario.harness, unpaid=False)
    scenario.harness.poll(T + 260, errors=9, orders=2)
    assert scenario.send() == ["-d", "incident"]


def _owe(harness: Harness, *, unpaid: bool) -> None:
    engine = harness.engine.engine
    engine.state = engine.state._replace(slots={"default": replace(engine.state.slots["default"], unpaid=unpaid)})


def test_an_activity_of_somebody_else_leaves_a_slot_less_and_an_incident_takes_one_of_ours(tmp_path: Path) -> None:
    with Harness(tmp_path, configuration("abc"), T) as harness:
        scenario = Scenario(harness)
        assert scenario.poll(1) == ["a", "b", "c"]
        scenario.answers["incident"] = Retry(T + 730, DeliveryReason.SLOTS_FULL, "no slot")
        # Two minutes after their start ours are protected no more.
        assert scenario.poll(100, errors=9) == ["incident"]
        scenario.answers.clear()
        assert scenario.poll(121, errors=9) == ["-c", "incident"]


def test_slots_go_on_after_a_restart(tmp_path: Path) -> None:
    with Harness(tmp_path, configuration(), T) as harness:
        scenario = Scenario(harness)
        scenario.poll(1)
        assert scenario.poll(130, errors=9) == ["-d", "incident"]
        assert scenario.poll(4000, errors=0) == []
    with Harness(tmp_path, configuration(), T + 4030) as harness:
        scenario = Scenario(harness)
        assert scenario.poll(4061, errors=0) == ["-incident"]
    with Harness(tmp_path, configuration(), T + 4200) as harness:
        scenario = Scenario(harness)
        assert scenario.poll(4201, errors=0) == []
        assert scenario.poll(4362, errors=0) == ["d"]


def test_folded_activities_share_a_card(tmp_path: Path) -> None:
    with Harness(tmp_path, configuration("abcdef", "fold: true, "), T) as harness:
        scenario = Scenario(harness)
        assert scenario.poll(1) == ["a", "b", "c", "smithd-more"]
        shown = scenario.harness.outbox.value.shown
        (content,) = [each.content for key, each in shown.items() if getattr(key, "name", "") == "smithd-more"]  # type: ignore[union-attr]
        assert content is not None
        assert content.content_state == {  # type: ignore[union-attr]
            "title": "More",
            "type": "stats",
            "metrics": [{"label": name, "value": 1} for name in "def"],
        }
        assert scenario.reasons() == dict.fromkeys("def", "a row of smithd-more, since a")
        # The incident may not be folded, and takes the slot of a routine one.
        assert scenario.poll(130, errors=9) == ["-c", "incident"]
    with Harness(tmp_path, configuration("abcdef"), T + 500) as harness:
        # Nobody folds any more: the common card ends like any that the configuration does not have.
        assert "-smithd-more" in Scenario(harness).send()


def common_rows(harness: Harness) -> list[tuple[str, object]]:
    """The rows of the common Live Activity that the phone shows."""
    shown = harness.outbox.value.shown
    (content,) = [each.content for key, each in shown.items() if getattr(key, "name", "") == "smithd-more"]  # type: ignore[union-attr]
    return [(row["label"], row["value"]) for row in content.content_state["metrics"]]  # type: ignore[union-attr]


FROM_TWO_SOURCES = """
live_activities:
  a: {type: value, title: a, value: shop.orders}
  b: {type: value, title: b, value: shop.orders}
  c: {type: value, title: c, value: shop.orders}
  value: {type: value, title: Value, fold: true, value: shop.orders}
  bar: {type: progress, title: Bar, fold: true, percentage: shop.orders}
  depot: {type: progress, title: Depot, fold: true, percentage: depot.orders}
"""


def test_rows_of_the_common_activity_stay_over_a_restart_and_are_marked_once_their_source_fails(tmp_path: Path) -> None:
    with Harness(tmp_path, FROM_TWO_SOURCES, T) as harness:
        harness.poll(T, "depot", orders=4)
        harness.poll(T, orders=3)
        assert Scenario(harness).send() == ["a", "b", "c", "smithd-more"]
        assert common_rows(harness) == [("Value", 3), ("Bar", "3 %"), ("Depot", "4 %")]
    with Harness(tmp_path, FROM_TWO_SOURCES, T + 300) as harness:
        harness.poll(T + 310, orders=3)
        assert harness.take() == [], "the depot has not answered yet"
        harness.fail(T + 320, "depot")
        harness.pass_time(T + 900)
        harness.poll(T + 900, orders=3)
        harness.take()
        assert common_rows(harness) == [("Value", 3), ("Bar", "3 %"), ("Depot", "4 % ?")]


def test_after_a_restart_rows_that_are_left_out_still_count(tmp_path: Path) -> None:
    with Harness(tmp_path, configuration("abcdefghijklmn", "fold: true, "), T) as harness:
        harness.poll(T, errors=0, orders=3)
        Scenario(harness).send()
        assert common_rows(harness)[-1] == ("+4 more", "…")
    with Harness(tmp_path, configuration("abcdefghijklmn", "fold: true, "), T + 300) as harness:
        harness.pass_time(T + 310)
        assert harness.take() == []


def test_the_log_says_once_which_activities_wait_and_not_which_are_folded(tmp_path: Path) -> None:
    for options, said in (("", ["Live Activity e"]), ("fold: true, ", [])):
        folder = tmp_path / str(len(said))
        folder.mkdir()
        with Harness(folder, configuration("abcde", options), T) as harness:
            harness.pass_time(T + 1)
            harness.poll(T + 1, errors=0, orders=3)
            Scenario(harness).poll(200)
            waiting = [str(each) for each in harness.events if isinstance(each, SurfaceNotRenderable)]
            assert [each.partition(":")[0] for each in waiting] == said

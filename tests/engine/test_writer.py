"""The one writer: what is computed is committed before it is applied, and a disk that fails loses no alert."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from engine.failing import ACCEPTED, RULES, START, WAITING, World, play, stored
from engine.harness import poll_of
from smithd.clock import VirtualClock
from smithd.engine.queue import Queue
from smithd.errors import DatabaseError, TermLost, Unwritable
from smithd.poll.intake import Poll
from smithd.storage.events import AnswersDropped, CommitsFailing, CommitsRecovered, Degraded, EndedDegraded, StartWaits
from smithd.storage.marker import Marker


async def degrade(world: World) -> None:
    """Have an alert fire on a disk that has been full for long enough."""
    await world.poll(errors=0)
    world.error = Unwritable("the disk is full")
    await world.poll(errors=9)
    await world.clock.sleep(6)
    assert world.changes(Degraded) == 1


def test_an_end_on_a_full_disk_says_what_that_means(tmp_path: Path) -> None:
    world = play(tmp_path, degrade)
    assert world.changes(EndedDegraded) == 1


def test_between_steps_that_commit_nothing_everything_else_has_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smithd.engine.writer.STEP_FOR", 0.0)  # a step for each answer
    waiting = []

    async def scenario(world: World) -> None:
        await world.poll(errors=0)
        for _ in range(5):
            world.running.writer.put(poll_of(world.clock.now(), errors=0))
        while world.running.writer.waiting:
            waiting.append(world.running.writer.waiting)
            await asyncio.sleep(0)

    play(tmp_path, scenario)
    assert set(waiting) == {5, 4, 3, 2, 1}


def test_a_transaction_that_fails_at_the_moment_of_a_breach_delays_the_alert_and_loses_nothing(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.poll(errors=0)
        world.error = Unwritable("the disk is full")
        await world.poll(errors=9)
        assert world.running.engine.alerts == []
        world.error = None
        await world.clock.sleep(1)
        assert [alert.severity for alert in world.running.engine.alerts] == ["critical"]

    world = play(tmp_path, scenario)
    ((at, title),) = world.sent
    assert title == "errors is critical"
    assert START < at < START + 1
    assert (world.changes(CommitsFailing), world.changes(CommitsRecovered), world.changes(Degraded)) == (1, 1, 0)


def test_a_commit_that_takes_long_delays_messages_and_no_poll(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.poll(errors=0)
        world.commit_takes = 10.0
        await world.poll(errors=9)
        for _ in range(9):
            await world.clock.sleep(1)
            assert world.running.writer.has_room("shop")
            await world.poll(errors=9)
        assert world.running.writer.waiting == 9
        world.commit_takes = 0.0
        await world.clock.sleep(2)
        assert world.running.writer.waiting == 0

    world = play(tmp_path, scenario)
    assert [title for _, title in world.sent] == ["errors is critical"]
    assert world.sent[0][0] >= START + 10


def test_where_commits_fail_for_long_the_daemon_goes_on_without_them_and_writes_all_when_it_can(
    tmp_path: Path,
) -> None:
    marker = Marker(tmp_path / "degraded")

    async def scenario(world: World) -> None:
        await world.poll(errors=0)
        world.error = Unwritable("the disk is full")
        await world.poll(errors=9)
        await world.clock.sleep(6)
        assert world.running.writer.health.is_degraded
        assert marker.path.exists()
        assert [title for _, title in world.sent] == ["errors is critical"]
        await world.poll(errors=0)  # it ends while nothing can be written
        await world.clock.sleep(1)
        assert [title for _, title in world.sent] == ["errors is critical", "Resolved: errors"]
        await world.poll(errors=9)
        await world.clock.sleep(1)
        world.error = None
        await world.clock.sleep(6)
        assert not world.running.writer.health.is_failing
        assert not marker.path.exists()

    world = play(tmp_path, scenario, marker=marker)
    assert (world.changes(Degraded), world.changes(CommitsRecovered)) == (1, 1)
    assert stored(tmp_path) == 1
    assert len(world.sent) == 3


def test_a_disk_that_has_room_again_at_the_end_is_written_and_then_nothing_is_unknown(tmp_path: Path) -> None:
    marker = Marker(tmp_path / "degraded")

    async def scenario(world: World) -> None:
        await world.poll(errors=0)
        world.error = Unwritable("the disk is full")
        await world.poll(errors=9)
        await world.clock.sleep(6)
        assert marker.path.exists()
        world.error = None  # and the end comes before the next try

    world = play(tmp_path, scenario, marker=marker)
    assert world.changes(CommitsRecovered) == 1
    assert not marker.path.exists()
    assert (stored(tmp_path), stored(tmp_path, WAITING)) == (1, 0)


def test_where_only_the_wall_clock_is_there_a_start_after_it_was_set_back_waits_a_minute(tmp_path: Path) -> None:
    rules = RULES.replace("true", "{on_resolve: push}")

    async def fires(world: World) -> None:
        await world.poll(errors=9)
        await world.clock.sleep(1)

    async def resolves(world: World) -> None:
        await world.poll(errors=0)
        await world.clock.sleep(90)

    assert len(play(tmp_path, fires, rules).sent) == 1
    world = play(tmp_path, resolves, rules, start=START - 3600)
    assert world.changes(StartWaits) == 1
    assert [at >= START - 3600 + 60 for at, _ in world.sent] == [True]
    assert play(tmp_path, fires, rules, start=START).changes(StartWaits) == 0


def test_an_end_while_nothing_can_be_written_leaves_the_marker(tmp_path: Path) -> None:
    marker = Marker(tmp_path / "degraded")

    async def scenario(world: World) -> None:
        await world.poll(errors=0)
        world.error = Unwritable("the disk is full")
        await world.poll(errors=9)  # the end comes before five seconds have passed

    world = play(tmp_path, scenario, marker=marker)
    assert world.clock.now() < START + 20
    assert marker.path.exists()
    assert (stored(tmp_path), world.sent) == (0, [])


def test_an_answer_that_comes_before_the_end_is_written_though_commits_are_slow(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.poll(errors=0)
        world.answer_takes = 0.5
        await world.poll(errors=9)
        assert [title for _, title in world.sent] == ["errors is critical"]
        world.commit_takes = 5.0
        await world.poll(errors=3)
        await world.clock.sleep(1)  # the answer is here, and waits for a commit until the end has come

    world = play(tmp_path, scenario)
    assert world.clock.now() < START + 15
    assert stored(tmp_path, ACCEPTED) == 1


def test_a_commit_that_hangs_holds_up_the_end_for_ten_seconds(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.poll(errors=0)
        world.commit_takes = 3600.0
        await world.poll(errors=9)

    clock = VirtualClock(START)
    ended: list[float] = []

    async def main() -> None:
        world = World(tmp_path, clock)
        await world.running.__aenter__()
        await scenario(world)
        await world.running.__aexit__(None, None, None)
        ended.append(clock.now())
        world.database.close()

    clock.run(main)
    assert ended[0] < START + 11


def test_a_state_that_is_lost_at_the_end_is_reported(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.poll(errors=0)
        world.error, world.commit_takes = TermLost("another smithd has it"), 0.1
        world.running.writer.put(poll_of(world.clock.now(), errors=9))

    with pytest.raises(TermLost):
        play(tmp_path, scenario)


def test_a_start_after_a_time_without_commits_waits_before_it_notifies(tmp_path: Path) -> None:
    marker = Marker(tmp_path / "degraded")
    marker.create()

    async def scenario(world: World) -> None:
        await world.poll(errors=9)
        await world.clock.sleep(59)
        assert world.sent == []
        await world.clock.sleep(2)

    world = play(tmp_path, scenario, marker=Marker(tmp_path / "degraded"))
    assert [title for _, title in world.sent] == ["errors is critical"]


def test_a_wait_that_ends_while_nothing_can_be_written_leaves_the_marker(tmp_path: Path) -> None:
    marker = Marker(tmp_path / "degraded")
    marker.create()

    async def scenario(world: World) -> None:
        await degrade(world)
        await world.clock.sleep(60)
        assert [title for _, title in world.sent] == ["errors is critical"]
        assert marker.path.exists()
        world.error = None
        await world.clock.sleep(10)
        await world.poll(errors=0)
        await world.clock.sleep(1)
        assert not marker.path.exists()

    play(tmp_path, scenario, marker=Marker(marker.path))


def test_a_disk_that_has_room_again_during_the_wait_does_not_end_the_wait(tmp_path: Path) -> None:
    marker = Marker(tmp_path / "degraded")
    marker.create()

    async def scenario(world: World) -> None:
        await degrade(world)
        world.error = None
        await world.clock.sleep(10)
        assert world.changes(CommitsRecovered) == 1
        assert marker.path.exists()  # a crash now must be followed by a start that waits
        await world.clock.sleep(60)
        assert not marker.path.exists()

    play(tmp_path, scenario, marker=Marker(marker.path))


def test_a_state_that_will_not_be_ours_again_ends_the_writer(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.error = DatabaseError("the state is damaged")
        await world.poll(errors=9)
        assert world.running.writing is not None
        with pytest.raises(DatabaseError, match="damaged"):
            await world.running.writing
        world.error = None

    assert play(tmp_path, scenario).sent == []


def test_a_step_that_changes_nothing_that_lasts_commits_nothing(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.poll(errors=0)
        before = world.committer.commits
        for value in range(5):
            await world.poll(errors=value)
        assert world.committer.commits == before

    play(tmp_path, scenario)


def test_what_came_while_a_commit_ran_is_one_commit(tmp_path: Path) -> None:
    rules = "rules:\n" + "".join(
        f"  r{number}: {{metric: shop.errors, warning: '> {number}'}}\n" for number in range(1, 6)
    )

    async def scenario(world: World) -> None:
        world.commit_takes = 1.0
        await world.poll(errors=1.5)
        before = world.committer.commits
        for value in (2.5, 3.5, 4.5, 5.5):
            await world.poll(errors=value)
        world.commit_takes = 0.0
        await world.clock.sleep(2)
        assert world.committer.commits <= before + 2
        assert len(world.running.engine.alerts) == 5

    play(tmp_path, scenario, rules)


def test_answers_that_are_dropped_while_a_commit_hangs_are_counted_and_logged(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.poll(errors=0)
        world.commit_takes = 600.0
        await world.poll(errors=9)
        for _ in range(world.running.engine.most_waiting + 5):
            await world.poll(errors=8)
        assert world.running.writer.dropped == {"shop": 5}
        assert world.running.writer.waiting == world.running.engine.most_waiting
        assert world.running.writer.has_room("shop")  # the next answer would take the place of the last one
        await world.poll(errors=0)
        assert not world.running.writer.has_room("shop")
        world.commit_takes = 0.0
        await world.clock.sleep(600)
        assert world.running.writer.has_room("shop")

    world = play(tmp_path, scenario)
    assert [event.count for event in world.events if isinstance(event, AnswersDropped)] == [1, 2, 4]
    assert [title for _, title in world.sent] == ["Resolved: errors"]


def poll(source: str, value: float) -> Poll:
    return poll_of(START, source, errors=value)


def same_sign(older: Poll, newer: Poll) -> bool:
    return (older.samples[0].value > 0) == (newer.samples[0].value > 0)


def test_entries_come_out_in_the_order_in_which_they_came_in() -> None:
    queue: Queue[str] = Queue(lambda: 9, same_sign)
    queue.put("a")
    queue.put_poll(poll("shop", 1))
    queue.put("b")
    assert list(queue.take()) == ["a", poll("shop", 1), "b"]
    assert len(queue) == 0


def test_a_full_queue_drops_the_older_of_two_answers_that_mean_the_same() -> None:
    queue: Queue[str] = Queue(lambda: 2, same_sign)
    queue.put_poll(poll("shop", 1))
    queue.put_poll(poll("depot", 1))
    assert queue.has_room("shop")
    queue.put_poll(poll("shop", 2))
    assert queue.dropped == {"shop": 1}
    assert queue.has_room("shop")
    assert list(queue.take()) == [poll("depot", 1), poll("shop", 2)]


def test_what_was_dropped_takes_no_room_while_a_disk_hangs() -> None:
    queue: Queue[str] = Queue(lambda: 1, same_sign)
    queue.put("before")
    for number in range(1, 10_000):
        queue.put_poll(poll("shop", number))
    assert len(queue._waiting) < 200
    assert list(queue.take()) == ["before", poll("shop", 9_999)]


def test_a_full_queue_keeps_answers_that_mean_something_else_and_asks_for_no_more() -> None:
    queue: Queue[str] = Queue(lambda: 2, same_sign)
    queue.put_poll(poll("shop", 1))
    queue.put_poll(poll("depot", 1))
    queue.put_poll(poll("shop", -1))
    assert queue.dropped == {}
    assert not queue.has_room("shop")
    assert queue.has_room("depot")
    assert queue.has_room("third")
    taken = queue.take()
    assert next(taken) == poll("shop", 1)
    assert queue.has_room("shop")
    assert len(list(taken)) == 2

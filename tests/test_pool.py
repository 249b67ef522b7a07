"""How many connections are open: idle ones give way, those in use are waited for, and nobody's turn is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from smithd.pool import Pool


class Line:
    """A transport."""

    def __init__(self) -> None:
        self.is_aborted = False

    def is_closing(self) -> bool:
        return self.is_aborted

    def abort(self) -> None:
        self.is_aborted = True


def run(scenario: Callable[[Pool], Awaitable[Any]], most: int = 2) -> None:
    async def main() -> None:
        async with asyncio.timeout(10):
            await scenario(Pool(most))

    asyncio.run(main())


async def visit(pool: Pool, host: str) -> Line:
    """Use a connection to a host, which is idle then."""
    await pool.enter(host)
    line = Line()
    pool.used(line)
    pool.leave(host, line)
    return line


def test_the_connection_that_is_idle_longest_gives_way() -> None:
    async def scenario(pool: Pool) -> None:
        first, second = await visit(pool, "a"), await visit(pool, "b")
        third = await visit(pool, "c")
        assert [line.is_aborted for line in (first, second, third)] == [True, False, False]

    run(scenario)


def test_a_host_s_own_idle_connection_is_used_again_and_closes_nobody_s() -> None:
    async def scenario(pool: Pool) -> None:
        first, second = await visit(pool, "a"), await visit(pool, "b")
        for _ in range(3):
            assert pool.enter_at_once("a")
            assert not pool.enter_at_once("a"), "it is taken"
            pool.used(first)
            assert not pool.enter_at_once("a"), "it is in use"
            pool.leave("a", first)
        assert not first.is_aborted
        assert not second.is_aborted

    run(scenario)


def test_where_all_are_in_use_the_next_waits_its_turn() -> None:
    async def scenario(pool: Pool) -> None:
        lines = {}
        for host in ("a", "b"):
            await pool.enter(host)
            lines[host] = Line()
        order: list[str] = []

        async def come(host: str) -> None:
            await pool.enter(host)
            order.append(host)

        coming = [asyncio.create_task(come(host)) for host in ("c", "d", "e")]
        await asyncio.sleep(0)
        assert order == []
        pool.leave("a", lines["a"])
        await coming[0]
        assert lines["a"].is_aborted, "it was idle, and gave way"
        coming[1].cancel()
        pool.leave("b", lines["b"])
        await coming[2]
        assert order == ["c", "e"]

    run(scenario)


def test_a_turn_that_came_as_the_wait_was_cancelled_is_the_next_one_s() -> None:
    async def scenario(pool: Pool) -> None:
        await pool.enter("a")
        first, second = (asyncio.create_task(pool.enter(host)) for host in ("b", "c"))
        await asyncio.sleep(0)
        pool.fail()
        first.cancel()
        await second
        assert first.cancelled()

    run(scenario, most=1)


def test_connections_that_were_closed_meanwhile_take_no_place() -> None:
    async def scenario(pool: Pool) -> None:
        first, second = await visit(pool, "a"), await visit(pool, "b")
        first.abort()
        await visit(pool, "c")
        assert not second.is_aborted

    run(scenario)


def test_fewer_are_kept_after_the_number_was_lowered() -> None:
    async def scenario(pool: Pool) -> None:
        lines = [await visit(pool, host) for host in "abcd"]
        pool.most = 2
        await pool.enter("e")
        assert sum(not line.is_aborted for line in lines) == 1

    run(scenario, most=4)


def test_without_descriptors_idle_connections_are_closed_or_what_is_given_back_is_waited_for() -> None:
    async def scenario(pool: Pool) -> None:
        line = await visit(pool, "a")
        await pool.make_room()
        assert line.is_aborted
        await pool.make_room()

    run(scenario)

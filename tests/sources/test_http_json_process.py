"""Large and costly answers are searched in a process of their own: with the same results, within limits, for all."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smithd.plugin import BadResponse, RawSample, Unavailable
from smithd.testing import Reply, Server
from smithd_sources.http_json import HttpJson, process
from smithd_sources.http_json.body import Body
from smithd_sources.http_json.process import SearchProcess
from smithd_sources.http_json.search import Pages, Search
from smithd_sources.values import TimeContext
from sources.conftest import Ask
from sources.test_http_json import as_json, options

FILLER = ["x" * 60] * 5_000
"""300 kB."""
ASKED = TimeContext(0.0)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that are started."""
    found: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            found.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    return found


Started = list[subprocess.Popen[bytes]]


@pytest.fixture
def searching() -> Iterator[SearchProcess]:
    """A process of the test's own."""
    made = SearchProcess()
    made.join()
    yield made
    made.leave()


def search(path: str = "$.orders") -> Search:
    return Search.model_validate({"place": "shop:80", "format": "json", "metrics": {"orders": path}})


def found(searching: SearchProcess, content: bytes, path: str = "$.orders", cost: float = 0.0) -> list[Any]:
    answer = searching.samples(search(path), Pages([Body(content, "")]), ASKED, cost, 60.0)
    assert answer["failure"] is None
    samples: list[Any] = answer["samples"]
    return samples


@pytest.mark.parametrize("filler", [[], FILLER], ids=["here", "in the process"])
@pytest.mark.parametrize(
    ("answer", "metric", "expected"),
    [
        ({"n": 3}, "$.n", [RawSample("m", 3.0)]),
        ({"n": 1999}, {"path": "$.n", "scale": "0.01", "offset": 1}, [RawSample("m", 20.99)]),
        ({"n": "PT1M"}, {"path": "$.n", "as": "duration"}, [RawSample("m", 60.0)]),
        ({"n": "2026-11-02T01:00"}, {"path": "$.n", "as": "timestamp"}, [RawSample("m", 1793581200.0)]),
        ({"n": None}, "$.n", []),
        (
            {"hosts": [{"id": "a", "load": 1}, {"id": "b", "load": 2}]},
            {"each": "$.hosts[?@.load > 1]", "value": "$.load", "labels": {"host": "$.id"}},
            [RawSample("m", 2.0, {"host": "b"})],
        ),
        ({"n": "many"}, "$.n", 'm: $.n is "many", not a number'),
        ({"n": 3}, "$..m", "m: $..m finds nothing in {"),
    ],
)
def test_what_an_answer_comes_to_is_the_same_wherever_it_is_searched(
    ask: Ask, web: Server, started: Started, filler: list[str], answer: Any, metric: Any, expected: Any
) -> None:
    web.replies["/stats"] = as_json(answer | {"filler": filler})
    if isinstance(expected, str):
        with pytest.raises(BadResponse) as caught:
            ask(HttpJson, options(web, {"m": metric}))
        assert str(caught.value).startswith(expected)
    else:
        assert ask(HttpJson, options(web, {"m": metric})) == expected
    assert len(started) == (bool(filler) or ".." in str(metric))


def test_pages_are_searched_together(ask: Ask, web: Server, started: Started) -> None:
    metric = {"each": "$.hosts[*]", "value": "$.load", "labels": {"host": "$.id"}}
    pages = {"next": "$.next"}
    web.replies["/stats"] = as_json({"filler": FILLER, "next": "/two", "hosts": [{"id": "a", "load": 1}]})
    web.replies["/two"] = as_json({"filler": FILLER, "next": "/three", "hosts": [{"id": "b", "load": 2}]})
    web.replies["/three"] = Reply(b"{" + b" " * 300_000)
    with pytest.raises(BadResponse, match="expected JSON, got no content type") as caught:
        ask(HttpJson, options(web, {"load": metric}, pages=pages))
    assert [sample.value for sample in caught.value.samples] == [1.0, 2.0]
    assert len(started) == 1


def test_an_answer_that_has_not_changed_is_searched_again(ask: Ask, web: Server) -> None:
    body = as_json({"filler": FILLER, "orders": 3}).body
    replies = iter([Reply(body, headers={"ETag": '"a"'}), Reply(status=304)])
    web.replies["/stats"] = lambda _: next(replies)
    assert ask(HttpJson, options(web, {"orders": "$.orders"}), polls=2) == [RawSample("orders", 3.0)]


@pytest.mark.parametrize(("size", "processes"), [(500, 0), (150_000, 1)], ids=["quick", "slow"])
def test_a_source_whose_last_answer_took_long_is_searched_in_the_process(
    ask: Ask, web: Server, started: Started, size: int, processes: int
) -> None:
    web.replies["/stats"] = as_json({"orders": 3, "filler": [[]] * (size // 4)})
    assert ask(HttpJson, options(web, {"orders": "$.orders"}), polls=3) == [RawSample("orders", 3.0)]
    assert len(started) <= processes


@pytest.mark.parametrize(
    ("path", "content", "said"),
    [
        (
            "$..[?count(@..[?count(@..*) > 99999]) > 99999]",
            b"[" * 60 + (b"1" + b",1" * 300 + b"],") * 59 + b"1]",
            "searching the answer takes too long",
        ),
        ("$.orders", b"[" + b'{"":0},' * 1_500_000 + b"0]", "searching the answer needs more than 256 MB"),
    ],
)
def test_an_answer_that_needs_too_much_is_given_up_and_harms_nobody(
    searching: SearchProcess, path: str, content: bytes, said: str
) -> None:
    assert found(searching, b'{"orders": 1}') == [["orders", 1.0, {}, None]]
    with pytest.raises(BadResponse) as caught:
        found(searching, content, path)
    assert str(caught.value) == said
    assert found(searching, b'{"orders": 2}') == [["orders", 2.0, {}, None]]


def test_the_cheapest_goes_first(searching: SearchProcess) -> None:
    began, order = threading.Event(), list[str]()
    slow = b'{"orders": 1, "filler": [' + b"[]," * 500_000 + b"0]}"

    def work(name: str, content: bytes, cost: float) -> None:
        began.set()
        found(searching, content, cost=cost)
        order.append(name)

    threads = [threading.Thread(target=work, args=("first", slow, 0.0))]
    threads[0].start()
    began.wait(30)
    while not searching.is_busy:
        pass
    for name, cost in [("costly", 2.0), ("cheap", 0.02)]:
        threads.append(threading.Thread(target=work, args=(name, b'{"orders": 1}', cost)))
        threads[-1].start()
        while searching.waiting < len(threads) - 1:
            pass
    for thread in threads:
        thread.join(60)
    assert order == ["first", "cheap", "costly"]


def test_who_gets_no_turn_in_time_says_so(searching: SearchProcess) -> None:
    slow = threading.Thread(target=found, args=(searching, b'{"orders": 1, "filler": [' + b"[]," * 500_000 + b"0]}"))
    slow.start()
    while not searching.is_busy:
        pass
    with pytest.raises(Unavailable, match="had no turn"):
        searching.samples(search(), Pages([Body(b"{}", "")]), ASKED, 1.0, 0.0)
    slow.join(60)


def test_a_process_that_ended_while_nobody_asked_is_started_again(
    searching: SearchProcess, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle_soon = "from smithd_sources.http_json import child; child.IDLE = 0.01; child.main()"
    monkeypatch.setattr(process, "_COMMAND", ("-P", "-c", idle_soon))
    for number in range(3):
        assert found(searching, b'{"orders": 1}') == [["orders", 1.0, {}, None]]
        if number == 1:
            assert started[-1].wait(30) == 0


def test_nothing_of_it_is_left_after_the_last_source_and_after_the_daemon(started: Started) -> None:
    one = SearchProcess()
    one.join()
    one.join()
    found(one, b'{"orders": 1}')
    one.leave()
    assert started[0].poll() is None
    one.leave()
    assert started[0].poll() is not None
    assert all(pipe is not None and pipe.closed for pipe in (started[0].stdin, started[0].stdout))
    alone = subprocess.run([sys.executable, *process._COMMAND], stdin=subprocess.DEVNULL, timeout=60, check=False)
    assert alone.returncode == 0


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_it_is_told_no_secrets(searching: SearchProcess, started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTIVITYSMITH_KEY", "ask_secret")
    found(searching, b'{"orders": 1}')
    told = Path(f"/proc/{started[0].pid}/environ").read_bytes()
    assert b"PATH=" in told
    assert b"ask_secret" not in told
    assert len(os.listdir(f"/proc/{started[0].pid}/fd")) <= 4

"""``smithd once`` and ``smithd test-push``: looking before leaping."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.test_run import configured, data
from e2e.world import Service, smithd, wait_until, world
from smithd.cli.main import run


def test_once_shows_everything_and_sends_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with world(data(orders=3, errors=7, jobs={"a": 0})) as (service, _, url):
        config = configured(tmp_path, service.key, url)
        assert run(["once", "-c", str(config)]) == 0
        shown = capsys.readouterr().out
        assert service.requests == []
    assert "shop.orders = 3" in shown
    assert 'shop.jobs{id="a"} = 0' in shown
    assert "errors: critical (shop.errors is 7)" in shown
    assert "errors is critical" in shown.partition("Would be sent")[2]
    assert "\n\n\n" not in shown, "a part without lines is left out"
    assert service.key not in shown
    assert not (tmp_path / "state.db").exists()


def test_once_send_sends_and_remembers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with world(data(orders=3, errors=7)) as (service, _, url):
        config = configured(tmp_path, service.key, url)
        assert run(["once", "--send", "-c", str(config)]) == 0
        assert len(service.requests) == 3
        assert service.violations() == []
        assert run(["once", "--send", "-c", str(config)]) == 0
        assert len(service.requests) == 3
    assert "nothing" in capsys.readouterr().out


def test_once_says_what_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with world("no such numbers") as (service, _, url):
        config = configured(tmp_path, service.key, url)
        assert run(["once", "-c", str(config)]) == 1
        assert "$.orders" in capsys.readouterr().out
        service.fault = lambda _: 401
    with world(data(errors=7)) as (service, _, url):
        service.fault = lambda _: 401
        config = configured(tmp_path, service.key, url)
        assert run(["once", "--send", "-c", str(config)]) == 1
        # It does not wait for the end of an outage.
        service.fault = lambda _: 503
        config = configured(tmp_path, service.key, url)
        assert run(["once", "--send", "-c", str(config)]) == 1
        assert "the service cannot be reached (HTTP 503" in capsys.readouterr().out


def test_a_running_daemon_keeps_once_send_off_its_state_and_lets_once_look(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with world(data(orders=3, errors=7)) as (service, _, url):
        config = configured(tmp_path, service.key, url)
        with smithd(config):
            wait_until(lambda: len(service.requests) == 3, what="the daemon's requests")
            wait_until(lambda: all(request.answered for request in service.requests), what="the answers")
            assert run(["once", "--send", "-c", str(config)]) == 1
            assert "another smithd (pid" in capsys.readouterr().err
            assert run(["once", "-c", str(config)]) == 0
            assert "critical" in capsys.readouterr().out
        assert len(service.requests) == 3


LOOK = """
activitysmith: {api_key: "${env:SMITHD_TEST_NO_KEY}"}
plugins: [odd.py]
sources:
  odd: {type: odd, every: 1m}
  list:
    type: http_json
    url: URL
    metrics: {open: {each: "$[*]", value: $.n, labels: {id: $.id}}}
rules:
  few: {when: (count(list.open) or 0) < 1, severity: warning}
  high: {metric: odd.a, warning: "> 3"}
  quiet: {metric: odd.c, warning: "> 3"}
"""
ODD = """
from smithd.plugin.options import Options
from smithd.plugin.sample import RawSample
from smithd.plugin.source import Source

class Odd(Source[Options]):
    type = "odd"
    Options = Options

    @classmethod
    def metrics(cls, options):
        return ["a", "b", "c"]

    def poll(self):
        return [RawSample("a", 1.0), RawSample("b", "x")]
"""


def look(folder: Path, url: str, *options: str) -> int:
    (folder / "odd.py").write_text(ODD)
    (folder / "smithd.yaml").write_text(LOOK.replace("URL", url))
    return run(["once", "-c", str(folder / "smithd.yaml"), *options])


def test_looking_needs_no_api_key_and_says_what_is_not_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with world([]) as (_, _, url):
        assert look(tmp_path, url) == 0
        shown = capsys.readouterr().out
    samples, _, rest = shown.partition("Refused")
    assert [line.strip() for line in samples.splitlines()[1:] if line] == [
        "odd.a = 1",
        "odd.b: no value",
        "odd.c: no value",
        "list.open: no value",
    ]
    assert "odd.b: the value must be a number, not the text 'x'" in rest
    alerts = rest.partition("Alerts")[2].partition("Would be sent")[0]
    # The list is empty, which is known; that quiet is clear is not.
    assert [line.strip() for line in alerts.splitlines() if line] == [
        "few: warning (its expression is 0)",
        "quiet: not known, since odd.c has no value",
        "clear: high",
    ]


def test_what_found_nothing_is_listed_also_where_something_else_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "smithd.yaml"
    with world({"a": 1, "b": None, "c": "many"}) as (_, _, url):
        metrics = "{a: $.a, b: $.b, c: $.c}"
        config.write_text(
            'activitysmith: {api_key: "${env:SMITHD_TEST_NO_KEY}"}\n'
            f"sources: {{list: {{type: http_json, url: {url}, metrics: {metrics}}}}}\n"
        )
        assert run(["once", str(config)]) == 1
    samples = capsys.readouterr().out.partition("Alerts")[0]
    assert [line.strip() for line in samples.splitlines()[1:] if line] == [
        "list.a = 1",
        "list.b: no value",
        "list.c: no value",
        'list: c: $.c is "many", not a number',
    ]


def test_a_value_that_is_too_old_is_not_called_clear(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "smithd.yaml"
    with world({"n": 1, "at": "2026-01-01T00:00:00Z"}) as (_, _, url):
        config.write_text(
            f"activitysmith: {{api_key: a_key_4711}}\nsources:\n  old: {{type: http_json, url: {url}, "
            "metrics: {n: {path: $.n, time: $.at}}}\nrules:\n  high: {metric: old.n, warning: '> 3'}\n"
        )
        assert run(["once", str(config)]) == 0
    shown = capsys.readouterr().out
    assert "  high: not known, since the newest value of old.n is too old" in shown
    assert "clear" not in shown


def test_what_a_failed_poll_leaves_open_is_not_called_clear(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert look(tmp_path, "http://127.0.0.1:9/") == 1
    assert "few: not known, since list failed" in capsys.readouterr().out
    assert look(tmp_path, "http://127.0.0.1:9/", "--source", "odd") == 0
    assert "few: not known, since list was not polled" in capsys.readouterr().out
    assert look(tmp_path, "http://127.0.0.1:9/", "--source", "lst") == 2
    assert "There is no source 'lst'; did you mean 'list'?" in capsys.readouterr().err
    assert look(tmp_path, "http://127.0.0.1:9/", "--send") == 2
    assert "${env:SMITHD_TEST_NO_KEY} is not set" in capsys.readouterr().err
    # A source is never asked with a reference in place of its secret.
    assert look(tmp_path, "http://127.0.0.1:9/${env:SMITHD_TEST_NO_KEY}") == 2
    assert "these need their secrets to be polled and evaluated: sources.list.url" in capsys.readouterr().err


def test_explain_does_not_say_that_nothing_happened_where_it_could_not_look(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with world(data(orders=3, errors=7)) as (service, _, url):
        config = configured(tmp_path, service.key, url)
        explain = ["explain", "errors", "-c", str(config)]
        assert run(explain) == 1
        assert f"there is no state {tmp_path / 'state.db'}. So nothing is known" in capsys.readouterr().err

        assert run(["once", "--send", "-c", str(config)]) == 0
        capsys.readouterr()
        assert run(explain) == 0
        assert "critical" in capsys.readouterr().out
        other = tmp_path / "other.yaml"
        other.write_text(config.read_text())
        assert run(["explain", "errors", "-c", str(other)]) == 0
        assert "another configuration file used the state" in capsys.readouterr().err

        (tmp_path / "state.db").write_bytes(b"no state at all" * 999)
        assert run(explain) == 1
        shown = capsys.readouterr()
        assert f"the state {tmp_path / 'state.db'} cannot be read" in shown.err
        assert shown.out == ""


def push(service: Service, config: Path) -> int:
    return run(["test-push", "-c", str(config), "--title", "hello"])


def test_a_test_push_says_what_became_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with world(data()) as (service, _, url):
        config = configured(tmp_path, service.key, url)
        assert push(service, config) == 0
        assert "Accepted, for ops" in capsys.readouterr().out
        assert [request.body["title"] for request in service.of("push-notification-send")] == ["hello"]
        service.fault = lambda _: 401
        assert push(service, config) == 1
        assert "refuses the key" in capsys.readouterr().err
    assert push(service, config) == 1
    assert "could not connect to 127.0.0.1: connection refused" in capsys.readouterr().err


def test_a_test_push_goes_to_the_account_that_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with world(data()) as (service, _, url):
        config = configured(tmp_path, service.key, url)
        address = next(line for line in config.read_text().splitlines() if "base_url" in line).split("base_url:")[1]
        further = f"accounts: {{team: {{api_key: ask_nobody, base_url: {address.strip(' }').split(',')[0]}}}}}\n"
        config.write_text(config.read_text() + further)
        assert run(["test-push", "-c", str(config), "--account", "team"]) == 1
        assert "wrong key" in capsys.readouterr().err
        assert run(["test-push", "-c", str(config), "--account", "tem"]) == 2
        assert "did you mean 'team'?" in capsys.readouterr().err

"""The log's formats: what each has of an event and of a plugin's line, and that none shows a secret or is forged."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as with_examples
from hypothesis import strategies as st

from cli.logs.given import Journald, handled, kinds, made, objects
from fakes import FakeClock
from smithd.cli.logs.entry import entry
from smithd.cli.logs.formats import as_json
from smithd.events import PARTS, Events, PollFailed, ReloadRefused, SendAccepted, SourceRecovered, listen_with_logs
from smithd.keys import WidgetKey
from smithd.redactor import Redactor, quoted
from smithd.storage.events import AnswersDropped

SECRET = "sk_live_9f8e7d6c5b4a"
ORDINARY = "abc"
CET = timezone(timedelta(hours=1))


@pytest.fixture
def redactor() -> Redactor:
    return Redactor([SECRET, ORDINARY])


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[Journald]:
    journald = Journald(tmp_path)
    yield journald
    journald.close()


@pytest.mark.parametrize("kind", list(kinds()), ids=lambda kind: kind.__name__)
def test_every_kind_of_event_has_a_part_and_fields_of_its_own_and_shows_no_secret_in_any_format(
    kind: type, redactor: Redactor, journald: Journald, capsys: pytest.CaptureFixture[str]
) -> None:
    event = made(kind, quoted(f"{SECRET} said abc"))
    assert event.part in PARTS
    assert ("source" in {each.name for each in fields(kind)}) == (event.part == "sources")
    said = []
    for form in ("text", "json", "journal"):
        with handled(redactor, form, to_journal=journald.path):
            Events([listen_with_logs(redactor)]).publish(event)
        printed = capsys.readouterr().err
        said.append(printed or json.dumps(journald.read()))
    assert all(said), "nothing was written"
    assert not any(SECRET in text or "said abc" in text for text in said)
    (found,) = objects(said[1])
    assert list(found)[:5] == ["time", "level", "part", "event", "message"]
    names = {each.name for each in fields(kind)} - {"key", "surface"}
    assert names <= set(found)
    assert len(found) >= 5 + len(fields(kind)), "a field has the name of another"


def test_the_journal_has_fields_that_can_be_searched(redactor: Redactor, journald: Journald) -> None:
    with handled(redactor, "journal", to_journal=journald.path):
        events = Events([listen_with_logs(redactor)])
        events.publish(PollFailed("shop", "answered 503", 4, 30.0))
        events.publish(SendAccepted(WidgetKey("default", "shop.orders"), "update", "42"))
        logging.getLogger("smithd.sources.shop").error("of a plugin")
    failed, accepted, of_plugin = journald.read(), journald.read(), journald.read()
    assert failed == {
        "MESSAGE": "shop: poll failed (4 in a row): answered 503; next try in 30 s",
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "smithd",
        "SMITHD_PART": "sources.shop",
        "SMITHD_EVENT": "poll_failed",
        "SMITHD_SOURCE": "shop",
        "SMITHD_REASON": "answered 503",
        "SMITHD_FAILURES": "4",
        "SMITHD_RETRY_IN": "30.0",
    }
    assert (accepted["SMITHD_WIDGET"], accepted["SMITHD_ACCOUNT"]) == ("shop.orders", "default")
    assert (of_plugin["PRIORITY"], of_plugin["SMITHD_SOURCE"]) == ("3", "shop")
    assert "SMITHD_EVENT" not in of_plugin


def test_an_entry_that_is_too_large_for_a_datagram_arrives_as_a_file(redactor: Redactor, journald: Journald) -> None:
    with handled(redactor, "journal", to_journal=journald.path):
        logging.getLogger("smithd").info("x" * 1_000_000)
    assert journald.read()["MESSAGE"] == "x" * 1_000_000


def test_where_the_journal_s_socket_is_missing_it_gets_lines_with_priorities(
    redactor: Redactor, capsys: pytest.CaptureFixture[str]
) -> None:
    with handled(redactor, "journal"):
        Events([listen_with_logs(redactor)]).publish(ReloadRefused("smithd.yaml:1:1: x\n\n  hint"))
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "<3>the configuration was not reloaded, and the one before goes on:",
        "<3>smithd.yaml:1:1: x",
        "<3>  hint",
    ]


def test_auto_is_for_the_journal_only_where_stderr_is_the_journal(
    redactor: Redactor, journald: Journald, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = (tmp_path / "stderr").open("w")
    found = os.fstat(file.fileno())
    monkeypatch.setattr("sys.stderr", file)
    for stream in ("1:1", f"{found.st_dev}:{found.st_ino}"):
        monkeypatch.setenv("JOURNAL_STREAM", stream)
        with handled(redactor, "auto", to_journal=journald.path):
            logging.getLogger("smithd").warning("to %s", stream)
    file.close()
    assert (tmp_path / "stderr").read_text().endswith("WARNING to 1:1\n")
    assert journald.read()["MESSAGE"].startswith("to ")


def test_a_polled_text_neither_forges_a_line_nor_controls_the_terminal(
    redactor: Redactor, journald: Journald, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "\x1b[2J\u202eevil\u202c\u2066\u2069\u200f\n<0>forged\u2028\x85\nPRIORITY=0"
    with handled(redactor, "text"):
        logging.getLogger("smithd").warning("cpu (%s) fired: %s", evil, SECRET)
    line = capsys.readouterr().err
    assert line.endswith("WARNING cpu ( [2J evil     <0>forged   PRIORITY=0) fired: [secret]\n")
    assert line.count("\n") == 1
    with handled(redactor, "journal", to_journal=journald.path):
        Events([listen_with_logs(redactor)]).publish(PollFailed("shop", evil, 1, 0))
    found = journald.read()
    assert found["PRIORITY"] == "4"
    assert "\n" not in found["MESSAGE"] + found["SMITHD_REASON"]


def test_a_traceback_and_arguments_that_do_not_fit_show_no_secret(
    redactor: Redactor, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError(SECRET)

    log = logging.getLogger("smithd.sources.shop")
    with handled(redactor, "json"):
        try:
            raise ValueError(SECRET)
        except ValueError:
            log.exception("it failed")
        log.warning("%d orders of %s", SECRET, SECRET)
        log.warning("%s", Broken())
    printed = capsys.readouterr().err
    assert SECRET not in printed
    failed, wrong, broken = (found["message"] for found in objects(printed))
    assert "ValueError: [secret]" in failed
    assert wrong == "'%d orders of %s' cannot be filled in: TypeError"
    assert broken == "'%s' cannot be filled in: RuntimeError"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@with_examples(st.text(st.characters()), st.floats())
def test_json_is_valid_whatever_was_polled(redactor: Redactor, text: str, number: float) -> None:
    record = logging.LogRecord("smithd.sources.shop", logging.WARNING, "", 0, "%s", (text,), None)
    record.event = PollFailed("shop", text, 1, number)
    line = as_json(entry(record, redactor), CET)
    assert "\n" not in line
    assert line.isascii()
    objects(line)

    json.loads(line)["message"].encode("utf-8")


def test_json_has_the_time_with_its_zone(redactor: Redactor) -> None:
    record = logging.LogRecord("smithd", logging.INFO, "", 0, "hello", (), None)
    record.created = 1_764_430_200.25
    assert json.loads(as_json(entry(record, redactor), CET)) == {
        "time": "2025-11-29T16:30:00.250+01:00",
        "level": "info",
        "part": "daemon",
        "message": "hello",
    }


def test_what_repeats_is_said_at_once_and_then_with_how_often(
    redactor: Redactor, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = FakeClock()
    with handled(redactor, "json", clock) as handler:
        events = Events([listen_with_logs(redactor)])
        for count in range(1, 39):
            events.publish(AnswersDropped("shop", count))
            logging.getLogger("smithd.sources.shop").warning("slow: %.1f s", count / 10)
            clock.time += 10
        assert len(objects(capsys.readouterr().err)) == 2
        clock.time += 600
        handler.tell()
        dropped, slow = objects(capsys.readouterr().err)
        assert dropped["message"].endswith("(38 so far) (repeated 37 times in 16m 20s)")
        assert (dropped["left_out"], dropped["count"], dropped["event"]) == (37, 38, "answers_dropped")
        assert slow["message"].startswith("slow: 3.8 s (repeated 37 times")


def test_a_change_of_a_state_is_always_said_and_so_is_the_first_failure_after_it(
    redactor: Redactor, capsys: pytest.CaptureFixture[str]
) -> None:
    with handled(redactor, "text"):
        events = Events([listen_with_logs(redactor)])
        for _ in range(100):
            events.publish(PollFailed("shop", "answered 503", 1, 0))
            events.publish(SourceRecovered("shop", 1))
    assert len(capsys.readouterr().err.splitlines()) == 200


def test_a_storm_of_different_failures_is_counted_and_the_last_is_told_at_the_end(
    redactor: Redactor, capsys: pytest.CaptureFixture[str]
) -> None:
    with handled(redactor, "text") as handler:
        events = Events([listen_with_logs(redactor)])
        for count in range(1, 1001):
            events.publish(PollFailed("shop", f"answered with request {count}", count, 0))
        handler.close()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 22
    assert "979 more like this in 0s, the last: shop: poll failed (1000 in a row)" in lines[-1].replace("1,000", "1000")


def test_what_was_asked_for_with_debug_is_never_left_out(
    redactor: Redactor, capsys: pytest.CaptureFixture[str]
) -> None:
    with handled(redactor, "text"):
        for _ in range(100):
            logging.getLogger("smithd.sources.shop").debug("the same")
    assert len(capsys.readouterr().err.splitlines()) == 100

"""Times that a person sees: in the configured zone, with its name where this machine's clocks show another time.

The tests run on a machine in UTC (conftest.py).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from smithd.cli.logs.formats import LogZone
from smithd.cli.logs.writing import write_logs
from smithd.cli.main import run
from smithd.clock import SystemClock
from smithd.config.zones import shown_zone
from smithd.formatting import clock_span, clock_time, iso_time, zoned
from smithd.lockscreen.formatting import exact, foreign
from smithd.redactor import Redactor

AT = datetime(2026, 11, 29, 15, 30, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", "15:30"),
        # The same clocks under another name.
        ("Etc/UTC", "15:30"),
        ("Atlantic/Reykjavik", "15:30"),
        ("Europe/Berlin", "16:30 CET"),
        # In winter, London's clocks show UTC; in summer they do not.
        ("Europe/London", "15:30 GMT"),
        ("Asia/Kolkata", "21:00 IST"),
        ("Asia/Kathmandu", "21:15 UTC+0545"),
        ("America/Sao_Paulo", "12:30 UTC-03"),
    ],
)
def test_a_time_has_its_zone_where_this_machine_is_in_another(zone: str, shown: str) -> None:
    assert zoned(AT, shown_zone(ZoneInfo(zone)), "%H:%M") == shown


def test_a_time_of_another_day_has_the_weekday_of_the_zone() -> None:
    tokyo = shown_zone(ZoneInfo("Asia/Tokyo"))
    assert clock_time(AT, AT, tokyo) == "00:30 JST"
    # Both are the 29th in London and Tokyo's 30th.
    assert clock_time(AT - 1800, AT, tokyo) == "00:00 JST"
    assert clock_time(AT - 1860, AT, tokyo) == "Sun 23:59 JST"
    assert exact(AT - 1860, AT, tokyo) == "Sun 23:59:00"
    assert exact(AT, AT, tokyo) == "00:30:00"
    assert (foreign(tokyo), foreign(shown_zone(ZoneInfo("UTC")))) == ("times in Asia/Tokyo", "")


def test_the_summer_time_of_a_zone_has_its_own_name() -> None:
    berlin, july = shown_zone(ZoneInfo("Europe/Berlin")), datetime(2026, 7, 1, 12, tzinfo=UTC).timestamp()
    assert zoned(july, berlin, "%a %H:%M") == "Wed 14:00 CEST"


def test_a_span_of_time_names_the_zone_once_but_where_the_clocks_change_within() -> None:
    berlin, change = shown_zone(ZoneInfo("Europe/Berlin")), datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp()
    assert clock_span(AT, AT + 3600, AT, berlin) == "16:30 to 17:30 CET"
    assert clock_span(AT - 86400, AT, AT, berlin) == "Sat 16:30 to 16:30 CET"
    assert clock_span(change - 1800, change + 1800, change, berlin) == "02:30 CEST to 02:30 CET"
    assert clock_span(AT, AT + 3600, AT, ZoneInfo("UTC")) == "15:30 to 16:30"


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    log = logging.getLogger("smithd")
    handlers, propagate = list(log.handlers), log.propagate
    # Commands that other tests ran have left theirs, which write to where nobody reads any more.
    log.handlers = []
    yield log
    log.handlers, log.propagate = handlers, propagate


def test_the_log_has_dates_in_the_zone_of_the_configuration_in_use(
    log: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    zone = LogZone(lambda: shown_zone(ZoneInfo("Asia/Tokyo")))
    write_logs(Redactor(), SystemClock(), zone)
    record = log.makeRecord("smithd", logging.WARNING, "", 0, "hot", (), None)
    record.created = AT
    log.handle(record)
    # As after a reload with another 'timezone'.
    zone.read = lambda: ZoneInfo("UTC")
    record.msg = "cold"
    log.handle(record)
    assert capsys.readouterr().err.splitlines() == [
        "2026-11-30 00:30:00 JST WARNING hot",
        "2026-11-29 15:30:00 WARNING cold",
    ]


SILENCE = {"id": 1, "matchers": "rule=x", "comment": "", "author": "me"}


@pytest.mark.parametrize(("zone", "until"), [("Asia/Tokyo", "2026-11-30 01:30 JST"), ("Etc/UTC", "2026-11-29 16:30")])
def test_silences_are_listed_with_the_configured_zone(
    zone: str, until: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ask(*_: Any, **__: Any) -> Any:
        times = {"starts_at": iso_time(AT, ZoneInfo(zone)), "ends_at": iso_time(AT + 3600, ZoneInfo(zone))}
        return [SILENCE | times | {"timezone": zone}]

    monkeypatch.setattr("smithd.cli.silence.ask", ask)
    assert run(["silence", "list"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith(f"1   {until}  rule=x")


def test_status_says_in_which_zone_its_times_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at, started = "2026-11-30T00:30:00+09:00", "2026-11-30T00:25:00+09:00"
    state = {"path": "smithd.db", "size": None, "committed_at": at, "commit_hangs_since": None, "entries_waiting": 0}
    found = {"at": at, "version": "1", "started_at": started, "configuration": "smithd.yaml", "degraded": False}
    found |= {name: [] for name in ("sources", "rules", "alerts", "surfaces", "silences", "accounts")}
    found |= {"last_reload": None, "state": state}

    def shown(zone: str) -> list[str]:
        monkeypatch.setattr("smithd.cli.status.ask", lambda *_: found | {"timezone": zone})
        assert run(["status"]) == 0
        return capsys.readouterr().out.splitlines()[:2]

    running = "smithd 1, running for 5m with smithd.yaml"
    assert shown("Asia/Tokyo") == [running, "Times are in Asia/Tokyo."]
    assert shown("UTC") == [running, ""]

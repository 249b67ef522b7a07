"""Alerts on disk: what is written is what is read, and a state of an older version is taken over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from smithd.alerts import rows
from smithd.alerts.alert import Alert, AlertKey
from smithd.alerts.alerts import Alerts
from smithd.alerts.damping import Flapping
from smithd.alerts.machine import Hold, Phase
from smithd.alerts.missing import Absence, AbsencePhase
from smithd.alerts.reason import Cause, unpack
from smithd.alerts.severity import Severity
from smithd.alerts.spell import Spell
from smithd.storage.database import Database
from smithd.storage.migration import upgrade

W, C = Severity.WARNING, Severity.CRITICAL
A = Alert(
    AlertKey("", "drop", (("host", "a"),)),
    "shop.orders",
    (Hold(W, Phase.RECOVERING, 30.0, 10.0, 100.5), Hold(C, baseline=100.5)),
    W,
    10.0,
    20.0,
    7.5,
    (Spell(W, 10.0), Spell(C, 12.0, 20.0, 3.5)),
    flapping=Flapping(2.5, 20.0),
)
B = Alert(
    AlertKey("", "silent", ()),
    "shop.errors",
    (Hold(C),),
    C,
    5.0,
    8.0,
    None,
    (Spell(C, 5.0),),
    Cause.failing("shop"),
    Absence(AbsencePhase.FIRING, 8.0),
)
OUTSIDE = replace(B, key=AlertKey("alertmanager", "silent", ()))
INACTIVE = AlertKey("", "drop", (("host", "b"),))


@pytest.fixture
def database() -> Iterator[Database]:
    database = Database.in_memory()
    yield database
    database.close()


def test_what_is_written_is_what_is_read(database: Database) -> None:
    alerts = Alerts.of([A, B, OUTSIDE], {INACTIVE: Flapping(1.0, 3.0)})
    with database.transaction() as connection:
        rows.write(connection, alerts, [A.key, B.key, OUTSIDE.key, INACTIVE], 50.0)
        kept = rows.load(connection)
    assert kept.alerts == [A, B, OUTSIDE]
    assert kept.flapping == {INACTIVE: Flapping(1.0, 3.0)}
    assert kept.alive_at == 50.0


def test_only_the_named_alerts_are_written_and_what_is_over_is_deleted(database: Database) -> None:
    with database.transaction() as connection:
        rows.write(connection, Alerts.of([A, B]), [A.key, B.key], 50.0)
        rows.write(connection, Alerts(), [A.key, A.key], 60.0)
        kept = rows.load(connection)
    assert kept.alerts == [B]
    assert kept.alive_at == 60.0


def test_all_of_memory_replaces_what_is_there(database: Database) -> None:
    with database.transaction() as connection:
        rows.write(connection, Alerts.of([B]), [B.key], 50.0)
        rows.write_all(connection, Alerts.of([A], {INACTIVE: Flapping(1.0, 3.0)}), 70.0)
        kept = rows.load(connection)
    assert (kept.alerts, kept.flapping, kept.alive_at) == ([A], {INACTIVE: Flapping(1.0, 3.0)}, 70.0)


def test_a_state_of_an_older_version_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "smithd.db"
    drop = {
        "metric": "shop.orders",
        "holds": {"warning": ["recovering", 30.0], "critical": ["inactive", 0.0]},
        "severity": "warning",
        "since": 10.0,
        "fired_at": 20.0,
        "value": 7.5,
        "worst": "critical",
        "cause": "",
        "absent": ["inactive", 0.0],
        "baselines": {"warning": 100.5, "critical": 100.5},
        "unrest": [2.5, 20.0],
    }
    silent = {
        "metric": "shop.errors",
        "holds": {"critical": ["inactive", 0.0]},
        "severity": "critical",
        "since": 5.0,
        "fired_at": 8.0,
        "value": None,
        "worst": "critical",
        "cause": "source:shop",
        "absent": ["firing", 8.0],
        "baselines": {},
        "unrest": None,
    }
    first = {  # as the very first version wrote it
        "metric": "shop.stock",
        "holds": {"warning": ["pending", 12.0]},
        "severity": None,
        "since": 12.0,
        "fired_at": None,
        "value": 1.0,
        "worst": None,
    }
    old = create_engine(f"sqlite:///{path}")
    with old.begin() as connection:
        upgrade(connection, "0003")
        for rule, labels, state in (
            ("drop", '[["host", "a"]]', drop),
            ("drop", '[["host", "b"]]', {"unrest": [1.0, 3.0]}),
            ("low", "[]", first),
            ("silent", "[]", silent),
        ):
            connection.exec_driver_sql("INSERT INTO alerts VALUES (?, ?, ?)", (rule, labels, json.dumps(state)))
        entry = (7.0, "drop", "[]", "fired", "warning", 7.5, "shop.orders is 7.5", "told", "", "")
        connection.exec_driver_sql(
            "INSERT INTO journal (at, rule, labels, change, severity, value, why, reason, detail, notice) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            entry,
        )
    old.dispose()
    database = Database.open(path)
    with database.transaction() as connection:
        kept = rows.load(connection)
        (evidence,) = connection.exec_driver_sql("SELECT evidence FROM journal").scalars()
    database.close()
    pending = Alert(AlertKey("", "low", ()), "shop.stock", (Hold(W, Phase.PENDING, 12.0, 12.0),), None, 12.0, None, 1.0)
    # When it was critical before is not known any more.
    assert kept.alerts == [replace(A, spells=(Spell(W, 10.0),)), pending, B]
    assert kept.flapping == {INACTIVE: Flapping(1.0, 3.0)}
    found = unpack(evidence)
    assert found is not None
    assert (found.reason, found.text) == ("recorded", "shop.orders is 7.5")

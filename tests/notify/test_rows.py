"""Groups and silences on disk: what is written is found again, and what an earlier version has left."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rpds import HashTrieMap
from sqlalchemy import Connection, create_engine

from notify.scenes import CRITICAL, NOW, WARNING, alert, group
from smithd import journal
from smithd.alerts import rows as alert_rows
from smithd.alerts.spell import Spell
from smithd.keys import DEFAULT_ACCOUNT
from smithd.notify import rows
from smithd.notify.apply import push_key
from smithd.notify.group import AlertId, GroupKey, Groups, GroupScope, NotificationGroup
from smithd.notify.reason import Reason
from smithd.notify.silence import Silences, add_silence, expire_silence
from smithd.storage.database import Database
from smithd.storage.migration import upgrade

A, B = alert(host="a"), alert(CRITICAL, host="b", ended=NOW + 5)


def load_groups(connection: Connection) -> Groups:
    return rows.load_groups(connection).get(DEFAULT_ACCOUNT, Groups())


def write_groups(
    connection: Connection, before: Groups, groups: Groups, changed: Iterable[GroupKey], alerts: Iterable[AlertId]
) -> None:
    rows.write_groups(connection, DEFAULT_ACCOUNT, before, groups, changed, alerts)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    database = Database.open(tmp_path / "state.db")
    with database.transaction() as connection:
        yield connection
    database.close()


def some() -> NotificationGroup:
    log: dict[str, Any] = {
        "sequence": 3,
        "highest": CRITICAL,
        "notified_at": NOW,
        "changed_at": NOW + 1,
        "reminders": 2,
    }
    log |= {"announced_at": NOW - 5, "named": HashTrieMap([(A.id, CRITICAL), (B.id, WARNING)])}
    log["announced"] = HashTrieMap([(A.id, NOW - 5), (alert(host="gone").id, NOW - 50)])
    return group(A, B, notified={A: WARNING}, **log, not_before=NOW + 9, remind_not_before=NOW + 7, is_outdated=True)


def test_a_group_is_found_as_it_was_written(connection: Connection) -> None:
    groups = Groups().add(some())
    write_groups(connection, Groups(), groups, groups.keys, groups.of_alert)
    assert load_groups(connection) == groups


def test_of_a_group_only_the_alerts_that_changed_are_written(connection: Connection) -> None:
    before = Groups().add(some())
    write_groups(connection, Groups(), before, before.keys, before.of_alert)
    gone, changed, new = B, replace(A, value=9.0), alert(host="c")
    after = before.put_alert(some().key, changed, NOW).put_alert(some().key, new, NOW).drop_alert(gone.id)
    write_groups(connection, before, after, after.keys, [gone.id, changed.id, new.id])
    assert load_groups(connection) == after
    connection.exec_driver_sql("UPDATE grouped_alerts SET state = 'untouched'")
    write_groups(connection, after, after.put_timer(some().key, NOW), after.keys, [])
    assert set(connection.exec_driver_sql("SELECT state FROM grouped_alerts").scalars()) == {"untouched"}


def test_what_is_remembered_is_written_when_it_changes_and_not_with_each_change_of_the_group(
    connection: Connection,
) -> None:
    before = Groups().add(some())
    write_groups(connection, Groups(), before, before.keys, before.of_alert)
    key, log, gone = some().key, some().log, alert(host="gone").id
    connection.exec_driver_sql(
        "CREATE TRIGGER left_alone BEFORE UPDATE ON remembered_alerts BEGIN SELECT raise(FAIL, 'written again'); END"
    )
    later = before.put_log(key, replace(log, changed_at=NOW + 20)).put_alert(key, replace(A, value=9.0), NOW + 20)
    write_groups(connection, before, later, [key], [A.id])
    assert load_groups(connection) == later
    connection.exec_driver_sql("DROP TRIGGER left_alone")
    ended = later.drop_alert(A.id)
    write_groups(connection, later, ended, [key], [A.id])
    assert load_groups(connection).by_key == ended.by_key
    back = ended.put_alert(key, A, NOW + 30)
    pushed = back.put_log(
        key, replace(back.by_key[key].log, announced=log.announced.remove(gone).insert(A.id, NOW + 30))
    )
    write_groups(connection, ended, pushed, [key], [A.id])
    assert load_groups(connection).by_key == pushed.by_key
    left = pushed.drop_alert(A.id)
    write_groups(connection, pushed, left, [key], [A.id])
    assert load_groups(connection).by_key == left.by_key
    write_groups(connection, left, Groups(), [key], [B.id])
    assert connection.exec_driver_sql("SELECT count(*) FROM remembered_alerts").scalar() == 0


def test_a_group_that_is_closed_is_deleted(connection: Connection) -> None:
    groups = Groups().add(some())
    write_groups(connection, Groups(), groups, groups.keys, groups.of_alert)
    closed = groups.drop_alert(A.id).drop_alert(B.id).close(some().key)
    write_groups(connection, groups, closed, groups.keys, groups.of_alert)
    assert load_groups(connection) == Groups()


def test_an_alert_that_changes_or_leaves_writes_its_own_row_only(connection: Connection) -> None:
    groups = Groups().add(some())
    write_groups(connection, Groups(), groups, groups.keys, groups.of_alert)
    worse = groups.put_alert(some().key, replace(A, severity=CRITICAL, value=99.0), NOW)
    write_groups(connection, groups, worse, [], [A.id])
    assert load_groups(connection) == worse
    write_groups(connection, groups, worse.drop_alert(B.id), [], [B.id])
    assert load_groups(connection) == worse.drop_alert(B.id)


def test_all_of_memory_takes_the_place_of_what_was_there(connection: Connection) -> None:
    old = Groups().add(group(B, scope=GroupScope.DIGEST))
    write_groups(connection, Groups(), old, old.keys, old.of_alert)
    groups = Groups().add(some())
    rows.write_all_groups(connection, {DEFAULT_ACCOUNT: groups})
    assert load_groups(connection) == groups
    one, _ = add_silence(Silences(), "rule=a", 60, "", "ann", ["a"], NOW)
    rows.write_silences(connection, Silences(), one)
    two, _ = add_silence(one, "severity!=critical", 60, "", "ann", ["a"], NOW)
    rows.write_all_silences(connection, two)
    assert rows.load_silences(connection) == two


def test_silences_are_written_by_their_difference(connection: Connection) -> None:
    one, first = add_silence(Silences(), 'rule=a, host=~"b.*"', 60, "moving", "ann", ["a"], NOW)
    rows.write_silences(connection, Silences(), one)
    assert rows.load_silences(connection) == one
    ended, _ = expire_silence(one, first.id, NOW + 1)
    rows.write_silences(connection, one, ended)
    assert rows.load_silences(connection).active(NOW + 1) == []
    two, second = add_silence(ended, "rule=a", 60, "", "ann", ["a"], NOW + 2)
    rows.write_silences(connection, ended, two)
    assert rows.load_silences(connection) == two
    assert second.id == 2


def notice(**changes: object) -> dict[str, Any]:
    """A row as the version before wrote it."""
    member = {"rule": "errors", "metric": "shop.errors", "labels": [["host", "a"]], "since": 5.0, "fired_at": 6.0}
    member |= {"severity": "critical", "worst": "critical", "value": 7.0, "why": "it is 7", "cause": "", "source": ""}
    member |= {"baseline": None, "told": "warning", "ended": None}
    found = {"scope": "rule", "group": "errors", "labels": [], "channels": [], "opened": 6.0, "chapter": 2}
    found |= {"told_at": 7.0, "spoke_at": 8.0, "repeats": 1, "not_before": 0.0, "is_stale": False, "loudest": None}
    return found | {"members": [member]} | changes


def test_what_an_earlier_version_has_left_is_migrated(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    old = create_engine(f"sqlite:///{path}")
    with old.begin() as connection:
        upgrade(connection, "0003")
        (member,) = notice()["members"]
        digest = notice(scope="mute", group="nights", members=[{**member, "labels": [["host", "b"]]}])
        for name, state in (("errors", notice()), ("mute nights", digest)):
            connection.exec_driver_sql("INSERT INTO notices VALUES (?, ?)", (name, json.dumps(state)))
        sent = ("push:mute nights@6.000.2", "push", '{"title": "x"}', 7.0, False, "n-1", "{}")
        connection.exec_driver_sql("INSERT INTO shown VALUES (?, ?, ?, ?, ?, ?, ?)", sent)
        for reason in ("told", "waits for its group", "muted", "back before its end was told", "never told"):
            entry = (1.0, "errors", "[]", "", "critical", 7.0, "", reason, "", "push:mute nights@6.000.2")
            connection.exec_driver_sql("INSERT INTO journal VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", entry)
        connection.exec_driver_sql("INSERT INTO silences VALUES (1, 'rule=a', '', 'ann', 0, 9e9)")
        connection.exec_driver_sql("INSERT INTO silences VALUES (5, 'rule=a', '', 'ann', 0, 9e9)")
        connection.exec_driver_sql("DELETE FROM silences WHERE id = 5")
    old.dispose()
    database = Database.open(path)
    with database.transaction() as connection:
        groups, silences = load_groups(connection), rows.load_silences(connection)
        entries = journal.read(connection, "errors")
        shown = connection.exec_driver_sql("SELECT name, opened, sequence FROM shown").all()
    database.close()
    in_digest, alone = sorted(groups.by_key.values(), key=lambda group: group.key.scope)
    assert (alone.log.sequence, alone.log.highest, list(alone.log.severities.values())) == (2, WARNING, [WARNING])
    assert (alone.log.named, list(alone.log.announced.values())) == (alone.log.severities, [7.0])
    assert (alone.log.notified_at, alone.log.changed_at, alone.log.reminders) == (7.0, 8.0, 1)
    key = push_key(in_digest.key, in_digest.log)
    assert [tuple(row) for row in shown] == [(key.group, key.opened, key.sequence)]
    assert [entry.notification for entry in entries] == [str(key)] * 5
    reasons = [Reason.NOTIFIED, Reason.GROUP_WAIT, Reason.MUTED, Reason.FIRED_AGAIN, Reason.RESOLVED_BEFORE_NOTIFIED]
    assert [entry.reason for entry in entries] == reasons
    assert [silence.id for silence in silences.active(1.0)] == [1]
    assert max(silences.by_id) == 5


def test_a_group_of_the_version_before_is_found_under_the_name_that_it_has_now(tmp_path: Path) -> None:
    # In that version's names, quotes and backslashes stood as they are; the one here is the new name of the other.
    labels = [["a", 'x"']], [["a", 'x\\"']]
    names = [f'errors{{a="{value}"}}' for ((_, value),) in labels]
    path = tmp_path / "state.db"
    old = create_engine(f"sqlite:///{path}")
    with old.begin() as connection:
        upgrade(connection, "0012")
        for pairs, name in zip(labels, names, strict=True):
            kept: dict[str, Any] = {
                "origin": "metric",
                "rule": "errors",
                "labels": pairs,
                "metric": "shop.errors",
                "since": 5.0,
            }
            kept |= {"fired_at": 6.0, "severity": "warning", "worst": "warning", "value": 7.0, "evidence": None}
            kept |= {"cause": "", "baseline": None, "source": "", "ended": None, "notified": "warning"}
            state: dict[str, Any] = {
                "scope": "rule",
                "name": "errors",
                "labels": pairs,
                "channels": [],
                "alerts": [kept],
            }
            state |= {"opened": 6.0, "sequence": 1, "highest": "warning", "notified_at": 7.0, "changed_at": 8.0}
            state |= {"reminders": 0, "not_before": 0.0, "remind_not_before": 0.0, "is_outdated": False}
            connection.exec_driver_sql(
                "INSERT INTO notification_groups VALUES (?, ?, ?)", ("default", name, json.dumps(state))
            )
            shown = ("default", "push", name, 6.0, 1, 7.0, json.dumps({"content": {"title": name}}))
            connection.exec_driver_sql("INSERT INTO shown VALUES (?, ?, ?, ?, ?, ?, ?)", shown)
            entry = (1.0, "errors", "[]", "", "warning", 7.0, "", "notified", "", f"push {name}@6.000")
            connection.exec_driver_sql("INSERT INTO journal VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", entry)
    old.dispose()
    database = Database.open(path)
    with database.transaction() as connection:
        groups, entries = load_groups(connection), journal.read(connection, "errors")
        shown_now = {row.name: row.content for row in connection.exec_driver_sql("SELECT name, content FROM shown")}
        write_groups(connection, groups, groups, groups.keys, groups.of_alert)
        assert load_groups(connection) == groups
    database.close()
    assert len(groups.by_key) == 2
    for each in groups.by_key.values():
        ((_, value),) = each.key.labels
        assert list(each.log.announced.values()) == [7.0]
        title = json.loads(shown_now[push_key(each.key, each.log).group])["content"]["title"]
        assert title == f'errors{{a="{value}"}}'
    keys = {str(push_key(each.key, each.log)) for each in groups.by_key.values()}
    assert {entry.notification for entry in entries} == keys


def test_groups_with_different_labels_are_stored_under_different_names() -> None:
    tricky = [
        (("a", 'x", b="y'),),
        (("a", "x"), ("b", "y")),
        (("a", 'x\\", b=\\"y'),),
        (("a", "x\\"),),
        (("a", "x"),),
    ]
    names = {str(GroupKey("default", GroupScope.RULE, "errors", labels)) for labels in tricky}
    assert len(names) == len(tricky)
    assert str(GroupKey("default", GroupScope.RULE, "errors", tricky[1])) == 'errors{a="x", b="y"}'


def test_alerts_that_were_open_before_severities_had_times_get_those_of_their_phases(tmp_path: Path) -> None:
    path = tmp_path / "smithd.db"
    holds = [["warning", "firing", 20.0, 10.0, None], ["critical", "recovering", 50.0, 30.0, None]]
    alert = {"metric": "shop.errors", "holds": holds, "severity": "critical", "since": 10.0, "fired_at": 20.0}
    alert |= {"value": 7.0, "worst": "critical", "cause": ["value", ""], "absence": ["present", 0.0], "flapping": None}
    gone = {"metric": "shop.errors", "since": 5.0, "fired_at": 5.0, "severity": "warning", "worst": "critical"}
    gone |= {"value": 0.0, "evidence": "", "cause": "", "baseline": None, "ended": 9.0}
    gone |= {"notified": "warning", "named": "warning", "announced": 5.0}
    firing = gone | {"severity": "critical", "since": 10.0, "ended": None}
    group = {"scope": "rule", "name": "errors", "labels": [], "channels": [], "opened": 5.0, "sequence": 1}
    group |= {"announced_at": 5.0, "highest": "critical", "notified_at": 5.0, "changed_at": 5.0, "reminders": 0}
    group |= {"not_before": 0.0, "remind_not_before": 0.0, "is_outdated": False}
    old = create_engine(f"sqlite:///{path}")
    with old.begin() as connection:
        upgrade(connection, "0015")
        insert = "INSERT INTO alerts VALUES ('', 'errors', '[]', ?)"
        connection.exec_driver_sql(insert, (json.dumps(alert),))
        connection.exec_driver_sql(
            "INSERT INTO notification_groups VALUES ('default', 'errors', ?)", (json.dumps(group),)
        )
        for labels, state in (("[]", firing), ('[["host","b"]]', gone), ('[["host","c"]]', firing)):
            connection.exec_driver_sql(
                "INSERT INTO grouped_alerts VALUES ('', 'errors', ?, '', 'default', 'errors', ?)",
                (labels, json.dumps(state)),
            )
    old.dispose()
    database = Database.open(path)
    with database.transaction() as opened:
        (found,), groups = alert_rows.load(opened).alerts, load_groups(opened)
    database.close()
    assert found.spells == (Spell(WARNING, 10.0), Spell(CRITICAL, 30.0))
    assert found.severity_since == 30.0
    (read,) = groups.by_key.values()
    assert {dict(each.series.labels).get("host"): each.spells for each in read.alerts.values()} == {
        None: found.spells,
        "b": (Spell(CRITICAL, 5.0, 9.0),),
        "c": (Spell(CRITICAL, 10.0),),
    }

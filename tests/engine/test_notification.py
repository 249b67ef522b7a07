"""What is notified of an alert, and when: suppression, groups, reminders, restarts, and edits of the configuration."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.harness import Harness
from smithd.events import AlertChanged, NotificationChanged, SendDropped
from smithd.notify.reason import Reason
from smithd.outbox.message import Priority, Push, PushUpdate
from smithd.outbox.settlement import Accept

DAY = datetime(2026, 11, 23, tzinfo=UTC).timestamp()
"""A Monday, midnight."""

HOUR = 3600.0
EVENING, NIGHT, MORNING = DAY + 20 * HOUR, DAY + 23 * HOUR, DAY + 31 * HOUR

ALONE = "{group_by: ['...']}"
NIGHTS = "time_windows: {nights: {from: '22:00', to: '07:00'}}\n"


def rule(name: str = "errors", metric: str = "errors", push: str = "true", **keys: str) -> str:
    """A rule that is a warning above 1 and critical above 5."""
    more = "".join(f", {key}: {value}" for key, value in keys.items())
    return f"  {name}: {{metric: shop.{metric}, warning: '> 1', critical: '> 5', push: {push}{more}}}\n"


def rules(*given: str) -> str:
    return "rules:\n" + "".join(given)


def titles(messages: list[Any]) -> list[str]:
    return [message.content.title for message in messages]


# A rise leaves nothing untrue behind.


def test_a_rise_is_a_new_push_and_the_old_one_becomes_the_past(tmp_path: Path) -> None:
    with Harness(tmp_path, rules(rule()), EVENING) as harness:
        harness.poll(EVENING + 60, errors=2)
        (warning,) = harness.take()
        harness.poll(EVENING + 120, errors=7)
        critical, past = harness.take()
        assert (critical.key, past.key) == (replace(warning.key, sequence=2), warning.key)
        assert isinstance(critical, Push)
        assert past.content.title == "Earlier: errors is warning"
        assert past.content.message == "As of 20:01. It rose to critical at 20:02."
        harness.poll(EVENING + 180, errors=0)
        (resolved,) = harness.take()
        assert (resolved.key, isinstance(resolved, PushUpdate)) == (critical.key, True)
        harness.poll(EVENING + 240, errors=2)
        assert titles(harness.take()) == ["errors is warning"]


def test_a_rise_before_the_first_push_went_out_is_one_push(tmp_path: Path) -> None:
    with Harness(tmp_path, rules(rule()), EVENING) as harness:
        harness.poll(EVENING + 60, errors=2)
        harness.poll(EVENING + 120, errors=7)
        assert titles(harness.take()) == ["errors is critical"]
        harness.poll(EVENING + 180, errors=0)
        assert titles(harness.take()) == ["Resolved: errors"]


@pytest.mark.parametrize("ends", ["push", "none"])
def test_where_ends_are_not_updates_in_place_an_old_push_stays_as_it_is(tmp_path: Path, ends: str) -> None:
    with Harness(tmp_path, rules(rule(push=f"{{on_resolve: {ends}}}")), EVENING) as harness:
        harness.poll(EVENING + 60, errors=2)
        harness.poll(EVENING + 61, errors=2)
        harness.take()
        harness.poll(EVENING + 120, errors=7)
        assert titles(harness.take()) == ["errors is critical"]


# Mutes.


def test_what_still_fires_when_a_mute_ends_is_notified_once(tmp_path: Path) -> None:
    config = rules(rule(mute="[nights]")) + NIGHTS
    with Harness(tmp_path, config, NIGHT) as harness:
        harness.poll(NIGHT + 60, errors=7)
        assert harness.take() == []
        assert harness.reasons() == [Reason.MUTED]
        harness.pass_time(MORNING - 1)
        assert harness.take() == []
        harness.poll(MORNING - 1, errors=8)
        harness.pass_time(MORNING)
        (push,) = harness.take()
        assert push.content.message == "shop.errors is 8 (critical > 5; normal: 1 or less), since Mon 23:01."
        assert push.created == MORNING
        harness.pass_time(MORNING + HOUR)
        assert harness.take() == []
        assert harness.reasons() == [Reason.MUTED, Reason.NOTIFIED]


def test_what_begins_and_ends_within_a_mute_is_never_notified(tmp_path: Path) -> None:
    with Harness(tmp_path, rules(rule(mute="[nights]")) + NIGHTS, NIGHT) as harness:
        harness.poll(NIGHT + 60, errors=7)
        harness.poll(NIGHT + 120, errors=0)
        harness.pass_time(MORNING + HOUR)
        assert harness.take() == []
        assert harness.reasons() == [Reason.MUTED, Reason.RESOLVED_BEFORE_NOTIFIED]


def test_the_end_of_what_was_notified_before_a_mute_is_silent_in_it(tmp_path: Path) -> None:
    config = rules(rule(mute="[nights]", push="{on_resolve: push}")) + NIGHTS
    with Harness(tmp_path, config, EVENING) as harness:
        harness.poll(EVENING, errors=7)
        harness.take()
        harness.poll(NIGHT, errors=0)
        (resolved,) = harness.take()
        assert isinstance(resolved, PushUpdate)
    with Harness(tmp_path, config, MORNING) as harness:
        harness.poll(MORNING, errors=7)
        harness.take()
        harness.poll(MORNING + 60, errors=0)
        (resolved,) = harness.take()
        assert isinstance(resolved, Push)


def test_a_severity_may_be_excepted_from_a_mute(tmp_path: Path) -> None:
    config = rules(rule(mute="{during: [nights], except: [critical]}")) + NIGHTS
    with Harness(tmp_path, config, NIGHT) as harness:
        harness.poll(NIGHT + 60, errors=2)
        assert harness.take() == []
        harness.poll(NIGHT + 120, errors=7)
        assert titles(harness.take()) == ["errors is critical"]
        harness.poll(NIGHT + 180, errors=2)
        harness.pass_time(MORNING)
        (fallen,) = harness.take()
        assert isinstance(fallen, PushUpdate)
        assert fallen.content.title == "errors is warning"


def test_a_rise_within_a_mute_is_notified_at_its_end_unless_it_fell_again(tmp_path: Path) -> None:
    config = rules(rule(mute="[nights]")) + NIGHTS
    with Harness(tmp_path, config, EVENING) as harness:
        harness.poll(EVENING, errors=2)
        harness.take()
        harness.poll(NIGHT, errors=7)
        harness.poll(NIGHT + 60, errors=2)
        harness.pass_time(MORNING)
        assert harness.take() == []
        harness.poll(NIGHT + 86400, errors=7)
        harness.pass_time(MORNING + 86400)
        assert titles(harness.take()) == ["errors is critical", "Earlier: errors is warning"]


def test_a_digest_names_what_still_fires_and_what_came_and_went(tmp_path: Path) -> None:
    mute = "{during: [nights], digest: true}"
    config = rules(rule(mute=mute), rule("stock", "stock", mute=mute), rule("orders", "orders")) + NIGHTS
    with Harness(tmp_path, config, NIGHT) as harness:
        harness.poll(NIGHT + 60, errors=7, stock={"a": 2, "b": 2}, orders=0)
        harness.poll(NIGHT + 120, errors=7, stock={"a": 0, "b": 2}, orders=0)
        harness.poll(NIGHT + 180, errors=7, stock={"a": 0, "b": 2}, orders=9)
        assert titles(harness.take()) == ["orders is critical"]
        harness.pass_time(MORNING)
        (digest,) = harness.take()
        assert digest.content.title == "After nights: 2 alerts, critical"
        assert digest.content.message.split("\n") == [
            "errors: 7, critical since Mon 23:01",
            "stock (b): 2, warning since Mon 23:01",
            "Came and went:",
            "stock (a): warning for 1m, Mon 23:01 to Mon 23:02",
        ]
        harness.poll(MORNING + 60, errors=0, stock={"a": 0, "b": 2}, orders=9)
        harness.pass_time(MORNING + 301)
        (update,) = harness.take()
        assert (update.key, isinstance(update, PushUpdate)) == (digest.key, True)
        assert update.content.title == "After nights: 1 alert, warning"
        harness.poll(MORNING + 360, errors=0, stock={"a": 0, "b": 0}, orders=9)
        assert titles(harness.take()) == ["After nights: all is well"]


def test_a_digest_of_what_all_came_and_went_makes_no_sound(tmp_path: Path) -> None:
    config = rules(rule(mute="{during: [nights], digest: true}")) + NIGHTS
    with Harness(tmp_path, config, NIGHT) as harness:
        harness.poll(NIGHT + 60, errors=7)
    with Harness(tmp_path, config, NIGHT + 100) as harness:
        harness.poll(NIGHT + 120, errors=0)
        harness.pass_time(MORNING)
        (digest,) = harness.take()
        assert digest.content.interruption_level == "passive"
        assert digest.content.title == "After nights: all is well"
    with Harness(tmp_path, config, MORNING + 100) as harness:
        harness.pass_time(MORNING + 86400 * 2)
        assert harness.take() == []


def test_what_was_suppressed_waits_after_a_restart_for_its_source(tmp_path: Path) -> None:
    config = rules(rule(mute="[nights]"), rule("stock", "stock", mute="{during: [nights], digest: true}")) + NIGHTS
    with Harness(tmp_path, config, NIGHT) as harness:
        harness.poll(NIGHT + 60, errors=7, stock=7)
    with Harness(tmp_path, config, MORNING + HOUR) as harness:
        assert harness.take() == []
        harness.poll(MORNING + HOUR + 5, errors=0, stock=7)
        assert harness.take() == []
        harness.pass_time(MORNING + HOUR + 120)
        assert titles(harness.take()) == ["After nights: 1 alert, critical"]


def test_without_its_mute_a_rule_notifies_what_the_digest_would_have(tmp_path: Path) -> None:
    with Harness(tmp_path, rules(rule(mute="{during: [nights], digest: true}")) + NIGHTS, NIGHT) as harness:
        harness.poll(NIGHT + 60, errors=7)
    with Harness(tmp_path, rules(rule()), NIGHT + 120) as harness:
        harness.poll(NIGHT + 121, errors=7)
        harness.pass_time(NIGHT + 300)
        assert titles(harness.take()) == ["errors is critical"]


# Silences.


def test_a_silence_suppresses_by_labels_until_it_ends(tmp_path: Path) -> None:
    config = rules(rule("stock", "stock", push=ALONE))
    with Harness(tmp_path, config, EVENING) as harness:
        silence = harness.engine.add_silence('rule=stock, house=~"a|b"', 600, "moving", "ann", EVENING)
        harness.poll(EVENING + 1, stock={"a": 7, "c": 7})
        assert titles(harness.take()) == ["stock (c) is critical"]
        assert harness.engine.silences(EVENING + 1) == [silence]
    with Harness(tmp_path, config, EVENING + 60) as harness:
        assert [each.text for each in harness.engine.silences(EVENING + 60)] == ['rule=stock, house=~"a|b"']
        harness.poll(EVENING + 61, stock={"a": 7, "c": 7})
        harness.pass_time(EVENING + 599)
        assert harness.take() == []
        harness.pass_time(EVENING + 600)
        assert titles(harness.take()) == ["stock (a) is critical"]
        assert harness.engine.silences(EVENING + 600) == []


def test_what_a_silence_suppressed_is_notified_when_it_is_ended_by_hand(tmp_path: Path) -> None:
    with Harness(tmp_path, rules(rule()), EVENING) as harness:
        silence = harness.engine.add_silence("severity=critical", 600, "", "ann", EVENING)
        harness.poll(EVENING + 1, errors=7)
        assert harness.take() == []
        harness.engine.expire_silence(silence.id, EVENING + 2)
        with pytest.raises(ValueError, match="there is no silence 1"):
            harness.engine.expire_silence(silence.id, EVENING + 2)
        harness.pass_time(EVENING + 3)
        assert titles(harness.take()) == ["errors is critical"]


@pytest.mark.parametrize(
    ("matchers", "error"),
    [
        ("rule=eror", "did you mean 'errors'"),
        ("rule", "expected matchers like"),
        ("", "needs a matcher"),
        ("house=~'('", "no regular expression"),
        ("house!=a", "meet every alert"),
    ],
)
def test_a_silence_that_makes_no_sense_is_refused(tmp_path: Path, matchers: str, error: str) -> None:
    with Harness(tmp_path, rules(rule()), EVENING) as harness:
        with pytest.raises(ValueError, match=error):
            harness.engine.add_silence(matchers, 600, "", "ann", EVENING)
        assert harness.engine.silences(EVENING) == []


# Other rules.


def test_a_rule_is_inhibited_while_another_fires_on_the_same_labels(tmp_path: Path) -> None:
    config = rules(rule("slow", "stock", push=ALONE, unless_firing="[down]"), rule("down", "errors"))
    with Harness(tmp_path, config, EVENING) as harness:
        harness.poll(EVENING, stock={"a": 7, "b": 7}, errors={"a": 7, "b": 0})
        assert sorted(titles(harness.take())) == ["down (a) is critical", "slow (b) is critical"]
        harness.poll(EVENING + 60, stock={"a": 7, "b": 7}, errors={"a": 0, "b": 0})
        assert titles(harness.take()) == ["slow (a) is critical", "Resolved: down (a)"]


def test_a_consequence_waits_for_what_it_depends_on(tmp_path: Path) -> None:
    config = rules(
        rule("app", "stock", depends_on="[network]"),
        rule("network", "errors", **{"for": "5m"}, depends_on="[power]"),
        rule("power", "orders"),
    )
    with Harness(tmp_path, config, EVENING) as harness:
        harness.poll(EVENING, stock=7, errors=7, orders=0)
        assert harness.take() == []
        assert harness.reasons("app") == [Reason.DEPENDENT]
        harness.poll(EVENING + 60, stock=7, errors=0, orders=0)
        assert titles(harness.take()) == ["app is critical"]
        harness.poll(EVENING + 120, stock=0, errors=0, orders=9)
        harness.take()
        harness.poll(EVENING + 180, stock=7, errors=0, orders=9)
        assert harness.take() == []


# Groups.

GROUPED = "{title: '{{ count }} houses'}"
WAITING = "{group_wait: 30s, title: '{{ count }} houses'}"


def test_a_group_is_notified_once_with_all_that_came_while_it_waited(tmp_path: Path) -> None:
    with Harness(tmp_path, rules(rule("stock", "stock", push=WAITING)), EVENING) as harness:
        harness.poll(EVENING, stock={"a": 7, "b": 0, "c": 0})
        assert harness.take() == []
        harness.poll(EVENING + 20, stock={"a": 7, "b": 2, "c": 2})
        harness.poll(EVENING + 25, stock={"a": 7, "b": 2, "c": 0})
        harness.pass_time(EVENING + 30)
        (push,) = harness.take()
        assert push.content.title == "2 houses"
        assert push.content.message.split("\n") == [
            "a: 7, critical since 20:00",
            "b: 2, warning since 20:00",
            "Normal for shop.stock: 1 or less.",
            "Ended:",
            "stock (c): warning for 5s, 20:00 to 20:00",
        ]


def test_the_log_has_one_line_for_what_a_group_notifies(tmp_path: Path) -> None:
    with Harness(tmp_path, rules(rule("stock", "stock", push=WAITING)), EVENING) as harness:
        harness.poll(EVENING, stock={"a": 7, "b": 2, "c": 2})
        harness.pass_time(EVENING + 30)
        lines = [str(event) for event in harness.events if isinstance(event, AlertChanged | NotificationChanged)]
    assert lines[0].endswith("normal: 1 or less) (waits for group_wait)")
    assert lines[3:] == ['alert stock{house="a"} (critical, and 2 more): notified: with 2 more']


def test_what_breaches_in_one_step_is_one_push_at_once(tmp_path: Path) -> None:
    with Harness(tmp_path, rules(rule("stock", "stock")), EVENING) as harness:
        harness.poll(EVENING, stock={"a": 2, "b": 7, "c": 2, "d": 0})
        (push,) = harness.take()
        assert (push.created, push.content.title) == (EVENING, "stock: 3 of 4, critical")
        assert push.content.message.startswith("b: 7, critical since 20:00")


def test_what_joins_is_named_in_place_and_announced_together_when_the_interval_is_over(tmp_path: Path) -> None:
    with Harness(tmp_path, rules(rule("stock", "stock", push=GROUPED)), EVENING) as harness:
        harness.poll(EVENING, stock={"a": 2, "b": 0, "c": 0})
        (first,) = harness.take()
        harness.poll(EVENING + 5, stock={"a": 2, "b": 2, "c": 0})
        assert harness.take() == []
        harness.pass_time(EVENING + 15)
        (update,) = harness.take()
        assert (update.key, isinstance(update, PushUpdate), update.only_in_place) == (first.key, True, True)
        assert (update.content.title, update.content.interruption_level) == ("2 houses", "passive")
        harness.poll(EVENING + 60, stock={"a": 2, "b": 2, "c": 2})
        assert titles(harness.take()) == ["3 houses"]
        harness.pass_time(EVENING + 299)
        assert harness.take() == []
        harness.pass_time(EVENING + 300)
        second, past = harness.take()
        assert (second.content.title, second.key.sequence, isinstance(second, Push)) == ("3 houses", 2, True)
        assert (past.key, past.content.message) == (first.key, "As of 20:01. A newer notification followed at 20:05.")
        assert harness.reasons().count(Reason.NOTIFIED) == 3


def test_what_is_worse_goes_at_once_and_a_group_shrinks_in_place(tmp_path: Path) -> None:
    with Harness(tmp_path, rules(rule("stock", "stock", push=GROUPED)), EVENING) as harness:
        harness.poll(EVENING, stock={"a": 2, "b": 0, "c": 0})
        harness.take()
        harness.poll(EVENING + 10, stock={"a": 2, "b": 2, "c": 7})
        assert titles(harness.take()) == ["3 houses", "Earlier: 1 houses"]
        harness.poll(EVENING + 60, stock={"a": 2, "b": 2, "c": 0})
        (update,) = harness.take()
        assert (update.content.title, isinstance(update, PushUpdate)) == ("2 houses", True)
        harness.poll(EVENING + 61, stock={"a": 2, "b": 0, "c": 0})
        assert harness.take() == []
        harness.poll(EVENING + 70, stock={"a": 0, "b": 0, "c": 0})
        (end,) = harness.take()
        assert (end.content.title, isinstance(end, PushUpdate), end.only_in_place) == ("Resolved: stock", True, False)
        harness.poll(EVENING + 71, stock={"a": 2, "b": 0, "c": 0})
        assert titles(harness.take()) == ["1 houses"]


def test_what_joined_and_ended_within_the_interval_is_not_pushed(tmp_path: Path) -> None:
    with Harness(tmp_path, rules(rule("stock", "stock")), EVENING) as harness:
        harness.poll(EVENING, stock={"a": 2, "b": 0})
        harness.poll(EVENING + 60, stock={"a": 2, "b": 2})
        harness.poll(EVENING + 120, stock={"a": 2, "b": 0})
        for minute in range(3, 20):
            harness.poll(EVENING + minute * 60, stock={"a": 2, "b": 0})
            harness.pass_time(EVENING + minute * 60 + 59)
        assert [isinstance(message, Push) for message in harness.take()].count(True) == 1


def test_what_fires_again_within_an_hour_of_its_announcement_is_only_named(tmp_path: Path) -> None:
    with Harness(tmp_path, rules(rule("stock", "stock")), EVENING) as harness:
        harness.poll(EVENING, stock={"a": 2, "b": 2})
        harness.take()
        for minute, value in ((1, 0.0), (50, 2.0), (52, 0.0)):
            harness.poll(EVENING + minute * 60, stock={"a": 2, "b": value})
        assert titles(harness.take()) == ["stock (a) is warning"]
        assert harness.reasons("stock")[-3:] == [Reason.UPDATED, Reason.FIRED_AGAIN, Reason.UPDATED]
        harness.poll(EVENING + 59 * 60, stock={"a": 2, "b": 7})
        assert titles(harness.take())[0] == "stock: 2 alerts, critical"
    # The hour is remembered over a restart, and counts from the last announcement.
    with Harness(tmp_path, rules(rule("stock", "stock")), EVENING + 3600) as harness:
        harness.poll(EVENING + 3660, stock={"a": 2, "b": 0})
        harness.poll(EVENING + 7000, stock={"a": 2, "b": 2})
        assert [isinstance(message, PushUpdate) for message in harness.take()] == [True]
        harness.poll(EVENING + 7060, stock={"a": 2, "b": 0})
        harness.poll(EVENING + 59 * 60 + 3600, stock={"a": 2, "b": 2})
        assert titles(harness.take())[0] == "stock: 2 alerts, warning"


def test_what_ended_is_remembered_while_others_are_announced_and_when_the_clock_is_set_back(tmp_path: Path) -> None:
    with Harness(tmp_path, rules(rule("stock", "stock")), EVENING) as harness:
        harness.poll(EVENING, stock={"a": 2, "b": 2})
        harness.poll(EVENING + 60, stock={"a": 2, "b": 0})
        harness.poll(EVENING + 400, stock={"a": 2, "b": 0, "c": 2})
        harness.take()
        harness.poll(EVENING + 460, stock={"a": 2, "b": 2, "c": 2})
        harness.pass_time(EVENING + 1000)
        assert [type(message) for message in harness.take()] == [PushUpdate]
        harness.engine.replan(EVENING - 7200)
        harness.now = EVENING - 7200
        harness.poll(EVENING - 7190, stock={"a": 2, "b": 2, "c": 2, "d": 2})
        harness.pass_time(EVENING - 6900)
        announced = harness.take()[0]
        assert (announced.content.title, isinstance(announced, Push)) == ("stock: 4 alerts, warning", True)


def test_a_notification_without_a_name_is_not_updated_and_its_end_is_a_push_of_its_own(tmp_path: Path) -> None:
    with Harness(tmp_path, rules(rule("stock", "stock")), EVENING) as harness:
        harness.poll(EVENING, stock={"a": 2, "b": 0})
        (queued,) = harness.outbox.ready(EVENING)
        harness.outbox.settle(harness.outbox.claim(queued, "any", EVENING), Accept(), EVENING)
        harness.poll(EVENING + 60, stock={"a": 2, "b": 2})
        assert harness.take() == []
        assert harness.reasons("stock")[-1] == Reason.NOT_REPLACEABLE
        harness.pass_time(EVENING + 300)
        assert titles(harness.take()) == ["stock: 2 alerts, warning"]
        harness.poll(EVENING + 310, stock={"a": 0, "b": 0})
        (end,) = harness.take()
        assert not end.only_in_place


def test_alerts_are_grouped_by_labels(tmp_path: Path) -> None:
    with Harness(tmp_path, rules(rule("stock", "stock", push="{group_by: [house]}")), EVENING) as harness:
        harness.poll(EVENING, stock={"a": 7, "b": 7})
        assert titles(harness.take()) == ["stock (a) is critical", "stock (b) is critical"]


def test_a_group_that_waits_survives_a_restart(tmp_path: Path) -> None:
    config = rules(rule("stock", "stock", push=WAITING))
    with Harness(tmp_path, config, EVENING) as harness:
        harness.poll(EVENING, stock={"a": 7, "b": 2})
        harness.poll(EVENING + 5, stock={"a": 7, "b": 0})
    with Harness(tmp_path, config, EVENING + 10) as harness:
        harness.pass_time(EVENING + 30)
        (push,) = harness.take()
        assert "Ended:" in push.content.message


def test_too_many_alerts_share_a_notification(tmp_path: Path) -> None:
    push = "{group_by: ['...'], max_series: 2}"
    with Harness(tmp_path, rules(rule("stock", "stock", push=push)), EVENING) as harness:
        harness.poll(EVENING, stock=dict.fromkeys("abcde", 7.0))
        _, _, rest = harness.take()
        assert rest.content.title == "stock: 3 more alerts, critical"
        assert rest.content.message.endswith("These are too many for notifications of their own (max_series).")
        harness.poll(EVENING + 60, stock={**dict.fromkeys("abcde", 0.0), "f": 7})
        assert sorted(titles(harness.take())) == [
            "Resolved: stock (a)",
            "Resolved: stock (b)",
            "Resolved: stock, the other alerts",
            "stock (f) is critical",
        ]


# Storms.


def many(count: int, push: str = "true", **keys: str) -> str:
    """Rules on the same metric, and one more on another."""
    return rules(*(rule(f"r{number:02}", "stock", push, **keys) for number in range(count)), rule("other", "orders"))


def houses(count: int, value: float) -> dict[str, float]:
    return {f"h{number:02}": value for number in range(count)}


def test_ten_rules_on_fifty_series_are_ten_pushes_and_each_alert_is_known(tmp_path: Path) -> None:
    with Harness(tmp_path, many(10), EVENING) as harness:
        harness.poll(EVENING, stock=houses(50, 3))
        taken = harness.take()
        assert [message.created for message in taken] == [EVENING] * 10
        assert taken[0].content.title == "r00: 50 alerts, warning"
        assert all(len(harness.engine.entries(f"r{number:02}")) == 50 for number in range(10))
        assert set(harness.reasons()) == {Reason.NOTIFIED}


def test_in_a_storm_further_warnings_share_one_summary_that_shrinks_and_ends(tmp_path: Path) -> None:
    with Harness(tmp_path, many(33), EVENING) as harness:
        harness.poll(EVENING, stock=houses(2, 3))
        *pushes, summary = harness.take()
        assert len(pushes) == 11
        assert summary.content.title == "22 rules fire: r11, r12, r13 and 19 more"
        assert summary.content.message.startswith("r11, 2 alerts: warning since 20:00\n")
        assert harness.reasons("r32") == [Reason.STORM, Reason.STORM]
        harness.poll(EVENING + 10, orders=3)
        harness.pass_time(EVENING + 15)
        (update,) = harness.take()
        assert (update.key, isinstance(update, PushUpdate)) == (summary.key, True)
        assert update.content.title.startswith("23 rules fire")
        harness.poll(EVENING + 40, stock=houses(2, 0), orders=3)
        shrunk = harness.take()[-1]
        assert (shrunk.key, shrunk.content.title) == (summary.key, "1 rule fires: other")
        harness.poll(EVENING + 41, stock=houses(2, 0), orders=0)
        (end,) = harness.take()
        assert (end.key, end.content.title) == (summary.key, "Resolved: all that fired together")


def test_what_becomes_critical_leaves_the_summary_and_what_is_critical_never_joins_it(tmp_path: Path) -> None:
    with Harness(tmp_path, many(12), EVENING) as harness:
        harness.poll(EVENING, stock=houses(1, 3))
        assert harness.take()[-1].content.title == "1 rule fires: r11"
        harness.poll(EVENING + 10, orders=9)
        (alone,) = harness.take()
        assert (alone.content.title, alone.priority) == ("other is critical", Priority.CRITICAL_PUSH)
        harness.poll(EVENING + 20, stock=houses(1, 9))
        assert "r11 (h00) is critical" in titles(harness.take())
        assert harness.reasons("r11") == [Reason.STORM, Reason.NOTIFIED]


@pytest.mark.parametrize("keys", ["on_resolve: push", "on_resolve: none", "repeat: 1m"])
def test_in_a_summary_neither_on_resolve_nor_repeat_of_a_rule_applies(tmp_path: Path, keys: str) -> None:
    with Harness(tmp_path, many(13, f"{{{keys}}}"), EVENING) as harness:
        harness.poll(EVENING, stock=houses(1, 3))
        summary = harness.take()[-1]
        harness.pass_time(EVENING + 59)
        assert harness.take() == []
        harness.poll(EVENING + 59, stock=houses(1, 0))
        assert [type(message) for message in harness.take() if message.key == summary.key] == [PushUpdate]


def test_a_storm_is_one_of_its_channels_and_is_remembered_over_a_restart(tmp_path: Path) -> None:
    others = rule("night", "errors", "{channels: [night]}")
    config = many(11) + others + "  " + rule("last", "errors").strip() + "\n"
    with Harness(tmp_path, config, EVENING) as harness:
        harness.poll(EVENING, stock=houses(1, 3))
        assert len(harness.take()) == 11
    with Harness(tmp_path, config, EVENING + 30) as harness:
        harness.poll(EVENING + 31, errors=3)
        assert titles(harness.take()) == ["night is warning", "1 rule fires: last"]
    with Harness(tmp_path, config, EVENING + 120) as harness:
        harness.poll(EVENING + 121, orders=3)
        assert titles(harness.take()) == ["other is warning"]


def test_what_joined_a_summary_stays_in_it_when_the_storm_is_over(tmp_path: Path) -> None:
    with Harness(tmp_path, many(13), EVENING) as harness:
        harness.poll(EVENING, stock=houses(2, 3))
        summary = harness.take()[-1]
        harness.poll(EVENING + 49, stock={"h00": 3, "h01": 0})
        harness.poll(EVENING + 50, orders=3)
        harness.take()
        harness.pass_time(EVENING + 70)
        (update,) = harness.take()
        assert (update.key, update.content.title) == (summary.key, "3 rules fire: r11, r12, other")


def test_pushes_that_wait_make_a_storm_however_long_ago_they_came(tmp_path: Path) -> None:
    with Harness(tmp_path, many(11), EVENING) as harness:
        harness.poll(EVENING, stock=houses(1, 3))
        harness.poll(EVENING + 600, orders=3)
        assert titles(harness.take())[-1] == "1 rule fires: other"


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("hours", [-2, 2])
def test_a_storm_is_over_after_a_minute_whatever_the_clock_says(tmp_path: Path, hours: int, restarted: bool) -> None:
    now = EVENING + hours * HOUR
    with Harness(tmp_path, many(13), EVENING) as harness:
        harness.poll(EVENING, stock=houses(1, 3))
        assert titles(harness.take())[-1] == "2 rules fire: r11, r12"
        if not restarted:
            harness.engine.replan(now, hours * HOUR)
            harness.poll(now + 61, orders=3)
            assert "other is warning" in titles(harness.take())
    if restarted:
        with Harness(tmp_path, many(13), now) as harness:
            harness.poll(now + 61, orders=3)
            assert "other is warning" in titles(harness.take())


def test_the_first_push_of_a_rule_goes_before_the_later_ones_of_another(tmp_path: Path) -> None:
    with Harness(tmp_path, many(1, ALONE), EVENING) as harness:
        harness.poll(EVENING, stock=houses(40, 9))
        harness.poll(EVENING + 5, orders=9)
        assert titles(harness.take())[:3] == ["r00 (h00) is critical", "other is critical", "r00 (h01) is critical"]


def test_a_rise_to_critical_is_a_first_push_and_a_reminder_a_later_one(tmp_path: Path) -> None:
    with Harness(tmp_path, rules(rule(push="{repeat: 1h}")), EVENING) as harness:
        harness.poll(EVENING, errors=2)
        harness.poll(EVENING + 1, errors=2)
        first = harness.take()[0]
        harness.poll(EVENING + 10, errors=9)
        rise = harness.take()[0]
        harness.pass_time(EVENING + 3610)
        reminder = harness.take()[0]
        priorities = [first.priority, rise.priority, reminder.priority]
        assert priorities == [Priority.PUSH, Priority.CRITICAL_PUSH, Priority.LATER_PUSH]


# Reminders.


def test_reminders_come_later_and_later(tmp_path: Path) -> None:
    push = "{repeat: {every: 1h, factor: 2, at_most: 3h}}"
    with Harness(tmp_path, rules(rule(push=push)), DAY) as harness:
        hours = []
        for minute in range(12 * 60):
            harness.poll(DAY + minute * 60, errors=7)
            harness.pass_time(DAY + minute * 60 + 59)
            hours += [round(message.created - DAY) / HOUR for message in harness.take() if isinstance(message, Push)]
        assert hours == [0, 1, 3, 6, 9]
        assert harness.reasons()[-1] == Reason.REMINDED


def test_a_reminder_is_a_new_push_and_the_old_one_becomes_the_past(tmp_path: Path) -> None:
    with Harness(tmp_path, rules(rule(push="{repeat: 1h}")), DAY) as harness:
        harness.poll(DAY, errors=7)
        harness.take()
        harness.pass_time(DAY + HOUR)
        assert titles(harness.take()) == ["Still firing: errors is critical", "Earlier: errors is critical"]
        harness.pass_time(DAY + 2 * HOUR)
        harness.pass_time(DAY + 3 * HOUR)
        harness.take()
        harness.poll(DAY + 3 * HOUR + 1, errors=0)
        assert titles(harness.take()) == ["Resolved: errors"]


def test_a_reminder_waits_for_the_end_of_a_mute_and_for_the_push_before(tmp_path: Path) -> None:
    config = rules(rule(push="{repeat: 1h}", mute="[nights]")) + NIGHTS
    with Harness(tmp_path, config, EVENING) as harness:
        harness.poll(EVENING + 1.5 * HOUR, errors=7)
        harness.pass_time(EVENING + 1.6 * HOUR)
        harness.take()
        harness.pass_time(MORNING - 1)
        assert harness.take() == []
        harness.pass_time(MORNING)
        assert len(harness.take()) == 2
        harness.pass_time(MORNING + HOUR)
        harness.pass_time(MORNING + 5 * HOUR)
        assert len(harness.take()) == 2
        assert harness.reasons()[-1] == Reason.PREVIOUS_UNSENT


# Configuration that changes under open alerts.


def test_an_edit_of_push_neither_forgets_nor_repeats(tmp_path: Path) -> None:
    with Harness(tmp_path, rules(rule("stock", "stock", push=ALONE)), EVENING) as harness:
        harness.poll(EVENING, stock={"a": 7, "b": 7})
        assert len(harness.take()) == 2
    for push in (GROUPED, "{group_by: ['...'], max_series: 1}", "{title: other}"):
        with Harness(tmp_path, rules(rule("stock", "stock", push=push)), EVENING + 60) as harness:
            harness.poll(EVENING + 61, stock={"a": 7, "b": 7})
            harness.pass_time(EVENING + 600)
            assert harness.take() == []
    with Harness(tmp_path, rules(rule("stock", "stock", push=GROUPED)), EVENING + 60) as harness:
        harness.poll(EVENING + 61, stock={"a": 0, "b": 0})
        assert titles(harness.take()) == ["Resolved: stock (a)", "Resolved: stock (b)"]


def test_a_rule_that_loses_its_push_closes_what_it_notified(tmp_path: Path) -> None:
    with Harness(tmp_path, rules(rule("stock", "stock", push=GROUPED)), EVENING) as harness:
        harness.poll(EVENING, stock={"a": 7, "b": 7})
        harness.pass_time(EVENING + 30)
        harness.take()
    for count in (1, 0):
        with Harness(tmp_path, rules(rule("stock", "stock", push="false")), EVENING + 60) as harness:
            assert titles(harness.take()) == ["Closed: stock"] * count


def test_the_text_says_that_a_rule_without_push_is_still_evaluated(tmp_path: Path) -> None:
    with Harness(tmp_path, rules(rule()), EVENING) as harness:
        harness.poll(EVENING, errors=7)
        harness.take()
    with Harness(tmp_path, rules(rule(push="false")), EVENING + 60) as harness:
        (closed,) = harness.take()
        assert closed.content.message == "errors no longer sends notifications. It was critical since 20:00."


def test_an_alert_is_notified_when_it_gets_a_severity_that_is_listed(tmp_path: Path) -> None:
    with Harness(tmp_path, rules(rule(push="{on: [warning]}")), EVENING) as harness:
        harness.poll(EVENING, errors=7)
        assert harness.take() == []
        harness.poll(EVENING + 60, errors=2)
        assert titles(harness.take()) == ["errors is warning"]
        harness.poll(EVENING + 120, errors=7)
        assert [isinstance(said, PushUpdate) for said in harness.take()] == [True]
        harness.poll(EVENING + 180, errors=2)
        assert [isinstance(said, PushUpdate) for said in harness.take()] == [True]
        assert harness.reasons() == [
            Reason.SEVERITY_NOT_LISTED,
            Reason.NOTIFIED,
            Reason.SEVERITY_NOT_LISTED,
            Reason.SEVERITY_LOWERED,
        ]


# One dead source.


def fifty(*more: str) -> str:
    given = "{severity: warning, after: 3m}"
    names = [f"r{number:02}" for number in range(49)]
    return rules(
        *(rule(name, on_error=given) for name in names),
        rule("worst", on_error=given.replace("warning", "critical")),
        *more,
    )


def test_one_dead_source_with_fifty_rules_is_one_message(tmp_path: Path) -> None:
    with Harness(tmp_path, fifty(rule("later", on_error="{severity: warning, after: 10m}")), EVENING) as harness:
        harness.poll(EVENING, errors=0)
        for minute in range(1, 9):
            harness.fail(EVENING + minute * 60)
            harness.pass_time(EVENING + minute * 60 + 59)
        (push,) = harness.take()
        assert push.content.title == "shop does not answer: 50 alerts, critical"
        assert push.content.message.startswith("worst: critical since 20:0")
        assert push.content.message.endswith("and 42 more")
        for minute in range(9, 20):
            harness.fail(EVENING + minute * 60)
            harness.pass_time(EVENING + minute * 60 + 59)
        (joined,) = harness.take()
        assert (joined.key, isinstance(joined, PushUpdate)) == (push.key, True)
        assert joined.content.title == "shop does not answer: 51 alerts, critical"
        harness.poll(EVENING + 20 * 60, errors=0)
        (back,) = harness.take()
        assert (back.key, back.content.title, isinstance(back, PushUpdate)) == (push.key, "shop answers again", True)


def test_an_alert_that_turns_out_to_be_about_a_value_is_notified_anew(tmp_path: Path) -> None:
    with Harness(tmp_path, rules(rule(on_error="{severity: critical, after: 3m}")), EVENING) as harness:
        harness.poll(EVENING, errors=0)
        for minute in range(1, 9):
            harness.fail(EVENING + minute * 60)
            harness.pass_time(EVENING + minute * 60 + 1)
        (silent,) = harness.take()
        assert silent.content.title == "shop does not answer: 1 alert, critical"
        harness.poll(EVENING + 600, errors=7)
        push, back = harness.take()
        assert push.content.title == "errors is critical"
        assert (back.key, back.content.title) == (silent.key, "shop answers again")


def test_what_fell_and_rose_again_waits_for_group_interval_as_other_news_does(tmp_path: Path) -> None:
    config = rules(rule())
    with Harness(tmp_path, config, EVENING) as harness:
        harness.poll(EVENING, errors=7)
        assert titles(harness.take()) == ["errors is critical"]
        harness.poll(EVENING + 60, errors=2)
        assert titles(harness.take()) == ["errors is warning"]
    with Harness(tmp_path, config, EVENING + 100) as harness:
        harness.poll(EVENING + 120, errors=7)
        (risen,) = harness.take()
        assert isinstance(risen, PushUpdate)
        harness.pass_time(EVENING + 299)
        assert harness.take() == []
        harness.pass_time(EVENING + 300)
        assert titles(harness.take())[0] == "errors is critical"


def test_a_rise_that_nobody_has_seen_is_pushed_at_once_when_it_comes_again(tmp_path: Path) -> None:
    """It fell before its push was sent: the push says what is true by then."""
    with Harness(tmp_path, rules(rule()), EVENING) as harness:
        harness.poll(EVENING, errors=7)
        harness.poll(EVENING + 60, errors=2)
        assert titles(harness.take()) == ["errors is warning"]
        harness.poll(EVENING + 120, errors=7)
        assert titles(harness.take()) == ["errors is critical", "Earlier: errors is warning"]


def test_a_digest_reminds_of_nothing_that_it_has_not_notified(tmp_path: Path) -> None:
    config = rules(rule(push="{repeat: 16h}", mute="{during: [nights], digest: true}")) + NIGHTS
    with Harness(tmp_path, config, NIGHT) as harness:
        harness.poll(NIGHT, errors={"a": 2, "b": 0})
        harness.pass_time(MORNING)
        assert titles(harness.take()) == ["After nights: 1 alert, warning"]
        harness.poll(NIGHT + 86400, errors={"a": 0, "b": 2})
        assert titles(harness.take()) == ["After nights: all is well"]
        for _ in range(3):
            harness.engine.tick(harness.now)
        wake_at = harness.engine.wake_at()
        assert wake_at is not None
        assert wake_at > harness.now


def test_a_reminder_of_what_is_clear_but_not_for_long_enough_does_not_call_it_bad(tmp_path: Path) -> None:
    with Harness(tmp_path, rules(rule(push="{repeat: 10m}", keep_firing_for="30m")), EVENING) as harness:
        harness.poll(EVENING, errors=9)
        harness.take()
        for minute in range(1, 11):
            harness.poll(EVENING + 60 * minute, errors=0)
        harness.pass_time(EVENING + 600)
        reminder = harness.take()[0]
        assert reminder.content.message == (
            "shop.errors is 0, not > 5 any more, but critical still (normal: 1 or less), since 20:00."
        )


# What may be lost, but not come twice.


def test_a_push_at_most_once_that_was_in_flight_at_the_end_is_not_sent_again_and_its_end_is(tmp_path: Path) -> None:
    config = rules(rule(push="{delivery: at_most_once}"))
    with Harness(tmp_path, config, EVENING) as harness:
        harness.poll(EVENING + 1, errors=9)
        (queued,) = harness.outbox.ready(harness.now)
        harness.outbox.claim(queued, "any", harness.now)
    with Harness(tmp_path, config, EVENING + 60) as harness:
        assert harness.take() == []
        (dropped,) = [event for event in harness.events if isinstance(event, SendDropped)]
        assert str(dropped).endswith("meanwhile; with delivery: at_most_once it is not sent again")
        harness.poll(EVENING + 61, errors=0)
        assert titles(harness.take()) == ["Resolved: errors"]


def test_an_update_in_place_at_most_once_that_was_in_flight_at_the_end_is_sent_again(tmp_path: Path) -> None:
    config = rules(rule(push="{delivery: at_most_once}"))
    with Harness(tmp_path, config, EVENING) as harness:
        harness.poll(EVENING + 1, errors=9)
        harness.take()
        harness.poll(EVENING + 30, errors=0)
        (queued,) = harness.outbox.ready(harness.now)
        harness.outbox.claim(queued, "any", harness.now)
    with Harness(tmp_path, config, EVENING + 60) as harness:
        assert titles(harness.take()) == ["Resolved: errors"]


@pytest.mark.parametrize(("delivery", "again"), [("at_least_once", ["errors is critical"]), ("at_most_once", [])])
def test_a_push_that_waits_at_the_end_is_sent_and_one_in_flight_as_its_rule_says(
    tmp_path: Path, delivery: str, again: list[str]
) -> None:
    config = rules(rule(push=f"{{delivery: {delivery}}}"))
    with Harness(tmp_path, config, EVENING) as harness:
        harness.poll(EVENING + 1, errors=9)
    with Harness(tmp_path, config, EVENING + 60) as harness:
        (queued,) = harness.outbox.ready(harness.now)
        harness.outbox.claim(queued, "any", harness.now)
    with Harness(tmp_path, config, EVENING + 120) as harness:
        assert titles(harness.take()) == again

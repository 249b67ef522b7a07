"""Sources with more series than a rule may have alerts, and with new ones in each poll: what is notified, and that the
work of a step does not grow.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from engine.harness import Harness
from smithd.events import AlertLimitReached
from smithd.outbox.message import Push, PushUpdate

START = 1_763_906_400.0
CROWD = 1000
MINUTE = 60.0


def rules(text: str) -> str:
    return f"rules:\n  crowd: {text}\n  other: {{metric: depot.orders, critical: '> 10', push: true}}\n"


def breach(names: Iterable[object], value: float = 5.0) -> dict[str, float]:
    return {str(name): value for name in names}


def houses(harness: Harness) -> list[str]:
    """The series that have an alert of the rule."""
    return sorted("".join(value for _, value in alert.labels) for alert in harness.engine.alerts)


def rest(harness: Harness) -> list[str]:
    """The series that breach and have none."""
    found = harness.engine.engine.state.alerts.rest.get("crowd")
    return sorted(labels[0][1] for labels in found) if found is not None else []


def rows(harness: Harness) -> int:
    """How many rows were inserted, updated and deleted so far."""
    with harness._database.transaction() as connection:
        return int(connection.connection.dbapi_connection.total_changes)  # type: ignore[union-attr] # sqlite3's own count


def messages(harness: Harness) -> list[str]:
    """The texts of the notifications that are sent now."""
    return [each.content.message for each in harness.take() if isinstance(each, Push | PushUpdate)]


@pytest.mark.parametrize("push", ["{group_by: [], group_wait: 0s}", "true"])
def test_new_label_sets_in_each_poll_cost_other_sources_nothing(tmp_path: Path, push: str) -> None:
    with Harness(tmp_path, rules(f"{{metric: shop.errors, warning: '> 1', push: {push}}}"), START) as harness:
        written, series = [], []
        for number in range(40):
            at = START + 1 + number
            harness.pass_time(at)
            before = rows(harness)
            harness.poll(at, errors=breach(range(number * CROWD, (number + 1) * CROWD)))
            crowd = rows(harness) - before
            harness.poll(at, "depot", orders=11.0 if number == 20 else 1.0)
            written.append((crowd, rows(harness) - before - crowd))
            known = harness.engine.engine.state.series.metrics["shop.errors"]
            series.append(len(known.samples) + len(known.missing))
            if number == 20:
                assert harness.take()[0].content.title == "other is critical"
        # Only the first poll had alerts to write; that the limit was reached is the group's own row.
        assert max(crowd for crowd, _ in written[1:]) <= 3
        assert max(other for _, other in written) <= 12
        # Those of this poll, and those that alerts are open on.
        assert max(series) <= 2 * CROWD
        assert len([alert for alert in harness.engine.alerts if alert.rule == "crowd"]) == CROWD
        assert len(rest(harness)) == CROWD
        # The first poll is over what a step writes of one alert: the alert, its place in a group, the journal.
        assert written[0][0] <= 3 * CROWD + 10 + 2 * 51


def test_an_alert_that_joins_a_large_group_writes_a_few_rows(tmp_path: Path) -> None:
    push = "{group_by: [], group_wait: 0s, group_interval: 1s}"
    with Harness(tmp_path, rules(f"{{metric: shop.errors, warning: '> 1', push: {push}}}"), START) as harness:
        harness.poll(START + 1, errors=breach(range(500)))
        harness.take()
        before = rows(harness)
        harness.poll(START + 60, errors=breach(range(501)))
        assert len(houses(harness)) == 501
        assert rows(harness) - before <= 8


def test_the_rest_is_one_line_of_the_notification(tmp_path: Path) -> None:
    push = "{group_by: [], group_wait: 0s, group_interval: 1m}"
    crowd = rules(f"{{metric: shop.errors, warning: '> 1', max_alerts: 3, push: {push}}}")
    with Harness(tmp_path, crowd, START) as harness:
        harness.poll(START + 1, errors=breach("abcdefgh"))
        line = "5 more series breach; the rule has at most 3 alerts (max_alerts)."
        (message,) = messages(harness)
        assert message.splitlines()[-1] == line
        assert [event.rest for event in harness.events if isinstance(event, AlertLimitReached)] == [5]
        # Fewer than it may have: the text is updated in place, once.
        harness.poll(START + 100, errors=breach("abc") | breach("defgh", 0.0))
        harness.pass_time(START + 200)
        (message,) = messages(harness)
        assert "more series" not in message
        assert houses(harness) == ["a", "b", "c"]


def test_a_text_of_the_rules_own_has_the_line_too(tmp_path: Path) -> None:
    push = "{group_by: [], group_wait: 0s, message: '{{ count }} shops'}"
    crowd = rules(f"{{metric: shop.errors, warning: '> 1', max_alerts: 1, push: {push}}}")
    with Harness(tmp_path, crowd, START) as harness:
        harness.poll(START + 1, errors=breach("ab"))
        message = "1 shops\n1 more series breach; the rule has at most 1 alerts (max_alerts)."
        assert messages(harness) == [message]


@pytest.mark.parametrize(
    ("first", "then", "expected"),
    [
        pytest.param(breach("ab"), breach("abc"), "ab", id="the oldest stay"),
        pytest.param(breach("ab"), breach("ab") | {"c": 50}, "ac", id="a critical one takes a place"),
        pytest.param(breach("ab"), breach("b") | {"a": 50, "c": 50}, "ac", id="of one that did not rise"),
        pytest.param(breach("ab", 50), breach("ab", 50) | {"c": 50}, "ab", id="but none of a critical one"),
        pytest.param({}, breach("abc") | {"y": 50, "z": 50}, "yz", id="criticals first in one poll"),
        pytest.param(breach("abc"), breach("bc") | {"a": 0}, "bc", id="a place that is free again is taken"),
        pytest.param(breach("abc"), breach("bcd") | {"a": 50}, "ab", id="one that rises stays"),
    ],
)
def test_which_series_have_the_alerts(
    tmp_path: Path, first: dict[str, float], then: dict[str, float], expected: str
) -> None:
    crowd = rules("{metric: shop.errors, warning: '> 1', critical: '> 9', max_alerts: 2, push: true}")
    with Harness(tmp_path, crowd, START) as harness:
        if first:
            harness.poll(START + 1, errors=first)
        harness.poll(START + 60, errors=then)
        assert houses(harness) == list(expected)
        assert rest(harness) == [house for house, value in sorted(then.items()) if value > 1 and house not in expected]


def test_of_one_poll_only_those_fire_that_stay(tmp_path: Path) -> None:
    crowd = rules("{metric: shop.errors, warning: '> 1', critical: '> 9', max_alerts: 2, push: true}")
    with Harness(tmp_path, crowd, START) as harness:
        harness.poll(START + 1, errors=breach("abc") | {"y": 50, "z": 50})
        assert harness.changes() == [('crowd{house="y"}', "fired"), ('crowd{house="z"}', "fired")]


def test_a_series_without_labels_needs_no_place(tmp_path: Path) -> None:
    crowd = rules("{metric: shop.errors, warning: '> 1', max_alerts: 1, push: true}")
    with Harness(tmp_path, crowd, START) as harness:
        harness.poll(START + 1, errors=breach("ab"))
        harness.poll(START + 60, errors=breach(["a", "b", ""]))
        assert (houses(harness), rest(harness)) == (["", "a"], ["b"])


def test_an_alert_that_gave_its_place_is_not_said_to_have_ended(tmp_path: Path) -> None:
    push = "{group_by: [], group_wait: 0s, group_interval: 1m}"
    crowd = rules(f"{{metric: shop.errors, warning: '> 1', critical: '> 9', max_alerts: 2, push: {push}}}")
    with Harness(tmp_path, crowd, START) as harness:
        harness.poll(START + 1, errors=breach("ab"))
        harness.take()
        harness.poll(START + 100, errors=breach("ab") | {"c": 50})
        message = messages(harness)[0]
        assert "Ended" not in message
        assert message.splitlines()[0].startswith("c: 50, critical")
        assert message.splitlines()[-1].startswith("1 more series")
        assert "alert_limit" in harness.reasons("crowd")


def test_a_rule_with_an_expression_has_no_more_alerts(tmp_path: Path) -> None:
    crowd = rules("{when: shop.errors > 1, severity: warning, max_alerts: 2, push: true}")
    with Harness(tmp_path, crowd, START) as harness:
        harness.poll(START + 1, errors=breach("abc"))
        assert len(houses(harness)) == 2
        assert len(rest(harness)) == 1
        harness.poll(START + 60, errors=breach("xy") | breach("abc", 0))
        assert houses(harness) == ["x", "y"]
        assert rest(harness) == []


def test_missing_series_have_no_more_alerts_and_a_failing_source_always_has_one(tmp_path: Path) -> None:
    crowd = rules(
        "{metric: shop.errors, warning: '> 9', no_data: warning, on_error: critical, max_alerts: 2, push: true}"
    )
    with Harness(tmp_path, crowd, START) as harness:
        harness.poll(START + 1, errors=breach("abcdef"))
        for number in range(1, 6):
            harness.pass_time(START + 1 + number * MINUTE)
            harness.poll(START + 1 + number * MINUTE, errors=breach("x"))
        assert len(houses(harness)) == 2
        harness.fail(START + 8 * MINUTE)
        harness.pass_time(START + 15 * MINUTE)
        assert len(houses(harness)) == 3
        assert "" in houses(harness)


def test_an_answer_of_one_series_says_nothing_of_the_others_in_the_rest(tmp_path: Path) -> None:
    crowd = rules("{metric: shop.errors, warning: '> 1', max_alerts: 1, push: true}")
    with Harness(tmp_path, crowd, START) as harness:
        harness.poll(START + 1, errors=breach("abc"))
        assert rest(harness) == ["b", "c"]
        harness.poll_a_part(START + 2, errors=breach("b", 0.0))
        assert rest(harness) == ["c"]
        # It came no more, and is stale.
        harness.pass_time(START + 400)
        assert rest(harness) == []


def test_a_start_with_a_lower_limit_keeps_criticals_then_the_oldest(tmp_path: Path) -> None:
    text = "{{metric: shop.errors, warning: '> 1', critical: '> 9', max_alerts: {limit}, push: {{group_by: []}}}}"
    with Harness(tmp_path, rules(text.format(limit=10)), START) as harness:
        harness.poll(START + 1, errors=breach("ab"))
        harness.poll(START + 60, errors=breach("abcd") | {"e": 50})
        harness.pass_time(START + 120)
        harness.take()
    with Harness(tmp_path, rules(text.format(limit=3)), START + 130) as harness:
        assert houses(harness) == ["a", "b", "e"]
        for minute in range(10):
            harness.pass_time(START + 131 + minute * MINUTE)
            harness.poll(harness.now, errors=breach("abcd") | {"e": 50})
        assert houses(harness) == ["a", "b", "e"]
        assert messages(harness)[-1].splitlines()[-1].startswith("2 more series")
    with Harness(tmp_path, rules(text.format(limit=3)), START + 680) as harness:
        assert houses(harness) == ["a", "b", "e"]

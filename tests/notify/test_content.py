"""What a notification says of one alert, and of many."""

from __future__ import annotations

from dataclasses import replace

from notify.scenes import NOW, RULE, alert, changes, group, open_alert, series, view
from smithd.alerts.reason import SERIES_MISSING
from smithd.alerts.severity import Severity
from smithd.keys import PushKey
from smithd.notify import content
from smithd.notify.content import Subject
from smithd.notify.group import GroupedAlert, GroupKey, GroupScope, ended, grouped
from smithd.notify.options import PushOptions
from smithd.outbox.message import Priority, PushContent
from smithd.plugin.sample import Sample

RULES = {"errors": RULE}
ALONE = GroupKey("default", GroupScope.RULE, "errors")


def fires(value: float = 7.0, at: float = NOW, host: str = "") -> GroupedAlert:
    """An alert that fired at ``at``."""
    return grouped(open_alert(value, at, host))


def text(*firing: GroupedAlert, **keys: object) -> PushContent:
    worst_first = sorted(firing, key=lambda each: (each.severity is not Severity.CRITICAL, each.fired_at))
    return content.firing(Subject(ALONE, worst_first), RULES, PushOptions.model_validate(keys), view())


def over(host: str = "", since: float = NOW, at: float = NOW) -> GroupedAlert:
    return ended(fires(7.0, since, host), changes(open_alert(7.0, since, host), 0.5, at))


def test_the_stock_text_says_what_happened_since_when_and_what_is_normal() -> None:
    message = "shop.errors is 7 (critical > 5; normal: 1 or less), since 14:00."
    plain = "errors is critical: 7"
    level = "time-sensitive"
    assert text(fires()) == PushContent("errors is critical", message, interruption_level=level, plain=plain)


def test_a_custom_text_sees_one_alert_or_all_of_a_group() -> None:
    title = "{{ rule }} {{ labels.host }}: {{ value }}"
    found = text(fires(host="a"), title=title, message="over {{ threshold }}")
    assert (found.title, found.message) == ("errors a: 7", "over 5")
    # Neither what the configuration says nor a label is in the plainest text.
    assert found.plainest == PushContent(found.plain, interruption_level="time-sensitive", plain=found.plain)
    assert found.plain == "errors is critical: 7"
    hosts = [fires(2, NOW - 60, host="b"), fires(7, host="a"), fires(3, host="c")]
    title, subtitle = (
        "{{ count }} of {{ severity }}: {{ alerts | join(' ') }}",
        "since {{ since }}, the first {{ started }}",
    )
    found = text(*hosts, max_series=2, title=title, subtitle=subtitle)
    assert found.title == "3 of critical: a b 1 more"
    assert found.subtitle == "since 14:00, the first 13:59"


def test_a_title_that_fails_gives_way_to_the_stock_one() -> None:
    assert text(fires(), title="{{ labels.host }} is down").title == "errors is critical"
    assert text(fires(host="a"), fires(host="b"), title="{{ labels.dc }}").title == "errors: 2 alerts, critical"


def test_a_label_on_which_the_alerts_differ_is_that_of_the_worst_and_the_others_are_counted() -> None:
    hosts = [fires(2, host="b"), fires(7, host="a"), fires(3, host="c")]
    texts = {"title": "{{ labels.host }} is busy", "subtitle": "{{ rule }}", "message": "{{ labels | join }}"}
    found = text(*hosts, **texts)
    assert (found.title, found.subtitle) == ("a is busy and 2 more", "errors")
    assert text(fires(host="a"), **texts).title == "a is busy"


def test_a_group_counts_what_fires_and_the_series_that_there_are() -> None:
    samples = [Sample(series(f"h{number}"), 1.0, NOW) for number in range(38)]
    seen = view(samples=[*samples, Sample(series("a"), 7.0, NOW)])
    subject = Subject(ALONE, [fires(host="a"), fires(host="gone")])
    options = PushOptions.model_validate({"message": "{{ count }} of {{ series }}"})
    found = content.firing(subject, RULES, options, seen)
    assert (found.title, found.message) == ("errors: 2 of 40, critical", "2 of 40")


def test_a_reminder_says_so_unless_the_title_is_a_custom_one() -> None:
    subject = Subject(ALONE, [fires()])
    for options, title in ((PushOptions(), "Still firing: errors is critical"), ({"title": "own"}, "own")):
        found = content.firing(subject, RULES, PushOptions.model_validate(options), view(), is_reminder=True)
        assert found.title == title


def test_a_group_names_its_alerts_the_worst_first() -> None:
    many = [fires(2, NOW - 60 * number, host=f"h{number}") for number in range(9)]
    found = text(*many, fires(7, host="worst"))
    lines = found.message.split("\n")
    assert found.title == "errors: 10 alerts, critical"
    assert lines[0] == "worst: 7, critical since 14:00"
    assert lines[1] == "h8: 2, warning since 13:52"
    assert lines[-2:] == ["and 2 more", "Normal for shop.errors: 1 or less."]


def test_the_text_about_the_end_of_one_alert_has_its_course() -> None:
    alone = over(since=NOW - 17 * 60)
    found = content.ended(Subject(ALONE, (), [alone]), view())
    assert found.title == "Resolved: errors"
    assert found.message == "shop.errors is 0.5 (normal: 1 or less). It was critical for 17m, 13:43 to 14:00."
    missing = content.ended(Subject(ALONE, (), [replace(alone, cause=SERIES_MISSING)]), view())
    assert missing.title == "Closed: errors has no data"


def test_the_end_of_a_group_names_the_last() -> None:
    found = content.ended(Subject(ALONE, (), [over(host, at=NOW + 60) for host in "ab"]), view())
    assert (found.title, found.interruption_level) == ("Resolved: errors", "passive")
    assert found.message.split("\n")[0] == "errors (a): critical for 1m, 14:00 to 14:01"


def test_a_superseded_notification_is_marked_as_earlier_once() -> None:
    before = group(alert(), changed_at=NOW - 60)
    past = content.superseded(before, PushContent("errors is warning"), "It rose to critical", view())
    assert past.title == "Earlier: errors is warning"
    assert past.message == "As of 13:59. It rose to critical at 14:00."
    assert content.superseded(before, past, "More alerts fired", view()).title == "Earlier: errors is warning"


def test_a_rule_that_was_removed_is_closed() -> None:
    found = content.closed(Subject(ALONE, [alert()]), view())
    assert found.title == "Closed: errors"
    assert found.message == "shop.errors is no longer watched. It was warning since 14:00."
    found = content.closed(Subject(ALONE, [alert()]), view(), is_evaluated=True)
    assert found.message == "errors no longer sends notifications. It was warning since 14:00."


def test_beginnings_go_first_and_what_only_tidies_up_goes_last() -> None:
    key, words = PushKey("default", "errors", NOW, 1), PushContent("errors is critical")
    assert content.push(key, words, view(), Priority.CRITICAL_PUSH).priority is Priority.CRITICAL_PUSH
    assert content.push(key, words, view()).priority is Priority.LATER_PUSH
    assert content.update(key, words, view()).priority is Priority.UPDATE
    family = [Priority.CRITICAL_PUSH, Priority.PUSH, Priority.LATER_PUSH, Priority.UPDATE, Priority.COSMETIC]
    assert sorted(family) == family

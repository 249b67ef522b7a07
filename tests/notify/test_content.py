"""What a notification says of one alert, and of many."""

from __future__ import annotations

from dataclasses import replace

from smithd.alerts.reason import SERIES_MISSING
from smithd.keys import DEFAULT_ACCOUNT, PushKey
from smithd.notify import content as notification
from smithd.notify.group import Group, Member, Notice, Scope, ended, member_of
from smithd.notify.options import PushOptions
from smithd.outbox.message import Priority, PushContent
from smithd.plugin.sample import Series
from surfaces.scenes import NOW, RULE, fires, open_alert, resolves, view

RULES = {"errors": RULE}
ALONE = Group(Scope.RULE, "errors")


def member(value: float = 7.0, at: float = NOW, host: str = "") -> Member:
    """An alert that fired at ``at``."""
    alert = fires(value, at, Series("shop.errors", (("host", host),) if host else ())).after
    assert alert is not None
    return member_of(alert)


def said(*firing: Member, group: Group = ALONE, over: tuple[Member, ...] = (), **keys: object) -> PushContent:
    told = notification.story(Notice(group, NOW), firing, over)
    return notification.firing(told, RULES, PushOptions.model_validate(keys), view())


def test_the_stock_text_says_what_happened_since_when_and_what_is_normal() -> None:
    assert said(member()) == PushContent(
        "errors is critical",
        "shop.errors is 7 (critical > 5; normal: 1 or less), since 14:00.",
        interruption_level="time-sensitive",
    )


def test_own_words_see_one_alert_or_all_of_a_group() -> None:
    title = "{{ rule }} {{ labels.host }}: {{ value }}"
    assert said(member(host="a"), title=title, message="over {{ threshold }}") == PushContent(
        "errors a: 7", "over 5", interruption_level="time-sensitive"
    )
    hosts = [member(2, NOW - 60, host="b"), member(7, host="a"), member(3, host="c")]
    words = {"title": "{{ count }} of {{ severity }}: {{ alerts | join(' ') }}", "subtitle": "since {{ since }}"}
    grouped = said(*hosts, max_series=2, title=words["title"], subtitle=words["subtitle"])
    assert grouped.title == "3 of critical: a b 1 more"
    assert grouped.subtitle == "since 13:59"


def test_a_title_that_fails_gives_way_to_the_stock_one() -> None:
    assert said(member(), title="{{ labels.host }} is down").title == "errors is critical"
    assert said(member(host="a"), member(host="b"), title="{{ labels.host }}").title == "errors: 2 alerts, critical"


def test_a_group_is_told_with_its_alerts_the_worst_first() -> None:
    many = [member(2, NOW - 60 * number, host=f"h{number}") for number in range(9)]
    content = said(*many, member(7, host="worst"), group=Group(Scope.RULE, "errors"))
    lines = content.message.split("\n")
    assert content.title == "errors: 10 alerts, critical"
    assert lines[0] == "worst: 7, critical since 14:00"
    assert lines[1] == "h8: 2, warning since 13:52"
    assert lines[-2:] == ["and 2 more", "Normal for shop.errors: 1 or less."]


def test_the_end_of_one_alert_tells_its_whole_story() -> None:
    alert = open_alert(at=NOW - 17 * 60)
    over = ended(member_of(alert), resolves(alert, NOW))
    told = notification.ended(notification.story(Notice(ALONE, NOW), (), [over]), view())
    assert told.title == "Resolved: errors"
    assert told.message == ("shop.errors is 0.5 (normal: 1 or less). It was critical for 17m, 13:43 to 14:00.")
    gone = notification.ended(notification.story(Notice(ALONE, NOW), (), [replace(over, cause=SERIES_MISSING)]), view())
    assert gone.title == "Closed: errors has no data"


def test_the_end_of_a_group_names_the_last() -> None:
    over = [ended(member(host=host), resolves(open_alert(), NOW + 60)) for host in "ab"]
    told = notification.ended(notification.story(Notice(ALONE, NOW), (), over), view())
    assert (told.title, told.interruption_level) == ("Resolved: errors", "passive")
    assert told.message.split("\n")[0] == "errors (a): critical, 14:00 to 14:01"


def test_the_past_stays_true_and_is_said_once() -> None:
    notice = Notice(ALONE, NOW, spoke_at=NOW - 60)
    past = notification.superseded(notice, PushContent("errors is warning"), "It rose to critical", view())
    assert past.title == "Earlier: errors is warning"
    assert past.message == "As told 13:59. It rose to critical at 14:00."
    assert notification.superseded(notice, past, "More came", view()).title == "Earlier: errors is warning"


def test_a_rule_that_was_removed_is_closed() -> None:
    told = notification.closed(notification.story(Notice(ALONE, NOW), [member()], ()), view())
    assert told.title == "Closed: errors"
    assert told.message == "shop.errors is watched no more. It was critical since 14:00."


def test_beginnings_go_first_and_what_only_tidies_up_goes_last() -> None:
    key, text = PushKey(DEFAULT_ACCOUNT, "errors", NOW, 1), PushContent("errors is critical")
    assert notification.push(key, text, view(), is_urgent=True).priority is Priority.CRITICAL_PUSH
    assert notification.update(key, text, view()).priority is Priority.PUSH
    assert notification.update(key, text, view(), only_in_place=True).priority is Priority.COSMETIC

"""The demo's checklist: only what the phone really showed counts."""

from __future__ import annotations

from datetime import UTC

from smithd.demo.checklist import Checklist
from smithd.lockscreen.screen import Activity, Notification, Screen, Widget


def _screen(
    orders: int = 1, *activities: Activity, pushes: tuple[Notification, ...] = (), badge: int | None = None
) -> Screen:
    return Screen(0, UTC, (Widget("shop.orders", orders, 0),), activities, pushes, badge)


ALERT = Notification("a", "Errors", 0)
RESOLVED = Notification("a", "Resolved", 0, replaced=True)
TROUBLE = Activity("checkout", "Trouble")
VISITORS = Activity("visitors", "Visitors")
DEPLOY = Activity("deploy", "Deploy", steps=("blue", "blue"))


def test_a_whole_minute_is_seen_with_its_times() -> None:
    checklist = Checklist("checkout", "visitors", "deploy")
    screens = [
        _screen(1),
        _screen(2),
        _screen(2, VISITORS, Activity("deploy", "Deploy", steps=("blue", ""))),
        _screen(2, VISITORS, DEPLOY),
        _screen(2, VISITORS, DEPLOY, TROUBLE),
        _screen(2, DEPLOY, TROUBLE),
        _screen(2, DEPLOY, TROUBLE, badge=1),
        _screen(2, DEPLOY, TROUBLE, badge=1, pushes=(ALERT,)),
        _screen(3, VISITORS, badge=0, pushes=(RESOLVED,)),
    ]
    for second, screen in enumerate(screens):
        assert not checklist.complete
        checklist.look(screen, second)
    assert checklist.complete
    assert list(checklist.seen.values()) == [1, 3, 4, 5, 6, 7, 8]


def test_an_unchanged_screen_completes_nothing() -> None:
    checklist = Checklist("checkout", "visitors", "deploy")
    for second in range(3):
        checklist.look(_screen(1, Activity("today", "Shop today"), Activity("checkout", "Over", ended=True)), second)
    assert set(checklist.seen.values()) == {None}


def test_a_resolution_of_what_never_arrived_does_not_count() -> None:
    checklist = Checklist("checkout", "visitors", "deploy")
    checklist.look(_screen(1, pushes=(RESOLVED,)), 1)
    assert checklist.seen["the alert was resolved"] is None

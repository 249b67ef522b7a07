"""The demo's checklist: only what the phone really showed counts."""

from __future__ import annotations

from datetime import UTC

from smithd.demo.checklist import Checklist
from smithd.lockscreen.screen import Activity, Notification, Screen, Widget


def _screen(orders: int = 1, *activities: Activity, pushes: tuple[Notification, ...] = ()) -> Screen:
    return Screen(0, UTC, (Widget("shop.orders", orders, 0),), activities, pushes)


ALERT = Notification("a", "Errors", 0)
RESOLVED = Notification("a", "Resolved", 0, replaced=True)
TROUBLE = Activity("checkout", "Trouble")


def test_a_whole_minute_is_seen_with_its_times() -> None:
    checklist = Checklist("checkout")
    screens = [
        _screen(1),
        _screen(2),
        _screen(2, TROUBLE),
        _screen(2, TROUBLE, pushes=(ALERT,)),
        _screen(3, pushes=(RESOLVED,)),
    ]
    for second, screen in enumerate(screens):
        assert not checklist.complete
        checklist.look(screen, second)
    assert checklist.complete
    assert list(checklist.seen.values()) == [1, 2, 3, 4]


def test_an_unchanged_screen_completes_nothing() -> None:
    checklist = Checklist("checkout")
    for second in range(3):
        checklist.look(_screen(1, Activity("today", "Shop today"), Activity("checkout", "Over", ended=True)), second)
    assert set(checklist.seen.values()) == {None}


def test_a_resolution_of_what_never_arrived_does_not_count() -> None:
    checklist = Checklist("checkout")
    checklist.look(_screen(1, pushes=(RESOLVED,)), 1)
    assert checklist.seen["the alert was resolved"] is None

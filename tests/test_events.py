"""Events reach those that listen to their kind."""

from __future__ import annotations

from smithd.events import Event, Events, HistoryFull, SilenceExpired


def test_a_listener_hears_the_kinds_that_it_listens_to_and_one_without_kinds_hears_all() -> None:
    every: list[Event] = []
    counted: list[Event] = []
    events = Events([every.append])
    full, expired = HistoryFull("shop.orders"), SilenceExpired(1)
    events.publish(full)
    events.listen(counted.append, SilenceExpired)
    events.publish(expired)
    events.publish(full)
    assert every == [full, expired, full]
    assert counted == [expired]

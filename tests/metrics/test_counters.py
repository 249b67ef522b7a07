"""Each event counts in its metric, and every series is there before it first counts."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from engine.harness import Harness
from metrics.scraped import Labels, samples, value
from smithd.clock import VirtualClock
from smithd.events import (
    AlertChanged,
    AlertProgressed,
    Event,
    Events,
    LoopTurned,
    Polled,
    PollMissed,
    PollsDue,
    Reloaded,
    ReloadRefused,
    RequestEnded,
    SendAccepted,
    SendDropped,
)
from smithd.keys import PushKey, WidgetKey
from smithd.metrics.counters import Counters
from smithd.storage.events import Committed

T = 1_763_906_400.0
PUSH, WIDGET = PushKey("default", "errors", T, 1), WidgetKey("default", "orders")
ROWS: list[tuple[Event, str, dict[str, str], float]] = [
    (Polled("shop", 3, 0.2, "shop"), "smithd_polls_total", {"type": "shop", "outcome": "ok"}, 1),
    (Polled("shop", 3, 0.2, "shop"), "smithd_samples_total", {}, 3),
    (Polled("shop", 3, 0.2, "shop"), "smithd_poll_duration_seconds_sum", {"type": "shop"}, 0.2),
    (Polled("shop", 0, 0.2, "shop", "failed"), "smithd_polls_total", {"type": "shop", "outcome": "failed"}, 1),
    (Polled("shop", 0, 10, "shop", "timed_out"), "smithd_polls_total", {"type": "shop", "outcome": "timed_out"}, 1),
    (PollsDue(4, 0.5), "smithd_poll_lateness_seconds_count", {}, 4),
    (PollsDue(4, 0.5), "smithd_poll_lateness_seconds_sum", {}, 2),
    (PollMissed("shop"), "smithd_polls_skipped_total", {"type": "shop"}, 1),
    (Committed(0.25), "smithd_commit_duration_seconds_sum", {}, 0.25),
    (LoopTurned(0.25), "smithd_loop_lag_seconds_sum", {}, 0.25),
    (AlertChanged("r", "", "fired", "critical", ""), "smithd_alert_transitions_total", {"change": "fired"}, 1),
    (AlertProgressed("r", "", "pending", "", ""), "smithd_alert_transitions_total", {"change": "pending"}, 1),
    (SendAccepted(PUSH, "sent", ""), "smithd_notifications_total", {"outcome": "accepted"}, 1),
    (SendAccepted(WIDGET, "sent", ""), "smithd_notifications_total", {"outcome": "accepted"}, 0),
    (SendDropped(PUSH, ""), "smithd_notifications_total", {"outcome": "dropped"}, 1),
    (SendDropped(PUSH, "", expired=True), "smithd_notifications_total", {"outcome": "expired"}, 1),
    (
        RequestEnded("default", "notifications", "rate_limited", 0.5),
        "smithd_requests_total",
        {"account": "default", "family": "notifications", "outcome": "rate_limited"},
        1,
    ),
    (
        RequestEnded("default", "notifications", "accepted", 0.5),
        "smithd_request_duration_seconds_sum",
        {"family": "notifications"},
        0.5,
    ),
    (ReloadRefused("no"), "smithd_config_last_reload_successful", {}, 0),
    (Reloaded(1, 0, 0, 1), "smithd_config_last_reload_successful", {}, 1),
    (Reloaded(1, 0, 0, 1), "smithd_config_last_reload_success_timestamp_seconds", {}, T + 60),
    (ReloadRefused("no"), "smithd_config_last_reload_success_timestamp_seconds", {}, T),
]


class Counting:
    def __init__(self, folder: Path) -> None:
        self.registry, self.events, self.clock = CollectorRegistry(), Events(), VirtualClock(T)
        counters = Counters(self.registry, self.events, self.clock)
        with Harness(folder, "", T) as harness:
            counters.expect(harness.engine.engine.setup.config)

    def series(self) -> dict[str, list[tuple[Labels, float]]]:
        return samples(self.registry.collect())


@pytest.mark.parametrize(
    ("event", "name", "labels", "expected"), ROWS, ids=[f"{row[1]} {row[0]!r}"[:90] for row in ROWS]
)
def test_an_event_counts(event: Event, name: str, labels: dict[str, str], expected: float, tmp_path: Path) -> None:
    counting = Counting(tmp_path)
    before = counting.series()
    counting.clock.jump(60)
    counting.events.publish(event)
    after = counting.series()
    assert value(after, name, **labels) == pytest.approx(expected)
    # No series comes with the first event: a rate needs the 0 before it.
    assert {one: len(of) for one, of in before.items()} == {one: len(of) for one, of in after.items()}


def test_a_reload_that_adds_an_account_and_a_type_adds_their_series(tmp_path: Path) -> None:
    counting = Counting(tmp_path)
    counting.events.publish(RequestEnded("team", "badges", "accepted", 1.0))
    counting.events.publish(Polled("later", 1, 1.0, "later"))
    found = counting.series()
    assert value(found, "smithd_requests_total", account="team", family="badges", outcome="accepted") == 1
    assert value(found, "smithd_polls_total", type="later", outcome="ok") == 1

"""Counters: a listener to events that adds up what happened since the start."""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from smithd import __version__
from smithd.alerts.alert import Change
from smithd.clock import Clock
from smithd.config.model import Config
from smithd.contract.endpoint import Family
from smithd.events import (
    POLL_OUTCOMES,
    AlertChanged,
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
from smithd.keys import PushKey
from smithd.outbox.delivered import DeliveryOutcome
from smithd.storage.events import Committed

SHORT = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper limits, in seconds, of what should take no time."""
LONG = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper limits, in seconds, of what waits for others."""

REQUEST_OUTCOMES = (
    DeliveryOutcome.ACCEPTED,
    DeliveryOutcome.REJECTED,
    DeliveryOutcome.RATE_LIMITED,
    DeliveryOutcome.UNKNOWN,
    DeliveryOutcome.NOT_SENT,
)
NOTIFICATION_OUTCOMES = (DeliveryOutcome.ACCEPTED, DeliveryOutcome.EXPIRED, DeliveryOutcome.DROPPED)

Child = TypeVar("Child")


class _Kept(dict[tuple[str, ...], Child]):
    """The children of a metric by the values of its labels, kept: to find one by ``labels`` costs three times as much
    as to count. One that is asked for and is not there is made.
    """

    def __init__(self, child: Callable[..., Child]) -> None:
        self._child = child

    def __missing__(self, values: tuple[str, ...]) -> Child:
        made = self[values] = self._child(*values)
        return made


class Counters:
    """Counts events from now on, in metrics of this registry."""

    def __init__(self, registry: CollectorRegistry, events: Events, clock: Clock) -> None:
        def counter(name: str, meaning: str, *labels: str) -> Counter:
            return Counter(name, meaning, labels, registry=registry)

        def histogram(name: str, meaning: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(name, meaning, labels, buckets=buckets, registry=registry)

        def gauge(name: str, meaning: str, *labels: str) -> Gauge:
            return Gauge(name, meaning, labels, registry=registry)

        self._clock = clock
        build = gauge(
            "smithd_build_info", "Always 1; the version of smithd, and of Python.", "version", "pythonversion"
        )
        build.labels(__version__, platform.python_version()).set(1)
        self._reload_ok = gauge(
            "smithd_config_last_reload_successful", "Whether the last reload of the configuration succeeded."
        )
        self._reloaded_at = gauge(
            "smithd_config_last_reload_success_timestamp_seconds", "When the configuration was last taken."
        )
        polls = counter("smithd_polls", "Polls that ended: ok, failed, or cut off at their timeout.", "type", "outcome")
        durations = histogram("smithd_poll_duration_seconds", "How long polls took.", LONG, "type")
        missed = counter("smithd_polls_skipped", "Polls that were skipped: the one before still ran.", "type")
        self._polls, self._durations, self._missed = _Kept(polls.labels), _Kept(durations.labels), _Kept(missed.labels)
        self._lateness = histogram("smithd_poll_lateness_seconds", "How late polls were begun.", SHORT)
        self._samples = counter("smithd_samples", "Samples that polls brought and that were admitted.")
        transitions = counter("smithd_alert_transitions", "Changes of alerts.", "change")
        self._transitions = _Kept(transitions.labels)
        notifications = counter("smithd_notifications", "What became of notifications and their updates.", "outcome")
        self._notifications = _Kept(notifications.labels)
        requests = counter("smithd_requests", "Requests to ActivitySmith that ended.", "account", "family", "outcome")
        request_durations = histogram(
            "smithd_request_duration_seconds", "How long requests to ActivitySmith took.", LONG, "family"
        )
        self._requests, self._request_durations = _Kept(requests.labels), _Kept(request_durations.labels)
        self._loop_lag = histogram(
            "smithd_loop_lag_seconds", "How late the event loop did what was due; asked once a second.", SHORT
        )
        self._commits = histogram("smithd_commit_duration_seconds", "How long commits took that succeeded.", SHORT)

        for change in Change:
            self._transitions[str(change),]
        for outcome in NOTIFICATION_OUTCOMES:
            self._notifications[str(outcome),]
        for family in Family:
            self._request_durations[str(family),]
        self._taken()
        events.listen(self._count_poll, Polled, PollsDue, PollMissed)
        events.listen(self._count_sent, RequestEnded, SendAccepted, SendDropped)
        events.listen(self._count_step, Committed, LoopTurned, AlertChanged)
        events.listen(self._note_reload, Reloaded, ReloadRefused)

    def expect(self, config: Config) -> None:
        """Make the children that this configuration adds, so that each is 0 before it first counts."""
        for type_ in {spec.type for spec in config.sources.values()}:
            self._durations[type_,], self._missed[type_,]
            for poll_outcome in POLL_OUTCOMES:
                self._polls[type_, poll_outcome]
        for account in config.accounts:
            for family in Family:
                for outcome in REQUEST_OUTCOMES:
                    self._requests[account, str(family), str(outcome)]

    def _count_poll(self, event: Event) -> None:
        match event:
            case Polled():
                self._polls[event.type, event.outcome].inc()
                self._durations[event.type,].observe(event.seconds)
                self._samples.inc(event.samples)
            case PollsDue():
                for _ in range(event.polls):
                    self._lateness.observe(event.late)
            case PollMissed():
                self._missed[event.type,].inc()

    def _count_sent(self, event: Event) -> None:
        match event:
            case RequestEnded():
                self._requests[event.account, event.family, event.outcome].inc()
                self._request_durations[event.family,].observe(event.seconds)
            case SendAccepted(key=PushKey()):
                self._notifications[DeliveryOutcome.ACCEPTED,].inc()
            case SendDropped(key=PushKey()):
                self._notifications[DeliveryOutcome.EXPIRED if event.expired else DeliveryOutcome.DROPPED,].inc()

    def _count_step(self, event: Event) -> None:
        match event:
            case Committed():
                self._commits.observe(event.seconds)
            case LoopTurned():
                self._loop_lag.observe(event.late)
            case AlertChanged():
                self._transitions[event.change,].inc()

    def _note_reload(self, event: Event) -> None:
        if isinstance(event, ReloadRefused):
            self._reload_ok.set(0)
        else:
            self._taken()

    def _taken(self) -> None:
        self._reload_ok.set(1)
        self._reloaded_at.set(self._clock.now())

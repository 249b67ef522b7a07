"""A notification that the service refuses: what a person is shown of it, and one that our own check refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine.harness import Harness
from engine.test_explain import told
from engine.test_notification import EVENING, rule, rules
from smithd.delivery.delivery import AccountDelivery
from smithd.delivery.sender import Departures
from smithd.engine.entries import ClaimMessages
from smithd.events import SendDelayed
from smithd.keys import DEFAULT_ACCOUNT
from smithd.notify.reason import Reason
from smithd.outbox.message import Push
from smithd.outbox.settlement import DeliveryReason, Retry
from test_status import seen

HOUR = 3600.0


def refuse(harness: Harness, times: int = 2) -> None:
    for _ in range(times):
        queued = next(harness.outbox.ready(harness.now))
        claim = harness.outbox.claim(queued, "notifications", harness.now)
        at = harness.now + HOUR if queued.is_plain else harness.now
        refusal = Retry(at, DeliveryReason.FORBIDDEN, "HTTP 403, no", refused=True)
        harness.outbox.settle(claim, refusal, harness.now)


def test_status_and_explain_say_what_is_refused_and_why(tmp_path: Path) -> None:
    with Harness(tmp_path, rules(rule()), EVENING) as harness:
        harness.poll(EVENING, errors=7)
        refuse(harness)
        (refused,) = seen(harness).accounts[0].refused
        assert (refused.title, refused.retry_at) == ("errors is critical", EVENING + HOUR)
        assert refused.reason == "the key may not do this (HTTP 403, no)"
        lines = told(harness, "errors")
        at = lines.index("  refused 20:00:00: errors is critical")
        assert lines[at + 1] == f"    {refused.reason}; it is tried again every hour, next at 21:00:00"
        assert [event.retry_in for event in harness.events if isinstance(event, SendDelayed)] == [0, HOUR]

        harness.poll(EVENING + 60, errors=0)
        assert harness.outbox.messages() == []
        assert seen(harness).accounts[0].refused == []
        assert harness.reasons() == [Reason.NOTIFIED, Reason.REFUSED]
        assert told(harness, "errors")[-1].endswith(
            "[not notified: the service refused it until it ended: HTTP 403, no]"
        )


def test_ends_are_not_sent_where_only_one_of_a_group_was_refused(tmp_path: Path) -> None:
    with Harness(tmp_path, rules(rule(push="{group_by: [], group_wait: 0s}")), EVENING) as harness:
        harness.poll(EVENING, errors={"a": 7, "b": 7})
        harness.pass_time(EVENING + 1)
        refuse(harness)
        harness.poll(EVENING + 400, errors={"a": 0, "b": 7})
        # What still fires is told of at once: the text is another one.
        (message,) = harness.take()
        assert message.content.title == "errors (b) is critical"


def test_what_our_own_check_refuses_goes_as_its_plainest_text(tmp_path: Path) -> None:
    with Harness(tmp_path, rules(rule()), EVENING) as harness:
        harness.poll(EVENING, errors=7)
        (push,) = harness.outbox.messages()
        assert isinstance(push, Push)
        harness.outbox.put(replace(push, content=replace(push.content, redirection="no address")))
        config = harness.engine.engine.setup.config
        delivery = AccountDelivery(DEFAULT_ACCOUNT, config.account, config.zone)

        def departures() -> Departures:
            found: Departures = harness.engine.ask(ClaimMessages(EVENING, delivery, 4, 0.0, None))
            return found

        flights, ask_again = departures()
        assert (len(flights), ask_again < 1) == (0, True)
        (refused,) = [event for event in harness.events if isinstance(event, SendDelayed)]
        assert "redirection" in refused.reason
        ((_, request),) = departures().flights
        assert request.body["title"] == "errors is critical: 7"

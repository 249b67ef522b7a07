"""The read model of the running daemon: one situation a test."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import Any

from engine.harness import HEAD, Harness
from smithd.delivery.delivery import AccountDelivery
from smithd.errors import Unwritable
from smithd.keys import DEFAULT_ACCOUNT
from smithd.poll.planned import Planned
from smithd.status.as_json import as_json
from smithd.status.fill import gate_status, status
from smithd.status.model import ReloadStatus, RuntimeFacts, Status
from smithd.storage.degraded import CommitHealth

T = 1_763_906_400.0
CONFIG = """
rules:
  errors: {metric: shop.errors, warning: "> 1", critical: "> 5", push: true, mute: [always]}
  slow: {metric: shop.orders, warning: "< 5", for: 5m}
time_windows:
  always: {from: "00:00", to: "23:59"}
widgets:
  shop.orders: shop.orders
  shop.text: {value: shop.stock, format: "{{ value }} left"}
live_activities:
  shop: {type: stats, title: Shop, show: always, stats: [{label: Orders, value: shop.orders}]}
"""


def seen(harness: Harness, health: CommitHealth = CommitHealth(), **facts: Any) -> Status:  # noqa: B008 - it is frozen
    setup, state = harness.engine.engine.setup, harness.engine.engine.state
    config = setup.config
    delivery = AccountDelivery(DEFAULT_ACCOUNT, config.account, config.zone)
    known: dict[str, Any] = {
        "version": "1",
        "started_at": T,
        "last_reload": None,
        "state_path": "state.db",
        "health": health,
        "committed_at": T,
        "entries_waiting": 0,
        "skipped": {},
        "dropped": {},
        "put_off": {},
        "gates": [gate_status(delivery, 100.0, harness.now)],
        "instant": 100.0,
    }
    return status(setup, state, RuntimeFacts(**(known | facts)), harness.now)


def test_a_source_is_unseen_then_up_then_failing_then_silent(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, T) as harness:
        assert [(source.name, source.health) for source in seen(harness).sources] == [
            ("shop", "unseen"),
            ("depot", "unseen"),
        ]
        harness.poll(T + 1, orders=9)
        shop = seen(harness, skipped={"shop": 2}, dropped={"shop": 1}).sources[0]
        assert (shop.health, shop.since, shop.answered_at) == ("up", T + 1, T + 1)
        assert (shop.polls_skipped, shop.answers_dropped) == (2, 1)
        harness.fail(T + 61)
        shop = seen(harness, put_off={"shop": T + 361}).sources[0]
        assert (shop.health, shop.since, shop.reason) == ("failing", T + 61, "no answer")
        assert shop.put_off_until == T + 361
        harness.poll(T + 121, orders=9)
        harness.pass_time(T + 1000)
        assert seen(harness).sources[0].health == "silent"


def test_alerts_have_their_state_severity_and_what_suppresses_them(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, T) as harness:
        harness.poll(T + 1, errors={"a": 9, "b": 0}, orders=1)
        errors, slow = sorted(seen(harness).alerts, key=lambda alert: alert.rule)
        assert (errors.rule, dict(errors.labels), errors.state, errors.severity) == (
            "errors",
            {"house": "a"},
            "firing",
            "critical",
        )
        assert (errors.value, errors.suppressed) == (9.0, "muted")
        assert errors.suppressed_until is not None
        assert (slow.rule, slow.state, slow.severity, slow.suppressed) == ("slow", "pending", None, "")
        assert [(rule.name, rule.firing, rule.pending) for rule in seen(harness).rules] == [
            ("errors", 1, 0),
            ("slow", 0, 1),
        ]


def test_surfaces_have_what_is_shown_what_waits_and_why_nothing_is_rendered(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, T) as harness:
        harness.poll(T + 1, orders=9, stock={"a": 1, "b": 2})
        orders, text, shop = seen(harness).surfaces
        assert (orders.kind, orders.name, orders.shown, orders.waiting) == ("widget", "shop.orders", None, True)
        assert text.reason.startswith("shop.stock has 2 series where one is needed")
        assert (shop.kind, shop.has_slot) == ("live_activity", True)
        (account,) = seen(harness).accounts
        assert sum(lane.waiting for lane in account.waiting) == 2
        assert (orders.desired, orders.waiting_reason, orders.waiting_why) == (9, "next", "it goes next")
        harness.take()
        orders, _, shop = seen(harness).surfaces
        assert (orders.shown, orders.shown_at, orders.waiting) == (9, T + 1, False)
        assert (shop.shown, shop.desired, shop.waiting_why) == ("Shop, Orders 9", "Shop, Orders 9", "")
        (account,) = seen(harness).accounts
        assert (account.slots_used, account.slots, account.waiting) == (1, 4, [])


def test_what_is_shown_stands_beside_what_should_be_and_says_when_it_is_stale(tmp_path: Path) -> None:
    config = CONFIG.replace("shop.orders: shop.orders\n", "shop.orders: {value: shop.orders, min_interval: 10m}\n")
    with Harness(tmp_path, config, T) as harness:
        harness.poll(T + 1, orders=9)
        harness.take()
        harness.poll(T + 61, orders=10)
        orders = seen(harness).surfaces[0]
        assert (orders.shown, orders.desired, orders.waiting, orders.stale) == (9, 10, True, False)
        assert (orders.waiting_reason, orders.waiting_until) == ("not_due", T + 601)
        harness.pass_time(T + 1000)
        assert seen(harness).surfaces[0].stale


def test_a_source_has_its_type_its_schedule_and_when_it_is_polled_next(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, T) as harness:
        planned = Planned({"shop": ["job"]}, {"job": T + 60})
        shop, depot = seen(harness, planned=planned).sources
        assert (shop.type, shop.schedule, shop.next_poll_at) == ("shop", "every 1m", T + 60)
        assert depot.next_poll_at is None


def test_a_rule_has_its_thresholds_and_its_worst_alert(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, T) as harness:
        harness.poll(T + 1, errors={"a": 9, "b": 2}, orders=9)
        errors, slow = seen(harness).rules
        assert (errors.metric, errors.state, errors.severity, errors.firing) == ("shop.errors", "firing", "critical", 2)
        assert (errors.since, errors.suppressed, errors.notifies) == (T + 1, 2, True)
        assert [(each.severity, each.fires_when) for each in errors.thresholds] == [
            ("warning", "shop.errors > 1"),
            ("critical", "shop.errors > 5"),
        ]
        assert (slow.state, slow.severity, slow.since, slow.notifies) == ("inactive", None, None, False)
        assert slow.thresholds[0].fires_when == "shop.orders < 5 for 5m"


def test_silences_are_listed_until_they_end(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, T) as harness:
        harness.engine.add_silence("rule=errors", 60.0, "deploying", "ann", T + 1)
        (silence,) = seen(harness).silences
        assert (silence.matchers, silence.author, silence.ends_at) == ("rule=errors", "ann", T + 61)
        harness.pass_time(T + 62)
        assert seen(harness).silences == []


def test_slots_that_are_wanted_are_counted(tmp_path: Path) -> None:
    row = "type: stats, title: Shop, stats: [{label: Orders, value: shop.orders}]"
    config = f"live_activities:\n  one: {{{row}}}\n  two: {{{row}, show: {{while_firing: [slow]}}}}\n"
    with Harness(tmp_path, "rules:\n  slow: {metric: shop.orders, warning: '< 5'}\n" + config, T) as harness:
        harness.poll(T + 1, orders=9)
        assert seen(harness).accounts[0].slots_wanted == 1
        harness.poll(T + 61, orders=1)
        assert seen(harness).accounts[0].slots_wanted == 2


def test_the_badge_has_its_number(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG + "badge: shop.orders\n", T) as harness:
        harness.poll(T + 1, orders=9)
        harness.take()
        found = [(each.kind, each.shown, each.shown_at) for each in seen(harness).surfaces if each.kind == "badge"]
        assert found == [("badge", 9, T + 1)]


def test_a_live_activity_that_waits_says_who_has_the_slots_and_when_it_may_start(tmp_path: Path) -> None:
    row = "stats: [{label: Orders, value: shop.orders}]"
    config = (
        "  limits: {live_activities_at_once: 1}\nrules:\n  errors: {metric: shop.errors, critical: '> 5'}\n"
        f"live_activities:\n  shop: {{type: stats, title: Shop, priority: 3, {row}}}\n"
        f"  incident: {{type: stats, title: Incident, show: {{while_firing: [errors]}}, {row}}}\n"
    )
    head = HEAD.replace("activitysmith: {api_key: ask_test}\n", "") + "activitysmith:\n  api_key: ask_test\n"
    with Harness(tmp_path, config, T, head) as harness:
        harness.poll(T + 1, orders=9, errors=0)
        harness.take()
        harness.poll(T + 61, orders=9, errors=9)
        shop, incident = seen(harness).surfaces
        assert (shop.rank, shop.has_slot, shop.may_start_at) == ("routine, priority 3", True, None)
        assert (incident.rank, incident.has_slot) == ("critical, priority 5", False)
        assert incident.reason == "waits for a slot; shop (routine, priority 3) holds it"
        assert incident.may_start_at == T + 121


def test_a_live_activity_that_nobody_wants_says_so_and_has_no_rank(tmp_path: Path) -> None:
    config = (
        "rules:\n  errors: {metric: shop.errors, critical: '> 5'}\nlive_activities:\n"
        "  incident: {type: stats, title: A, show: {while_firing: [errors]}, stats: [{label: A, value: shop.orders}]}\n"
    )
    with Harness(tmp_path, config, T) as harness:
        harness.poll(T + 1, orders=9, errors=0)
        (incident,) = seen(harness).surfaces
        assert (incident.rank, incident.waiting_reason) == ("", "")
        assert incident.waiting_why == "it is not wanted: its 'show' does not hold, or it is muted"


def test_a_state_that_cannot_be_written_shows_since_when_and_why(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, T) as harness:
        failing = CommitHealth().failed(Unwritable("the disk is full"), 90.0, 91.0)
        found = seen(harness, failing)
        assert (found.degraded, found.state.failing_since, found.state.reason) == (False, T - 10, "the disk is full")
        degraded = failing.failed(Unwritable("the disk is full"), 95.0, 96.0)
        assert seen(harness, degraded).degraded
        assert not seen(harness).degraded
        assert seen(harness).state.failing_since is None


def test_a_commit_that_has_not_ended_for_five_seconds_hangs(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, T) as harness:
        assert seen(harness).state.commit_hangs_since is None
        assert seen(harness, beside_since=95.1).state.commit_hangs_since is None
        assert seen(harness, beside_since=95.0).state.commit_hangs_since == T - 5


def test_as_json_writes_times_in_the_zone_and_keeps_the_rest(tmp_path: Path) -> None:
    with Harness(tmp_path, CONFIG, T) as harness:
        harness.poll(T + 1, errors=9)
        written = as_json(seen(harness, last_reload=ReloadStatus(T, "")), UTC)
        assert written["started_at"] == "2025-11-23T14:00:00+00:00"
        assert written["last_reload"] == {"reloaded_at": "2025-11-23T14:00:00+00:00", "refused": ""}
        assert written["alerts"][0]["since"] == "2025-11-23T14:00:01+00:00"
        assert written["sources"][1]["since"] is None
        assert written["accounts"][0]["budgets"][0] == {"family": "notifications", "used": 0, "limit": 60}


def test_each_account_has_its_own_gate_slots_and_messages(tmp_path: Path) -> None:
    text = CONFIG.replace("show: always", "show: always, account: [default, team]")
    text += "accounts: {team: {api_key: t, limits: {share: 50%}}, night: {api_key: n, same_account_as: team}}\n"
    with Harness(tmp_path, text, T) as harness:
        harness.poll(T + 1, orders=9)
        accounts = harness.engine.engine.setup.config.accounts
        gates = [
            gate_status(AccountDelivery(name, options, UTC), 100.0, harness.now) for name, options in accounts.items()
        ]
        found = {account.name: account for account in seen(harness, gates=gates).accounts}
        assert [*found] == ["default", "team", "night"]
        assert {name: account.slots for name, account in found.items()} == {"default": 4, "team": 2, "night": 2}
        assert sum(lane.waiting for lane in found["team"].waiting) == 1
        assert found["night"].waiting == []
        streams = [each for each in seen(harness, gates=gates).surfaces if each.kind == "live_activity"]
        assert [(each.account, each.name) for each in streams] == [("default", "shop"), ("team", "shop")]

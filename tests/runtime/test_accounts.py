"""A daemon with several accounts: each has its own key, phone, budget and slots, and none delays another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from runtime.life import KEYS, Life, Phone, Scripted, living
from smithd.delivery.reply import Accepted, Limit, NotSent, Refusal, Rejected, Reply
from smithd.delivery.wire import Request
from smithd.events import (
    AccountForgotten,
    AlertChanged,
    DeliveryBlocked,
    NotificationChanged,
    Reloaded,
    RequestEnded,
)
from smithd.outbox.deliveries import read_all
from smithd.runtime.components import Components
from smithd.status.fill import status
from smithd.storage.database import Database
from virtual_time import run_virtual

SOURCES = """
sources:
  shop: {type: shop, every: 10s}
"""
RULES = """
rules:
  errors: {metric: shop.errors, critical: "> 5", account: [default, team], push: {title: Errors}}
"""
SURFACES = """
live_activities:
  shop: {type: value, title: Shop, value: shop.errors, account: [default, team], update_every: 5s}
badge: {value: count(firing), account: [default, team]}
"""
TEAM = f"accounts: {{team: {{api_key: {KEYS[1]}}}}}\n"
OPS = f"accounts: {{ops: {{api_key: {KEYS[1]}}}}}\n"
SAME = f"accounts: {{team: {{api_key: {KEYS[1]}, same_account_as: default}}}}\n"
BOTH = TEAM + SOURCES + RULES + SURFACES
TO_EACH = f"""
{SOURCES}
rules:
  ours: {{metric: shop.errors, critical: "> 5", push: {{title: Errors}}}}
  theirs: {{metric: shop.errors, critical: "> 5", account: team, push: {{title: Errors}}}}
live_activities:
  ours: {{type: value, title: Shop, value: shop.errors}}
  theirs: {{type: value, title: Shop, value: shop.errors, account: team}}
"""
"""Two keys of one account: nothing goes to both."""


@pytest.fixture
def live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, Callable[[Life], Awaitable[None]], Phone], Life]:
    def run(text: str, scenario: Callable[[Life], Awaitable[None]], phone: Phone) -> Life:
        async def main() -> Life:
            async with living(tmp_path, text, monkeypatch, phone) as life:
                await scenario(life)
            return life

        return run_virtual(main)

    return run


def taken(phone: Phone, account: str, since: int = 0) -> list[str]:
    """What an account's service took, in a few words, in order; ``since``: of how many requests it did before."""
    key = {"default": KEYS[0], "team": KEYS[1], "ops": KEYS[1]}[account]
    found = [sent for sent in phone.sent[since:] if sent.key == key and sent.is_taken]
    words = [f"{sent.method} {sent.path.rpartition('/')[2]}" for sent in found]
    return ["replace" if "pn_" in each else each for each in words]


def refusing(account: str, reply: Reply, takes: float = 0.0) -> Callable[[Request], Awaitable[Reply | None]]:
    async def answer(request: Request) -> Reply | None:
        if request.key.account != account:
            return None
        await asyncio.sleep(takes)
        return reply

    return answer


def once(account: str, of: str, reply: Reply) -> Callable[[Request], Awaitable[Reply | None]]:
    """The first request of an account to what starts with this path is answered so."""
    left = [reply]

    async def answer(request: Request) -> Reply | None:
        is_it = request.key.account == account and request.path.startswith(of)
        return left.pop() if is_it and left else None

    return answer


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (Rejected(Refusal.UNAUTHORIZED, 401, "HTTP 401, no"), BOTH),
        (Rejected(Refusal.UNAUTHORIZED, 401, "HTTP 401, no"), SAME + TO_EACH),
        (Rejected(Refusal.BILLING, 402, "HTTP 402, no"), BOTH),
        (NotSent("no route to host"), BOTH),
        (NotSent("no route to host"), SAME + TO_EACH),
    ],
)
@pytest.mark.parametrize(("hindered", "other"), [("team", "default"), ("default", "team")])
def test_what_hinders_one_account_or_key_hinders_no_other(
    live: Any, reply: Reply, text: str, hindered: str, other: str
) -> None:
    phone = Phone(fault=refusing(hindered, reply, 5.0))

    async def scenario(life: Life) -> None:
        await asyncio.sleep(600)
        began = len(phone.sent)
        Scripted.values.update(shop=9)
        await asyncio.sleep(11)
        assert "POST push-notification" in taken(phone, other, began)
        assert taken(phone, hindered) == []
        said = life.told(DeliveryBlocked)
        assert said
        assert all((" to team " in each) is (hindered == "team") for each in said)
        # What waits for it goes once it may.
        phone.fault = None
        await asyncio.sleep(4000)
        methods = {each.partition(" ")[0] for each in taken(phone, hindered)}
        assert {"POST", "PUT"} <= methods

    live(text, scenario, phone)


def test_no_message_of_one_account_waits_for_the_other(live: Any) -> None:
    """Five requests of one that are never answered, and thousands that wait, delay nothing of the other."""
    theirs = "".join(f"  w{number}: {{value: shop.errors, min_interval: 0s, account: team}}\n" for number in range(300))
    text = f"{TEAM}{SOURCES}{RULES}widgets:\n{theirs}  mine: {{value: shop.errors, min_interval: 0s}}\n"
    phone = Phone(fault=refusing("team", NotSent("too late"), 25.0))

    async def scenario(life: Life) -> None:
        for value in range(30):
            Scripted.values.update(shop=value % 5 if value < 20 else 9)
            await asyncio.sleep(10)
        mine = [sent for sent in phone.sent if sent.key == KEYS[0] and "push" not in sent.path]
        polls = [at for _, at in life.did("shop", "poll")]
        late = [sent.at - max(at for at in polls if at <= sent.at) for sent in mine]
        assert len(mine) > 15
        assert max(late) < 0.5
        assert taken(phone, "default").count("POST push-notification") == 1

    live(text, scenario, phone)


@pytest.mark.parametrize("same", [True, False])
def test_budgets_are_apart_unless_two_keys_are_of_the_same_account(live: Any, same: bool) -> None:
    widgets = [f"  w{number}: {{value: shop.errors, account: team, min_interval: 0s}}" for number in range(200)]
    widgets += [f"  v{number}: {{value: shop.errors, min_interval: 0s}}" for number in range(200)]
    team = SAME if same else TEAM
    phone = Phone()

    async def scenario(life: Life) -> None:
        for value in range(18):
            Scripted.values.update(shop=value)
            await asyncio.sleep(10)
        for key in KEYS:
            assert sum(sent.key == key for sent in phone.sent) > 100, "none is starved"
        most = max(
            sum(first.at <= sent.at < first.at + 60 for sent in phone.sent if same or sent.key == first.key)
            for first in phone.sent[::20]
        )
        assert most <= 300
        if not same:
            assert len(phone.sent) > 900

    live(team + SOURCES + "widgets:\n" + "\n".join(widgets) + "\n", scenario, phone)


TOO_MANY = Rejected(Refusal.RATE_LIMITED, 429, "HTTP 429, no", retry_after=90.0)
USED_UP = Accepted("set", limits=(Limit("account:metrics", 0, 60, 300, 60),))
LOWER = Accepted("set", limits=(Limit("account:metrics", 30, 60, 30, 60),))


@pytest.mark.parametrize("accounts", [TEAM, SAME])
@pytest.mark.parametrize(
    ("reply", "most"),
    [
        (TOO_MANY, 5),
        (USED_UP, 5),
        (LOWER, 35),
    ],
)
def test_what_the_service_says_of_a_limit_holds_for_each_key_of_the_account(
    live: Any, reply: Reply, most: int, accounts: str
) -> None:
    """The service says it to ``team``, whose only request this is, while the first five of the other are in flight."""
    widgets = [f"  w{number}: {{value: shop.errors, min_interval: 0s}}" for number in range(45)]
    widgets.append("  theirs: {value: shop.other, account: team, min_interval: 0s}")
    phone = Phone(fault=once("team", "/metrics", reply), delay=0.01)

    async def scenario(_: Life) -> None:
        for value in range(5):
            Scripted.values.update(shop=value)
            await asyncio.sleep(10)
        ours = sum(sent.key == KEYS[0] for sent in phone.sent)
        assert 0 < ours <= most if accounts == SAME else ours > 200

    live(accounts + SOURCES + "widgets:\n" + "\n".join(widgets) + "\n", scenario, phone)


@pytest.mark.parametrize("accounts", [TEAM, SAME])
def test_a_lack_of_slots_holds_for_each_key_of_the_account(live: Any, accounts: str) -> None:
    full = Rejected(Refusal.SLOTS_FULL, 429, "HTTP 429, no slot")
    phone = Phone(fault=once("team", "/live-activity", full))
    text = """
live_activities:
  theirs: {type: value, title: Theirs, value: shop.errors, account: team}
  ours: {type: value, title: Ours, value: shop.errors, show: {when: shop.errors > 5}}
"""

    async def scenario(_: Life) -> None:
        await asyncio.sleep(30)
        Scripted.values.update(shop=9)
        await asyncio.sleep(300)
        assert taken(phone, "default") == ([] if accounts == SAME else ["PUT ours"])
        await asyncio.sleep(600)
        assert taken(phone, "default") == ["PUT ours"]

    live(accounts + SOURCES + text, scenario, phone)


def test_a_share_leaves_the_rest_to_others(live: Any) -> None:
    widgets = [f"  w{number}: {{value: shop.errors, account: team, min_interval: 0s}}" for number in range(200)]
    team = f"accounts: {{team: {{api_key: {KEYS[1]}, limits: {{share: 20%}}}}}}\n"
    phone = Phone()

    async def scenario(_: Life) -> None:
        for value in range(18):
            Scripted.values.update(shop=value)
            await asyncio.sleep(10)
        times = [sent.at for sent in phone.sent]
        assert max(sum(first <= at < first + 60 for at in times) for first in times) <= 60
        assert len(times) > 120

    live(team + SOURCES + "widgets:\n" + "\n".join(widgets) + "\n", scenario, phone)


def test_an_account_that_a_reload_removes_is_ended_with_its_key(live: Any) -> None:
    phone = Phone()

    async def scenario(life: Life) -> None:
        Scripted.values.update(shop=9)
        await asyncio.sleep(60)
        began = len(phone.sent)
        alone = RULES.replace("[default, team]", "default") + SURFACES.replace("[default, team]", "default")
        assert isinstance(await life.reload(SOURCES + alone), Reloaded)
        await asyncio.sleep(30)
        assert sorted(taken(phone, "team", began)) == ["DELETE shop", "POST badge", "replace"]
        assert all("DELETE" not in each for each in taken(phone, "default", began))
        # It comes back as new.
        again = len(phone.sent)
        await life.reload(BOTH)
        await asyncio.sleep(700)
        assert {"PUT shop", "POST push-notification"} <= {*taken(phone, "team", again)}
        assert "POST push-notification" not in taken(phone, "default", again)

    live(BOTH, scenario, phone)


def test_an_account_that_a_reload_removes_is_in_the_status_until_what_it_shows_is_ended(
    live: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Components] = []

    def noted(*given: Any, **more: Any) -> Components:
        made.append(Components(*given, **more))
        return made[-1]

    def accounts() -> list[tuple[str, bool, int, int]]:
        (running,) = made
        engine, now = running.engine, running.clock.now()
        found = status(engine.setup, engine.state, running._facts(), now).accounts
        return [(each.name, each.removed, each.slots_used, each.slots) for each in found]

    monkeypatch.setattr("smithd.runtime.daemon.Components", noted)
    phone = Phone()

    async def scenario(life: Life) -> None:
        await asyncio.sleep(60)
        phone.fault = refusing("team", NotSent("no route to host"))
        await life.reload(SOURCES + (RULES + SURFACES).replace("[default, team]", "default"))
        await asyncio.sleep(30)
        assert accounts() == [("default", False, 1, 4), ("team", True, 1, 0)]
        phone.fault = None
        await asyncio.sleep(600)
        assert accounts() == [("default", False, 1, 4)]

    live(BOTH, scenario, phone)


@pytest.mark.parametrize("restarts", [False, True])
def test_an_account_with_another_name_goes_on(live: Any, tmp_path: Path, restarts: bool) -> None:
    phone, renamed = Phone(), OPS + (SOURCES + RULES + SURFACES).replace("team", "ops")

    async def first(life: Life) -> None:
        Scripted.values.update(shop=9)
        await asyncio.sleep(60)
        if not restarts:
            await second(life)

    async def second(life: Life) -> None:
        began = len(phone.sent)
        Scripted.values.update(shop=9)
        if not restarts:
            await life.reload(renamed)
        await asyncio.sleep(60)
        assert [each for each in taken(phone, "ops", began) if "push" in each or "DELETE" in each] == []
        Scripted.values.update(shop=0)
        await asyncio.sleep(60)
        assert "replace" in taken(phone, "ops", began)
        assert life.told(AccountForgotten) == []

    live(BOTH, first, phone)
    if restarts:
        live(renamed, second, phone)

    database = Database.open(tmp_path / "state.db")
    with database.transaction() as connection:
        remembered = [each for each in read_all(connection) if "Live Activity shop" in each.key]
    database.close()
    keys = ["Live Activity shop", "Live Activity shop of ops"]
    assert sorted({(each.account, each.key) for each in remembered}) == list(zip(["default", "ops"], keys, strict=True))
    # What is shown to both is remembered of both from the start, whatever the name was then.
    assert len({min(each.at for each in remembered if each.key == key) // 10 for key in keys}) == 1


def test_a_restart_without_an_account_forgets_what_it_shows_and_says_so(live: Any) -> None:
    phone = Phone()

    async def first(_: Life) -> None:
        Scripted.values.update(shop=9)
        await asyncio.sleep(60)

    async def second(life: Life) -> None:
        began = len(phone.sent)
        await asyncio.sleep(60)
        assert [sent for sent in phone.sent[began:] if sent.key == KEYS[1]] == []
        (said,) = life.told(AccountForgotten)
        assert said.startswith("account team is not configured any more: 2 Live Activities or badges stay")

    async def third(life: Life) -> None:
        await asyncio.sleep(30)
        assert life.told(AccountForgotten) == []

    live(BOTH, first, phone)
    alone = SOURCES + RULES.replace("[default, team]", "default") + SURFACES.replace("[default, team]", "default")
    live(alone, second, phone)
    live(alone, third, phone)


def test_a_restart_notifies_no_account_twice(live: Any) -> None:
    phone = Phone()

    async def scenario(_: Life) -> None:
        Scripted.values.update(shop=9)
        await asyncio.sleep(120)

    live(BOTH, scenario, phone)
    sent = len(phone.sent)
    live(BOTH, scenario, phone)
    assert [each for each in phone.sent[sent:] if "push" in each.path] == []
    assert [taken(phone, account).count("POST push-notification") for account in ("default", "team")] == [1, 1]


def test_the_log_says_which_account_was_notified(live: Any) -> None:
    async def scenario(life: Life) -> None:
        Scripted.values.update(shop=9)
        await asyncio.sleep(30)
        assert [event.decision for event in life.facts if isinstance(event, AlertChanged)] == ["notified"]
        assert life.told(NotificationChanged) == ["alert errors (critical): notified: account team"]

    live(BOTH, scenario, Phone())


def test_the_end_of_a_request_is_counted_for_its_account(live: Any) -> None:
    phone = Phone(fault=refusing("team", NotSent("no route to host")))

    async def scenario(life: Life) -> None:
        Scripted.values.update(shop=9)
        await asyncio.sleep(30)
        ends = {(end.account, end.outcome) for end in life.facts if isinstance(end, RequestEnded)}
        assert ends == {("default", "accepted"), ("team", "not_sent")}

    live(BOTH, scenario, phone)

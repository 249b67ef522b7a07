"""A reload is a restart that keeps readings and connections: whatever was edited, no alert is lost or told twice."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path

import pytest

from runtime.life import KEYS, PLUGIN, Life, Scripted, living
from smithd.delivery.reply import Refusal, Rejected, Reply
from smithd.delivery.wire import Request
from smithd.events import AlertChanged, DeliveryBlocked, Reloaded, ReloadRefused, Serving, SurfaceNotRenderable
from smithd.serving import bind
from virtual_time import run_virtual

SHOP = """
sources:
  shop: {type: shop, every: 20s}
  host: {type: shop, every: 30s}
"""
RULES = """
rules:
  errors: {metric: shop.errors, warning: "> 1", critical: "> 5", push: true}
  load: {metric: host.errors, warning: "> 1", push: true}
"""
WIDGETS = """
widgets:
  shop.errors: shop.errors
"""
ALL = SHOP + RULES + WIDGETS

Scenario = Callable[[Life], Awaitable[None]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Scenario], Life]:
    """Runs a scenario against a daemon with a configuration."""

    def run_scenario(text: str, scenario: Scenario) -> Life:
        async def main() -> Life:
            async with living(tmp_path, text, monkeypatch) as life:
                await scenario(life)
            return life

        return run_virtual(main)

    return run_scenario


RunScenario = Callable[[str, Scenario], Life]


def gaps(calls: list[tuple[str, float]]) -> list[float]:
    return [later - earlier for (_, earlier), (_, later) in pairwise(calls)]


def test_nothing_changed_sends_nothing_and_disturbs_nobody(run: RunScenario) -> None:
    async def scenario(life: Life) -> None:
        Scripted.values.update(shop=7)
        await asyncio.sleep(125)
        assert life.phone.pushes() == ["errors is critical"]
        sent = len(life.phone.sent)
        for _ in range(5):
            assert isinstance(await life.reload(), Reloaded)
            await asyncio.sleep(33)
        assert len(life.phone.sent) == sent
        assert [what for what, _ in life.did("shop", "open", "close")] == ["open"]
        assert gaps(life.did("shop", "poll"))[1:] == pytest.approx([20] * (len(life.did("shop", "poll")) - 2), abs=0.01)
        Scripted.values.update(shop=0)
        await asyncio.sleep(25)
        assert life.phone.pushes() == ["errors is critical", "Resolved: errors"]

    assert run(ALL, scenario).stopped_cleanly


def test_a_source_that_was_put_off_for_a_person_is_polled_soon_after_a_reload(run: RunScenario) -> None:
    async def scenario(life: Life) -> None:
        Scripted.mistaken.add("shop")
        await asyncio.sleep(900)
        before = len(life.did("shop", "poll"))
        assert gaps(life.did("shop", "poll"))[-1] > 300
        await asyncio.sleep(60)
        Scripted.mistaken.clear()
        assert len(life.did("shop", "poll")) == before
        assert isinstance(await life.reload(), Reloaded)
        await asyncio.sleep(11)
        assert len(life.did("shop", "poll")) == before + 1
        await asyncio.sleep(200)
        assert gaps(life.did("shop", "poll"))[-2:] == pytest.approx([20, 20], abs=0.01)
        assert gaps(life.did("host", "poll"))[1:] == pytest.approx([30] * (len(life.did("host", "poll")) - 2), abs=0.01)

    run(ALL, scenario)


def test_a_source_that_changed_is_made_anew_and_its_alert_stays_open(run: RunScenario) -> None:
    async def scenario(life: Life) -> None:
        Scripted.values.update(shop=7, host=7)
        await asyncio.sleep(65)
        edited = ALL.replace("{type: shop, every: 20s}", "{type: shop, every: 25s, tag: new}")
        done = await life.reload(edited)
        assert isinstance(done, Reloaded)
        assert (done.kept, done.added, done.removed) == (1, 1, 1)
        await asyncio.sleep(125)
        assert [what for what, _ in life.did("shop", "open", "close")] == ["open", "close", "open"]
        assert [what for what, _ in life.did("host", "open", "close")] == ["open"]
        assert gaps(life.did("shop", "poll"))[-2:] == pytest.approx([25, 25], abs=0.01)
        assert sorted(life.phone.pushes()) == ["errors is critical", "load is warning"]
        assert life.phone.values() == [7]

    run(ALL, scenario)


def test_a_source_that_goes_takes_its_rules_with_it_and_another_comes(run: RunScenario) -> None:
    async def scenario(life: Life) -> None:
        Scripted.values.update(shop=7, host=7, third=7)
        await asyncio.sleep(65)
        edited = ALL.replace("host: {type: shop, every: 30s}", "third: {type: shop, every: 30s}")
        await life.reload(edited.replace("host.errors", "third.errors"))
        await asyncio.sleep(35)
        assert life.did("host")[-1][0] == "close"
        assert [what for what, _ in life.did("third")][:2] == ["open", "poll"]
        assert sorted(life.phone.pushes()) == [
            "Closed: load",
            "errors is critical",
            "load is warning",
            "load is warning",
        ]
        polls = len(life.did("host", "poll"))
        await asyncio.sleep(65)
        assert len(life.did("host", "poll")) == polls

    run(ALL, scenario)


def test_a_file_with_mistakes_changes_nothing_and_is_reported_in_full(run: RunScenario) -> None:
    async def scenario(life: Life) -> None:
        Scripted.values.update(shop=7)
        await asyncio.sleep(65)
        refused = await life.reload(ALL.replace("> 5", "5 up").replace("widgets:", "widgts:"))
        assert isinstance(refused, ReloadRefused)
        lines = list(refused.lines())
        assert any(re.search(r"smithd\.yaml:\d+:\d+: .*comparison", line) for line in lines)
        assert any("widgts" in line for line in lines)
        life.plugin.write_text("1 / 0\n")
        refused = await life.reload(ALL)
        assert isinstance(refused, ReloadRefused)
        assert re.search(r"smithd\.yaml:\d+:\d+: .*ZeroDivisionError.*shop\.py:1", refused.report)
        await asyncio.sleep(65)
        assert [what for what, _ in life.did("shop", "open", "close")] == ["open"]
        assert life.phone.pushes() == ["errors is critical"]

    run(ALL, scenario)


def test_a_file_that_cannot_be_read_to_its_end_holds_up_nobody(run: RunScenario) -> None:
    async def scenario(life: Life) -> None:
        life.reading_takes = 1e9
        refused = await life.reload()
        assert isinstance(refused, ReloadRefused)
        assert "takes longer than 60 s" in refused.report
        life.reading_takes = 0.1
        assert isinstance(await life.reload(), Reloaded)
        assert len(life.did("shop", "poll")) >= 3

    run(ALL, scenario)


def test_other_channels_are_told_from_now_on(run: RunScenario) -> None:
    async def scenario(life: Life) -> None:
        Scripted.values.update(shop=7)
        await asyncio.sleep(65)
        path = life.plugin.with_name("smithd.yaml")
        path.write_text(path.read_text().replace("[ops]", "[night]"))
        await life.reload()
        Scripted.values.update(host=7)
        await asyncio.sleep(35)
        targets = [
            sent.body["target"]["channels"] for sent in life.phone.sent if sent.method == "POST" and "push" in sent.path
        ]
        assert targets == [["ops"], ["night"]]

    run(ALL, scenario)


def test_the_state_does_not_move(run: RunScenario) -> None:
    async def scenario(life: Life) -> None:
        await asyncio.sleep(5)
        life.write(ALL)
        path = life.plugin.with_name("smithd.yaml")
        path.write_text(path.read_text().replace("state.db", "other.db"))
        refused = await life.reload()
        assert isinstance(refused, ReloadRefused)
        assert "restart smithd" in refused.report
        assert not life.plugin.with_name("other.db").exists()

    run(ALL, scenario)


def test_an_edited_threshold_is_judged_at_once_and_an_edited_text_says_nothing(run: RunScenario) -> None:
    async def scenario(life: Life) -> None:
        Scripted.values.update(shop=3)
        await asyncio.sleep(65)
        assert life.phone.pushes() == ["errors is warning"]
        await life.reload(ALL.replace("push: true", 'push: {title: "shop {{ value }}"}'))
        await asyncio.sleep(1)
        assert life.phone.pushes() == ["errors is warning"]
        polls = len(life.did("shop", "poll"))
        await life.reload(ALL.replace("> 5", "> 2"))
        await asyncio.sleep(1)
        assert life.phone.pushes() == ["errors is warning", "errors is critical"]
        assert len(life.did("shop", "poll")) == polls
        await life.reload(ALL.replace('"> 1"', '"> 4"'))
        await asyncio.sleep(1)
        assert life.phone.pushes()[2:] == ["Resolved: errors"]

    run(ALL, scenario)


def test_a_rule_or_widget_on_a_metric_that_nobody_watched_waits_for_the_next_answer(run: RunScenario) -> None:
    async def scenario(life: Life) -> None:
        Scripted.values.update(shop=7)
        await asyncio.sleep(65)
        more = 'rules:\n  other: {metric: shop.other, warning: "> 1", push: true}\n'
        await life.reload(
            ALL.replace("rules:\n", more).replace(
                "widgets:\n", 'widgets:\n  text: {value: shop.other, format: "{{ value }}"}\n'
            )
        )
        await asyncio.sleep(25)
        assert life.phone.pushes() == ["errors is critical", "other is warning"]
        assert life.phone.values() == [7, "7"]
        assert life.told(SurfaceNotRenderable) == []

    run(ALL, scenario)


def test_a_removed_rule_closes_its_alert_once_even_while_its_push_is_on_its_way(run: RunScenario) -> None:
    async def scenario(life: Life) -> None:
        life.phone.delay = 20
        Scripted.values.update(shop=7)
        await life.until(lambda: life.told(AlertChanged) != [])
        await life.reload(SHOP + WIDGETS)
        await asyncio.sleep(90)
        assert life.phone.pushes() == ["errors is critical", "Closed: errors"]
        assert [sent.method for sent in life.phone.sent if "push" in sent.path] == ["POST", "PUT"]
        for text in (SHOP, ALL, ALL):
            await life.reload(text)
            await asyncio.sleep(45)
        assert life.phone.pushes() == ["errors is critical", "Closed: errors", "errors is critical"]

    run(ALL, scenario)


def test_a_mended_key_is_used_at_once(run: RunScenario) -> None:
    async def scenario(life: Life) -> None:
        del life.phone.service.state.keys[KEYS[0]]
        Scripted.values.update(shop=7)
        await asyncio.sleep(65)
        assert life.phone.pushes() == []
        assert len(life.told(DeliveryBlocked)) == 1
        tried = len(life.phone.sent)
        await life.reload()
        await asyncio.sleep(5)
        assert len(life.phone.sent) == tried + 1, "one request finds out whether the key is good by now"
        assert len(life.told(DeliveryBlocked)) == 1
        refused = len(life.phone.sent)
        await life.reload(key=KEYS[1], text=ALL)
        await asyncio.sleep(1)
        assert life.phone.pushes() == ["errors is critical"]
        assert {sent.key for sent in life.phone.sent[refused:]} == {KEYS[1]}

    run(ALL, scenario)


@pytest.mark.parametrize("refusal", [Refusal.UNAUTHORIZED, Refusal.BILLING])
def test_where_the_account_was_put_in_order_a_reload_has_everything_sent_at_once(
    run: RunScenario, refusal: Refusal
) -> None:
    async def scenario(life: Life) -> None:
        async def fault(_: Request) -> Reply | None:
            return Rejected(refusal, 402 if refusal is Refusal.BILLING else 401, "no") if refuses else None

        refuses = True
        life.phone.fault = fault
        Scripted.values.update(shop=7, host=7)
        await asyncio.sleep(65)
        refuses = False
        await asyncio.sleep(65)
        assert life.phone.pushes() == [], "it is blocked"
        await life.reload()
        await asyncio.sleep(1)
        assert sorted(life.phone.pushes()) == ["errors is critical", "load is warning"]

    run(ALL, scenario)


def test_lower_limits_count_what_was_sent_before(run: RunScenario) -> None:
    async def scenario(life: Life) -> None:
        for value in range(30):
            Scripted.values.update(shop=value * 10)
            await asyncio.sleep(1)
        before = len(life.phone.values())
        assert before > 20
        path = life.plugin.with_name("smithd.yaml")
        path.write_text(path.read_text().replace("channels: [ops]", "channels: [ops], limits: {metrics_per_minute: 5}"))
        assert isinstance(await life.reload(), Reloaded)
        for value in range(200):
            Scripted.values.update(shop=value * 10)
            await asyncio.sleep(1)
        times = [sent.at for sent in life.phone.sent if "metrics" in sent.path]
        after = times[before:]
        assert after
        assert after[0] >= times[before - 5] + 60
        assert all(later - earlier >= 60 for earlier, later in zip(after, after[5:], strict=False))

    fast = SHOP.replace("20s", "1s") + WIDGETS.replace(
        "shop.errors: shop.errors", "shop.errors: {value: shop.errors, min_interval: 0}"
    )
    run(fast, scenario)


def test_a_refused_widget_is_tried_again_after_a_reload(run: RunScenario) -> None:
    async def scenario(life: Life) -> None:
        refusal = Rejected(Refusal.FORBIDDEN, 403, "no")

        async def fault(request: Request) -> Reply | None:
            return refusal if refuses and "metrics" in request.path else None

        refuses = True
        life.phone.fault = fault
        Scripted.values.update(shop=1)
        await asyncio.sleep(65)
        assert len(life.phone.sent) == 1
        refuses = False
        await life.reload()
        await asyncio.sleep(1)
        assert life.phone.values() == [1]

    run(ALL, scenario)


def test_a_hung_plugin_holds_up_neither_the_reload_nor_the_others(run: RunScenario) -> None:
    async def scenario(life: Life) -> None:
        await asyncio.sleep(30)
        assert isinstance(await life.reload(ALL), Reloaded)
        await asyncio.sleep(60)
        assert gaps(life.did("host", "poll"))[2:] == pytest.approx([30] * (len(life.did("host", "poll")) - 3), abs=0.01)
        assert [what for what, _ in life.did("shop", "poll")].count("poll") > 2

    life = run(ALL.replace("{type: shop, every: 20s}", "{type: shop, every: 20s, hangs: true}"), scenario)
    assert life.stopped_cleanly is False


def test_reloads_at_once_end_with_the_newest_file(run: RunScenario) -> None:
    async def scenario(life: Life) -> None:
        await asyncio.sleep(30)
        reloads = [asyncio.create_task(life.reload(ALL.replace("20s", f"{second}s"))) for second in (21, 22, 23)]
        await asyncio.gather(*reloads)
        life.write(ALL.replace("20s", "24s"))
        life.wanted.set()
        await asyncio.sleep(0.05)
        life.write(ALL.replace("20s", "26s"))
        life.wanted.set()
        await asyncio.sleep(120)
        assert gaps(life.did("shop", "poll"))[-2:] == pytest.approx([26, 26], abs=0.01)

    run(ALL, scenario)


def test_an_edited_plugin_is_imported_anew_and_an_unchanged_one_is_not(run: RunScenario) -> None:
    async def scenario(life: Life) -> None:
        await asyncio.sleep(30)
        life.plugin.write_text(PLUGIN + "    async def poll(self):\n        return await super().poll()\n")
        done = await life.reload()
        assert isinstance(done, Reloaded)
        assert (done.kept, done.added, done.removed) == (0, 2, 2)
        done = await life.reload()
        assert isinstance(done, Reloaded)
        assert (done.kept, done.added, done.removed) == (2, 0, 0)

    run(ALL, scenario)


def test_another_time_zone_makes_the_sources_anew(run: RunScenario) -> None:
    async def scenario(life: Life) -> None:
        await asyncio.sleep(30)
        done = await life.reload(ALL, zone="Europe/Berlin")
        assert isinstance(done, Reloaded)
        assert done.added == 2
        await asyncio.sleep(60)
        assert life.phone.values() == [0], "readings come anew, and say the same"

    run(ALL, scenario)


async def asked(address: str, path: str = "/live/") -> int:
    """The status that the page at an address answers with."""
    host, _, port = address.removeprefix("the page: http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return int(answer.split()[1])


async def waiting(address: str) -> Awaitable[bytes]:
    """A connection to the page on which nothing is asked: what can be read of it when it ends."""
    host, _, port = address.removeprefix("the page: http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))

    async def end() -> bytes:
        rest = await reader.read()
        writer.close()
        return rest

    return end()


def test_the_page_comes_moves_and_goes(run: RunScenario) -> None:
    async def scenario(life: Life) -> None:
        await asyncio.sleep(5)
        assert life.told(Serving) == []
        page = 'web: {listen: "127.0.0.1:0"}\n'
        await life.reload(ALL + page)
        (first,) = life.told(Serving)
        assert await asked(first) == 200
        await life.reload(ALL + 'web: {listen: "127.0.0.1:0", token: s3cret}\n')
        assert len(life.told(Serving)) == 1
        assert await asked(first) == 401
        assert await asked(first, "/live/?token=s3cret") == 200
        with bind("127.0.0.1", 0) as taken:
            refusal = await life.reload(ALL + page.replace(":0", f":{taken.getsockname()[1]}"))
            assert isinstance(refusal, ReloadRefused)
            assert "another program uses this port" in refusal.report
        assert await asked(first) == 401
        idle = await waiting(first)
        await life.reload(ALL + page.replace("127.0.0.1", "127.0.0.2"))
        assert await idle == b"", "the page has left its first place"
        moved = life.told(Serving)[1]
        assert await asked(moved) == 200
        idle = await waiting(moved)
        await life.reload(ALL)
        assert await idle == b""

    run(ALL, scenario)


def test_an_expression_that_comes_to_need_another_metric_waits_for_it(run: RunScenario) -> None:
    """...and its alert stays open meanwhile."""
    when = 'rules:\n  odd: {when: "shop.errors > 1", severity: warning, push: true}\n'

    async def scenario(life: Life) -> None:
        Scripted.values.update(shop=7)
        await asyncio.sleep(65)
        assert life.phone.pushes() == ["odd is warning"]
        both = when.replace("shop.errors > 1", "shop.errors > 1 and shop.other > 2")
        assert isinstance(await life.reload(SHOP + both), Reloaded)
        await asyncio.sleep(65)
        assert life.phone.pushes() == ["odd is warning"]
        await life.reload(SHOP + both.replace("> 2", "> 8"))
        await asyncio.sleep(1)
        assert life.phone.pushes()[1:] == ["Resolved: odd"]

    run(SHOP + when, scenario)


def test_the_past_and_what_is_derived_go_on(run: RunScenario) -> None:
    rules = (
        "derived:\n  both: shop.errors + host.errors\nrules:\n"
        '  drop: {metric: shop.errors, warning: "drops > 50% over 10m"}\n'
        '  sum: {metric: both, warning: "> 150", push: true}\n'
    )

    async def scenario(life: Life) -> None:
        Scripted.values.update(shop=100, host=10)
        await asyncio.sleep(11 * 60)
        pushed = rules.replace('10m"}', '10m", push: true}')
        await life.reload(SHOP + pushed)
        Scripted.values.update(shop=40)
        await asyncio.sleep(25)
        assert life.phone.pushes() == ["drop is warning"]
        await life.reload(SHOP + pushed.replace("> 150", "> 45"))
        await asyncio.sleep(1)
        assert life.phone.pushes() == ["drop is warning", "sum is warning"]
        for _ in range(3):
            await life.reload()
            await asyncio.sleep(31)
        assert life.phone.pushes() == ["drop is warning", "sum is warning"]

    run(SHOP + rules, scenario)


def test_no_data_is_neither_put_off_nor_brought_on_by_reloads(run: RunScenario) -> None:
    text = ALL.replace('warning: "> 1", push', 'warning: "> 1", no_data: {severity: critical, after: 2m}, push')

    async def scenario(life: Life) -> None:
        Scripted.values.update(shop=3, host=0)
        for _ in range(12):
            await asyncio.sleep(29)
            assert isinstance(await life.reload(), Reloaded)
        assert life.phone.pushes() == ["errors is warning"]
        Scripted.silent.add("host")
        for _ in range(14):
            await asyncio.sleep(29)
            await life.reload()
        assert len(life.phone.pushes()) == 2
        assert "load" in life.phone.pushes()[1]

    run(text, scenario)


def test_a_series_that_goes_on_is_not_taken_for_gone(run: RunScenario) -> None:
    async def scenario(life: Life) -> None:
        Scripted.values.update(shop=3)
        await asyncio.sleep(65)
        await life.reload()
        await asyncio.sleep(1200)
        assert life.phone.pushes() == ["errors is warning"]
        assert life.told(AlertChanged) == life.told(AlertChanged)[:1]

    run(ALL.replace('critical: "> 5"', "no_data: {severity: critical, after: 1m}"), scenario)

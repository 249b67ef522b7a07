"""The service on a real systemd: installed by the guide word for word, reloaded, stopped still, cut off, upgraded.

The tests are a story of one machine, in the order in which they stand.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from campaign import LONG
from e2e.machine import ROOT, Machine, commands, machine
from e2e.test_kill import on_their_way, pushes_by_job
from e2e.test_run import CONFIG, data
from e2e.world import Service, Shop, await_polls, wait_until, world

pytestmark = [
    pytest.mark.campaign,
    pytest.mark.elsewhere,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not LONG, reason="a machine is booted for minutes: in 'make campaign' only"),
]

CUTS = 5
CONFIGURED = Path("etc/smithd/smithd.yaml")
STATE = Path("var/lib/private/smithd")


@dataclass
class Site:
    """The machine, and the world that it sees."""

    machine: Machine
    service: Service
    shop: Shop
    config: str

    def configure(self, config: str) -> None:
        (self.machine.tree / CONFIGURED).write_text(config)

    def is_active(self, unit: str = "smithd") -> bool:
        return self.machine.property("ActiveState", unit) == "active"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with world(data()) as (service, shop, url), machine(tmp_path_factory.mktemp("booted")) as found:
        config = re.sub(r"(?m)^state:.*\n", "", CONFIG.format(key="${credential:activitysmith_key}", url=url))
        # Each job has a notification of its own, however many fail.
        config = config.replace("group_by: ['...']", "group_by: ['...'], max_series: 100")
        (found.tree / "root/smithd/smithd.yaml").write_text(config)
        yield Site(found, service, shop, config)


def test_it_is_installed_by_the_guide_word_for_word(site: Site) -> None:
    # What follows the journal does not end.
    followed = [command.removesuffix(" -f") for command in commands("Install it")]
    assert len(followed) > 8
    said = [site.machine.run(command, given=f"{site.service.key}\n") for command in followed]
    assert "smithd.yaml is fine" in "".join(said)
    assert site.service.of("push-notification-send"), "test-push sent nothing"
    await_polls(site.shop, 3)
    wait_until(lambda: len(site.service.of("metric-value")) == 1, what="the first value")
    assert site.is_active()
    assert site.service.violations() == []


def test_it_runs_as_a_user_of_its_own_that_reads_no_key_and_writes_its_state_only(site: Site) -> None:
    main = site.machine.property("MainPID")
    assert site.machine.run(f"stat -c %u /proc/{main}").strip() != "0"
    soft, hard = site.machine.run(f"grep 'open files' /proc/{main}/limits").split()[3:5]
    # A container has no more than the machine that it runs on gives it.
    assert (soft, int(hard) > 1024) == (hard, True)
    assert site.machine.run("stat -c %a /etc/smithd/activitysmith_key").strip() == "600"
    assert (site.machine.tree / STATE / "smithd.db").exists()
    environment = (site.machine.run(f"cat /proc/{main}/environ")).replace("\0", "\n")
    assert site.service.key not in environment
    assert site.service.key not in site.machine.journal()


def test_the_journal_can_be_searched_by_source_and_event(site: Site) -> None:
    assert "smithd 0." in site.machine.journal("SMITHD_EVENT=started")
    failed = ("SMITHD_SOURCE=shop", "SMITHD_EVENT=poll_failed", "PRIORITY=4")
    site.shop.others["/stats.json"] = b"no JSON"
    wait_until(lambda: site.machine.journal(*failed) != "", what="a failure of the source")
    del site.shop.others["/stats.json"]
    wait_until(lambda: "answers again" in site.machine.journal("SMITHD_EVENT=source_recovered"), what="its end")
    assert site.machine.journal("SMITHD_SOURCE=other") == ""


def test_status_says_how_it_is(site: Site) -> None:
    found = json.loads(site.machine.run("/opt/smithd/bin/smithd status -c /etc/smithd/smithd.yaml --format json"))
    assert [source["name"] for source in found["sources"]] == ["shop"]
    assert "source" in site.machine.property("StatusText")


def test_a_reload_goes_on_in_the_same_process_and_one_with_mistakes_fails_and_changes_nothing(site: Site) -> None:
    main = site.machine.property("MainPID")
    site.configure(site.config.replace('warning: "> 1"', 'warning: "> 2"'))
    site.machine.run("sudo systemctl reload smithd")
    assert "configuration reloaded" in site.machine.journal("SMITHD_EVENT=reloaded")
    site.configure(site.config.replace("metric: shop.errors", "metric: shop.erors"))
    assert site.machine.run("sudo systemctl reload smithd", status=1)
    refused = site.machine.journal("SMITHD_EVENT=reload_refused")
    assert "/etc/smithd/smithd.yaml:" in refused
    assert "shop.errors" in refused
    assert (site.is_active(), site.machine.property("MainPID")) == (True, main)
    await_polls(site.shop, 3)
    site.configure(site.config)
    site.machine.run("sudo systemctl reload smithd")


def test_another_secret_needs_a_line_and_its_file_and_the_example_of_a_drop_in_has_them(site: Site) -> None:
    with_token = site.config.replace("every: 200ms", "every: 200ms\n    headers: {X-Token: '${credential:shop_token}'}")
    site.configure(with_token)
    assert site.machine.run("sudo systemctl restart smithd", status=1)
    # A missing credential is no matter of another try.
    wait_until(lambda: site.machine.property("ActiveState") == "failed", what="its failure")
    assert site.machine.property("NRestarts") == "0"
    assert "shop_token" in site.machine.journal()
    for name in ("stripe_key", "shop_token", "client.key"):
        site.machine.run(f"sudo install -m 600 /dev/stdin /etc/smithd/{name}", given=f"a-s3cret-of-{name}\n")
    for command in commands("More than one secret"):
        site.machine.run(command, given="a-s3cret-of-stripe_key\n")
    assert site.is_active()
    await_polls(site.shop, 3)
    assert "a-s3cret-of" not in site.machine.journal()


def test_a_daemon_that_stands_still_is_ended_and_started_again(site: Site) -> None:
    main = site.machine.property("MainPID")
    site.machine.run(f"kill -STOP {main}")
    wait_until(lambda: site.machine.property("MainPID") not in (main, "0"), 120, "another start")
    wait_until(site.is_active, what="the service to be active")
    assert site.machine.property("NRestarts") == "1"
    assert "Watchdog timeout" in site.machine.journal()
    await_polls(site.shop, 3)


def test_a_daemon_that_is_killed_is_started_again(site: Site) -> None:
    main = site.machine.property("MainPID")
    site.machine.run(f"kill -9 {main}")
    wait_until(lambda: site.machine.property("MainPID") not in (main, "0"), 60, "another start")
    wait_until(site.is_active, what="the service to be active")


def test_power_cuts_lose_no_push_and_repeat_only_what_was_cut_off(site: Site, tmp_path: Path) -> None:
    chance = random.Random(11)  # noqa: S311 - a fixed choice of moments, no secret
    site.service.delay, cut_off, failed = 0.03, Counter[str](), {}
    for number in range(CUTS):
        failed[f"j{number}"] = 1
        site.shop.data = data(orders=number, jobs=dict(failed))
        time.sleep(chance.uniform(0.0, 0.8))  # a real machine is cut off at a real moment
        site.machine.cut_power()
        copy = tmp_path / str(number)
        shutil.copytree(site.machine.tree / STATE, copy, ignore=shutil.ignore_patterns("*.sock"))
        cut_off.update(on_their_way(copy / "smithd.db"))
        site.machine.boot()
        wait_until(site.is_active, what="the service after the boot")
        await_polls(site.shop, 3)
    site.service.delay = 0.0
    titles = {f"job {name} failed" for name in failed}
    wait_until(lambda: titles <= set(pushes_by_job(site.service)), what="every push")
    await_polls(site.shop, 5)
    sent = {title: len(requests) for title, requests in pushes_by_job(site.service).items() if title in titles}
    assert {title: count for title, count in sent.items() if count > 1 + cut_off[title]} == {}
    assert site.service.violations() == []


def test_the_state_of_an_earlier_version_is_upgraded_and_nothing_of_it_is_notified_again(site: Site) -> None:
    site.machine.run("systemctl stop smithd")
    folder = site.machine.tree / STATE
    owner = folder.stat()
    for path in folder.iterdir():
        path.unlink()
    earlier = min((ROOT / "tests/storage/released").iterdir())
    with closing(sqlite3.connect(folder / "smithd.db")) as state:
        state.executescript(earlier.read_text())
    shutil.chown(folder / "smithd.db", owner.st_uid, owner.st_gid)
    before = len(site.service.of("push-notification-send"))
    site.shop.data = data(errors=7)
    site.machine.run("systemctl start smithd")
    await_polls(site.shop, 5)
    assert f"from version {earlier.stem}" in site.machine.journal("SMITHD_EVENT=state_upgraded")
    assert [path.name for path in folder.glob("*before*")]
    titles = [request.body["title"] for request in site.service.of("push-notification-send")[before:]]
    assert not [title for title in titles if "errors" in title]


def test_a_second_configuration_runs_beside_it_by_the_guide(site: Site) -> None:
    (site.machine.tree / "root/smithd/shop.yaml").write_text(site.config.replace("shop.orders:", "second.orders:"))
    for command in commands("A second configuration"):
        site.machine.run(command, given=f"{site.service.key}\n")
    assert site.is_active("smithd@shop")
    assert site.is_active()
    wait_until(lambda: any(one.name == "second.orders" for one in site.service.of("metric-value")), what="its value")
    assert (site.machine.tree / "var/lib/private/smithd-shop/smithd.db").exists()


def test_it_stops_at_once_and_says_so(site: Site) -> None:
    began = time.monotonic()
    site.machine.run("systemctl stop smithd smithd@shop")
    assert time.monotonic() - began < 15
    assert site.machine.property("Result") == "success"
    assert "stopped; messages that wait on disk" in site.machine.journal("SMITHD_EVENT=stopped")

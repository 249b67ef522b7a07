"""What another configuration changes, as ``smithd check --diff`` says it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from config.corpus import SOUND
from e2e.test_run import configured, data
from e2e.world import smithd, wait_until, world
from smithd.cli.main import run
from smithd.config.changes import changes
from smithd.config.load import load

WHOLE = "".join(SOUND.values())


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _said(after: str, before: str = WHOLE) -> list[str]:
    Path("smithd.yaml").write_text(before)
    first = load(Path("smithd.yaml"), secrets_required=True)
    Path("smithd.yaml").write_text(after)
    return list(map(str, changes(first, load(Path("smithd.yaml"), secrets_required=True))))


def test_the_same_changes_nothing() -> None:
    assert _said(WHOLE) == []
    assert _said(WHOLE + "# a comment\nrules_of_none: &a\n".replace("rules_of_none: &a\n", "")) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("warning: \"> 1\"", "warning: \"> 2\"", ["~ rule error-rate: warning: > 1 → > 2"]),
        ("    push: true\n", "", ["~ rule error-rate: push.on: "]),
        ("type: prometheus\n", "type: prometheus\n    every: 5m\n", ["~ source prod: every: 1m → 5m"]),
        ("title: Production", "title: Shop", ["~ Live Activity production: title: Production → Shop"]),
        ("shop.revenue: shop.revenue", "other: shop.revenue", ["- widget shop.revenue", "+ widget other"]),
        ("activitysmith:\n", "activitysmith:\n  channels: [a]\n", ['~ account default: channels: (not set) → ["a"]']),
        ("ask_sound_0123456789", "another_key_0123", ["~ account default: api_key: [secret] → [secret]"]),
        ("sources:\n", "defaults: {timeout: 3s}\nsources:\n",
         ["~ source shop: timeout: 10s → 3s", "~ source prod: timeout: 10s → 3s"]),
        ("sources:\n", "badge: count(firing)\nwatch: true\nhistory: 9d\nsources:\n",
         ["+ badge", "~ option history: 8d → 9d", "~ option watch: false → true"]),
        ("sources:\n", "derived: {a: shop.orders * 2}\ntime_windows: {w: {days: [sat]}}\nsources:\n",
         ["+ derived metric a", "+ time window w"]),
        ("sources:\n", "heartbeat: {url: http://127.0.0.1:9/ping}\nsources:\n", ["+ heartbeat"]),
        ("metrics:\n      orders: $.orders\n", "metrics:\n      orders: {path: $.all}\n",
         ["~ source shop: metrics.orders: $.orders → (not set); metrics.orders.path: (not set) → $.all"]),
    ],
)  # fmt: skip
def test_each_change_is_said(old: str, new: str, said: list[str]) -> None:
    assert old in WHOLE
    found = _said(WHOLE.replace(old, new, 1))
    assert len(found) == len(said)
    for one, other in zip(sorted(found), sorted(said), strict=True):
        assert one.startswith(other)


def test_a_time_window_and_the_heartbeat_are_said_as_the_file_says_them() -> None:
    def whole(begin: str, day: str, every: str) -> str:
        window = f"time_windows: {{nights: {{from: '{begin}', to: '07:00', days: [{day}]}}}}\n"
        return WHOLE + window + f"heartbeat: {{url: http://127.0.0.1:9/ping, every: {every}}}\n"

    assert _said(whole("23:30", "sun", "2m"), whole("22:00", "sat", "1m")) == [
        '~ time window nights: from: 22:00 → 23:30; days: ["sat"] → ["sun"]',
        "~ heartbeat: every: 1m → 2m",
    ]


def test_a_mute_is_said_as_a_whole_as_the_file_says_it() -> None:
    def whole(mute: str) -> str:
        windows = "time_windows: {nights: {from: '22:00', to: '07:00'}}\n"
        return WHOLE.replace("    push: true\n", f"    push: true\n{mute}", 1) + windows

    short, full = "    mute: [nights]\n", "    mute: {during: [nights], except: [critical], digest: true}\n"
    assert _said(whole(""), whole(short)) == ["~ rule error-rate: mute: [nights] → (not set)"]
    assert _said(whole(full), whole(short)) == [
        "~ rule error-rate: mute: [nights] → {during: [nights], except: [critical], digest: true}"
    ]


def test_a_plugin_with_other_code_changes_its_sources() -> None:
    text = "from smithd.plugin import Options, Source\nclass Own(Source):\n  async def poll(self): return []\n"
    text += "  @classmethod\n  def metrics(cls, options): return {'a'}\n  Options = Options\n"
    whole = WHOLE.replace("sources:\n", "plugins: [own.py]\nsources:\n  mine: {type: own}\n")
    Path("own.py").write_text(text)
    Path("smithd.yaml").write_text(whole)
    before = load(Path("smithd.yaml"), secrets_required=True)
    Path("own.py").write_text(text + "# other\n")
    assert list(map(str, changes(before, load(Path("smithd.yaml"), secrets_required=True)))) == ["~ source mine"]


def test_no_secret_is_shown() -> None:
    def with_secret(secret: str) -> str:
        shop = f"    headers: {{Authorization: Bearer {secret}1}}\n    query: {{token: {secret}2, day: {secret}}}\n"
        return WHOLE.replace("    url: http://127", f"    auth: {{bearer: {secret}3}}\n    url: http://127").replace(
            "stats.json\n", f"stats.json\n{shop}"
        )

    said = "\n".join(
        _said(
            with_secret("planted_b").replace("day: planted_b", "day: b"),
            with_secret("planted_a").replace("day: planted_a", "day: a"),
        )
    )
    assert "planted" not in said
    assert "query.day: a → b" in said
    assert "auth.bearer: [secret] → [secret]" in said


def test_the_running_daemon_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with world(data(orders=3)) as (service, shop, url):
        config = configured(tmp_path, service.key, url)
        with smithd(config):
            wait_until(lambda: shop.polls > 0, what="the first poll")
            assert run(["check", "--diff", str(config)]) == 0
            assert capsys.readouterr().out == "A reload would change nothing.\n"
            text = config.read_text()
            config.write_text(
                text.replace("sources:", "history: 9d\nstate: sqlite:///other.db\nsources:", 1)
                if "state:" not in text
                else text.replace("sqlite:///state.db", "sqlite:///other.db")
            )
            assert run(["check", "--diff", "--format", "json", "-c", str(config)]) == 0
            found = json.loads(capsys.readouterr().out)
            assert "a reload cannot move it; restart smithd" in found["refused"]
            config.write_text("sources: [")
            assert run(["check", "--diff", str(config)]) == 2
            assert "expected a value" in capsys.readouterr().err
            assert run(["check", "--diff", "--format", "json", str(config)]) == 2
            found = json.loads(capsys.readouterr().out)
            assert (found["fine"], found["mistakes"][0]["message"]) == (False, "expected a value")
            assert run(["check", "--diff", "--set", "a=b", str(config)]) == 2
            assert run(["reload", "--format", "json", str(config)]) == 2
            refused = json.loads(capsys.readouterr().out)
            assert refused == found
            config.unlink()
            assert run(["reload", str(config)]) == 2
            said = capsys.readouterr().err
            assert "there is no such file" in said
            assert "-c FILE" not in said
        config.write_text(text)
    assert run(["check", "--diff", str(config)]) == 1
    assert "smithd is not running" in capsys.readouterr().err

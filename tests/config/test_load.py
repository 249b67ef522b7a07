"""What a sound configuration means: values, defaults, paths, and what is only worth a warning."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config.corpus import PROD, SOUND
from smithd.config.load import default_state, load
from smithd.config.model import Config
from smithd.config.plan import plan
from smithd.contract.endpoint import Family
from smithd.errors import ConfigError
from smithd.poll.schedule import Cron, Every

Read = Callable[..., Config]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Loads a sound configuration with these sections instead of its own; an empty one is left out."""
    monkeypatch.chdir(tmp_path)

    def read(**sections: str) -> Config:
        Path("smithd.yaml").write_text("".join((SOUND | sections).values()), encoding="utf-8")
        return load(Path("smithd.yaml"), secrets_required=True)

    return read


def test_the_smallest_configuration_is_an_account_and_a_source(read: Read) -> None:
    config = read(rules="", widgets="", live_activities="")
    assert config.account.base_url == "https://activitysmith.com/api"
    assert config.web is None
    assert not config.rules
    assert not config.widgets
    assert not config.live_activities
    assert config.sources["shop"].schedule == Every(60.0)
    assert config.sources["shop"].timeout == 10.0
    assert config.warnings == ()


def test_a_source_has_its_own_schedule_or_the_default_one(read: Read) -> None:
    prod = PROD.replace("{type", "{cron: '*/5 8-20 * * mon-fri', type")
    config = read(
        timezone="timezone: Europe/Berlin\n",
        defaults="defaults: {every: 1m30s, timeout: 500ms}\n",
        sources="sources:\n  shop: {type: http_json, url: https://x.example, timeout: 2s, "
        "metrics: {orders: $.a, revenue: $.b}}\n" + prod,
    )
    assert config.sources["shop"].schedule == Every(90.0)
    assert config.sources["shop"].timeout == 2.0
    assert config.sources["prod"].schedule == Cron("*/5 8-20 * * mon-fri", "Europe/Berlin")
    assert config.sources["prod"].timeout == 0.5
    assert config.sources["prod"].metrics == {"error_rate"}


def test_push_may_be_a_mapping_or_true_or_left_out_or_false(read: Read) -> None:
    rule = "  {}: {{metric: prod.error_rate, warning: '> 1'{}}}\n"
    written = {"a": ", push: {on: [critical]}", "b": ", push: true", "c": "", "d": ", push: false"}
    config = read(rules="rules:\n" + "".join(rule.format(*item) for item in written.items()), live_activities="")
    assert {name: rule.push is not None for name, rule in config.rules.items()} == {
        "a": True,
        "b": True,
        "c": False,
        "d": False,
    }


@pytest.mark.parametrize(
    ("written", "file"),
    [
        ("state: sqlite:////var/lib/smithd/smithd.db\n", "/var/lib/smithd/smithd.db"),
        ("state: sqlite:///state/a.db\n", "{folder}/state/a.db"),
        ("", "/run/first/smithd.db"),
    ],
)
def test_the_state_is_kept_where_the_file_or_systemd_says(
    read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, file: str
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", "/run/first:/run/second")
    assert read(state=written).state == Path(file.format(folder=tmp_path))


def test_the_state_is_in_the_users_state_folder_otherwise_and_each_file_has_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", "/home/somebody/.local/state")
    for name in ("etc", "opt"):
        (tmp_path / name).mkdir()
    (tmp_path / "link.yaml").symlink_to(tmp_path / "etc" / "shop.yaml")
    state = default_state(tmp_path / "etc" / "shop.yaml")
    digest = hashlib.sha256(bytes(tmp_path / "etc" / "shop.yaml")).hexdigest()[:8]
    assert state == Path(f"/home/somebody/.local/state/smithd/shop-{digest}.db")
    assert default_state(tmp_path / "link.yaml") == state
    assert default_state(tmp_path / "opt" / "shop.yaml") != state
    monkeypatch.chdir(tmp_path / "etc")
    assert default_state(Path("shop.yaml")) == state


def test_a_file_that_does_not_say_where_has_the_default_state(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    config = read()
    assert config.state == default_state(config.path)


def test_paths_begin_at_the_files_folder_and_not_at_the_current_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "key").write_text("from-the-file")
    (tmp_path / "etc" / "smithd.yaml").write_text(
        "activitysmith: {api_key: '${file:key}'}\nstate: sqlite:///a.db\n"
        "sources:\n  shop: {type: http_json, url: https://x.example, tls: {ca_file: ca.pem}, metrics: {a: $.a}}\n"
    )
    monkeypatch.chdir(tmp_path)
    config = load(Path("etc/smithd.yaml"), secrets_required=True)
    assert config.account.api_key.get_secret_value() == "from-the-file"
    assert config.state == tmp_path / "etc" / "a.db"
    options: Any = config.sources["shop"].options
    assert options.tls.ca_file == str(tmp_path / "etc" / "ca.pem")


@pytest.mark.parametrize(
    ("written", "host", "port"),
    [
        ("127.0.0.1:8787", "127.0.0.1", 8787),
        ("'[::1]:80'", "::1", 80),
        ("localhost:0", "localhost", 0),
    ],
)
def test_the_page_listens_on_this_machine(read: Read, written: str, host: str, port: int) -> None:
    web = read(web=f"web: {{listen: {written}}}\n").web
    assert web is not None
    assert web.listen == (host, port)


def test_the_page_may_listen_elsewhere_with_a_token(read: Read) -> None:
    web = read(web="web: {listen: 0.0.0.0:80, token: long-enough}\n").web
    assert web is not None
    assert web.listen.host == "0.0.0.0"  # noqa: S104 - the very address that is guarded


@pytest.mark.parametrize("word", ["on", "yes", "no", "off", "1:30", "0755", "2026-11-23", "1_000", "0x1F", "y", "N"])
def test_what_yaml_1_1_took_for_something_else_is_a_text(read: Read, word: str) -> None:
    assert read(activitysmith=f"activitysmith: {{api_key: k, channels: [{word}]}}\n").account.channels == [word]


@pytest.mark.parametrize(("written", "value"), [("1", 1.0), ("1.50", 1.5), ("1e2", 100.0), ("+.5", 0.5), ("'2'", 2.0)])
def test_numbers_are_numbers(read: Read, written: str, value: float) -> None:
    config = read(widgets=f"widgets: {{a: {{value: shop.orders, min_change: {written}}}}}\n")
    assert config.widgets["a"].min_change == value


def test_anchors_and_merges_save_writing(read: Read) -> None:
    config = read(
        rules="rules:\n"
        "  a: &usual {metric: prod.error_rate, warning: '> 1', for: 1m, push: &told {channels: [ops]}}\n"
        "  b: {<<: *usual, warning: '> 2'}\n"
        "  c: {<<: [{for: 2m}, *usual], push: *told}\n",
        live_activities="",
    )
    assert [(str(rule.warning), rule.hold) for rule in config.rules.values()] == [
        ("> 1", 60.0),
        ("> 2", 60.0),
        ("> 1", 120.0),
    ]
    assert config.rules["b"].push == config.rules["c"].push == config.rules["a"].push


def test_a_mistake_in_a_merged_mapping_is_reported_once_where_it_stands(read: Read) -> None:
    with pytest.raises(ConfigError) as caught:
        read(
            rules="rules:\n  a: &usual {metric: prod.error_rate, warning: high}\n  b: *usual\n  c: {<<: *usual}\n",
            activitysmith="activitysmith: {api_key: k}\n",
            live_activities="",
        )
    assert "1 mistake in" in str(caught.value)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "smithd.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + "".join(SOUND.values()).replace("\n", "\r\n").encode())
    assert load(path, secrets_required=True).sources.keys() == {"shop", "prod"}


def test_the_collector_is_as_it_was_after_loading(read: Read) -> None:
    assert gc.isenabled()
    read()
    assert gc.isenabled()
    with pytest.raises(ConfigError):
        read(sources="sources: 5\n")
    assert gc.isenabled()


ACTIVITY = "  {}: {{type: stats, title: A, stats: [{{label: a, value: shop.orders}}]}}\n"


def test_more_live_activities_than_fit_are_worth_a_warning(read: Read) -> None:
    names = ["one", "two", "three", "four", "five"]
    config = read(live_activities="live_activities:\n" + "".join(ACTIVITY.format(name) for name in names))
    (warning,) = config.warnings
    assert warning.startswith("smithd.yaml:")
    assert "5 Live Activities can be wanted while nothing fires, and 4 fit" in warning
    assert warning.endswith("wait: five")


def test_a_stream_key_with_capitals_is_worth_a_warning(read: Read) -> None:
    (warning,) = read(live_activities="live_activities:\n" + ACTIVITY.format("Prod")).warnings
    assert "'Prod' has capitals" in warning


@pytest.mark.parametrize(("threshold", "count"), [("> 1", 1), ("rises > 1 over 1h", 0)])
def test_a_text_about_a_comparison_that_the_rule_does_not_make_is_worth_a_warning(
    read: Read, threshold: str, count: int
) -> None:
    push = 'push: {title: "Up {{ change }} from {{ baseline }}", message: "{{ value }}"}'
    config = read(rules=f"rules:\n  a: {{metric: shop.orders, warning: {threshold!r}, {push}}}\n")
    said = [warning for warning in config.warnings if "'baseline' and 'change' will be empty" in warning]
    assert len(said) == count
    assert len(config.warnings) == count


@pytest.mark.parametrize(
    ("threshold", "history", "said"),
    [
        ("drops > 5% vs yesterday", "8d", None),
        ("drops > 5% vs yesterday", "2d", "does not hold two days"),
        ("drops > 5% vs last week", "8d", "does not hold two weeks"),
        ("drops > 5% vs last week", "15d", None),
        ("drops > 5% over 1h", "90m", None),
        ("drops > 5% vs average 7d", "7d", None),
    ],
)
def test_a_history_without_a_day_that_stands_in_is_worth_a_warning(
    read: Read, threshold: str, history: str, said: str | None
) -> None:
    config = read(rules=f"history: {history}\nrules:\n  a: {{metric: shop.orders, warning: {threshold}}}\n")
    assert [said in warning for warning in config.warnings if said] == ([True] if said else [])
    assert bool(config.warnings) is (said is not None)


@pytest.mark.parametrize(
    ("keys", "is_right"),
    [
        ('warning: "> 5", critical: drops > 5 over 1h', False),
        ("warning: drops > 5 over 2h, critical: drops > 9 over 1h", False),
        ("warning: drops > 5 over 1h, critical: drops > 9 over 1h", True),
        ('warning: "> 5", critical: "> 9"', True),
    ],
)
def test_the_thresholds_of_a_rule_on_a_counter_look_at_one_increase(read: Read, keys: str, is_right: bool) -> None:
    sources = (
        "sources:\n  shop: {type: http_json, url: http://x.example, metrics: {orders: {path: $.o, counter: true}}}\n"
    )
    given = {
        "sources": sources + PROD,
        "widgets": "widgets: {}\n",
        "rules": f"rules:\n  a: {{metric: shop.orders, {keys}}}\n",
    }
    if is_right:
        assert read(**given).counters == {"shop.orders": True}
        return
    with pytest.raises(ConfigError, match="look at one increase of it"):
        read(**given)


def test_a_source_may_have_a_time_zone_of_its_own(read: Read) -> None:
    shop = (
        "  shop: {type: http_json, url: http://x.example, timezone: Asia/Tokyo, metrics: {orders: $.o, visits: $.v}}\n"
    )
    config = read(sources="sources:\n" + shop + PROD, widgets="widgets: {}\n")
    assert str(config.zone_of("shop.orders")) == "Asia/Tokyo"
    assert config.zone_of("prod.error_rate") == config.zone_of("derived") == config.zone


def test_an_interval_that_ios_will_not_honour_is_worth_a_warning(read: Read) -> None:
    config = read(widgets="widgets: {a: {value: shop.orders, min_interval: 10s}, b: shop.orders}\n")
    (warning,) = config.warnings
    assert "every 10 s" in warning
    assert "15 minutes" in warning


def test_the_budget_counts_polls_intervals_and_slots(read: Read) -> None:
    config = read(
        activitysmith="activitysmith: {api_key: k, limits: {live_activities_at_once: 1}}\n",
        defaults="defaults: {every: 10s}\n",
        widgets="widgets: {a: {value: shop.orders, min_interval: 20s}, b: {value: shop.orders, min_interval: 1s}}\n",
        live_activities="live_activities:\n" + ACTIVITY.format("a") + ACTIVITY.format("b"),
    )
    found = {demand.family: (demand.steady, demand.worst, demand.limit) for demand in plan(config).demands}
    assert found == {
        Family.NOTIFICATIONS: (0, 8, 60),
        Family.BADGES: (0, 0, 60),
        Family.LIVE_ACTIVITIES: (0.2, 1, 300),
        Family.METRICS: (9, 9, 300),
    }


def test_each_account_has_its_own_budget_unless_it_is_the_same(read: Read) -> None:
    config = read(
        accounts="accounts: {team: {api_key: t, limits: {share: 50%}}, night: {api_key: n, same_account_as: team}}\n",
        defaults="defaults: {every: 10s}\n",
        widgets="widgets:\n"
        "  a: {value: shop.orders, min_interval: 20s, account: [default, team]}\n"
        "  b: {value: shop.orders, min_interval: 20s, account: night}\n",
    )
    found = {(demand.account, demand.family): (demand.steady, demand.limit) for demand in plan(config).demands}
    assert found["default", Family.METRICS] == (3.0, 300)
    assert found["team", Family.METRICS] == (6.0, 150)
    assert {account for account, _ in found} == {"default", "team"}


def test_too_many_requests_are_worth_a_warning_with_numbers(read: Read) -> None:
    config = read(
        activitysmith="activitysmith: {api_key: k, limits: {metrics_per_minute: 5, notifications_per_minute: 1}}\n",
        defaults="defaults: {every: 10s}\n",
        widgets="widgets: {a: {value: shop.orders, min_interval: 1m}, b: {value: shop.orders, min_interval: 10s}}\n",
    )
    texts = "\n".join(config.warnings)
    assert "widget values: up to 7 requests a minute while nothing fires, and 5 are allowed" in texts
    assert "notifications: up to 8 requests a minute if every alert fires and resolves" in texts


def test_check_says_what_is_clear_by_default_and_how_to_write_it_with_a_threshold(read: Read) -> None:
    config = read(
        sources="""
sources:
  prod:
    type: prometheus
    url: http://prod.example
    metrics:
      busy: node_load5 > 8
      both: up == 0 and on (job) enabled
      unused: up == 0
      error_rate: {query: up == 0, empty: missing}
      written: {query: up == 0, empty: clear}
""",
        rules="""
rules:
  busy: {metric: prod.busy, critical: "> 8"}
  twice: {metric: double, critical: "> 1"}
  kept: {metric: prod.error_rate, critical: "> 1"}
  other: {metric: prod.written, critical: "> 1"}
  strict: {when: prod.busy, severity: warning, no_data: warning}
""",
        derived="derived: {double: 2 * prod.both}\n",
        widgets="",
    )
    busy, both, strict = config.warnings
    assert "smithd.yaml:20" in strict
    assert "the query of prod.busy filters, and what it leaves out is missing for this rule, not clear" in strict
    assert "smithd.yaml:10" in both
    assert "prod.both: the query filters, so a series that its answer lacks is clear, not missing" in both
    assert "write it with a threshold: query 'node_load5', in the rule '> 8'" in busy


def test_values_that_are_stale_before_the_next_poll_are_worth_a_warning(read: Read) -> None:
    config = read(
        sources="sources:\n  shop:\n    type: http_json\n    url: https://shop.example.com/\n    every: 5m\n"
        "    fresh_for: 1m\n    metrics:\n      orders: $.orders\n"
        "      late: {path: $.late, fresh_for: 2m}\n      slow: {path: $.slow, fresh_for: 5m}\n",
        rules="",
        widgets="",
        live_activities="",
    )
    first, second = config.warnings
    assert "smithd.yaml:" in first
    assert "a value counts as fresh for 1m, and the next comes after 5m: it is stale in between" in first
    assert "a value counts as fresh for 2m" in second


def test_times_that_pass_before_the_next_poll_are_worth_a_warning(read: Read) -> None:
    def warnings(rule: str) -> list[str]:
        config = read(
            sources="sources:\n  shop:\n    type: http_json\n    url: https://shop.example.com/\n    every: 1m\n"
            "    metrics:\n      orders: $.orders\n",
            derived="derived:\n  most: max(shop.orders)\n",
            rules=f"rules:\n  few: {rule}\n",
            widgets="",
            live_activities="",
        )
        assert all("smithd.yaml:" in warning for warning in config.warnings)
        return [warning.partition("warning: ")[2] for warning in config.warnings]

    plain = "metric: shop.orders, warning: '< 5'"
    assert warnings(f"{{{plain}, for: 1m, keep_firing_for: 2m, no_data: {{severity: warning, after: 5m}}}}") == []
    assert warnings(f"{{{plain}, no_data: {{severity: warning, after: 2m}}}}") == [
        "no_data 2m is less than the 2m 40s for which a value counts as fresh, so it has no effect"
    ]
    assert warnings(f"{{{plain}, for: {{warning: 30s}}}}") == [
        "for 30s is less than the 1m between polls: one value in breach is enough to fire"
    ]
    assert warnings(f"{{{plain}, keep_firing_for: 10s}}") == [
        "keep_firing_for 10s is less than the 1m between polls: one clear value resolves"
    ]
    assert warnings(f"{{{plain}, on_error: {{severity: warning, after: 30s}}}}") == [
        "on_error 30s is less than the 2m 40s for which a value counts as fresh, so it has no effect"
    ]
    assert warnings("{metric: most, warning: 'drops > 20 over 30s'}") == [
        "over 30s is less than the 1m between polls: it often compares a value with itself"
    ]
    assert warnings(
        "{when: 'max_over(shop.orders, 20s) > 3 and max_over(shop.orders, 5m) > 9', severity: warning}"
    ) == ["a window of 20s on shop.orders is less than the 1m between its polls: it holds one value at most"]


def test_a_warning_about_a_time_is_at_its_own_place(read: Read) -> None:
    config = read(
        sources="sources:\n  shop:\n    type: http_json\n    url: https://shop.example.com/\n    every: 1m\n"
        "    metrics:\n      orders: $.orders\n",
        rules="rules:\n  few:\n    metric: shop.orders\n    warning: drops > 20 over 30s\n"
        "    critical: drops > 90 over 1h\n    for:\n      warning: 5m\n      critical: 20s\n"
        "    on_error:\n      severity: warning\n      after: 2m\n",
        widgets="",
        live_activities="",
    )
    text = config.path.read_text().splitlines()
    places = [warning.removeprefix(f"{config.path}:").split(":")[:2] for warning in config.warnings]
    assert [text[int(line) - 1][int(column) - 1 :] for line, column in places] == ["drops > 20 over 30s", "20s", "2m"]


def test_a_machine_without_a_time_zone_uses_utc_and_says_so(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smithd.config.load.local_zone", lambda: None)
    config = read()
    assert config.zone.key == "UTC"
    assert "UTC is used" in config.warnings[0]


def test_a_large_configuration_loads(tmp_path: Path) -> None:
    body = "".join(
        f"  s{number}: {{type: http_json, url: https://x.example/{number}, metrics: {{a: $.a, b: $.b}}}}\n"
        for number in range(2000)
    )
    path = tmp_path / "smithd.yaml"
    path.write_text(f"activitysmith: {{api_key: k}}\nsources:\n{body}")
    assert len(load(path, secrets_required=True).sources) == 2000


@pytest.mark.parametrize(
    ("keys", "warned"),
    [
        ("update_every: 10s", ["every 10s"]),
        ("update_every: 3m", []),
        # It comes and goes with an incident.
        ("update_every: 10s, show: {while_firing: [error-rate]}", []),
        ("", []),
    ],
)
def test_an_activity_that_is_always_shown_and_often_updated_is_worth_a_warning(
    read: Read, keys: str, warned: list[str]
) -> None:
    config = read(
        defaults="defaults: {every: 1s}\n",
        rules="rules:\n  error-rate: {metric: prod.error_rate, critical: '> 5'}\n",
        live_activities="live_activities:\n  a: {type: stats, title: A, stats: [{label: a, value: shop.orders}], "
        + keys
        + "}\n",
    )
    assert len(config.warnings) == len(warned)
    for said, warning in zip(warned, config.warnings, strict=True):
        assert said in warning
        assert "iOS" in warning

"""The plan agrees with what is sent: each configuration is played on virtual time, by the daemon's own code, with
values that change at every poll, and its requests are counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from smithd.config.load import load
from smithd.config.model import Config
from smithd.config.plan import plan
from smithd.contract.endpoint import Family
from smithd.plugin.sample import Series
from smithd.poll.schedule import period
from smithd.ruletest.model import Case, Input, RuleTests
from smithd.ruletest.play import play

TOLERANCE = 0.1
HOUR = 3600.0
LONG = 6 * HOUR
"""Within the first two hours iOS' budget of updates still has what it had at the start."""

T0 = HOUR
"""When everything begins to fire: until then only numbers change."""

OVER = 1500.0
FAR_OVER = 2500.0
WARNING, CRITICAL = [OVER, 0], [OVER, FAR_OVER, 0]

HEAD = "activitysmith: {api_key: ask_test}\ntimezone: UTC\n"
SHOP = "sources:\n  shop: {type: http_json, url: http://x.example, every: EVERY, metrics: {a: $.a, b: $.b, c: $.c}}\n"
DEPOT = "  depot: {type: http_json, url: http://y.example, every: 5m, metrics: {d: $.d}}\n"
WIDGETS = """\
widgets:
  often: {value: shop.a, min_interval: 15s}
  usual: shop.a
  rare: {value: shop.b, min_interval: 5m}
  slow: {value: depot.d, format: "{{ value }}"}
  text: {text: "{{ count }} firing"}
"""
RULES = """\
rules:
  a: {metric: shop.a, warning: "> 1000", critical: "> 2000", push: true}
  b: {metric: shop.b, warning: "> 1000", push: {on_resolve: none}}
  d: {metric: depot.d, critical: "> 1000", push: true}
"""
ACTIVITIES = """\
live_activities:
  one: {type: stats, title: One, stats: [{label: A, value: shop.a, color_by: a}]}
  two: {type: value, title: Two, value: shop.b, update_every: 10m}
  three: {type: value, title: Three, value: depot.d, update_every: 15m, priority: 9}
  trouble: {type: alert, title: Trouble, show: {while_firing: [d]}}
"""
ROOM = """\
live_activities:
  one: {type: value, title: One, value: shop.a, update_every: 10m}
  two: {type: value, title: Two, value: shop.b, update_every: 10m}
  three: {type: value, title: Three, value: shop.c, update_every: 10m}
  four: {type: value, title: Four, value: depot.d, update_every: 10m}
  trouble: {type: alert, title: Trouble, show: {while_firing: [d]}}
  more: {type: value, title: More, value: depot.d, show: {while_firing: {d: critical}}}
"""
MORE = """\
live_activities:
  never: {type: value, title: Never, value: shop.a, priority: 4}
  often: {type: value, title: Often, value: shop.a, update_every: 5m}
  first: {type: value, title: First, value: depot.d, update_every: 10m, priority: 8}
  second: {type: value, title: Second, value: depot.d, update_every: 10m, priority: 8}
  third: {type: value, title: Third, value: depot.d, update_every: 10m}
"""
FOLDED = """\
live_activities:
  often: {type: value, title: Often, value: shop.a, update_every: 10m}
  first: {type: value, title: First, value: depot.d, update_every: 10m}
  second: {type: value, title: Second, value: depot.d, update_every: 10m}
  one: {type: value, title: One, value: depot.d, fold: true, update_every: 1h}
  two: {type: value, title: Two, value: depot.d, fold: true}
  three: {type: value, title: Three, value: depot.d, fold: true}
"""
TWO_SOURCES = """\
derived: {all: shop.c + depot.d}
widgets: {both: {value: all, min_interval: 20s}, neither: {value: all, min_interval: 3m}}
"""
SLOW_RULES = """\
rules:
  a: {metric: shop.a, warning: "> 1000", for: 15s, push: true}
  b: {metric: shop.b, warning: "> 1000", keep_firing_for: 15s, push: {on_resolve: push}}
  c: {metric: shop.c, critical: "> 1000", damping: 30m, push: true}
  d: {metric: depot.d, warning: "> 1000", push: {group_wait: 30s}}
"""
MANY_RULES = "rules:\n" + "".join(
    f"  r{n}: {{metric: shop.a, {'critical' if n >= 27 else 'warning'}: '> 1000', push: true}}\n" for n in range(30)
)


@dataclass(frozen=True)
class Played:
    """A configuration, and what each metric does from ``T0`` on, poll by poll, again and again."""

    text: str
    waves: dict[str, list[float]]


_USUAL: dict[str, list[float]] = {"shop.a": CRITICAL, "shop.b": WARNING, "shop.c": [5, 6], "depot.d": WARNING}
_SLOW: dict[str, list[float]] = {
    "shop.a": [OVER, OVER, 0], "shop.b": [OVER, 0, 0], "shop.c": WARNING, "depot.d": WARNING,
}  # fmt: skip
CONFIGS = {
    "widgets at 15s": Played(SHOP.replace("EVERY", "15s") + DEPOT + WIDGETS + RULES, _USUAL),
    "widgets at 1m": Played(SHOP.replace("EVERY", "1m") + DEPOT + WIDGETS + RULES, _USUAL),
    "widgets at 2m": Played(SHOP.replace("EVERY", "2m") + DEPOT + WIDGETS + RULES, _USUAL),
    "a widget of two sources": Played(SHOP.replace("EVERY", "40s") + DEPOT.replace("5m", "7m") + TWO_SOURCES, {}),
    "activities at 10s": Played(SHOP.replace("EVERY", "10s") + DEPOT + ACTIVITIES + RULES, _USUAL),
    "activities at 2m": Played(SHOP.replace("EVERY", "2m") + DEPOT + ACTIVITIES + RULES, _USUAL),
    "incidents take slots": Played(SHOP.replace("EVERY", "1m") + DEPOT + ROOM + RULES, _USUAL),
    "more than slots": Played(SHOP.replace("EVERY", "1m") + DEPOT + MORE, {}),
    "folded": Played(SHOP.replace("EVERY", "1m") + DEPOT + FOLDED, {}),
    "a storm": Played(SHOP.replace("EVERY", "30s") + MANY_RULES, {"shop.a": WARNING}),
    "rules that take their time": Played(SHOP.replace("EVERY", "10s") + DEPOT + SLOW_RULES, _SLOW),
    "a badge that counts": Played(
        SHOP.replace("EVERY", "10s") + "rules:\n  b: {metric: shop.b, warning: '> 1000'}\nbadge: count(firing)\n",
        _USUAL,
    ),
    "a badge with a value": Played(SHOP.replace("EVERY", "20s") + "badge: shop.c\n", _USUAL),
}


every_config = pytest.mark.parametrize("played", CONFIGS.values(), ids=list(CONFIGS))


@every_config
def test_while_nothing_fires_as_much_is_sent_as_was_planned(played: Played, tmp_path: Path) -> None:
    config, sent = _play(played, tmp_path, LONG, waves={})
    for demand in plan(config).demands:
        counted = sum(family is demand.family and at >= 2 * HOUR for at, family in sent) / ((LONG - 2 * HOUR) / 60)
        assert demand.steady == pytest.approx(counted, rel=TOLERANCE), demand


@every_config
def test_when_everything_fires_and_resolves_the_busiest_minute_is_as_was_planned(
    played: Played, tmp_path: Path
) -> None:
    config, sent = _play(played, tmp_path, T0 + 1800, waves=played.waves)
    for demand in plan(config).demands:
        times = [at for at, family in sent if family is demand.family and at > T0 - 60]
        busiest = max((sum(at <= other < at + 60 for other in times) for at in times), default=0)
        assert demand.worst == pytest.approx(busiest, rel=TOLERANCE), demand


def _play(
    played: Played, folder: Path, seconds: float, waves: dict[str, list[float]]
) -> tuple[Config, list[tuple[float, Family]]]:
    """The requests, with their times. Before ``T0``, and where there is no wave, numbers change and nothing fires."""
    path = folder / "smithd.yaml"
    path.write_text(HEAD + played.text)
    config = load(path, secrets_required=True)
    inputs = []
    for spec in config.sources.values():
        interval = period(spec.schedule, 0.0)
        for metric in sorted(spec.metrics):
            name, values = f"{spec.name}.{metric}", list[float]()
            for poll in range(int(seconds / interval) + 1):
                wave = waves.get(name) if poll * interval >= T0 else None
                after = int((poll * interval - T0) / interval)
                values.append(wave[after % len(wave)] if wave else 100 + poll % 7)
            inputs.append(Input.model_construct(series=Series(name), values=tuple(values)))
    case = Case.model_construct(name="a plan", input=inputs, start=None, interval=None)
    tests = RuleTests.model_construct(config=str(path), tests=[case])
    result = play(config, tests, case)
    assert not [sent.refused for sent in result.sent if sent.refused]
    return config, [(sent.at, sent.endpoint.family) for sent in result.sent]


def test_what_is_folded_where_every_alert_fires(tmp_path: Path) -> None:
    path = tmp_path / "smithd.yaml"
    row = "type: value, title: T, value: shop.a"
    path.write_text(
        HEAD.replace("ask_test", "ask_test, limits: {live_activities_at_once: 2}")
        + SHOP.replace("EVERY", "1m")
        + "rules: {w: {metric: shop.a, warning: '> 1'}, c: {metric: shop.a, critical: '> 1'}}\n"
        + "live_activities:\n"
        + f"  always: {{{row}, fold: true}}\n"
        + f"  warning: {{{row}, show: {{while_firing: [w]}}, fold: true, priority: 9}}\n"
        + f"  plain: {{{row}, show: {{while_firing: [w]}}}}\n"
        + f"  critical: {{{row}, color_by: c, priority: 1}}\n"
        + f"  nights: {{{row}, show: {{any: [{{when: shop.b > 1}}, {{while_firing: [w]}}]}}}}\n"
    )
    (slots,) = plan(load(path, secrets_required=True)).slots
    assert slots.without_alert == ("always", "nights", "critical")
    assert slots.waiting_without_alert == ("critical",)
    # The warning shows a worse incident than the one that would be folded with it.
    assert (slots.shown, slots.folded, slots.waiting) == (("critical", "warning"), (), ("plain", "nights", "always"))


def test_what_is_folded_does_not_wait_and_a_worse_incident_is_not_folded(tmp_path: Path) -> None:
    path = tmp_path / "smithd.yaml"
    path.write_text(HEAD + SHOP.replace("EVERY", "1m") + DEPOT + FOLDED)
    (slots,) = plan(load(path, secrets_required=True)).slots
    assert (slots.waiting_without_alert, slots.folded) == ((), ("one", "two", "three"))

    path.write_text(
        HEAD.replace("ask_test", "ask_test, limits: {live_activities_at_once: 1}")
        + SHOP.replace("EVERY", "1m")
        + """
rules: {a: {metric: shop.a, critical: "> 5"}}
live_activities:
  one: {type: value, title: One, value: shop.b, fold: true}
  two: {type: value, title: Two, value: shop.b, fold: true}
  bad: {type: value, title: Bad, value: shop.a, fold: true, show: {while_firing: [a]}}
"""
    )
    (slots,) = plan(load(path, secrets_required=True)).slots
    assert (slots.shown, slots.folded, slots.waiting) == (("bad",), (), ("one", "two"))


def test_each_account_has_its_own_figures(tmp_path: Path) -> None:
    path = tmp_path / "smithd.yaml"
    path.write_text(
        HEAD
        + "accounts: {team: {api_key: ask_team, limits: {live_activities_at_once: 1}}}\n"
        + SHOP.replace("EVERY", "1m")
        + "rules: {a: {metric: shop.a, warning: '> 1', account: [default, team], push: true}}\n"
        + "widgets: {w: {value: shop.a, account: team}, v: shop.b}\n"
        + "live_activities: {l: {type: value, title: T, value: shop.a, account: team}}\n"
    )
    planned = plan(load(path, secrets_required=True))
    found = {(each.account, each.family): (each.steady, each.worst) for each in planned.demands}
    assert found["default", Family.NOTIFICATIONS] == found["team", Family.NOTIFICATIONS] == (0, 1)
    assert found["default", Family.METRICS] == found["team", Family.METRICS] == (1, 1)
    assert (found["default", Family.LIVE_ACTIVITIES], found["team", Family.LIVE_ACTIVITIES]) == ((0, 0), (0.2, 1))
    assert [(each.account, each.slots, each.shown) for each in planned.slots] == [
        ("default", 4, ()),
        ("team", 1, ("l",)),
    ]

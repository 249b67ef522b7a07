"""The page on Live Activities: its examples are right, and whatever their values are, what they show is what the
contract allows, as it is: nothing is clamped or cut on its way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodies import allowed
from campaign import rounds
from smithd.config.load import load
from smithd.config.model import Config
from smithd.contract.endpoint import Endpoint
from smithd.delivery.wire import request
from smithd.outbox.message import ActivityState, Priority
from smithd.plugin.sample import Sample, Series
from smithd.series.state import begin, record
from smithd.setup import set_up
from smithd.surfaces.slots.memory import Slots
from smithd.surfaces.surface import DesiredActivity
from smithd.surfaces.surfaces import render
from smithd.surfaces.view import SurfacesView

PAGE = Path(__file__).parents[2] / "docs" / "live-activities.md"
EXAMPLES = [
    example
    for example in re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    if example.startswith("live_activities:")
]
TYPES = ["value", "progress", "segmented_progress", "alert", "timer", "stats", "metrics"]
RULES = ["errors", "error-rate", "backlog", "low-revenue", "low-stock", "busy-cpu"]
NOW = 1_795_000_000.0
STATUSES = ["queued", "building", "live", "cancelled", "odd"]


def config_of(folder: Path, example: str) -> Config:
    """The example, with the sources and rules that it names."""
    metrics = sorted(set(re.findall(r"\b(shop|warehouse)\.(\w+)", example)))
    lines = ["activitysmith: {api_key: ask_test}", "state: sqlite:///state.db", "timezone: UTC", "sources:"]
    for source in ("shop", "warehouse"):
        named = [name for owner, name in metrics if owner == source] or ["other"]
        inner = ", ".join(f"{name}: {name}" for name in named)
        lines.append(f"  {source}: {{type: prometheus, url: 'http://localhost/metrics', metrics: {{{inner}}}}}")
    lines.append("rules:")
    first = ".".join(metrics[0]) if metrics else "shop.other"
    lines += [f"  {name}: {{metric: {first}, warning: '> 1'}}" for name in RULES]
    path = folder / "smithd.yaml"
    path.write_text("\n".join(lines) + "\n" + example)
    return load(path, secrets_required=True)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_is_right(tmp_path: Path, example: str) -> None:
    assert config_of(tmp_path, example).live_activities


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_has_an_example(kind: str) -> None:
    assert any(f"    type: {kind}\n" in example for example in EXAMPLES)


def view_of(config: Config, values: Mapping[str, tuple[float, str, float]]) -> SurfacesView:
    """What is seen with these samples: value, status and age by metric."""
    setup = set_up(config, NOW - 3600)
    series = begin(setup.expected, NOW - 3600)
    samples = [
        Sample(Series(metric, (("status", status),)), value, NOW - age)
        for metric, (value, status, age) in values.items()
    ]
    for source in ("shop", "warehouse"):
        own = [sample for sample in samples if sample.series.metric.startswith(f"{source}.")]
        series = record(series, source, own, None, complete=True, fresh_for=160.0, now=NOW).state
    return SurfacesView(NOW, series, {}, lambda _: {}, lambda _: False, lambda _: None, set, rules=setup.rules.by_name)


times = st.floats(NOW - 1e5, NOW + 1e6)
values = st.floats(-1e12, 1e12) | st.integers(-5, 120).map(float) | times | st.sampled_from([0.0, 99.6, 5000.0])
samples = st.tuples(values, st.sampled_from(STATUSES), st.sampled_from([0.0, 30.0, 500.0]))


@pytest.fixture(scope="module")
def configs(tmp_path_factory: pytest.TempPathFactory) -> list[Config]:
    return [config_of(tmp_path_factory.mktemp("example"), example) for example in EXAMPLES]


@pytest.mark.campaign
@settings(max_examples=rounds(60, 3000), deadline=None)
@given(data=st.data())
def test_whatever_the_values_are_the_state_is_what_the_contract_allows(
    configs: list[Config], data: st.DataObject
) -> None:
    config = data.draw(st.sampled_from(configs))
    setup = set_up(config, NOW - 3600)
    metrics = sorted(metric for metric in setup.expected.watched if not setup.expected.derived.get(metric))
    seen = view_of(config, {metric: data.draw(samples) for metric in metrics})
    ours = setup.surfaces.by_account["default"]
    seen = replace(seen, countdowns=render(ours, ours.keys, seen, Slots()).countdowns)
    for key, stream in setup.surfaces.streams.items():
        desired = stream.render(seen)
        if not isinstance(desired, DesiredActivity):
            continue
        message = ActivityState(key, desired.content, Priority.MEANING, NOW)
        body = request(message, None, None, NOW, seen.zone).body
        assert allowed(Endpoint.STREAM_PUT, body), body
        sent, wanted = body["content_state"], desired.content.content_state
        assert {name: sent[name] for name in wanted} == wanted

"""A new type of Live Activity is one file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

NEW_TYPE = '''
"""The type ``dial``: a bar."""

from typing import Literal

from smithd.references import MetricRef
from smithd.surfaces.activity.options import ActivityOptions


class DialOptions(ActivityOptions):
    """A Live Activity with a bar."""

    type: Literal["dial"]
    percentage: MetricRef

    def own_state(self, seen):
        return {"percentage": next((sample.value for sample in seen.surfaces.samples(self.percentage)), 0.0)}

    def own_meaning(self, state):
        return state["percentage"] >= 100
'''
CONFIG = """
activitysmith: {api_key: ask_test}
sources:
  shop: {type: prometheus, url: "http://localhost/metrics", metrics: {done: done, errors: errors}}
rules:
  errors: {metric: shop.errors, warning: "> 1"}
live_activities:
  import: {type: dial, title: "Import", percentage: shop.done, show: {while_firing: [errors]}, channels: [ops]}
  numbers: {type: stats, title: Numbers, stats: [{label: Errors, value: shop.errors}]}
"""
PROGRAM = """
import json, sys
from pathlib import Path
from smithd.surfaces import activity
activity.__path__.append(sys.argv[1])

from smithd.config.load import load
from smithd.errors import ConfigError
from smithd.plugin.sample import Sample, Series
from smithd.series.expected import Expected, ExpectedSource
from smithd.series.state import begin, record
from smithd.keys import StreamKey
from smithd.surfaces.slots.memory import Slots
from smithd.surfaces.surfaces import build, render
from smithd.surfaces.view import SurfacesView

try:
    config = load(Path(sys.argv[2]), secrets_required=True)
except ConfigError as error:
    print(error)
    sys.exit()
streams = {StreamKey("default", name): options for name, options in config.live_activities.items()}
surfaces = build({}, streams, {}, {"shop.errors": ["errors"]}, {"default": None}, 4)
series = begin(Expected(surfaces.metrics, frozenset(), {"shop": ExpectedSource(100.0, 20.0)}, {}), 0.0)
sample = Sample(Series("shop.done"), 70.0, 1000.0)
series = record(series, "shop", [sample], None, complete=True, fresh_for=100.0, now=1000.0).state
view = SurfacesView(1000.0, series, {"errors": {}}, lambda _: {}, bool, {}.get, set)
(message,) = [surfaces.streams[key].render(view) for key in surfaces.concerned(["shop.done"], ())]
print(json.dumps({"name": message.key.name, "state": message.content.content_state, "to": message.content.channels}))
print(len(render(surfaces, surfaces.keys, view, Slots()).messages))
"""


def run(folder: Path, config: str) -> list[str]:
    """What the program prints of a configuration, with the new type beside those that there are."""
    types = folder / "types"
    types.mkdir(exist_ok=True)
    (types / "dial.py").write_text(NEW_TYPE)
    (folder / "smithd.yaml").write_text(config)
    command = [sys.executable, "-c", PROGRAM, str(types), str(folder / "smithd.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_new_type_comes_from_a_file_of_its_own_through_the_configuration_to_a_message(tmp_path: Path) -> None:
    message, others = run(tmp_path, CONFIG)
    assert message == (
        '{"name": "import", "state": {"title": "Import", "type": "dial", "percentage": 70.0}, "to": ["ops"]}'
    )
    assert others == "1"  # of the other type; the new one is not wanted while nothing fires


def test_its_mistakes_stand_at_their_place(tmp_path: Path) -> None:
    config = CONFIG.replace("percentage: shop.done", "percentage: 7").replace("Numbers, stats", "Numbers, stat")
    report = "\n".join(run(tmp_path, config))
    assert "smithd.yaml:8:53: expected a text, found the number 7" in report
    assert "smithd.yaml:9:42: unknown key 'stat'" in report
    assert "did you mean 'stats'?" in report


def test_what_its_options_name_must_be_declared(tmp_path: Path) -> None:
    report = "\n".join(run(tmp_path, CONFIG.replace("percentage: shop.done", "percentage: shop.dine")))
    assert "smithd.yaml:8:53: no source declares the metric 'shop.dine'" in report
    assert "did you mean 'shop.done'?" in report


def test_a_type_that_there_is_not_is_reported_with_those_that_there_are(tmp_path: Path) -> None:
    report = "\n".join(run(tmp_path, CONFIG.replace("type: stats", "type: statz")))
    assert "smithd.yaml:9:19: expected one of 'alert', 'dial', 'metrics', 'progress', 'segmented_progress', " in report

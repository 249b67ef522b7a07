"""Reads a test file into tests that can be played, or reports everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path as FilePath

from smithd.config.fields import Places
from smithd.config.load import load_rules
from smithd.config.model import Config
from smithd.config.validator import Validator, open_file
from smithd.config.yaml.positions import Path, locate
from smithd.ruletest.model import Case, RuleTests
from smithd.surfaces.slots import FOLD_KEY

PLACES = Places({(): RuleTests})
MOST_NAMES = 12
"""How many declared names the report of an unknown name lists."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A test file that was checked, the configuration it is about, and where each of its parts stands."""

    path: FilePath
    tests: RuleTests
    config: Config
    validator: Validator

    def place(self, at: Path) -> str:
        """Where a part of the file stands, as file:line:column."""
        return str(locate(self.validator.root, at).anchor.start)


def read_tests(path: FilePath) -> Plan:
    """The tests in a file. Raises ConfigError, whose text is the whole report of the mistakes in it, or in the
    configuration it names.
    """
    validator = open_file(path, PLACES, secrets_required=False)
    report = validator.report
    tests = validator.validate(RuleTests, ())
    validator.report_empty(RuleTests)
    # Reported here, where its place in the test file is known.
    if tests is not None and not FilePath(tests.config).is_file():
        validator.report_at(("config",), f"there is no configuration file {tests.config}")
    if tests is None or report.failed:
        raise report.error()
    config = load_rules(FilePath(tests.config))
    for index, case in enumerate(tests.tests):
        _check(validator, ("tests", index), case, config)
    if report.failed:
        raise report.error()
    return Plan(path, tests, config, validator)


def _check(validator: Validator, at: Path, case: Case, config: Config) -> None:
    """Report names that the configuration does not have."""
    metrics = [f"{source.name}.{metric}" for source in config.sources.values() for metric in sorted(source.metrics)]
    seen = set()
    for index, given in enumerate(case.input):
        place = (*at, "input", index, "series")
        if given.series.metric not in metrics:
            _unknown(validator, place, f"no source declares the metric '{given.series.metric}'", metrics)
        if given.series in seen:
            validator.report_at(place, f"the series {given.series} is given twice")
        seen.add(given.series)
    for index, alert in enumerate(case.alerts):
        if alert.rule not in config.rules:
            _unknown(validator, (*at, "alerts", index, "rule"), f"there is no rule '{alert.rule}'", config.rules)
    for key in case.widgets.keys() - config.widgets.keys():
        _unknown(validator, (*at, "widgets", key), f"there is no widget '{key}'", config.widgets)
    common = [FOLD_KEY] if any(activity.fold for activity in config.live_activities.values()) else []
    activities = [*config.live_activities, *common]
    for key in case.activities.keys() - set(activities):
        _unknown(validator, (*at, "activities", key), f"there is no Live Activity '{key}'", activities)


def _unknown(validator: Validator, at: Path, message: str, known: Collection[str]) -> None:
    names = list(known)
    if len(names) > MOST_NAMES:
        names[MOST_NAMES:] = [f"and {len(names) - MOST_NAMES} more"]
    expected = ", ".join(names) or "none"
    # A series and a rule are named by a value of the file, a widget and a Live Activity by a key.
    validator.report_at(
        at, message, expected=f"declared: {expected}", near=known, at_key=at[-1] not in ("series", "rule")
    )

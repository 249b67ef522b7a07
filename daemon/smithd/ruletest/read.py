"""From a test file to tests that can be played, or to the report of all that is wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath

from smithd.config.compose import compose
from smithd.config.document import read
from smithd.config.draft import Draft
from smithd.config.fields import Places
from smithd.config.load import load
from smithd.config.model import Config
from smithd.config.positions import Path, locate
from smithd.config.report import Report
from smithd.config.values import Values
from smithd.events import Redactor
from smithd.ruletest.model import Case, RuleTests

PLACES = Places({(): RuleTests})


@dataclass(frozen=True, slots=True)
class Plan:
    """A test file that was checked, the configuration it is about, and where each of its parts stands."""

    path: FilePath
    tests: RuleTests
    config: Config
    draft: Draft

    def place(self, at: Path) -> str:
        """Where a part of the file stands, as file:line:column."""
        start = locate(self.draft.root, at).anchor.start
        return f"{self.path}:{start.line + 1}:{start.column + 1}"


def read_tests(path: FilePath) -> Plan:
    """The tests in a file. Raises ConfigError, whose text is the whole report of the mistakes in it, or in the
    configuration it names.
    """
    document = read(path)
    folder = path.parent.absolute()
    report = Report(path, document.lines)
    values = Values(report, Redactor(), folder, document.lines, required=False)
    draft = Draft(compose(document.text, report), values, report, PLACES, folder)
    tests = draft.validate(RuleTests, ())
    draft.complain_of_empty(RuleTests)
    if tests is not None and not FilePath(tests.config).is_file():
        draft.complain(("config",), f"there is no configuration file {tests.config}")
    if tests is None or report.failed:
        raise report.error()
    config = load(FilePath(tests.config), secrets_required=False)
    for index, case in enumerate(tests.tests):
        _check(draft, ("tests", index), case, config)
    if report.failed:
        raise report.error()
    return Plan(path, tests, config, draft)


def _check(draft: Draft, at: Path, case: Case, config: Config) -> None:
    """Complain of names that the configuration does not have."""
    metrics = [f"{source.name}.{metric}" for source in config.sources.values() for metric in sorted(source.metrics)]
    seen = set()
    for index, given in enumerate(case.input):
        place = (*at, "input", index, "series")
        if given.series.metric not in metrics:
            _unknown(draft, place, f"no source declares the metric '{given.series.metric}'", metrics)
        if given.series in seen:
            draft.complain(place, f"the series {given.series} is given twice")
        seen.add(given.series)
    for index, alert in enumerate(case.alerts):
        if alert.rule not in config.rules:
            _unknown(draft, (*at, "alerts", index, "rule"), f"there is no rule '{alert.rule}'", config.rules)
    for key in case.widgets.keys() - config.widgets.keys():
        _unknown(draft, (*at, "widgets", key), f"there is no widget '{key}'", config.widgets)
    for key in case.activities.keys() - config.live_activities.keys():
        _unknown(draft, (*at, "activities", key), f"there is no Live Activity '{key}'", config.live_activities)


def _unknown(draft: Draft, at: Path, message: str, known: Collection[str]) -> None:
    expected = ", ".join(_some(known)) or "none"
    draft.complain(at, message, expected=f"declared: {expected}", near=known, at_key=at[-1] not in ("series", "rule"))


def _some(names: Collection[str]) -> Iterator[str]:
    for number, name in enumerate(names):
        if number == 12:
            yield f"and {len(names) - number} more"
            return
        yield name

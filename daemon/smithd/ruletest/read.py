"""Reads a test file into tests that can be played, or reports everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from zoneinfo import ZoneInfo

from smithd.config.fields import Places
from smithd.config.load import load_rules
from smithd.config.model import Config
from smithd.config.report.diagnostics import Report
from smithd.config.validator import Validator, open_file
from smithd.config.yaml.document import UnreadableFile, read
from smithd.config.yaml.positions import Path, locate
from smithd.errors import ConfigError
from smithd.plugin.sample import Series
from smithd.ruletest.expected import AlertIs, RequestIs
from smithd.ruletest.model import Case, Input, RuleTests
from smithd.ruletest.table import NO_TABLE, Table, parse_table
from smithd.suggestion import did_you_mean
from smithd.surfaces.slots.demand import FOLD_KEY

PLACES = Places({(): RuleTests})
MOST_NAMES = 12
"""How many declared names the report of an unknown name lists."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A test file that was checked, the configuration it is about, the series that each test has from a file, and where
    each of its parts stands.
    """

    path: FilePath
    tests: RuleTests
    config: Config
    tables: Sequence[Table]
    validator: Validator

    def place(self, at: Path) -> str:
        """Where a part of the file stands, as file:line:column."""
        return str(locate(self.validator.root, at).anchor.start)


def read_tests(path: FilePath, *, must_expect: bool) -> Plan:
    """The tests in a file. ``must_expect``: a test that expects nothing is a mistake.

    Raises ConfigError, whose text is the whole report of the mistakes in it, in its files of series, or in the
    configuration it names.
    """
    validator = open_file(path, PLACES, secrets_required=False)
    report = validator.report
    valid = validator.validate(RuleTests, ())
    validator.report_empty(RuleTests)
    # In a file with mistakes, what is known is checked as well: everything wrong is to be reported in one run.
    tests = valid or validator.partial(RuleTests, ())
    if tests is None or not isinstance(tests.tests, list) or not _is_config_known(validator):
        raise report.error()
    # Reported here, where its place in the test file is known.
    if not FilePath(tests.config).is_file():
        validator.report_at(("config",), f"there is no configuration file {tests.config}")
        raise report.error()
    try:
        config = load_rules(FilePath(tests.config))
    except ConfigError as error:
        raise _together([report.error(), error] if report.failed else [error]) from None
    reports, tables = [report], []
    for index, case in enumerate(tests.tests):
        if not isinstance(case, Case):
            continue
        at = ("tests", index)
        if must_expect and validator.is_sound(at) and not case.expects_something:
            validator.report_at(
                at, "a test that expects nothing: add alerts, pushes, widgets, activities or badge, or use --record"
            )
        table, mistakes = _table(validator, at, tests, case, config)
        tables.append(table)
        reports.append(mistakes)
        _check(validator, at, case, table, config)
    if failed := [each.error() for each in reports if each.failed]:
        raise _together(failed)
    assert valid is not None, "its mistakes were reported"
    return Plan(path, valid, config, tables, validator)


def _is_config_known(validator: Validator) -> bool:
    """Whether it is known which configuration the file is about: an unknown key may be ``config`` misspelt."""
    if "config" in validator.data:
        return validator.is_sound(("config",))
    return validator.data.keys() <= RuleTests.model_fields.keys()


def _together(errors: Sequence[ConfigError]) -> ConfigError:
    return ConfigError("\n\n".join(map(str, errors)))


def _table(validator: Validator, at: Path, tests: RuleTests, case: Case, config: Config) -> tuple[Table, Report]:
    """The series that a test has from a file, and the mistakes of that file."""
    if case.series_from is None:
        return NO_TABLE, Report(validator.report.path)
    path = FilePath(case.series_from)
    if not path.is_file():
        validator.report_at((*at, "series_from"), f"there is no file {path}")
        return NO_TABLE, Report(path)
    try:
        document = read(path)
    except UnreadableFile as error:
        report = Report(path, error.lines)
        report.add(error.diagnostic)
        return NO_TABLE, report
    metrics = _metrics(config)

    def problem(series: Series) -> str | None:
        if series.metric in metrics:
            return None
        hint = did_you_mean(series.metric, metrics) or f"declared: {_listed(metrics)}"
        return f"no source declares the metric '{series.metric}'; {hint}"

    return parse_table(path, document.lines, tests.written_start(case), ZoneInfo(config.zone.key), problem)


def _metrics(config: Config) -> list[str]:
    return [f"{source.name}.{metric}" for source in config.sources.values() for metric in sorted(source.metrics)]


def _check(validator: Validator, at: Path, case: Case, table: Table, config: Config) -> None:
    """Report names that the configuration does not have, and series that are given twice. ``case`` may be partial."""
    _check_series(validator, at, case, table, config)
    for index, alert in enumerate(case.alerts):
        if isinstance(alert, AlertIs) and isinstance(alert.rule, str) and alert.rule not in config.rules:
            _unknown(validator, (*at, "alerts", index, "rule"), f"there is no rule '{alert.rule}'", config.rules)
    for key in case.widgets.keys() - config.widgets.keys():
        _unknown(validator, (*at, "widgets", key), f"there is no widget '{key}'", config.widgets, at_key=True)
    common = [FOLD_KEY] if any(activity.fold for activity in config.live_activities.values()) else []
    activities = [*config.live_activities, *common]
    for key in case.activities.keys() - set(activities):
        _unknown(validator, (*at, "activities", key), f"there is no Live Activity '{key}'", activities, at_key=True)
    if case.badge and config.badge is None:
        validator.report_at((*at, "badge"), "the configuration has no badge", at_key=True)
    for place, account in _accounts(case):
        if account not in config.accounts:
            _unknown(validator, (*at, *place, "account"), f"there is no account '{account}'", config.accounts)


def _check_series(validator: Validator, at: Path, case: Case, table: Table, config: Config) -> None:
    metrics = _metrics(config)
    in_table = {series.metric.partition(".")[0] for series in table.series}
    seen = set()
    for index, given in enumerate(case.input):
        if not isinstance(given, Input) or not isinstance(given.series, Series):
            continue
        place = (*at, "input", index, "series")
        source = given.series.metric.partition(".")[0]
        if given.series.metric not in metrics:
            _unknown(validator, place, f"no source declares the metric '{given.series.metric}'", metrics)
        if given.series in seen:
            validator.report_at(place, f"the series {given.series} is given twice")
        if source in in_table:
            validator.report_at(place, f"series of the source '{source}' are in {case.series_from}: expected all there")
        seen.add(given.series)


def _accounts(case: Case) -> Iterator[tuple[Path, str]]:
    """The accounts that a test names, each with the place of its request in the test."""
    lists: dict[Path, Sequence[RequestIs]] = {("pushes",): case.pushes or (), ("badge",): case.badge or ()}
    lists |= {("widgets", key): values for key, values in case.widgets.items()}
    lists |= {("activities", key): shown for key, shown in case.activities.items()}
    for place, requests in lists.items():
        # Of a file with mistakes, a part may not be known.
        for index, request in enumerate(requests if isinstance(requests, list) else ()):
            if isinstance(request, RequestIs) and request.account is not None:
                yield (*place, index), request.account


def _unknown(validator: Validator, at: Path, message: str, known: Collection[str], *, at_key: bool = False) -> None:
    validator.report_at(at, message, expected=f"declared: {_listed(known)}", near=known, at_key=at_key)


def _listed(known: Collection[str]) -> str:
    names = list(known)
    if len(names) > MOST_NAMES:
        names[MOST_NAMES:] = [f"and {len(names) - MOST_NAMES} more"]
    return ", ".join(names) or "none"

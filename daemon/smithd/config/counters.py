"""Checks rules on counters: they compare increases, and one alert has one value. No I/O."""

from __future__ import annotations

from smithd.alerts.relative import Relative
from smithd.config.model import Config
from smithd.config.validator import Validator


def check(validator: Validator, config: Config) -> None:
    """Report the rules on counters whose thresholds are not all about the same increase."""
    counters = config.counters
    for name, rule in config.rules.items():
        thresholds = rule.thresholds
        found = [each.reference for each in thresholds.values() if isinstance(each, Relative)]
        if rule.metric not in counters or not found:
            continue
        for severity, each in thresholds.items():
            if not isinstance(each, Relative) or each.reference != found[0]:
                validator.report_at(
                    ("rules", name, str(severity)),
                    f"{rule.metric} is a counter, and the thresholds of one rule look at one increase of it",
                    expected="expected all thresholds to compare with the same past; write two rules",
                )

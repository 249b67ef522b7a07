"""What the keys of one rule mean together: what it is never notified of. No I/O."""

from __future__ import annotations

from smithd.config.model import File, RuleConfig
from smithd.config.partial import is_complete
from smithd.config.validator import Validator


def check(validator: Validator, file: File) -> None:
    """Report rules whose ``mute`` mutes nothing. ``file`` may be partial: what is UNKNOWN in it is reported already."""
    for name, rule in file.rules.items():
        if not isinstance(rule, RuleConfig) or not is_complete(rule) or rule.mute is None:
            continue
        if rule.severities and rule.severities.issubset(rule.mute.except_):
            message = "with every severity of the rule excepted nothing is muted: leave 'mute' out"
            validator.report_at(("rules", name, "mute", "except"), message)

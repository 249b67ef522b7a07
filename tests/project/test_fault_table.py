"""docs/delivery.md says how long things take; the program's own numbers are these."""

from __future__ import annotations

from pathlib import Path

import pytest

from smithd.alerts.rule import RuleOptions
from smithd.delivery import outcome
from smithd.delivery.account import AccountOptions
from smithd.engine.running import UNKNOWN_SENT
from smithd.poll.schedule import LONGEST_BACKOFF

ROOT = Path(__file__).parents[2]
ROWS = {
    line.split("**")[1]: line
    for line in (ROOT / "docs/delivery.md").read_text().splitlines()
    if line.startswith("| **")
}
UNIT = (ROOT / "systemd/smithd.service").read_text()


@pytest.mark.parametrize(
    ("fault", "said", "seconds", "expected"),
    [
        ("401", "tried every 10 minutes", outcome.SLOW_PROBE, 600),
        ("402", "tried every hour", outcome.BILLING_PROBE, 3600),
        ("403", "tried every hour", outcome.PUSH_PROBE, 3600),
        ("404", "tried every hour", outcome.METRIC_PROBE, 3600),
        ("422", "tried every 10 minutes", outcome.SLOW_PROBE, 600),
        ("429", "tried every 10 minutes", outcome.SLOT_PROBE, 600),
        ("400, 409, 413, 451", "every hour", outcome.PUSH_PROBE, 3600),
        ("It goes on failing", "ten minutes apart", LONGEST_BACKOFF, 600),
        ("The disk is full, or read-only, or the state is locked", "sends nothing for 60 seconds", UNKNOWN_SENT, 60),
    ],
)
def test_times(fault: str, said: str, seconds: float, expected: float) -> None:
    assert said in ROWS[fault]
    assert seconds == expected


def test_what_the_service_asks_for_is_heeded_for_at_most_15_minutes() -> None:
    assert "`Retry-After`, at most 15 minutes" in (ROOT / "docs/delivery.md").read_text()
    assert outcome.LONGEST_PAUSE == 900


def test_what_systemd_does() -> None:
    assert "restarts smithd after 30 seconds" in ROWS["A plugin computes without end, without releasing Python's lock"]
    assert "WatchdogSec=30s" in UNIT
    assert "after 5 seconds" in ROWS["smithd crashes, `kill -9`, a power cut"]
    assert "RestartSec=5s" in UNIT
    assert "RestartPreventExitStatus=2 3" in UNIT
    assert "after every status but 0, 2 and 3" in (ROOT / "docs/running.md").read_text()


def test_defaults_that_the_pages_name() -> None:
    assert "(1,000)" in ROWS["It sends more series than a rule may have alerts"]
    assert RuleOptions.model_fields["max_alerts"].default == 1000
    assert "more than ten pushes in a minute" in (ROOT / "docs/troubleshooting.md").read_text()
    assert AccountOptions.model_fields["storm"].default == 10

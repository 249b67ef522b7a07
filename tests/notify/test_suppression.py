"""What suppresses an alert: each cause, the order in which they are named, and until when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from notify.scenes import NOW, RULE, open_alert, view
from smithd.alerts.alert import Alert
from smithd.alerts.machine import Hold, Phase
from smithd.notify.matcher import parse_matchers
from smithd.notify.mute import MuteOptions
from smithd.notify.reason import Reason
from smithd.notify.silence import Silence
from smithd.notify.suppression import (
    NO_SUPPRESSORS,
    Suppression,
    SuppressionOptions,
    Suppressors,
    compile_suppressors,
    suppression,
    unsuppressed,
)
from smithd.notify.view import NotifyView

LATER = NOW + 600
DOWN, DOWN_B = open_alert(rule="down", host="a"), open_alert(rule="down", host="b")
POWER = open_alert(rule="power")
PENDING = replace(DOWN, severity=None, holds=tuple(Hold(hold.severity, Phase.PENDING, NOW) for hold in DOWN.holds))
BY_HAND = Silence(3, parse_matchers("rule=errors"), "", "ann", NOW, LATER)
LONGER = Silence(4, parse_matchers("severity=critical"), "moving", "ann", NOW, LATER + 60)
OTHER = Silence(5, parse_matchers("rule=other"), "", "ann", NOW, LATER)
STARTED = NOW - 3600
UNCONFIRMED = Suppression(Reason.UNCONFIRMED, "", NOW + 20)


@dataclass(frozen=True)
class Row:
    """A situation of the alert ``errors{host="a"}``, which is critical, and what suppresses it."""

    name: str
    expected: Suppression | None
    options: Mapping[str, object] = field(default_factory=dict)
    alerts: Sequence[Alert] = ()
    windows: Mapping[str, float] = field(default_factory=dict)
    silences: Sequence[Silence] = ()
    earlier: Suppression | None = None


NIGHTS = {"mute": ["nights"]}
MUTED = Suppression(Reason.MUTED, "nights", LATER)
INHIBITED = Suppression(Reason.INHIBITED, "down")
DEPENDENT = Suppression(Reason.DEPENDENT, "down")
ROWS = [
    Row("nothing", None),
    Row("a silence", Suppression(Reason.SILENCED, "silence 3", LATER), silences=[BY_HAND, OTHER]),
    Row("the last of two", Suppression(Reason.SILENCED, "silence 4 (moving)", LATER + 60), silences=[BY_HAND, LONGER]),
    Row("a silence of another rule", None, silences=[OTHER]),
    Row("a mute", MUTED, NIGHTS, windows={"nights": LATER}),
    Row("a mute whose window is closed", None, NIGHTS, windows={"weekends": LATER}),
    Row(
        "the longer window",
        replace(MUTED, by="days"),
        {"mute": ["nights", "days"]},
        windows={"nights": NOW, "days": LATER},
    ),
    Row("an exception", None, {"mute": {"during": ["nights"], "except": ["critical"]}}, windows={"nights": LATER}),
    Row(
        "an exception of another",
        MUTED,
        {"mute": {"during": ["nights"], "except": ["warning"]}},
        windows={"nights": LATER},
    ),
    Row(
        "a digest",
        replace(MUTED, digest="nights"),
        {"mute": {"during": ["nights"], "digest": True}},
        windows={"nights": LATER},
    ),
    Row("inhibited", INHIBITED, {"unless_firing": ["down"]}, [DOWN]),
    Row("another host is down", None, {"unless_firing": ["down"]}, [DOWN_B]),
    Row("no shared labels", replace(INHIBITED, by="power"), {"unless_firing": ["power"]}, [POWER]),
    Row("inhibited by what fires only", None, {"unless_firing": ["down"]}, [PENDING]),
    Row("a consequence", DEPENDENT, {"depends_on": ["down"]}, [DOWN]),
    Row("a consequence of what is pending", DEPENDENT, {"depends_on": ["down"]}, [PENDING]),
    Row("a consequence of a consequence", replace(DEPENDENT, by="power"), {"depends_on": ["down"]}, [POWER]),
    Row("not confirmed", UNCONFIRMED, NIGHTS, windows={"nights": LATER}, earlier=UNCONFIRMED),
    Row("confirmed by now", MUTED, NIGHTS, windows={"nights": LATER}, earlier=replace(UNCONFIRMED, until=NOW)),
    Row("muted before", None, NIGHTS, earlier=MUTED),
    Row(
        "by hand comes first",
        Suppression(Reason.SILENCED, "silence 3", LATER),
        NIGHTS,
        windows={"nights": LATER},
        silences=[BY_HAND],
    ),
    Row("a mute before a rule", MUTED, NIGHTS | {"unless_firing": ["down"]}, [DOWN], windows={"nights": LATER}),
    Row("inhibited before dependent", INHIBITED, {"unless_firing": ["down"], "depends_on": ["down"]}, [DOWN]),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name.replace(" ", "-"))
def test_a_situation_has_one_suppression(row: Row) -> None:
    suppressors = compile_suppressors(
        {
            "errors": SuppressionOptions.model_validate(row.options),
            "down": SuppressionOptions.model_validate({"depends_on": ["power"]}),
            "power": SuppressionOptions(),
        }
    )
    now = view(alerts=row.alerts, windows=row.windows, silences=row.silences)
    assert suppression(suppressors["errors"], open_alert(host="a"), RULE, now, row.earlier) == row.expected


def test_what_is_not_suppressed_counts() -> None:
    alerts = {alert.labels: alert for alert in (open_alert(host="a"), open_alert(host="b"))}
    options = {"errors": SuppressionOptions(unless_firing=["down"]), "down": SuppressionOptions()}
    suppressors = compile_suppressors(options)["errors"]

    def counting(suppressors: Suppressors, now: NotifyView, before: NotifyView | None = None) -> list[str]:
        found = unsuppressed(alerts, RULE, suppressors, now, before or now)
        return [dict(labels)["host"] for labels in found]

    assert counting(NO_SUPPRESSORS, view()) == counting(suppressors, view()) == ["a", "b"]
    assert counting(suppressors, view(alerts=[DOWN])) == ["b"]
    assert counting(NO_SUPPRESSORS, view(silences=[BY_HAND])) == []
    assert counting(NO_SUPPRESSORS, view(silences=[OTHER])) == ["a", "b"]


def test_what_is_unconfirmed_since_a_start_counts_as_it_did_before() -> None:
    kept = replace(open_alert(host="a"), fired_at=STARTED - 100)
    new = replace(open_alert(host="b"), fired_at=STARTED + 5)
    alerts, muted = {alert.labels: alert for alert in (kept, new)}, Suppressors(MuteOptions(during=["nights"]))
    closed, open_ = view(now=STARTED + 10), view(now=STARTED + 10, windows={"nights": LATER})

    def counting(now: NotifyView, before: NotifyView) -> list[str]:
        return [dict(labels)["host"] for labels in unsuppressed(alerts, RULE, muted, now, before)]

    assert counting(closed, before=open_) == ["b"]
    assert counting(open_, before=closed) == ["a"]
    assert counting(view(), before=open_) == ["a", "b"]  # its first answer is overdue by now


def test_it_is_described_with_its_end() -> None:
    assert MUTED.describe(view()) == "nights until 14:10"
    assert INHIBITED.describe(view()) == "down fires"
    assert DEPENDENT.describe(view()) == "down"
    assert UNCONFIRMED.describe(view()) == "until 14:00"

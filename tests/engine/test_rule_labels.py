"""The labels of a rule itself, lived through: what sees them, and what they do not touch."""

from __future__ import annotations

from pathlib import Path

from engine.harness import Harness

T = 1_763_906_400.0
RULES = "rules: {{errors: {{metric: shop.errors, warning: '> 1', labels: {labels}, push: {{group_by: [team]}}}}}}"


def test_a_silence_sees_the_labels_of_the_rule(tmp_path: Path) -> None:
    with Harness(tmp_path, RULES.format(labels="{team: shop}"), T) as harness:
        harness.engine.add_silence("team=shop", 600, "", "ann", T)
        harness.poll(T + 1, errors=7)
        assert harness.take() == []
        assert harness.reasons() == ["silenced"]
    with Harness(tmp_path, RULES.format(labels="{team: web}"), T + 60) as harness:
        harness.poll(T + 61, errors=7)
        harness.pass_time(T + 120)
        assert [message.content.title for message in harness.take()] == ["errors is warning"]


def test_other_labels_make_no_other_alert_and_no_other_notification(tmp_path: Path) -> None:
    with Harness(tmp_path, RULES.format(labels="{team: shop}"), T) as harness:
        harness.poll(T, errors=7)
        (push,) = harness.take()
    with Harness(tmp_path, RULES.format(labels="{team: web, tier: '1'}"), T + 60) as harness:
        harness.poll(T + 61, errors=7)
        assert harness.take() == []
        harness.poll(T + 120, errors=0)
        (end,) = harness.take()
        assert (end.key, end.content.title) == (push.key, "Resolved: errors")
        assert harness.changes() == [("errors", "resolved")]

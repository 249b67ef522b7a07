"""No number on the demo's screen contradicts another: each stands in one place, and what is updated is updated soon."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from smithd.config.load import load
from smithd.demo.configuration import configuration
from smithd.references import ReferenceKind, references


def test_each_number_stands_in_one_place_and_is_updated_every_five_seconds(tmp_path: Path) -> None:
    path = tmp_path / "smithd.yaml"
    path.write_text(configuration("127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", with_host=True))
    config = load(path, secrets_required=True)
    surfaces = [*config.widgets.values(), *config.live_activities.values()]
    shown = Counter(
        each.name for surface in surfaces for each in references(surface) if each.kind is ReferenceKind.METRIC
    )
    # The deploy is no number: it is named once more, by what decides whether it is shown.
    del shown["shop.deploy"]
    assert set(shown.values()) == {1}, shown
    assert {activity.update_every for activity in config.live_activities.values()} == {5.0}
    # A notification stays as it is while numbers change: its text has thresholds, and no values.
    for rule in config.rules.values():
        assert rule.push is not None
        assert "value" not in {name for text in (rule.push.title, rule.push.message) if text for name in text.names}

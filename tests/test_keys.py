"""Keys of different kinds are different keys, also where their names are the same."""

from __future__ import annotations

from rpds import HashTrieMap

from smithd.keys import DEFAULT_ACCOUNT, BadgeKey, StreamKey, SurfaceKey, WidgetKey


def test_a_widget_and_a_live_activity_of_one_name_are_kept_apart() -> None:
    keys: list[SurfaceKey] = [WidgetKey(DEFAULT_ACCOUNT, "shop"), StreamKey(DEFAULT_ACCOUNT, "shop"), BadgeKey("shop")]
    found: HashTrieMap[SurfaceKey, int] = HashTrieMap()
    for place, key in enumerate(keys):
        assert found.get(key) is None
        found = found.insert(key, place)
    assert [found[key] for key in keys] == [0, 1, 2]
    assert found[WidgetKey(DEFAULT_ACCOUNT, "shop")] == 0

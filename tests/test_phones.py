"""What each phone shows, by what the service accepted."""

from __future__ import annotations

from datetime import UTC

from rpds import HashTrieMap

from smithd.keys import DEFAULT_ACCOUNT, BadgeKey, Key, PushKey, StreamKey, WidgetKey
from smithd.outbox.message import ActivityContent, PushContent
from smithd.outbox.shown import Shown, ShownActivity, ShownBadge, ShownPush, ShownWidget
from smithd.outbox.state import Outbox
from smithd.phones import phones

T = 1_763_906_400.0
AT = "2025-11-23T14:00:00+00:00"
MINE = DEFAULT_ACCOUNT


def test_a_phone_has_what_is_there_and_known() -> None:
    rows: list[Shown] = [
        ShownWidget(WidgetKey(MINE, "shop.orders"), 12, T),
        ShownWidget(WidgetKey(MINE, "unknown"), None, T),
        ShownWidget(WidgetKey("team", "shop.orders"), 13, T),
        ShownWidget(WidgetKey("gone", "shop.orders"), 14, T),
        ShownActivity(StreamKey(MINE, "shop"), ActivityContent({"title": "Shop"}), T),
        ShownActivity(StreamKey(MINE, "over"), ActivityContent({"title": "Over"}), T, ended=True),
        ShownPush(PushKey(MINE, "errors", T, 1), PushContent("errors is critical", "9"), T),
        ShownBadge(BadgeKey(MINE), 2, T),
    ]
    shown: HashTrieMap[Key, Shown] = HashTrieMap({row.key: row for row in rows})
    mine, team = phones(Outbox(shown=shown), [MINE, "team"], UTC)
    assert mine == {
        "account": MINE,
        "widgets": [{"name": "shop.orders", "value": 12, "at": AT}],
        "live_activities": [{"name": "shop", "content_state": {"title": "Shop"}, "at": AT}],
        "notifications": [{"title": "errors is critical", "message": "9", "at": AT, "replaced": False}],
        "badge": {"count": 2, "at": AT},
    }
    assert (team["widgets"][0]["value"], team["badge"]) == (13, None)

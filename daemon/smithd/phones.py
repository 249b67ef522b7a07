"""What each phone shows, as far as the service accepted it. No I/O."""

from __future__ import annotations

from collections.abc import Collection
from datetime import tzinfo
from typing import Any

from smithd.formatting import iso_time
from smithd.outbox.shown import Shown, ShownActivity, ShownBadge, ShownPush, ShownWidget
from smithd.outbox.state import Outbox

Phone = dict[str, Any]
"""What one account's phone shows, as JSON has it; times are in the configuration's zone, ISO 8601."""


def phones(outbox: Outbox, accounts: Collection[str], zone: tzinfo) -> list[Phone]:
    """The phones of these accounts. What it is not known of whether it is shown is left out."""
    found = {account: _empty(account) for account in accounts}
    for row in sorted(outbox.accepted().values(), key=lambda row: (row.at, str(row.key))):
        if (phone := found.get(row.key.account)) is not None:
            _show(phone, row, iso_time(row.at, zone))
    return list(found.values())


def _empty(account: str) -> Phone:
    return {"account": account, "widgets": [], "live_activities": [], "notifications": [], "badge": None}


def _show(phone: Phone, row: Shown, at: str) -> None:
    match row:
        case ShownWidget(value=value) if value is not None:
            phone["widgets"].append({"name": row.key.name, "value": value, "at": at})
        case ShownActivity(content=content, ended=False) if content is not None:
            state = dict(content.content_state)
            phone["live_activities"].append({"name": row.key.name, "content_state": state, "at": at})
        case ShownPush(content=content):
            notification = {"title": content.title, "message": content.message, "at": at, "replaced": row.replaced}
            phone["notifications"].append(notification)
        case ShownBadge(count=count) if count is not None:
            phone["badge"] = {"count": count, "at": at}

"""The commands that a running daemon carries out for the command line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from smithd.control import Handler
from smithd.telemetry import Reloaded


def of(reload: Callable[[], Awaitable[Reloaded]]) -> Mapping[str, Handler]:
    """The handlers of a daemon, by the names of their commands."""

    async def do_reload(_: Mapping[str, Any]) -> str:
        return str(await reload())

    return {"reload": do_reload}

"""What the page is given in its tests: a daemon of its own, with sources that a test speaks for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from smithd.clock import SystemClock
from smithd.config.load import load
from smithd.control import Handler
from smithd.events import Events
from smithd.plugin.sample import Sample, Series
from smithd.poll.intake import Poll
from smithd.runtime import commands
from smithd.runtime.components import Components
from smithd.status.as_json import as_json
from smithd.status.model import StateStatus, Status
from smithd.storage.database import Database
from smithd.web.app import build
from smithd.web.reads import windows
from smithd.web.recent import Recent

NOW = 1_700_000_000.0


def quiet(at: float = NOW) -> Mapping[str, Handler]:
    """The commands of a daemon that has nothing to do."""
    state = StateStatus("smithd.db", 4096, False, None, "", at, 0)
    found = Status(at, "UTC", "0", at, "smithd.yaml", False, None, [], [], [], [], [], [], state)

    async def status(_: Mapping[str, Any]) -> Any:
        return as_json(found, UTC)

    return {"status": status}


HOSTILE = (
    '<script>document.title = "owned"</script>',
    "\u202eevil\u2067 \u05e9\u05dc\u05d5\u05dd",
    "x" * 250,
    '"\\🔥 {{ 7 * 7 }}',
)
"""Labels that somebody else may send: markup, a change of direction, a long one, quotes and a template."""
FAILURE = "HTTP 503 from <b>the ledger</b>"
RULES = "\n".join(f"  spare-{number:02}: {{metric: shop.spare, critical: '> 5'}}" for number in range(37))
CONFIGURATION = f"""
activitysmith: {{api_key: ask_first, base_url: http://127.0.0.1:1/api}}
accounts: {{team: {{api_key: ask_second, base_url: http://127.0.0.1:1/api}}}}
state: sqlite:///state.db
timezone: Europe/Berlin
web: {{listen: "127.0.0.1:8787"}}
sources:
  shop:
    type: http_json
    url: http://127.0.0.1:1/stats.json
    metrics:
      errors: $.errors
      spare: $.spare
      load: {{each: "$.load[*]", value: $.value, labels: {{host: $.host}}}}
  ledger: {{type: http_json, url: "http://127.0.0.1:1/ledger.json", metrics: {{open: $.open}}}}
rules:
  errors: {{metric: shop.errors, warning: "> 2", critical: "> 8", push: true}}
  load: {{metric: shop.load, warning: "> 5", push: {{account: [default, team]}}}}
  fewer: {{metric: ledger.open, warning: "drops > 30% over 1h"}}
{RULES}
widgets:
  shop.errors: {{value: shop.errors, format: "{{{{ value }}}} errors"}}
  team.errors: {{value: shop.errors, account: team}}
badge: count(firing)
live_activities:
  trouble: {{type: value, title: Trouble, value: shop.errors, show: {{while_firing: [errors]}}}}
"""
"""Forty rules on two sources, and something on the phones of two accounts."""


@dataclass(frozen=True)
class Daemon:
    """A running daemon whose sources are never polled: a test says what they answered."""

    components: Components
    recent: Recent

    def answer(self, source: str, *samples: tuple[str, float, dict[str, str]], failure: str | None = None) -> None:
        """A source answers, or fails, now."""
        now = self.components.clock.now()
        made = tuple(
            Sample(Series(f"{source}.{name}", tuple(labels.items())), value, now) for name, value, labels in samples
        )
        self.components.writer.put(Poll(source, now, 600.0, made, failure))

    async def has_trouble(self) -> None:
        """One source has bad values of hostile series, which are silenced, the other one fails."""
        silence = {
            "matchers": "rule=load",
            "seconds": 86400.0,
            "comment": "moving to new machines " * 5,
            "author": "ann",
        }
        await commands.of(self.components)["silence.add"](silence)
        loads = [("load", 9.0, {"host": host}) for host in HOSTILE]
        self.answer("shop", ("errors", 9.0, {}), ("spare", 0.0, {}), *loads)
        self.answer("ledger", failure=FAILURE)

    def page(self, token: str | None = None) -> ASGIApp:
        """The page of this daemon."""
        components = self.components
        asked = windows(components.config, components.engine, components.clock, self.recent, commands.of(components))
        return build(asked, host="127.0.0.1", token=token)


@asynccontextmanager
async def daemon(folder: Path, text: str = CONFIGURATION) -> AsyncIterator[Daemon]:
    """A daemon with this configuration; what it sends finds no service."""
    path = folder / "smithd.yaml"
    path.write_text(text)
    config = load(path, secrets_required=True)
    clock, events = SystemClock(), Events([])
    recent = Recent(clock, config.redactor)
    events.listen(recent)
    async with Components(config, events, clock, Database.open(config.state)) as components:
        yield Daemon(components, recent)

"""The pages: what each asks of the daemon, and which rows of the answer it shows.

Rows are chosen in a thread, since there may be ten thousand.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from smithd import explain
from smithd.alerts.alert import Change
from smithd.beside import beside
from smithd.explain_surface import MOST_DELIVERIES, data_lines, delivery_text, place_lines
from smithd.formatting import labels_text
from smithd.web import past
from smithd.web.client import DaemonClient
from smithd.web.rows import Found, by_urgency, choose, has_all
from smithd.web.visit import Visit
from smithd.web.words import matchers

ATTENTION = 8
"""How many rows of one kind the overview has."""
ALERTS = 10
"""How many alerts of one rule the list of rules has."""

MOST_PLOTS = 4
"""How many metrics of a rule are plotted."""

ALERT_STATES = ("critical", "warning", "info", "pending")
RULE_STATES = ("problem", *ALERT_STATES, "clear")
SOURCE_STATES = ("failing", "silent", "unseen", "up")
CHANGES = tuple(map(str, Change))
MOST_DECISIONS = 1_000
"""How many of the last decisions are looked through."""
SURFACE_STATES = ("blocked", "stale", "waiting", "correct", "nothing")

Shown = dict[str, Any]
"""What a template is given."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a page: what is asked for, the daemon's status, and a way to ask it for more."""

    visit: Visit
    status: Found
    ask: Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class SitePage:
    """One page: its name in the address, its title, what its search looks for ("": it has none), and what it shows."""

    name: str
    title: str
    search: str
    shows: Callable[[Look], Awaitable[Shown]]
    is_listed: bool = True

    @property
    def template(self) -> str:
        """Its template."""
        return f"{self.name or 'overview'}.html"


async def show(page: SitePage, client: DaemonClient, visit: Visit) -> Shown:
    """What the template of a page is given."""
    status = await client.status()
    common = {"page": page, "pages": PAGES, "visit": visit, "view": visit.view, "status": status, "now": status["at"]}
    return common | {"counts": counts(status)} | await page.shows(Look(visit, status, client.ask))


def counts(status: Found) -> Mapping[str, int]:
    """What needs somebody, by the names of pages."""
    return {"rules": sum(map(is_urgent, status["alerts"])), "sources": sum(map(is_down, status["sources"]))}


def is_firing(alert: Found) -> bool:
    """Whether an alert fires: it has a severity."""
    return alert["severity"] is not None


def is_urgent(alert: Found) -> bool:
    """Whether an alert fires and nothing suppresses it. Who silenced one knows of it."""
    return is_firing(alert) and not alert["suppressed"]


def is_down(source: Found) -> bool:
    """Whether a source fails or is silent."""
    return source["health"] in ("failing", "silent")


def alert_state(alert: Found) -> str:
    """Its severity; of one that does not fire yet, that it is pending."""
    return alert["severity"] or "pending"


async def overview(look: Look) -> Shown:
    """What needs somebody: what fires, the worst first; what fails; what waits."""
    status = look.status
    firing = sorted(filter(is_urgent, status["alerts"]), key=lambda alert: ALERT_STATES.index(alert_state(alert)))
    down = [source for source in status["sources"] if is_down(source)]
    problems = [rule for rule in status["rules"] if rule["problem"]]
    stuck = [each for each in status["accounts"] if each["blocked"] or each["refused"] or not each["reachable"]]
    return {
        "firing": firing[:ATTENTION],
        "suppressed": sum(map(is_firing, status["alerts"])) - len(firing),
        "down": down[:ATTENTION],
        "problems": problems[:ATTENTION],
        "stuck": stuck,
        "waiting": sum(lane["waiting"] for account in status["accounts"] for lane in account["waiting"]),
        "is_calm": not (firing or down or problems or stuck or status["degraded"]),
    }


async def rules(look: Look) -> Shown:
    """The rules with their alerts, those that fire first."""
    return await beside(_rules, look)


def _rules(look: Look) -> Shown:
    of_rule: dict[str, list[Found]] = {}

    def order(alert: Found) -> tuple[int, bool]:
        return ALERT_STATES.index(alert_state(alert)), bool(alert["suppressed"])

    for alert in sorted(look.status["alerts"], key=order):
        of_rule.setdefault(alert["rule"], []).append(alert)
    rows = [_rule_row(rule, of_rule.get(rule["name"], []), look.visit) for rule in look.status["rules"]]

    def state(row: Found) -> str:
        return str(row["state"])

    ordered = by_urgency(rows, RULE_STATES, state)
    return {"choice": choose(ordered, look.visit, RULE_STATES, state, lambda row: str(row["text"]))}


def _rule_row(rule: Found, alerts: Sequence[Found], visit: Visit) -> Shown:
    words = visit.q.casefold().split()
    texts = [_alert_text(alert) for alert in alerts]
    met = [alert for alert, text in zip(alerts, texts, strict=True) if has_all(words, text)] or alerts
    state = "problem" if rule["problem"] else alert_state(alerts[0]) if alerts else "clear"
    text = "\n".join([f"{rule['name']} {rule['metric']} {rule['expression']} {rule['problem']}", *texts])
    # An alert without labels is the rule itself.
    alone = alerts[0] if len(alerts) == 1 and not alerts[0]["labels"] else None
    listed = [] if alone else met[:ALERTS]
    left = 0 if alone else len(alerts) - len(listed)
    return {**rule, "state": state, "alone": alone, "alerts": listed, "left": left, "text": text}


def _alert_text(alert: Found) -> str:
    suppressed = f"suppressed {alert['suppressed_why']}" if alert["suppressed"] else ""
    return f"{alert['rule']} {labels_text(alert['labels'].items())} {alert_state(alert)} {suppressed}"


async def rule(look: Look) -> Shown:
    """The story of a rule, or of one of its alerts."""
    try:
        found = await look.ask("explain", name=f"rule:{look.visit.name}", labels=look.visit.labels)
    except ValueError as error:
        return {"problem": str(error), "found": None}
    asked = {"labels": look.visit.labels, **past.wanted(look.visit.span, look.status["at"])}
    pasts = [
        past.drawn(await look.ask("history", metric=metric, **asked), look.visit.name, look.visit.span)
        for metric in found["metrics"][:MOST_PLOTS]
    ]
    silenced = ", ".join(filter(None, [matchers({"rule": look.visit.name}), look.visit.labels]))
    return {
        "problem": "",
        "found": found,
        "title": look.visit.name,
        "states": [*explain.states(found)],
        "silenced": silenced,
        "pasts": pasts,
        "spans": past.SPANS,
    }


async def sources(look: Look) -> Shown:
    """The sources, those that fail first."""
    return await beside(_sources, look)


def _sources(look: Look) -> Shown:

    def state(source: Found) -> str:
        return str(source["health"])

    def text(source: Found) -> str:
        return f"{source['name']} {source['type']} {source['health']} {source['reason']}"

    ordered = by_urgency(look.status["sources"], SOURCE_STATES, state)
    return {"choice": choose(ordered, look.visit, SOURCE_STATES, state, text)}


async def surfaces(look: Look) -> Shown:
    """What the phones show, and what they should."""
    return await beside(_surfaces, look)


def _surfaces(look: Look) -> Shown:
    ordered = by_urgency(look.status["surfaces"], SURFACE_STATES, surface_state)
    choice = choose(ordered, look.visit, SURFACE_STATES, surface_state, _surface_text)
    several = len(look.status["accounts"]) > 1
    return {"choice": choice, "several": several, "state_of": surface_state}


def surface_state(surface: Found) -> str:
    """``blocked``: it cannot show what it should; ``waiting``: that waits to be sent; ``nothing``: it should show
    nothing.
    """
    if surface["reason"]:
        return "blocked"
    if surface["stale"]:
        return "stale"
    if surface["waiting_reason"]:
        return "waiting"
    return "nothing" if surface["shown"] is None else "correct"


def explained_name(surface: Found) -> str:
    """The name by which ``explain`` knows a surface."""
    kind = "activity" if surface["kind"] == "live_activity" else surface["kind"]
    return f"{kind}:{surface['name']}@{surface['account']}" if surface["name"] else f"{kind}@{surface['account']}"


def _surface_text(surface: Found) -> str:
    kind = surface["kind"].replace("_", " ")
    texts = (kind, surface["name"], surface["account"], surface["shown"], surface["desired"], surface["waiting_why"])
    return " ".join(str(text) for text in texts if text is not None)


async def surface(look: Look) -> Shown:
    """The story of a surface."""
    try:
        found = await look.ask("explain", name=look.visit.name, labels="")
    except ValueError as error:
        return {"problem": str(error), "found": None}
    deliveries = found["deliveries"][-MOST_DELIVERIES:]
    return {
        "problem": "",
        "found": found,
        "title": found["surface"],
        "data": [*data_lines(found)],
        "place": [*place_lines(found)],
        "deliveries": [(entry["at"], delivery_text(entry)) for entry in reversed(deliveries)],
        "left_out": len(found["deliveries"]) - len(deliveries),
    }


async def outbox(look: Look) -> Shown:
    """What waits to be sent, in the order of sending."""
    found = await look.ask("outbox")

    def text(message: Found) -> str:
        return f"{message['key']} {message['account']} {message['says']} {message['why']} {message['priority']}"

    reasons = sorted({message["reason"] for message in found["messages"]})
    choice = await beside(choose, found["messages"], look.visit, reasons, itemgetter("reason"), text)
    return {"choice": choice, "found": found}


async def silences(look: Look) -> Shown:
    """The silences that have not ended."""

    def text(silence: Found) -> str:
        return f"{silence['matchers']} {silence['comment']} {silence['author']}"

    return {"choice": choose(look.status["silences"], look.visit, (), lambda _: "", text)}


async def decisions(look: Look) -> Shown:
    """The last decisions about alerts, the newest first."""
    found = await look.ask("decisions", limit=MOST_DECISIONS)

    def text(decision: Found) -> str:
        words = (decision["change"], decision["severity"], decision["why"], decision["reason"], decision["detail"])
        return " ".join((decision["rule"], labels_text(decision["labels"].items()), *words))

    state = itemgetter("change")
    return {"choice": await beside(choose, found, look.visit, CHANGES, state, text)}


async def accounts(look: Look) -> Shown:
    """Each account: whether it is reachable, its budget and its slots."""
    return {"accounts": look.status["accounts"]}


PAGES = (
    SitePage("", "Overview", "", overview),
    SitePage("rules", "Rules", "rules and alerts", rules),
    SitePage("sources", "Sources", "sources", sources),
    SitePage("surfaces", "Surfaces", "surfaces", surfaces),
    SitePage("outbox", "Outbox", "messages", outbox),
    SitePage("silences", "Silences", "silences", silences),
    SitePage("decisions", "Decisions", "decisions", decisions),
    SitePage("accounts", "Accounts", "", accounts),
    SitePage("rule", "Rule", "", rule, is_listed=False),
    SitePage("surface", "Surface", "", surface, is_listed=False),
)

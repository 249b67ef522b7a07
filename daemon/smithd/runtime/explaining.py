"""What ``smithd explain`` is about, a rule or a surface, and what is said of it: by the daemon, or from the state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any, NamedTuple

from sqlalchemy import Connection

from smithd import journal
from smithd.delivery.waiting import Passages
from smithd.engine.engine import Engine
from smithd.errors import NotThere
from smithd.explain import decision, explain
from smithd.explain_surface import RULE, delivery, explain_surface, meanings
from smithd.keys import SurfaceKey
from smithd.outbox.delivered import Delivered
from smithd.outbox.deliveries import read_deliveries
from smithd.setup import Setup
from smithd.state import State


class Meant(NamedTuple):
    """A rule, by its name, or a surface; ``also``: what else the name could mean, as one would say that."""

    thing: str | SurfaceKey
    also: Sequence[str]


class Remembered(NamedTuple):
    """What the journals have of a rule or a surface, the oldest first."""

    decisions: Sequence[journal.Entry] = ()
    deliveries: Sequence[Delivered] = ()


def meant(setup: Setup, name: str) -> Meant:
    """What a name means: a rule before a widget, a Live Activity, the badge. A name that means nothing is a rule's."""
    found = meanings(setup, name)
    thing = found[0][1] if found else name.removeprefix(f"{RULE}:")
    return Meant(thing, [said for said, _ in found[1:]])


def remembered(connection: Connection, about: Meant, now: float) -> Remembered:
    """What is on disk about a rule or a surface."""
    if isinstance(about.thing, str):
        return Remembered(decisions=journal.read(connection, about.thing))
    return Remembered(deliveries=read_deliveries(connection, str(about.thing), now))


def decided(
    connection: Connection, thing: str | SurfaceKey | None, limit: int, zone: tzinfo, now: float
) -> list[dict[str, Any]]:
    """The last decisions about a rule's alerts (None: about those of all rules), or the last deliveries of a surface;
    the newest first.
    """
    if thing is None or isinstance(thing, str):
        entries = journal.newest(connection, thing, limit)
        return [{"rule": entry.rule} | decision(entry, zone) for entry in entries]
    deliveries = read_deliveries(connection, str(thing), now)[-limit:]
    return [{"surface": str(thing)} | delivery(each, zone) for each in reversed(deliveries)]


def explained(
    engine: Engine, about: Meant, remembered: Remembered, labels: str, passages: Passages | None, now: float
) -> dict[str, Any]:
    """Everything about a rule or a surface, as JSON has it. ``labels`` are matchers that choose among a rule's alerts;
    ``passages``: what the gate of a surface's account lets go (None: no daemon runs).

    ValueError, for a person, where there is no such rule, or the matchers make no sense.
    """
    if not isinstance(about.thing, str):
        return explained_surface(engine.setup, engine.state, about, remembered, labels, passages, now)
    _check_account(engine.setup, about.thing)
    said = explain(engine, remembered.decisions, about.thing, labels, now)
    return {"kind": RULE} | said | {"also": list(about.also)}


def explained_surface(
    setup: Setup, state: State, about: Meant, remembered: Remembered, labels: str, passages: Passages | None, now: float
) -> dict[str, Any]:
    """As ``explained``, of what is a surface. It reads frozen values only, so it is for a thread: with thousands of
    messages that wait, their order takes longer than the loop may wait.
    """
    assert not isinstance(about.thing, str), "rules are explained by what they look back on"
    if labels.strip():
        raise ValueError(f"{about.thing} is no rule: matchers of labels choose among the alerts of a rule")
    said = explain_surface(setup, state, about.thing, remembered.deliveries, passages, now)
    return said | {"also": list(about.also)}


def _check_account(setup: Setup, name: str) -> None:
    """NotThere where a name means something, and the account that is named with it has none of that."""
    bare, at, account = name.rpartition("@")
    others = [said for said, _ in meanings(setup, bare)] if at and account in setup.config.accounts else []
    if others:
        raise NotThere(f"{account} has no '{bare}'; there is {', '.join(others)}")

"""How the daemon is, in a sentence for ``systemctl status``. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from smithd.formatting import clock_time, counted
from smithd.keys import DEFAULT_ACCOUNT
from smithd.series.health import Health
from smithd.setup import Setup
from smithd.state import State
from smithd.status.model import GateStatus

NAMED = 3
"""How many sources that fail are named."""


def sentence(
    setup: Setup,
    state: State,
    gates: Sequence[GateStatus],
    failing_since: float | None,
    hangs_since: float | None,
    now: float,
) -> str:
    """The sentence at ``now``. ``failing_since``: since when the state cannot be written; ``hangs_since``: since when a
    commit hangs.
    """
    parts = [_sources(setup, state, now), _alerts(state), *_delivery(state, gates)]
    if failing_since is not None:
        parts.append(f"the state cannot be written since {clock_time(failing_since, now, setup.config.zone)}")
    if hangs_since is not None:
        parts.append(f"a commit hangs since {clock_time(hangs_since, now, setup.config.zone)}")
    return "; ".join(parts) + "."


def _sources(setup: Setup, state: State, now: float) -> str:
    names = setup.config.sources
    healths = {name: state.series.health(name, now) for name in names}
    down = {name: each for name, each in healths.items() if each is not None and each.health is not Health.UP}
    if not down:
        return counted(len(names), "source")
    zone = setup.config.zone
    named = [f"{name} since {clock_time(each.since, now, zone)}" for name, each in list(down.items())[:NAMED]]
    more = f" and {len(down) - NAMED} more" if len(down) > NAMED else ""
    return f"{counted(len(names), 'source')}, {len(down)} failing ({', '.join(named)}{more})"


def _alerts(state: State) -> str:
    firing = sum(alert.severity is not None for alert in state.alerts)
    return "no alert fires" if not firing else "1 alert fires" if firing == 1 else f"{firing:,} alerts fire"


def _delivery(state: State, gates: Sequence[GateStatus]) -> Iterator[str]:
    if waiting := state.outbox.count():
        yield "1 message waits" if waiting == 1 else f"{waiting:,} messages wait"
    for gate in gates:
        account = "" if gate.account == DEFAULT_ACCOUNT else f" for {gate.account}"
        if gate.blocked:
            yield f"delivery{account} is blocked"
        elif not gate.reachable:
            yield f"ActivitySmith is out of reach{account}"

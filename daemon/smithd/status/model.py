"""What the read model consists of: plain frozen values. No I/O.

Times are seconds since 1970; an age is what a reader makes of one. A text that is "" says that there is nothing to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from smithd.delivery.waiting import Passages
from smithd.poll.planned import NOTHING_PLANNED, Planned
from smithd.storage.degraded import CommitHealth

Shows = str | int | float
"""What a surface shows: the value of a widget, a Live Activity in a few words, the number of the badge."""


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """``schedule``: as a person says it. ``health``: up, failing, silent, or unseen before the first answer is due;
    since when, and why. ``answered_at``: when it last answered; ``next_poll_at``: when it is polled next, None where no
    scheduler runs. ``put_off_until``: it is not polled before, since it fails or asked to wait; None: it is polled when
    it is due.
    """

    name: str
    type: str
    schedule: str
    health: str
    since: float | None
    reason: str
    answered_at: float | None
    next_poll_at: float | None
    polls_skipped: int
    answers_dropped: int
    put_off_until: float | None = None


@dataclass(frozen=True, slots=True)
class AlertStatus:
    """An alert that is not inactive. ``state``: pending, firing or recovering; ``since``: since when it is at its
    severity, ``fired_at``: when it first fired; ``suppressed``: the reason, ``suppressed_why``: the same for a person.
    """

    rule: str
    labels: Mapping[str, str]
    state: str
    severity: str | None
    since: float
    fired_at: float | None
    value: float | None
    suppressed: str
    suppressed_why: str
    suppressed_until: float | None


@dataclass(frozen=True, slots=True)
class ThresholdStatus:
    """One severity of a rule: its condition as it was written, when it fires for a person, and for how many seconds it
    must hold, and be clear.
    """

    severity: str
    condition: str
    fires_when: str
    for_seconds: float
    keep_firing_for_seconds: float


@dataclass(frozen=True, slots=True)
class RuleStatus:
    """A rule on a ``metric``, or with an ``expression``; ``state``: firing, pending or inactive, as its worst alert is.
    ``severity``: the worst that fires, ``since``: when the first of its alerts that fire began to; ``firing`` and
    ``pending``: how many do; ``suppressed``: how many of them are. ``problem``: why its expression cannot be evaluated.
    """

    name: str
    metric: str
    expression: str
    thresholds: Sequence[ThresholdStatus]
    labels: Mapping[str, str]
    accounts: Sequence[str]
    notifies: bool
    state: str
    severity: str | None
    since: float | None
    firing: int
    pending: int
    suppressed: int
    problem: str


@dataclass(frozen=True, slots=True)
class SurfaceStatus:
    """``shown``: what was accepted last; None where nothing is there, or it is not known what. ``desired``: what it
    should show, None: nothing, or it cannot be told. Where the two differ, ``waiting_reason`` is a stable identifier,
    and ``waiting_why`` says it to a person (also why a Live Activity is not wanted). ``stale``: something that it
    shows is too old. ``waiting``: a message waits or is in flight. ``reason``: why there is no desired state. Of a Live
    Activity that is wanted, ``rank`` decides about its slot, and one that waits may start at ``may_start_at`` at the
    earliest (None: when something changes).
    """

    kind: str
    account: str
    name: str
    shown: Shows | None
    shown_at: float | None
    desired: Shows | None
    waiting: bool
    waiting_reason: str
    waiting_why: str
    waiting_until: float | None
    stale: bool
    has_slot: bool
    reason: str
    rank: str = ""
    may_start_at: float | None = None


@dataclass(frozen=True, slots=True)
class SilenceStatus:
    """A silence that has not ended."""

    id: int
    matchers: str
    comment: str
    author: str
    starts_at: float
    ends_at: float


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """The messages of one priority that wait; ``oldest_at``: when the oldest was made."""

    priority: str
    waiting: int
    oldest_at: float


@dataclass(frozen=True, slots=True)
class RefusedStatus:
    """A notification that the service refuses, and why. It waits until ``retry_at``, or until its alert ends."""

    notification: str
    title: str
    reason: str
    retry_at: float


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """The requests of one family that count for its limit in a minute now."""

    family: str
    used: int
    limit: int


@dataclass(frozen=True, slots=True)
class BlockStatus:
    """What is blocked, why for a person, and when it is tried again."""

    scope: str
    why: str
    retry_at: float


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """``reachable_since``: since when it is, or is not, None before the first request; ``next_probe_at``: when it is
    tried again where it is not, None: now. ``slots_wanted``: how many Live Activities want one. ``removed``: the
    configuration does not have it any more, and so no slots of it; it is here until what it shows is ended.
    """

    name: str
    reachable: bool
    reachable_since: float | None
    next_probe_at: float | None
    blocked: Sequence[BlockStatus]
    budgets: Sequence[BudgetStatus]
    slots_used: int
    slots: int
    slots_wanted: int
    waiting: Sequence[LaneStatus]
    in_flight: int
    refused: Sequence[RefusedStatus]
    removed: bool


@dataclass(frozen=True, slots=True)
class StateStatus:
    """``degraded``: steps are applied without a commit; ``failing_since`` and ``reason``: commits fail.
    ``entries_waiting``: how many wait for a step. ``size``: that of the file and its log in bytes, None where it is not
    known. ``commit_hangs_since``: when a commit began that does not end.
    """

    path: str
    size: int | None
    degraded: bool
    failing_since: float | None
    reason: str
    committed_at: float
    entries_waiting: int
    commit_hangs_since: float | None = None


@dataclass(frozen=True, slots=True)
class ReloadStatus:
    """The last reload; ``refused``: why the configuration was not taken."""

    reloaded_at: float
    refused: str


@dataclass(frozen=True, slots=True)
class Status:
    """Everything, at ``at``."""

    at: float
    timezone: str
    version: str
    started_at: float
    configuration: str
    degraded: bool
    last_reload: ReloadStatus | None
    sources: Sequence[SourceStatus]
    rules: Sequence[RuleStatus]
    alerts: Sequence[AlertStatus]
    surfaces: Sequence[SurfaceStatus]
    silences: Sequence[SilenceStatus]
    accounts: Sequence[AccountStatus]
    state: StateStatus


@dataclass(frozen=True, slots=True)
class GateStatus:
    """What an account's gate knows; the fields are those of ``AccountStatus``. ``passages``: what it lets go now."""

    account: str
    reachable: bool
    reachable_since: float | None
    next_probe_at: float | None
    blocked: Sequence[BlockStatus]
    budgets: Sequence[BudgetStatus]
    passages: Passages


@dataclass(frozen=True, slots=True)
class RuntimeFacts:
    """What the engine's state does not have. ``skipped`` and ``dropped``: polls that were skipped and answers that were
    dropped, by source. ``put_off``: until when sources are not polled; ``planned``: when they are due. ``instant``:
    now, by the monotonic clock, which ``health`` uses; ``beside_since``: by that clock, since when the committer has
    had what it works on.
    """

    version: str
    started_at: float
    last_reload: ReloadStatus | None
    state_path: str
    health: CommitHealth
    committed_at: float
    entries_waiting: int
    skipped: Mapping[str, int]
    dropped: Mapping[str, int]
    put_off: Mapping[str, float]
    gates: Sequence[GateStatus]
    instant: float
    planned: Planned = NOTHING_PLANNED
    state_size: int | None = None
    beside_since: float | None = None

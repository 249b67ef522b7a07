"""All surfaces of a configuration: which of them a change concerns, and what they should show then. No I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from smithd.keys import BadgeKey, StreamKey, SurfaceKey, WidgetKey
from smithd.outbox.message import ActivityContent, ActivityEnd, LevelMessage
from smithd.outbox.shown import ShownActivity, says_same
from smithd.outbox.update_budget import UPDATES_AT_ONCE
from smithd.series.expected import source_of
from smithd.surfaces.activity.options import ActivityOptions
from smithd.surfaces.activity.surface import activity_surface
from smithd.surfaces.badge import BadgeOptions, BadgeSurface
from smithd.surfaces.countdown import Countdown
from smithd.surfaces.folding import UPDATE_EVERY, Row, common_activity
from smithd.surfaces.messages import end_at_once, message
from smithd.surfaces.renewal import LOOK_AGAIN, is_due, to_renew
from smithd.surfaces.slots.allocate import allocate
from smithd.surfaces.slots.decision import Allocation, SlotDecision, TimedDecision
from smithd.surfaces.slots.demand import Readiness, SlotDemand, SlotLimits
from smithd.surfaces.slots.memory import Slots
from smithd.surfaces.surface import (
    Dependencies,
    DesiredActivity,
    DesiredState,
    NotRenderable,
    Obstacle,
    SlotSurface,
    SlotWait,
    Surface,
    rank_text,
)
from smithd.surfaces.swipe import staying_away
from smithd.surfaces.view import SurfacesView
from smithd.surfaces.widget import WidgetOptions, widget_surface
from smithd.timers import SurfaceDue

Causes = Mapping[str, frozenset[SurfaceKey]]


@dataclass(frozen=True, slots=True)
class Surfaces:
    """The surfaces of one account, in the file's order: those that are always there, and those that need a slot. The
    common Live Activity of folded ones is in ``order`` alone. ``accounts``: its names, which may be several;
    ``channels``: those of the first.

    ``metrics``: those that a surface shows; ``sources``: those whose answers a surface depends on. ``by_name`` has the
    surfaces that depend on a metric or source, ``by_rule`` those that depend on a rule, ``by_window`` on a time window,
    ``on_all_rules`` those that depend on every rule. ``updates_at_once``: how many updates of a Live Activity iOS shows
    in a row.
    """

    accounts: tuple[str, ...]
    order: Mapping[SurfaceKey, int]
    always: Mapping[SurfaceKey, Surface]
    streams: Mapping[StreamKey, SlotSurface]
    limits: SlotLimits
    updates_at_once: int
    channels: tuple[str, ...] | None
    metrics: frozenset[str]
    sources: frozenset[str]
    by_name: Causes
    by_rule: Causes
    by_window: Causes
    on_all_rules: frozenset[SurfaceKey]

    @property
    def keys(self) -> list[SurfaceKey]:
        """All surfaces, in the file's order."""
        return list(self.order)

    def concerned(self, names: Iterable[str], rules: Collection[str]) -> set[SurfaceKey]:
        """The surfaces that look at one of these metrics or sources, or at one of these rules."""
        found = {key for name in names for key in self.by_name.get(name, ())}
        if rules:
            found.update(key for rule in rules for key in self.by_rule.get(rule, ()))
            found |= self.on_all_rules
        return found


@dataclass(frozen=True, slots=True)
class Rendered:
    """What became of the surfaces that were rendered: messages in the file's order, surfaces that cannot show what they
    should, the slots and the countdowns from now on, and when to look again.
    """

    messages: Sequence[LevelMessage]
    not_renderable: Sequence[NotRenderable]
    slots: Slots
    countdowns: Mapping[StreamKey, Countdown]
    timers: Sequence[tuple[float, SurfaceDue]]


def build(
    widgets: Mapping[WidgetKey, WidgetOptions],
    activities: Mapping[StreamKey, ActivityOptions],
    badges: Mapping[BadgeKey, BadgeOptions],
    watchers: Mapping[str, Collection[str]],
    channels: Mapping[str, Sequence[str] | None],
    at_once: int,
    starts_per_hour: int = 6,
    return_after: float = 300.0,
    updates_at_once: int = UPDATES_AT_ONCE,
) -> Surfaces:
    """The surfaces of an account. ``watchers``: the rules on each metric, and on what a derived one is worked out from;
    ``channels``: those of each name of the account; ``at_once``, ``starts_per_hour``, ``return_after``: see
    ``SlotLimits``; ``updates_at_once``: how many updates of one iOS shows in a row.
    """
    # A derived metric has no dot, and no source; the metrics that it is computed from are among the watchers too.
    watched = frozenset(source_of(metric) for metric in watchers if "." in metric)
    always: list[Surface] = [widget_surface(key, options, watchers, watched) for key, options in widgets.items()]
    streams = [activity_surface(key, options, channels[key.account], watchers) for key, options in activities.items()]
    for key, badge in badges.items():
        whose = tuple(badge.channels or channels[key.account] or ()) or None
        always.append(BadgeSurface(key, badge, whose, watched))
    every = [*always, *streams]
    limits = SlotLimits(at_once, {stream.key: stream.slot for stream in streams}, starts_per_hour, return_after)
    keys = [surface.key for surface in every] + ([limits.fold_key] if limits.fold_key is not None else [])
    first = next(iter(channels.values()))
    return Surfaces(
        tuple(channels),
        {key: place for place, key in enumerate(keys)},
        {surface.key: surface for surface in always},
        {stream.key: stream for stream in streams},
        limits,
        updates_at_once,
        tuple(first) if first else None,
        frozenset().union(*(surface.dependencies.metrics for surface in every)),
        watched if any(surface.dependencies.all_sources for surface in every) else frozenset(),
        _index(every, lambda on: on.metrics | watched if on.all_sources else on.metrics),
        _index(every, lambda on: on.rules),
        _index(every, lambda on: on.windows),
        frozenset(surface.key for surface in every if surface.dependencies.all_rules),
    )


def _index(surfaces: Iterable[Surface | SlotSurface], causes: Callable[[Dependencies], frozenset[str]]) -> Causes:
    """The surfaces by what they depend on."""
    found: dict[str, set[SurfaceKey]] = defaultdict(set)
    for surface in surfaces:
        for cause in causes(surface.dependencies):
            found[cause].add(surface.key)
    return {cause: frozenset(keys) for cause, keys in found.items()}


_Found = DesiredState | NotRenderable | ActivityEnd


def render(surfaces: Surfaces, concerned: Collection[SurfaceKey], view: SurfacesView, slots: Slots) -> Rendered:
    """What the surfaces that are concerned should show now. A change of one stream may concern all others that need a
    slot; where one has left the phone, any stream is concerned.
    """
    always = sorted((key for key in concerned if key in surfaces.always), key=surfaces.order.__getitem__)
    found: list[_Found] = [surfaces.always[key].render(view) for key in always]
    after, counting, planned = slots, view.countdowns, list[tuple[float, SurfaceDue]]()
    if surfaces.limits.fold_key in concerned or not surfaces.streams.keys().isdisjoint(concerned):
        outcomes, after, counting, planned = _render_streams(surfaces, concerned, view, slots)
        found += outcomes
    return Rendered(
        [
            each
            if isinstance(each, ActivityEnd)
            else message(each, view.shown(each.key), surfaces.updates_at_once, view.now)
            for each in found
            if not isinstance(each, NotRenderable)
        ],
        [problem for each in found if (problem := _problem(each)) is not None],
        after,
        counting,
        planned,
    )


def _render_streams(
    surfaces: Surfaces, concerned: Collection[SurfaceKey], view: SurfacesView, slots: Slots
) -> tuple[list[_Found], Slots, Mapping[StreamKey, Countdown], list[tuple[float, SurfaceDue]]]:
    """What became of the surfaces that need a slot; the slots, the countdowns, and when to look again."""
    before = view.countdowns
    others = {key: each for key, each in before.items() if key not in surfaces.streams}
    counting = others | {key: each for key, stream in surfaces.streams.items() if (each := stream.countdown(view))}
    view = replace(view, countdowns=counting)
    slots = replace(slots, away=staying_away(slots.away, surfaces.streams, view))
    streams = _Streams(surfaces, view, frozenset(each.key for each in slots.away))
    allocation = allocate(streams.demand(), slots, streams.limits(), view.now)
    after = allocation.slots

    shown = [each for each in map(view.shown, allocation.holders) if isinstance(each, ShownActivity)]
    renewed = to_renew(shown, view.now)
    found: list[_Found] = []
    for key, decided in allocation.decided.items():
        # A stream that has just been given a slot is rendered, whatever has changed.
        is_new = decided.decision is SlotDecision.STARTED or after.folded != slots.folded
        if not decided.decision.has_slot or is_new or streams.shows(key, after).intersection(concerned):
            found.append(_renewed(streams.outcome(key, decided, allocation), renewed))
    found += [NotRenderable(each.key, Obstacle.SWIPED) for each in slots.away if each.key not in allocation.decided]

    planned = [(view.now + LOOK_AGAIN, SurfaceDue(each.key)) for each in shown if is_due(each, view.now)]
    # The timer for what was to be looked at again already is in the queue.
    if after.look_again is not None and after.look_again != slots.look_again:
        planned.append((after.look_again, SurfaceDue(next(iter(surfaces.streams)))))
    # Of each countdown that is another than before, when it is over or moves: its source may have died until then.
    changed = {key: each for key, each in counting.items() if before.get(key) != each}
    planned += [(at, SurfaceDue(key)) for key, each in changed.items() for at in each.times]
    return found, after, counting, [*planned, *streams.ticks(after, concerned)]


def _renewed(
    desired: DesiredActivity | NotRenderable | ActivityEnd, renewed: StreamKey | None
) -> DesiredActivity | NotRenderable | ActivityEnd:
    """What a stream should show, sent though it is shown where it is the one to renew."""
    return replace(desired, renews=True) if isinstance(desired, DesiredActivity) and desired.key == renewed else desired


def _problem(found: DesiredState | NotRenderable | ActivityEnd) -> NotRenderable | None:
    """Why a surface cannot show what it should, whether it keeps what it shows or not."""
    match found:
        case NotRenderable():
            return found
        case DesiredActivity():
            return found.problem
    return None


class _Streams:
    """The surfaces that need a slot, each rendered once at most, and only where that decides something."""

    def __init__(self, surfaces: Surfaces, view: SurfacesView, away: frozenset[StreamKey]) -> None:
        self._surfaces, self._view, self._away = surfaces, view, away
        self._streams, self._fold_key = surfaces.streams, surfaces.limits.fold_key
        self._wanted = {
            key: each.incident_severity(view)
            for key, each in self._streams.items()
            if each.is_wanted(view) and key not in away
        }
        self._rendered = cache(lambda key: self._streams[key].render(view))

    def demand(self) -> SlotDemand:
        """What slots are allocated for."""
        view = self._view
        on_phone, enqueued, ending = (
            {key for key in keys() if key.account in self._surfaces.accounts}
            for keys in (view.on_phone, view.enqueued, view.ending)
        )
        return SlotDemand(self._wanted, on_phone, enqueued, ending, self._readiness)

    def limits(self) -> SlotLimits:
        """What has come to its end by itself, or stays away, does not come back in a moment, and need not cool down."""
        limits = self._surfaces.limits
        done = [key for key, stream in self._streams.items() if stream.is_done(self._view) or key in self._away]
        ended = {key: replace(limits.streams[key], cool_down=0.0) for key in done}
        return replace(limits, streams={**limits.streams, **ended}) if ended else limits

    def _readiness(self, key: StreamKey) -> Readiness:
        refusals = self._view.refusals()
        if key == self._fold_key:
            return Readiness.UNABLE if key in refusals else Readiness.READY
        desired = self._rendered(key)
        if isinstance(desired, NotRenderable):
            return Readiness.EXPECTED if desired.obstacle is Obstacle.UNSEEN else Readiness.UNABLE
        if key not in refusals:
            return Readiness.READY
        # Refused whatever it says, or just as it is.
        refused, start = refusals[key], message(desired, None, self._surfaces.updates_at_once, self._view.now)
        return Readiness.UNABLE if refused is None or says_same(start, refused) else Readiness.READY

    def shows(self, key: StreamKey, slots: Slots) -> set[SurfaceKey]:
        """The surfaces whose changes a stream shows."""
        return {key, *slots.folded} if key == self._fold_key else {key}

    def ticks(self, slots: Slots, concerned: Collection[SurfaceKey]) -> list[tuple[float, SurfaceDue]]:
        """When the common stream is looked at again since a row of it has what is left of a countdown, and cannot count
        by itself: a moment before its next update.
        """
        key, view = self._fold_key, self._view
        if key is None or view.countdowns.keys().isdisjoint(slots.folded):
            return []
        if not self.shows(key, slots).intersection(concerned):
            return []
        shown = view.shown(key)
        at = (shown.at if shown is not None else view.now) + UPDATE_EVERY - 1
        return [(at if at > view.now else view.now + UPDATE_EVERY - 1, SurfaceDue(key))]

    def outcome(
        self, key: StreamKey, decided: TimedDecision, allocation: Allocation
    ) -> DesiredActivity | NotRenderable | ActivityEnd:
        """What a decision comes to."""
        decision, until = decided
        if decision.has_slot:
            return self._common(key, allocation.slots) if key == self._fold_key else self._rendered(key)
        if decision.leaves:
            if key == self._fold_key or key in self._away or decision is not SlotDecision.ENDED:
                return end_at_once(key, self._view.shown(key), self._view.now)
            return ActivityEnd(key, self._streams[key].final_content(self._view), self._view.now)
        if decision is SlotDecision.NOT_READY and isinstance(desired := self._rendered(key), NotRenderable):
            return desired
        holders = tuple(f"{holder.name} ({self._rank(holder)})" for holder in allocation.holders)
        return NotRenderable(key, Obstacle.NO_SLOT, wait=SlotWait(decision, holders, until))

    def _common(self, key: StreamKey, slots: Slots) -> DesiredActivity | NotRenderable:
        """The common stream, with the streams that it shows."""
        shown, rows = self._shown_rows(key), []
        for each in sorted(slots.folded, key=self._surfaces.order.__getitem__):
            row = self._streams[each].folded_row(self._rendered(each), shown, self._view)
            if row is not None:
                rows.append((self._wanted.get(each), row))
        if not rows:
            return NotRenderable(key, Obstacle.UNSEEN)
        return common_activity(key, rows, self._surfaces.channels)

    def _shown_rows(self, key: StreamKey) -> dict[str, Row]:
        """The rows of the common stream that the phone has, by their labels."""
        shown = self._view.shown(key)
        if not isinstance(shown, ShownActivity) or shown.ended or not isinstance(shown.content, ActivityContent):
            return {}
        return {row["label"]: row for row in shown.content.content_state.get("metrics", ())}

    def _rank(self, key: StreamKey) -> str:
        if key == self._fold_key:
            return "folded ones"
        return rank_text(self._wanted.get(key), self._surfaces.limits.streams[key].priority)

"""All surfaces of a configuration: which of them a change concerns, and what they should show then. No I/O."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from smithd.keys import DEFAULT_ACCOUNT, BadgeKey, StreamKey, SurfaceKey, WidgetKey
from smithd.outbox.message import ActivityEnd, LevelMessage
from smithd.outbox.shown import ShownActivity
from smithd.outbox.update_budget import UPDATES_AT_ONCE
from smithd.series.expected import source_of
from smithd.surfaces.activity.options import ActivityOptions
from smithd.surfaces.activity.surface import activity_surface
from smithd.surfaces.badge import BadgeOptions, BadgeSurface
from smithd.surfaces.countdown import Countdown
from smithd.surfaces.messages import message
from smithd.surfaces.renewal import LOOK_AGAIN, is_due, to_renew
from smithd.surfaces.slots import SlotDecision, SlotLimits, Slots, allocate, timers
from smithd.surfaces.surface import (
    Dependencies,
    DesiredActivity,
    DesiredState,
    NotRenderable,
    Obstacle,
    SlotSurface,
    Surface,
)
from smithd.surfaces.view import SurfacesView
from smithd.surfaces.widget import WidgetOptions, widget_surface
from smithd.timers import SurfaceDue

Causes = Mapping[str, frozenset[SurfaceKey]]


@dataclass(frozen=True, slots=True)
class Surfaces:
    """The surfaces of one account, in the file's order: those that are always there, and those that need a slot.

    ``metrics``: those that a surface shows; ``sources``: those whose answers a surface depends on. ``by_name`` has the
    surfaces that depend on a metric or source, ``by_rule`` those that depend on a rule, ``by_window`` on a time window,
    ``on_all_rules`` those that depend on every rule. ``updates_at_once``: how many updates of a Live Activity iOS shows
    in a row.
    """

    order: Mapping[SurfaceKey, int]
    always: Mapping[SurfaceKey, Surface]
    streams: Mapping[StreamKey, SlotSurface]
    limits: SlotLimits
    updates_at_once: int
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
    widgets: Mapping[str, WidgetOptions],
    activities: Mapping[str, ActivityOptions],
    badge: BadgeOptions | None,
    watchers: Mapping[str, Collection[str]],
    channels: Sequence[str] | None,
    at_once: int,
    updates_at_once: int = UPDATES_AT_ONCE,
    account: str = DEFAULT_ACCOUNT,
) -> Surfaces:
    """The surfaces of a configuration. ``watchers``: the rules on each metric, and on what a derived one is worked out
    from; ``channels``: the account's; ``at_once``: how many Live Activities may be on the phone;
    ``updates_at_once``: how many updates of one iOS shows in a row.
    """
    # A derived metric has no dot, and no source; the metrics that it is computed from are among the watchers too.
    watched = frozenset(source_of(metric) for metric in watchers if "." in metric)
    always: list[Surface] = [
        widget_surface(WidgetKey(account, name), options, watchers, watched) for name, options in widgets.items()
    ]
    streams = [
        activity_surface(StreamKey(account, name), options, channels, watchers) for name, options in activities.items()
    ]
    if badge is not None:
        always.append(BadgeSurface(BadgeKey(account), badge, tuple(badge.channels or channels or ()) or None))
    every = [*always, *streams]
    return Surfaces(
        {surface.key: place for place, surface in enumerate(every)},
        {surface.key: surface for surface in always},
        {stream.key: stream for stream in streams},
        SlotLimits(at_once, {stream.key: stream.cool_down for stream in streams}),
        updates_at_once,
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


def render(surfaces: Surfaces, concerned: Collection[SurfaceKey], view: SurfacesView, slots: Slots) -> Rendered:
    """What the surfaces that are concerned should show now. A change of one stream may concern all others that need a
    slot; where one has left the phone, any stream is concerned.
    """
    always = sorted((key for key in concerned if key in surfaces.always), key=surfaces.order.__getitem__)
    found: list[DesiredState | NotRenderable | ActivityEnd]
    found = [surfaces.always[key].render(view) for key in always]
    before = view.countdowns

    after, counting = slots, view.countdowns
    freed, waiting = list[StreamKey](), list[StreamKey]()
    if not surfaces.streams.keys().isdisjoint(concerned):
        counting = {key: each for key, stream in surfaces.streams.items() if (each := stream.countdown(view))}
        view = replace(view, countdowns=counting)
        wanted = {key for key, stream in surfaces.streams.items() if stream.is_wanted(view)}
        allocation = allocate(wanted, view.on_phone(), slots, _limits(surfaces, view), view.now)
        after = allocation.slots
        showing = [view.shown(key) for key, decision in allocation.decisions.items() if decision.has_slot]
        on_phone = [shown for shown in showing if isinstance(shown, ShownActivity)]
        renewed = to_renew(on_phone, view.now)
        waiting = [shown.key for shown in on_phone if is_due(shown, view.now)]
        for key, decision in allocation.decisions.items():
            if decision is SlotDecision.WAITING:
                found.append(NotRenderable(key, Obstacle.NO_SLOT, allocation.holders))
            elif decision.leaves:
                found.append(ActivityEnd(key, surfaces.streams[key].final_content(view), view.now))
            # A stream that has just been given a slot is rendered, whatever has changed.
            elif key in concerned or slots.holder(key) is None:
                found.append(_renewed(surfaces.streams[key].render(view), renewed))
        freed = [key for key, decision in allocation.decisions.items() if decision.leaves and not view.is_on_phone(key)]

    # The timers of the slots as they were are in the queue already.
    known = timers(slots, surfaces.limits, view.now)
    planned = [each for each in timers(after, surfaces.limits, view.now) if each not in known]
    # The end of a stream that has not started withdraws its start: there is no answer to wait for.
    planned += [(view.now, key) for key in freed]
    planned += [(view.now + LOOK_AGAIN, key) for key in waiting]
    # Of each countdown that is another than before, when it is over: its source may be dead by then.
    planned += [(each.over_at, key) for key, each in counting.items() if each.over_at and before.get(key) != each]

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
        [(at, SurfaceDue(key)) for at, key in planned],
    )


def _limits(surfaces: Surfaces, view: SurfacesView) -> SlotLimits:
    """The limits, where what has come to its end by itself has no cool-down: it does not come back in a moment."""
    done = [key for key, stream in surfaces.streams.items() if stream.is_done(view)]
    if not done:
        return surfaces.limits
    return replace(surfaces.limits, cool_down={**surfaces.limits.cool_down, **dict.fromkeys(done, 0.0)})


def _renewed(desired: DesiredState | NotRenderable, renewed: StreamKey | None) -> DesiredState | NotRenderable:
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

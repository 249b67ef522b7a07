"""A Live Activity of any type, as a surface that needs a slot. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from smithd.alerts.severity import Severity
from smithd.keys import StreamKey
from smithd.outbox.message import ActivityContent, ActivityStage
from smithd.outbox.shown import ShownActivity
from smithd.series.state import SeriesState
from smithd.surfaces import no_data
from smithd.surfaces.activity.options import ActivityOptions
from smithd.surfaces.activity.view import ActivityView, undated
from smithd.surfaces.countdown import Countdown
from smithd.surfaces.folding import NO_VALUE, Row, aged
from smithd.surfaces.slots.demand import SlotOptions
from smithd.surfaces.surface import Dependencies, DesiredActivity, NotRenderable, Obstacle
from smithd.surfaces.view import SurfacesView, summary_names

_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)*")


@dataclass(frozen=True, slots=True)
class ActivitySurface:
    """A Live Activity with these options. ``channels``: its own, or those of the account."""

    key: StreamKey
    options: ActivityOptions
    channels: tuple[str, ...] | None
    dependencies: Dependencies

    @property
    def slot(self) -> SlotOptions:
        """What its options say of its slot."""
        options = self.options
        return SlotOptions(options.priority, options.min_hold, options.end.cool_down, options.fold)

    def has_reason(self, view: SurfacesView) -> bool | None:
        """Whether its options want it shown; None: that is not known now."""
        return self.options.is_wanted(view)

    def stays_away(self, *, is_incident: bool) -> bool:
        """Whether it does not return by itself once a person has swiped it away."""
        chosen = self.options.after_swipe
        return not is_incident if chosen is None else chosen == "stay_away"

    def is_wanted(self, view: SurfacesView) -> bool:
        """Whether it has a reason to be on the phone now, or is there and has none to leave."""
        wanted, is_there = self.options.is_wanted(view), view.is_on_phone(self.key)
        if self.is_done(view) or (view.is_stopping and not is_there):
            return False
        if wanted and not is_there and any(map(view.is_open, self.options.mute)):
            return self.incident_severity(view) is not None
        return is_there if wanted is None else wanted

    def is_done(self, view: SurfacesView) -> bool:
        """Whether it has come to its end by itself; it is unwanted then."""
        if view.is_stopping and self.options.on_shutdown == "end":
            return True
        clock = self.options.clock
        is_over = clock is not None and clock.is_over(view.countdowns.get(self.key), view.now)
        return is_over or self._has_no_data(view)

    def look_for_data_at(self, series: SeriesState, now: float) -> float | None:
        """When it may have had no data for ``end.when_no_data``, at the earliest; None: it shows no values."""
        sources = self._sources(series)
        return no_data.next_look(series, sources, self.options.end.when_no_data, now) if sources else None

    def _has_no_data(self, view: SurfacesView) -> bool:
        """Whether all sources of what it shows have been down for ``end.when_no_data``."""
        since = no_data.down_since(view.series, self._sources(view.series), view.now)
        return since is not None and view.now >= since + self.options.end.when_no_data

    def _sources(self, series: SeriesState) -> frozenset[str]:
        """Those of what it shows; of what decides whether it is wanted, where it shows no values."""
        deciding = self.options.dependencies.metrics - self.options.shown_metrics
        metrics = self.dependencies.metrics - deciding or self.dependencies.metrics
        return frozenset().union(*(series.expected.sources_of(metric) for metric in metrics))

    def countdown(self, view: SurfacesView) -> Countdown | None:
        """What its timer counts down from now on; None where it has none."""
        clock = self.options.clock
        return clock.countdown(view.countdowns.get(self.key), self.key, view) if clock is not None else None

    def incident_severity(self, view: SurfacesView) -> Severity | None:
        """How badly the rules fire that it is shown for or coloured by, from warning on; None: it is no incident."""
        severity = self.options.counted_severity(self.dependencies.rules, view)
        return severity if severity is not None and severity > Severity.INFO else None

    def render(self, view: SurfacesView) -> DesiredActivity | NotRenderable:
        """Its full state; where that cannot be shown, what is shown, with a mark."""
        # After a start, what is shown stays until all have answered: until then, some rows would be marked as stale.
        if any(view.is_unseen(metric) for metric in self.dependencies.metrics):
            return NotRenderable(self.key, Obstacle.UNSEEN)
        seen = self._seen(view)
        if (problem := self.options.obstacle(self.key, view)) is not None:
            seen = seen.of_shown
            kept = self._kept(seen)
            return self._desired(kept, seen, problem) if kept and view.is_on_phone(self.key) else problem
        return self._desired(self._state(seen), seen)

    def final_content(self, view: SurfacesView) -> ActivityContent:
        """Its state now, and after how many seconds the phone takes it away."""
        seen, is_kept = self._seen(view), self.options.obstacle(self.key, view) is not None
        seen = seen.of_shown if is_kept else seen
        state = self._kept(seen) if is_kept else self._state(seen)
        if not state:
            return ActivityContent({})
        texts = self._lost(seen) if self._has_no_data(view) else self.options.final_texts(seen, state)
        seconds = round(self.options.end.dismiss_after)
        return ActivityContent(state | texts | {"auto_dismiss_seconds": seconds})

    def _lost(self, seen: ActivityView) -> dict[str, Any]:
        """The texts of a final state without data: those of ``final`` may say that all is well."""
        series = seen.surfaces.series
        since = no_data.last_answer(series, self._sources(series)) or seen.as_of or series.started
        return self.options.marked(seen, f"no data since {seen.clock(since)}")

    def folded_row(
        self, desired: DesiredActivity | NotRenderable, shown: Mapping[str, Row], view: SurfacesView
    ) -> Row | None:
        """The row that stands for it where it is folded. Without a value, the row that is shown stays, with a
        mark; until its first values since a start, as it is.
        """
        seen = self._seen(view)
        label = self.options.head(seen)["title"]
        kept = shown.get(label)
        if isinstance(desired, NotRenderable):
            if desired.obstacle is not Obstacle.UNSEEN:
                return aged(kept, view.locale) if kept is not None else None
            # What the phone does not have is one of those that its last row counts, if it has any.
            return kept or ({"label": label, "value": NO_VALUE} if shown else None)
        row = self.options.folded_row(desired.content, self.incident_severity(view), view)
        if row["value"] == NO_VALUE and kept is not None:
            return aged(kept, view.locale)
        # Where the value is a number, the subtitle says how old it is, and a row has none.
        is_old = bool(seen.stale_mark) and seen.stale_mark in desired.content.content_state.get("subtitle", "")
        return aged(row, view.locale) if is_old else row

    def _seen(self, view: SurfacesView) -> ActivityView:
        options, shown = self.options, view.shown(self.key)
        counted = view.counted(options.headline_rules, include_suppressed=options.include_suppressed)
        on_phone = shown if isinstance(shown, ShownActivity) and not shown.ended else None
        return ActivityView(
            view,
            samples=options.samples(view),
            summary=summary_names(counted),
            severity=options.counted_severity(self.dependencies.rules, view),
            shown=shown.content if isinstance(shown, ShownActivity) else None,
            since=on_phone.since if on_phone is not None else None,
            step=on_phone.stage.step if on_phone is not None else None,
            countdown=view.countdowns.get(self.key),
        )

    def _state(self, seen: ActivityView) -> dict[str, Any]:
        """The whole content state."""
        return self.options.head(seen) | self.options.own_state(seen)

    def _kept(self, seen: ActivityView) -> dict[str, Any]:
        """What is shown, with the headline of now and a mark; empty where it is not known, or is of another type."""
        if seen.shown is None or seen.shown_state.get("type") != self.options.type:
            return {}
        mark = seen.mark(seen.as_of)
        return {**seen.shown_state, **self.options.head(seen), **self.options.marked(seen, mark)}

    def _desired(
        self, state: dict[str, Any], seen: ActivityView, problem: NotRenderable | None = None
    ) -> DesiredActivity:
        buttons = {
            name: button.model_dump(exclude_none=True) for name, button in self.options.buttons().items() if button
        }
        content = ActivityContent(
            state,
            action=buttons.get("action"),
            secondary_action=buttons.get("secondary_action"),
            channels=self.channels,
            tags=tuple(self.options.tags or ()) or None,
            undated=undated(state, seen.at),
            as_of=seen.as_of,
            **(self.options.clock.timing(seen) if self.options.clock is not None else {}),
        )
        severities = self._severities(seen.surfaces)
        return DesiredActivity(
            self.key,
            content,
            # What is worth an update at once: the headline, what the type says, how severely rules fire, who gets it.
            json.dumps(
                [self._headline(seen), self.options.own_meaning(state), content.window, severities, self.channels]
            ),
            self.options.update_every,
            ActivityStage(severities, self.options.step(state)),
            problem=problem,
        )

    def _headline(self, seen: ActivityView) -> list[str]:
        """What its headline says besides times and numbers."""
        head = self.options.head(seen)
        return [_NUMBER.sub("", head.get(name, "").replace(seen.at, "")) for name in ("title", "subtitle")]

    def _severities(self, view: SurfacesView) -> dict[str, int]:
        """How severely the rules fire that it is about, those that do."""
        rules = self.dependencies.rules.union(view.firing if self.dependencies.all_rules else ())
        return {rule: severity.rank for rule in sorted(rules) if (severity := view.severity([rule])) is not None}


def activity_surface(
    key: StreamKey,
    options: ActivityOptions,
    channels: Sequence[str] | None,
    watchers: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> ActivitySurface:
    """The Live Activity that these options describe. ``channels``: those of the account; ``watchers``: the rules on
    each metric.
    """
    chosen, on = tuple(options.channels or channels or ()) or None, options.dependencies
    if options.says_what_fires:
        watched = {metric for metric, rules in watchers.items() if not on.rules.isdisjoint(rules)}
        on = on._replace(metrics=on.metrics | watched)
    return ActivitySurface(key, options, chosen, on)

"""A Live Activity of any type, as a surface that needs a slot. No I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smithd.alerts.severity import Severity
from smithd.keys import StreamKey
from smithd.outbox.message import ActivityContent, ActivityStage
from smithd.outbox.shown import ShownActivity
from smithd.surfaces.activity.options import ActivityOptions
from smithd.surfaces.surface import Dependencies, DesiredActivity, NotRenderable, Obstacle
from smithd.surfaces.view import SurfacesView


@dataclass(frozen=True, slots=True)
class ActivitySurface:
    """A Live Activity with these options. ``channels``: its own, or those of the account."""

    key: StreamKey
    options: ActivityOptions
    channels: tuple[str, ...] | None
    dependencies: Dependencies

    @property
    def cool_down(self) -> float:
        """For how many seconds it must be unwanted before it ends."""
        return self.options.end.cool_down

    def is_wanted(self, view: SurfacesView) -> bool:
        """Whether it has a reason to be on the phone now, or is there and has none to leave."""
        wanted = self.options.is_wanted(view)
        return view.is_on_phone(self.key) if wanted is None else wanted

    def incident_severity(self, view: SurfacesView) -> Severity | None:
        """How badly the rules fire that it is shown for or coloured by, from warning on; None: it is no incident."""
        severity = self.options.counted_severity(self.dependencies.rules, view)
        return severity if severity is not None and severity > Severity.INFO else None

    def render(self, view: SurfacesView) -> DesiredActivity | NotRenderable:
        """Its full state."""
        if (found := self.options.obstacle(self.key, view)) is not None:
            return found
        # After a start, what is shown stays until all have answered: until then, some rows would be marked as stale.
        if any(view.is_unseen(metric) for metric in self.dependencies.metrics):
            return NotRenderable(self.key, Obstacle.UNSEEN)
        state = self.options.content_state(self._shown_state(view), view)
        action = self.options.action
        content = ActivityContent(
            state,
            action=action.model_dump(exclude_none=True) if action is not None else None,
            channels=self.channels,
            tags=tuple(self.options.tags or ()) or None,
        )
        # What is worth an update at once: the headline, what the type says, how severely rules fire, and who gets it.
        rules = self.dependencies.rules.union(view.firing if self.dependencies.all_rules else ())
        severities = {rule: severity.rank for rule in sorted(rules) if (severity := view.severity([rule])) is not None}
        meaning = json.dumps([state["title"], self.options.own_meaning(state), severities, self.channels])
        return DesiredActivity(self.key, content, meaning, self.options.update_every, ActivityStage(severities))

    def final_content(self, view: SurfacesView) -> ActivityContent:
        """Its state now, and after how many seconds the phone takes it away."""
        state = self.options.content_state(self._shown_state(view), view)
        return ActivityContent(state | {"auto_dismiss_seconds": round(self.options.end.dismiss_after)})

    def _shown_state(self, view: SurfacesView) -> Mapping[str, Any]:
        shown = view.shown(self.key)
        content = shown.content if isinstance(shown, ShownActivity) else None
        return content.content_state if content is not None else {}


def activity_surface(key: StreamKey, options: ActivityOptions, channels: Sequence[str] | None) -> ActivitySurface:
    """The Live Activity that these options describe. ``channels``: those of the account."""
    chosen = tuple(options.channels or channels or ()) or None
    return ActivitySurface(key, options, chosen, options.dependencies)

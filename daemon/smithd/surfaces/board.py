"""All surfaces of one configuration: which of them a change concerns, and what they say then. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from smithd.keys import SurfaceKey
from smithd.outbox.message import LevelMessage
from smithd.series.expected import source_of
from smithd.surfaces import activity, slots, widget
from smithd.surfaces.activity import ActivityOptions
from smithd.surfaces.view import Held, View
from smithd.surfaces.widget import WidgetOptions


class Board:
    """The widgets and Live Activities, named by their messages' keys.

    ``metrics`` are those that some surface shows, ``sources`` those that a text about everything depends on,
    ``surfaces`` all keys. It remembers only which streams are granted,
    and since when one is unwanted.
    """

    def __init__(
        self,
        widgets: Mapping[str, WidgetOptions],
        activities: Mapping[str, ActivityOptions],
        watchers: Mapping[str, Collection[str]],
        channels: Sequence[str] | None,
        streams_at_once: int,
    ) -> None:
        self._widgets = widgets
        self._activities = activities
        self._channels = channels
        self._streams_at_once = streams_at_once
        self._granted: list[str] = []
        self._unwanted_since: dict[str, float] = {}
        self._concerned: dict[str, list[SurfaceKey]] = defaultdict(list)
        self._summaries = [name for name, options in widgets.items() if options.text is not None]
        for name, options in widgets.items():
            for cause in (options.value, *watchers.get(options.value or "", ())):
                self._concerned[cause or ""].append(widget.key(name))
        for name, stream in activities.items():
            all_rules = {rule for rules in watchers.values() for rule in rules} if stream.speaks_of_all else set()
            for cause in stream.metrics | stream.rules | all_rules:
                self._concerned[cause].append(activity.key(name))

        self.metrics = {options.value for options in widgets.values() if options.value is not None}.union(
            *(options.metrics for options in activities.values())
        )
        plain = (metric for metric in watchers if "." in metric)  # what a derived one is made of has the same watchers
        self.sources = set(map(source_of, plain)) if self._summaries else set()
        for source in self.sources:
            self._concerned[source] = [widget.key(name) for name in self._summaries]
        self.surfaces: list[SurfaceKey] = [*map(widget.key, widgets), *map(activity.key, activities)]

    def concerned(self, names: Iterable[str], rules: Collection[str]) -> set[SurfaceKey]:
        """The surfaces that look at one of these metrics or sources, or at one of these rules."""
        found = {surface for cause in (*names, *rules) for surface in self._concerned.get(cause, ())}
        return found.union(map(widget.key, self._summaries)) if rules else found

    def adopt(self, before: Board) -> None:
        """Go on where the board before a reload stopped: a stream that cools down goes on doing so."""
        self._unwanted_since = {name: at for name, at in before._unwanted_since.items() if name in self._activities}

    def word(self, surfaces: Collection[SurfaceKey], view: View) -> Iterator[LevelMessage | Held]:
        """What these surfaces say now, in the file's order; a change of one stream may free a slot for another."""
        for name, options in self._widgets.items() if surfaces else ():
            if widget.key(name) in surfaces and (said := widget.word(name, options, view)):
                yield said
        if any(activity.key(name) in surfaces for name in self._activities):
            yield from self._word_streams(surfaces, view)

    def ends_at(self, view: View) -> dict[SurfaceKey, float]:
        """When the streams that are cooling down will end, by key."""
        return {
            activity.key(name): since + self._activities[name].end.cool_down
            for name, since in self._unwanted_since.items()
            if since + self._activities[name].end.cool_down > view.now
        }

    def _word_streams(self, surfaces: Collection[SurfaceKey], view: View) -> Iterator[LevelMessage | Held]:
        held = {name for name in self._activities if view.standing(activity.key(name)).holds_slot}
        wanted = [name for name, options in self._activities.items() if self._wants(name, options, view, name in held)]
        before, self._granted = self._granted, slots.grant(wanted, held, self._streams_at_once)
        for name, options in self._activities.items():
            if name in self._granted:
                concerned = activity.key(name) in surfaces or name not in before
                if concerned and (said := activity.word(name, options, self._channels, view)):
                    yield said
            elif name in wanted:
                yield Held(activity.key(name), f"waits for a slot; {', '.join(self._granted)} hold them")
            elif name in held:
                yield activity.end(name, options, view)

    def _wants(self, name: str, options: ActivityOptions, view: View, held: bool) -> bool:
        """Whether a stream should be on the phone: it has a reason, or had one so lately that it is not ended yet."""
        if activity.wanted(options, view):
            self._unwanted_since.pop(name, None)
            return True
        if not held:
            self._unwanted_since.pop(name, None)
            return False
        return view.now < self._unwanted_since.setdefault(name, view.now) + options.end.cool_down

"""What surfaces should show beside what they show, and why the two differ. No I/O."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from smithd.delivery.sentences import summary
from smithd.delivery.waiting import Passages, waiting
from smithd.keys import StreamKey, SurfaceKey
from smithd.outbox.message import ActivityContent, ActivityState, LevelMessage, Priority, Push, PushUpdate, WidgetValue
from smithd.outbox.shown import Shown, ShownActivity, ShownBadge, ShownWidget, differs, says_same
from smithd.outbox.state import Outbox
from smithd.setup import Setup
from smithd.state import State
from smithd.surfaces.slots.demand import FOLD_KEY
from smithd.surfaces.slots.memory import Slots
from smithd.surfaces.surface import NotRenderable
from smithd.surfaces.surfaces import render
from smithd.surfaces.view import SurfacesView

NOT_WANTED = "it is not wanted: its 'show' does not hold, or it is muted"
NOTHING_FOLDED = (
    "nothing is folded: it takes two Live Activities with 'fold: true' that have no slot of their own, and a slot that "
    "is free or that one of them has"
)


@dataclass(frozen=True, slots=True)
class Desired:
    """What a surface should show (None: nothing, or it is not known what), and why that cannot be told or shown."""

    message: LevelMessage | None = None
    problem: NotRenderable | None = None


@dataclass(frozen=True, slots=True)
class SurfaceDifference:
    """Why a surface does not show what it should, as a stable reason and for a person, and until when."""

    reason: str
    why: str
    until: float | None = None


def desired(setup: Setup, state: State, keys: Collection[SurfaceKey], view: SurfacesView) -> dict[SurfaceKey, Desired]:
    """What each of these surfaces should show now, while a daemon runs."""
    found: dict[SurfaceKey, Desired] = {}
    for owner, surfaces, concerned in setup.surfaces.apart(keys):
        rendered = render(surfaces, concerned, view, state.slots.get(owner, Slots()))
        messages = {each.key: each for each in rendered.messages}
        problems = {each.key: each for each in rendered.not_renderable}
        found |= {key: Desired(messages.get(key), problems.get(key)) for key in concerned}
    return found


def waiting_for(outbox: Outbox, key: SurfaceKey) -> Desired:
    """What is known of what a surface should show while no daemon runs: no newest sample is known then."""
    waits = outbox.status(key).queued
    return Desired(waits if not isinstance(waits, Push | PushUpdate) else None)


def difference(
    outbox: Outbox, key: SurfaceKey, desired: Desired, passages: Passages | None, updates_at_once: int, now: float
) -> SurfaceDifference:
    """Why a surface does not show what it should. ``outbox``: with what may go in its lanes; ``passages``: what its
    account's gate lets go (None: no daemon runs); ``updates_at_once``: iOS' budget of updates in a row. The ladder:

    it cannot be rendered, or waits for a slot         the obstacle
    its message waits, or is in flight                 as in the outbox (see ``delivery.waiting``)
    no daemon runs, and nothing waits                  not_running
    a Live Activity that is not wanted                 not_wanted
    the service refused just that                      refused
    it differs from what is shown                      about_to_be_sent
    a number that differs by less than min_change      within_min_change
    else                                               same
    """
    message, shown = desired.message, outbox.status(key).shown
    if (problem := desired.problem) is not None:
        return SurfaceDifference(
            problem.obstacle, str(problem), problem.wait.until if problem.wait is not None else None
        )
    queued = outbox.waiting.get(key)
    if queued is None and key in outbox.claimed:
        queued = outbox.claimed[key].queued
    if queued is not None:
        found = waiting(outbox, queued, passages, updates_at_once, now)
        return SurfaceDifference(found.reason, str(found), found.until)
    if passages is None:
        return SurfaceDifference("not_running", "smithd is not running, so it is not known what it should show")
    if message is None:
        return SurfaceDifference(
            "not_wanted", NOTHING_FOLDED if isinstance(key, StreamKey) and key.name == FOLD_KEY else NOT_WANTED
        )
    if (place := (key, type(message))) in outbox.refused:
        refused = outbox.refused[place]
        if refused is None or says_same(message, refused):
            return SurfaceDifference("refused", "the service refused it, and it is not sent again until it changes")
    if differs(message, shown):
        return SurfaceDifference("about_to_be_sent", "it is about to be sent")
    if isinstance(message, WidgetValue) and isinstance(shown, ShownWidget) and message.value != shown.value:
        return SurfaceDifference("within_min_change", "the value has changed by less than min_change")
    return SurfaceDifference("same", "it shows what it should")


def is_there(shown: Shown | None) -> bool:
    """Whether anything is shown."""
    return shown is not None and not (isinstance(shown, ShownActivity) and shown.ended)


def activity_in_words(shown: ShownActivity) -> str | None:
    """What a Live Activity shows, in a few words; None where there is none, or it is not known what it shows."""
    if shown.ended or not isinstance(shown.content, ActivityContent):
        return None
    return summary(ActivityState(shown.key, shown.content, Priority.COSMETIC, shown.at))


def in_words(shown: Shown | None) -> str | None:
    """What a surface shows, in a few words; None: nothing."""
    if not is_there(shown):
        return None
    match shown:
        case ShownActivity() if (words := activity_in_words(shown)) is not None:
            return words
        case ShownWidget(value=value) if value is not None:
            return str(value)
        case ShownBadge(count=count) if count is not None:
            return str(count)
    return "something that is not known: the answer to its last request never came"

"""All surfaces together: which of them a change concerns, and what is sent then."""

from __future__ import annotations

from collections.abc import Iterable

from smithd.keys import StreamKey
from smithd.outbox.message import ActivityEnd, ActivityState, LevelMessage, WidgetValue
from smithd.surfaces.activity.stats import StatsOptions
from smithd.surfaces.slots import settled
from smithd.surfaces.slots.decision import SlotDecision
from smithd.surfaces.slots.memory import Slots, StreamRecord
from smithd.surfaces.surface import NotRenderable, Obstacle, SlotWait
from smithd.surfaces.surfaces import Rendered, Surfaces, build, render
from smithd.surfaces.view import SurfacesView
from smithd.surfaces.widget import WidgetOptions
from smithd.timers import SurfaceDue
from surfaces.views import NOW, open_alert, sample, stream, view, widget

WATCHERS = {"shop.errors": ["errors"], "depot.stock": ["empty"], "speed": ["slow"]}
NOTHING = NotRenderable(widget("revenue"), Obstacle.NO_VALUE)


def activity(**keys: object) -> StatsOptions:
    row = {"label": "Errors", "value": "shop.errors"}
    return StatsOptions.model_validate({"type": "stats", "title": "Shop", "stats": [row], **keys})


def surfaces(at_once: int = 4, /, **activities: StatsOptions) -> Surfaces:
    widgets: dict[str, object] = {
        "errors": "shop.errors",
        "revenue": "shop.revenue",
        "status": {"text": "{{ count }} firing"},
    }
    options = {widget(name): WidgetOptions.model_validate(given) for name, given in widgets.items()}
    streams = {stream(name): each for name, each in activities.items()}
    return build(options, streams, {}, WATCHERS, {"default": None}, at_once)


def names(keys: Iterable[object]) -> list[str]:
    return sorted(str(key).split()[-1] for key in keys)


def test_a_change_concerns_what_depends_on_it() -> None:
    all_ = surfaces(
        plain=activity(),
        counting=activity(title="{{ count }}"),
        shown=activity(show={"while_firing": ["slow"]}, stats=[{"label": "Speed", "value": "speed"}]),
    )
    assert names(all_.concerned(["shop.errors"], ())) == ["counting", "errors", "plain"]
    assert names(all_.concerned(["shop.revenue"], ())) == ["revenue"]
    assert names(all_.concerned(["depot.stock"], ())) == []
    assert names(all_.concerned(["speed"], ())) == ["shown"]
    assert names(all_.concerned(["depot"], ())) == ["status"]  # a source of a rule has answered, or is silent
    assert names(all_.concerned((), ["errors"])) == ["counting", "errors", "status"]
    assert names(all_.concerned((), ["slow"])) == ["counting", "shown", "status"]
    assert all_.metrics == {"shop.errors", "shop.revenue", "speed"}
    assert all_.sources == {"shop", "depot"}
    assert names(all_.keys) == ["counting", "errors", "plain", "revenue", "shown", "status"]


def test_without_a_text_about_everything_no_source_matters() -> None:
    assert build({}, {stream("plain"): activity()}, {}, WATCHERS, {"default": None}, 4).sources == frozenset()


def test_only_what_is_concerned_is_rendered() -> None:
    all_ = surfaces(plain=activity())
    seen = view(sample("shop.errors", 1))
    found = render(all_, {widget("errors"), widget("revenue")}, seen, Slots())
    assert [(message.key, type(message)) for message in found.messages] == [(widget("errors"), WidgetValue)]
    assert (found.not_renderable, found.slots, found.timers) == ([NOTHING], Slots(), [])
    assert render(all_, (), seen, Slots()) == Rendered([], [], Slots(), {}, [])


def streams(found: Rendered) -> list[tuple[str, type[LevelMessage]]]:
    return [(message.key.name, type(message)) for message in found.messages if isinstance(message.key, StreamKey)]


def test_the_fifth_waits_and_says_why() -> None:
    all_ = surfaces(**{name: activity() for name in "abcde"})
    found = render(all_, all_.keys, view(sample("shop.errors", 1)), Slots())
    assert streams(found) == [(name, ActivityState) for name in "abcd"]
    (waiting,) = [each for each in found.not_renderable if each != NOTHING and each.obstacle is not Obstacle.UNSEEN]
    held = tuple(f"{name} (routine, priority 5)" for name in "abcd")
    wait = SlotWait(SlotDecision.NO_SLOT, held)
    assert waiting == NotRenderable(stream("e"), Obstacle.NO_SLOT, wait=wait)
    assert str(waiting) == f"waits for a slot; {', '.join(held)} hold them"
    assert str(SlotWait(SlotDecision.NO_SLOT, held[:1])) == "waits for a slot; a (routine, priority 5) holds it"
    assert (
        str(SlotWait(SlotDecision.NO_SLOT, ()))
        == "waits for a slot; those that are free, or about to be, are kept for others"
    )


def test_it_cools_down_before_it_ends_and_is_looked_at_again_then() -> None:
    all_ = surfaces(a=activity(show={"while_firing": ["errors"]}, end={"cool_down": "60s"}))
    slots = Slots()

    def rendered(now: float, *, fires: bool) -> Rendered:
        nonlocal slots
        on_phone = "a" if slots.records else ""
        seen = view(sample("shop.errors", 1, now), now=now, on_phone=on_phone, firing=(open_alert(),) if fires else ())
        found = render(all_, [stream("a")], seen, slots)
        slots = found.slots
        return found

    assert streams(rendered(NOW, fires=True)) == [("a", ActivityState)]
    cooling = rendered(NOW + 10, fires=False)
    assert (streams(cooling), cooling.timers) == ([("a", ActivityState)], [(NOW + 70, SurfaceDue(stream("a")))])
    assert rendered(NOW + 20, fires=True).timers == []
    assert rendered(NOW + 30, fires=False).timers == [(NOW + 90, SurfaceDue(stream("a")))]
    still = rendered(NOW + 89, fires=False)
    assert (streams(still), still.timers) == ([("a", ActivityState)], [])  # the timer is set already
    ended = rendered(NOW + 90, fires=False)
    assert streams(ended) == [("a", ActivityEnd)]
    assert ended.slots.records == (StreamRecord(stream("a"), None, NOW + 30, NOW, as_critical=True),)


def test_a_stream_starts_when_a_slot_is_free_though_nothing_it_shows_has_changed() -> None:
    all_ = surfaces(1, a=activity(show={"while_firing": ["errors"]}, end={"cool_down": 0}), b=activity())

    def seen(on_phone: str, *, fires: bool) -> SurfacesView:
        return view(sample("shop.errors", 1), on_phone=on_phone, firing=(open_alert(),) if fires else ())

    first = render(all_, all_.keys, seen("", fires=True), Slots())
    assert streams(first) == [("a", ActivityState)]
    leaving = render(all_, [stream("a")], seen("a", fires=False), first.slots)
    assert streams(leaving) == [("a", ActivityEnd)]
    gone = settled.left(leaving.slots, stream("a"), NOW)
    assert streams(render(all_, [stream("a")], seen("", fires=False), gone)) == [("b", ActivityState)]

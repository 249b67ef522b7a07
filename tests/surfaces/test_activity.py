"""Live Activities: what they say, when they change, and who gets a slot."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smithd.keys import Key
from smithd.outbox.message import ActivityContent, ActivityEnd, ActivityState, LevelMessage, Priority
from smithd.outbox.shown import ShownActivity, Standing
from smithd.surfaces import activity
from smithd.surfaces.activity import ActivityOptions
from smithd.surfaces.board import Board
from smithd.surfaces.slots import grant
from smithd.surfaces.view import Held, View
from surfaces.scenes import NOW, open_alert, sample, view

ROW = {"label": "Errors", "value": "shop.errors", "color_by": "errors"}


def options(**keys: object) -> ActivityOptions:
    return ActivityOptions.model_validate({"type": "stats", "title": "Shop", "stats": [ROW], **keys})


def word(chosen: ActivityOptions, seen: View) -> ActivityState:
    said = activity.word("shop", chosen, None, seen)
    assert isinstance(said, ActivityState)
    return said


def on_phone(said: ActivityState, at: float) -> dict[Key, Standing]:
    shown = ShownActivity(said.key, said.content, at, meaning=said.meaning)
    return {said.key: Standing(shown)}


def test_a_full_state_with_colours_by_rule() -> None:
    chosen = options(
        title="Shop: {{ count }} firing",
        icon={"symbol": "cart"},
        stats=[ROW, {"label": "Revenue", "value": "shop.revenue", "format": "{{ value | money('EUR') }}"}],
        channels=["ops"],
    )
    seen = view(sample("shop.errors", 7.25), sample("shop.revenue", 99), firing=(open_alert(),))
    assert word(chosen, seen).content == ActivityContent(
        {
            "title": "Shop: 1 firing",
            "type": "stats",
            "metrics": [
                {"label": "Errors", "value": 7.25, "color": "red"},
                {"label": "Revenue", "value": "€99.00"},
            ],
            "icon": {"symbol": "cart"},
        },
        channels=("ops",),
    )


def test_one_row_for_each_series_the_largest_first() -> None:
    chosen = options(stats=[{"each": "shop.stock", "by": "house", "top": 2}])
    seen = view(*(sample("shop.stock", value, house=house) for house, value in [("a", 1), ("b", 9), ("c", 5)]))
    rows = word(chosen, seen).content.content_state["metrics"]
    assert rows == [{"label": "b", "value": 9}, {"label": "c", "value": 5}]


def test_old_values_negative_numbers_and_missing_ones() -> None:
    stats = [ROW, {"label": "Revenue", "value": "shop.revenue"}, {"label": "Stock", "value": "shop.stock"}]
    seen = view(sample("shop.errors", 7, NOW - 101), sample("shop.revenue", -3))
    rows = word(options(stats=stats), seen).content.content_state["metrics"]
    assert [row["value"] for row in rows] == ["7 ?", "-3", "–"]


def test_nothing_is_said_while_the_first_readings_may_still_come() -> None:
    assert activity.word("shop", options(), None, view(started=NOW - 15)) is None


def test_several_series_in_a_row_for_one_are_held() -> None:
    seen = view(sample("shop.errors", 1, host="a"), sample("shop.errors", 2, host="b"))
    assert isinstance(activity.word("shop", options(), None, seen), Held)


def test_a_cosmetic_change_waits_and_a_change_of_meaning_does_not() -> None:
    first = word(options(), view(sample("shop.errors", 1)))
    assert (first.priority, first.due) == (Priority.MEANING, NOW)
    standings = on_phone(first, NOW)
    cosmetic = word(options(), view(sample("shop.errors", 2, NOW + 10), now=NOW + 10, standings=standings))
    assert (cosmetic.priority, cosmetic.due) == (Priority.COSMETIC, NOW + 120)
    seen = view(sample("shop.errors", 7, NOW + 10), now=NOW + 10, standings=standings, firing=(open_alert(),))
    assert (word(options(), seen).priority, word(options(), seen).due) == (Priority.MEANING, NOW + 10)


def test_the_end_states_when_it_goes() -> None:
    said = activity.end("shop", options(end={"dismiss_after": "30s"}), view(sample("shop.errors", 1)))
    assert isinstance(said, ActivityEnd)
    assert said.content.content_state["auto_dismiss_seconds"] == 30


@given(st.lists(st.sampled_from("abcdefgh"), unique=True), st.sets(st.sampled_from("abcdefgh"), max_size=4))
def test_slots_are_never_overdrawn_and_nobody_on_the_phone_is_pushed_out(wanted: list[str], held: set[str]) -> None:
    granted = grant(wanted, held, 4)
    assert len(granted) == min(4, len(wanted))
    assert held.intersection(wanted) <= set(granted)
    newcomers = [key for key in wanted if key not in held]
    assert [key for key in granted if key not in held] == newcomers[: len(granted) - len(held.intersection(wanted))]


def board(**streams: ActivityOptions) -> Board:
    return Board({}, streams, {}, None, 4)


def test_the_fifth_waits_and_says_why() -> None:
    streams = {name: options() for name in "abcde"}
    said = list(board(**streams).word([activity.key(name) for name in streams], view(sample("shop.errors", 1))))
    assert [one.key.name for one in said if isinstance(one, ActivityState)] == list("abcd")
    assert [(str(one.surface), one.reason) for one in said if isinstance(one, Held)] == [
        ("Live Activity e", "waits for a slot; a, b, c, d hold them")
    ]


def test_it_cools_down_before_it_ends_and_comes_back_without_an_end() -> None:
    chosen = options(show={"while_firing": ["errors"]}, end={"cool_down": "60s"})
    shelf = board(shop=chosen)
    seen = sample("shop.errors", 1)
    started = word(chosen, view(seen))
    standings = on_phone(started, NOW)

    def kinds(now: float, *, fires: bool) -> list[type[LevelMessage]]:
        firing = (open_alert(),) if fires else ()
        at = view(sample("shop.errors", 1, now), now=now, standings=standings, firing=firing)
        return [type(one) for one in shelf.word([activity.key("shop")], at) if not isinstance(one, Held)]

    assert kinds(NOW, fires=True) == [ActivityState]
    assert kinds(NOW + 10, fires=False) == [ActivityState]
    assert kinds(NOW + 20, fires=True) == [ActivityState]
    assert kinds(NOW + 30, fires=False) == [ActivityState]
    assert kinds(NOW + 89, fires=False) == [ActivityState]
    assert kinds(NOW + 90, fires=False) == [ActivityEnd]

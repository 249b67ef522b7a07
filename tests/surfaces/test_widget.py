"""Widgets: the value behind a key."""

from __future__ import annotations

from smithd.keys import Key
from smithd.outbox.message import Priority, WidgetValue
from smithd.outbox.shown import ShownWidget, Standing
from smithd.surfaces import widget
from smithd.surfaces.view import Held, View
from smithd.surfaces.widget import WidgetOptions
from surfaces.scenes import NOW, open_alert, sample, view


def word(options: object, seen: View) -> WidgetValue:
    said = widget.word("shop.errors", WidgetOptions.model_validate(options), seen)
    assert isinstance(said, WidgetValue)
    return said


def shown(value: float | str, at: float, severity: str | None = None, raw: float = 0.0) -> dict[Key, Standing]:
    key = widget.key("shop.errors")
    return {key: Standing(ShownWidget(key, value, at, time=at, number=raw, severity=severity))}


def test_a_number_is_sent_as_a_number_with_its_own_time() -> None:
    said = word("shop.errors", view(sample("shop.errors", 3.0, NOW - 20)))
    assert said.value == 3
    assert isinstance(said.value, int)
    assert said.time == NOW - 20


def test_a_format_makes_it_a_text_of_at_most_64_characters() -> None:
    options = {"value": "shop.errors", "format": "{{ value | number }} errors " + "x" * 90}
    assert len(str(word(options, view(sample("shop.errors", 3.0))).value)) == 64


def test_a_text_that_grew_old_says_so() -> None:
    old = view(sample("shop.errors", 3.0, NOW - 101))
    assert word({"value": "shop.errors", "format": "{{ value }} bad"}, old).value == "3 bad ?"
    marked = {"value": "shop.errors", "format": "{{ value }}", "stale": "{{ value }} ({{ age | duration }} ago)"}
    assert word(marked, old).value == "3 (1m 41s ago)"


def test_after_a_restart_with_a_dead_source_the_last_text_is_marked_as_old() -> None:
    waiting = view(started=NOW - 15, standings=shown("3 bad", NOW - 500, raw=3.0))
    options = WidgetOptions.model_validate({"value": "shop.errors", "format": "{{ value | number }} bad"})
    assert widget.word("shop.errors", options, waiting) is None
    given_up = view(started=NOW - 101, standings=shown("3 bad", NOW - 500, raw=3.0))
    said = widget.word("shop.errors", options, given_up)
    assert isinstance(said, WidgetValue)
    assert said.value == "3 bad ?"


def test_routine_updates_keep_their_distance_and_a_change_of_severity_does_not() -> None:
    seen = sample("shop.errors", 7.0)
    routine = word("shop.errors", view(seen, standings=shown(3, NOW - 10)))
    assert (routine.priority, routine.due) == (Priority.ROUTINE, NOW + 50)
    urgent = word(
        "shop.errors",
        view(seen, firing=(open_alert(),), watchers={"shop.errors": ["errors"]}, standings=shown(3, NOW - 10)),
    )
    assert (urgent.priority, urgent.due) == (Priority.SEVERITY, NOW)


def test_several_series_where_one_is_needed_change_nothing_and_say_so() -> None:
    seen = view(sample("shop.errors", 1, host="a"), sample("shop.errors", 2, host="b"))
    said = widget.word("shop.errors", WidgetOptions.model_validate("shop.errors"), seen)
    assert isinstance(said, Held)
    assert "2 series" in said.reason


def test_a_text_about_everything() -> None:
    options = {"text": "{{ 'all well' if not firing else firing | join(', ') }}"}
    watchers = {"shop.errors": ["errors"]}
    assert word(options, view(answered=NOW, watchers=watchers)).value == "all well"
    firing = view(answered=NOW, watchers=watchers, firing=(open_alert(),))
    assert word(options, firing).value == "errors"


def test_an_empty_text_is_not_sent_and_is_said() -> None:
    seen = view(sample("shop.errors", 1), answered=NOW, watchers={"shop.errors": ["errors"]})
    for given in ({"text": "{{ firing | join }}"}, {"value": "shop.errors", "format": "{{ '' }}"}):
        said = widget.word("status", WidgetOptions.model_validate(given), seen)
        assert isinstance(said, Held)
        assert "empty text" in said.reason


def test_a_text_about_everything_claims_nothing_before_everything_was_asked() -> None:
    options = WidgetOptions.model_validate({"text": "{{ 'all well' if not firing }}"})
    watchers = {"shop.errors": ["errors"]}
    assert widget.word("status", options, view(started=NOW - 15, watchers=watchers)) is None
    silent = view(answered=NOW - 101, watchers=watchers)
    said = widget.word("status", options, silent)
    assert isinstance(said, WidgetValue)
    assert said.value == "all well ?"

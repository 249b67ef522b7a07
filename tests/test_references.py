"""What options name, found along their annotations."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import pytest
from pydantic import Field, model_validator

from smithd.config.model import File
from smithd.expression.option import ExpressionOption
from smithd.plugin.options import Options
from smithd.references import MetricRef, Reference, ReferenceKind, RuleRef, plain_references, references

METRIC, RULE, WINDOW = ReferenceKind.METRIC, ReferenceKind.RULE, ReferenceKind.TIME_WINDOW


class Bar(Options):
    """One member of a union with tags."""

    type: Literal["bar"]
    of: MetricRef


class Dial(Options):
    """The other one."""

    type: Literal["dial"]
    of: MetricRef
    color_by: RuleRef | None = None


class Shorthand(Options):
    """What may be written as its metric alone."""

    short_form_of: ClassVar = "value"

    value: MetricRef
    title: str = ""

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        return {"value": given} if isinstance(given, str) else given


class Nested(Options):
    """What may contain itself; what names something stands within that only."""

    parts: list[Nested] = Field([])
    of: list[RuleRef] | dict[RuleRef, str] = Field([])


class Everything(Options):
    """Every form a reference can have."""

    metric: MetricRef | None = None
    rules: list[RuleRef] = Field([])
    named: dict[str, ExpressionOption] = Field({})
    parts: list[Bar | Dial] = Field([])
    short: Shorthand | None = None
    nested: Nested | None = None
    color: RuleRef | Literal["red"] = "red"
    size: int = 0


SITUATIONS: list[tuple[str, dict[str, Any], list[Reference]]] = [
    ("nothing", {}, []),
    ("a metric", {"metric": "shop.orders"}, [Reference(("metric",), METRIC, "shop.orders")]),
    ("a list", {"rules": ["a", "b"]}, [Reference(("rules", 0), RULE, "a"), Reference(("rules", 1), RULE, "b")]),
    (
        "an expression, with columns",
        {"named": {"x": "shop.a + shop.b"}},
        [
            Reference(("named", "x"), METRIC, "shop.a", 1),
            Reference(("named", "x"), METRIC, "shop.b", 10),
        ],
    ),
    (
        "a union, once for each value",
        {"parts": [{"type": "bar", "of": "shop.a"}, {"type": "dial", "of": "shop.b", "color_by": "a"}]},
        [
            Reference(("parts", 0, "of"), METRIC, "shop.a"),
            Reference(("parts", 1, "of"), METRIC, "shop.b"),
            Reference(("parts", 1, "color_by"), RULE, "a"),
        ],
    ),
    (
        "keys of a mapping, in what contains itself",
        {"nested": {"parts": [{"of": {"a": "b"}}, {"of": ["c"]}]}},
        [
            Reference(("nested", "parts", 0, "of", "a"), RULE, "a", is_key=True),
            Reference(("nested", "parts", 1, "of", 0), RULE, "c"),
        ],
    ),
]


@pytest.mark.parametrize(("plain", "expected"), [each[1:] for each in SITUATIONS], ids=[each[0] for each in SITUATIONS])
def test_checked_options_and_plain_values_have_the_same_references(
    plain: dict[str, Any], expected: list[Reference]
) -> None:
    assert list(plain_references(Everything, plain)) == expected
    found = list(references(Everything.model_validate(plain)))
    assert [each for each in found if each.path != ("color",)] == expected


def test_a_short_form_stands_where_it_is_written() -> None:
    assert list(plain_references(Everything, {"short": "shop.a"})) == [Reference(("short",), METRIC, "shop.a")]
    assert list(plain_references(Everything, {"short": {"value": "shop.a"}})) == [
        Reference(("short", "value"), METRIC, "shop.a")
    ]


def test_a_mistake_hides_no_other_reference() -> None:
    plain = {
        "metric": 7,
        "rules": "a",
        "named": {"x": "1 +", "y": "shop.a"},
        "parts": [{"type": "bra", "of": "shop.b"}],
    }
    assert list(plain_references(Everything, plain, ("here",))) == [
        Reference(("here", "named", "y"), METRIC, "shop.a", 1),
        Reference(("here", "parts", 0, "of"), METRIC, "shop.b"),
    ]


def test_the_whole_file_is_walked() -> None:
    data: dict[str, Any] = {
        "derived": {"rate": "100 * shop.errors / shop.orders"},
        "rules": {
            "errors": {"metric": "shop.errors", "warning": "> 1", "unless_firing": ["down"], "mute": ["nights"]},
            "down": {
                "when": "shop.up < 1",
                "severity": "critical",
                "depends_on": ["errors"],
                "mute": {"during": ["x"]},
            },
        },
        "widgets": {"a": "shop.orders", "b": {"value": "rate"}, "c": {"text": "{{ count }}"}},
        "live_activities": {
            "shop": {
                "type": "stats",
                "title": "Shop",
                "show": {"while_firing": ["errors"]},
                "stats": [{"label": "Errors", "value": "shop.errors", "color_by": "down"}, {"each": "shop.stock"}],
            }
        },
    }
    found = list(plain_references(File, data))
    metrics = {(each.path, each.name, each.column) for each in found if each.kind is METRIC}
    row = ("live_activities", "shop", "stats")
    assert metrics == {
        (("derived", "rate"), "shop.errors", 7),
        (("derived", "rate"), "shop.orders", 21),
        (("rules", "errors", "metric"), "shop.errors", None),
        (("rules", "down", "when"), "shop.up", 1),
        (("widgets", "a"), "shop.orders", None),
        (("widgets", "b", "value"), "rate", None),
        ((*row, 0, "value"), "shop.errors", None),
        ((*row, 1, "each"), "shop.stock", None),
    }
    assert {(each.path, each.name) for each in found if each.kind is RULE} == {
        (("rules", "errors", "unless_firing", 0), "down"),
        (("rules", "down", "depends_on", 0), "errors"),
        (("live_activities", "shop", "show", "while_firing", 0), "errors"),
        ((*row, 0, "color_by"), "down"),
    }
    assert {(each.path, each.name) for each in found if each.kind is WINDOW} == {
        (("rules", "errors", "mute", 0), "nights"),
        (("rules", "down", "mute", "during", 0), "x"),
    }

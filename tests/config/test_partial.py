"""Options are known as far as their values are right, and no further."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field, model_validator

from smithd.config.model import File
from smithd.config.partial import UNKNOWN, is_complete, validate_known
from smithd.plugin.options import Duration, Options, Secret
from smithd.poll.registry import Registry


class Inner(Options):
    """A part, which may be written short."""

    path: str
    scale: float = 1.0

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        return {"path": given} if isinstance(given, str) else given


class Outer(Options):
    """A model with every shape of field."""

    required: int
    wait: Duration = 60.0
    token: Secret | None = None
    numbers: list[int] = Field([])
    parts: dict[str, Inner] = Field({}, min_length=1)
    either: int | Inner = 0

    @model_validator(mode="after")
    def _never(self) -> Outer:
        raise ValueError("whatever it is, the whole is refused")


def known(**given: Any) -> Outer:
    return validate_known(Outer, given, {})


@pytest.mark.parametrize(
    ("given", "name", "value"),
    [
        ({"required": 5}, "required", 5),
        ({"required": "five"}, "required", UNKNOWN),
        ({}, "required", UNKNOWN),
        ({"wait": "5m"}, "wait", 300.0),
        ({"wait": "soon"}, "wait", 60.0),
        ({"unheard_of": 1}, "wait", 60.0),
        ({"numbers": [1, "x", 3]}, "numbers", [1, UNKNOWN, 3]),
        ({"numbers": "x"}, "numbers", []),
        ({"either": 7}, "either", 7),
        ({"either": "short"}, "either", Inner(path="short")),
    ],
)
def test_a_wrong_value_takes_its_default_or_is_unknown(given: dict[str, Any], name: str, value: Any) -> None:
    assert getattr(known(**given), name) == value


def test_a_mistake_in_one_part_leaves_the_others_known() -> None:
    parts: dict[str, Any] = known(parts={"a": "x", "b": {"path": 5, "scale": 2}, "c": 7}).parts
    assert parts["a"] == Inner(path="x")
    assert (parts["b"].path, parts["b"].scale) == (UNKNOWN, 2.0)
    assert parts["c"] is UNKNOWN


def test_what_is_complete_has_no_unknown_part() -> None:
    assert is_complete(known(required=1, parts={"a": "x"}))
    assert not is_complete(known())
    assert not is_complete(known(required=1, numbers=["x"]))
    assert not is_complete(known(required=1, parts={"a": {"path": 5}}))


@pytest.mark.parametrize("model", [File, *(Registry().find(name).Options for name in Registry().names())])
def test_every_model_of_the_language_can_be_partial(model: type[Options]) -> None:
    required = [name for name, field in model.model_fields.items() if field.is_required()]
    options = validate_known(model, {}, {"folder": "."})
    assert all(getattr(options, name) is UNKNOWN for name in required)

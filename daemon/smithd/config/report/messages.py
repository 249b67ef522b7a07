"""Turns a validator's errors into sentences for the person who wrote the file, one for each mistake. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import ErrorDetails

from smithd.config.yaml.positions import MappingNode, Path, ScalarNode, Spot, Step, child, locate

Context = Mapping[str, Any]

MANY = 12
"""How many choices are named at most."""
_KEY_STEP = "[key]"
_CORE_TYPES = {"str", "int", "float", "bool", "none", "date", "datetime", "time", "timedelta", "url", "any", "bytes"}
_FIELD_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_MISMATCHES = ("_type", "_parsing", "literal_error", "enum")
"""How the kinds of errors end that say: a value of another kind was expected."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One error and its spot.

    ``tags`` are the branches of unions on its path, each with the path where it branched off; ``at`` is the path of the
    value that was validated.
    """

    error: ErrorDetails
    spot: Spot
    tags: tuple[tuple[Path, str], ...]
    at: Path

    @property
    def kind(self) -> str:
        return self.error["type"]

    @property
    def last(self) -> Step | None:
        return self.error["loc"][-1] if self.error["loc"] else None

    @property
    def is_about_key(self) -> bool:
        return self.last == _KEY_STEP

    @property
    def inner_path(self) -> Path:
        """The spot's path, from the validated value on."""
        return self.spot.path[len(self.at) :]


def findings(errors: Sequence[ErrorDetails], root: MappingNode, at: Path) -> list[list[Finding]]:
    """The mistakes behind the errors of the value at ``at``.

    Of a union's branches only the one that was meant counts; where none was, all of them are one mistake.
    """
    found = [Finding(error, locate(root, (*at, *error["loc"])), tuple(_tags(error, root, at)), at) for error in errors]
    return list(_chosen(found, 0))


def _chosen(found: Sequence[Finding], depth: int) -> Iterator[list[Finding]]:
    unions: dict[Path, dict[str, list[Finding]]] = {}
    for finding in found:
        if len(finding.tags) > depth:
            path, tag = finding.tags[depth]
            unions.setdefault(path, {}).setdefault(tag, []).append(finding)
        else:
            yield [finding]
    for path, branches in unions.items():
        # A branch does not fit where it takes another kind of value; an error about a key within it is no sign of that.
        fitting = []
        for branch in branches.values():
            about_all = [each for each in branch if each.spot.path == path and each.kind != "missing"]
            if not any(isinstance(each.spot.node, ScalarNode) or each.kind.endswith(_MISMATCHES) for each in about_all):
                fitting.append(branch)
        if fitting or len(branches) == 1:
            yield from _chosen(min(fitting or branches.values(), key=len), depth + 1)
        else:
            yield [branch[0] for branch in branches.values()]


def _tags(error: ErrorDetails, root: MappingNode, at: Path) -> Iterator[tuple[Path, str]]:
    node, path = locate(root, at).node, at
    for step in error["loc"]:
        following = child(node, step)
        if following is not None:
            node, path = following[1], (*path, step)
            continue
        # Pydantic puts the branch of a union on the path, by its type or tag. Any other step that looks like the name
        # of a field is a key that the file does not have.
        is_field = isinstance(step, str) and _FIELD_NAME.fullmatch(step) is not None and step not in _CORE_TYPES
        if isinstance(step, str) and step != _KEY_STEP and not is_field:
            yield path, step


def expectation(error: ErrorDetails) -> str | None:
    """What was expected, to follow the word 'expected'; None where the error is a sentence of its own."""
    say = _EXPECTATIONS.get(error["type"])
    if say is not None:
        return say(error.get("ctx", {}))
    own = sentence(error)
    return own.removeprefix("expected ") if own.startswith("expected ") else None


def choices(error: ErrorDetails) -> list[str]:
    """The texts that would have been right, where there are only a few."""
    expected = error.get("ctx", {}).get("expected") if error["type"] in ("literal_error", "enum") else None
    return re.findall(r"'([^']*)'", expected) if isinstance(expected, str) else []


def is_own_text(error: ErrorDetails) -> bool:
    """Whether the text comes from a validator's own code, which may have put the value into it."""
    return error["type"] not in _EXPECTATIONS


def cause(error: ErrorDetails) -> Exception | None:
    """The exception that a validator's own code raised."""
    found = error.get("ctx", {}).get("error")
    return found if isinstance(found, Exception) else None


def sentence(error: ErrorDetails) -> str:
    """The text of an error, as its validator wrote it."""
    own = cause(error)
    text = str(own) if own is not None else error["msg"]
    text = re.sub(r"^(?:Value|Assertion) (?:error|failed), ", "", text)
    text = re.sub(r"^(?:Input|Value) should (?:be )?", "expected ", text)
    return text or "this value cannot be used"


def _one_of(context: Context) -> str:
    expected = str(context.get("expected", ""))
    named = expected.split(", ")
    if len(named) > MANY:
        return f"one of {', '.join(named[:MANY])}, and {len(named) + 1 - MANY} more"
    return f"one of {expected}" if "," in expected or " or " in expected else expected


def _at_least(context: Context) -> str:
    least = context.get("min_length", 1)
    # Pydantic names a list or a mapping here; for other values, like a secret, it says 'Value'.
    if context.get("field_type") in ("Value", None):
        return "a text that is not empty"
    return "at least one" if least == 1 else f"at least {least}"


def _always(text: str) -> Callable[[Context], str]:
    return lambda _: text


_TEXT, _WHOLE, _NUMBER = _always("a text"), _always("a whole number"), _always("a number")
_TRUTH, _LIST, _MAPPING = _always("true or false"), _always("a list"), _always("a mapping (keys with values)")

_EXPECTATIONS: dict[str, Callable[[Context], str]] = {
    "string_type": _TEXT,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing_size": _always("a smaller number"),
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "decimal_type": _NUMBER,
    "decimal_parsing": _NUMBER,
    "finite_number": _always("a finite number"),
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
    "dict_type": _MAPPING,
    "mapping_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "dataclass_type": _MAPPING,
    "literal_error": _one_of,
    "enum": _one_of,
    "none_required": _always("nothing"),
    "string_too_short": lambda context: (
        "a text that is not empty" if context["min_length"] == 1 else f"at least {context['min_length']} characters"
    ),
    "string_too_long": lambda context: f"at most {context['max_length']} characters",
    "string_pattern_mismatch": lambda context: f"a text like {context['pattern']}",
    "too_short": _at_least,
    "too_long": lambda context: f"at most {context.get('max_length')}, not {context.get('actual_length', 'more')}",
    "greater_than": lambda context: f"more than {context['gt']:g}",
    "greater_than_equal": lambda context: f"{context['ge']:g} or more",
    "less_than": lambda context: f"less than {context['lt']:g}",
    "less_than_equal": lambda context: f"{context['le']:g} or less",
    "multiple_of": lambda context: f"a multiple of {context['multiple_of']:g}",
    "url_type": _always("a web address"),
    "url_parsing": lambda context: f"a web address ({context.get('error')})",
    "url_scheme": lambda context: f"a web address that begins with {context.get('expected_schemes')}",
    "union_tag_invalid": lambda context: f"{context.get('discriminator')} to be one of {context.get('expected_tags')}",
    "union_tag_not_found": lambda context: f"a key {context.get('discriminator')}",
}

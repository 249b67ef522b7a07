"""The labels that a rule has itself: texts, groups and silences see them beside those of the series. No I/O.

They are not part of an alert's identity, so that one who changes them neither ends an alert nor has it notified again.
As in Prometheus, they take the place of a series' label with the same name.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from smithd.contract.names import matching

ALWAYS_THERE = ("rule", "severity")
"""The labels that every alert has."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _free(name: str) -> str:
    if name in ALWAYS_THERE:
        raise ValueError(f"'{name}' cannot be a label of its own: every alert has it already")
    return name


def _fixed(value: str) -> str:
    if "{{" in value or "{%" in value:
        raise ValueError("the labels of a rule are fixed texts, no templates; those of its series are there anyway")
    return value


LabelName = Annotated[
    str, matching(_NAME, "the name of a label", "letters, digits and _, and no digit first"), AfterValidator(_free)
]
LabelValue = Annotated[str, StringConstraints(min_length=1), AfterValidator(_fixed)]

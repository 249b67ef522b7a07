"""What the documentation shows is of the language."""

from __future__ import annotations

import re
from pathlib import Path

from smithd.expression.expression import parse
from smithd.expression.functions import FUNCTIONS_OF_TIME, FUNCTIONS_OF_VALUES
from smithd.expression.grouping import AGGREGATES, CHOICES
from smithd.expression.window import FUNCTIONS

TEXT = (Path(__file__).parents[2] / "docs" / "expressions.md").read_text()


def test_every_example_is_an_expression() -> None:
    examples = [line for block in re.findall(r"```\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]
    assert len(examples) > 5
    for example in examples:
        parse(example)


def test_every_function_is_explained() -> None:
    for function in [
        *AGGREGATES,
        *CHOICES,
        *FUNCTIONS,
        *FUNCTIONS_OF_VALUES,
        *FUNCTIONS_OF_TIME,
        "quantile",
        "predict",
    ]:
        assert f"`{function}(" in TEXT

"""What a single value of YAML means: YAML 1.2's core schema, without octal and hexadecimal numbers. No I/O.

So ``on``, ``yes``, ``1:30``, ``0755`` and dates are texts, as nearly everyone who writes them expects.
"""

from __future__ import annotations

import math
import re
from typing import Any

from smithd.config.yaml.positions import ScalarNode

Value = None | bool | int | float | str

_WORDS: dict[str, Value] = dict.fromkeys(("", "~", "null", "Null", "NULL"))
_WORDS |= dict.fromkeys(("true", "True", "TRUE"), True)
_WORDS |= dict.fromkeys(("false", "False", "FALSE"), False)
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LONGEST_NUMBER = 400
_LONGEST_SHOWN = 60


def value_of(scalar: ScalarNode) -> Value:
    """The value. A quoted one is a text; a number that is too large is infinite."""
    text = scalar.text
    if scalar.style is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    # Most texts begin with a letter, and need not be tried with the patterns of numbers.
    if not (text[0].isdigit() or text[0] in "+-."):
        return text
    # int() of very many digits is slow; as a float they are infinite, which is reported.
    if len(text) <= _LONGEST_NUMBER and _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITE.fullmatch(text):
        return math.nan if text[-1] in "nN" else math.inf
    return text


def described(value: Any) -> str:
    """A value in words, for 'found ...'."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        line = " ".join(value.split())
        shown = line if len(line) <= _LONGEST_SHOWN else line[:_LONGEST_SHOWN] + "…"
        return f"the text '{shown}'" if line else "an empty text"
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    return "a list" if value else "an empty list"

"""The authority on what expressions mean: Prometheus evaluates what both languages share, and must find the same."""

from __future__ import annotations

import json
import math
import random
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from campaign import rounds
from expression.world import World
from smithd.expression.expression import Expression, parse
from smithd.expression.grouping import CHOICES
from smithd.expression.lexer import ExpressionError
from smithd.expression.operators import SetOperation
from smithd.expression.tree import Aggregate, Node
from smithd.expression.vector import Vector
from smithd.plugin.options import parse_duration
from smithd.plugin.sample import Labels, Series

CASES = 250
STEP = 15
SAMPLES = 41
WINDOWS = ("1m", "100s", "5m", "10m")
HOSTS: tuple[dict[str, str], ...] = (
    {},
    {"host": "a"},
    {"host": "b"},
    {"host": "a", "zone": "n"},
    {"host": "b", "zone": "n"},
    {"zone": "s"},
)
METRICS: dict[str, Sequence[dict[str, str]]] = {
    "a.x": HOSTS[:1],
    "a.y": HOSTS[1:3],
    "a.z": HOSTS[3:],
    "b.x": HOSTS[1:4],
    "b.y": HOSTS[:1],
    "b.none": (),
}
FUNCTIONS = {"rate": "rate", "increase": "increase"} | {
    f"{name}_over": f"{name}_over_time" for name in ("avg", "min", "max", "sum", "count")
}

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="needs promtool: apt-get install prometheus"
)


Samples = dict[tuple[str, Labels], list[tuple[float, float]]]
"""Time and value, by metric and labels."""


class Writer:
    """Writes random texts of the grammar; some mean nothing, like the sum of a number, and are refused."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - a fixed choice of cases, no secret

    def moment(self) -> int:
        """A time at which samples are there, and some before."""
        return self._chance.randint(2, SAMPLES - 1) * STEP

    def samples(self) -> Samples:
        """Samples for every series."""
        return {
            (metric, tuple(sorted(labels.items()))): self._samples()
            for metric, series in METRICS.items()
            for labels in series
        }

    def _samples(self) -> list[tuple[float, float]]:
        """A counter that is reset now and then, or anything."""
        value, samples = 0.0, []
        grows = self._chance.random() < 0.5
        for number in range(SAMPLES):
            if grows:
                value = (
                    self._chance.randint(1, 3) if self._chance.random() < 0.1 else value + self._chance.randint(0, 9)
                )
            else:
                value = self._chance.randint(-20, 20) / 4
            samples.append((float(number * STEP), float(value)))
        return samples

    def expression(self, depth: int = 4) -> str:
        kinds = [self._selector, self._number] + (
            [self._binary] * 4 + [self._aggregate, self._unary, self._function, self._absent] if depth else []
        )
        return self._chance.choice([*kinds, self._window])(depth - 1)

    def _selector(self, _: int) -> str:
        metric = self._chance.choice(list(METRICS))
        if self._chance.random() < 0.7:
            return metric
        operator = self._chance.choice(["=", "!=", "=~", "!~"])
        text = self._chance.choice(
            ["a", "b", "", "n"] if operator in ("=", "!=") else ["a|n", "b?", ".+", "[^a]*", "a.{2}"]
        )
        return f'{metric}{{{self._chance.choice(["host", "zone"])}{operator}"{text}"}}'

    def _number(self, _: int) -> str:
        return self._chance.choice(["0", "1", "2.5", "10", "1e2"])

    def _window(self, depth: int) -> str:
        selector, window = self._selector(depth), self._chance.choice(WINDOWS)
        if self._chance.random() < 0.1:
            return f"predict({selector}, {window}, {self._chance.choice(WINDOWS)})"
        return f"{self._chance.choice(list(FUNCTIONS))}({selector}, {window})"

    def _function(self, depth: int) -> str:
        name = self._chance.choice(
            ["abs({})", "ceil({})", "floor({})", "round({})", "round({}, 0.3)", "clamp({}, -1, 4)"]
        )
        return self._chance.choice([name.format(self.expression(depth)), "hour()", "day_of_week()"])

    def _absent(self, depth: int) -> str:
        return f"absent({self._selector(depth)})"

    def _unary(self, depth: int) -> str:
        return f"-({self.expression(depth)})"

    def _labels(self) -> str:
        return f"({', '.join(name for name in ('host', 'zone') if self._chance.random() < 0.5)})"

    def _aggregate(self, depth: int) -> str:
        name = self._chance.choice(["sum", "avg", "min", "max", "count", "stddev", "top", "bottomk", "quantile"])
        by = self._chance.choice(["", f" by {self._labels()} ", f" without {self._labels()} "])
        parameter = {"top": "1, ", "bottomk": "2, ", "quantile": f"{self._chance.choice(['0', '0.5', '0.9', '1'])}, "}
        return f"{name}{by}({parameter.get(name, '')}{self.expression(depth)})"

    def _binary(self, depth: int) -> str:
        operator = self._chance.choice([*"+-*/%^", "==", "!=", ">", ">=", "<", "<=", "and", "or", "unless"])
        words = [self.expression(depth), operator]
        if operator in ("==", "!=", ">", ">=", "<", "<=") and self._chance.random() < 0.4:
            words.append("bool")
        if self._chance.random() < 0.3:
            words.append(f"{self._chance.choice(['on', 'ignoring'])} {self._labels()}")
            if operator not in ("and", "or", "unless"):
                words.append(
                    self._chance.choice(["", *(f"group_{side} {self._labels()}" for side in ("left", "right"))])
                )
        words.append(self.expression(depth))
        text = " ".join(words)
        return f"({text})" if self._chance.random() < 0.5 else text


def as_promql(text: str) -> str:
    """The same in PromQL, whose names have colons for dots."""
    text = re.sub(r"\b([ab])\.(x|y|z|none)\b", r"\1:\2", text)
    text = text.replace("top(", "topk(").replace("top ", "topk ")
    text = re.sub(r"\bpredict\(([^()]*?), (\w+), (\w+)\)", lambda found: _predict(*found.groups()), text)
    for ours, theirs in FUNCTIONS.items():
        text = re.sub(rf"\b{ours}\(([^()]*?), (\w+)\)", rf"{theirs}(\1[\2])", text)
    return text


def _predict(selector: str, window: str, ahead: str) -> str:
    return f"predict_linear({selector}[{window}], {parse_duration(ahead):g})"


Answer = dict[Labels, float] | str
"""Values by labels, or an error."""

_RESULT = re.compile(r'    expr: ("(?:[^"\\]|\\.)*"), time: (\w+),(?: err: (.*)|\n        exp: nil\n        got: (.*))')
_SERIES = re.compile(r"(\{[^}]*\}) ([-+.\w]+)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


def prometheus_says(folder: Path, samples: Samples, cases: list[tuple[str, int]]) -> list[Answer]:
    """What Prometheus makes of each expression at each time (seconds). Its tester prints the answers."""
    series = [
        {"series": as_promql(str(Series(*name))), "values": " ".join(f"{value:g}" for _, value in values)}
        for name, values in samples.items()
    ]
    asked = [{"expr": as_promql(text), "eval_time": f"{at}s"} for text, at in cases]
    test = {"interval": f"{STEP}s", "input_series": series, "promql_expr_test": asked}
    (folder / "suite.json").write_text(json.dumps({"evaluation_interval": f"{STEP}s", "tests": [test]}))
    command = ["promtool", "test", "rules", "suite.json"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)
    answers = {
        (json.loads(text), at): error or read(got) for text, at, error, got in _RESULT.findall(ran.stdout + ran.stderr)
    }
    assert answers, ran.stdout + ran.stderr
    return [answers.get((case["expr"], duration(case["eval_time"])), {}) for case in asked]


def duration(text: str) -> str:
    """As Prometheus writes it: 90s is 1m30s."""
    minutes, seconds = divmod(int(text[:-1]), 60)
    return (f"{minutes}m" if minutes else "") + (f"{seconds}s" if seconds or not minutes else "")


def read(got: str) -> dict[Labels, float]:
    answer = {}
    for labels, value in _SERIES.findall(got):
        pairs = sorted(pair for pair in _LABEL.findall(labels) if pair[0] != "__name__")
        answer[tuple(pairs)] = float(value)
    return answer


def world(samples: Samples, now: int) -> World:
    """What is known at a moment of the series."""
    past = {name: [sample for sample in values if sample[0] <= now] for name, values in samples.items()}
    latest: dict[str, dict[Labels, float]] = {metric: {} for metric in METRICS}
    for (metric, labels), values in past.items():
        latest[metric][labels] = values[-1][1]
    return World(latest, past, float(now))


def parts(node: Node) -> Iterator[Node]:
    yield node
    for name in ("left", "right", "operand"):
        if (inner := getattr(node, name, None)) is not None:
            yield from parts(inner)


def is_shared(expression: Expression, world: World) -> bool:
    """Whether both define the result: Prometheus has values for what is undefined here, and its top has no order among
    equals.
    """
    for part in parts(expression.root):
        if parse(str(part)).evaluate(world).unknown:
            return False
        if isinstance(part, Aggregate) and part.name in CHOICES:
            values = parse(str(part.operand)).evaluate(world).values.values()
            if len(set(values)) < len(values):
                return False
        if isinstance(part, SetOperation) and part.right.is_number:
            return False
    return True


def agree(ours: Vector, theirs: Answer) -> bool:
    if isinstance(theirs, str) or ours.problem:
        return isinstance(theirs, str) and bool(ours.problem)
    return ours.values.keys() == theirs.keys() and all(
        math.isclose(value, theirs[labels], rel_tol=1e-9, abs_tol=1e-9) for labels, value in ours.values.items()
    )


@needs_promtool
@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(rounds(1, 40)))
def test_values_are_those_of_prometheus(seed: int, tmp_path: Path) -> None:
    writer = Writer(seed)
    samples = writer.samples()
    cases: list[tuple[Expression, str, int]] = []
    while len(cases) < CASES:
        text, at = writer.expression(), writer.moment()
        with suppress(ExpressionError):
            if is_shared(expression := parse(text), world(samples, at)):
                cases.append((expression, text, at))
    answers = prometheus_says(tmp_path, samples, [(text, at) for _, text, at in cases])
    found = [(text, at, expression.evaluate(world(samples, at))) for expression, text, at in cases]
    wrong = [
        f"{text} at {at}: {dict(ours.values)} {ours.problem}, Prometheus {theirs}"
        for (text, at, ours), theirs in zip(found, answers, strict=True)
        if not agree(ours, theirs)
    ]
    assert not wrong, f"{len(wrong)} of {len(found)}\n" + "\n".join(wrong)
    assert sum(bool(ours) for _, _, ours in found) > CASES / 3, "too little is left to compare"

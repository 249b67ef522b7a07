"""Regular expressions for labels: matched in time linear to the text, whatever the pattern. Pure.

Python's own engine backtracks, so that an innocent pattern may take hours. This one follows all ways at once (Thompson
1968), and remembers each step it has taken. It knows the common part of RE2's syntax, which is Prometheus': characters
and ``.``, classes, groups, ``|``, ``* + ? {m,n}``, ``\\d \\w \\s`` and ``(?i)`` in front. A pattern matches whole
texts, as in Prometheus.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

LARGEST = 1000
"""States of a pattern: about one for each character that it can match, repetitions counted out."""
DEEPEST = 20
"""Groups within groups."""
_REMEMBERED_STEPS = 5000
_REMEMBERED_TEXTS = 10_000

_Test = Callable[[str], bool]
_Build = Callable[[int], int]
"""A part of the pattern: given the state that follows it, returns the state that it begins with."""

_CLASSES: dict[str, _Test] = {
    "d": lambda sign: "0" <= sign <= "9",
    "w": lambda sign: sign == "_" or (sign.isascii() and sign.isalnum()),
    "s": lambda sign: sign in " \t\n\f\r",
}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r"}


class PatternError(ValueError):
    """A pattern that cannot be used; ``at`` is where in it, from 0."""

    def __init__(self, message: str, at: int) -> None:
        self.at = at
        super().__init__(message)


def compile_pattern(pattern: str) -> Callable[[str], bool]:
    """Whether a whole text matches, as a function that remembers its answers; PatternError for no pattern."""
    return lru_cache(_REMEMBERED_TEXTS)(_Machine(pattern).matches)


class _Machine:
    """The states: each is a test with the state after it, or (without a test) ways on to others. State 0 is the end."""

    def __init__(self, pattern: str) -> None:
        self.tests: list[_Test | None] = [None]
        self.ways: list[list[int]] = [[]]
        start = _Reader(pattern, self).read()(0)
        self._start = self._reached([start])
        self._steps: dict[tuple[frozenset[int], str], frozenset[int]] = {}

    def matches(self, text: str) -> bool:
        states = self._start
        for sign in text:
            following = self._steps.get((states, sign))
            if following is None:
                following = self._step(states, sign)
            if not following:
                return False
            states = following
        return 0 in states

    def state(self, test: _Test | None, ways: list[int], at: int) -> int:
        """A new state; PatternError (for the part at ``at``) where there are too many."""
        if len(self.ways) >= LARGEST:
            raise PatternError("the pattern is too large", at)
        self.tests.append(test)
        self.ways.append(ways)
        return len(self.ways) - 1

    def _step(self, states: frozenset[int], sign: str) -> frozenset[int]:
        passed = [self.ways[state][0] for state in states if (test := self.tests[state]) and test(sign)]
        following = self._reached(passed)
        if len(self._steps) >= _REMEMBERED_STEPS:
            self._steps.clear()
        self._steps[states, sign] = following
        return following

    def _reached(self, states: Iterable[int]) -> frozenset[int]:
        """The states with a test (and the end) that can be reached without reading."""
        seen: set[int] = set()
        to_do = list(states)
        while to_do:
            state = to_do.pop()
            if state not in seen:
                seen.add(state)
                if self.tests[state] is None:
                    to_do += self.ways[state]
        return frozenset(state for state in seen if state == 0 or self.tests[state])


class _Reader:
    """Reads a pattern from left to right."""

    def __init__(self, pattern: str, machine: _Machine) -> None:
        self._text = pattern
        self._machine = machine
        self._at = 0
        self._depth = 0
        self._any_case = pattern.startswith("(?i)")

    def read(self) -> _Build:
        self._at = 4 if self._any_case else 0
        self._takes("^")
        whole = self._either()
        if self._at < len(self._text):
            raise PatternError("a ')' without its '('", self._at)
        return whole

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _takes(self, sign: str) -> bool:
        taken = self._text.startswith(sign, self._at)
        self._at += len(sign) * taken
        return taken

    def _either(self) -> _Build:
        choices = [self._sequence()]
        while self._takes("|"):
            choices.append(self._sequence())
        at = self._at
        return choices[0] if len(choices) == 1 else lambda end: self._fork([choice(end) for choice in choices], at)

    def _sequence(self) -> _Build:
        parts: list[_Build] = []
        while self._peek() not in ("", "|", ")"):
            if self._text[self._at :] == "$":
                self._at += 1
                break
            parts.append(self._repeated())

        def build(end: int) -> int:
            for part in reversed(parts):
                end = part(end)
            return end

        return build

    def _repeated(self) -> _Build:
        at = self._at
        part = self._one()
        bounds = self._bounds()
        if bounds is None:
            return part
        self._takes("?")  # fewest first or most first: whether the whole text matches is the same
        if self._peek() in ("*", "+", "?") or (self._peek() == "{" and self._bounds()):
            raise PatternError("nothing to repeat: two repetitions in a row", self._at)
        low, high = bounds
        return lambda end: self._repetition(part, low, high, end, at)

    def _repetition(self, part: _Build, low: int, high: int | None, end: int, at: int) -> int:
        if high is None:
            loop = self._fork([end], at)
            self._machine.ways[loop].append(part(loop))
            end = loop
        for _ in range((high or low) - low):
            end = self._fork([end, part(end)], at)
        for _ in range(low):
            end = self._fork([part(end)], at)  # a state even for a part that is empty: repetitions are counted
        return end

    def _bounds(self) -> tuple[int, int | None] | None:
        """How often the part before is repeated, None where nothing says so."""
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._takes(sign):
                return bounds
        if self._peek() != "{":
            return None
        at, close = self._at, self._text.find("}", self._at)
        low, comma, high = self._text[at + 1 : close].partition(",")
        if close < 0 or not _is_count(low) or not (high == "" or _is_count(high)):
            raise PatternError("expected a repetition like {2}, {2,} or {2,5}; a plain brace is \\{", at)
        self._at = close + 1
        most = int(high) if high else None if comma else int(low)
        if most is not None and most < int(low):
            raise PatternError("the repetition runs backwards", at)
        return int(low), most

    def _one(self) -> _Build:
        at, sign = self._at, self._peek()
        self._at += 1
        if sign == "(":
            return self._group(at)
        if sign == "[":
            return self._test(self._class(at), at)
        if sign == ".":
            return self._test(lambda _: True, at)
        if sign == "\\":
            return self._test(self._escaped(at), at)
        if sign in "*+?{":
            raise PatternError(f"nothing to repeat before '{sign}'", at)
        if sign in "^$":
            raise PatternError("a pattern matches whole texts: '^' may only begin it, '$' only end it", at)
        return self._test(self._cased(sign.__eq__), at)

    def _group(self, at: int) -> _Build:
        if self._takes("?") and not self._takes(":"):
            raise PatternError("expected '(' or '(?:'; '(?i)' may only begin the pattern", at)
        self._depth += 1
        if self._depth > DEEPEST:
            raise PatternError("too many groups within groups", at)
        inner = self._either()
        self._depth -= 1
        if not self._takes(")"):
            raise PatternError("this group has no end", at)
        return inner

    def _class(self, at: int) -> _Test:
        outside = self._takes("^")
        tests = [self._member(at)]
        while not self._takes("]"):
            tests.append(self._member(at))
        return lambda sign: any(test(sign) for test in tests) is not outside

    def _member(self, at: int) -> _Test:
        """One character, class or range within brackets."""
        low, test = self._class_sign(at)
        dash = self._peek() == "-" and self._text[self._at + 1 : self._at + 2] not in ("", "]")
        if not dash:
            return test
        self._at += 1
        high, _ = self._class_sign(at)
        if not low or not high or low > high:
            raise PatternError("this range runs backwards, or from or to no character", at)
        return self._cased(lambda sign: low <= sign <= high)

    def _class_sign(self, at: int) -> tuple[str, _Test]:
        """A character (empty for a class of them) and its test."""
        here, sign = self._at, self._peek()
        if not sign:
            raise PatternError("this '[' has no end", at)
        self._at += 1
        if sign == "[" and self._peek() == ":":
            raise PatternError("classes like [:alpha:] are not known: write a-z", here)
        if sign != "\\":
            return sign, self._cased(sign.__eq__)
        test = self._escaped(here)
        last = self._text[self._at - 1]
        return ("" if last.lower() in _CLASSES else _CONTROLS.get(last, last)), test

    def _escaped(self, at: int) -> _Test:
        sign = self._peek()
        self._at += 1
        if test := _CLASSES.get(sign):
            return test
        if inner := _CLASSES.get(sign.lower()):
            return lambda other: not inner(other)
        if sign in _CONTROLS:
            return _CONTROLS[sign].__eq__
        if not sign or sign.isalnum():
            raise PatternError(f"'\\{sign}' is not known", at)
        return self._cased(sign.__eq__)

    def _test(self, test: _Test, at: int) -> _Build:
        return lambda end: self._machine.state(test, [end], at)

    def _cased(self, test: _Test) -> _Test:
        """A test for a character, or the range of some, that looks at capitals or does not."""
        return (lambda sign: test(sign.lower()) or test(sign.upper())) if self._any_case else test

    def _fork(self, ways: list[int], at: int) -> int:
        return self._machine.state(None, ways, at)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 3

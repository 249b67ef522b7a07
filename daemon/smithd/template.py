"""Texts for people: Jinja2 templates, sandboxed, strict about names, tried before they are used. No I/O."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

import jinja2
import jinja2.meta
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BeforeValidator, ValidationInfo

from smithd.formatting import LENGTHS, MOST_DECIMALS, number, readable
from smithd.locales import ENGLISH, filters
from smithd.suggestion import did_you_mean


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2's sandbox, which leaves arithmetic alone: here it cannot be used to fill the memory."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        if not numbers or (operator == "**" and (abs(left) > 1e6 or abs(right) > 64)):
            raise jinja2.TemplateRuntimeError(f"'{operator}' works on numbers of a sensible size only")
        return super().call_binop(context, operator, left, right)


class AnyLabels(dict[str, str]):
    """Labels to try a template on, when it is not known yet which labels the series will have."""

    def __missing__(self, name: str) -> str:
        return name


class WatchedLabels(Mapping[str, str]):
    """The labels of the worst of many alerts. ``differing_was_read``: a template has read one that not all share."""

    def __init__(self, labels: Mapping[str, str], shared: Collection[str]) -> None:
        self._labels, self._shared = labels, shared
        self.differing_was_read = False

    def __getitem__(self, name: str) -> str:
        self.differing_was_read |= name in self._labels and name not in self._shared
        return self._labels[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._labels)

    def __len__(self) -> int:
        return len(self._labels)


_BUILT_IN_FILTERS = frozenset(
    [
        "abs",
        "capitalize",
        "d",
        "default",
        "first",
        "float",
        "int",
        "join",
        "last",
        "length",
        "list",
        "lower",
        "map",
        "max",
        "min",
        "reject",
        "rejectattr",
        "replace",
        "reverse",
        "round",
        "select",
        "selectattr",
        "sort",
        "string",
        "sum",
        "title",
        "trim",
        "truncate",
        "unique",
        "upper",
    ]
)
"""Jinja2's own filters that may be used; others (center, indent, format and the like) can fill the memory."""

_REFUSED = (nodes.Assign, nodes.AssignBlock, nodes.Macro, nodes.CallBlock, nodes.FilterBlock, nodes.Include)
"""What a text of a few words does not need, and what can make a short template's text grow without end."""


def _shown(value: Any) -> Any:
    """What stands for the value of a ``{{ … }}``. One that is not known is None: a person should see nothing."""
    if isinstance(value, float) and not math.isfinite(value):
        return number(value)
    return "" if value is None else value


@cache
def _environment(locale: str, most: int = MOST_DECIMALS) -> _Sandbox:
    """What templates are compiled in, with the filters of a locale. ``most``: how long the numbers may be that filters
    write, one of ``formatting.LENGTHS``.
    """
    made = _Sandbox(undefined=jinja2.StrictUndefined, autoescape=False, finalize=_shown)
    made.filters = {name: made.filters[name] for name in _BUILT_IN_FILTERS} | dict(filters(locale, most))
    # ``range`` and ``lipsum`` would make a short template's text endless.
    made.globals.clear()
    return made


class Text:
    """A compiled template; ``names`` are those it uses."""

    __slots__ = ("_locale", "_template", "names", "source")

    def __init__(self, source: str, template: jinja2.Template, names: frozenset[str], locale: str = ENGLISH) -> None:
        self.source = source
        self.names = names
        self._template = template
        self._locale = locale

    def render(self, names: Mapping[str, Any]) -> str:
        """The text as it may be shown, without blanks at its ends; empty where the template fails on these values. It
        was tried when the configuration was checked, and an alert must not be lost because of its text.
        """
        return _rendered(self._template, names)

    def fitted(self, names: Mapping[str, Any], width: int) -> str:
        """The text in ``width`` characters, if it can be: the numbers that filters write lose decimals, then become
        ``1.23M``. Where that is not enough, the first text whose numbers stand before the place where a phone cuts it.
        """
        whole = self.render(names)
        if len(whole) <= width:
            return whole
        shorter = [_rendered(_shorter(self.source, self._locale, most), names) or whole for most in LENGTHS[1:]]
        if (found := next((text for text in shorter if len(text) <= width), None)) is not None:
            return found
        return next((text for text in (whole, *shorter) if has_whole_numbers(text, width)), whole)

    def __repr__(self) -> str:
        return f"Text({self.source!r})"

    @classmethod
    def __get_pydantic_json_schema__(cls, _: Any, __: Any) -> dict[str, Any]:
        return {"type": ["string", "number"]}


def has_whole_numbers(text: str, width: int) -> bool:
    """Whether no number is cut where a text is cut to ``width`` characters, with an ellipsis as the last of them."""
    return len(text) <= width or not any(found.start() < width - 1 < found.end() for found in _NUMBERS.finditer(text))


_NUMBERS = re.compile(r"\S*\d\S*")


def _rendered(template: jinja2.Template, names: Mapping[str, Any]) -> str:
    try:
        return readable(template.render(names)).strip()
    except Exception:  # noqa: BLE001 - the user's program: whatever it raises must not stop an alert
        return ""


@lru_cache(maxsize=1024)
def _shorter(source: str, locale: str, most: int) -> jinja2.Template:
    """A template that was compiled before, with shorter numbers."""
    return _environment(locale, most).from_string(source)


def compile_text(source: Any, example: Mapping[str, Any], locale: str = ENGLISH) -> Text:
    """A template that may use the names of ``example``, tried on its values, with the filters of a locale; ValueError
    says what is wrong with it.
    """
    if isinstance(source, Text):
        return source
    if isinstance(source, bool) or not isinstance(source, str | int | float):
        raise ValueError("expected a text")
    source, environment = str(source), _environment(locale)
    try:
        tree = environment.parse(source)
        if refused := next(tree.find_all(_REFUSED), None):
            raise jinja2.TemplateSyntaxError("only {{ … }}, {% if … %} and {% for … %} are known", refused.lineno)
        names = frozenset(jinja2.meta.find_undeclared_variables(tree))
        # Rendering would stop at the first unknown name, and could not suggest another.
        unknown = names - example.keys()
        template = None if unknown else environment.from_string(tree)
        if template is not None:
            template.render(example)
    except Exception as error:  # noqa: BLE001 - filters and operators complain about their use in ways of their own
        reason = str(error.message if isinstance(error, jinja2.TemplateSyntaxError) else error).rstrip(".")
        if reason.startswith("No filter named"):
            reason += f" (filters of our own: {', '.join(filters(locale))})"
        raise ValueError(f"the template does not work: {reason}") from None
    if template is None:
        name = min(unknown)
        hint = did_you_mean(name, example) or f"known here: {', '.join(sorted(example))}"
        raise ValueError(f"the template uses an unknown name '{name}'; {hint}")
    return Text(source, template, names, locale)


def template(example: Mapping[str, Any]) -> BeforeValidator:
    """The annotation of an option that is a template over these names; the values are what it is tried on. The
    context of the validation names its ``locale``.
    """

    def compiled(source: Any, info: ValidationInfo) -> Text:
        return compile_text(source, example, (info.context or {}).get("locale", ENGLISH))

    return BeforeValidator(compiled)

"""One metric of a JSON document: where its value stands, and how it becomes a number. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from smithd.plugin import BadResponse, MetricOptions, RawSample, quoted
from smithd_sources.http_json.json_path import CompiledPath, JSONPath, count_hint
from smithd_sources.http_json.quantity import Conversion, Quantity
from smithd_sources.moments import TimeFormat, to_moment
from smithd_sources.numerals import DecimalMark
from smithd_sources.values import TimeContext, in_short, moment_of_sample

MAX_ELEMENTS = 10_000
"""A poll may bring no more series: the elements that an ``each`` finds beyond this are not read."""


def _not_zero(number: Decimal) -> Decimal:
    if number == 0:
        raise ValueError("expected a number other than 0, like 0.01")
    return number


Scale = Annotated[Decimal, AfterValidator(_not_zero)]
KEY = "key"
"""In ``labels``: the name under which an element stands in a mapping."""
KeyOrPath = Literal["key"] | JSONPath
LabelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class JSONMetric(MetricOptions):
    """A number in the answer (``path``), or one series for each element of it (``each``)."""

    short_form: ClassVar = {"type": "string", "pattern": r"^\$", "examples": ["$.orders.today"]}

    path: JSONPath | None = Field(None, description="where the number stands; the text alone means the same")
    each: JSONPath | None = Field(None, description="the elements that bring one series each")
    value: JSONPath | None = Field(None, description="where the number stands in an element, which is the path's $")
    labels: dict[LabelName, KeyOrPath] = Field(
        default_factory=dict,
        description="what tells series apart: label to path in an element, or 'key' for its name in a mapping",
    )
    count: bool = Field(False, description="the number of values that the path finds, 0 in an empty list")
    words: dict[str, float] = Field(
        default_factory=dict, description="what texts stand for: {ok: 1, degraded: 0.5, down: 0}"
    )
    decimal: DecimalMark = Field(".", description="the mark before the decimals of a text; the other may group digits")
    scale: Scale | None = Field(None, description="multiply by this, in decimal: 1999 cents by 0.01 are 19.99")
    offset: Decimal | None = Field(None, description="then add this, in decimal")
    quantity: Quantity = Field(
        Quantity.NUMBER,
        alias="as",
        description="boolean: 1 or 0; duration: in seconds; timestamp: since 1970; age: seconds since then",
    )

    time: JSONPath | None = Field(
        None,
        description="where the value's own time stands (of 'each': in the element); default: the time of the poll",
    )
    time_format: TimeFormat | None = Field(
        None, description="how times are written, as in strftime: '%d.%m.%Y %H:%M'; default: as programs write them"
    )

    @model_validator(mode="before")
    @classmethod
    def _path_alone(cls, given: Any) -> Any:
        return given if isinstance(given, dict | JSONMetric) else {"path": given}

    @model_validator(mode="after")
    def _one_shape(self) -> JSONMetric:
        if (self.path is None) == (self.each is None):
            raise PydanticCustomError("one_shape", "expected either 'path' or 'each' (with 'value' and 'labels')")
        if self.path is not None and (self.value is not None or self.labels):
            raise PydanticCustomError("path_alone", "'value' and 'labels' go with 'each', not with 'path'")
        if self.each is not None and (self.value is None or not self.labels):
            raise PydanticCustomError("each_needs", "'each' needs 'value' and 'labels', to tell its series apart")
        if self.count and self.each is not None:
            raise PydanticCustomError("count_path", "'count' goes with 'path': {path: '$.open[*]', count: true}")
        if self.count and self.words:
            raise PydanticCustomError("count_words", "'words' cannot be used with 'count', which counts what is there")
        if (self.count or self.words) and self.quantity is not Quantity.NUMBER:
            what = "count" if self.count else "words"
            raise PydanticCustomError(
                "as_number", "'as' cannot be used with '{what}', which is a number", {"what": what}
            )
        is_moment = self.quantity in (Quantity.TIMESTAMP, Quantity.AGE)
        if self.time_format is not None and self.time is None and not is_moment:
            raise PydanticCustomError("time_format", "'time_format' goes with 'as: timestamp', 'as: age' or 'time'")
        return self

    @property
    def has_series(self) -> bool:
        """Whether it has elements."""
        return self.each is not None

    @cached_property
    def conversion(self) -> Conversion:
        """The conversion of what stands there into the metric's number."""
        return Conversion(self.quantity, self.scale, self.offset, self.words, self.decimal, self.time_format)

    def paths(self) -> Iterator[CompiledPath]:
        """All the paths of this metric."""
        paths = (self.path, self.each, self.value, self.time, *self.labels.values())
        yield from (path for path in paths if isinstance(path, CompiledPath))


Report = Callable[[str], None]


def read_metric(
    name: str, metric: JSONMetric, documents: Sequence[Any], asked: TimeContext, report: Report
) -> list[RawSample]:
    """The metric's samples in these documents: of an ``each`` or a ``count`` in all, of a ``path`` in the first.

    ``report`` is called with a text for each element that cannot be read. Raises BadResponse where nothing of the
    metric can be used. A value that is null, NaN or infinite brings no sample, nor does one whose own time is null.
    """
    if metric.each is not None:
        return _read_each(name, metric, metric.each, documents, asked, report)
    assert metric.path is not None  # by the validator
    path = metric.path
    found = sum(_count(path, document) for document in documents) if metric.count else _only(path, documents[0])
    value = metric.conversion(found, path, asked)
    if value is None:
        return []
    if metric.time is None:
        return [RawSample(name, value)]
    moment = _moment(metric.time, documents[0], metric, asked)
    return [] if moment is None else [RawSample(name, value, {}, moment)]


def _read_each(
    name: str, metric: JSONMetric, each: CompiledPath, documents: Sequence[Any], asked: TimeContext, report: Report
) -> list[RawSample]:
    assert metric.value is not None  # by the validator
    conversion = metric.conversion
    with_keys = KEY in metric.labels.values()
    series: dict[tuple[str, ...], tuple[float | None, float | None]] = {}
    elements: list[tuple[str, Any]] = []
    for document in documents:
        found = each.find_with_keys(document) if with_keys else [("", element) for element in each.find(document)]
        if not found:
            _check_base(each, document)
        elements += found
    for index, (key, element) in enumerate(elements):
        if index == MAX_ELEMENTS:
            report(f"{name}: {each} finds more than {MAX_ELEMENTS} elements; the rest is left out")
            break
        try:
            value = conversion(_only(metric.value, element), metric.value, asked)
            found_labels = [key if isinstance(path, str) else _only(path, element) for path in metric.labels.values()]
            labels = tuple(map(_label, metric.labels.values(), found_labels))
            moment = asked.now if metric.time is None else _moment(metric.time, element, metric, asked)
        except BadResponse as error:
            report(f"{name}: element {index} of {each}: {error}")
            continue
        if labels in series:
            shared = ", ".join(f'{label}="{quoted(text)}"' for label, text in zip(metric.labels, labels, strict=True))
            raise BadResponse(f"two elements of {each} have the labels {{{shared}}}, and labels must tell series apart")
        series[labels] = value, moment
    is_timed = metric.time is not None
    return [
        RawSample(name, value, dict(zip(metric.labels, labels, strict=True)), moment if is_timed else None)
        for labels, (value, moment) in series.items()
        if value is not None and moment is not None
    ]


def _moment(path: CompiledPath, document: Any, metric: JSONMetric, asked: TimeContext) -> float | None:
    """A value's own time, in seconds since 1970; None where it says that there is none."""
    moment = to_moment(_only(path, document), path, asked.zone, metric.time_format)
    return moment_of_sample(moment, path)


def _only(path: CompiledPath, document: Any) -> Any:
    found = path.find(document)
    if len(found) == 1:
        return found[0]
    if not found:
        raise BadResponse(f"{path} finds nothing in {in_short(document)}{count_hint(str(path))}")
    raise BadResponse(f"{path} finds {len(found)} values, and a metric has one; for one series each, use 'each'")


def _label(path: CompiledPath | str, found: Any) -> str:
    """A label's text; that of null is empty."""
    if isinstance(found, dict | list):
        raise BadResponse(f"{path} is {in_short(found)}, and a label is a text or a number")
    if found is None:
        return ""
    return str(found).lower() if isinstance(found, bool) else str(found)


def _count(path: CompiledPath, document: Any) -> int:
    found = path.find(document)
    if not found:
        _check_base(path, document)
    if path.plain and path.base is None and found and isinstance(found[0], list):
        raise BadResponse(f"{path} finds one list; to count what is in it, the path is {path}[*]")
    return len(found)


def _check_base(path: CompiledPath, document: Any) -> None:
    """An empty list has no elements, and that is no mistake; null is how some languages write one. Raises BadResponse
    where there is no list, and no mapping, that the path could select from.
    """
    if path.base is None:
        return
    found = path.base.find(document)
    if not found:
        raise BadResponse(f"{path.base} finds nothing in {in_short(document)}")
    if found[0] is not None and not isinstance(found[0], list | dict):
        raise BadResponse(f"{path.base} is {in_short(found[0])}, neither a list nor a mapping")

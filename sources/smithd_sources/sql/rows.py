"""Makes samples of the rows of a query. No I/O."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from smithd.plugin import BadResponse, Misconfigured, RawSample, did_you_mean, quoted
from smithd_sources.moments import is_moment, is_zero_time, to_moment
from smithd_sources.numerals import PLAIN
from smithd_sources.sql.options import SqlMetric
from smithd_sources.values import (
    TimeContext,
    epoch_seconds,
    in_short,
    moment_of_sample,
    to_number,
    truth_to_number,
    word_to_number,
)

LONGEST = 256
"""How many characters of a text are read; a label is no longer than that."""
_TRUTHS = {"true": 1.0, "false": 0.0}
"""As in JSON values, which databases return as texts."""
_NO_DAY = re.compile(r"\d{4}-(?:00-\d\d|\d\d-00)")
"""MySQL's dates that do not exist, like 0000-00-00."""


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The result of a query: the names of its columns, and its rows."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


Report = Callable[[str], None]


def needed(metric: SqlMetric, columns: Sequence[str]) -> list[int]:
    """The positions of the columns that the metric names. Raises Misconfigured where one is missing."""
    named = (*metric.labels, *metric.columns("").values(), *([metric.time] if metric.time is not None else []))
    return [_column(columns, each, metric.time) for each in named]


def read_rows(name: str, metric: SqlMetric, result: QueryResult, asked: TimeContext, report: Report) -> list[RawSample]:
    """The samples of a query's result. ``report`` is called with a text for each value that cannot be read.

    NULL, NaN and what a float cannot hold bring no sample, nor does a result without rows, or a row without a time.
    Raises Misconfigured where the result has another shape than the configuration says, BadResponse where two rows have
    the same labels.
    """
    columns, time = result.columns, metric.time
    values = {each: _column(columns, column, time) for each, column in metric.columns(name).items()}
    labels = {column: _column(columns, column) for column in metric.labels}
    time_index = None if time is None else _column(columns, time)
    if not labels and len(result.rows) > 1:
        raise Misconfigured(
            f"the query brings {len(result.rows)} rows: name the columns that tell them apart in 'labels', or aggregate"
        )
    samples: list[RawSample] = []
    seen: set[tuple[str, ...]] = set()
    for row in result.rows:
        texts = {label: _text(row[index]) for label, index in labels.items()}
        if (identity := tuple(texts.values())) in seen:
            raise BadResponse(f"two rows have the labels {_brackets(texts)}, and labels must tell rows apart")
        seen.add(identity)
        for each, index in values.items():
            try:
                where = f"{each}{_brackets(texts)}"
                value = _value(row[index], where, metric, asked.zone)
                moment = asked.now if time_index is None else _moment(row[time_index], where, metric, asked.zone)
            except BadResponse as error:
                report(str(error))
                continue
            if value is not None and math.isfinite(value) and moment is not None:
                number = asked.now - value if metric.as_ == "age" else value
                samples.append(RawSample(each, number, texts, None if time_index is None else moment))
    return samples


def _column(columns: Sequence[str], wanted: str | None, time: str | None = None) -> int:
    """The position of a column; without a name, that of the only one beside ``time``."""
    there = ", ".join(columns)
    if wanted is None:
        others = [index for index, column in enumerate(columns) if column != time]
        if len(others) != 1:
            raise Misconfigured(
                f"the query brings {len(columns)} columns ({there}): say under 'value' which has the number"
            )
        return others[0]
    found = [index for index, column in enumerate(columns) if column == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        raise Misconfigured(f"the query brings {len(found)} columns '{wanted}': give each its own name with AS")
    hint = did_you_mean(wanted, columns)
    raise Misconfigured(f"the query brings no column '{wanted}', but {there}{f'; {hint}' if hint else ''}")


def _brackets(texts: dict[str, str]) -> str:
    return "{" + ", ".join(f'{label}="{quoted(text)}"' for label, text in texts.items()) + "}" if texts else ""


def _text(value: Any) -> str:
    """A label's text; that of NULL is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "replace")[:LONGEST]
    return (value.isoformat() if isinstance(value, date | time) else str(value))[:LONGEST]


def _value(found: Any, where: str, metric: SqlMetric, zone: tzinfo) -> float | None:
    """A value as a number: a moment in seconds since 1970, a duration in seconds. None: there is no value."""
    if isinstance(found, bytes | bytearray | memoryview):
        found = bytes(found).decode("utf-8", "replace")
    if metric.words:
        return word_to_number(_plain(found), where, metric.words)
    if metric.as_ == "boolean":
        return truth_to_number(_plain(found), where)
    if isinstance(found, str):
        return _of_text(found, where, metric, zone)
    # A datetime is a date too, so it comes first.
    if isinstance(found, datetime):
        return _seconds(found, zone)
    if isinstance(found, date):
        return _seconds(datetime.combine(found, time()), zone)
    if isinstance(found, timedelta):
        return found.total_seconds()
    # float() raises for a signalling NaN.
    if isinstance(found, Decimal):
        return math.nan if found.is_nan() else float(found)
    if found is None or isinstance(found, int | float):
        return to_number(found, where)
    return to_number(str(found), where)


def _plain(found: Any) -> str | int | float | None:
    """A value as JSON has it."""
    if isinstance(found, Decimal) and not found.is_snan():
        return float(found)
    return found if isinstance(found, str | int | float | None) else str(found)


def _moment(found: Any, where: str, metric: SqlMetric, zone: tzinfo) -> float | None:
    """A row's own time, in seconds since 1970; None where it has none."""
    where = f"the time of {where}"
    if isinstance(found, timedelta | bool):
        raise BadResponse(f"{where} is {in_short(str(found))}, not a moment")
    moment = _value(found, where, metric.as_age, zone)
    return moment_of_sample(None if moment is None else epoch_seconds(moment), where)


def _of_text(text: str, where: str, metric: SqlMetric, zone: tzinfo) -> float | None:
    """The number in a text. A number is tried first, since 11110101 would be a date as well."""
    if len(text) > LONGEST:
        raise BadResponse(f"{where} is {in_short(text)}, too long for a number")
    if text in _TRUTHS:
        return _TRUTHS[text]
    if _NO_DAY.match(text):
        return None
    if metric.as_ == "age":
        is_number = metric.time_format is None and PLAIN.fullmatch(text.strip())
        return float(text) if is_number else to_moment(text, where, zone, metric.time_format)
    try:
        return to_number(text, where, decimal=metric.decimal)
    except BadResponse as error:
        if not is_moment(text):
            raise error from None
    raise BadResponse(f"{where} is the text {in_short(text)}; where that is a moment, say 'as: age'")


def _seconds(moment: datetime, zone: tzinfo) -> float | None:
    """Seconds since 1970, also for years that the system's own conversion does not know; None for Go's zero time."""
    # Of a moment with a zone, Python computes the seconds itself.
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    seconds = aware.timestamp()
    return None if is_zero_time(seconds) else seconds

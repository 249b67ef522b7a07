"""What a record of the log says, as every format needs it: its text and its fields, without secrets. No I/O."""

from __future__ import annotations

import logging
import math
import re
import traceback
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from smithd.cli.logs.limit import LeftOut, Sort
from smithd.events import Condition, Event
from smithd.formatting import CONTROLS, DIRECTIONS, counted, duration
from smithd.keys import BadgeKey, PushKey, StreamKey, WidgetKey
from smithd.redactor import Redactor

_UNSAFE = dict.fromkeys([*CONTROLS, *DIRECTIONS, 0x2028, 0x2029], " ")
"""Polled texts may hold anything: they must neither forge a line nor control the terminal."""
_SURROGATES = re.compile("[\ud800-\udfff]")
"""No text that is written can hold them, and a polled one may."""

_KEYS = {WidgetKey: "widget", StreamKey: "live_activity", PushKey: "notification", BadgeKey: "badge"}
"""The field that names what on the phone an event is about."""
_SUBJECT = ("source", "rule", "metric", "surface", "key", "account")
"""The fields of an event that say what it is about: only then do two events say the same."""

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class LogMessage:
    """A message of the log. ``lines`` are clean; ``event`` is the name of its event, "" where a plugin said it."""

    created: float
    level: int
    part: str
    event: str
    lines: tuple[str, ...]
    fields: dict[str, Value]


def entry(record: logging.LogRecord, redactor: Redactor) -> LogMessage:
    """What a record says, without secrets, whatever was polled."""
    event: Event | None = getattr(record, "event", None)
    part = readable(redactor.clean(part_of(record)))
    text = redactor.clean(text_of(record))
    lines = text.split("\n") if event is not None else [text]
    found = dict(_fields(event)) if event is not None else _source(part)
    if (left_out := getattr(record, "left_out", None)) is not None:
        found["left_out"] = left_out
    clean = {name: _clean(value, redactor) for name, value in found.items()}
    name = event_name(type(event).__name__) if event is not None else ""
    return LogMessage(record.created, record.levelno, part, name, tuple(map(readable, lines)), clean)


def _clean(value: Value, redactor: Redactor) -> Value:
    return readable(redactor.clean(value)) if isinstance(value, str) else value


def text_of(record: logging.LogRecord) -> str:
    """The text of a record, with the traceback that it may have; it still holds secrets."""
    try:
        text = record.getMessage()
    except Exception as error:  # noqa: BLE001 - a plugin's own texts and objects
        text = f"{record.msg!r} cannot be filled in: {type(error).__name__}"
    if record.exc_info and record.exc_info[0] is not None:
        text += "\n" + "".join(traceback.format_exception(*record.exc_info))
    return text


def readable(text: str) -> str:
    """A text in one line that can be written anywhere."""
    return _SURROGATES.sub("\ufffd", text.translate(_UNSAFE))


def part_of(record: logging.LogRecord) -> str:
    """The part of smithd that a record comes from: ``sources.shop``."""
    return record.name.partition(".")[2] or "daemon"


@cache
def event_name(kind: str) -> str:
    """``poll_failed`` for ``PollFailed``."""
    return re.sub("(?<=.)(?=[A-Z])", "_", kind).lower()


def _source(part: str) -> dict[str, Value]:
    name = part.partition("sources.")[2]
    return {"source": name} if name else {}


def _fields(event: Event) -> Iterator[tuple[str, Value]]:
    for each in fields(event):
        value = getattr(event, each.name)
        if type(value) in _KEYS:
            yield _KEYS[type(value)], value.group if isinstance(value, PushKey) else getattr(value, "name", "icon")
            yield "account", value.account
        else:
            yield each.name, _plain(value)


def _plain(value: Any) -> Value:
    """A value as JSON has it, which knows no infinite number."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def sort(record: logging.LogRecord) -> Sort:
    """The sort of a record: two that differ only in numbers, given as such, are the same."""
    event: Event | None = getattr(record, "event", None)
    if event is None:
        return Sort((record.name,), record.levelno, _said(record))
    values = [(each.name, getattr(event, each.name)) for each in fields(event)]
    subject = (record.name, *(value for name, value in values if name in _SUBJECT))
    alike = tuple(value for _, value in values if not isinstance(value, int | float))
    is_counted = isinstance(event, Condition) and not event.is_thinned
    return Sort(subject, event_name(type(event).__name__), alike if is_counted else object())


def _said(record: logging.LogRecord) -> Hashable:
    """What a plugin's record says beside its numbers."""
    if not isinstance(record.args, tuple):
        return text_of(record)
    try:
        return str(record.msg), tuple(str(value) for value in record.args if not isinstance(value, int | float))
    except Exception:  # noqa: BLE001 - a plugin's own objects
        return text_of(record)


def is_limited(record: logging.LogRecord) -> bool:
    """Whether a record may be left out: not a change of a state, and not what was asked for with ``debug``."""
    event: Event | None = getattr(record, "event", None)
    return record.levelno >= logging.INFO and (event is None or event.repeats())


def is_change(record: logging.LogRecord) -> bool:
    """Whether a record says that its subject has changed."""
    event: Event | None = getattr(record, "event", None)
    return record.levelno >= logging.INFO and event is not None and not event.repeats()


def told(left_out: LeftOut[logging.LogRecord]) -> logging.LogRecord:
    """The record that says what was left out: the last of it, as of now."""
    last, count, time = left_out.last, left_out.count, duration(left_out.seconds)
    text = text_of(last)
    if left_out.alike:
        text = f"{text} (repeated {counted(count, 'time')} in {time})"
    else:
        text = f"{count:,} more like this in {time}, the last: {text}"
    record = logging.LogRecord(last.name, last.levelno, last.pathname, last.lineno, text, (), None)
    record.event, record.left_out = getattr(last, "event", None), count
    return record

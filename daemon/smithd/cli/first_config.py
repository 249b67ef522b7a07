"""The first configuration that ``smithd init`` writes, and what it proposes for it. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from smithd.formatting import number

MOST_NUMBERS = 20
"""Numbers of a JSON document that are listed."""

_MEMBER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SMALL = re.compile(r"[a-z_][a-z0-9_]*")
_PLAIN = re.compile(r"(?:[A-Za-z_./]|\$[.{])[\w$.,/=&%?@(){}*+-]*(?:[:\[\]][\w$./@*{}\[\]-]+)*")
_WORDS_OF_YAML = {"true", "false", "null", "yes", "no", "on", "off", "y", "n", "~", ""}


@dataclass(frozen=True, slots=True)
class FirstConfig:
    """What the answers came to. ``options`` of the source are YAML as it is written; ``metrics`` maps names to what
    brings them (None: the type itself knows them by name), and is empty where the type has no choice of metrics.

    ``shown``: the metrics (with their source's name) that widgets show, the first one with the rule; ``pick``: which of
    several series; ``seen``: what the first one was (None: not one value). ``thresholds``: severity to threshold.
    """

    api_key: str
    source: str
    type: str
    every: str
    options: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, str | None] = field(default_factory=dict)
    shown: Sequence[str] = ()
    pick: str | None = None
    seen: float | None = None
    thresholds: Mapping[str, str] = field(default_factory=dict)


def yaml(config: FirstConfig) -> str:
    """The configuration as text."""
    return "\n".join(_lines(config)) + "\n"


def _lines(config: FirstConfig) -> Iterator[str]:
    yield f"# Written by 'smithd init'. 'smithd sources {config.type}' lists all options of this source."
    yield "activitysmith:"
    yield f"  api_key: {scalar(config.api_key)}"
    yield ""
    yield "sources:"
    yield f"  {config.source}:"
    yield f"    type: {config.type}"
    yield from (f"    {name}: {value}" for name, value in config.options.items())
    yield _said(f"    every: {config.every}", "the time between two polls")
    named = [name for name, query in config.metrics.items() if query is None]
    if named:
        yield f"    metrics: [{', '.join(named)}]"
    elif config.metrics:
        yield "    metrics:"
        yield from (f"      {name}: {scalar(query or '')}" for name, query in config.metrics.items())
    if config.thresholds and config.shown:
        yield ""
        yield "rules:"
        yield f"  {config.shown[0].partition('.')[2].replace('.', '-')}:"
        seen = f"it was {number(config.seen)} when this was written" if config.seen is not None else ""
        yield _said(f"    metric: {config.shown[0]}", seen)
        yield from (f"    {severity}: {scalar(text)}" for severity, text in config.thresholds.items())
        yield _said("    push: true", "one notification when it begins, which says so when it ends")
    if config.shown:
        yield ""
        yield "widgets:"
        for metric in config.shown:
            shown = f"{{value: {metric}, pick: {config.pick}}}" if config.pick else metric
            yield _said(f"  {metric}: {shown}", "the key of the metric in the ActivitySmith app, and what it shows")


def _said(line: str, comment: str) -> str:
    return f"{line:<40} # {comment}" if comment else line


def scalar(text: str) -> str:
    """A text as YAML has it: plain where it cannot be taken for anything else."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS_OF_YAML:
        return text
    # What JSON quotes, YAML reads the same.
    return json.dumps(text, ensure_ascii=False)


def number_paths(document: Any, path: str = "$") -> Iterator[tuple[str, float]]:
    """The JSONPath of each number in a JSON document, with the number, in the order of the document."""
    if isinstance(document, bool):
        return
    if isinstance(document, int | float):
        yield path, document
    elif isinstance(document, dict):
        for name, value in document.items():
            step = f".{name}" if _MEMBER.fullmatch(name) else f"[{json.dumps(name)}]"
            yield from number_paths(value, path + step)
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from number_paths(value, f"{path}[{index}]")


def is_name(text: str) -> bool:
    """Whether a source, and a metric, can be called so."""
    return _SMALL.fullmatch(text) is not None


def metric_name(query: str) -> str:
    """A name for what a JSONPath, a PromQL query or an SQL query finds."""
    if query.startswith("$"):
        words = [word for word in re.findall(r"[A-Za-z_]\w*", query) if word]
        return _name("_".join(words[-2:]))
    if alias := re.search(r"\bas\s+([A-Za-z_]\w*)", query, re.IGNORECASE):
        return _name(alias[1])
    if table := re.search(r"\bfrom\s+([A-Za-z_]\w*)", query, re.IGNORECASE):
        return _name(table[1])
    words = re.findall(r"[A-Za-z_]\w*", re.sub(r"\{.*?\}|\[.*?\]", "", query))
    return _name(max(words, key=len, default=""))


def source_name(type_name: str, url: str) -> str:
    """A name for a source: what its address says, or its type."""
    if "${" in url:
        url = ""
    if type_name == "sql":
        return _name(urlsplit(url).path.rpartition("/")[2].partition(".")[0], "database")
    host = urlsplit(url).hostname or "" if type_name == "http_json" else ""
    parts = [part for part in host.split(".") if part not in ("www", "api")]
    is_name = bool(parts) and not host.replace(".", "").isdigit() and ":" not in host and host != "localhost"
    return _name(parts[0] if is_name else "", "web" if type_name == "http_json" else type_name)


def _name(text: str, otherwise: str = "value") -> str:
    found = re.sub(r"[^a-z0-9_]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text).lower()).strip("_")
    return found if re.match(r"[a-z_]", found) else otherwise

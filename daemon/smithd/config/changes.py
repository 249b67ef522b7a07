"""What another configuration changes, thing by thing and option by option, without secrets. No I/O."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import SecretStr

from smithd.config.model import Config
from smithd.config.plain import plain, written_duration
from smithd.config.report.masking import is_secret_name
from smithd.poll.registry import SourceSpec
from smithd.poll.schedule import Cron
from smithd.redactor import Redactor
from smithd.time_window import DAYS, TimeWindow, clock_text

LONGEST = 80
"""Characters that are shown of a value."""

Options = Mapping[tuple[str, ...], Any]
"""Options by their paths within what they belong to."""


class OptionChange(NamedTuple):
    """An option ("" for what has none) with what it was and is; None where it is left out."""

    option: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        """For a person."""
        before, after = ("(not set)" if each is None else each for each in (self.before, self.after))
        return f"{self.option}: {before} → {after}".removeprefix(": ")


class ConfigChange(NamedTuple):
    """Something that is added, removed or changed; ``what`` it is, in words, and its name ("" where it has none)."""

    what: str
    name: str
    change: str
    options: tuple[OptionChange, ...] = ()

    def __str__(self) -> str:
        """For a person."""
        sign = {"added": "+", "removed": "-"}.get(self.change, "~")
        options = "; ".join(map(str, self.options))
        return f"{sign} {self.what} {self.name}".rstrip() + (f": {options}" if options else "")


def changes(before: Config, after: Config) -> Iterator[ConfigChange]:
    """What a reload would change. A source whose plugin has other code is changed without other options."""
    redactor = Redactor()
    redactor.learn(before.redactor)
    redactor.learn(after.redactor)
    old, new = _things(before), _things(after)
    for what, name in dict.fromkeys([*old, *new]):
        if (what, name) not in old:
            yield ConfigChange(what, name, "added")
        elif (what, name) not in new:
            yield ConfigChange(what, name, "removed")
        else:
            secrets = {
                text for each in (before, after) if what == "source" for text in each.sources[name].secrets if text
            }
            found = tuple(_options(_flat(old[what, name]), _flat(new[what, name]), secrets, redactor))
            is_other = what == "source" and before.sources[name].source_class is not after.sources[name].source_class
            if found or is_other:
                yield ConfigChange(what, name, "changed", found)


def _things(config: Config) -> dict[tuple[str, str], Any]:
    """What a configuration consists of, by what it is and its name."""
    sections: dict[str, Mapping[str, Any]] = {
        "account": config.accounts,
        "source": {name: _source(spec) for name, spec in config.sources.items()},
        "derived metric": config.derived,
        "time window": {window.name: _window(window) for window in config.windows},
        "rule": config.rules,
        "widget": config.widgets,
        "Live Activity": config.live_activities,
    }
    found = {(what, str(name)): plain(each) for what, things in sections.items() for name, each in things.items()}
    alone = {"badge": config.badge, "web": config.web, "heartbeat": config.heartbeat}
    for name in config.rules:
        if (mute := found["rule", name].get("mute")) is not None:
            found["rule", name]["mute"] = _mute(mute)
    found |= {(what, ""): plain(each) for what, each in alone.items() if each is not None}
    others = {"timezone": config.zone.key, "locale": config.locale, "history": written_duration(config.history)}
    return found | {("option", name): each for name, each in (others | {"watch": config.watch}).items()}


def _source(spec: SourceSpec) -> dict[str, Any]:
    schedule = spec.schedule
    when = (
        {"cron": schedule.expression} if isinstance(schedule, Cron) else {"every": written_duration(schedule.seconds)}
    )
    return {**spec.given, **when, "timeout": written_duration(spec.timeout)}


def _mute(mute: Mapping[str, Any]) -> str:
    """When a rule is muted, as a file says it: in short where it can be."""
    said = {key: each if isinstance(each, list) else str(each).lower() for key, each in mute.items() if each}
    texts = {key: f"[{', '.join(each)}]" if isinstance(each, list) else each for key, each in said.items()}
    if len(texts) == 1:
        return texts["during"]
    return f"{{{', '.join(f'{key}: {text}' for key, text in texts.items())}}}"


def _window(window: TimeWindow) -> dict[str, Any]:
    days = [day for number, day in enumerate(DAYS) if number in window.days]
    return {"from": clock_text(window.start), "to": clock_text(window.end), "days": days, "timezone": window.zone}


def _flat(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    if not isinstance(value, Mapping):
        return {path: value}
    return {at: each for key, inner in value.items() for at, each in _flat(inner, (*path, str(key))).items()}


def _options(before: Options, after: Options, secrets: Collection[str], redactor: Redactor) -> Iterator[OptionChange]:
    def shown(options: Options, path: tuple[str, ...]) -> str | None:
        if path not in options:
            return None
        value = options[path]
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        is_secret = (
            isinstance(value, SecretStr) or any(map(is_secret_name, path)) or any(map(text.__contains__, secrets))
        )
        text = Redactor.MASK if is_secret else redactor.clean(" ".join(text.split()))
        return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"

    for path in dict.fromkeys([*before, *after]):
        if before.get(path, _NONE) != after.get(path, _NONE):
            yield OptionChange(".".join(path), shown(before, path), shown(after, path))


_NONE = object()

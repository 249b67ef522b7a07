"""The whole configuration as it is understood: what is written, in its long form, with all defaults; without secrets.

What is written stays as it is, references like ``${env:NAME}`` too; only secrets that stand in the file are masked. A
default is filled in where a file may say it: some keys exclude each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError

from smithd.config import fields
from smithd.config.model import Config, File
from smithd.config.partial import UNKNOWN
from smithd.config.plain import plain, written_duration
from smithd.config.report.masking import is_reference, is_secret_name
from smithd.config.validator import Validator
from smithd.config.yaml.positions import ListNode, MappingNode, Node, Path, ScalarNode
from smithd.config.yaml.scalars import value_of
from smithd.poll.isolation import PluginFault, call_isolated
from smithd.poll.registry import SourceSpec
from smithd.poll.schedule import Cron, ScheduleOptions
from smithd.redactor import Redactor


def effective(validator: Validator, file: File, config: Config) -> dict[str, Any]:
    """A configuration of one file that means the same."""
    written = _Written(validator, {"folder": validator.report.path.parent, "locale": config.locale})
    made = written.model(validator.root, validator.data, file, ())
    made |= {"state": f"sqlite:///{config.state.absolute()}", "timezone": config.zone.key}
    if file.plugins:
        made["plugins"] = [
            str((validator.folder(("plugins", index)) / FilePath(name).expanduser()).absolute())
            for index, name in enumerate(file.plugins)
        ]
    for account in made.get("accounts", {}).values():
        # What it has of the other account is not its own to say.
        if "same_account_as" in account:
            for key in ("base_url", "limits"):
                account.pop(key, None)
    made["sources"] = {name: written.source(spec) for name, spec in config.sources.items()}
    return {key: made[key] for key in fields.keys(File) if key in made and key != "include"}


_OWN = ("smithd", "smithd_sources")
"""The packages whose options say by their type whether they are secrets."""


@dataclass(frozen=True)
class _Written:
    """Puts together what stands in the files, and what is understood of it. ``context``: that of validators."""

    validator: Validator
    context: Mapping[str, Any]

    def source(self, spec: SourceSpec) -> Any:
        """A source, with its schedule."""
        schedule = spec.schedule
        every = schedule.expression if isinstance(schedule, Cron) else written_duration(schedule.seconds)
        common = {
            "type": spec.type,
            "cron" if isinstance(schedule, Cron) else "every": every,
            "timeout": written_duration(spec.timeout),
            "timezone": plain(spec.zone),
            "fresh_for": plain(spec.fresh_for, seconds=True),
        }
        sources = self.validator.root.entries["sources"].value
        raw = {key: value for key, value in spec.given.items() if key not in fields.names(ScheduleOptions)}
        own = self.model(_child(sources, spec.name), raw, spec.options, ("sources", spec.name))
        return {key: value for key, value in common.items() if value is not None} | own

    def model(self, node: Node | None, raw: Any, options: BaseModel, at: Path) -> Any:
        """The options of a model: those that are written, and the others. ``raw`` is what was validated."""
        model, named = type(options), fields.by_attribute(type(options))
        if not isinstance(raw, Mapping) or not isinstance(node, MappingNode):
            # A short form: what it set is written in its place.
            shown = {
                key: plain(getattr(options, name), seconds=fields.is_duration(field))
                for name, (key, field) in named.items()
                if name in options.model_fields_set
            }
            has_reference = isinstance(node, ScalarNode) and "${" in node.text
            if has_reference or self._validated(model, shown) is None:
                return self.value(node, raw, None, at) if node is not None else None
            node, raw = None, shown
        made, is_own = {}, model.__module__.partition(".")[0] in _OWN
        for name, (key, field) in named.items():
            value, child = getattr(options, name), _child(node, key)
            if isinstance(child, ScalarNode) and fields.is_file(field) and "${" not in child.text:
                # Relative to the file it stands in, which need not be the first.
                made[key] = value
            elif isinstance(child, ScalarNode) and is_own and isinstance(value, str | int | float):
                # Options of ours that are secrets say so by their type, whatever their names are like.
                made[key] = self._text(child.text) if isinstance(value, str) else value_of(child)
            elif child is not None:
                made[key] = self.value(child, raw.get(key), value, (*at, key))
            elif key in raw:
                made[key] = self._masked(raw[key])
            elif (default := self._default(model, raw, (name, key), value, fields.is_duration(field))) is not None:
                made[key] = default
        return made

    def value(self, node: Node, raw: Any, value: Any, at: Path) -> Any:
        """What is written at a node, with what is understood of it."""
        if isinstance(value, BaseModel):
            return self.model(node, raw, value, at)
        if isinstance(node, MappingNode):
            # In headers and queries all values have the type of a secret, and the names tell which are.
            given = value if isinstance(value, Mapping) else {}
            understood = {name: each for name, each in given.items() if not isinstance(each, SecretStr)}
            inner = raw if isinstance(raw, Mapping) else {}
            return {
                name: self.value(each.value, inner.get(name), understood.get(name), (*at, name))
                for name, each in node.entries.items()
            }
        if isinstance(node, ListNode):
            parts = value if isinstance(value, Sequence) and len(value) == len(node.items) else [None] * len(node.items)
            items = raw if isinstance(raw, list) else [None] * len(node.items)
            zipped = enumerate(zip(node.items, items, parts, strict=True))
            return [self.value(item, each, part, (*at, index)) for index, (item, each, part) in zipped]
        return self._scalar(node, value, at)

    def _scalar(self, node: ScalarNode, value: Any, at: Path) -> Any:
        found = value_of(node)
        if not isinstance(found, str):
            return found
        key = next((step for step in reversed(at) if isinstance(step, str)), "")
        is_secret = is_secret_name(key) or isinstance(value, SecretStr)
        return Redactor.MASK if is_secret and not is_reference(found) else self._text(found)

    def _text(self, text: str) -> str:
        shown = self.validator.report.mask.text(text)
        # Half a reference would mean something else.
        return Redactor.MASK if shown != text and "${" in text else shown

    def _default(
        self, model: fields.Model, raw: Mapping[str, Any], named: tuple[str, str], value: Any, seconds: bool
    ) -> Any:
        """A value that is not written, if a file may say it; else None."""
        name, key = named
        if value is None or value is UNKNOWN:
            return None
        if isinstance(value, BaseModel):
            return self.model(None, None, value, ())
        for made in _said(value, seconds):
            understood = self._validated(model, {**raw, key: made})
            if understood is not None and plain(getattr(understood, name)) == plain(value):
                return self._masked(made)
        return None

    def _masked(self, made: Any) -> Any:
        if isinstance(made, dict):
            return {key: self._masked(each) for key, each in made.items()}
        if isinstance(made, list):
            return list(map(self._masked, made))
        if isinstance(made, str):
            return self.validator.redactor.clean(made)
        return Redactor.MASK if isinstance(made, SecretStr) else made

    def _validated(self, model: fields.Model, raw: Mapping[str, Any]) -> BaseModel | None:
        def validate() -> BaseModel:
            return model.model_validate(dict(raw), by_alias=True, by_name=False, context=dict(self.context))

        try:
            return call_isolated(validate, passing=(ValidationError,))
        except (ValidationError, PluginFault):
            return None


def _said(value: Any, seconds: bool) -> Iterator[Any]:
    """How a file may say a value: as it is, as a share, or as a time of day."""
    yield plain(value, seconds=seconds)
    if isinstance(value, float):
        yield f"{value:.0%}"
    if isinstance(value, int):
        yield f"{value // 60:02}:{value % 60:02}"


def _child(node: Node | None, key: str) -> Node | None:
    pair = node.entries.get(key) if isinstance(node, MappingNode) else None
    return pair.value if pair is not None else None

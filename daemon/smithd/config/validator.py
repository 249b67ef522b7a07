"""Validates the parts of a configuration file, and reports what is wrong at its place."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from copy import copy
from decimal import Decimal
from pathlib import Path as FilePath
from typing import Any, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from smithd.config import fields
from smithd.config.files import ConfigFiles
from smithd.config.gather import INCLUDE, gather, read_tree
from smithd.config.mistakes import KnownKeys, Mistakes
from smithd.config.partial import validate_known
from smithd.config.report import messages
from smithd.config.report.diagnostics import Report
from smithd.config.report.masking import is_reference, is_secret_name
from smithd.config.values import Values
from smithd.config.yaml import settings
from smithd.config.yaml.positions import MappingNode, Node, Path, ScalarNode, locate, walk
from smithd.config.yaml.scalars import described
from smithd.config.yaml.settings import Setting
from smithd.config.yaml.unite import NoMapping, replaced, unite
from smithd.locales import ENGLISH, known_locale
from smithd.poll.isolation import PluginFault, call_isolated
from smithd.redactor import Redactor

ModelT = TypeVar("ModelT", bound=BaseModel)
_EXTRA = "extra_forbidden"
_SOURCE_OPTION = len(("sources", "name", "option"))


def open_file(path: FilePath, places: fields.Places, *, secrets_required: bool) -> Validator:
    """Read a file. ``places``: where each of its keys belongs.

    Raises ConfigError for a file that is not one mapping in YAML. A missing secret is a mistake where secrets are
    required, else a warning.
    """
    redactor = Redactor()
    report = Report(path, redactor=redactor)
    tree = read_tree(path, report)
    if tree is None:
        raise report.error()
    values = Values(report, redactor, secrets_required=secrets_required)
    return Validator(tree, values, report, places, redactor)


def open_files(
    files: ConfigFiles, places: fields.Places, *, sections: Collection[str], secrets_required: bool
) -> Validator:
    """Read several files, and those that they include, as one; ``sections``: those whose entries the user names.

    Raises ConfigError where one of them is not one mapping in YAML, or is not there.
    """
    redactor = Redactor()
    report = Report(files.first, redactor=redactor)
    found, given = gather(files, report), settings.parse(files.settings)
    if given.lines:
        report.show(settings.COMMAND_LINE, given.lines)
    for diagnostic in given.diagnostics:
        report.add(diagnostic)
    for setting in given.settings:
        report.mask.know(setting.tree())
    # What stands in a file that could not be read would be missed wherever it is named.
    if not found.complete or given.diagnostics:
        raise report.error()
    root, twice = unite(found.trees, sections)
    for diagnostic in twice:
        report.add(diagnostic)
    for setting in given.settings:
        root = _with(setting, root, report)
    values = Values(report, redactor, secrets_required=secrets_required)
    return Validator(root, values, report, places, redactor)


def _with(setting: Setting, root: MappingNode, report: Report) -> MappingNode:
    """The tree with what ``--set`` sets."""
    if setting.keys[0].text == INCLUDE:
        report.at(setting.keys[0], f"'{INCLUDE}' belongs into a file", expected="name further files with -c FILE")
        return root
    try:
        return replaced(root, setting.keys, setting.value)
    except NoMapping as error:
        way = settings.path(setting.keys[: setting.keys.index(error.key) + 1])
        report.at(error.key, f"'{error.key.text}' has no keys of its own: set all of it, as {way}=VALUE")
        return root


class Validator:
    """What is being validated: its tree, its plain values in ``data``, and the report of its mistakes."""

    def __init__(
        self, root: MappingNode, values: Values, report: Report, places: fields.Places, redactor: Redactor
    ) -> None:
        self.root = root
        self.report = report
        self.redactor = redactor
        self.data: dict[str, Any] = values.plain(root)
        self._locale = _locale(self.data)
        self.unknown: list[Path] = []
        """The paths of values that could not be validated because a secret in them is missing."""
        self._values = values
        incomplete = values.incomplete
        self.without_secret = [path for path, node in walk(root) if id(node) in incomplete] if incomplete else []
        """The paths of texts that stand as they were written, because a secret in them is missing."""
        empty = [(path, node) for path, node in walk(root) if id(node) in values.empty] if values.empty else []
        # Null may have a meaning where values are handed on as they are: a request's body, and a plugin's own options.
        self._empty = [
            (path, node)
            for path, node in empty
            if "body" not in path and not (path[0] == "sources" and len(path) > _SOURCE_OPTION)
        ]
        for _, node in self._empty:
            report.settle(node)
        self._mistakes = Mistakes(report, values, root, places)

    def validate(
        self, model: type[ModelT], at: Path, *, only: Collection[str] | None = None, beside: fields.Model | None = None
    ) -> ModelT | None:
        """The options at ``at``; None where they have mistakes, which are then in the report.

        ``only`` these keys of a mapping are looked at, or all keys except those of the model ``beside`` it. What cannot
        be known because a secret is missing is as ``partial`` says.
        """
        value = self._chosen(at, only, beside)
        try:
            options: ModelT | None = self._validated(model, value, at)
        except ValidationError as error:
            errors = error.errors(include_url=False)
            self.report.mask.add_names(fields.secret_keys(model))
            errors += self._hidden_errors(model, value, errors, at)
            # A misspelt key comes first: it explains the missing one.
            found = sorted(messages.findings(errors, self.root, at), key=lambda each: each[0].kind == "missing")
            excused = [each[0].spot.path for each in found if not self._mistakes.add(each, KnownKeys(model, beside))]
            self.unknown += excused
            is_excused = len(excused) == len(found)
            options = self.partial(model, at, only=only, beside=beside) if is_excused else None
        # Of options with mistakes, too, all numbers are looked at: everything wrong is to be reported in one run.
        if not self._numbers_are_sound(model, at) or options is None:
            return None
        self._values.learn(_secrets_of(options))
        return options

    def partial(
        self, model: type[ModelT], at: Path, *, only: Collection[str] | None = None, beside: fields.Model | None = None
    ) -> ModelT | None:
        """The options at ``at`` as far as they are known, with UNKNOWN for the rest; nothing is reported.

        None where the value is nothing like the model.
        """
        value = self._chosen(at, only, beside)
        try:
            return call_isolated(lambda: validate_known(model, value, self._context(at)), passing=(ValidationError,))
        except (ValidationError, PluginFault):
            return None

    def secrets_at(self, options: BaseModel, at: Path) -> tuple[str, ...]:
        """The secrets of validated options: by their type, by their names, and where references stand for them."""
        named = (
            node.text
            for path, node in walk(locate(self.root, at).node, at)
            if isinstance(node, ScalarNode) and is_secret_name(str(path[-1])) and not is_reference(node.text)
        )
        return tuple(
            dict.fromkeys((*self._values.secrets_in(locate(self.root, at).node), *_secrets_of(options), *named))
        )

    def is_known(self, at: Path) -> bool:
        """Whether the value there is what the user meant: no secret is missing in it, and nothing is wrong with it."""
        node = locate(self.root, at).node
        return not self.report.is_settled(node) and id(node) not in self._values.incomplete

    def is_sound(self, at: Path) -> bool:
        """Whether nothing is reported at or below a place that exists, and no secret is missing there."""
        spot = locate(self.root, at)
        parts: list[Node] = [spot.node] if spot.key is None else [spot.key, spot.node]
        for _, node in walk(spot.node):
            parts.append(node)
            if isinstance(node, MappingNode):
                parts += [pair.key for pair in node.entries.values()]
        return not any(
            self.report.is_reported(node) or self.report.is_settled(node) or id(node) in self._values.incomplete
            for node in parts
        )

    def report_plugin(self, at: Path, message: str, error: object) -> None:
        """Report that a source's plugin failed, with the text of its error unless that shows a secret of the source."""
        text = " ".join(str(error).split())
        if self._mistakes.shows_a_secret(text, locate(self.root, at).node, piece=True):
            text = "the reason is not shown, because it holds a secret"
        self.report_at((*at, "type"), f"{message}: {text}")

    def report_at(
        self, at: Path, message: str, *, expected: str | None = None, near: Collection[str] = (), at_key: bool = False
    ) -> None:
        """Report a mistake at a place; ``near`` are the names among which the right one may be."""
        spot = locate(self.root, at)
        named = spot.key if at_key and spot.key is not None else spot.node
        hint = self.report.did_you_mean(named.text, near) if isinstance(named, ScalarNode) and near else None
        node = spot.key if at_key and spot.key is not None else spot.anchor
        self.report.at(node, message, expected=expected, hint=hint)

    def report_within(
        self,
        at: Path,
        column: int,
        message: str,
        *,
        expected: str | None = None,
        name: str = "",
        near: Collection[str] = (),
    ) -> None:
        """Report a mistake at a column (from 1) of an expression; ``name`` is what stands there."""
        node = locate(self.root, at).node
        hint = self.report.did_you_mean(name, near) if near else None
        if isinstance(node, ScalarNode):
            self.report.within(node, column, message, width=len(name) or 1, expected=expected, hint=hint)

    def report_empty(self, model: fields.Model) -> None:
        """Report keys without a value; in a configuration that is an oversight, never a meaning."""
        for path, node in self._empty:
            if self._mistakes.is_explained(path):
                continue
            key = locate(self.root, path).key
            field = fields.nearest_field(model, path)
            text = field[1].description if field is not None and field[0] == path[-1] else None
            message = f"'{path[-1]}' has no value" if key is not None else "this item of the list is empty"
            stock = "expected a value; leave the key out if it has none" if key is not None else "expected a value"
            self.report.at(key or node, message, expected=f"{path[-1]}: {text}" if text else stock)

    def close(self) -> None:
        """Free the tree, section by section. It may have a million nodes: freed at once, with the last that refers to
        it, they would hold up every other thread. Nothing can be validated or reported after.
        """
        for tree in (self.root, *self.report.mask.roots):
            for pair in tree.entries.values() if isinstance(tree, MappingNode) else ():
                parts = pair.value.entries if isinstance(pair.value, MappingNode) else {}
                while parts:
                    parts.popitem()

    def warn(self, at: Path, message: str) -> None:
        """Warn, at a place, of what is no mistake but worth knowing."""
        self.report.warn(locate(self.root, at).anchor, message)

    def folder(self, at: Path) -> FilePath:
        """The folder where a relative path that stands at a place begins."""
        return self._values.folder_of(locate(self.root, at).node)

    def _context(self, at: Path) -> dict[str, Any]:
        """What validators are told of where a value stands."""
        return {"folder": self.folder(at), "locale": self._locale}

    def _validated(self, model: type[ModelT], value: Any, at: Path) -> ModelT:
        """Raises ValidationError, and PluginFault where the model's own code fails."""
        context = self._context(at)
        return call_isolated(
            lambda: model.model_validate(value, by_alias=True, by_name=False, context=context),
            passing=(ValidationError,),
        )

    def _hidden_errors(
        self, model: fields.Model, value: Any, errors: list[ErrorDetails], at: Path
    ) -> list[ErrorDetails]:
        """The errors of a mapping as a whole, which its model looks for only where no key is unknown."""
        unknown = [
            locate(self.root, (*at, *error["loc"])).path[len(at) :] for error in errors if error["type"] == _EXTRA
        ]
        if not unknown:
            return []
        pruned = _without(value, unknown)
        try:
            self._validated(model, pruned, at)
        except ValidationError as error:
            # What was reported with the unknown keys is found again without them.
            known = {(each["loc"], each["type"]) for each in errors}
            return [each for each in error.errors(include_url=False) if (each["loc"], each["type"]) not in known]
        return []

    def _chosen(self, at: Path, only: Collection[str] | None, beside: fields.Model | None) -> Any:
        value: Any = self.data
        for step in at:
            value = value[step]
        if only is not None:
            return {key: item for key, item in value.items() if key in only}
        if beside is not None:
            taken = fields.names(beside)
            return {key: item for key, item in value.items() if key not in taken}
        return value

    def _numbers_are_sound(self, model: fields.Model, at: Path) -> bool:
        """Pydantic takes true for 1, and the text 'inf' for a number; in a configuration both are mistakes."""
        sound = True
        for path, node in walk(locate(self.root, at).node) if self._values.odd else ():
            if id(node) not in self._values.odd or self.report.is_reported(node):
                continue
            wanted = fields.wants(model, path)
            if wanted & {int, float, Decimal} and not wanted & {bool, str}:
                found = described(self._values.odd[id(node)])
                self.report.at(node, f"expected a number, found {found}")
                sound = False
        return sound


def _without(value: Any, keys: Iterable[Path]) -> Any:
    """The value without these keys. Only what stands on the way to them is copied, and each part of it once."""
    copied: dict[Path, Any] = {(): copy(value)}
    for key in keys:
        for end in range(1, len(key)):
            if key[:end] not in copied:
                above, step = copied[key[: end - 1]], key[end - 1]
                above[step] = copied[key[:end]] = copy(above[step])
        copied[key[:-1]].pop(key[-1], None)
    return copied[()]


def _secrets_of(value: Any) -> Iterator[str]:
    """The secrets within options, at any depth."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        # Only the fields that can hold a secret: most models have none, and need not be walked through.
        for name in fields.fields_with_secrets(type(value)):
            yield from _secrets_of(getattr(value, name))
    elif isinstance(value, dict):
        for key, item in value.items():
            # All values of 'headers' have the type of a secret, but that of Accept is none: masking it would hide
            # ordinary words.
            if not isinstance(item, SecretStr) or is_secret_name(str(key)):
                yield from _secrets_of(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _secrets_of(item)


def _locale(data: Mapping[str, Any]) -> str:
    """The locale of the file's templates: they are validated before it is known whether the file's own is right."""
    try:
        return known_locale(data["locale"]) if isinstance(data.get("locale"), str) else ENGLISH
    except ValueError:
        return ENGLISH

"""A configuration that is being read: its tree, its plain values, and what was found wrong with it so far."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal
from pathlib import Path as FolderPath
from typing import Any, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from smithd.config import fields, wording
from smithd.config.complaints import Complaints, Known
from smithd.config.masking import is_secret_name
from smithd.config.positions import Mapping, Path, Scalar, Step, locate, walk
from smithd.config.report import Report
from smithd.config.scalars import described
from smithd.config.values import Values
from smithd.poll.isolation import call_isolated

ModelT = TypeVar("ModelT", bound=BaseModel)
_Branches = dict[Step, Any]
_KEEP: _Branches = {}
_EXTRA = "extra_forbidden"
_SOURCE_OPTION = len(("sources", "name", "option"))


class Draft:
    """Validates parts of the tree, and reports what is wrong at its place."""

    def __init__(
        self, root: Mapping, values: Values, report: Report, places: fields.Places, folder: FolderPath
    ) -> None:
        self.root = root
        self.report = report
        self.data: dict[str, Any] = values.plain(root)
        self.folder = folder
        self._values = values
        self._empty = [(path, node) for path, node in walk(root) if id(node) in values.empty] if values.empty else []
        self._empty = [(path, node) for path, node in self._empty if not _may_be_empty(path)]
        for _, node in self._empty:
            report.settle(node)
        self._complaints = Complaints(report, values, root, places)

    def validate(
        self, model: type[ModelT], at: Path, *, only: Collection[str] | None = None, beside: fields.Model | None = None
    ) -> ModelT | None:
        """The options that stand at ``at``, or None; then the report says why.

        ``only`` these keys of a mapping are looked at, or all but those of the model ``beside`` it. Where a secret is
        missing, one stand-in after another is tried: that must not look like a second mistake.
        """
        options = self._validated(model, at, only, beside)
        sound = self._numbers_are_sound(model, at)
        if options is None or not sound:
            return None
        self._values.learn(_secrets_of(options))
        return options

    def is_known(self, at: Path) -> bool:
        """Whether the value there is what the user meant: no stand-in, and nothing that was complained about."""
        node = locate(self.root, at).node
        return not self.report.is_settled(node) and id(node) not in self._values.blanks

    def complain_of_plugin(self, at: Path, message: str, error: object) -> None:
        """Report that a source's plugin failed; its error is told, unless it tells a secret of the source's."""
        said = " ".join(str(error).split())
        if self._complaints.tells_a_secret(said, locate(self.root, at).node, piece=True):
            said = "why is not shown, because a secret is in it"
        self.complain((*at, "type"), f"{message}: {said}")

    def complain(
        self, at: Path, message: str, *, expected: str | None = None, near: Collection[str] = (), at_key: bool = False
    ) -> None:
        """Report a mistake at a place; ``near`` are the names among which the right one may be."""
        spot = locate(self.root, at)
        named = spot.key if at_key and spot.key is not None else spot.node
        meant = self.report.nearest(named.text, near) if isinstance(named, Scalar) and near else None
        hint = f"did you mean '{meant}'?" if meant is not None else None
        node = spot.key if at_key and spot.key is not None else spot.anchor
        self.report.at(node, message, expected=expected, hint=hint)

    def complain_within(
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
        meant = self.report.nearest(name, near) if near else None
        hint = f"did you mean '{meant}'?" if meant is not None else None
        if isinstance(node, Scalar):
            self.report.within(node, column, message, width=len(name) or 1, expected=expected, hint=hint)

    def complain_of_empty(self, model: fields.Model) -> None:
        """Report keys without a value; in a configuration that is an oversight, never a meaning."""
        for path, node in self._empty:
            if self._complaints.is_explained(path):
                continue
            key = locate(self.root, path).key
            field = fields.nearest_field(model, path)
            text = field[1].description if field is not None and field[0] == path[-1] else None
            message = f"'{path[-1]}' has no value" if key is not None else "this item of the list is empty"
            stock = "expected a value; leave the key out if it has none" if key is not None else "expected a value"
            expected = f"{path[-1]}: {text}" if text else stock
            self.report.at(key or node, message, expected=expected)

    def warn(self, at: Path, message: str) -> None:
        """Report, at a place, what is no mistake but worth knowing."""
        self.report.warn(locate(self.root, at).anchor, message)

    def _validated(
        self, model: type[ModelT], at: Path, only: Collection[str] | None, beside: fields.Model | None
    ) -> ModelT | None:
        while True:
            value = self._chosen(at, only, beside)
            try:
                return validated(model, value, self.folder)
            except ValidationError as error:
                errors = error.errors(include_url=False)
            if not self._stand_in(errors, at):
                break
        self.report.mask.add_names(fields.secret_keys(model))
        errors += self._hidden_errors(model, value, errors, at)
        for found in sorted(wording.findings(errors, self.root, at), key=lambda each: each[0].kind == "missing"):
            self._complaints.add(found, Known(model, beside))  # a misspelt key first: it explains the missing one
        return None

    def _hidden_errors(
        self, model: fields.Model, value: Any, errors: list[ErrorDetails], at: Path
    ) -> list[ErrorDetails]:
        """What a model would say of a mapping as a whole, had there been no unknown keys in it to stop it."""
        unknown = [
            locate(self.root, (*at, *error["loc"])).path[len(at) :] for error in errors if error["type"] == _EXTRA
        ]
        if not unknown:
            return []
        try:
            validated(model, _pruned(value, _branches(unknown)), self.folder)
        except ValidationError as error:
            told = {(each["loc"], each["type"]) for each in errors}
            return [each for each in error.errors(include_url=False) if (each["loc"], each["type"]) not in told]
        return []

    def _chosen(self, at: Path, only: Collection[str] | None, beside: fields.Model | None) -> Any:
        value: Any = self.data
        for step in at:
            value = value[step]
        if only is not None:
            return {key: item for key, item in value.items() if key in only}
        if beside is not None:
            taken = fields.keys(beside)
            return {key: item for key, item in value.items() if key not in taken}
        return value

    def _stand_in(self, errors: list[ErrorDetails], at: Path) -> bool:
        """Try other stand-ins for the missing secrets that these errors are about; False where there is none left."""
        choices = {id(locate(self.root, (*at, *error["loc"])).node): wording.choices(error) for error in errors}
        filled = [blank.fill(choices[node]) for node in choices for blank in self._values.blanks.get(node, ())]
        return any(filled)

    def _numbers_are_sound(self, model: fields.Model, at: Path) -> bool:
        """Pydantic takes true for 1, and the text 'inf' for a number; in a configuration both are mistakes."""
        sound = True
        for path, node in walk(locate(self.root, at).node) if self._values.odd else ():
            if id(node) not in self._values.odd or self.report.is_told(node):
                continue
            wanted = fields.wants(model, path)
            if wanted & {int, float, Decimal} and not wanted & {bool, str}:
                found = described(self._values.odd[id(node)])
                self.report.at(node, f"expected a number, found {found}")
                sound = False
        return sound


def validated(model: type[ModelT], value: Any, folder: FolderPath) -> ModelT:
    """A value as options, by the keys of the file; paths begin at ``folder``.

    Raises pydantic's ValidationError for wrong options, and PluginFault for a model whose own code fails on them.
    """
    return call_isolated(
        lambda: model.model_validate(value, by_alias=True, by_name=False, context={"folder": folder}),
        passing=(ValidationError,),
    )


def _pruned(value: Any, branches: _Branches) -> Any:
    """A copy without the parts that branches end at."""
    if isinstance(value, dict):
        kept = {key: item for key, item in value.items() if branches.get(key, _KEEP) is not None}
        return {key: _pruned(item, branches.get(key) or {}) for key, item in kept.items()}
    if isinstance(value, list):
        return [_pruned(item, branches.get(index) or {}) for index, item in enumerate(value)]
    return value


def _branches(paths: Iterable[Path]) -> _Branches:
    """Paths as nested mappings; None is where one ends."""
    root: _Branches = {}
    for path in paths:
        here = root
        for step in path[:-1]:
            here = here.setdefault(step, {})
        here[path[-1]] = None
    return root


def _may_be_empty(path: Path) -> bool:
    """Within what is handed on as it is (the body of a request, a plugin's own options) null may mean something."""
    return "body" in path or (path[0] == "sources" and len(path) > _SOURCE_OPTION)


def _secrets_of(value: Any) -> Iterator[str]:
    """The secrets within options, at any depth."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in fields.fields_with_secrets(type(value)):
            yield from _secrets_of(getattr(value, name))
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(item, SecretStr) or is_secret_name(str(key)):  # a header Accept is none
                yield from _secrets_of(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _secrets_of(item)

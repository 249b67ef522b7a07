"""The sections ``plugins`` and ``sources``: which types there are, and each source checked by its own type."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path as FolderPath
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from smithd.config import fields
from smithd.config.draft import Draft, validated
from smithd.config.model import DefaultsOptions
from smithd.config.names import is_metric_name
from smithd.config.positions import Path
from smithd.config.values import STAND_INS
from smithd.plugin.options import Options
from smithd.poll.isolation import PluginFault, metrics_of
from smithd.poll.registry import PluginError, Registry, SourceClass, SourceSpec
from smithd.poll.schedule import Cron, Every, Schedule, ScheduleOptions


@dataclass(frozen=True, slots=True)
class Declared:
    """The metrics that a source brings, as far as they are known; ``open`` names may stand for more."""

    names: frozenset[str] = frozenset()
    open: frozenset[str] = frozenset()
    all_open: bool = False

    def has(self, name: str) -> bool:
        """Whether the source may bring a metric of this name."""
        return self.all_open or name in self.names or name.partition(".")[0] in self.open


UNKNOWN = Declared(all_open=True)


def load_plugins(draft: Draft, registry: Registry) -> bool:
    """Load the files that ``plugins`` lists; False where one could not be, which is then in the report."""
    sound = True
    listed = draft.data.get("plugins")
    for index, name in enumerate(listed if isinstance(listed, list) else ()):
        if not isinstance(name, str) or not draft.is_known(("plugins", index)):
            sound = False
            continue
        try:
            registry.load_plugin_file(draft.folder / os.path.expanduser(name))
        except PluginError as error:
            draft.complain(("plugins", index), str(error))
            sound = False
        except (OSError, ValueError):  # too long a name, a zero byte in it
            draft.complain(("plugins", index), "this cannot be the path of a file")
            sound = False
    return sound


@dataclass
class Sources:
    """Reads the sources one after another. ``complete``: every plugin was loaded, so all types are known."""

    draft: Draft
    registry: Registry
    complete: bool
    specs: dict[str, SourceSpec] = field(default_factory=dict)
    declared: dict[str, Declared] = field(default_factory=dict)

    def read(self, defaults: DefaultsOptions, zone: str) -> None:
        """Check each source; ``zone`` is the name of the time zone for cron."""
        given = self.draft.data.get("sources")
        for name, body in given.items() if isinstance(given, dict) else ():
            self.declared[name] = self._read(name, body, defaults, zone) if isinstance(body, dict) else UNKNOWN

    def _read(self, name: str, body: dict[str, Any], defaults: DefaultsOptions, zone: str) -> Declared:
        at = ("sources", name)
        common = self.draft.validate(ScheduleOptions, at, only=fields.keys(ScheduleOptions))
        source_class = self._class_of(body.get("type"), name)
        if source_class is None:
            return UNKNOWN
        try:
            options = self.draft.validate(source_class.Options, at, beside=ScheduleOptions)
        except PluginFault as error:
            self.draft.complain_of_plugin(at, "the plugin of this type fails on these options", error)
            return UNKNOWN
        if options is None:
            given = {key: item for key, item in body.items() if key not in fields.keys(ScheduleOptions)}
            return _guessed(source_class, given, self.draft.folder)
        names = self._metrics(source_class, options, at)
        if names is None:
            return UNKNOWN
        if common is not None:
            timeout = common.timeout or defaults.timeout
            schedule = _schedule(common, defaults, zone)
            self.specs[name] = SourceSpec(
                name,
                common.type,
                source_class,
                options,
                schedule,
                timeout,
                names,
                body,
                isolated=self.registry.needs_isolation(common.type),
            )
        return Declared(names)

    def _class_of(self, type_name: Any, name: str) -> SourceClass | None:
        at = ("sources", name, "type")
        if not isinstance(type_name, str) or not self.draft.is_known(at):
            return None
        try:
            return self.registry.find(type_name)
        except PluginError as error:
            self.draft.complain(at, str(error))
        except KeyError:
            if self.complete:
                known = self.registry.names()
                expected = f"expected one of: {', '.join(known)}; plugins: can name files with more"
                self.draft.complain(at, f"there is no source type '{type_name}'", expected=expected, near=known)
        return None

    def _metrics(self, source_class: SourceClass, options: Options, at: Path) -> frozenset[str] | None:
        """The names that a source declares; None where it declares something else."""
        try:
            names = metrics_of(source_class, options)
        except PluginFault as error:
            self.draft.complain_of_plugin(at, "the plugin of this type cannot say which metrics it has", error)
            return None
        unfit = sorted(str(metric) for metric in names if not isinstance(metric, str) or not is_metric_name(metric))
        for metric in unfit:
            message, expected = f"'{metric}' cannot be the name of a metric", "expected small letters, digits and _"
            self.draft.complain((*at, "metrics", metric), message, expected=expected, at_key=True)
        return None if unfit else names


def _schedule(common: ScheduleOptions, defaults: DefaultsOptions, zone: str) -> Schedule:
    if common.cron is not None:
        return Cron(common.cron, zone)
    return Every(common.every or defaults.every)


def _guessed(source_class: SourceClass, given: dict[str, Any], folder: FolderPath) -> Declared:
    """The metrics of a source with wrong options: as they would be if what is wrong were left out, or right."""
    guess = _Guess(given)
    for stand_in in STAND_INS:
        try:
            options = validated(source_class.Options, guess.given, folder)
            return guess.declared(frozenset(map(str, metrics_of(source_class, options))))
        except ValidationError as error:
            for wrong in error.errors(include_url=False, include_context=False):
                guess.mend(wrong, stand_in)
        except PluginFault:
            return UNKNOWN
        if not guess.given.get("metrics", True):
            return guess.declared(frozenset())
    return UNKNOWN


class _Guess:
    """Options on their way to being right."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given
        self._unsure: set[str] = set()
        self._lost = False

    def mend(self, error: ErrorDetails, stand_in: str) -> None:
        """Leave out what an error is about, or put something in the place of what is missing."""
        loc = error["loc"]
        key = str(loc[0]) if loc else ""
        value = self.given.get(key)
        if error["type"] == "missing" and len(loc) == 1:
            self.given = {**self.given, key: stand_in}
            return
        entries = value if key == "metrics" and isinstance(value, dict) else {}
        wrong = next((step for step in loc if step in entries), None)
        if wrong is not None:
            self._unsure.add(str(wrong))
            self.given = {**self.given, key: {name: item for name, item in entries.items() if name != wrong}}
            return
        if error["type"] != "extra_forbidden" and (key == "metrics" or isinstance(value, dict | list)):
            self._lost = True
        self.given = {name: item for name, item in self.given.items() if name != key}

    def declared(self, names: frozenset[str]) -> Declared:
        """The metrics, where these are the ones that the mended options bring."""
        metrics = self.given.get("metrics")
        named = isinstance(metrics, dict) and names == metrics.keys()
        return Declared(names, frozenset(self._unsure), all_open=self._lost and not named)

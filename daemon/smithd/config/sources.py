"""The sections ``plugins`` and ``sources``: which types there are, and each source checked by its own type."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from smithd.config import fields
from smithd.config.model import DefaultsOptions
from smithd.config.names import is_metric_name
from smithd.config.partial import is_complete
from smithd.config.validator import Validator
from smithd.config.yaml.positions import Path
from smithd.plugin.options import Options
from smithd.poll.isolation import MetricSettings, PluginFault, metric_settings_of, metrics_of
from smithd.poll.registry import PluginError, Registry, SourceClass, SourceSpec
from smithd.poll.schedule import Cron, Every, ScheduleOptions


@dataclass(frozen=True, slots=True)
class Declared:
    """The metrics that a source brings, as far as they are known; ``open`` names may stand for more."""

    names: frozenset[str] = frozenset()
    open: frozenset[str] = frozenset()
    all_open: bool = False

    def has(self, name: str) -> bool:
        """Whether the source may bring a metric of this name."""
        return self.all_open or name in self.names or name.partition(".")[0] in self.open


UNDECLARED = Declared(all_open=True)
"""A source whose metrics are not known: it may have any."""


def load_plugins(validator: Validator, registry: Registry) -> bool:
    """Load the files that ``plugins`` lists; False where one could not be loaded, which is then in the report."""
    sound = True
    listed = validator.data.get("plugins")
    for index, name in enumerate(listed if isinstance(listed, list) else ()):
        if not isinstance(name, str) or not validator.is_known(("plugins", index)):
            sound = False
            continue
        try:
            registry.load_plugin_file(validator.folder(("plugins", index)) / os.path.expanduser(name))
        except PluginError as error:
            validator.report_at(("plugins", index), str(error))
            sound = False
        except PermissionError:
            validator.report_at(("plugins", index), f"the plugin {name} cannot be read: permission denied")
            sound = False
        # A name that is too long, or that has a zero byte in it.
        except (OSError, ValueError):
            validator.report_at(("plugins", index), "this cannot be the path of a file")
            sound = False
    return sound


@dataclass
class Sources:
    """Reads the sources one after another. ``complete``: every plugin was loaded, so all types are known."""

    validator: Validator
    registry: Registry
    complete: bool
    specs: dict[str, SourceSpec] = field(default_factory=dict)
    declared: dict[str, Declared] = field(default_factory=dict)

    def read(self, defaults: DefaultsOptions, zone: str) -> None:
        """Check each source; ``zone`` is the name of the time zone for cron."""
        given = self.validator.data.get("sources")
        for name, body in given.items() if isinstance(given, dict) else ():
            # A body that is no mapping was reported when the file was validated.
            self.declared[name] = self._read(name, body, defaults, zone) if isinstance(body, dict) else UNDECLARED

    def _read(self, name: str, body: dict[str, Any], defaults: DefaultsOptions, zone: str) -> Declared:
        at = ("sources", name)
        common = self.validator.validate(ScheduleOptions, at, only=fields.names(ScheduleOptions))
        source_class = self._class_of(body.get("type"), name)
        if source_class is None:
            return UNDECLARED
        try:
            options = self.validator.validate(source_class.Options, at, beside=ScheduleOptions)
        except PluginFault as error:
            self.validator.report_plugin(at, "the plugin of this type fails on these options", error)
            return UNDECLARED
        # While a secret is missing, options may hold an UNKNOWN, which the plugin's code would not understand.
        if options is None or (self.validator.unknown and not is_complete(options)):
            declared = self._still_known(source_class, at)
        elif (names := self._metrics(source_class, options, at)) is not None:
            declared = Declared(names)
        else:
            return UNDECLARED
        if options is not None and common is not None:
            # What is not complete is not run, and only a complete one may be given to the plugin's code.
            is_known = not self.validator.unknown or is_complete(options)
            self.specs[name] = SourceSpec(
                name,
                common.type,
                source_class,
                options,
                Cron(common.cron, zone) if common.cron is not None else Every(common.every or defaults.every),
                common.timeout or defaults.timeout,
                declared.names | declared.open,
                body,
                isolated=self.registry.needs_isolation(common.type),
                zone=common.timezone,
                fresh_for=common.fresh_for,
                metric_settings=self._metric_settings(source_class, options, at) if is_known else {},
                secrets=self.validator.secrets_at(options, at),
                folder=self.validator.folder(at),
            )
        return declared

    def _class_of(self, type_name: Any, name: str) -> SourceClass | None:
        at = ("sources", name, "type")
        if not isinstance(type_name, str) or not self.validator.is_known(at):
            return None
        try:
            return self.registry.find(type_name)
        except PluginError as error:
            self.validator.report_at(at, str(error))
        except KeyError:
            # Where a plugin could not be loaded, it may be the one that brings this type.
            if self.complete:
                known = self.registry.names()
                expected = f"expected one of: {', '.join(known)}; plugins: can name files with more"
                self.validator.report_at(at, f"there is no source type '{type_name}'", expected=expected, near=known)
        return None

    def _metrics(self, source_class: SourceClass, options: Options, at: Path) -> frozenset[str] | None:
        """The names that a source declares; None where it declares something else."""
        try:
            names = metrics_of(source_class, options)
        except PluginFault as error:
            self.validator.report_plugin(at, "the plugin of this type cannot say which metrics it has", error)
            return None
        unfit = sorted(str(metric) for metric in names if not isinstance(metric, str) or not is_metric_name(metric))
        for metric in unfit:
            message, expected = f"'{metric}' cannot be the name of a metric", "expected small letters, digits and _"
            self.validator.report_at((*at, "metrics", metric), message, expected=expected, at_key=True)
        return None if unfit else names

    def _metric_settings(self, source_class: SourceClass, options: Options, at: Path) -> dict[str, MetricSettings]:
        try:
            return metric_settings_of(source_class, options)
        except PluginFault as error:
            self.validator.report_plugin(at, "the plugin of this type cannot say what its metrics' options are", error)
            return {}

    def _still_known(self, source_class: SourceClass, at: Path) -> Declared:
        """The metrics of a source with mistakes in its options, so that a wrong name elsewhere is still found."""
        options = self.validator.partial(source_class.Options, at, beside=ScheduleOptions)
        if options is None:
            return UNDECLARED
        body = self.validator.data["sources"][at[-1]]
        listed = body.get("metrics")
        named = listed if isinstance(listed, dict) else {}
        unsure = frozenset(str(name) for name in named if not self.validator.is_sound((*at, "metrics", name)))
        known = getattr(options, "metrics", None)
        if unsure and isinstance(known, dict):
            entries = {name: entry for name, entry in known.items() if name not in unsure}
            options = options.model_copy(update={"metrics": entries})
        try:
            names = frozenset(map(str, metrics_of(source_class, options)))
        except PluginFault:
            return UNDECLARED
        # Where metrics are declared by more than the keys of 'metrics', a mistake in a list or mapping may hide some.
        others = [key for key, value in body.items() if isinstance(value, dict | list) or key == "metrics"]
        if named:
            others.remove("metrics")
        is_lost = any(not self.validator.is_sound((*at, key)) for key in others)
        return Declared(names, unsure, all_open=is_lost and not (named and names == named.keys() - unsure))

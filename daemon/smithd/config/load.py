"""From a file to a configuration that can be run, or to the report of all that is wrong with it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from platformdirs import user_state_path

from smithd.beside import without_collector
from smithd.config import accounts, counters, empty, expressions, fields, lint, references, rules, surfaces
from smithd.config.files import ConfigFiles
from smithd.config.model import PLACES, Config, DefaultsOptions, File
from smithd.config.sources import Sources, load_plugins
from smithd.config.validator import Validator, open_files
from smithd.config.yaml.settings import COMMAND_LINE
from smithd.config.zones import local_zone, shown_zone
from smithd.errors import ConfigError
from smithd.expression.expression import Expression
from smithd.poll.registry import Registry, SourceSpec
from smithd.time_window import compile_window

_EVALUATED = ("badge", "derived", "history", "live_activities", "rules", "time_windows", "timezone", "widgets")


Inspect = Callable[[Validator, Mapping[str, SourceSpec], ZoneInfo], None]
"""Adds to the report what it finds about the sources that are valid in themselves. The zone is that of shown times."""


def load(files: ConfigFiles | Path, *, secrets_required: bool, inspect: Inspect | None = None) -> Config:
    """The configuration in files, or in a single one. Raises ConfigError: its text is the whole report of its mistakes.

    A missing secret is a mistake where secrets are required, and a warning where the file is only checked. ``inspect``
    looks further at the sources.
    """
    with without_collector():
        validator = _opened(files, secrets_required=secrets_required)
        config = _config(validator, inspect)
        validator.close()
        return config


def load_effective(files: ConfigFiles) -> Mapping[str, Any]:
    """The whole configuration as it is understood, without secrets. Raises ConfigError as ``load`` does."""
    # Imported here: only one command needs it.
    from smithd.config.effective import effective

    with without_collector():
        validator = _opened(files, secrets_required=False)
        config = _config(validator, None)
        file = validator.validate(File, ())
        assert file is not None, "it was valid a moment ago"
        return effective(validator, file, config)


def load_rules(files: ConfigFiles | Path) -> Config:
    """The configuration for evaluating rules without polling or sending, so that most secrets may be missing.

    Raises ConfigError as ``load`` does, and where a rule or a surface is not known without its secret.
    """
    config = load(files, secrets_required=False)
    return _with_secrets(config, "evaluated", (at for at in config.unknown if at[0] in _EVALUATED))


def load_sources(files: ConfigFiles | Path) -> Config:
    """The configuration for polling and evaluating without sending: the accounts' secrets may be missing.

    Raises ConfigError as ``load`` does, and where anything but an account lacks its secret.
    """
    config = load(files, secrets_required=False)
    # A text with a reference may be valid as it was written; a source must not be asked with it.
    missing = (at for at in config.without_secret | config.unknown if at[0] not in ("activitysmith", "accounts"))
    return _with_secrets(config, "polled and evaluated", missing)


def _with_secrets(config: Config, what: str, missing: Iterable[tuple[str | int, ...]]) -> Config:
    """The configuration; ConfigError where something that is needed is missing its secret."""
    if needed := sorted(".".join(map(str, at)) for at in missing):
        raise ConfigError(
            f"{config.path}: these need their secrets to be {what}: {', '.join(needed)}\n  "
            + "\n  ".join(config.warnings)
        )
    return config


def registry_of(files: ConfigFiles) -> Registry:
    """The source types that a configuration may use, with those of its own plugins; ConfigError where one is broken."""
    validator = _opened(files, secrets_required=False)
    registry = Registry()
    if not load_plugins(validator, registry):
        raise validator.report.error()
    return registry


def _opened(files: ConfigFiles | Path, *, secrets_required: bool) -> Validator:
    given = ConfigFiles((files,)) if isinstance(files, Path) else files
    return open_files(given, PLACES, sections=fields.sections(File), secrets_required=secrets_required)


def _config(validator: Validator, inspect: Inspect | None) -> Config:
    file = validator.validate(File, ())
    validator.report_empty(File)
    _check_stream_keys(validator)
    # In a file with mistakes the other parts are checked as well, so that one run reports everything.
    partial = file or validator.partial(File, ())
    zone = _zone(validator, partial)
    registry = Registry()
    sources = Sources(validator, registry, complete=load_plugins(validator, registry))
    sources.read(partial.defaults if partial else DefaultsOptions(), zone.key)
    if inspect is not None:
        inspect(validator, sources.specs, zone)
    references.check(validator, sources.declared)
    if partial is not None:
        accounts.check(validator, partial)
        expressions.check(validator, partial, sources.declared)
        rules.check(validator, partial)
        empty.check(validator, partial, sources.specs)
        surfaces.check(validator, partial, sources.specs)
    report = validator.report
    # Where secrets are not required, a missing one is a warning. Without the account there is nothing to check, and
    # it is an error all the same.
    if not report.failed and (file is None or not accounts.are_known(file)):
        warnings = "\n  ".join(f"{each.place}: warning: {each.message}" for each in report.warnings)
        report.at_start("this cannot be checked without its secrets", expected=warnings)
    if file is None or report.failed:
        raise report.error()
    unknown = frozenset(validator.unknown)
    unknown_entries = {path[:2] for path in unknown}
    config = Config(
        path=report.path,
        files=tuple(path for path in report.lines if path != COMMAND_LINE),
        accounts=accounts.of(file),
        state=_state(validator, file.state),
        zone=zone,
        web=file.web,
        watch=file.watch,
        sources=sources.specs,
        derived={name: formula for name, formula in file.derived.items() if isinstance(formula, Expression)}
        | {metric: metric.expression for metric in expressions.inline(file)},
        history=file.history,
        rules=file.rules,
        windows=tuple(
            compile_window(name, options, zone)
            for name, options in file.time_windows.items()
            if ("time_windows", name) not in unknown_entries
        ),
        widgets=file.widgets,
        live_activities=file.live_activities,
        badge=file.badge,
        redactor=validator.redactor,
        heartbeat=file.heartbeat,
        locale=file.locale,
        unknown=unknown,
        without_secret=frozenset(validator.without_secret),
    )
    counters.check(validator, config)
    if report.failed:
        raise report.error()
    lint.advise(validator, config)
    accounts.advise(validator, config)
    empty.advise(validator, config)
    places, lines = lint.places(validator, config), lint.lines(validator)
    return replace(config, remarks=report.warnings, places=places, lines=lines)


def _state(validator: Validator, url: str | None) -> Path:
    if url is None:
        return default_state(validator.report.path)
    return validator.folder(("state",)) / url.removeprefix("sqlite:///")


def _check_stream_keys(validator: Validator) -> None:
    """The service may not tell capitals apart in stream keys (that is not documented), so two must differ by more."""
    section = validator.data.get("live_activities")
    seen: dict[str, str] = {}
    for key in section if isinstance(section, dict) else ():
        first = seen.setdefault(key.lower(), key)
        if first != key:
            message = f"the stream keys '{first}' and '{key}' differ in capitals only"
            validator.report_at(("live_activities", key), message, at_key=True)


def _zone(validator: Validator, file: File | None) -> ZoneInfo:
    if file is not None and file.timezone is not None:
        return shown_zone(file.timezone)
    if "timezone" not in validator.data and (local := local_zone()) is not None:
        return local
    if "timezone" not in validator.data:
        validator.report.warn(None, "this system's time zone has no name, so UTC is used; 'timezone' sets another")
    return ZoneInfo("UTC")


def default_state(path: Path) -> Path:
    """Where a configuration file that names no state keeps its own."""
    # systemd puts several directories into one variable, with colons between them.
    directory = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if directory:
        return Path(directory) / "smithd.db"
    real = path.resolve()
    return user_state_path("smithd") / f"{real.stem}-{hashlib.sha256(bytes(real)).hexdigest()[:8]}.db"

"""From a file to a configuration that can be run, or to the report of all that is wrong with it."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

from platformdirs import user_state_path

from smithd.config import expressions, lint, references
from smithd.config.compose import compose
from smithd.config.document import Document, read
from smithd.config.draft import Draft
from smithd.config.model import PLACES, Config, DefaultsOptions, File
from smithd.config.report import Report
from smithd.config.sources import Sources, load_plugins
from smithd.config.values import Values
from smithd.config.zones import local_zone
from smithd.events import Redactor
from smithd.notify.time_window import compile_window
from smithd.poll.registry import Registry


def load(path: Path, *, secrets_required: bool) -> Config:
    """The configuration in a file. Raises ConfigError, whose text is the whole report of its mistakes.

    A missing secret is a mistake where secrets are required, and a warning where the file is only checked.
    """
    with _collector_off():
        document = read(path)
        redactor = Redactor()
        report = Report(path, document.lines, redactor)
        draft = _draft(document, report, redactor, secrets_required=secrets_required)
        return _config(draft, path, redactor)


def registry_of(path: Path) -> Registry:
    """The source types that a file may use, those of its own plugins among them; ConfigError where one is broken."""
    document = read(path)
    report = Report(path, document.lines)
    draft = _draft(document, report, Redactor(), secrets_required=False)
    registry = Registry()
    if not load_plugins(draft, registry):
        raise report.error()
    return registry


def _draft(document: Document, report: Report, redactor: Redactor, *, secrets_required: bool) -> Draft:
    root = compose(document.text, report)
    values = Values(report, redactor, _folder(document.path), document.lines, required=secrets_required)
    return Draft(root, values, report, PLACES, _folder(document.path))


def _config(draft: Draft, path: Path, redactor: Redactor) -> Config:
    file = draft.validate(File, ())
    draft.complain_of_empty(File)
    _check_stream_keys(draft)
    zone = _zone(draft, file)
    sources = _sources(draft, file.defaults if file else DefaultsOptions(), zone)
    references.check(draft, sources.declared)
    expressions.check(draft, sources.declared, file.history if file else None)
    if file is None and not draft.report.failed:
        draft.report.at_start("this cannot be checked without its secrets", expected="\n  ".join(draft.report.warnings))
    if file is None or draft.report.failed:
        raise draft.report.error()
    config = Config(
        path=path,
        account=file.activitysmith,
        state=_state(file.state, _folder(path)),
        zone=zone,
        web=file.web,
        sources=sources.specs,
        derived=file.derived,
        history=file.history,
        rules=file.rules,
        windows=tuple(
            compile_window(name, options, options.timezone or zone) for name, options in file.time_windows.items()
        ),
        widgets=file.widgets,
        live_activities=file.live_activities,
        redactor=redactor,
    )
    lint.advise(draft, config)
    return replace(config, warnings=draft.report.warnings)


def _sources(draft: Draft, defaults: DefaultsOptions, zone: ZoneInfo) -> Sources:
    registry = Registry()
    complete = load_plugins(draft, registry)
    sources = Sources(draft, registry, complete)
    sources.read(defaults, zone.key)
    return sources


def _check_stream_keys(draft: Draft) -> None:
    """Whether the service tells capitals apart in stream keys is not documented: two must not differ by them alone."""
    section = draft.data.get("live_activities")
    seen: dict[str, str] = {}
    for key in section if isinstance(section, dict) else ():
        first = seen.setdefault(key.lower(), key)
        if first != key:
            message = f"the stream keys '{first}' and '{key}' differ in capitals only"
            draft.complain(("live_activities", key), message, at_key=True)


def _zone(draft: Draft, file: File | None) -> ZoneInfo:
    if file is not None and file.timezone is not None:
        return file.timezone
    if "timezone" not in draft.data and (local := local_zone()) is not None:
        return local
    if "timezone" not in draft.data:
        draft.report.warn(None, "this system's time zone has no name, so UTC is used; 'timezone' sets another")
    return ZoneInfo("UTC")


def _state(url: str | None, folder: Path) -> Path:
    if url is not None:
        return folder / url.removeprefix("sqlite:///")
    directory = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]  # systemd lists several with colons
    return (Path(directory) if directory else user_state_path("smithd")) / "smithd.db"


def _folder(path: Path) -> Path:
    return path.parent.absolute()


@contextmanager
def _collector_off() -> Iterator[None]:
    """A large configuration is some hundred thousand objects, and none of them is garbage: looking for it is most of
    the time it takes to read.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()

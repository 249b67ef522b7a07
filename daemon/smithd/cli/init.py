"""``smithd init``: writes a first configuration by asking, or by flags."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from itertools import islice
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, get_args

import click

from smithd.cli import trial
from smithd.cli.first_config import (
    MOST_NUMBERS,
    FirstConfig,
    is_name,
    metric_name,
    number_paths,
    scalar,
    source_name,
    yaml,
)
from smithd.cli.options import DEFAULT_CONFIG
from smithd.cli.progress import progress
from smithd.errors import ConfigError
from smithd.suggestion import did_you_mean

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from smithd.config.model import Config
    from smithd.plugin.sample import Sample
    from smithd.poll.registry import Registry

API_KEY = "ACTIVITYSMITH_API_KEY"
"""The variable in which the key is kept, where nothing else is said."""

MOST_VALUES = 8
"""Series that are shown of a poll."""

_QUERIES = {"http_json": "JSONPath of a number, like $.orders.today", "prometheus": "PromQL query", "sql": "SQL query"}
"""What brings a metric, where the type's own description says less."""

_EVERY = "1m"
_EVERY_OF_TYPES = {"stripe": "10m"}
"""The time between two polls that a type's page advises, where it is another."""

_DEFAULT_URLS = {"prometheus": "http://127.0.0.1:9090"}


@dataclass(frozen=True, slots=True)
class _Given:
    """The flags."""

    type: str | None
    name: str | None
    options: Mapping[str, str]
    metrics: Mapping[str, str | None]
    thresholds: Mapping[str, str]
    every: str | None


@click.command("init")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("-c", "--config", type=click.Path(path_type=Path), metavar="FILE", help="The same as the argument FILE.")
@click.option("--api-key", metavar="REFERENCE", help=f"Where the API key is kept; default: ${{env:{API_KEY}}}.")
@click.option("--type", "type_name", metavar="TYPE", help="The type of the source; 'smithd sources' lists them.")
@click.option("--name", metavar="NAME", help="The name of the source; default: by its address.")
@click.option("--url", metavar="URL", help="The address of the source: the same as --option url=URL.")
@click.option(
    "--option", "options", metavar="KEY=YAML", multiple=True, help="An option of the source; repeat for more."
)
@click.option(
    "--metric", "metrics", metavar="NAME[=QUERY]", multiple=True, help="A metric, and what brings it; repeat for more."
)
@click.option("--every", metavar="DURATION", help="The time between two polls; default: 1m, of stripe 10m.")
@click.option("--warning", metavar="THRESHOLD", help="A rule on the first metric, like '> 5': warning.")
@click.option("--critical", metavar="THRESHOLD", help="The same: critical.")
def init(
    file: Path | None,
    config: Path | None,
    api_key: str | None,
    type_name: str | None,
    name: str | None,
    url: str | None,
    options: Sequence[str],
    metrics: Sequence[str],
    every: str | None,
    warning: str | None,
    critical: str | None,
) -> None:
    """Write a first configuration to FILE (default: smithd.yaml): one source, its value, a threshold, a widget.

    On a terminal, what no flag says is asked, and the source is polled once to show the value. Elsewhere nothing is
    asked. The API key is not written into the file, only where it is kept. An existing file is not replaced.

    \b
    smithd init
    smithd init --type prometheus --url http://127.0.0.1:9090 --metric down='count(up == 0)' --warning '> 0'
    """
    given = _Given(
        type_name,
        name,
        _pairs(options, "--option") | ({"url": url} if url is not None else {}),
        {metric: query or None for metric, _, query in (each.partition("=") for each in metrics)},
        {severity: text for severity, text in (("warning", warning), ("critical", critical)) if text is not None},
        every,
    )
    dialog = _Dialog(is_there=sys.stdin.isatty() and sys.stdout.isatty())
    if None not in (file, config) and file != config:
        raise click.UsageError("Name the file once: as FILE or with -c FILE.")
    path = _free(file or config, dialog)
    dialog.say(
        "This writes a first configuration: a source, a value of it, a threshold, and a widget.\n"
        "Ctrl-C ends it, and leaves nothing.\n"
    )
    secrets = _Secrets()
    first = FirstConfig(_api_key(api_key, dialog, secrets), "", "", _EVERY)
    first = _with_source(path, first, given, dialog, secrets)
    text = yaml(_with_thresholds(first, given, dialog))
    _next_steps(path, text, _write(path, text), secrets)


class _Dialog:
    """Asks a person, where one ``is_there``; else a flag must have said it. ``has_asked``: since it was reset."""

    def __init__(self, is_there: bool) -> None:
        self.is_there = is_there
        self.has_asked = False
        # What was answered before is proposed when it is asked again.
        self._answers: dict[str, str] = {}

    def say(self, text: str = "") -> None:
        if self.is_there:
            click.echo(text)

    def ask(
        self,
        text: str,
        flag: str,
        default: str | None = None,
        valid: Callable[[str], str] = lambda answer: answer,
    ) -> str:
        """An answer that ``valid`` accepts (or raises ValueError for); without a person, the default."""
        if not self.is_there:
            if default is None:
                raise click.UsageError(f"There is no terminal to ask on: say it with {flag}.")
            return valid(default)
        self.has_asked = True
        default = self._answers.get(text, default)
        while True:
            answer = str(click.prompt(text, default=default, show_default=bool(default))).strip()
            try:
                found = valid(answer)
                self._answers[text] = answer
                return found
            except ValueError as error:
                click.echo(f"  {error}")

    def choose(self, text: str, names: Sequence[str], flag: str, default: str | None) -> str:
        """One of several names, by itself or by its number in the list that was shown."""

        def valid(answer: str) -> str:
            if answer.isdigit() and 1 <= int(answer) <= len(names):
                return names[int(answer) - 1]
            if answer in names:
                return answer
            raise ValueError(did_you_mean(answer, names) or f"expected a number from 1 to {len(names)}, or a name")

        return self.ask(text, flag, default, valid)

    def agrees(self, text: str) -> bool:
        return self.has_asked and click.confirm(text, default=True)


class _Secrets:
    """Secrets that were typed: they go into the environment of this process, and a reference into the file."""

    def __init__(self) -> None:
        self.variables: list[str] = []

    def kept(self, given: str, variable: str) -> str:
        """A reference to a secret; a plain one is kept as this variable."""
        if "${" in given:
            return given
        os.environ[variable] = given
        self.variables.append(variable)
        return f"${{env:{variable}}}"


def _pairs(given: Sequence[str], flag: str) -> dict[str, str]:
    found = {}
    for each in given:
        name, sign, value = each.partition("=")
        if not (name and sign):
            raise click.UsageError(f"{flag} {each}: expected KEY=YAML.")
        found[name] = value
    return found


def _free(file: Path | None, dialog: _Dialog) -> Path:
    """Where the file is written: there is none yet."""
    if file is not None or not dialog.is_there or not DEFAULT_CONFIG.exists():
        path = file or DEFAULT_CONFIG
        if os.path.lexists(path):
            raise click.UsageError(f"{path} exists already, and is not replaced: name another file.")
        if not os.path.isdir(path.parent):
            raise click.UsageError(f"there is no folder {path.parent}")
        return path

    def valid(answer: str) -> str:
        if os.path.lexists(answer):
            raise ValueError(f"{answer} exists already, and is not replaced")
        if not os.path.isdir(Path(answer).parent):
            raise ValueError(f"there is no folder {Path(answer).parent}")
        return answer

    return Path(dialog.ask(f"{DEFAULT_CONFIG} exists already. Another file", "FILE", None, valid))


def _api_key(given: str | None, dialog: _Dialog, secrets: _Secrets) -> str:
    if given is None:
        dialog.say(
            "The API key of ActivitySmith is not written into the file, only where it is kept:\n"
            "${env:NAME}, ${file:PATH}, or ${credential:NAME} for systemd."
        )
        given = dialog.ask("Where is it kept", "--api-key", f"${{env:{API_KEY}}}")
    reference = secrets.kept(given, API_KEY)
    if reference != given:
        dialog.say(f"  That is the key itself, it seems. The file gets {reference}.")
    dialog.say()
    return reference


def _with_source(path: Path, config: FirstConfig, given: _Given, dialog: _Dialog, secrets: _Secrets) -> FirstConfig:
    """The configuration with a source whose values were seen, or that is wanted all the same."""
    from smithd.poll.registry import Registry

    registry = Registry()
    while True:
        dialog.has_asked = False
        drafted = _drafted(config, given, registry, dialog, secrets)
        try:
            found = _tried(path, drafted)
        except ConfigError as error:
            # What only flags have said is not asked for.
            if not dialog.has_asked:
                raise
            click.echo(f"\n{error}\n", err=True)
        else:
            for problem in found.problems:
                click.echo(f"The poll failed: {problem}", err=True)
            drafted = _with_values(drafted, found.samples, given, dialog)
            if not found.problems or not dialog.agrees("Change the answers"):
                return drafted
        dialog.say()


def _tried(path: Path, config: FirstConfig) -> trial.Trial:
    from smithd.config.load import load_sources

    with trial.written_beside(path, yaml(config)) as draft:
        loaded = load_sources(draft)
        with progress(f"polling {config.source}"):
            return trial.poll(loaded)


def _drafted(config: FirstConfig, given: _Given, registry: Registry, dialog: _Dialog, secrets: _Secrets) -> FirstConfig:
    """The configuration with a source, by flags and answers."""
    from smithd.config.fields import is_secret, is_text, keys

    kind = given.type or _type(registry, dialog)
    if kind not in registry.names():
        hint = did_you_mean(kind, registry.names()) or f"there are: {', '.join(registry.names())}"
        raise click.UsageError(f"There is no source type '{kind}'; {hint}")
    fields = keys(registry.find(kind).Options)
    options, typed = {}, {}
    for name, field in fields.items():
        if name != "metrics" and (field.is_required() or (name in given.options and is_secret(field))):
            typed[name] = given.options.get(name) or _option(name, field, kind, dialog)
    source = given.name or dialog.ask(
        "Its name in the configuration", "--name", source_name(kind, typed.get("url", "")), _valid_name
    )
    for name, value in typed.items():
        written = _without_secret(name, value, fields[name], source, secrets)
        options[name] = scalar(written) if is_text(fields[name]) else written
    options |= {name: value for name, value in given.options.items() if name not in typed}
    metrics = given.metrics if "metrics" in fields else {}
    if "metrics" in fields and not metrics:
        metrics = _metrics(fields["metrics"], kind, typed.get("url", ""), dialog)
    every = given.every or _EVERY_OF_TYPES.get(kind, _EVERY)
    return replace(config, source=source, type=kind, every=every, options=options, metrics=metrics)


def _type(registry: Registry, dialog: _Dialog) -> str:
    from smithd.poll.registry import PluginError

    names = registry.names()
    if dialog.is_there:
        click.echo("Where do your numbers come from?")
        for number, name in enumerate(names, 1):
            # One that cannot be used is said to be so when it is chosen.
            with suppress(PluginError):
                about = (registry.find(name).__doc__ or "").strip().partition("\n")[0]
                click.echo(f"  {number}  {name:<12} {shorten(about, 75, placeholder=' ...')}")
    return dialog.choose("Type", names, "--type", None)


def _option(name: str, field: FieldInfo, kind: str, dialog: _Dialog) -> str:
    text = f"{name} ({field.description})" if field.description else name
    default = _DEFAULT_URLS.get(kind) if name == "url" and dialog.is_there else None
    return dialog.ask(text, f"--{name}" if name == "url" else f"--option {name}=...", default)


def _without_secret(name: str, value: str, field: FieldInfo, source: str, secrets: _Secrets) -> str:
    """A value as it is written: a secret, or an address that has one, as a reference."""
    from smithd.config.fields import is_secret
    from smithd.redactor import has_credentials

    has_secret = is_secret(field)
    # What is no address is said when it is checked.
    with suppress(ValueError):
        has_secret = has_secret or (name == "url" and has_credentials(value))
    return secrets.kept(value, f"{source}_{name}".upper()) if has_secret else value


def _metrics(field: FieldInfo, kind: str, url: str, dialog: _Dialog) -> dict[str, str | None]:
    """One metric that is asked for; of a type that knows its metrics by name, some of them."""
    if named := _named_metrics(field):
        dialog.say(f"It knows: {', '.join(named)}")

        def valid(answer: str) -> str:
            for name in _listed(answer):
                if name not in named:
                    raise ValueError(f"there is no '{name}'; {did_you_mean(name, named) or 'choose from the list'}")
            return answer

        return dict.fromkeys(_listed(dialog.ask("Which (one, or several with commas)", "--metric NAME", None, valid)))
    what = _QUERIES.get(kind, field.description or "what brings the metric")
    query = _json_path(url, what, dialog) if kind == "http_json" else dialog.ask(what, "--metric NAME=QUERY")
    return {dialog.ask("Its name", "--metric NAME=QUERY", metric_name(query), _valid_name): query}


def _valid_name(answer: str) -> str:
    """The name of a source or a metric. The check of the file names a line of it, which nobody has seen yet."""
    if not is_name(answer):
        raise ValueError("expected small letters, digits and _, and no digit first, like error_rate")
    return answer


def _named_metrics(field: FieldInfo) -> list[str]:
    """The metrics that an option lists by name; none where it maps names of the user's own."""
    for part in get_args(field.annotation):
        if isinstance(part, type) and issubclass(part, Enum):
            return [str(each.value) for each in part]
    return []


def _listed(answer: str) -> list[str]:
    return [name for name in re.split(r"[,\s]+", answer) if name]


def _json_path(url: str, what: str, dialog: _Dialog) -> str:
    """A JSONPath, which may be chosen from those of the numbers in the answer."""
    document = trial.fetch_json(url) if dialog.is_there and "${" not in url else None
    found = list(islice(number_paths(document), MOST_NUMBERS + 1))
    if not found:
        return dialog.ask(what, "--metric NAME=QUERY")
    dialog.say("The numbers in its answer:")
    width = max(len(path) for path, _ in found[:MOST_NUMBERS])
    for number, (path, value) in enumerate(found[:MOST_NUMBERS], 1):
        dialog.say(f"  {number:>2}  {path:<{width}}  {value}")
    if len(found) > MOST_NUMBERS:
        dialog.say("  and more")

    def valid(answer: str) -> str:
        if answer.isdigit():
            if not 1 <= int(answer) <= min(len(found), MOST_NUMBERS):
                raise ValueError("expected a number of the list, or a JSONPath")
            return found[int(answer) - 1][0]
        if not answer.startswith("$"):
            raise ValueError("expected a number of the list, or a JSONPath, which begins with $")
        return answer

    return dialog.ask("Which one (its number, or a JSONPath)", "--metric NAME=QUERY", "1", valid)


def _with_values(config: FirstConfig, samples: Sequence[Sample], given: _Given, dialog: _Dialog) -> FirstConfig:
    """The configuration with the metrics that are shown, by what a poll brought, which is printed."""
    from smithd.formatting import number

    for sample in samples[:MOST_VALUES]:
        click.echo(f"  {_printable(str(sample.series))} = {number(sample.value)}")
    if len(samples) > MOST_VALUES:
        click.echo(f"  and {len(samples) - MOST_VALUES} more series")
    names = [f"{config.source}.{name}" for name in config.metrics or given.metrics]
    brought = list(dict.fromkeys(sample.series.metric for sample in samples))
    if not names and brought:
        names = [dialog.choose("Which metric", brought, "--metric NAME", brought[0] if len(brought) == 1 else None)]
    # A query of SQL may bring several metrics, called after its columns.
    names = [found for name in names for found in ([each for each in brought if _is_of(each, name)] or [name])]
    values = [sample.value for sample in samples if names and sample.series.metric == names[0]]
    if names and samples and not values:
        click.echo(f"  {names[0]}: no value")
    seen = values[0] if len(values) == 1 else None
    return replace(config, shown=names, seen=seen, pick="max" if len(values) > 1 else None)


def _is_of(metric: str, name: str) -> bool:
    return metric == name or metric.startswith(f"{name}.")


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _with_thresholds(config: FirstConfig, given: _Given, dialog: _Dialog) -> FirstConfig:
    from smithd.alerts.condition import parse_threshold
    from smithd.formatting import number

    def valid(answer: str) -> str:
        if answer:
            parse_threshold(answer)
        return answer

    if given.thresholds or not config.shown or not dialog.is_there:
        return replace(config, thresholds=given.thresholds)
    now = f", which is {number(config.seen)} now" if config.seen is not None else ""
    click.echo(f"\nWhen are you to be notified of {config.shown[0]}{now}? Like '> 5' or '< 1'; Enter for never.")
    answer = dialog.ask("Threshold", "--warning", "", valid)
    if answer and config.seen is not None and parse_threshold(answer).breached(config.seen):
        click.echo("  That is so now: smithd notifies you when it starts.")
    return replace(config, thresholds={"warning": answer} if answer else {})


def _write(path: Path, text: str) -> Config:
    """Check the text, and write it where there is no file yet."""
    from smithd.config.load import load

    with trial.written_beside(path, text) as draft:
        config = load(draft, secrets_required=False)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise click.UsageError(f"{path} exists by now, and is not replaced.") from None
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from None
    click.echo(f"\nWrote {path}, and checked it:\n")
    click.echo("".join(f"    {line}".rstrip() + "\n" for line in text.splitlines()))
    return config


def _next_steps(path: Path, text: str, config: Config, secrets: _Secrets) -> None:
    """What a person does next, in this order."""
    if config.widgets:
        keys = ", ".join(config.widgets)
        many = (
            "metrics with these keys, as numbers" if len(config.widgets) > 1 else "a metric with this key, as a number"
        )
        click.echo(f"In the ActivitySmith app, create {many}, and put it on your Lock Screen: {keys}")
    click.echo("Then:")
    unset = [
        name for name in re.findall(r"\$\{env:(\w+)\}", text) if name in secrets.variables or name not in os.environ
    ]
    steps = [
        (f"export {name}=...", "the API key" if name == API_KEY else "the secret") for name in dict.fromkeys(unset)
    ]
    option, argument = ("", "") if path == DEFAULT_CONFIG else (f" -c {path}", f" {path}")
    steps += [
        (f"smithd once{argument}", "poll once, and show what would be sent"),
        (f"smithd test-push{option}", "send one push to your phone"),
        (f"smithd run{argument}", "run it"),
        (f"smithd check{argument}", "after each change of the file"),
    ]
    width = max(len(command) for command, _ in steps)
    for command, what in steps:
        click.echo(f"  {command:<{width}}  # {what}")

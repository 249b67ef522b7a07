"""``smithd check``: checks a configuration, and lists what must exist in the app for it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import click
import yaml

from smithd.beside import without_collector
from smithd.cli import plan
from smithd.cli.options import (
    ask,
    files_argument,
    format_option,
    log_level_option,
    print_json,
    print_line,
    socket_option,
)
from smithd.clock import SystemClock
from smithd.config.certificates import check_certificates
from smithd.config.files import ConfigFiles
from smithd.config.load import load, load_effective
from smithd.config.model import Config, account_names
from smithd.config.needs import descriptor_needs
from smithd.descriptors import hard_limit
from smithd.errors import ConfigError, Remark
from smithd.formatting import counted


@click.command("check")
@files_argument
@format_option
@socket_option
@log_level_option
@click.option("--strict", is_flag=True, help="Secrets and files that are missing here are mistakes.")
@click.option(
    "--online", is_flag=True, help="Also poll every source once, and ask whether each account's key is right."
)
@click.option("--effective", is_flag=True, help="Print all of it in place of the report, with every default.")
@click.option("--diff", is_flag=True, help="Ask the running daemon instead what a reload would change.")
def check(
    config: ConfigFiles, output: str, socket: Path | None, strict: bool, online: bool, effective: bool, diff: bool
) -> int:
    """Check a configuration FILE (default: smithd.yaml in the current folder).

    Nothing is polled and nothing is sent; the certificates and keys that sources name are read. Every mistake is shown
    with its place, and the exit status is 2. Missing secrets and files are warnings, since those of a service exist
    only within the service; with --strict they are mistakes.

    With --online, every source is polled once, and each account ends a Live Activity that does not exist, by which the
    service says whether it takes the key: nothing is shown on a phone. Exit status 1 if a source or a key does not
    work, or cannot be tried.

    With --effective, all of the configuration is printed as YAML, as it is understood: its files united, short forms
    written out, defaults filled in, secrets masked.

    With --diff, the daemon that runs with this FILE reads its files and secrets again, and says what it would change if
    it reloaded; it changes nothing. The exit status is 0 whatever that is, and 2 where the files have mistakes.
    """
    if (diff or effective) and (strict or online or (diff and (effective or config.settings))):
        raise click.UsageError(
            "--diff and --effective go with no other check; the daemon that --diff asks has its --set."
        )
    try:
        if diff:
            return _show_changes(ask(config.first, socket, "changes"), output)
        if effective:
            return _show_effective(load_effective(config), output)
        loaded = load(config, secrets_required=strict, inspect=partial(check_certificates, SystemClock().now(), strict))
    except ConfigError as error:
        if output == "text" or not error.mistakes:
            raise
        print_json(refused(config.first, error))
        return 2
    return _show(loaded, output, online)


def _show(config: Config, output: str, online: bool) -> int:
    """Show a configuration without mistakes, and what sources and accounts answer."""
    with without_collector():
        warnings = [*config.remarks, *_unnamed_counters(config)]
        if output == "text":
            for line in summary(config, warnings):
                click.echo(line)
    asked = None
    if online:
        from smithd.cli.check_online import ask_all

        asked = ask_all(config)
    if output == "json":
        print_json(as_json(config, warnings) | ({"online": asked.as_json()} if asked is not None else {}))
    elif asked is not None:
        for line in asked.lines():
            print_line(line)
    return 0 if asked is None or asked.ok else 1


def _show_effective(found: Mapping[str, Any], output: str) -> int:
    if output == "json":
        print_json(found)
    else:
        click.echo(yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=100), nl=False)
    return 0


def _show_changes(found: Mapping[str, Any], output: str) -> int:
    if output == "json":
        print_json(found)
        return 0
    print_line("A reload would change:" if found["changes"] else "A reload would change nothing.")
    for each in found["changes"]:
        print_line(f"  {each['said']}")
    if found["refused"] is not None:
        print_line("It would be refused:")
        print_line(f"  {found['refused']}")
    return 0


def summary(config: Config, warnings: Sequence[Remark]) -> Iterator[str]:
    """The output for a configuration without mistakes, line by line."""
    counts = (
        counted(len(config.sources), "source"),
        counted(sum(len(source.metrics) for source in config.sources.values()), "metric"),
        counted(len(config.rules), "rule"),
        counted(len(config.widgets), "widget"),
        counted(len(config.live_activities), "Live Activity", "Live Activities"),
    )
    more = len(config.files) - 1
    files = f"{config.path} with {counted(more, 'more file')}" if more else str(config.path)
    yield f"{files} is fine: {', '.join(counts)}."
    if warnings:
        yield ""
        yield from (f"{each.place}: warning: {each.message}" for each in warnings)
    yield ""
    yield from plan.lines(config)

    needs, limit = descriptor_needs(config), hard_limit()
    yield ""
    yield f"File descriptors needed: {needs.all}; allowed here: {limit}."
    if limit < needs.least:
        yield "  With so few, polls fail: raise the limit (ulimit -Hn, or LimitNOFILE of the systemd unit)."
    elif limit < needs.all:
        yield "  With fewer than it needs, connections to sources are closed and opened again."

    if numbers := [key for key, widget in config.widgets.items() if not widget.is_text]:
        yield ""
        yield f"Widgets with numbers, which cannot be marked as stale (a text by 'format' can): {', '.join(numbers)}"
    if config.widgets:
        yield ""
        yield "Create these metrics in the ActivitySmith app, with this key and format (the API cannot create them):"
        width = max(map(len, config.widgets))
        for key, widget in config.widgets.items():
            names = account_names(widget.account)
            whose = f" (of {', '.join(names)})" if len(config.accounts) > 1 else ""
            yield f"  {key:<{width}}  {'string' if widget.is_text else 'number, currency, percent or unit'}{whose}"


def as_json(config: Config, warnings: Sequence[Remark]) -> dict[str, Any]:
    """The same for programs."""
    needs = descriptor_needs(config)
    return {
        "configuration": str(config.path),
        "files": list(map(str, config.files)),
        "fine": True,
        "mistakes": [],
        "warnings": [_remark(each) for each in warnings],
        "summary": {
            "accounts": len(config.accounts),
            "sources": len(config.sources),
            "metrics": sum(len(source.metrics) for source in config.sources.values()),
            "rules": len(config.rules),
            "widgets": len(config.widgets),
            "live_activities": len(config.live_activities),
        },
        "plan": plan.as_json(config),
        "descriptors": {"needed": needs.all, "least": needs.least, "allowed": hard_limit()},
        "metrics_to_create": [
            {"key": key, "format": "string" if widget.is_text else "number", "accounts": account_names(widget.account)}
            for key, widget in config.widgets.items()
        ],
    }


def refused(configuration: Path, error: ConfigError) -> dict[str, Any]:
    """A configuration with mistakes, for programs; ``configuration`` is its first file."""
    return {
        "configuration": str(configuration),
        "fine": False,
        "mistakes": [_remark(each) for each in error.mistakes],
        "warnings": [],
    }


def _remark(remark: Remark) -> dict[str, Any]:
    return {name: value for name, value in asdict(remark).items() if value is not None}


def _unnamed_counters(config: Config) -> Iterator[Remark]:
    """Warnings of rules that compare a counter with what it was, by what the state remembers of it."""
    rules = {
        name: options.metric
        for name, options in config.rules.items()
        if options.metric is not None and options.metric not in config.counters and name in config.places
    }
    if not rules or not os.path.exists(config.state):
        return
    # A configuration without such rules, or without a state, is checked without SQLAlchemy.
    from sqlalchemy.exc import SQLAlchemyError

    from smithd.series import rows
    from smithd.storage import sqlite

    engine = sqlite.engine(config.state, read_only=True)
    try:
        with engine.connect() as connection:
            found = rows.looks_like_counters(connection, set(rules.values()))
    # An unreadable state is reported by what needs it.
    except SQLAlchemyError:
        return
    finally:
        engine.dispose()
    for name, metric in rules.items():
        if metric in found:
            message = (
                f"{metric} rises and starts again, which this rule takes for a fall: "
                "let the metric say 'counter: daily' (it starts again at midnight) or 'counter: true' (at any time)"
            )
            yield replace(config.places[name], message=message)

"""``smithd check``: checks a configuration, and lists what must exist in the app for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial

import click

from smithd.cli import plan
from smithd.cli.options import files_argument, log_level_option
from smithd.clock import SystemClock
from smithd.config.certificates import check_certificates
from smithd.config.files import ConfigFiles
from smithd.config.load import load, without_collector
from smithd.config.model import Config, account_names
from smithd.config.needs import descriptor_needs
from smithd.descriptors import hard_limit
from smithd.formatting import counted


@click.command("check")
@files_argument
@log_level_option
def check(config: ConfigFiles) -> None:
    """Check a configuration FILE (default: smithd.yaml in the current folder).

    Nothing is polled and nothing is sent; the certificates and keys that sources name are read. Every mistake is shown
    with its place, and the exit status is 2. Missing secrets and files are warnings, since those of a service exist
    only within the service.
    """
    inspect = partial(check_certificates, SystemClock().now())
    with without_collector():
        for line in summary(load(config, secrets_required=False, inspect=inspect)):
            click.echo(line)


def summary(config: Config) -> Iterator[str]:
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
    warnings = [*config.warnings, *_unnamed_counters(config)]
    if warnings:
        yield ""
        yield from warnings
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


def _unnamed_counters(config: Config) -> Iterator[str]:
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
            yield (
                f"{config.places[name]}: warning: {metric} rises and starts again, which this rule takes for a fall: "
                "let the metric say 'counter: daily' (it starts again at midnight) or 'counter: true' (at any time)"
            )

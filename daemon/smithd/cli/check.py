"""``smithd check``: checks a configuration, and lists what must exist in the app for it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import click

from smithd.cli.options import config_argument, log_level_option
from smithd.clock import SystemClock
from smithd.config.certificates import check_certificates
from smithd.config.load import load, without_collector
from smithd.config.model import Config
from smithd.config.needs import descriptor_needs
from smithd.config.plan import FAMILY_NAMES, HOUR, WIDGETS_FETCHED_EVERY, SlotPlan, plan
from smithd.config.texts import widget_lengths
from smithd.descriptors import hard_limit
from smithd.formatting import counted, number
from smithd.lockscreen import widths
from smithd.surfaces.slots.demand import FOLD_KEY

MANY = 12
"""Names that a line has at most."""


@click.command("check")
@config_argument
@log_level_option
def check(config: Path) -> None:
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
    yield f"{config.path} is fine: {', '.join(counts)}."
    warnings = [*config.warnings, *_unnamed_counters(config)]
    if warnings:
        yield ""
        yield from warnings
    yield ""
    yield from _plan(config)

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
            yield f"  {key:<{width}}  {'string' if widget.is_text else 'number, currency, percent or unit'}"


def _plan(config: Config) -> Iterator[str]:
    """What it asks of the service and the phone."""
    planned = plan(config)
    yield "Requests a minute, while nothing fires / when every alert fires and resolves / allowed:"
    width = 17 + (max(map(len, config.accounts)) + 4 if len(config.accounts) > 1 else 0)
    for demand in planned.demands:
        name = FAMILY_NAMES[demand.family] + (f" of {demand.account}" if len(config.accounts) > 1 else "")
        yield f"  {name:<{width}}{_rate(demand.steady):>9} /{_rate(demand.worst):>9} /{demand.limit:>6,}"
    for slots in planned.slots:
        if slots.wanted:
            yield ""
            yield from _slots(slots, f" of {slots.account}" if len(config.accounts) > 1 else "")
    if planned.updates:
        shown = planned.updates[0].shown
        yield ""
        yield f"iOS shows about {shown:.0f} updates of a Live Activity an hour; these can change more often:"
        yield "  " + _listed([f"{each.stream} ({_rate(each.wanted)} times)" for each in planned.updates])
    if planned.unseen_widgets:
        fetches = HOUR / WIDGETS_FETCHED_EVERY
        yield ""
        yield f"iOS fetches widgets about {fetches:.0f} times an hour; these are sent more often (see min_interval):"
        yield "  " + _listed([f"{key} ({_rate(often)} times)" for key, often in planned.unseen_widgets.items()])
    lengths = widget_lengths(config)
    for place, width in (("a circle", widths.CIRCULAR), ("a rectangle", widths.RECTANGULAR)):
        if long := [f"{key} ({length})" for key, length in lengths.items() if length > width]:
            yield ""
            yield f"Widgets with texts that may be too long for {place} ({width} characters): {_listed(long)}"


def _listed(names: Sequence[str]) -> str:
    """The first of many names."""
    rest = len(names) - MANY
    return ", ".join(names[:MANY]) + (f" and {rest} more" if rest > 0 else "")


def _slots(slots: SlotPlan, whose: str) -> Iterator[str]:
    count = f"{slots.wanted} can be wanted at once, {len(slots.quiet)} of them while nothing fires"
    yield f"Live Activities{whose}: {count}; {slots.slots} fit."
    if slots.folded or slots.waiting:
        yield f"  If every alert fires, these are shown: {_listed(slots.shown)}"
    if slots.folded:
        yield f"  in one row each of {FOLD_KEY}: {_listed(slots.folded)}"
    if slots.waiting:
        yield f"  and these wait: {_listed(slots.waiting)}"


def _rate(often: float) -> str:
    """How often, so that what is rare is not none."""
    if 0 < often < 0.1:
        return "<0.1"
    return number(often, 0 if often >= 10 or often == int(often) else 1)


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

"""``smithd state``: what is in the state on disk, its backup, its check, its pruning and its export."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from smithd.cli.options import files_argument, files_option, format_option, print_json, print_line
from smithd.cli.progress import Advance, progress
from smithd.cli.state_file import unreadable
from smithd.cli.times import zone_lines
from smithd.errors import ConfigError, DatabaseError
from smithd.formatting import iso_time

if TYPE_CHECKING:
    from smithd.config.files import ConfigFiles
    from smithd.config.model import Config
    from smithd.stored.check import StateFinding
    from smithd.stored.info import Amount, StateInfo
    from smithd.stored.prune import Pruned

MOST_METRICS = 20
"""Metrics that the text lists."""


@click.group()
def state() -> None:
    """Look after the state on disk: what is in it, a backup, a check, pruning, an export.

    All but prune also work while a daemon runs, and ask none.
    """


def state_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--state PATH``: a state file itself, handed to the command as ``at`` (a Path, or None)."""
    return click.option(
        "--state",
        "at",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="PATH",
        help="A state file, like a backup, in place of the configuration's.",
    )(command)


@state.command()
@files_argument
@state_option
@format_option
def info(config: ConfigFiles, at: Path | None, output: str) -> None:
    """Show where the state is, its size, which smithd wrote it, who uses it, and how much of everything is in it."""
    from smithd.stored.info import look

    named = _named(config, at)
    with progress("counting"):
        found = look(named.path)
    report = named.clean(_info_report(found, named.zone))
    _print(output, report, _info_text(report))


@state.command()
@click.argument("target", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace FILE where there is one.")
@files_option
@state_option
@format_option
def backup(target: Path, force: bool, config: ConfigFiles, at: Path | None, output: str) -> None:
    """Copy the state to FILE, also while a daemon writes into it, and check the copy.

    FILE is one file, which only you can read. docs/state.md says how to restore it.
    """
    from smithd.storage import sqlite
    from smithd.storage.backup import back_up

    named = _named(config, at)
    if target.resolve() in sqlite.files(named.path.resolve()) or (target.exists() and target.samefile(named.path)):
        raise click.UsageError(f"{target} is the state itself, or a part of it: name another file.")
    if target.exists() and not force:
        raise click.UsageError(f"{target} exists already: name another file, or replace it with --force.")
    with progress("copying", 100) as advance:
        back_up(named.path, target, _percent(advance))
    size = target.stat().st_size
    report = {"state": str(named.path), "backup": str(target), "size": size}
    text = f"Copied {named.path} to {target}: {_bytes(size)}, checked."
    _print(output, report, [text])


@state.command()
@files_argument
@state_option
@format_option
def check(config: ConfigFiles, at: Path | None, output: str) -> int:
    """Check the state: is the file whole, are its tables right, and is every row understood? Works on a copy.

    Exit status 1 if something is wrong.
    """
    from smithd.stored.check import STEPS
    from smithd.stored.check import check as check_state

    named = _named(config, at)
    with _copied(named.path) as copy, progress("checking", STEPS) as advance:
        findings = [*check_state(named.path, copy, advance)]
    is_fine = not any(finding.wrong for finding in findings)
    report = {"state": str(named.path), "fine": is_fine, "findings": [asdict(finding) for finding in findings]}
    report = named.clean(report)
    _print(output, report, _check_text(named.path, findings))
    return 0 if is_fine else 1


@state.command()
@click.option("--dry-run", is_flag=True, help="Show what would be removed, also while a daemon runs.")
@files_argument
@format_option
def prune(dry_run: bool, config: ConfigFiles, output: str) -> None:
    """Remove what the configuration keeps no longer, and give unused space back to the disk.

    A running daemon removes what is too old by itself, but keeps the space; so this is for while none runs.
    """
    from smithd.clock import SystemClock
    from smithd.setup import set_up
    from smithd.storage.database import Database
    from smithd.storage.lock import daemon_pid
    from smithd.stored.prune import prune as prune_state

    named = _named(config, None)
    assert named.config is not None, "the configuration was named"
    now = SystemClock().now()
    setup = set_up(named.config, now)
    pid = daemon_pid(named.path.resolve())
    if dry_run:
        with _copied(named.path) as copy, progress("pruning a copy"):
            database = Database.open(copy)
            pruned = prune_state(database, setup, now)
            database.close()
    elif pid is not None:
        raise DatabaseError(
            f"smithd (pid {pid or 'unknown'}) uses {named.path}. It removes what is too old by itself. To give unused "
            "space back to the disk, stop it first (systemctl stop smithd, or Ctrl-C), then prune, then start it; "
            "--dry-run shows what that would bring"
        )
    else:
        with progress("pruning"):
            database = Database.open(named.path)
            pruned = prune_state(database, setup, now)
            database.close()
    report = {"state": str(named.path), "dry_run": dry_run, **asdict(pruned)}
    _print(output, report, [_prune_text(pruned, dry_run)])


class _Moment(click.ParamType[float]):
    """A time in seconds since 1970: a date, a date and a time, or how long ago."""

    name = "TIME"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        # Without a zone it is meant in the configuration's, which is not known yet.
        if not isinstance(value, str) or re.fullmatch(
            r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?)?", value
        ):
            return value
        from smithd.clock import SystemClock
        from smithd.plugin.options import parse_duration

        try:
            return SystemClock().now() - parse_duration(value)
        except ValueError:
            self.fail(
                f"'{value}' is no time; expected 2026-11-28, '2026-11-28 14:00', or how long ago, like 2h", param, ctx
            )


@state.command()
@click.option(
    "--part", "parts", multiple=True, metavar="NAME", help="Only this part, as 'state info' names it; repeat."
)
@click.option(
    "--metric", "metrics", multiple=True, metavar="NAME", help="Only samples of this metric; repeat for more."
)
@click.option("--from", "since", type=_Moment(), help="From this time on: 2026-11-28, '2026-11-28 14:00', 2h (ago).")
@click.option("--to", "until", type=_Moment(), help="Before this time.")
@click.option(
    "--format",
    "output",
    type=click.Choice(("jsonl", "csv")),
    default="jsonl",
    show_default=True,
    help="jsonl: one JSON object a line; csv: samples only.",
)
@files_argument
@state_option
def export(
    parts: Sequence[str],
    metrics: Sequence[str],
    since: Any,
    until: Any,
    output: str,
    config: ConfigFiles,
    at: Path | None,
) -> None:
    """Write what is in the state to stdout, for other programs. Times are in UTC.

    \b
    smithd state export > state.jsonl
    smithd state export --part decisions --from 7d
    smithd state export --format csv --metric shop.orders --from 2026-11-01 > orders.csv
    """
    from smithd.storage import sqlite
    from smithd.stored.export import Wanted, csv_lines, json_line, rows
    from smithd.stored.parts import PARTS
    from smithd.suggestion import did_you_mean

    named = _named(config, at)
    for part in parts:
        if part not in PARTS:
            hint = did_you_mean(part, PARTS) or f"there are: {', '.join(PARTS)}"
            raise click.UsageError(f"There is no part '{part}'; {hint}")
    if output == "csv" and set(parts) - {"samples"}:
        raise click.UsageError("csv is for samples only: leave out --part, or --format csv.")
    only_samples = bool(metrics) or output == "csv"
    chosen = parts or (["samples"] if only_samples else PARTS)
    wanted = Wanted(chosen, metrics, _seconds(since, named.zone), _seconds(until, named.zone))
    # On a terminal, the lines show that it goes on.
    shown = nullcontext() if sys.stdout.isatty() else progress("exporting")
    with sqlite.reading(named.path) as connection, shown:
        if metrics and (unknown := _unknown_metric(connection, metrics)):
            raise click.UsageError(unknown)
        if output == "csv":
            sys.stdout.writelines(csv_lines(connection, wanted))
        else:
            sys.stdout.writelines(json_line(row, named.clean) for row in rows(connection, wanted))


def _unknown_metric(connection: Any, metrics: Sequence[str]) -> str | None:
    from smithd.series.rows import amounts
    from smithd.suggestion import did_you_mean

    known = [name for name, *_ in amounts(connection)]
    for metric in metrics:
        if metric not in known:
            hint = did_you_mean(metric, known) or f"there are: {', '.join(known[:MOST_METRICS]) or 'none'}"
            return f"There are no samples of '{metric}' (only what something looks back on is kept); {hint}"
    return None


@dataclass(frozen=True, slots=True)
class _Named:
    """The state that was named, the zone in which its times are shown, and what masks secrets."""

    path: Path
    zone: ZoneInfo
    clean: Callable[[Any], Any]
    config: Config | None = None


def _named(config: ConfigFiles, at: Path | None) -> _Named:
    """The state of a configuration, or a file itself. Raises DatabaseError where none can be read there."""
    from smithd.config.load import load_rules
    from smithd.config.zones import local_zone, shown_zone
    from smithd.runtime.state import state_file

    if at is not None:
        named = _Named(at, shown_zone(local_zone() or ZoneInfo("UTC")), lambda value: value)
    else:
        try:
            loaded = load_rules(config)
        except ConfigError as error:
            raise ConfigError(f"{error}\nA state can be named without its configuration: --state PATH") from error
        named = _Named(state_file(loaded), loaded.zone, loaded.redactor.clean_all, loaded)
    if not os.access(named.path, os.R_OK) or not named.path.is_file():
        raise DatabaseError(unreadable(named.path, "it is no file"))
    return named


@contextmanager
def _copied(path: Path) -> Iterator[Path]:
    """A private copy of a state for the length of a block."""
    from smithd.storage import sqlite

    with tempfile.TemporaryDirectory(prefix="smithd-state-") as folder:
        copy = Path(folder) / path.name
        with progress("copying", 100) as advance:
            reason = sqlite.copy(path, copy, _percent(advance))
        if reason is not None:
            raise DatabaseError(unreadable(path, reason))
        yield copy


def _percent(advance: Advance) -> Callable[[int, int], None]:
    """Advances a bar of a hundred by the pages of a copy, which are counted downwards."""
    done = 0

    def copied(left: int, of: int) -> None:
        nonlocal done
        now = 100 * (of - left) // (of or 1)
        advance(now - done)
        done = now

    return copied


def _seconds(given: Any, zone: tzinfo) -> float | None:
    """What ``_Moment`` made, with a date in this zone."""
    if not isinstance(given, str):
        return given if given is None else float(given)
    try:
        at = datetime.fromisoformat(given)
    except ValueError as error:
        raise click.UsageError(f"'{given}' is no time: {error}.") from None
    return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).timestamp()


def _info_report(found: StateInfo, zone: ZoneInfo) -> dict[str, Any]:
    from smithd.storage.migration import HEAD

    def amount(each: Amount) -> dict[str, Any]:
        return {"rows": each.rows, "oldest": iso_time(each.oldest, zone), "newest": iso_time(each.newest, zone)}

    return {
        "path": str(found.path),
        "size": found.size,
        "log_size": found.log_size,
        "schema": found.schema,
        "newest_schema": HEAD,
        "written_by": found.written_by or None,
        "configuration": found.configuration or None,
        "daemon_pid": found.daemon_pid,
        "written_at": iso_time(found.written_at, zone),
        "timezone": zone.key,
        "accounts": [
            {"name": name, "address": each.address, "key_fingerprint": each.fingerprint}
            for name, each in found.accounts.items()
        ],
        "parts": {each.name: amount(each) for each in found.parts},
        "metrics": {each.name: amount(each) for each in found.metrics},
        "before_upgrades": [str(path) for path in found.before_upgrades],
    }


def _info_text(found: dict[str, Any]) -> Iterator[str]:
    from smithd.stored.parts import PARTS

    log = f", and {_bytes(found['log_size'])} in its log" if found["log_size"] else ""
    yield f"{found['path']}: {_bytes(found['size'])}{log}"
    wrote = f"smithd {found['written_by']}" if found["written_by"] else "an earlier smithd"
    tables = found["schema"] + ("" if found["schema"] == found["newest_schema"] else ", which a start upgrades")
    yield f"  written by     {wrote} (tables of version {tables})"
    yield f"  last commit    {_short(found['written_at'])}"
    pid = found["daemon_pid"]
    yield f"  in use by      {'no daemon' if pid is None else f'a daemon, pid {pid or chr(63)}'}"
    if found["configuration"]:
        yield f"  configuration  {found['configuration']}"
    for account in found["accounts"]:
        yield f"  account        {account['name']}: {account['address']}, key {account['key_fingerprint']}"
    for path in found["before_upgrades"]:
        yield f"  kept           {path}, from before the last upgrade"
    yield from zone_lines(found)
    yield ""
    amounts = {name: each for name, each in found["parts"].items() if each["rows"]}
    texts = {name: PARTS[name].text for name in amounts}
    yield from _table([(text if text == name else f"{text} ({name})", amounts[name]) for name, text in texts.items()])
    if not amounts:
        yield "nothing is in it yet"
    if metrics := [(f"  {name}", each) for name, each in found["metrics"].items()]:
        yield ""
        yield "samples by metric"
        yield from _table(metrics[:MOST_METRICS])
        if len(metrics) > MOST_METRICS:
            yield f"  and {len(metrics) - MOST_METRICS} more metrics (--format json has them)"


def _table(amounts: Sequence[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    width = max((len(name) for name, _ in amounts), default=0)
    for name, each in amounts:
        span = f"  {_short(each['oldest'])} to {_short(each['newest'])}" if each["oldest"] else ""
        yield f"{name:<{width}}  {each['rows']:>10,}{span}"


def _check_text(path: Path, findings: Sequence[StateFinding]) -> Iterator[str]:
    for finding in findings:
        yield f"{finding.about}: {'ok' if not finding.wrong else 'WRONG'}"
        yield from (f"  {line}" for each in finding.wrong for line in each.split("\n"))
    if any(finding.wrong for finding in findings):
        yield f"{path} is not as it should be. docs/state.md says how to restore a backup."
    else:
        yield f"{path} is fine."


def _prune_text(pruned: Pruned, dry_run: bool) -> str:
    from smithd.stored.parts import PARTS

    removed = ", ".join(f"{count:,} {PARTS[name].text}" for name, count in pruned.removed.items()) or "nothing"
    sizes = f"from {_bytes(pruned.size_before)} to {_bytes(pruned.size_after)}"
    if dry_run:
        return f"Would remove: {removed}; the file would go {sizes}."
    return f"Removed: {removed}; the file went {sizes}."


def _print(output: str, report: dict[str, Any], text: Iterable[str]) -> None:
    if output == "json":
        print_json(report)
        return
    for line in text:
        print_line(line)


def _short(at: str) -> str:
    """A time for a person."""
    return datetime.fromisoformat(at).strftime("%Y-%m-%d %H:%M:%S")


def _bytes(size: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"

"""``smithd test``: runs tests of rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import click

from smithd.cli.options import format_option, log_level_option, print_json
from smithd.cli.progress import above, progress
from smithd.formatting import counted


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--record",
    metavar="FILE",
    type=click.File("w", encoding="utf-8", lazy=False),
    help="Write every request that the phone would have got to this file, one JSON object a line.",
)
@log_level_option
@format_option
def test(files: tuple[Path, ...], record: IO[str] | None, output: str) -> int:
    """Run the tests in each FILE: its series are evaluated, and alerts and messages are compared with what is expected.

    Nothing is polled and nothing is sent, and a day takes about a second. Exit status 1 if a test fails, 2 if a file
    has mistakes.
    """
    ran = []
    for each in _run(files, record):
        ran.append(each)
        if output == "text":
            with above():
                click.echo("\n".join(_text(each)))
    failed = sum(bool(each.differences) for each in ran)
    tests = counted(len(ran), "test")
    if output == "json":
        print_json({"tests": [_as_json(each) for each in ran], "failed": failed})
    else:
        click.echo(f"{tests}, {failed} failed" if failed else f"{tests}, all as expected")
    return 1 if failed else 0


class _Ran(NamedTuple):
    """A test that ran: its file and its name, and each difference with its place and its lines."""

    path: Path
    name: str
    differences: Sequence[tuple[str, Sequence[str]]]


def _run(files: Sequence[Path], record: IO[str] | None) -> Iterator[_Ran]:
    from smithd.ruletest.compare import differences
    from smithd.ruletest.play import play
    from smithd.ruletest.read import read_tests
    from smithd.ruletest.record import recorded

    # All files are read first, so that a mistake in the last one is reported before any test runs.
    plans = []
    with progress("reading", len(files)) as advance:
        for path in files:
            plans.append(read_tests(path, must_expect=record is None))
            advance(1)
    cases = [(plan, index, case) for plan in plans for index, case in enumerate(plan.tests.tests)]
    with progress("testing", len(cases)) as advance:
        for plan, index, case in cases:
            played = play(plan.config, plan.tests, case, plan.tables[index])
            if record is not None:
                lines = recorded(str(plan.path), case.name, played, plan.config.zone, plan.config.redactor)
                record.writelines(f"{line}\n" for line in lines)
            found = [(str(plan.place(each.at)), each.lines) for each in differences(case, ("tests", index), played)]
            advance(1)
            yield _Ran(plan.path, case.name, found)


def _text(ran: _Ran) -> Iterator[str]:
    yield f"{'FAILED' if ran.differences else 'ok':<7} {ran.path}: {ran.name}"
    for place, (first, *rest) in ran.differences:
        yield f"  {place}: {first}"
        yield from (f"    {line}" for line in rest)


def _as_json(ran: _Ran) -> dict[str, Any]:
    return {
        "file": str(ran.path),
        "name": ran.name,
        "ok": not ran.differences,
        "differences": [{"place": place, "lines": list(lines)} for place, lines in ran.differences],
    }

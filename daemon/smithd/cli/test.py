"""``smithd test``: runs tests of rules."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import click

from smithd.cli.options import log_level_option


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--record",
    metavar="FILE",
    type=click.File("w", encoding="utf-8", lazy=False),
    help="Write every request that the phone would have got to this file, one JSON object a line.",
)
@log_level_option
def test(files: tuple[Path, ...], record: IO[str] | None) -> int:
    """Run the tests in each FILE: its series are evaluated, and alerts and messages are compared with what is expected.

    Nothing is polled and nothing is sent, and a day takes about a second. Exit status 1 if a test fails, 2 if a file
    has mistakes.
    """
    from smithd.ruletest.compare import differences
    from smithd.ruletest.play import play
    from smithd.ruletest.read import read_tests
    from smithd.ruletest.record import recorded

    failed = count = 0
    # All files are read first, so that a mistake in the last one is reported before any test runs.
    for plan in [read_tests(path, must_expect=record is None) for path in files]:
        for index, case in enumerate(plan.tests.tests):
            count += 1
            played = play(plan.config, plan.tests, case, plan.tables[index])
            if record is not None:
                lines = recorded(str(plan.path), case.name, played, plan.config.zone, plan.config.redactor)
                record.writelines(f"{line}\n" for line in lines)
            found = list(differences(case, ("tests", index), played))
            click.echo(f"{'FAILED' if found else 'ok':<7} {plan.path}: {case.name}")
            for difference in found:
                first, *rest = difference.lines
                click.echo("\n".join([f"  {plan.place(difference.at)}: {first}", *(f"    {line}" for line in rest)]))
            failed += bool(found)
    tests = "1 test" if count == 1 else f"{count} tests"
    click.echo(f"{tests}, {failed} failed" if failed else f"{tests}, all as expected")
    return 1 if failed else 0

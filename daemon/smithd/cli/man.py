"""``smithd man``: the manual pages, from the texts of ``--help``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from smithd import __version__
from smithd.cli.roff import ManualPage, roff

_ONE_LINE = 10_000
"""A width, in columns, at which click breaks no line of a usage or a summary; troff breaks them."""


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
def man(directory: Path) -> None:
    """Write the manual pages into DIR/man1: smithd(1), and one for each command, like smithd-run(1).

    They say what --help says. man looks into /usr/local/share/man, and into ~/.local/share/man where ~/.local/bin is
    in the PATH:

    \b
    smithd man ~/.local/share/man
    man smithd-check
    """
    from smithd.cli.main import group

    folder = directory / "man1"
    pages = list(_pages(group, "smithd", None))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for page in pages:
            (folder / f"{page.name}.1").write_text(roff(page), encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{error.filename or folder}: {error.strerror}") from None
    click.echo(f"Wrote {len(pages)} pages into {folder}.")


def _pages(command: click.Command, name: str, parent: click.Context | None) -> Iterator[ManualPage]:
    """The page of a command, and those of the commands below it."""
    settings = dict(command.context_settings) | {"terminal_width": _ONE_LINE, "max_content_width": _ONE_LINE}
    context = command.context_class(command, info_name=name, parent=parent, **settings)
    below = _commands(command, context)
    yield ManualPage(
        path=context.command_path,
        version=f"smithd {__version__}",
        summary=_summary(command),
        usage=command.get_usage(context).removeprefix("Usage: "),
        text=command.help or "",
        options=list(_options(command, context)),
        commands=[(part, _summary(found)) for part, found in below.items()],
        epilog=command.epilog or "",
    )
    for part, found in below.items():
        yield from _pages(found, part, context)


def _options(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    """The options with their texts; arguments have none, the text of their command explains them."""
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Option) and (record := parameter.get_help_record(context)) is not None:
            yield record


def _commands(command: click.Command, context: click.Context) -> dict[str, click.Command]:
    if not isinstance(command, click.Group):
        return {}
    found = ((name, command.get_command(context, name)) for name in command.list_commands(context))
    return {name: part for name, part in found if part is not None and not part.hidden}


def _summary(command: click.Command) -> str:
    return command.get_short_help_str(limit=_ONE_LINE)

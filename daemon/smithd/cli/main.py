"""The command ``smithd``: imports the module of a command, and turns the way it ends into an exit status."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from smithd import __version__
from smithd.errors import ConfigError, SmithdError, TermLost
from smithd.suggestion import did_you_mean

COMMANDS = {
    "init": "Write a first configuration, by asking or by flags.",
    "run": "Poll, evaluate rules and keep the Lock Screen up to date, until stopped.",
    "reload": "Make the running daemon read its configuration again.",
    "silence": "Suppress notifications for a while; list and end silences.",
    "check": "Check a configuration file and show what it needs.",
    "test": "Test rules: which alerts and messages do these series lead to?",
    "status": "Show how the running daemon is: sources, alerts, surfaces, delivery, state.",
    "outbox": "Show what waits to be sent, why, and until when.",
    "explain": "Explain why an alert was notified, or was not; or what the phone shows, and why.",
    "once": "Poll every source once and show what would be sent.",
    "state": "Look after the state: what is in it, backup, check, pruning, export.",
    "test-push": "Send one push, to test the key and the phone.",
    "demo": "See it work with a simulated shop and phone.",
    "simulator": "Run a simulator of the ActivitySmith service.",
    "sources": "List the types of sources, with their options.",
    "schema": "Print a JSON Schema of the configuration, for editors.",
    "completion": "Print the completion script of bash, zsh or fish.",
    "man": "Write the manual pages.",
}
"""The commands with what each does. Each has its own file, which is imported when the command is called."""

COMPLETE_VARIABLE = "_SMITHD_COMPLETE"
"""The variable in the environment with which a shell's completion script asks: click's, for a program of this name."""

FAILURE, MISTAKE, LOST, INTERRUPTED = 1, 2, 3, 130


DOCUMENTATION = next(
    (
        folder
        for folder in (Path(__file__).parents[3], Path(sys.prefix, "share/doc/smithd"))
        if (folder / "docs").exists()
    ),
    None,
)
"""The folder with README.md, ``docs/`` and the examples: a checkout, or what the wheel brings into its environment."""


class _CommandGroup(click.Group):
    """Imports a command when it is called, so that the help of all commands imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"smithd.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        command.short_help = COMMANDS[cmd_name]
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        hint = did_you_mean(args[0], COMMANDS.keys()) if args and args[0] not in COMMANDS else None
        # A shell that asks how to complete an unknown command is answered with nothing, not with an error.
        if hint is not None and not ctx.resilient_parsing:
            ctx.fail(f"No such command '{args[0]}'; {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=_CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 success; 1 something failed while running; 2 a mistake in the configuration or in the "
    "command line; 3 another smithd has the state by now; 130 interrupted from the keyboard."
    + (f"\n\n\b\nDocumentation: {DOCUMENTATION}/README.md, and docs/ beside it" if DOCUMENTATION else ""),
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def group() -> None:
    """Poll metrics, evaluate rules on them, and keep an iPhone's Lock Screen up to date through ActivitySmith.

    \b
    First steps:
      smithd demo                      see it work, without an account
      smithd init                      write a first configuration, by asking
      smithd sources                   list what can be polled, with all options
      smithd check smithd.yaml         check a configuration
      smithd test rules.test.yaml      test its rules
      smithd once smithd.yaml          poll once and show what would be sent
      smithd run smithd.yaml           run the daemon

    Each command takes -h. The configuration is a YAML file, or several, named with -c FILE (with check, once and run
    also as FILE alone); without a name it is smithd.yaml in the current folder.
    """


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line (default: this process's) and return its exit status; nothing is raised."""
    try:
        # Without standalone_mode=False, click would end the process itself, with exit statuses of its own.
        status = group.main(args=arguments, prog_name="smithd", complete_var=COMPLETE_VARIABLE, standalone_mode=False)
        # Here, so that a reader that is gone is noticed while its error can still be caught.
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except SmithdError as error:
        click.echo(str(error), err=True)
        return MISTAKE if isinstance(error, ConfigError) else LOST if isinstance(error, TermLost) else FAILURE
    except (KeyboardInterrupt, click.Abort) as error:
        # click turns an interrupt into Abort; the original has a note where a plugin's code was interrupted.
        for note in getattr(error.__cause__ or error, "__notes__", ()):
            click.echo(note, err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader is gone: discard what is still to be written, also at the interpreter's end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILURE
    except Exception as error:  # noqa: BLE001 - the last place that can report a bug
        if os.environ.get("SMITHD_DEBUG"):
            traceback.print_exception(error)
        click.echo(f"smithd: this is a bug in smithd: {type(error).__name__}: {error}", err=True)
        click.echo("Please report it, with the traceback that SMITHD_DEBUG=1 in the environment shows.", err=True)
        return FAILURE


def main() -> None:
    """The entry point."""
    sys.exit(run())

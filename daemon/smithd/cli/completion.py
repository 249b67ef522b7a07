"""``smithd completion``: the completion script of a shell."""

from __future__ import annotations

import click

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the script that makes a SHELL complete smithd's commands, options and files with Tab.

    \b
    bash (4.4 or newer), in ~/.bashrc:     eval "$(smithd completion bash)"
    zsh, in ~/.zshrc, after compinit:      eval "$(smithd completion zsh)"
    fish, once: smithd completion fish > ~/.config/fish/completions/smithd.fish
    """
    from click.shell_completion import get_completion_class

    from smithd.cli.main import COMPLETE_VARIABLE, group

    script = get_completion_class(shell)
    if script is None:
        raise click.UsageError(f"This version of click has no completion for {shell}.")
    source = script(group, {}, "smithd", COMPLETE_VARIABLE).source()
    # click's script of fish would show descriptions up to their first comma.
    click.echo(source.replace('string split ","', 'string split --max 1 ","'))

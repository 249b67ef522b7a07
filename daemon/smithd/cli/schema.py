"""``smithd schema``: the configuration language for editors."""

from __future__ import annotations

import json

import click

from smithd.cli.options import plugins_option
from smithd.config.files import ConfigFiles


@click.command()
@plugins_option
def schema(config: ConfigFiles | None) -> int:
    """Print a JSON Schema of the whole configuration, with the options of every source type.

    \b
    smithd schema > smithd.schema.json
    and as the first line of smithd.yaml, for the YAML language server of your editor:
    # yaml-language-server: $schema=smithd.schema.json

    Exit status 1 if a source type cannot be described; the schema then accepts any options for it.
    """
    from smithd.config.load import registry_of
    from smithd.config.schema import configuration_schema
    from smithd.poll.registry import PluginError, Registry

    registry = registry_of(config) if config is not None else Registry()
    types, problems = {}, []
    for name in registry.names():
        try:
            types[name] = registry.find(name)
        except PluginError as error:
            problems.append(str(error))
    made, failed = configuration_schema(types)
    click.echo(json.dumps(made, indent=2, ensure_ascii=False))
    problems += [f"the options of source type '{name}' cannot be described: {why}" for name, why in failed.items()]
    for problem in problems:
        click.echo(problem, err=True)
    return 1 if problems else 0

"""``smithd sources new``: a source of one's own, as a package that works and is tested."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from string import Template

import click

_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")

_FILES = {
    "pyproject.toml": "pyproject.toml.txt",
    "README.md": "README.md.txt",
    "smithd_{name}/__init__.py": "source.py.txt",
    "smithd_{name}/py.typed": None,
    "tests/test_smithd_{name}.py": "test_source.py.txt",
}
"""What a package consists of: where each file goes, and its text in the skeleton."""


@click.command("new")
@click.argument("name")
@click.option("--into", type=click.Path(path_type=Path), default=Path(), metavar="FOLDER", help="Default: here.")
def new(name: str, into: Path) -> None:
    """Write a package with a source of type NAME: a skeleton that works, with tests and packaging.

    NAME: small letters, digits and _, like weather or fuel_prices. Nothing that exists is overwritten.
    """
    if not _NAME.fullmatch(name):
        near = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_0123456789")
        hint = f"; like '{near}'" if near else ""
        raise click.UsageError(f"'{name}' cannot be a source type: expected small letters, digits and _{hint}.")
    folder = into / f"smithd-{name.replace('_', '-')}"
    words = {"name": name, "dashed": name.replace("_", "-"), "class_name": "".join(map(str.title, name.split("_")))}
    try:
        folder.mkdir(parents=True)
        for place, text in _FILES.items():
            path = folder / place.format(name=name)
            path.parent.mkdir(exist_ok=True)
            path.write_text(Template(_skeleton(text)).substitute(words) if text else "", encoding="utf-8")
    except FileExistsError:
        raise click.UsageError(f"{folder} exists already: choose another name, or another folder by --into.") from None
    except OSError as error:
        raise click.ClickException(f"{error.filename or folder}: {error.strerror}") from None
    click.echo(
        f"Made {folder}: a source that asks a web service for one number.\n\n"
        f"  cd {folder}\n"
        "  pip install -e '.[dev]'        # into the environment of smithd\n"
        "  pytest                         # its tests pass as they are\n"
        f"  smithd sources {name}          # smithd knows it now\n\n"
        f"Then make smithd_{name}/__init__.py your own; docs/writing-a-source.md tells how."
    )


def _skeleton(name: str) -> str:
    return (files("smithd.cli") / "skeleton" / name).read_text(encoding="utf-8")

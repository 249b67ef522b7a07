"""``smithd sources new``: creates a package with a source of your own, with tests."""

from __future__ import annotations

import ast
import keyword
import re
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template

import click

from smithd.poll.registry import Registry

_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")

_FILES = {
    "pyproject.toml": "pyproject.toml.txt",
    "README.md": "README.md.txt",
    "smithd_{name}/__init__.py": "source.py.txt",
    "smithd_{name}/py.typed": None,
    "tests/test_smithd_{name}.py": "test_source.py.txt",
}
"""The files of a package, and the text of each in the skeleton."""


@click.command("new")
@click.argument("name")
@click.option("--into", type=click.Path(path_type=Path), default=Path(), metavar="FOLDER", help="Default: here.")
def new(name: str, into: Path) -> None:
    """Create a package with a source of type NAME: a skeleton that works, with tests and packaging.

    NAME: small letters, digits and _, like weather or fuel_prices. Existing files are not overwritten.
    """
    if not _NAME.fullmatch(name):
        near = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_0123456789")
        hint = f"; like '{near}'" if near else ""
        raise click.UsageError(f"'{name}' cannot be a source type: expected small letters, digits and _{hint}.")
    if (why := _taken(name)) is not None:
        raise click.UsageError(f"'{name}' cannot be a source type of your own: {why}. Choose another name.")
    folder = into / f"smithd-{name.replace('_', '-')}"
    words = _words(name)
    try:
        # A folder that exists is refused here, before anything is written into it.
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
        f"Made {folder}: a source that polls a web service for one number.\n\n"
        f"  cd {folder}\n"
        "  pip install -e '.[dev]'        # into the environment of smithd\n"
        "  pytest                         # its tests pass as they are\n"
        f"  smithd sources {name}          # smithd lists it now\n\n"
        f"Then change smithd_{name}/__init__.py to your needs, as docs/writing-a-source.md describes."
    )


def _words(name: str) -> dict[str, str]:
    class_name = "".join(map(str.title, name.split("_")))
    return {"name": name, "dashed": name.replace("_", "-"), "class_name": class_name}


def _taken(name: str) -> str | None:
    """Why a name cannot be used; None if it can."""
    class_name = _words(name)["class_name"]
    if name in Registry().names():
        return "an installed package has this type already, and smithd refuses both of two packages with one type"
    if name in ("list", "new"):
        return f"'smithd sources {name}' means something else"
    if keyword.iskeyword(name) or keyword.iskeyword(class_name):
        return "it is a keyword of Python"
    if class_name in _names_of_the_skeleton():
        return f"its class would be called {class_name}, as something that it needs"
    if find_spec(f"smithd_{name}") is not None:
        return f"there is a package smithd_{name} already"
    return None


def _names_of_the_skeleton() -> set[str]:
    """The names that the skeleton's modules define, import and use."""
    names: set[str] = set()
    for text in filter(None, (text for place, text in _FILES.items() if place.endswith(".py"))):
        for node in ast.walk(ast.parse(Template(_skeleton(text)).substitute(_words("neutral_name")))):
            if isinstance(node, ast.Name):
                names.add(node.id)
            elif isinstance(node, ast.alias | ast.ClassDef):
                names.add(node.name)
    return names


def _skeleton(name: str) -> str:
    return (files("smithd.cli") / "skeleton" / name).read_text(encoding="utf-8")

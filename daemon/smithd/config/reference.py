"""``python -m smithd.config.reference``: write docs/reference.md anew after an option was added or changed."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from smithd.config.described import DescribedKey, described_keys
from smithd.config.fields import keys
from smithd.config.model import File
from smithd.poll.registry import Registry, SourceClass
from smithd.poll.schedule import ScheduleOptions
from smithd.surfaces.activity.options import ITS_TYPE
from smithd.surfaces.activity.registry import TYPES as ACTIVITIES

PAGE = Path(__file__).parents[3] / "docs/reference.md"

_PAGES = {
    "activitysmith": "[What smithd may send](requests.md)",
    "accounts": "[Several accounts](accounts.md)",
    "web": "[The page](page.md)",
    "heartbeat": "[Watching smithd](monitoring.md#heartbeat)",
    "rules": "[Rules](rules.md)",
    "time_windows": "[Time windows](rules.md#time-windows)",
    "widgets": "[Widgets](widgets.md)",
    "live_activities": "[Live Activities](live-activities.md)",
    "badge": "[The badge](widgets.md#the-badge)",
}
"""Where more is said about a key of the file's first level."""

_HEAD = """\
# Configuration reference

<!-- Written by `python -m smithd.config.reference`: change the descriptions in the code, not this page. -->

Every key of the configuration file, what may be written for it, and what it is for;
[config.example.yaml](../config.example.yaml) shows them in place. `<name>` stands for a name that you choose. The keys
of a list's entries follow the list's name: `actions.title` is the title of each of the `actions`.

A duration is written like `30s`, `5m`, `1h30m` or `2d`. A secret is best a reference: `${env:NAME}`, `${file:PATH}` or
`${credential:NAME}`; any other plain value may be one, too. A template is a text of
[Jinja2](https://jinja.palletsprojects.com); [Texts](texts.md) lists the names and filters that it knows.

`smithd sources` shows the options of all types of sources that are installed. `smithd schema > smithd.schema.json`
writes a JSON Schema for your editor: with `# yaml-language-server: $schema=smithd.schema.json` as the first line of
your configuration, the editor completes and checks as you type.
"""


def reference(sources: Mapping[str, SourceClass]) -> str:
    """The page: the file's first level, then a section for each of its keys, with the options of these sources."""
    top = keys(File)
    described = list(described_keys(File))
    parts = [_HEAD, "## The first level\n", _table(key for key in described if key.key in top)]
    for name in top:
        if name == "sources":
            parts += _sources(sources)
        elif name == "live_activities":
            parts += _live_activities()
        elif below := [key for key in described if key.key.startswith(f"{name}.")]:
            parts += _section(name, below)
    return "\n".join(parts)


def _section(name: str, below: list[DescribedKey]) -> Iterator[str]:
    """A key of the first level, and the keys below it."""
    path = f"{name}.<name>." if below[0].key.startswith(f"{name}.<name>.") else f"{name}."
    more = f" More about it: {_PAGES[name]}." if name in _PAGES else ""
    yield f"## {name}\n"
    yield f"The keys below `{path[:-1]}`.{more}\n"
    yield _table(key._replace(key=key.key.removeprefix(path)) for key in below)


def _sources(types: Mapping[str, SourceClass]) -> Iterator[str]:
    yield "## sources\n"
    yield "The keys below `sources.<name>` that every source has; `type` decides which others there are.\n"
    yield _table(described_keys(ScheduleOptions))
    for name, source in types.items():
        yield f"### Source type {name}\n"
        yield f"{_first_line(source)} [More about it](sources/{name}.md).\n"
        yield _table(described_keys(source.Options))


def _live_activities() -> Iterator[str]:
    """What all types share, once; then what each has besides."""
    of_type = {name: [key for key in described_keys(model) if key.key != "type"] for name, model in ACTIVITIES.items()}
    first, *others = of_type.values()
    shared = [key for key in first if all(key in other for other in others)]
    kind = DescribedKey("type", f"{' or '.join(ACTIVITIES)}, required", ITS_TYPE)
    more = f"More about it: {_PAGES['live_activities']}."
    yield "## live_activities\n"
    yield f"The keys below `live_activities.<name>` that all have; `type` decides which others there are. {more}\n"
    yield _table([kind, *shared])
    for name, own in of_type.items():
        yield f"### Live Activity type {name}\n"
        yield f"{_first_line(ACTIVITIES[name])}\n"
        yield _table(key for key in own if key not in shared)


def _first_line(described: type[object]) -> str:
    return inspect.cleandoc(described.__doc__ or "").partition("\n")[0]


def _table(described: Iterable[DescribedKey]) -> str:
    rows = (f"| `{key.key}` | {_cell(key.kind)} | {_cell(key.description)} |" for key in described)
    return "\n".join(["| key | what may be written | what it is for |", "|---|---|---|", *rows, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def built_in() -> dict[str, SourceClass]:
    """The types of sources that come with smithd."""
    registry = Registry()
    found = {name: registry.find(name) for name in registry.names()}
    return {name: source for name, source in found.items() if source.__module__.startswith("smithd_sources.")}


if __name__ == "__main__":
    PAGE.write_text(reference(built_in()))

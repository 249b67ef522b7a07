"""``python -m smithd.config.reference``: write docs/reference.md anew after an option was added or changed."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from smithd.config.described import DescribedKey, described_keys
from smithd.config.fields import Model, keys
from smithd.config.model import File
from smithd.poll.registry import Registry, SourceClass
from smithd.poll.schedule import ScheduleOptions
from smithd.surfaces.activity.registry import TYPES as ACTIVITIES

PAGE = Path(__file__).parents[3] / "docs/reference.md"

_PAGES = {
    "activitysmith": "requests.md",
    "accounts": "accounts.md",
    "state": "state.md",
    "web": "page.md",
    "heartbeat": "monitoring.md",
    "derived": "expressions.md",
    "rules": "rules.md",
    "time_windows": "rules.md#time-windows",
    "widgets": "widgets.md",
    "live_activities": "live-activities.md",
    "badge": "widgets.md#the-badge",
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
        below = [key for key in described if key.key.startswith(f"{name}.")]
        if name == "sources":
            parts += _sources(sources)
        elif name == "live_activities":
            parts += _live_activities()
        elif below:
            parts += [f"## {name}\n", _about(name), _table(below)]
    return "\n".join(part for part in parts if part)


def _about(name: str) -> str:
    page = _PAGES.get(name)
    return f"More about it: [{page.partition('#')[0]}]({page}).\n" if page else ""


def _sources(types: Mapping[str, SourceClass]) -> Iterator[str]:
    yield "## sources\n"
    yield "The keys of every source; `type` decides which others there are.\n"
    yield _table(_below("sources.<name>", described_keys(ScheduleOptions)))
    for name, source in types.items():
        yield f"### Source type {name}\n"
        yield f"{inspect.cleandoc(source.__doc__ or '').partition(chr(10))[0]} [More about it](sources/{name}.md).\n"
        yield _table(described_keys(source.Options))


def _live_activities() -> Iterator[str]:
    """What all types share, once; then what each has besides."""
    of_type = {name: [key for key in described_keys(model) if key.key != "type"] for name, model in ACTIVITIES.items()}
    first, *others = of_type.values()
    shared = [key for key in first if all(key in other for other in others)]
    yield "## live_activities\n"
    yield _about("live_activities")
    yield "The keys of every Live Activity; `type` decides which others there are.\n"
    yield _table(_below("live_activities.<name>", [_type_of(ACTIVITIES), *shared]))
    for name, own in of_type.items():
        yield f"### Live Activity type {name}\n"
        yield f"{_first_line(ACTIVITIES[name])}\n"
        yield _table(key for key in own if key not in shared)


def _type_of(types: Mapping[str, Model]) -> DescribedKey:
    return DescribedKey("type", f"{' or '.join(types)}, required", "the type of the Live Activity")


def _first_line(model: Model) -> str:
    return inspect.cleandoc(model.__doc__ or "").partition("\n")[0]


def _below(path: str, described: Iterable[DescribedKey]) -> Iterator[DescribedKey]:
    return (key._replace(key=f"{path}.{key.key}") for key in described)


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

"""Which files a configuration consists of: those that are named, and those that they include."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice, takewhile
from pathlib import Path

from smithd.config.diagnostic import Diagnostic, Position
from smithd.config.files import ConfigFiles
from smithd.config.report.diagnostics import Report
from smithd.config.yaml.compose import compose
from smithd.config.yaml.document import MAX_BYTES, UnreadableFile, read
from smithd.config.yaml.positions import ListNode, MappingNode, Node, ScalarNode

INCLUDE = "include"
MOST_FILES = 1000


@dataclass
class Gathered:
    """The trees of all files that could be read, without their ``include``, and where they are; ``patterns`` are the
    globs that decide which files there are. ``missing``: those that are named and not there; ``complete``: there are
    none, and each file is a mapping.
    """

    trees: list[MappingNode] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    patterns: list[str] = field(default_factory=list)
    missing: list[Path] = field(default_factory=list)
    complete: bool = True


def gather(files: ConfigFiles, report: Report) -> Gathered:
    """Read the files, each with those that it includes behind it; one that is met again is not read again.

    What is wrong with them as files, and as YAML, goes into the report.
    """
    found = Gathered()
    seen: set[str] = set()
    size = 0
    waiting = list(reversed(files.paths))
    while waiting:
        path = waiting.pop()
        # Compared by where it leads: a glob may find the file that it stands in, and a symbolic link to another.
        if (real := os.path.realpath(path)) in seen:
            continue
        seen.add(real)
        found.paths.append(path)
        tree = read_tree(path, report, is_whole=path == files.first, hint=files.hint)
        size += sum(map(len, report.lines[path]))
        if len(seen) > MOST_FILES or size > MAX_BYTES:
            limit = f"{MOST_FILES} files" if len(seen) > MOST_FILES else f"{MAX_BYTES // 1_000_000} MB"
            report.add(Diagnostic(path, f"with this file, the configuration has more than {limit}"))
            found.complete = False
            return found
        if tree is None:
            found.complete = False
            continue
        found.trees.append(tree)
        if (included := tree.entries.pop(INCLUDE, None)) is not None:
            waiting += reversed(list(_included(included.value, found, report)))
    return found


def read_tree(path: Path, report: Report, *, is_whole: bool = True, hint: str | None = None) -> MappingNode | None:
    """The tree of a file; None where it has none, which is in the report then.

    A file that is not the ``is_whole`` configuration may be empty: that is a warning. ``hint``: what to do where
    it is not there.
    """
    try:
        document = read(path, hint)
    except UnreadableFile as error:
        report.show(path, error.lines)
        report.add(error.diagnostic)
        return None
    report.show(path, document.lines)
    composition = compose(document)
    for diagnostic in composition.diagnostics:
        report.add(diagnostic)
    for node in composition.settled:
        report.settle(node)
    tree = composition.tree
    if tree is not None:
        report.mask.know(tree)
    if isinstance(tree, MappingNode):
        return tree
    if tree is not None:
        kind = "a list" if isinstance(tree, ListNode) else "a single text"
        report.at(tree, f"the file is {kind}", expected="expected keys with values, like 'sources:'")
    elif not composition.diagnostics and is_whole:
        hint = "config.example.yaml shows what it can contain"
        report.add(Diagnostic(Position(path, 0, 0), "the file is empty", hint=hint))
    elif not composition.diagnostics:
        report.warn_of_file(path, "the file is empty")
        start = Position(path, 0, 0)
        return MappingNode(path, start, start)
    return None


def _included(node: Node, found: Gathered, report: Report) -> Iterator[Path]:
    """The files that an ``include`` names, in its order; those of a glob in the order of their names."""
    for item in node.items if isinstance(node, ListNode) else [node]:
        if not isinstance(item, ScalarNode) or not item.text or "\0" in item.text:
            expected = "expected the path of a file, or of several, like conf.d/*.yaml"
            report.at(item, "this cannot be included", expected=expected)
            found.complete = False
            continue
        of = _of_glob if glob.has_magic(item.text) else _of_name
        yield from of(item, found, report)


def _of_name(item: ScalarNode, found: Gathered, report: Report) -> Iterator[Path]:
    named = item.file.parent / os.path.expanduser(item.text)
    if os.path.isdir(named):
        hint = f"{item.text.rstrip('/')}/*.yaml includes the files in it"
        report.at(item, f"{named} is a directory", hint=hint)
    elif not os.path.exists(named):
        report.at(item, f"there is no file {named}", hint="a glob, like *.yaml, may find none")
    else:
        yield named
        return
    found.missing.append(named)
    found.complete = False


def _of_glob(item: ScalarNode, found: Gathered, report: Report) -> Iterator[Path]:
    folder, wanted = item.file.parent, os.path.expanduser(item.text)
    pattern = os.path.join(glob.escape(str(folder)), wanted)
    found.patterns.append(pattern)
    if _is_closed(begins := _begins_in(folder, wanted)):
        # A glob finds nothing there, and what stands there would be missed.
        hint = "the user that smithd runs as must be able to read it"
        report.at(item, f"the folder {begins} cannot be read: permission denied", hint=hint)
        found.complete = False
        return
    paths = matching(pattern)
    if not paths:
        report.warn(item, "no file matches this")
    yield from paths


def matching(pattern: str) -> list[Path]:
    """The files that match a glob, sorted; of too many, enough to show that."""
    # Not Path.is_dir: that raises an error in a folder that may be listed only.
    names = (name for name in glob.iglob(pattern, recursive=True) if not os.path.isdir(name))
    return sorted(map(Path, islice(names, MOST_FILES + 1)))


def _is_closed(folder: Path) -> bool:
    as_it_runs = os.access in os.supports_effective_ids
    return os.path.isdir(folder) and not os.access(folder, os.R_OK | os.X_OK, effective_ids=as_it_runs)


def _begins_in(folder: Path, pattern: str) -> Path:
    """The folder below which a glob searches."""
    return folder.joinpath(*takewhile(lambda part: not glob.has_magic(part), Path(pattern).parts))
